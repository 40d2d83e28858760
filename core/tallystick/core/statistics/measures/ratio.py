"""Ratio: of two columns' sums, over people who have a value of both; with its parts and a standard error."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import sqrt
from typing import Any

from tallystick.core.linkage.quality.intervals import Z
from tallystick.core.measure import Detail, Exact, Measure, Undefined
from tallystick.core.moments import Moment, Sum


class RatioMeasure(Measure):
    """R = Σx / Σy, the first column over the second, over people who have both.

    Beside it stand Σx and Σy, and by linearisation, with n the people who have both and e = x - R·y,

        s(R) = √(n / (n - 1) · Σe²) / |Σy|        Σe² = Σx² - 2·R·Σxy + R²·Σy²

    and R ± z·s(R) at 95 %. It is the usual estimate for large samples; with fewer than two people there is none.

    Reference: Cochran, "Sampling Techniques", 3rd edition, Wiley 1977, §6.4 and (6.13), without the correction for a finite population.
    """

    name = "ratio"
    arity = 2
    decimals = 3
    meaning = "the sum over the first column divided by that over the second: `[GROUP.COLUMN, GROUP.COLUMN]`"
    note = (
        "over people who have a value of both; with both sums, a standard error (linearised) and a 95 % interval. Of two booleans: hidden "
        "where few people are in one of the four ways to have them"
    )

    def moments(self, columns: tuple[str, ...]) -> tuple[Moment, ...]:
        """Give both sums, those of squares and of the product, and how many have both."""
        x, y = columns
        ways = dict.fromkeys([(x,), (y,), (x, x), (x, y), (y, y)])
        return (*(Sum(way, columns) for way in ways), self.rests_on(columns))

    def value(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact]) -> Fraction | Undefined:
        """Give R; nothing where the second sum is 0."""
        top, bottom = self._sums(columns, opened)
        return Fraction(top) / bottom if bottom else Undefined("the second sum is 0")

    def detail(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact]) -> Mapping[str, Detail]:
        """Give both sums, the standard error and the interval."""
        x, y = columns
        n, (top, bottom) = opened[self.rests_on(columns)], self._sums(columns, opened)
        parts: dict[str, Detail] = {"numerator": top, "denominator": bottom}
        if n < 2:
            return parts
        ratio = Fraction(top) / bottom
        squares = [opened[Sum(way, columns)] for way in ((x, x), (x, y), (y, y))]
        errors = squares[0] - 2 * ratio * squares[1] + ratio * ratio * squares[2]
        error = sqrt(Fraction(n) / (n - 1) * errors / (bottom * bottom))
        return parts | {"se": error, "low": float(ratio) - Z * error, "high": float(ratio) + Z * error}

    def format_detail(self, value: float, detail: Mapping[str, Any]) -> str:
        """Write it with its parts."""
        if not detail:
            return self.format_value(value)
        return f"{value:,.3f} ({_write(detail['numerator'])} / {_write(detail['denominator'])})"

    def _sums(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact]) -> tuple[Exact, Exact]:
        x, y = columns
        return opened[Sum((x,), columns)], opened[Sum((y,), columns)]


def _write(value: float) -> str:
    return f"{value:,.2f}".removesuffix(".00")
