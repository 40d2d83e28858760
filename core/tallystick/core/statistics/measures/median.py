"""Median: of a column's values, from declared bands."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from tallystick.core.measure import Exact, Undefined
from tallystick.core.moments import Moment
from tallystick.core.statistics.banded import BandedMeasure


class MedianMeasure(BandedMeasure):
    """The median of grouped data, L + (n/2 - F) / f · (U - L): people are taken to be spread evenly over the band in which it lies.

    So it is as exact as the bands are narrow. No value of a person is shown. Where it lies in a band without an end there is none: give edges
    beyond it. Where the agreement's profile has fuzzy quantiles it is (p45 + p55) / 2.

    Reference: Kenney, Keeping, "Mathematics of Statistics", part 1, 3rd edition, Van Nostrand 1954, §3.4.
    """

    name = "median"
    fuzzy = False
    meaning = "median over bands of a column: `{of: GROUP.COLUMN, at: [NUMBER, …]}`"
    note = "interpolated within its band; needs edges around it. Shown where `histogram` would be"

    def value(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact]) -> Fraction | Undefined:
        """Give the median."""
        if not sum(self.read_counts(columns, opened)):
            return Undefined("nobody has a value")
        found = self.find_quantile(columns, opened, Fraction(1, 2))
        return Undefined("it lies in a band without an end") if found is None else found
