"""Concentration: which share of a column's total the people of its highest bands have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from tallystick.core.measure import Detail, Exact, Undefined
from tallystick.core.moments import Banded, Moment, format_band
from tallystick.core.statistics.banded import BandedMeasure


class ConcentrationMeasure(BandedMeasure):
    """c = Σx of the highest band / Σx of all, by declared bands of x, such as a person's cost.

    Beside it stand each band's people and sum with their shares, and Gini's coefficient of bands, 1 - Σ (P_i - P_{i-1})·(S_i + S_{i-1}), with
    P and S the cumulative shares of people and of the total from the lowest band on: a lower bound of that of people. The bands are the job's
    to choose; no greatest value is shown, and the band of the largest costs needs as many people as any.

    Reference: Gastwirth, "The estimation of the Lorenz curve and Gini index", Review of Economics and Statistics 54 (1972), (lower bound).
    """

    name = "concentration"
    decimals = 3
    meaning = "share of a column's total in its highest band: `{of: GROUP.COLUMN, at: [NUMBER, …]}`"
    note = "of a column without values below 0; with people and sum by band, and Gini's coefficient of bands. Shown where `histogram` would be"

    def moments(self, columns: tuple[str, ...]) -> tuple[Moment, ...]:
        """Give the counts and sums of the bands, and how many have a value."""
        return (*self.bands(columns), *self._sums(columns), self.rests_on(columns))

    def value(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact]) -> Fraction | Undefined:
        """Give the share of the highest band."""
        sums = [opened[one] for one in self._sums(columns)]
        if any(one < 0 for one in sums):
            return Undefined("a band's sum is below 0")
        return Fraction(sums[-1]) / sum(sums) if sum(sums) else Undefined("the total is 0")

    def detail(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact]) -> Mapping[str, Detail]:
        """Give the bands with their sums, and Gini's coefficient of them."""
        counts, sums = self.read_counts(columns, opened), [opened[one] for one in self._sums(columns)]
        whole, gini, held = Fraction(sum(sums)), Fraction(1), Fraction(0)
        for count, one in zip(counts, sums, strict=True):
            gini -= Fraction(count, sum(counts)) * (2 * held + one / whole)
            held += one / whole
        bands = [
            {**band, "sum": one, "share_of_total": one / whole}
            for band, one in zip(self.list_bands(columns, opened), sums, strict=True)
        ]
        return {"bands": bands, "gini": gini}

    def format_detail(self, value: float, detail: Mapping[str, Any]) -> str:
        """Write which share of the total which share of the people has."""
        if not detail:
            return self.format_value(value)
        top = detail["bands"][-1]
        return f"{value:.1%} of the total by {top['share']:.1%} of the people ({format_band(top['from'], top['to'])})"

    def _sums(self, columns: tuple[str, ...]) -> tuple[Banded, ...]:
        return tuple(replace(band, of=columns[0]) for band in self.bands(columns))
