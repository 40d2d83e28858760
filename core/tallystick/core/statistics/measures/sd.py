"""Standard deviation of the sample: of a column's values, over people who have one."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import isqrt
from typing import Final

from tallystick.core.measure import Exact, Measure, Undefined
from tallystick.core.moments import Moment, Sum

_BITS: Final = 64
"""Of the root before it is rounded: a double has 53, and one more than that must be exact."""


class StandardDeviationMeasure(Measure):
    """s = √((n·Σx² - (Σx)²) / (n·(n - 1))), with n the people who have a value.

    The root of the unbiased variance (`variance.py`); itself slightly biased, as it is everywhere. The root of an exact fraction, rounded
    once: the double nearest to s is shown.

    Reference: as `variance.py`; the root by integers: Brent, Zimmermann, "Modern Computer Arithmetic", Cambridge 2010, §1.5 and §3.5.
    """

    name = "sd"
    meaning = "standard deviation over a column with bounds, of the sample (n - 1)"
    note = "as `variance`"

    def moments(self, columns: tuple[str, ...]) -> tuple[Moment, ...]:
        """Give Σx, Σx², and how many have a value."""
        return (Sum(columns), Sum(columns * 2), self.rests_on(columns))

    def value(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact]) -> float | Undefined:
        """Give s."""
        n, total, squares = opened[self.rests_on(columns)], opened[Sum(columns)], opened[Sum(columns * 2)]
        if n < 2:
            return Undefined("fewer than two values")
        return _nearest_root(Fraction(n * squares - total * total) / (n * (n - 1)))


def _nearest_root(value: Fraction) -> float:
    """Give the double nearest to the root of a fraction that is not negative.

    r = ⌊√(value · 4^k)⌋ has at least `_BITS` bits. Where the root is no whole number, the last bit of r is set, so that it lies on the
    same side as the root of every double and of every middle between two; then r / 2^k rounds as the root does.
    """
    if value == 0:
        return 0.0
    k = max(0, _BITS + (value.denominator.bit_length() - value.numerator.bit_length() + 1) // 2)
    scaled = value * 4**k
    root = isqrt(scaled.numerator // scaled.denominator)
    exact = root * root == scaled
    return float(Fraction(root if exact else root | 1, 2**k))
