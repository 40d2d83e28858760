"""The counts of people that a table's measures tell, kept beside it, so that a later table is held against the exact numbers.

A sum of a column of 0 and 1 is a count, whichever measure shows it. A kept table has, for each such sum,

    {"columns": [reference, …], "values": [count or null, …]}      values in the order of the rows; null where no measure tells it

and `"among": [reference, …]` where it is over people who have a value of these (`Sum.among`), `"band": [reference, low, high]` where it is
of a band of a column (`Banded`), under `counts`. Tables of versions before
these were kept have sums and means alone, from which the count is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tallystick.core.measure import Asked
from tallystick.core.moments import Banded, Present, Sum
from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.table import Moments


def telling(plan: Plan, present: Present) -> dict[str, tuple[Sum | Banded, ...]]:
    """Give the counts that measures tell beside the count that they rest on, by the measure's label; those that tell none are left out."""
    counts = {one.label: one.counts(plan.binary) for one in plan.over(present)}
    return {label: sums for label, sums in counts.items() if sums}


def divide_ones(count: Sum | Banded, there: int, known: Mapping[Any, int]) -> tuple[int, ...]:
    """Give the counts of people that a sum of zeros and ones tells: how many have the ones, and in which other ways they may be had.

    Args:
        count: of one column of 0 and 1, or of several; or of a band, or of the ones in it.
        there: of how many people.
        known: by moment, other sums that are told; of two columns those of each by itself.
    """
    ones = known[count]
    if isinstance(count, Banded):
        return (ones, (there if count.of is None else known[count.counted]) - ones)
    once = tuple(dict.fromkeys(count.columns))
    by_itself = [known.get(Sum((column,), count.among)) for column in once]
    first, *others = by_itself
    if first is None or len(others) != 1 or others[0] is None:
        return (ones, there - ones)
    return (ones, first - ones, others[0] - ones, there - first - others[0] + ones)


def extract_counts(plan: Plan, rows: Sequence[Mapping[str, Any]], moments: Sequence[Moments]) -> list[dict[str, Any]]:
    """Give what is kept of the counts that rows tell.

    Args:
        plan: the job's.
        rows: as they go out.
        moments: of each of them.
    """
    by_sum: dict[Sum | Banded, list[str]] = {}
    for present in plan.present:
        for label, sums in telling(plan, present).items():
            for one in sums:
                by_sum.setdefault(one, []).append(label)
    return [
        {
            "columns": list(one.columns),
            **({"among": list(one.among)} if one.among else {}),
            **({"band": [one.column, one.low, one.high]} if isinstance(one, Banded) else {}),
            "values": [
                exact[one] if any(row.get(label) is not None for label in labels) else None
                for row, exact in zip(rows, moments, strict=True)
            ],
        }
        for one, labels in by_sum.items()
    ]


def read_counts(table: Mapping[str, Any], plan: Plan) -> list[dict[Sum | Banded, int]]:
    """Give, for each row of a table, the counts that it tells of the columns of a plan.

    Args:
        table: `rows`, and `counts` where it was kept with them; in the plan's names.
        plan: says which sums are counts.
    """
    rows: Sequence[Mapping[str, Any]] = table["rows"]
    found: list[dict[Sum | Banded, int]] = [{} for _ in rows]
    if "counts" not in table:
        for row, counts in zip(rows, found, strict=True):
            counts |= _read_off(row, plan)
    for kept in table.get("counts", ()):
        among = tuple(kept.get("among", ()))
        one: Sum | Banded = Sum(tuple(kept["columns"]), among)
        if "band" in kept:
            column, low, high = kept["band"]
            one = Banded(column, low, high, next(iter(kept["columns"]), None), among)
        for counts, value in zip(found, kept["values"], strict=True):
            if value is not None:
                counts[one] = value
    return found


def _read_off(row: Mapping[str, Any], plan: Plan) -> dict[Sum | Banded, int]:
    """Give what sums and means of zeros and ones say."""
    counts: dict[Sum | Banded, int] = {}
    for column in sorted(plan.binary):
        columns = (column,)
        total, mean = row.get(Asked("sum", columns).label), row.get(Asked("mean", columns).label)
        present = row.get(Present(columns).label)
        if total is not None:
            counts[Sum(columns)] = int(total)
        elif mean is not None and present is not None:
            counts[Sum(columns)] = round(mean * present)
    return counts
