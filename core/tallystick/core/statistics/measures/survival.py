"""Survival: the share of people for whom an event has not come by each of declared times (Kaplan and Meier)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from math import exp, log, sqrt
from typing import Any

from tallystick.core.linkage.quality.intervals import Z
from tallystick.core.measure import Detail, Exact, Undefined
from tallystick.core.moments import Banded, Moment
from tallystick.core.statistics.banded import BandedMeasure


class SurvivalMeasure(BandedMeasure):
    """S(t_i) = Π_{j ≤ i} (1 - d_j / r_j), by declared bands of a time.

    A band's d are people whose time lies in it and for whom the event came; r are those whose time lies in it or above, less nobody: who is
    lost in a band is counted as at risk for all of it, as if it were lost at its end. So it is Kaplan and Meier's estimate of times that are
    told by their band alone, and too high where many are lost within bands (docs/benchmarks.md has by how much an interval then misses).
    With Greenwood's standard error s(S) = S·√(Σ d / (r·(r - d))) and the interval of log(-log S) at 95 %,
    S^exp(±z·s / (S·log S)). The value is S at the last edge.

    The first column is the time until the event or until the person was lost, the second whether the event came. Median survival is the upper
    end of the first band at whose end S is at most one half. The last band, without an end, only adds people at risk.

    Reference: Kaplan, Meier, "Nonparametric estimation from incomplete observations", JASA 53 (1958); Greenwood 1926; the interval:
    Kalbfleisch, Prentice, "The Statistical Analysis of Failure Time Data", 2nd edition, Wiley 2002, §1.4.
    """

    name = "survival"
    arity = 2
    decimals = 3
    meaning = "share without an event by bands of a time: `{of: GROUP.TIME, event: GROUP.CAME, at: [NUMBER, …]}`"
    note = (
        "S at the last edge (Kaplan-Meier), with people at risk, events, S, standard error (Greenwood) and 95 % interval at each edge, and the "
        "median. Hidden where few people are in a band, or few of a band have the event, or lack it"
    )

    def takes_kind(self, place: int, kind: str) -> bool:
        """Tell whether a column may be of a type: the second says whether the event came."""
        return kind == "boolean" if place else kind in self.kinds

    def moments(self, columns: tuple[str, ...]) -> tuple[Moment, ...]:
        """Give the people of each band, those of them for whom the event came, and how many have both values."""
        return (*self.bands(columns), *self._events(columns), self.rests_on(columns))

    def value(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact]) -> Fraction | Undefined:
        """Give S at the last edge."""
        if not sum(self.read_counts(columns, opened)):
            return Undefined("nobody has both values")
        return self._curve(columns, opened)[-1][2]

    def detail(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact]) -> Mapping[str, Detail]:
        """Give the curve, and the median if S falls to one half."""
        curve: list[Detail] = []
        sum_of = Fraction(0)
        for edge, (risk, events, share) in zip(self.at, self._curve(columns, opened), strict=True):
            sum_of += Fraction(events, risk * (risk - events)) if risk > events else 0
            point: dict[str, Detail] = {"by": edge, "at_risk": risk, "events": events, "survival": share}
            if 0 < share < 1:
                error, scale = float(share) * sqrt(sum_of), sqrt(sum_of) / log(share)
                point |= {"se": error, "low": float(share) ** exp(-Z * scale), "high": float(share) ** exp(Z * scale)}
            curve.append(point)
        median = next((edge for edge, one in zip(self.at, self._curve(columns, opened), strict=True) if 2 * one[2] <= 1), None)
        return {"curve": curve, "median": None if median is None else Fraction(median)}

    def format_detail(self, value: float, detail: Mapping[str, Any]) -> str:
        """Write S at each edge."""
        if not detail:
            return self.format_value(value)
        return ", ".join(f"{one['survival']:.3f} by {one['by']}" for one in detail["curve"])

    def _events(self, columns: tuple[str, ...]) -> tuple[Banded, ...]:
        return tuple(replace(band, of=columns[1]) for band in self.bands(columns))

    def _curve(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact]) -> list[tuple[int, int, Fraction]]:
        """Give people at risk and events of each band with an end, and S at it."""
        counts = self.read_counts(columns, opened)
        risk, share, found = sum(counts), Fraction(1), []
        for count, event in zip(counts[:-1], self._events(columns)[:-1], strict=True):
            events = int(opened[event])
            share *= 1 - Fraction(events, risk) if risk else 1
            found.append((risk, events, share))
            risk -= count
        return found
