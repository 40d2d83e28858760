"""Rows by the time since an event: plans in the clear against the oracle, and every word of `since` that makes no sense."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tallystick.core.agreement.model import Agreement
from tallystick.core.errors import Invalid, Refused, TallyError
from tallystick.core.job.check import question_problems
from tallystick.core.job.columns import operations_by_column
from tallystick.core.job.model import Question
from tallystick.core.job.since import find_follow_up
from tallystick.core.statistics.columns import agency_columns
from tallystick.core.statistics.consistency import check_consistent
from tallystick.core.statistics.keys import InRow
from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.planner import plan
from tallystick.core.statistics.table import table
from tests.follow import Case, expected_periods, list_of
from tests.followed import EMPLOYED, QUARTERS, TERMS, WAGES, asked, cases
from tests.unit.core.test_planner import evaluate
from tests.unit.core.test_populations import QUICK


def run_in_the_clear(case: Case) -> tuple[Plan, list[int]]:
    made = plan(case.question, case.agreement)
    places = np.random.default_rng(len(case.people)).permutation(len(case.people))
    lists = {agency: list_of(case, agency, made, places) for agency in made.agencies}
    return made, evaluate(made, lists, len(case.people))


def check(case: Case) -> None:
    try:
        made, values = run_in_the_clear(case)
    except Refused as error:
        assume(error.code != "table-too-large")
        raise
    assert table(made, values) == expected_periods(case)
    check_consistent(made, values)


SETTINGS = {"deadline": None, "phases": QUICK, "suppress_health_check": [HealthCheck.too_slow]}


@settings(max_examples=80, **SETTINGS)  # type: ignore[arg-type]  # a mapping of mixed types
@given(cases())
def test_s11_rows_since_an_event_equal_the_oracle(case: Case) -> None:
    check(case)


@settings(max_examples=25, **SETTINGS)  # type: ignore[arg-type]  # a mapping of mixed types
@given(st.one_of(cases(("exits", "more", "wages")), cases(("exits", "wages", "pay")), cases(("exits", "more", "wages", "pay"))))
def test_s11_rows_since_an_event_of_stacked_groups_equal_the_oracle(case: Case) -> None:
    check(case)


@pytest.mark.slow
@settings(max_examples=5_000, **SETTINGS)  # type: ignore[arg-type]  # a mapping of mixed types
@given(st.one_of(cases(), cases(("exits", "more", "wages")), cases(("exits", "more", "wages", "pay"))))
def test_s11_five_thousand_tables_since_an_event_equal_the_oracle(case: Case) -> None:
    check(case)


def test_each_quarter_is_a_term_and_only_their_sum_is_a_cell() -> None:
    made = plan(asked(EMPLOYED, by=("wages.present",)), TERMS)
    assert made.by == ("period", "wages.present")
    assert made.rows == ((-1, True), (-1, False), (2, True), (2, False))
    cells = {cell.key.place: cell for cell in made.cells if isinstance(cell.key.place, InRow)}
    assert len(cells) == 4
    # exits are counted from 2023-Q1, the first whose quarter before is held, to 2024-Q1, the last whose second quarter after is
    assert made.follow is not None
    assert made.follow.counted.startswith("people whose exits.exit_quarter is from 2023-Q1 to 2024-Q1:")
    assert [len(cells[InRow(at)].terms) for at in range(4)] == [5, 5, 5, 5]
    assert [len(cells[InRow(at)].own) for at in range(4)] == [0, 1, 0, 1]


def test_an_event_by_itself_needs_no_calendar() -> None:
    """Who is followed is the event's agency's own number: one range of events, whatever the calendar."""
    made = plan(asked(EMPLOYED, by=("exits.county",), measures=("count", {"mean": "wages.wage"})), TERMS)
    counts = [cell for cell in made.cells if cell.key.place == InRow(0)]
    assert [(len(cell.terms), len(cell.own)) for cell in counts] == [(0, 1), (5, 0), (5, 0)]


def test_the_quarter_of_the_event_may_part_the_rows_and_then_has_one_term_each() -> None:
    made = plan(asked(EMPLOYED, keep="exits and wages", by=("exits.exit_quarter",)), TERMS)
    assert made.rows == tuple((period, quarter) for period in (-1, 2) for quarter in QUARTERS[:5])
    assert all(len(cell.terms) == 1 for cell in made.cells if isinstance(cell.key.place, InRow))


def test_months_and_quarters_part_rows_like_any_levels() -> None:
    made = plan(asked(None, keep="exits and wages", by=("exits.exit_quarter",)), TERMS)
    assert [row[0] for row in made.rows] == [*QUARTERS[:6], None]


@pytest.mark.parametrize(
    ("since", "more", "message", "hint"),
    [
        ({"event": "exit.exit_quarter"}, {}, "people has no group exit", "it has: exits, wages"),
        ({"event": "exits.left"}, {}, "exits has no column left", "exit_date, exit_month, exit_quarter"),
        ({"of": "wages.industry"}, {}, "is of type category", "date, month or quarter"),
        ({"event": "exits.benefit"}, {}, "is of type integer", "date, month or quarter"),
        ({"periods": [2, 2]}, {}, "the periods 2 and 2 overlap", "no unit in common"),
        ({"periods": [[1, 4], 2]}, {}, "the periods 1 to 4 and 2 overlap", "no unit in common"),
        ({"periods": [[4, 1]]}, {}, "does not run from earlier to later", "[1, 4]"),
        ({"periods": [20]}, {}, "of nobody every period is within what is held", "what it holds"),
        ({"periods": [-4, 4]}, {}, "of nobody every period is within what is held", "fewer or nearer"),
        ({"unit": "month"}, {}, "quarters cannot be counted in months", "unit: quarter"),
        ({"of": "exits.exit_date"}, {}, "event and of are both of exits", "two groups"),
        ({}, {"keep": "exits or wages"}, "people who are not in exits", "keep: exits"),
        ({}, {"keep": "wages"}, "people who are not in exits", "keep: exits"),
        ({}, {"by": ("systems",)}, "does not say since when", "wages.present"),
    ],
)  # fmt: skip
def test_a_since_that_makes_no_sense_is_refused_with_what_to_write(
    since: dict[str, Any], more: dict[str, Any], message: str, hint: str
) -> None:
    found = list(question_problems(asked(EMPLOYED | since, **more), TERMS, "ann"))
    assert [(one.code, message in one.message, hint in one.hint) for one in found if "since" in one.message] == [
        ("job-invalid", True, True)
    ], [(one.message, one.hint) for one in found]


def test_a_column_without_bounds_does_not_say_what_is_held() -> None:
    value = TERMS.json_value()
    del value["datasets"]["wages_set"]["columns"]["quarter"]["min"], value["datasets"]["wages_set"]["columns"]["quarter"]["max"]
    (problem,) = question_problems(asked(EMPLOYED), Agreement.read(value, what="agreement"), "ann")
    assert problem.message == "since: of: wages.quarter has no declared min and max, so what is held is not known"


def test_a_condition_over_the_followed_column_is_refused() -> None:
    """Whom it leaves out would look as if without a row."""
    value = asked(EMPLOYED).json_value()
    value["people"]["wages"]["where"] = "quarter >= '2024-Q1' AND wage > 3"
    (problem,) = question_problems(Question.read(value, what="job"), TERMS, "ann")
    assert "would look as if without a row" in problem.message
    value["people"]["wages"]["where"] = "wage > 3"
    assert list(question_problems(Question.read(value, what="job"), TERMS, "ann")) == []


def test_days_over_more_than_a_year_are_too_many_products() -> None:
    value = TERMS.json_value()
    value["datasets"]["exits_set"]["columns"]["exit_date"] |= {"min": "2020-01-01", "max": "2024-12-31"}
    value["datasets"]["wages_set"]["columns"]["visit"] |= {"min": "2020-01-01", "max": "2024-12-31"}
    many = Agreement.read(value, what="agreement")
    days = {"event": "exits.exit_date", "of": "wages.visit", "periods": [[0, 30]]}
    with pytest.raises(Invalid, match="1797 days; 400 are allowed") as refusal:
        find_follow_up(asked(days), many)
    assert "unit: month" in refusal.value.hint
    months = find_follow_up(asked(days | {"unit": "month"}), many)
    assert months is not None
    assert len(months.calendar) == 30


def test_a_table_of_too_many_products_over_the_calendar_is_refused() -> None:
    value = TERMS.json_value()
    value["datasets"]["exits_set"]["columns"]["benefit"] |= {"min": 0, "max": 200}
    value["datasets"]["wages_set"]["columns"]["wage"] |= {"min": 0, "max": 100}
    wide = Agreement.read(value, what="agreement")
    with pytest.raises(Refused) as refusal:
        plan(asked(EMPLOYED, by=("exits.benefit", "wages.wage")), wide)
    assert refusal.value.code == "table-too-large"
    assert "leave out a column" in refusal.value.hint


def test_a_column_of_people_without_rows_in_a_period_is_nobodys() -> None:
    """The node has a list of each part of the calendar; one in which nobody has a row is a column of zeros."""
    case = Case(asked(EMPLOYED), TERMS, [])
    made = plan(case.question, TERMS)
    people, slots = list_of(case, "two", made, np.arange(0))
    assert not agency_columns(made, "two", people, slots, 4).any()


@pytest.mark.parametrize(
    ("since", "more"),
    [
        ({"periods": [99]}, {}),
        ({}, {"derive": {"wages": {"earned": "sum(nothing)"}}}),
        ({}, {"keep": "exits and and wages"}),
        ({}, {"derive": {"exits": {"wage": "median(benefit)"}}}),
    ],
)
def test_an_error_is_told_once(since: dict[str, Any], more: dict[str, Any]) -> None:
    found: list[TallyError] = list(question_problems(asked(EMPLOYED | since, **more), TERMS, "ann"))
    assert len(found) == 1, [one.message for one in found]


def test_stacked_groups_derive_what_is_followed_in_all_of_them_or_in_none() -> None:
    value = asked(
        EMPLOYED | {"of": "earned.quarter"},
        groups=("exits", "wages", "pay"),
        by=("earned.present",),
        stacked={"earned": ["wages", "pay"]},
    ).json_value()
    value["people"]["pay"]["derive"] = {"last": "max(quarter)"}
    value["people"]["wages"]["derive"] = {"last": "min(quarter)"}
    value["since"]["of"] = "earned.last"
    assert list(question_problems(Question.read(value, what="job"), TERMS, "ann")) == []
    other = TERMS.json_value()
    other["datasets"]["wages_set"]["columns"]["last"] = WAGES["quarter"]
    del value["people"]["wages"]["derive"]
    (problem,) = question_problems(Question.read(value, what="job"), Agreement.read(other, what="agreement"), "ann")
    assert problem.hint == "derive it in all of them, or in none"


def test_the_columns_of_a_since_are_read_so_an_agencys_own_policy_hears_of_them() -> None:
    question = asked(
        EMPLOYED | {"event": "exits.last"},
        derive={"exits": {"last": "max(exit_quarter)"}},
        measures=("count", {"mean": "wages.wage"}),
    )
    exits, wages = (operations_by_column(question, group, TERMS.datasets[f"{group}_set"]) for group in ("exits", "wages"))
    assert exits == {"exit_quarter": {"count", "mean"}}
    assert wages == {"quarter": {"count", "mean"}, "wage": {"mean"}}
