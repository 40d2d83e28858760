"""Quantiles: tenth, quarter, half, three quarters, nine tenths of the people, from declared bands of a column."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

from tallystick.core.measure import Detail, Exact, Undefined
from tallystick.core.moments import Moment
from tallystick.core.statistics.banded import BandedMeasure

SHARES: Final = {
    "p10": Fraction(1, 10),
    "p25": Fraction(1, 4),
    "p50": Fraction(1, 2),
    "p75": Fraction(3, 4),
    "p90": Fraction(9, 10),
}


class QuantilesMeasure(BandedMeasure):
    """The values below which 10, 25, 50, 75 and 90 % of the people are, each interpolated within its band as the median is (`median.py`).

    The value is the interquartile range, p75 - p25. A quantile that lies in a band without an end is null; never a least or greatest value.
    Where the agreement's profile has fuzzy quantiles, each is the mean of those 5 points below and above it.
    """

    name = "quantiles"
    fuzzy = False
    meaning = "quantiles over bands of a column: `{of: GROUP.COLUMN, at: [NUMBER, …]}`"
    note = "the range between quarters, with the 10th, 25th, 50th, 75th and 90th percentile; as `median`"

    def value(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact]) -> Fraction | Undefined:
        """Give the range between the quarters."""
        if not sum(self.read_counts(columns, opened)):
            return Undefined("nobody has a value")
        low, high = (self.find_quantile(columns, opened, SHARES[name]) for name in ("p25", "p75"))
        return Undefined("a quarter lies in a band without an end") if low is None or high is None else high - low

    def detail(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact]) -> Mapping[str, Detail]:
        """Give the quantiles."""
        return {name: self.find_quantile(columns, opened, share) for name, share in SHARES.items()}

    def round_detail(self, detail: Mapping[str, Any], decimals: int) -> Mapping[str, Any]:
        """Give the quantiles, rounded."""
        return {name: None if one is None else round(one, decimals) for name, one in detail.items()}

    def format_detail(self, value: float, detail: Mapping[str, Any]) -> str:
        """Write the quantiles; those in bands without an end as a dash."""
        if not detail:
            return self.format_value(value)
        return ", ".join(f"{name} {'-' if detail[name] is None else f'{detail[name]:,.2f}'}" for name in SHARES)
