"""From one row per person of each group to the integer columns of a plan over an agency's list: vectorised over people, exact.

A factor's entry is 0 for everyone whose levels do not match, and for a missing value, so that only the right people are summed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Final

import numpy as np
import numpy.typing as npt

from tallystick.core.errors import Broken, Invalid
from tallystick.core.job.bins import Range
from tallystick.core.linkage.quality.sharing import ListNumber
from tallystick.core.statistics.plan import Factor, HomeColumn, Own, Plan

USABLE: Final = "#usable"
"""The reserved column that the node makes itself: has this person a token for at least one pass?"""

ENTRY: Final = (1 << 63) - 1
"""The largest entry of a column."""

Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class PersonColumn:
    """One column of one agency's people.

    Attributes:
        values: (n,) int64. A category: the index into `levels`; a boolean: 0 or 1; a number: the integer at the column's scale.
        missing: (n,) bool; where it is true, `values` means nothing.
        levels: the declared values of a category; None for every other type.
    """

    values: Int64s = field(repr=False)
    missing: Bools = field(repr=False)
    levels: tuple[str, ...] | None = None


@dataclass(frozen=True)
class GroupMembers:
    """One group's people in an agency's list.

    Attributes:
        columns: by name, over the group's people.
        places: (m,): which person of the list each is; None where the list is the group.
        at: by part of the calendar, who of the group has a row there, and what these rows say (`Factor.at`).
    """

    columns: Mapping[str, PersonColumn] = field(repr=False)
    places: Int64s | None = field(repr=False, default=None)
    at: Mapping[Range, GroupMembers] = field(repr=False, default_factory=dict)


@dataclass(frozen=True)
class AgencyList:
    """The people of an agency's list: everybody whom one of its groups has.

    Attributes:
        n: how many.
        groups: by name.
    """

    n: int
    groups: Mapping[str, GroupMembers] = field(repr=False)


def usable_column(usable: Bools) -> PersonColumn:
    """Give the reserved column `#usable` from who has a token."""
    return PersonColumn(usable.astype(np.int64), np.zeros(len(usable), dtype=np.bool_))


def factor_column(factor: Factor, people: Mapping[str, PersonColumn], n: int) -> Int64s:
    """Give a factor's entry for each of `n` people, shape (n,).

    Raises:
        Invalid: `job-invalid`: the people do not have a column of the factor, or the column does not declare the level;
            `source-bounds`: a product of values does not fit 64 bits, as declared bounds make sure (`planner.py`).
    """
    keep: Bools | None = None
    for name, level in factor.levels:
        match = _matches(_column(people, name, n), name, level)
        keep = match if keep is None else keep & match
    columns = [_column(people, name, n) for name in factor.values]
    for column in (*columns, *(_column(people, name, n) for name in factor.given)):
        keep = ~column.missing if keep is None else keep & ~column.missing
    if keep is None:
        return np.ones(n, dtype=np.int64)
    if factor.present or not columns:
        return keep.astype(np.int64)
    kept = [np.where(keep, column.values, 0) for column in columns]
    _check_product(kept)
    product = kept[0]
    for values in kept[1:]:
        product = product * values
    return product


def over_slots(column: Int64s, slots: npt.NDArray[np.integer], table_size: int) -> Int64s:
    """Give a column over the job's table, shape (table_size,): each person's entry at the person's slot, 0 elsewhere.

    Raises:
        Broken: `protocol-broken`: a slot is outside the table, or two people were given one slot.
    """
    check_slots(slots, len(column), table_size)
    out = np.zeros(table_size, dtype=np.int64)
    out[slots] = column
    return out


def check_slots(slots: npt.NDArray[np.integer], n: int, table_size: int) -> None:
    """Check that slots give each of `n` people a place of its own in the table.

    Raises:
        Broken: `protocol-broken`: too few or too many slots, one outside the table, or one given twice.
    """
    taken = np.zeros(table_size, dtype=np.bool_)
    if len(slots) == n and (n == 0 or (int(slots.min()) >= 0 and int(slots.max()) < table_size)):
        taken[slots] = True
        if int(np.count_nonzero(taken)) == n:
            return
    raise Broken("protocol-broken", "the coordinator's slots are not one place in the table for each person")


def home_column(column: HomeColumn, people: AgencyList) -> Int64s:
    """Give a column's entry for each person of a list, shape (n,): the product of its groups' factors, 0 where one lacks the person.

    Raises:
        Invalid: as `factor_column`.
    """
    product: Int64s | None = None
    for group, factor in column:
        members = people.groups[group]
        if factor.at is not None:
            there = members.at.get(factor.at)
            if there is None:
                return np.zeros(people.n, dtype=np.int64)
            members = there
        size = people.n if members.places is None else len(members.places)
        entries = factor_column(factor, members.columns, size)
        if members.places is not None:
            spread = np.zeros(people.n, dtype=np.int64)
            spread[members.places] = entries
            entries = spread
        if product is not None:
            _check_product([product, entries])
        product = entries if product is None else product * entries
    return np.ones(people.n, dtype=np.int64) if product is None else product


def agency_columns(plan: Plan, agency: str, people: AgencyList, slots: npt.NDArray[np.integer], table_size: int) -> Int64s:
    """Give all columns of an agency over the table, shape (columns, table_size).

    Raises:
        Invalid, Broken: as `home_column` and `over_slots`.
    """
    check_slots(slots, len(slots), table_size)
    columns = plan.columns_of(agency)
    out = np.zeros((len(columns), table_size), dtype=np.int64)
    for row, column in zip(out, columns, strict=True):
        row[slots] = home_column(column, people)
    return out


def own_totals(plan: Plan, agency: str, people: AgencyList, counts: Mapping[ListNumber, int] | None = None) -> tuple[int, ...]:
    """Give, for each cell of the plan, what this agency adds by itself over its whole list.

    Args:
        plan: the job's.
        agency: this one.
        people: its list.
        counts: what the list says of itself (`core/linkage/quality/sharing.py`); needed where the plan has passes.

    Security: these are the agency's plain totals; they leave the node only inside sealed shares.

    Raises:
        Invalid: as `home_column`.
        Broken: `internal`: a number of the list that was not counted.
    """
    sums: dict[HomeColumn, int] = {}

    def total(own: Own) -> int:
        if own.counted is not None:
            if counts is None or own.counted not in counts:
                raise Broken("internal", "a linkage pass of the plan was not counted")
            return counts[own.counted]
        if own.column not in sums:
            sums[own.column] = sum_column(own.column, people)
        return sums[own.column]

    return tuple(sum(coefficient * total(own) for coefficient, own in cell.own if own.agency == agency) for cell in plan.cells)


def sum_column(column: HomeColumn, people: AgencyList) -> int:
    """Give the sum of a column over an agency's whole list.

    Raises:
        Invalid: as `home_column`.
    """
    return _exact_sum(home_column(column, people))


def _check_product(factors: Sequence[Int64s]) -> None:
    """Check that no product of one entry of each can wrap around; a single factor has nothing to wrap."""
    if len(factors) > 1 and prod(max(int(one.max(initial=0)), -int(one.min(initial=0))) for one in factors) > ENTRY:
        raise Invalid(
            "source-bounds", "a product of a person's values does not fit 64 bits", hint="declare closer bounds for the columns"
        )


def _exact_sum(column: Int64s) -> int:
    """Sum without overflow: high and low halves apart, each of which has room for 2^31 people."""
    low = column & 0xFFFFFFFF
    high = column >> 32
    return (int(high.sum()) << 32) + int(low.sum())


def _column(people: Mapping[str, PersonColumn], name: str, n: int) -> PersonColumn:
    column = people.get(name)
    if column is None or len(column.values) != n:
        raise Invalid("job-invalid", f"the people have no column {name}")
    return column


def _matches(column: PersonColumn, name: str, level: str | int | bool | Range | None) -> Bools:
    if level is None:
        return column.missing
    if isinstance(level, Range):
        inside = ~column.missing
        if level.low is not None:
            inside &= column.values >= level.low
        if level.high is not None:
            inside &= column.values < level.high
        return inside
    if not isinstance(level, str):
        code = int(level)
    elif column.levels is not None and level in column.levels:
        code = column.levels.index(level)
    else:
        raise Invalid("job-invalid", f"column {name} does not declare a level that the job counts by")
    return np.asarray(~column.missing & (column.values == code), dtype=np.bool_)
