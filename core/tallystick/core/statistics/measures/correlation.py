"""Correlation: Pearson's, of two columns, with an interval and p."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import atanh, copysign, sqrt, tanh
from typing import Any

from tallystick.core.linkage.quality.intervals import Z
from tallystick.core.measure import Detail, Exact, Measure, Undefined
from tallystick.core.moments import Moment, Sum
from tallystick.core.statistics.distributions import compute_t_tails


class CorrelationMeasure(Measure):
    """r = (n·Σxy - Σx·Σy) / √((n·Σx² - (Σx)²)·(n·Σy² - (Σy)²)), over people who have both.

    With t = r·√((n - 2) / (1 - r²)) and its two-sided p on n - 2 degrees of freedom, and, of more than three people, Fisher's interval
    tanh(atanh r ± z / √(n - 3)) at 95 %. p and interval suppose values near a normal distribution.

    Reference: Fisher, "On the 'probable error' of a coefficient of correlation deduced from a small sample", Metron 1 (1921).
    """

    name = "correlation"
    arity = 2
    decimals = 3
    meaning = "Pearson's correlation of two columns: `[GROUP.COLUMN, GROUP.COLUMN]`"
    note = (
        "over people who have both; with a 95 % interval (Fisher) and p. Of two booleans: hidden where few people are in one of the four ways "
        "to have them"
    )

    def moments(self, columns: tuple[str, ...]) -> tuple[Moment, ...]:
        """Give n, Σx, Σy, Σx², Σxy and Σy², over people who have both."""
        x, y = columns
        return (*(Sum(way, columns) for way in ((x,), (y,), (x, x), (x, y), (y, y))), self.rests_on(columns))

    def value(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact]) -> float | Undefined:
        """Give r."""
        x, y = columns
        n = opened[self.rests_on(columns)]
        if n < 2:
            return Undefined("fewer than two people have both values")

        def spread(one: str, other: str) -> Fraction:
            return Fraction(
                n * opened[Sum((one, other), columns)] - opened[Sum((one,), columns)] * opened[Sum((other,), columns)]
            )

        both = spread(x, x) * spread(y, y)
        if not both:
            return Undefined("one of the columns has one value alone")
        together = spread(x, y)
        return copysign(sqrt(together * together / both), together)

    def detail(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact]) -> Mapping[str, Detail]:
        """Give t, p and the interval, where there are enough people and r is not 1."""
        r, n = self.value(columns, opened), int(opened[self.rests_on(columns)])
        if isinstance(r, Undefined) or n < 4 or abs(r) >= 1:
            return {}
        t = r * sqrt((n - 2) / (1 - r * r))
        reach = Z / sqrt(n - 3)
        return {
            "t": t,
            "df": n - 2,
            "p": compute_t_tails(t, n - 2),
            "low": tanh(atanh(r) - reach),
            "high": tanh(atanh(r) + reach),
        }

    def format_detail(self, value: float, detail: Mapping[str, Any]) -> str:
        """Write it with its interval and p."""
        if not detail:
            return self.format_value(value)
        return f"{value:.3f} ({detail['low']:.3f} to {detail['high']:.3f}; p = {detail['p']:.3g})"
