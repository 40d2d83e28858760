"""From opened cells to the rows of a result and the numbers of its linkage report, exact.

Integers stay integers. A number that is not whole becomes the float nearest to the exact fraction: Python's division of integers
rounds correctly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, Literal, TypeAlias

from tallystick.core.errors import Broken
from tallystick.core.linkage.quality.sharing import ListNumber
from tallystick.core.measure import Asked, Exact, Undefined, read_off
from tallystick.core.moments import Banded, Count, EmployersOf, HouseholdsOf, Moment, Present, Sum
from tallystick.core.statistics.keys import GroupPeople, InGroup, InReport, InRow, InSystems, Key, Matched, OfList, Usable
from tallystick.core.statistics.plan import Plan

Value: TypeAlias = str | int | float | bool | None
Details: TypeAlias = dict[str, Any]
"""Further numbers of a measure: an interval, a standard error, coefficients by their columns."""
Row: TypeAlias = dict[str, Any]
"""One row: a `Value` by column; beside these lists and mappings by the labels of measures (`hidden`, `undefined`, `details`)."""
Linkage: TypeAlias = dict[str, "int | dict[str, int | None] | None"]
PAIR: Final = " and "
LIST: Final = " + "
"""What stands between the names of groups: of two whose common people are counted, and of those of one agency's list."""
Moments: TypeAlias = Mapping[Moment, int]
"""The moments of one row, as integers at the scale of their columns."""


def result_columns(plan: Plan) -> list[str]:
    """Give the keys of a result's rows, in order: `by` columns, `count`, measures, each with its own count, `suppressed`."""
    names = [*plan.by, "count"]
    for one in plan.asked:
        names += [one.label, one.rests_on.label]
    return [*dict.fromkeys(names), "suppressed"]


def table(plan: Plan, opened: Sequence[int], *, keep_empty: bool = False) -> list[Row]:
    """Give the rows of the result, before any disclosure rule.

    A row has the keys of `result_columns`, and under `details`, by the measure's label, what a measure tells beside its value. Where a
    measure of its people cannot be worked out, it is null, and the row says why under `undefined`, by the measure's label, if the number
    of values beside it does not say so already.

    Args:
        plan: the question's plan.
        opened: the signed integer of each cell, in the plan's order.
        keep_empty: also keep rows of a missing level that nobody is in; by default only rows of declared levels may be empty.

    Raises:
        Broken: `internal`: another number of cells than the plan has.
    """
    moments = row_moments(plan, opened)
    return [_row(plan, index, moments[index]) for index in list_rows(plan, moments, keep_empty=keep_empty)]


def list_rows(plan: Plan, moments: Sequence[Moments], *, keep_empty: bool = False) -> list[int]:
    """Give which of the plan's rows the table has; `keep_empty` as `table` takes it."""
    return [index for index, levels in enumerate(plan.rows) if moments[index][Count()] != 0 or None not in levels or keep_empty]


def row_moments(plan: Plan, opened: Sequence[int]) -> list[Moments]:
    """Give the moments of each row of the plan.

    Raises:
        Broken: `internal`: another number of cells than the plan has.
    """
    rows: list[dict[Moment, int]] = [dict.fromkeys(plan.moments, 0) for _ in plan.rows]  # what has no cell is nothing
    for key, value in numbers(plan, opened).items():
        if isinstance(key.place, InRow) and isinstance(key.number, (Count, Present, Sum, Banded, EmployersOf, HouseholdsOf)):
            rows[key.place.index][key.number] = value
    return list(rows)


def linkage_numbers(plan: Plan, opened: Sequence[int]) -> Linkage:
    """Give the totals of the linkage report, before any disclosure rule.

    `{"people": {group: n}, "usable": {group: n}, "matched": n}` of two groups. Of more, or of one, `matched` is None, and beside it
    stand `"pairs": {"a and b": n}`, people whom two groups both have, and where the plan counts them
    `"in_groups": {"1": n, "2": n}`, people by how many of the groups have them.

    Raises:
        Broken: `internal`: another number of cells than the plan has.
    """
    values = numbers(plan, opened)
    report = {key.number: value for key, value in values.items() if isinstance(key.place, InReport)}
    linkage: Linkage = {
        "people": {number.group: value for number, value in report.items() if isinstance(number, GroupPeople)},
        "usable": {number.group: value for number, value in report.items() if isinstance(number, Usable)},
        "matched": report.get(Matched()),
    }
    if Matched() not in report:
        pairs: dict[str, int | None] = {
            pair_name(number.pair): value for number, value in report.items() if isinstance(number, Matched)
        }
        clusters: dict[str, int | None] = {
            str(number.groups): value for number, value in report.items() if isinstance(number, InSystems)
        }
        linkage |= ({"pairs": pairs} if pairs else {}) | ({"in_groups": clusters} if clusters else {})
    return linkage


