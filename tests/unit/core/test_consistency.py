"""Opened cells that can be counts of people, and those that cannot."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from tallystick.core.errors import Broken
from tallystick.core.statistics.consistency import check_consistent
from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.planner import plan
from tests.cells import names
from tests.unit.core.test_planner import AGREEMENT, agreement, cases, opened, question

PASS = "ssn+birth_date"
Cells = dict[tuple[int, str], int]


@settings(max_examples=60, deadline=None)
@given(cases())
def test_what_lists_and_links_really_give_is_never_refused(case: tuple[Any, ...]) -> None:
    asked, left, right, links, seed = case
    made = plan(asked, AGREEMENT)
    check_consistent(made, opened(made, left, right, links, seed))


def planned(kind: str) -> Plan:
    return plan(question(kind, ("l.young", "r.trade"), ("count", {"mean": "l.age"})), agreement(), [PASS])


def honest(made: Plan, kind: str) -> Cells:
    """Give the cells of 100 people on each side, 60 of them matched: 50 and 10 of them by whether they are young."""
    values: Cells = {(-1, "matched"): 60, (-1, f"alike({PASS}) l"): 3, (-1, f"doubtful({PASS}) l"): 1}
    for group in ("l", "r"):
        values |= {(-1, f"people({group})"): 100, (-1, f"usable({group})"): 90, (-1, f"tokens({PASS}) {group}"): 80}
    for at, (people, matched) in enumerate(((70, 50), (30, 10))):
        values |= {(-2 - at, "people"): people, (-2 - at, "matched"): matched}
        for index, levels in enumerate(made.rows):
            if levels[0] is (False, True)[at] and levels[-1] in {"a", None}:
                rest = people - matched if False in levels[1:] else matched // 2
                values |= {(index, "count"): rest, (index, "count(l.age)"): rest - 1, (index, "sum(l.age)"): 120 * (rest - 1)}
    return values


def cells(made: Plan, values: Cells) -> list[int]:
    return [values.get(name, 0) for name in names(made)]


def row_of(made: Plan, *levels: Any) -> int:
    """Give the row of a level of l.young and one of r.trade."""
    return next(at for at, row in enumerate(made.rows) if (row[0], row[-1]) == levels and False not in row[1:])


LIES: dict[str, tuple[Any, int]] = {
    "more matches than usable people of r": ((-1, "usable(r)"), 59),
    "usable people of r beside all people of it": ((-1, "people(r)"), 89),
    "usable people of l beside all people of it": ((-1, "usable(l)"), -1),
    "fewer than no matches": ((-1, "matched"), -1),
    f"people of l with a token of {PASS} beside its usable people": ((-1, f"tokens({PASS}) l"), 91),
    f"people of r with a token of {PASS} beside its usable people": ((-1, f"tokens({PASS}) r"), -1),
    f"pairs of l who share a token of {PASS} beside those who have one": ((-1, f"alike({PASS}) l"), 80 * 79 // 2),
    f"pairs of r who share a token of {PASS} beside those who have one": ((-1, f"doubtful({PASS}) r"), -1),
    "matches of a group of l beside its people": ((-3, "matched"), 31),
    "groups of l that do not add up to its people": ((-3, "people"), 29),
    "groups of l that do not add up to the matches": ((-3, "matched"), 9),
    "a row of the table with fewer than no people": (("row", "count"), -1),
    "values of l.age in a row beside its people": (("row", "count(l.age)"), 26),
    "a sum of l.age beyond its declared bounds": (("row", "sum(l.age)"), -120 * 25),
}


@pytest.mark.parametrize("kind", ["inner", "left"])
@pytest.mark.parametrize("told", LIES)
def test_each_number_that_cannot_be_true_is_named(told: str, kind: str) -> None:
    made = planned(kind)
    values = honest(made, kind)
    check_consistent(made, cells(made, values))
    (place, label), lie = LIES[told]
    index = row_of(made, False, "a") if place == "row" else place
    assert (index, label) in values or lie < 0
    with pytest.raises(Broken) as refused:
        check_consistent(made, cells(made, values | {(index, label): lie}))
    assert (refused.value.code, refused.value.message.partition(": ")[2]) == ("cells-contradict", told)


@pytest.mark.parametrize(("kind", "sum_"), [("inner", "the matches"), ("left", "the people of l")])
def test_rows_that_do_not_add_up_are_named(kind: str, sum_: str) -> None:
    made = planned(kind)
    values = honest(made, kind)
    values[row_of(made, True, "a"), "count"] += 1
    with pytest.raises(Broken, match=f"rows of the table that do not add up to {sum_}"):
        check_consistent(made, cells(made, values))


def test_rows_of_people_who_are_in_a_group_add_up_to_the_matches() -> None:
    made = planned("left")
    values, absent = honest(made, "left"), made.rows.index((True, False, None))
    values[row_of(made, True, "a"), "count"] += 6
    for label in ("count", "count(l.age)"):
        values[absent, label] -= 6
    values[absent, "sum(l.age)"] = 0
    with pytest.raises(Broken, match="people with a level of r beside the matches"):
        check_consistent(made, cells(made, values))


def test_rows_of_any_formula_add_up_to_what_it_makes_of_people_and_matches() -> None:
    made = plan(question("either"), agreement(), [PASS])
    values = {name: value for name, value in honest(planned("left"), "left").items() if name[0] == -1}
    check_consistent(made, cells(made, values | {(0, "count"): 140}))
    with pytest.raises(Broken, match="rows of the table that do not add up to what keep makes of people and matches"):
        check_consistent(made, cells(made, values | {(0, "count"): 141}))


def test_rows_have_no_more_people_of_a_group_than_it_has() -> None:
    made = plan(question("either", ("r.young",)), agreement(), [PASS])
    values = {name: value for name, value in honest(planned("left"), "left").items() if name[0] == -1}
    (young,) = [at for at, row in enumerate(made.rows) if row == (True, True)]
    (absent,) = [at for at, row in enumerate(made.rows) if row == (False, None)]
    check_consistent(made, cells(made, values | {(young, "count"): 100, (absent, "count"): 40}))
    with pytest.raises(Broken, match="more people of a group than it has"):
        check_consistent(made, cells(made, values | {(young, "count"): 101, (absent, "count"): 39}))


def test_cells_of_another_plan_are_our_own_fault() -> None:
    with pytest.raises(Broken) as refused:
        check_consistent(planned("left"), [0])
    assert refused.value.code == "internal"
