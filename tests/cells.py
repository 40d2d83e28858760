"""Short names of a plan's cells, for tests that write opened cells by hand."""

from __future__ import annotations

from tallystick.core.statistics.keys import GroupPeople, InGroup, InRow, Key
from tallystick.core.statistics.plan import Plan

Name = tuple[int, str]
"""A row's index, -1 for the linkage report, -2 - i for group i of it; and what the number is called there."""


def names(plan: Plan) -> list[Name]:
    """Give the names of all cells, in the plan's order."""
    return [name(cell.key) for cell in plan.cells]


def name(key: Key) -> Name:
    """Give a cell's name."""
    match key.place:
        case InRow(index):
            return index, key.number.label
        case InGroup(index):
            return -2 - index, "people" if isinstance(key.number, GroupPeople) else key.number.label
        case _:
            return -1, key.number.label
