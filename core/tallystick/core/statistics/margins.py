"""Totals of a table: sums of its rows over some of the columns that part them.

`rows` are the sums of each combination of levels of all columns but the last, `columns` those of each level of the last, and `all` is the sum
of all rows. A presence (`GROUP.present`) goes with the columns of its group. A table of one column, or of none, has only the sum of all rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tallystick.core.job.columns import PRESENT, split

Side: TypeAlias = Literal["rows", "columns", "all"]
Level: TypeAlias = str | int | bool | None


@dataclass(frozen=True)
class Margin:
    """A total.

    Attributes:
        side: which kind.
        levels: of each column that parts the rows; None where it is summed over, too.
        over: the columns that are summed over.
        rows: whose sum it is.
    """

    side: Side
    levels: tuple[Level, ...]
    over: tuple[str, ...]
    rows: frozenset[int]


def list_margins(by: Sequence[str], rows: Sequence[tuple[Level, ...]]) -> tuple[Margin, ...]:
    """Give the totals of a table: of its rows, of its columns, and of everything.

    Args:
        by: the columns that part the rows.
        rows: the level of each, for each row.
    """
    if not rows:
        return ()
    whole = Margin("all", (None,) * len(by), tuple(by), frozenset(range(len(rows))))
    names = list(dict.fromkeys(name for name in by if split(name)[1] != PRESENT))
    if len(names) < 2:
        return (whole,)
    last = split(names[-1])[0] + "." + PRESENT
    shared = any(split(name)[0] == split(last)[0] for name in names[:-1])
    others = [at for at, name in enumerate(by) if name not in {names[-1], last} or (name == last and shared)]
    here = [at for at, name in enumerate(by) if name in {names[-1], last}]
    sides: tuple[tuple[Side, list[int]], ...] = (("rows", others), ("columns", here))
    found = []
    for side, columns in sides:
        alike: defaultdict[tuple[Level, ...], list[int]] = defaultdict(list)
        for index, row in enumerate(rows):
            alike[tuple(level if at in columns else None for at, level in enumerate(row))].append(index)
        over = tuple(name for at, name in enumerate(by) if at not in columns)
        found += [Margin(side, levels, over, frozenset(some)) for levels, some in alike.items()]
    return (*found, whole)


def describe_totals(totals: str | None) -> str:
    """Say behind a table's columns which totals are told with it; nothing where there are none."""
    return f", with totals of {totals}" if totals in {"rows", "columns"} else ""
