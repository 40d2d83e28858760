"""Which sums of rows an agency knows, compared with a trial of every person that there can be."""

from __future__ import annotations

import random
from collections.abc import Collection
from itertools import combinations, product

import pytest

from tallystick.core.disclosure.totals.rows import TableRows, find_margins, find_own_totals

Person = dict[str, dict[str, str | None] | None]
"""For each group, the person's levels there; None: the group does not have the person."""


def table(keep: str, by: tuple[str, ...], columns: dict[str, tuple[str, ...]], agency_of: dict[str, str]) -> TableRows:
    """Give the rows of a job, as plans have them: every combination of levels and of missing ones, with presences where they vary."""
    groups = sorted(agency_of)

    def holds(have: Collection[str]) -> bool:
        return bool(eval(keep, {}, {group: group in have for group in groups}))

    def may_lack(group: str) -> bool:
        return any(holds(have) for size in range(len(groups)) for have in combinations(groups, size) if group not in have)

    names: dict[str, None] = {}
    for name in by:
        group = name.split(".")[0]
        if may_lack(group):
            names[f"{group}.present"] = None
        names[name] = None
    levels = [(True, False) if name.endswith(".present") else (*columns[name], None) for name in names]
    found = TableRows(tuple(names), tuple(product(*levels)), agency_of, holds)
    everybody = people(columns, agency_of)
    taken = {row_of(found, one) for one in everybody}
    return TableRows(found.by, tuple(row for at, row in enumerate(found.rows) if at in taken), agency_of, holds)


def people(columns: dict[str, tuple[str, ...]], agency_of: dict[str, str]) -> list[Person]:
    """Give one person of every kind."""
    options: list[list[dict[str, str | None] | None]] = []
    for group in sorted(agency_of):
        mine = [name for name in columns if name.split(".")[0] == group]
        options.append(
            [None, *(dict(zip(mine, some, strict=True)) for some in product(*((*columns[name], None) for name in mine)))]
        )
    return [dict(zip(sorted(agency_of), some, strict=True)) for some in product(*options)]


def row_of(table: TableRows, person: Person) -> int | None:
    """Give the row that a person is counted in."""
    if not table.holds([group for group, levels in person.items() if levels is not None]):
        return None
    for at, row in enumerate(table.rows):
        if all(says(name, level, person) for name, level in zip(table.by, row, strict=True)):
            return at
    return None


def says(name: str, level: object, person: Person) -> bool:
    levels = person[name.split(".")[0]]
    if name.endswith(".present"):
        return (levels is not None) == level
    return (None if levels is None else levels[name]) == level


def known_classes(table: TableRows, everybody: list[Person], agency: str) -> set[frozenset[int]]:
    """Give the smallest sets of rows of which an agency can tell from its list alone who is in them."""
    mine = [group for group, holder in table.agency_of.items() if holder == agency]
    rows_of_view: dict[tuple[object, ...], set[int | None]] = {}
    for person in everybody:
        view = tuple(None if (levels := person[group]) is None else tuple(sorted(levels.items())) for group in mine)
        rows_of_view.setdefault(view, set()).add(row_of(table, person))
    joined: list[set[int | None]] = []
    for seen, rows in rows_of_view.items():
        spoiled = rows | {None} if all(levels is None for levels in seen) else rows
        together = [one for one in joined if one & (spoiled - {None})]
        joined = [one for one in joined if one not in together] + [spoiled.union(*together)]
    return {frozenset(row for row in one if row is not None) for one in joined if None not in one}


KEEPS = [
    "a", "a and b", "a or b", "a and not b", "a or b or c", "(a or b) and c", "a and (b or c)", "b and not (a and c)", "c",
]  # fmt: skip
COLUMNS = {"a.x": ("p", "q"), "b.y": ("r",), "c.z": ("s", "t")}


@pytest.mark.parametrize("keep", KEEPS)
@pytest.mark.parametrize("by", [(), ("a.x",), ("b.y",), ("a.x", "b.y"), ("b.y", "a.x"), ("a.x", "c.z"), ("a.x", "b.y", "c.z")])
@pytest.mark.parametrize("shared", [False, True])
def test_an_agency_knows_the_sums_that_its_list_alone_gives(keep: str, by: tuple[str, ...], *, shared: bool) -> None:
    agency_of = {"a": "one", "b": "two", "c": "one" if shared else "three"}
    made = table(keep, by, COLUMNS, agency_of)
    everybody = people(COLUMNS, agency_of)
    found = find_own_totals(made)
    for agency in ("one", "two", "three"):
        mine = {total.cells for total in found if agency in total.known_to}
        assert mine == known_classes(made, everybody, agency), agency


def test_all_people_of_a_group_are_known_to_its_agency_by_its_own_levels() -> None:
    made = table("a", ("a.x", "b.y"), COLUMNS, {"a": "one", "b": "two", "c": "three"})
    assert made.by == ("a.x", "b.present", "b.y")
    assert [sorted(total.cells) for total in find_own_totals(made)] == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    assert find_own_totals(table("a and b", ("a.x", "b.y"), COLUMNS, {"a": "one", "b": "two"})) == ()


def test_totals_of_rows_are_all_columns_but_the_last() -> None:
    made = table("a", ("a.x", "b.y"), COLUMNS, {"a": "one", "b": "two"})
    rows = find_margins(made, "rows")
    assert [(sorted(total.cells), total.untested) for total in rows] == [
        ([0, 1, 2], False), ([3, 4, 5], False), ([6, 7, 8], False),
        ([0, 3, 6], True), ([1, 4, 7], True), ([2, 5, 8], True),
        (list(range(9)), True),
    ]  # fmt: skip
    assert [total.untested for total in find_margins(made, "columns")] == [True, True, True, False, False, False, True]
    assert find_margins(made, "none") == ()


def test_a_table_of_one_column_has_the_sum_of_all_rows() -> None:
    made = table("a and b", ("a.x",), COLUMNS, {"a": "one", "b": "two"})
    assert [(sorted(total.cells), total.untested) for total in find_margins(made, "rows")] == [([0, 1, 2], True)]


def test_margins_part_the_rows() -> None:
    source = random.Random(7)
    for _ in range(40):
        by = tuple(source.sample(["a.x", "a.w", "b.y", "c.z"], source.randint(1, 4)))
        columns = COLUMNS | {"a.w": ("u", "v")}
        made = table(source.choice(KEEPS), by, columns, {"a": "one", "b": "two", "c": "three"})
        found = find_margins(made, "rows")
        for tested in (False, True):
            sides = [total.cells for total in found[:-1] if total.untested != tested]
            assert sorted(row for side in sides for row in side) in ([], list(range(len(made.rows))))
