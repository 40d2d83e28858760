"""From opened cells to the rows of a result and the numbers of its linkage report, exact.

Integers stay integers. A decimal or a mean becomes the float nearest to the exact fraction: Python's division of integers
rounds correctly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tallystick.core.errors import Broken
from tallystick.core.job.model import Question
from tallystick.core.statistics.plan import Plan

Value: TypeAlias = str | int | float | bool | None
Row: TypeAlias = dict[str, Value | list[str]]
Linkage: TypeAlias = dict[str, "int | dict[str, int | None] | None"]


def result_columns(plan: Plan, question: Question) -> list[str]:
    """Give the keys of a result's rows, in order: `by` columns, `count`, measures, each with its own count, `suppressed`."""
    names = [*plan.by, "count"]
    for measure in question.measures:
        if measure.column is not None:
            names += [measure.label, f"count({measure.column})"]
    return [*dict.fromkeys(names), "suppressed"]


def table(plan: Plan, opened: Sequence[int], question: Question, *, keep_empty: bool = False) -> list[Row]:
    """Give the rows of the result, before any disclosure rule.

    Args:
        plan: the question's plan.
        opened: the signed integer of each cell, in the plan's order.
        question: says which measures are shown.
        keep_empty: also keep rows of a missing level that nobody is in; by default only rows of declared levels may be empty.

    Raises:
        Broken: `internal`: another number of cells than the plan has.
    """
    cells = values_by_row(plan, opened)
    rows: list[Row] = []
    for index, levels in enumerate(plan.rows):
        values = cells[index]
        if values["count"][0] == 0 and None in levels and not keep_empty:
            continue
        row: Row = dict(zip(plan.by, levels, strict=True))
        row["count"] = values["count"][0]
        for measure in question.measures:
            if measure.column is None:
                continue
            total, scale = values[f"sum({measure.column})"]
            present = values[f"count({measure.column})"][0]
            unit: int = 10**scale
            if measure.operation == "sum":
                row[measure.label] = total if scale == 0 else total / unit
            else:
                row[measure.label] = total / (unit * present) if present else None
            row[f"count({measure.column})"] = present
        row["suppressed"] = None
        rows.append(row)
    return rows


def linkage_numbers(plan: Plan, opened: Sequence[int]) -> Linkage:
    """Give `{"people": {group: n}, "usable": {group: n}, "matched": n}`, before any disclosure rule.

    Raises:
        Broken: `internal`: another number of cells than the plan has.
    """
    values = values_by_row(plan, opened)[-1]
    groups = (plan.left, plan.right)
    return {
        "people": {group: values[f"people({group})"][0] for group in groups},
        "usable": {group: values[f"usable({group})"][0] for group in groups},
        "matched": values["matched"][0],
    }


@dataclass(frozen=True)
class GroupCount:
    """People of the left side in one group, and how many of them matched.

    Attributes:
        levels: of `Plan.group_by`, in order.
    """

    levels: tuple[str | int | bool | None, ...]
    people: int
    matched: int

    @property
    def unmatched(self) -> int:
        """People without a match."""
        return self.people - self.matched


def group_counts(plan: Plan, opened: Sequence[int]) -> list[GroupCount]:
    """Give people and matches by group of the linkage report, before any disclosure rule.

    Raises:
        Broken: `internal`: another number of cells than the plan has.
    """
    cells = values_by_row(plan, opened)
    return [
        GroupCount(levels, cells[-2 - index]["people"][0], cells[-2 - index]["matched"][0])
        for index, levels in enumerate(plan.groups)
    ]


def list_counts(plan: Plan, opened: Sequence[int], what: str) -> dict[str, tuple[int, ...]]:
    """Give what each group's list says of itself at each pass, in the plan's order, before any disclosure rule.

    Args:
        plan: the job's.
        opened: the opened cells.
        what: `tokens`, `alike` or `doubtful`.

    Raises:
        Broken: `internal`: another number of cells than the plan has.
    """
    cells = values_by_row(plan, opened).get(-1, {})
    return {group: tuple(cells[f"{what}({name}) {group}"][0] for name in plan.passes) for group in (plan.left, plan.right)}


def values_by_row(plan: Plan, opened: Sequence[int]) -> dict[int, dict[str, tuple[int, int]]]:
    """Give (value, scale) of each cell by its row and label; rows as `Cell.row` numbers them.

    Raises:
        Broken: `internal`: another number of cells than the plan has.
    """
    if len(opened) != len(plan.cells):
        raise Broken("internal", f"{len(opened)} opened cells for a plan of {len(plan.cells)}")
    values: dict[int, dict[str, tuple[int, int]]] = {}
    for cell, value in zip(plan.cells, opened, strict=True):
        values.setdefault(cell.row, {})[cell.label] = (int(value), cell.scale)
    return values
