"""The rule of totals over counts in the clear: for a desk that has opened them, for rehearsals, and for what a design would cost."""

from __future__ import annotations

from collections.abc import Sequence

from tallystick.core.disclosure.totals.design import TableDesign
from tallystick.core.disclosure.totals.pattern import Pattern
from tallystick.core.disclosure.totals.state import begin_totals


def decide_pattern(design: TableDesign, values: Sequence[int]) -> Pattern:
    """Give what opens of a table.

    Args:
        design: of it.
        values: of the plan's cells.
    """
    state = begin_totals(design)
    state = state.strike([one.test.holds(values) for one in state.strikes])
    while not state.finished:
        state = state.answer([test.holds(values) for test in state.tests])
    return state.pattern
