"""Count: the people of a row."""

from __future__ import annotations

from collections.abc import Mapping

from tallystick.core.measure import Exact, Measure
from tallystick.core.moments import Moment


class CountMeasure(Measure):
    """n. Every row of every table has it."""

    name = "count"
    arity = 0
    meaning = "number of people"
    note = "each row has it anyway"

    def moments(self, columns: tuple[str, ...]) -> tuple[Moment, ...]:
        """Give n."""
        return (self.rests_on(columns),)

    def value(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact]) -> Exact:
        """Give n."""
        return opened[self.rests_on(columns)]
