"""Bins that a job gives: their levels, the people of each, and what is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from tallystick.core.agreement.model import Column
from tallystick.core.disclosure.families import family_of
from tallystick.core.errors import Invalid
from tallystick.core.job.bins import Range, ranges_of
from tallystick.core.job.columns import operations_by_column
from tallystick.core.job.model import Question
from tallystick.core.statistics.planner import plan
from tallystick.core.statistics.rulebook import problems
from tests.populations import frame_of
from tests.unit.core.test_populations import TERMS, check_against_oracle, question_over

TWO = {"a": "one", "b": "two"}
AGE = Column(type="integer", min=0, max=99)


def job(*by: Any, **change: Any) -> Question:
    """Give a job by these columns, as a file has them."""
    value = {key: item for key, item in question_over(TWO, "a and b").json_value().items() if key != "by"}
    return Question.read(value | {"by": list(by)} | change, what="job")


def test_a_job_file_bins_where_it_groups() -> None:
    asked = job({"bin": "a.age", "at": [18, 65]}, "b.place")
    assert (asked.by, asked.bins) == (("a.age", "b.place"), {"a.age": (18, 65)})
    assert Question.read(asked.json_value(), what="job") == asked
    assert "bins" not in question_over(TWO, "a").json_value()
    assert problems(asked, TERMS, "ann") == []
    assert {row[0] for row in plan(asked, TERMS).rows} == {"under 18", "18 to 64", "65 or over", None}
    assert set(operations_by_column(asked, "a", TERMS.dataset_of("one_set"))) == {"age"}


@pytest.mark.parametrize(
    ("edges", "names"),
    [
        ([18, 25, 65], ["under 18", "18 to 24", "25 to 64", "65 or over"]),
        ([0, 50], ["0 to 49", "50 or over"]),
        ([50, 51, 99, 100], ["under 50", "50", "51 to 98", "99"]),
    ],
)
def test_levels_read_as_people_say_them_and_stay_within_what_is_declared(edges: list[int | str], names: list[str]) -> None:
    assert list(ranges_of(edges, AGE, "a.age")) == names


def test_a_decimal_is_binned_at_its_scale() -> None:
    paid = Column(type="decimal", scale=2, min=0, max=100)
    found = ranges_of(["2.5", 10], paid, "a.paid")
    assert found == {"under 2.5": Range(None, 250), "2.5 to under 10": Range(250, 1000), "10 or over": Range(1000, None)}


@pytest.mark.parametrize(
    ("edges", "column", "message"),
    [
        ([5, 5], AGE, "do not rise"),
        ([9, 5], AGE, "do not rise"),
        (["0.5"], AGE, "more digits"),
        ([0], AGE, "in one bin"),
        ([500], AGE, "in one bin"),
        ([5], Column(type="boolean"), "has no bins"),
        ([5], Column(type="date"), "has no bins"),
    ],
)
def test_bins_that_make_no_sense_are_refused(edges: list[int | str], column: Column, message: str) -> None:
    with pytest.raises(Invalid, match=message) as refusal:
        ranges_of(edges, column, "a.x")
    assert refusal.value.code == "job-invalid"


@pytest.mark.parametrize(
    ("by", "change", "message"),
    [
        ({"bin": "a.place", "at": [1]}, {}, "has no bins"),
        ({"bin": "a.nothing", "at": [1]}, {}, "has no column nothing"),
        ({"bin": "a.present", "at": [1]}, {}, "is no number in by"),
        ({"bin": "a.age"}, {}, "by: an entry is a column"),
        ({"bin": "a.age", "at": []}, {}, "bins"),
        ("a.place", {"bins": {"a.age": [1]}}, "is no number in by"),
        ("a.paid", {}, "has no known list of levels"),
    ],
)
def test_a_job_whose_bins_make_no_sense_is_refused(by: Any, change: dict[str, Any], message: str) -> None:
    try:
        found = [problem.message for problem in problems(job(by, **change), TERMS, "ann")]
    except Invalid as error:
        found = [error.message]
    assert any(message in one for one in found), found


@pytest.mark.parametrize("keep", ["a and b", "a", "a or b"])
def test_s11_binned_tables_equal_the_oracle(keep: str) -> None:
    rng = np.random.default_rng(3)
    people = [frozenset(name for name in TWO if rng.random() < 0.7) for _ in range(50)]
    people = [have for have in people if have]
    frames = {group: frame_of(sum(group in have for have in people), rng) for group in TWO}
    frames["b"]["paid"] = [None if value is None else Decimal(value) / 4 for value in frames["b"]["paid"]]
    bins = {"a.age": [-30, 0, 45], "b.paid": [5, 10]}
    check_against_oracle(question_over(TWO, keep, ("a.age", "b.paid"), ({"sum": "a.age"},), None, bins), people, frames)


def test_tables_by_other_bins_are_of_another_family() -> None:
    first, same, other = (job({"bin": "a.age", "at": at}) for at in ([1, 2], ["1", "2"], [1, 3]))
    assert family_of(first, TERMS) == family_of(same, TERMS) != family_of(other, TERMS)
