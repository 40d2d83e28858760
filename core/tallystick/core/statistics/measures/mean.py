"""Mean: of a column's values, over people who have one."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from tallystick.core.measure import Exact, Measure, Undefined
from tallystick.core.moments import Moment, Sum


class MeanMeasure(Measure):
    """Σx / n, with n the people who have a value. Of a boolean: the share. The double nearest to it is shown."""

    name = "mean"
    meaning = "mean over a column with bounds"
    note = "as `sum`; of a boolean: the share"

    def moments(self, columns: tuple[str, ...]) -> tuple[Moment, ...]:
        """Give Σx, and how many have a value."""
        return (Sum(columns), self.rests_on(columns))

    def value(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact]) -> Fraction | Undefined:
        """Give Σx / n; nothing where nobody has a value."""
        n = opened[self.rests_on(columns)]
        return Fraction(opened[Sum(columns)]) / n if n else Undefined()
