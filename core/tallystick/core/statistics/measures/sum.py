"""Sum: of a column's values, over people who have one."""

from __future__ import annotations

from collections.abc import Mapping

from tallystick.core.measure import Exact, Measure
from tallystick.core.moments import Moment, Sum


class SumMeasure(Measure):
    """Σx. Of a boolean: how many."""

    name = "sum"
    meaning = "sum over a column with bounds, `GROUP.COLUMN`"
    note = "people whose value is missing are left out; their number is shown. Of a boolean: how many"

    def moments(self, columns: tuple[str, ...]) -> tuple[Moment, ...]:
        """Give Σx, and how many have a value."""
        return (Sum(columns), self.rests_on(columns))

    def value(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact]) -> Exact:
        """Give Σx."""
        return opened[Sum(columns)]
