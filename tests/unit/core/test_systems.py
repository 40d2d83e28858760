"""Rows by the number of groups that have a person."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick.core.disclosure.blocks import count_block
from tallystick.core.disclosure.families import family_of
from tallystick.core.disclosure.profiles import PROFILES
from tallystick.core.disclosure.rules.small_cells import suppress
from tallystick.core.errors import Invalid
from tallystick.core.moments import Count
from tallystick.core.statistics.keys import InRow
from tallystick.core.statistics.planner import plan
from tallystick.core.statistics.rulebook import problems
from tests.unit.core.test_populations import TERMS, THREE, TWO, question_over


def test_systems_has_the_levels_that_the_formula_can_keep() -> None:
    made = plan(question_over(THREE, "a and (b or c)", ("systems", "b.present")), TERMS)
    assert made.rows == ((2, True), (2, False), (3, True))
    assert {cell.key.number for cell in made.cells if cell.key.place == InRow(2)} == {Count()}


@pytest.mark.parametrize(
    ("owners", "message"), [({"a": "one"}, "is 1 for everybody"), ({"a": "one", "systems": "two"}, "a group is called systems")]
)
def test_systems_of_one_group_or_beside_a_group_of_that_name_is_refused(owners: dict[str, str], message: str) -> None:
    (problem, *_) = problems(question_over(owners, "a", ("systems",)), TERMS, "ann")
    assert problem.code == "job-invalid"
    assert message in problem.message


def test_by_systems_every_group_has_a_part_in_the_table() -> None:
    assert "which neither keep" in problems(question_over(THREE, "a and b"), TERMS, "ann")[0].message
    assert problems(question_over(THREE, "a and b", ("systems",)), TERMS, "ann") == []


def test_tables_by_systems_are_a_family_of_their_own_whatever_groups_are_called() -> None:
    other = question_over({"x": "one", "y": "two", "z": "three"}, "y or x", ("systems",))
    asked = question_over(THREE, "a or b", ("systems",))
    assert family_of(asked, TERMS) == family_of(other, TERMS)
    assert family_of(asked, TERMS) != family_of(question_over(THREE, "a or b"), TERMS)


def test_s19_rows_by_systems_are_blocks_and_of_two_groups_their_report_is_withheld_where_one_is_small() -> None:
    made = plan(question_over(TWO, "a or b", ("systems",)), TERMS)
    rows: list[Any] = [
        {"systems": level, "count": count, "suppressed": None} for (level,), count in zip(made.rows, (6, 297), strict=True)
    ]
    linkage: Any = {"people": {"a": 300, "b": 300}, "usable": {"a": 300, "b": 300}, "matched": 297}
    out, shown, _ = suppress(rows, linkage, PROFILES["cms"], made)
    assert [row["count"] for row in out] == [None, 297]
    assert (shown["people"], shown["matched"]) == ({"a": None, "b": None}, None)


def test_what_is_neither_a_column_nor_systems_says_what_by_takes() -> None:
    with pytest.raises(Invalid, match=r"by.0: must be GROUP.COLUMN, such as wages.earnings, or systems"):
        question_over(TWO, "a", ("place",))


def test_totals_say_what_the_rows_of_a_number_of_groups_add_up_to() -> None:
    made = plan(question_over(TWO, "a or b", ("systems", "a.place")), TERMS)
    people = {"a": 30, "b": 20}
    assert made.presences == ("systems", "a.present")
    assert count_block(made, people, 8, (1, True)) == 22
    assert count_block(made, people, 8, (1, False)) == 12
    assert count_block(made, people, 8, (2, True), inside=("b",)) == 8
    stack = plan(question_over(TWO, "x", ("x.present",), ("count",), {"x": ["a", "b"]}), TERMS)
    assert count_block(stack, people, 8, (True,), inside=("x",)) == 42
