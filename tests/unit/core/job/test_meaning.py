"""What derived columns and conditions say whatever they are called: which measures may stand together, whom `where` leaves, hints that hold."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick.core.disclosure.families import Names, cohort_of, family_of
from tallystick.core.job.check import question_problems
from tallystick.core.job.columns import operations_by_column
from tallystick.core.statistics.rulebook import plan_job
from tests.clear import ask, terms_of

COLUMNS = {
    "tanf": {"age": {"type": "integer", "min": 0, "max": 120}, "young": {"type": "boolean"}},
    "wages": {
        "wage": {"type": "decimal", "scale": 2, "min": 0, "max": 99999},
        "employer": {"type": "integer", "min": 0, "max": 999},
        "industry": {"type": "category", "values": ["retail", "care"]},
        "quarter": {"type": "quarter", "min": "2024-Q1", "max": "2025-Q4"},
        "paid_on": {"type": "date", "min": "2024-01-01", "max": "2025-12-31"},
    },
}
TERMS = terms_of(COLUMNS)
GATED = terms_of(COLUMNS, disclosure={"profile": "cms", "gate": True})


def asking(derive: dict[str, str], *measures: Any, where: str | None = None, **changes: Any) -> Any:
    """Give a question whose wages derive columns."""
    wages = {"agency": "labor", "dataset": "wages", "derive": derive} | ({} if where is None else {"where": where})
    return ask(
        people={"tanf": {"agency": "human-services", "dataset": "tanf"}, "wages": wages}, measures=list(measures), **changes
    )


def problems(derive: dict[str, str], *measures: Any, terms: Any = TERMS, **changes: Any) -> list[tuple[str, str, str]]:
    found = question_problems(asking(derive, *measures, **changes), terms, "ana")
    return [(one.code, one.message, one.hint) for one in found]


MADE = {
    "earned": "sum(wage)", "again": "sum(wage)", "most": "max(wage)", "jobs": "count(distinct employer)",
    "rows": "count(*)", "same": "count(*)",
    "high": "any(wage >= 100)", "higher": "any(wage >= 101)", "capped": "cap(sum(wage), 5000)", "band": "bin(earned, 100, 2500)",
    "level": "case(most >= 101, 'high', 'low')", "told": "bin(most, 100)",
}  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"share": "wages.high"}, {"share": "wages.higher"}),
        ({"share": "wages.high"}, {"share": {"of": "wages.most >= 101"}}),
        ({"share": {"of": "wages.earned >= 100"}}, {"share": {"of": "wages.again >= 101"}}),
        ({"share": {"of": "wages.rows >= 2"}}, {"share": {"of": "wages.same >= 3"}}),
        ({"share": {"of": "wages.earned >= 2500"}}, {"share": {"of": "wages.band = '2500 or over'"}}),
        ({"share": {"of": "wages.level = 'high'"}}, {"share": {"of": "wages.told = '100 or over'"}}),
        ({"sum": "wages.capped"}, {"sum": "wages.earned"}),
        ({"sum": "wages.capped"}, {"sum": "wages.most"}),
        ({"median": {"of": "wages.earned", "at": [1000, 2000]}}, {"share": {"of": "wages.again >= 2500"}}),
    ],
)
def test_s19_thresholds_of_one_column_are_refused_whatever_they_are_derived_as(one: Any, other: Any) -> None:
    """Else the difference of two counts, or of two sums, is that of the few people between."""
    assert [(code, "between them" in message) for code, message, _ in problems(MADE, one, other)] == [("job-invalid", True)]
    for alone in (one, other):
        assert problems(MADE, alone) == []


@pytest.mark.parametrize(
    "measures",
    [
        ({"mean": "wages.earned"}, {"mean": "wages.most"}, {"mean": "wages.jobs"}),
        ({"mean": "wages.earned"}, {"share": {"of": "wages.again >= 2500"}}),
        ({"share": "wages.high"}, {"mean": "wages.earned"}, {"share": {"of": "wages.jobs >= 2"}}),
    ],
)
def test_measures_of_the_same_people_still_stand_together(measures: tuple[Any, ...]) -> None:
    assert problems(MADE, *measures) == []


@pytest.mark.parametrize(
    "other",
    [{"ratio": ["wages.most", "tanf.age"]}, {"difference": [{"of": "wages.again > 5"}, "tanf.age"]}],
)
def test_s19_with_a_gate_who_has_one_column_and_lacks_another_follows_under_no_other_name(other: Any) -> None:
    found = problems(MADE, {"mean": "wages.earned"}, other, terms=GATED)
    assert ("job-not-allowed", True) in [(code, "lacks the rest" in message) for code, message, _ in found]
    assert problems(MADE, other, terms=GATED) == []


def names(*measures: Any) -> Names:
    return Names.of(asking(MADE, *measures), GATED)


def test_s19_a_later_table_has_no_threshold_of_a_column_that_an_earlier_one_has_under_another_name() -> None:
    first = names({"share": "wages.high"})
    for other in ({"share": "wages.higher"}, {"share": {"of": "wages.most >= 101"}}, {"sum": "wages.capped"}):
        assert names(other).find_crossing(first)
    assert names({"ratio": ["wages.most", "tanf.age"]}).find_crossing(names({"mean": "wages.earned"}))
    assert not names({"mean": "wages.most"}).find_crossing(names({"mean": "wages.earned"}))
    assert not names({"share": "wages.high"}).find_crossing(first)
    assert not names({"mean": "wages.jobs"}).find_crossing(first)


def test_bins_in_by_and_derived_ones_are_one_family_and_names_make_none() -> None:
    derived = asking({"a": "sum(wage)", "b": "bin(a, 100, 2500)"}, "count", by=["wages.b"])
    binned = asking({"x": "sum(wage)"}, "count", by=[{"bin": "wages.x", "at": [100, 2500]}])
    assert family_of(derived, TERMS) == family_of(binned, TERMS)
    assert plan_job(derived, TERMS).rows == plan_job(binned, TERMS).rows
    other = asking({"a": "sum(wage)", "b": "bin(a, 100, 2501)"}, "count", by=["wages.b"])
    assert family_of(other, TERMS) != family_of(derived, TERMS)


def test_s19_a_where_over_derived_columns_names_its_people_by_what_the_columns_are() -> None:
    first = asking({"a": "sum(wage)"}, "count", where="a >= 100 and quarter = '2024-Q1'")
    same = asking({"b": "sum(wage)"}, "count", where="quarter = '2024-Q1' AND b >= 100")
    other = asking({"a": "max(wage)"}, "count", where="a >= 100 and quarter = '2024-Q1'")
    assert cohort_of(first, TERMS) == cohort_of(same, TERMS) != cohort_of(other, TERMS)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("earned >= 100 or quarter = '2024-Q1'", "tests earned, which is of people, and quarter, which is of rows"),
        ("not (earned >= 100 and quarter = '2024-Q1')", "of people, and quarter"),
        ("earned >= wage", "of people, and wage"),
        ("pay = 1", "the column pay"),
        ("band = 'no such level'", "a value that band does not have"),
    ],
)
def test_a_where_over_derived_columns_that_makes_no_sense_is_refused(where: str, said: str) -> None:
    ((code, message, hint),) = problems(MADE, "count", where=where)
    assert (code, said in message, bool(hint)) == ("where-invalid", True, True)


def test_a_where_over_derived_columns_and_its_sources_are_asked_of_the_policy() -> None:
    asked = asking(
        {"earned": "sum(wage)", "band": "bin(earned, 100)"}, "count", {"mean": "wages.earned"}, where="band = '100 or over'"
    )
    assert operations_by_column(asked, "wages", TERMS.datasets["wages"]) == {"wage": {"count", "mean"}}
    asked = asking({"kind": "case(jobs > 1, 'a', 'b')", "jobs": "count(distinct employer)"}, "count", by=["wages.kind"])
    assert operations_by_column(asked, "wages", TERMS.datasets["wages"]) == {"employer": {"count"}}


@pytest.mark.parametrize(
    "by", ["band", "few", "kind", "first", "high", {"bin": "wages.rows", "at": [1, 5]}, {"bin": "wages.stayed", "at": [1, 5]}]
)
def test_by_takes_derived_columns_with_known_levels(by: Any) -> None:
    made = MADE | {
        "few": "cap(jobs, 3)", "kind": "case(jobs > 1, 'a', 'b')", "first": "first(quarter)",
        "stayed": "months_between(first(paid_on), last(paid_on))",
    }  # fmt: skip
    asked = asking(made, "count", by=[f"wages.{by}" if isinstance(by, str) else by])
    assert list(question_problems(asked, TERMS, "ana")) == []
    assert len(plan_job(asked, TERMS).rows) > 2


@pytest.mark.parametrize(("name", "hint"), [("rows", "bin it"), ("jobs", "cap(jobs, NUMBER)")])
def test_the_hint_for_a_count_of_too_many_levels_names_what_a_job_can_do(name: str, hint: str) -> None:
    """That its agency declares closer bounds is no help: of a count it declares none."""
    ((code, message, told),) = problems(MADE, "count", by=[f"wages.{name}"])
    assert (code, hint in told, "declare min" in told) == ("job-invalid", True, False)
    assert "more than 256 levels" in message
    for made in ({"by": [{"bin": f"wages.{name}", "at": [1, 5]}]}, {"by": ["wages.less"]}):
        assert problems(MADE | {"less": f"cap({name}, 5)"}, "count", **made) == []


def test_since_takes_derived_events_and_no_where_over_what_sums_up_all_rows() -> None:
    made = {"begun": "first(quarter)", "earned": "sum(wage)"}
    people: dict[str, dict[str, Any]] = {
        "exits": {"agency": "human-services", "dataset": "tanf"},
        "wages": {"agency": "labor", "dataset": "wages", "derive": made, "where": "earned > 5"},
    }
    terms = terms_of({**COLUMNS, "tanf": {"left": {"type": "quarter", "min": "2024-Q1", "max": "2025-Q4"}}})
    value: dict[str, Any] = {"people": people, "keep": "exits", "by": ["wages.present"]}
    rows = ask(**value, since={"event": "exits.left", "of": "wages.quarter", "periods": [1, 2]})
    (one,) = question_problems(rows, terms, "ana")
    assert "where tests earned of all of a person's rows" in one.message
    first = ask(**value, since={"event": "exits.left", "of": "wages.begun", "periods": [1, 2]})
    assert list(question_problems(first, terms, "ana")) == []
    people["wages"]["where"] = "begun > '2024-Q2'"
    (one,) = question_problems(
        ask(**value, since={"event": "exits.left", "of": "wages.begun", "periods": [1, 2]}), terms, "ana"
    )
    assert "leaves out some of wages.begun" in one.message


def test_columns_that_are_derived_in_a_circle_are_one_problem() -> None:
    found = problems({"a": "cap(b, 3)", "b": "cap(a, 3)"}, {"mean": "wages.a"}, {"share": {"of": "wages.b > 1"}}, where="a > 1")
    assert [(code, "derived from itself" in message) for code, message, _ in found] == [("job-invalid", True)]
