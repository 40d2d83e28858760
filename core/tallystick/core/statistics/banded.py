"""Measures of a column's values in bands: how many people are in each, and what follows from that.

A band's count is a part of those who have a value, which is shown, so the counts of a row are tested together: at the desk each and what it
leaves; with a gate as a table of their own whose total is known. Where one is small, nothing of the measure is shown in that row. No least
or greatest value is ever shown, and bands without an end say nothing of how far they go.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise
from typing import ClassVar, Final

from tallystick.core.measure import Detail, Exact, Form, Measure
from tallystick.core.moments import Banded, Moment

STEP: Final = Fraction(1, 20)
"""How far the neighbors of a fuzzy quantile are from it."""


class BandedMeasure(Measure):
    """A measure worked out from counts of people in bands.

    Attributes:
        at: the edges, as text of numbers that rise; each is in the band above it.
    """

    form: ClassVar[Form] = "bands"
    kinds: ClassVar[frozenset[str]] = frozenset({"integer", "decimal"})
    at: tuple[str, ...] = ()

    def label(self, columns: tuple[str, ...]) -> str:
        """Write what its numbers are called."""
        return f"{self.name}({', '.join(columns)} at {', '.join(self.at)})"

    def bands(self, columns: tuple[str, ...]) -> tuple[Banded, ...]:
        """Give how many people are in each band, from the lowest on."""
        ends = [None, *self.at, None]
        return tuple(Banded(columns[0], low, high, None, tuple(dict.fromkeys(columns))) for low, high in pairwise(ends))

    def moments(self, columns: tuple[str, ...]) -> tuple[Moment, ...]:
        """Give the counts of the bands, and how many have a value."""
        return (*self.bands(columns), self.rests_on(columns))

    def read_counts(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact]) -> list[int]:
        """Give how many people are in each band."""
        return [int(opened[band]) for band in self.bands(columns)]

    def find_quantile(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact], share: Fraction) -> Fraction | None:
        """Give the value below which a share of the people are, or of fuzzy quantiles the mean of those `STEP` below and above it."""
        if not self.fuzzy:
            return self._interpolate(columns, opened, share)
        low, high = (self._interpolate(columns, opened, share + step) for step in (-STEP, STEP))
        return None if low is None or high is None else (low + high) / 2

    def _interpolate(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact], share: Fraction) -> Fraction | None:
        """Give the value below which a share of the people are, supposing that they are spread evenly over their band.

        q = L + (share·n - F) / f · (U - L), with L, U the ends of the band in which it lies, f its people and F those below; of two bands
        that it lies between, the upper end of the lower one. None if it lies in a band without an end.
        """
        counts = self.read_counts(columns, opened)
        wanted, below = share * sum(counts), 0
        for count, (low, high) in zip(counts, pairwise([None, *self.at, None]), strict=True):
            if count and below + count >= wanted:
                if low is None or high is None:
                    return None
                return Fraction(low) + (wanted - below) / count * (Fraction(high) - Fraction(low))
            below += count
        return None

    def list_bands(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact]) -> list[dict[str, Detail]]:
        """Give each band with its ends, people, and share of all."""
        counts = self.read_counts(columns, opened)
        n = sum(counts)
        return [
            {"from": band.low, "to": band.high, "count": count, "share": Fraction(count, n) if n else None}
            for band, count in zip(self.bands(columns), counts, strict=True)
        ]
