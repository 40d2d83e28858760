"""Which rows have too few employers or households for a profile that protects these (`core/job/units.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tallystick.core.job.derive import WHOLE
from tallystick.core.moments import EmployersOf, HouseholdsOf
from tallystick.core.statistics.keys import InRow
from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.table import Moments, Row

FEW_EMPLOYERS: Final = "few-employers"
"""Why a row is hidden."""
FEW_HOUSEHOLDS: Final = "few-households"


def find_few_employers(plan: Plan, rows: Sequence[Row], moments: Sequence[Moments], least: int) -> list[int]:
    """Give the rows that show too few employers of a group whose people they can have at all (`keep: a and not b` has none of b).

    Args:
        plan: the job's; its `employers` say what was counted.
        rows: of the table.
        moments: of each row.
        least: how many employers a row needs.
    """
    places = {levels: at for at, levels in enumerate(plan.rows)}
    counted = {
        (cell.key.place.index, cell.key.number.group)
        for cell in plan.cells
        if isinstance(cell.key.place, InRow) and isinstance(cell.key.number, EmployersOf)
    }
    groups = dict.fromkeys(one.group for one in plan.employers)

    def has_few(row: Row, counts: Moments) -> bool:
        at = places[tuple(row[name] for name in plan.by)]
        return any(
            (at, group) in counted and sum(counts[one] > 0 for one in plan.employers if one.group == group) < least
            for group in groups
        )

    return [index for index, (row, counts) in enumerate(zip(rows, moments, strict=True)) if has_few(row, counts)]


def find_few_households(plan: Plan, rows: Sequence[Row], moments: Sequence[Moments], least: int) -> list[int]:
    """Give the rows that may have too few households of a group whose people they can have at all.

    Args:
        plan: the job's; its `households` say what was summed.
        rows: of the table.
        moments: of each row.
        least: how many households a row needs.
    """
    places = {levels: at for at, levels in enumerate(plan.rows)}
    summed = {
        (cell.key.place.index, cell.key.number)
        for cell in plan.cells
        if isinstance(cell.key.place, InRow) and isinstance(cell.key.number, HouseholdsOf)
    }

    def has_few(row: Row, sums: Moments) -> bool:
        at = places[tuple(row[name] for name in plan.by)]
        return any((at, one) in summed and sums[one] < least * WHOLE for one in plan.households)

    return [index for index, (row, sums) in enumerate(zip(rows, moments, strict=True)) if has_few(row, sums)]
