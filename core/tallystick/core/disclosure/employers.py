"""Which rows have too few employers for a profile that protects these (`core/job/units.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tallystick.core.job.columns import PRESENT
from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.table import Moments, Row

FEW_EMPLOYERS: Final = "few-employers"
"""Why a row is hidden."""


def find_few_employers(plan: Plan, rows: Sequence[Row], moments: Sequence[Moments], least: int) -> list[int]:
    """Give the rows that show too few employers of a group whose people they may have.

    Args:
        plan: the job's; its `employers` say what was counted.
        rows: of the table.
        moments: of each row.
        least: how many employers a row needs.
    """
    groups = dict.fromkeys(one.group for one in plan.employers)
    return [
        index
        for index, (row, counts) in enumerate(zip(rows, moments, strict=True))
        if any(
            row.get(f"{group}.{PRESENT}", True) and sum(counts[one] > 0 for one in plan.employers if one.group == group) < least
            for group in groups
        )
    ]