def pair_name(pair: Sequence[str]) -> str:
    """Give what the linkage report calls two groups together."""
    return PAIR.join(sorted(pair))


@dataclass(frozen=True)
class GroupCount:
    """People of the first of two groups who have some levels, and how many of them matched.

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
    values = numbers(plan, opened)
    return [
        GroupCount(
            levels, values[Key(InGroup(index), GroupPeople(plan.population.first))], values[Key(InGroup(index), Matched())]
        )
        for index, levels in enumerate(plan.groups)
    ]


def list_counts(plan: Plan, opened: Sequence[int], what: Literal["tokens", "alike", "doubtful"]) -> dict[str, tuple[int, ...]]:
    """Give what each list says of itself at each pass, in the plan's order, before any disclosure rule.

    Args:
        plan: the job's.
        opened: the opened cells.
        what: people with a token, or pairs of look-alikes.

    Raises:
        Broken: `internal`: another number of cells than the plan has.
    """
    values = numbers(plan, opened)
    return {
        called: tuple(values[Key(InReport(), OfList(ListNumber(what, name), called))] for name in plan.passes)
        for called, _ in plan.lists
    }


def list_lost_counts(plan: Plan, opened: Sequence[int]) -> dict[str, dict[str, tuple[int, int]]]:
    """Give by list and identifier how many people have one that was not read, and that was denied, before any disclosure rule.

    Raises:
        Broken: `internal`: another number of cells than the plan has.
    """
    values = numbers(plan, opened)

    def count(what: Literal["unread", "denied"], name: str, called: str) -> int:
        return values[Key(InReport(), OfList(ListNumber(what, name), called))]

    return {
        called: {name: (count("unread", name, called), count("denied", name, called)) for name in names}
        for called, names in plan.identifiers
    }


def numbers(plan: Plan, opened: Sequence[int]) -> dict[Key, int]:
    """Give the value of each cell by its key.

    Raises:
        Broken: `internal`: another number of cells than the plan has.
    """
    if len(opened) != len(plan.cells):
        raise Broken("internal", f"{len(opened)} opened cells for a plan of {len(plan.cells)}")
    return {cell.key: int(value) for cell, value in zip(plan.cells, opened, strict=True)}


def _row(plan: Plan, index: int, moments: Moments) -> Row:
    row: Row = dict(zip(plan.by, plan.rows[index], strict=True))
    row["count"] = moments[Count()]
    row |= work_out_measures(plan, plan.asked, moments)
    beside = {name: row.pop(name) for name in ("undefined", "details") if name in row}
    return row | {"suppressed": None} | beside


def work_out_measures(plan: Plan, asked: Sequence[Asked], moments: Moments) -> Row:
    """Give measures of one row by their labels, each with the count that it rests on; `undefined` and `details` where there are some.

    Args:
        plan: the job's.
        asked: measures whose moments it has.
        moments: of the row.
    """
    scales = {reference: quantity.scale for reference, quantity in plan.quantities}
    exact: dict[Moment, Exact] = {
        moment: Fraction(value, 10 ** moment.scale(scales))
        if isinstance(moment, (Sum, Banded)) and moment.scale(scales)
        else value
        for moment, value in moments.items()
    }
    made: Row = {}
    undefined: dict[str, str] = {}
    details: dict[str, Details] = {}
    for one in asked:
        value = one.value(exact)
        if isinstance(value, Undefined) and value.why:
            undefined[one.label] = value.why
        made[one.label] = None if isinstance(value, Undefined) else float(value) if isinstance(value, Fraction) else value
        made[one.rests_on.label] = moments[one.rests_on]
        if not isinstance(value, Undefined) and (more := one.detail(exact)):
            details[one.label] = read_off(more)
    return made | ({"undefined": undefined} if undefined else {}) | ({"details": details} if details else {})
