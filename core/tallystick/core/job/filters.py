"""Whom a group's `where` leaves in it: rows are filtered first; then derived columns are made of what passes; then people are filtered.

A `where` may test columns of rows and derived ones, which are of people. The tests of each kind are parts of it that AND joins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tallystick.core.agreement.model import Column, Dataset
from tallystick.core.errors import Invalid
from tallystick.core.job.derive import parse_derive
from tallystick.core.job.derived import derive_columns

if TYPE_CHECKING:
    from tallystick.core.job.model import People
    from tallystick.core.job.where import Condition


@dataclass(frozen=True)
class SplitWhere:
    """A group's `where` in two parts.

    Attributes:
        rows: what a row must hold; None where any does.
        people: what a person must hold, over derived columns; None where anybody does.
    """

    rows: Condition | None = None
    people: Condition | None = None


def filter_of(people: People, dataset: Dataset, spelled: Mapping[str, str] | None = None) -> SplitWhere:
    """Give a group's `where`, checked and written out again.

    Args:
        people: the group.
        dataset: its.
        spelled: as `parse_where` takes it.

    Raises:
        Invalid: `where-invalid`: as `split_where`; as `derive_columns`, where the condition names a derived column.
    """
    if people.where is None:
        return SplitWhere()
    derived: dict[str, Column] = {}
    if people.derive:
        columns = derive_columns({name: parse_derive(text) for name, text in people.derive.items()}, dataset)
        derived = {name: columns[name] for name in people.derive if name not in dataset.columns}
    return split_where(people.where, dataset.columns, derived, spelled)


def split_where(
    text: str, columns: Mapping[str, Column], derived: Mapping[str, Column], spelled: Mapping[str, str] | None = None
) -> SplitWhere:
    """Check a condition and write it out again, its tests of rows and its tests of people apart.

    Args:
        text: as `parse_where` takes it.
        columns: the dataset's, which rows have.
        derived: the columns that the group derives, which people have.
        spelled: as `parse_where` takes it.

    Raises:
        Invalid: `where-invalid`: as `parse_where`; or tests of both kinds in one, or joined by OR or NOT.
    """
    from tallystick.core.job.where import parse_where  # a parser, which few jobs need

    usable = {name: column for name, column in derived.items() if column.type != "category" or column.values is not None}
    whole = parse_where(text, {**usable, **columns}, spelled)
    if not whole.columns & usable.keys():
        return SplitWhere(whole)
    rows: list[Condition] = []
    people: list[Condition] = []
    for part in whole.parts:
        made = part.columns & usable.keys()
        if made and part.columns - made:
            first, other = min(made), min(part.columns - made)
            raise Invalid(
                "where-invalid",
                f"a where condition tests {first}, which is of people, and {other}, which is of rows, in one",
                hint=f"join tests of derived columns and tests of rows by AND alone, or derive what you need of {other}",
            )
        (people if made else rows).append(part)
    return SplitWhere(_join_parts(rows), _join_parts(people))


def _join_parts(parts: list[Condition]) -> Condition | None:
    from tallystick.core.job.where import Condition  # as above

    if not parts:
        return None
    sql = " AND ".join(part.sql for part in parts)
    return Condition(sql if len(parts) == 1 else f"({sql})", frozenset().union(*(part.columns for part in parts)))
