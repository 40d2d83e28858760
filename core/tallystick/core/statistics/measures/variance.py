"""Variance of the sample: of a column's values, over people who have one."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from tallystick.core.measure import Exact, Measure, Undefined
from tallystick.core.moments import Moment, Sum


class VarianceMeasure(Measure):
    """s² = (n·Σx² - (Σx)²) / (n·(n - 1)), with n the people who have a value.

    The unbiased estimate from a sample (Bessel's correction), which needs two values. The textbook warns of this form because its
    difference cancels in floating point; here it is of whole numbers, so exact, and the double nearest to s² is shown.

    Reference: Chan, Golub, LeVeque, "Algorithms for Computing the Sample Variance", The American Statistician 37 (1983), (1.1) and (1.3).
    """

    name = "variance"
    meaning = "variance over a column with bounds, of the sample (n - 1)"
    note = "as `sum`, and needs two values; of a boolean: hidden where the number of people would be"

    def moments(self, columns: tuple[str, ...]) -> tuple[Moment, ...]:
        """Give Σx, Σx², and how many have a value."""
        return (Sum(columns), Sum(columns * 2), self.rests_on(columns))

    def value(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact]) -> Fraction | Undefined:
        """Give s²."""
        n, total, squares = opened[self.rests_on(columns)], opened[Sum(columns)], opened[Sum(columns * 2)]
        if n < 2:
            return Undefined("fewer than two values")
        return Fraction(n * squares - total * total) / (n * (n - 1))
