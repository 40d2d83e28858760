"""Histogram: people by declared bands of a column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tallystick.core.measure import Detail, Exact, Undefined
from tallystick.core.moments import Moment, format_band
from tallystick.core.statistics.banded import BandedMeasure


class HistogramMeasure(BandedMeasure):
    """How many people are in each band, and which share of those who have a value. The value is how many have one."""

    name = "histogram"
    decimals = 0
    meaning = "people by bands of a column: `{of: GROUP.COLUMN, at: [NUMBER, …]}`"
    note = "edges are in the band above; a row shows it where no band has few people, and none all but few"

    def value(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact]) -> int | Undefined:
        """Give how many have a value."""
        return sum(self.read_counts(columns, opened)) or Undefined("nobody has a value")

    def detail(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact]) -> Mapping[str, Detail]:
        """Give the bands."""
        return {"bands": self.list_bands(columns, opened)}

    def format_detail(self, value: float, detail: Mapping[str, Any]) -> str:
        """Write each band with how many people it has."""
        if not detail:
            return self.format_value(value)
        return "; ".join(f"{format_band(band['from'], band['to'])}: {band['count']:,}" for band in detail["bands"])
