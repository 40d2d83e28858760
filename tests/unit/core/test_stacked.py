"""Groups of agencies of one kind, stacked: one group in the formula, measures and rows; refused where they do not go together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tallystick.core.agreement.model import Agreement
from tallystick.core.disclosure.families import Names, family_of, rename_table
from tallystick.core.disclosure.leakage import leakage_statement
from tallystick.core.errors import Invalid
from tallystick.core.job.columns import operations_by_column
from tallystick.core.job.model import Question
from tallystick.core.statistics.planner import plan
from tallystick.core.statistics.rulebook import problems
from tallystick.core.statistics.table import table
from tests.populations import frame_of
from tests.unit.core.test_planner import evaluate
from tests.unit.core.test_populations import TERMS, TWO, check_against_oracle, lists_of, question_over


@pytest.mark.parametrize(
    ("keep", "by", "measures"),
    [
        ("x", ("x.place",), ({"sum": "x.age"}, {"variance": "x.age"})),
        ("c", ("x.place", "c.young"), ({"mean": "x.young"},)),
        ("x and not c", ("systems", "x.young"), ("count",)),
        ("x or c", ("x.present", "c.place", "systems"), ({"sum": "x.age"},)),
    ],
)
def test_s11_stacked_groups_equal_the_oracle(keep: str, by: tuple[str, ...], measures: tuple[Any, ...]) -> None:
    owners = {"a": "one", "b": "two", "c": "three"} if "c" in keep else {"a": "one", "b": "two"}
    rng = np.random.default_rng(5)
    people = [frozenset(name for name in owners if rng.random() < 0.6) for _ in range(60)]
    people = [have for have in people if have]
    frames = {group: frame_of(sum(group in have for have in people), rng) for group in owners}
    check_against_oracle(question_over(owners, keep, by, measures, {"x": ["b", "a"]}), people, frames)


def test_whom_two_stacked_agencies_have_is_one_person_of_whom_the_first_speaks() -> None:
    asked = question_over({"a": "one", "b": "two"}, "x", ("x.place",), ("count",), {"x": ["b", "a"]})
    frames = {group: frame_of(2, np.random.default_rng(1)) for group in "ab"}
    frames["a"]["place"], frames["b"]["place"] = ["north", "south"], ["east", "south"]
    people = [frozenset("ab"), frozenset("a"), frozenset("b")]
    values = evaluate(plan(asked, TERMS), lists_of(asked, people, frames), 3)
    assert {row["x.place"]: row["count"] for row in table(plan(asked, TERMS), values)} == {"north": 0, "south": 2, "east": 1}


def stacked_job(**change: Any) -> dict[str, Any]:
    """Give a job file's value with a group of two agencies."""
    value = {"agreement": "a", "purpose": "p", "keep": "x", "measures": ["count"]}
    return value | {"people": {"x": {"agency": ["one", "two"], "dataset": ["one_set", "two_set"], "where": "young"}}} | change


def test_a_list_of_agencies_is_a_group_of_each_and_one_of_all() -> None:
    asked = Question.read(stacked_job(), what="job")
    assert asked.stacked == {"x": ("x-one", "x-two")}
    assert {name: (one.agency, one.dataset, one.where) for name, one in asked.people.items()} == {
        "x-one": ("one", "one_set", "young"),
        "x-two": ("two", "two_set", "young"),
    }
    assert Question.read(asked.json_value(), what="job") == asked
    assert "stacked" not in question_over(TWO, "a").json_value()
    assert problems(asked, TERMS, "ann") == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"people": {"x": {"agency": ["one", "two"], "dataset": "one_set"}}}, "2 agencies need a dataset each"),
        ({"people": {"x": {"agency": ["one", "one"], "dataset": ["one_set", "one_set"]}}}, "x-one twice"),
        ({"stacked": {"x": ["x-one", "x-two"]}}, "a group x twice"),
        ({"by": ["x-one.place"]}, "people has no group x-one"),
        ({"keep": "x-one"}, "keep names x-one"),
        ({"keep": "not x"}, "counts people whom none"),
        ({"stacked": {"y": ["w", "z"]}}, "people has no w"),
        ({"stacked": {"y": ["x-one", "x-two"]}}, "stands twice"),
        ({"by": ["x.nothing"]}, "there is no column x.nothing"),
        ({"release": "direct"}, "leaves by the desk"),
    ],
)
def test_stacked_groups_that_make_no_sense_are_refused(change: dict[str, Any], message: str) -> None:
    try:
        found = [problem.message for problem in problems(Question.read(stacked_job(**change), what="job"), TERMS, "ann")]
    except Invalid as error:
        found = [error.message]
    assert any(message in one for one in found), found


def test_levels_that_differ_among_stacked_agencies_are_refused() -> None:
    value = TERMS.json_value()
    columns = value["datasets"]["two_set"]["columns"]
    value["datasets"]["two_set"]["columns"] = {**columns, "place": {"type": "category", "values": ["north", "west"]}}
    other = Agreement.read(value, what="agreement")
    (problem,) = problems(Question.read(stacked_job(by=["x.place"]), what="job"), other, "ann")
    assert "x-one and x-two declare other types, levels or bounds of place" in problem.message
    assert problems(Question.read(stacked_job(by=["x.young"]), what="job"), other, "ann") == []


def test_an_agency_reads_and_its_policy_hears_of_the_columns_of_a_stacked_group() -> None:
    asked = Question.read(stacked_job(by=["x.place"], measures=[{"sum": "x.age"}]), what="job")
    assert set(operations_by_column(asked, "x-two", TERMS.dataset_of("two_set"))) == {"place", "age", "young"}


def test_the_leakage_statement_says_what_a_stacked_agency_makes_of_a_row() -> None:
    told = leakage_statement(Question.read(stacked_job(), what="job"), TERMS)
    assert any("how many of x only the others have" in line for line in told["two"])
    assert not any("only the others have" in line for line in leakage_statement(question_over(TWO, "a"), TERMS)["two"])


def test_a_family_has_jobs_that_stack_and_jobs_that_say_or() -> None:
    asked, other = Question.read(stacked_job(), what="job"), question_over({"a": "one", "b": "two"}, "a or b")
    plain = Question.read(stacked_job(people={"x": {"agency": ["one", "two"], "dataset": ["one_set", "two_set"]}}), what="job")
    assert family_of(plain, TERMS) == family_of(other, TERMS) != family_of(asked, TERMS)
    theirs, mine = Names.of(other, TERMS), Names.of(plain, TERMS)
    linkage = {"people": {"a": 1, "b": 2}, "usable": {"a": 1, "b": 2}, "matched": 1}
    assert rename_table({"rows": [], "linkage": linkage}, theirs, mine)["linkage"]["people"] == {"x-one": 1, "x-two": 2}
