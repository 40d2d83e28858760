"""Conditions in the place of a measure's column: how they are read, written in one way, and refused."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick.core.errors import Invalid
from tallystick.core.job.check import question_problems
from tallystick.core.job.columns import operations_by_column
from tallystick.core.job.conditions import list_columns_read, refer_to_condition
from tests.clear import ask, terms_of

COLUMNS = {
    "tanf": {"age": {"type": "integer", "min": 0, "max": 120}, "young": {"type": "boolean"}},
    "wages": {
        "wage": {"type": "decimal", "scale": 2, "min": 0, "max": 99999},
        "industry": {"type": "category", "values": ["retail", "care"]},
        "note": {"type": "category"},
    },
}


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("wages.wage>=2500", "wages.wage >= 2500"),
        ("wages.wage >= 2500 and wages.hours>1", "wages.(wage >= 2500 AND hours > 1)"),
        ("((wages.wage != 1))", "wages.wage <> 1"),
        ("(a.x = 1) or (a.y = 2)", "a.((x = 1) OR (y = 2))"),
        ("not a.x", "a.(NOT x)"),
        ("a-b.x in ('it''s',  'no')", "a-b.x IN ('it''s', 'no')"),
        ("a.x between -1 and 2.5", "a.(x BETWEEN -1 AND 2.5)"),
        ("a.x", "a.x"),
    ],
)
def test_a_condition_has_one_reference_however_it_is_spelled(text: str, reference: str) -> None:
    assert refer_to_condition(text) == reference
    assert refer_to_condition(f"  {text.replace(' and ', ' AND ')} ") == reference


@pytest.mark.parametrize(
    "text", ["x > 1", "a.x = b.y", "a.x = 1; drop", "1 = 1", "a.x.y = 1", "a.x LIKE 'b'", "a.x = 'open", "a.x = 1" + " or a.x = 1" * 40]
)  # fmt: skip
def test_what_is_no_condition_of_one_group_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        refer_to_condition(text)
    assert refusal.value.code == "where-invalid"


def test_a_condition_reads_its_columns_and_not_words_in_quotes() -> None:
    assert list_columns_read("(wage > 1 AND industry = 'hours')") == ("wage", "industry")
    assert list_columns_read("wage") == ("wage",)


def problems(*measures: Any) -> list[tuple[str, str]]:
    return [(one.code, one.message) for one in question_problems(ask(measures=list(measures)), terms_of(COLUMNS), "ana")]


def test_a_share_is_of_a_boolean_or_a_condition_and_says_how_to_write_one() -> None:
    assert problems({"share": "tanf.young"}, {"share": {"of": "wages.industry = 'care'"}}) == []
    (one,) = question_problems(ask(measures=[{"share": "tanf.age"}]), terms_of(COLUMNS), "ana")
    assert (one.code, one.hint) == ("job-invalid", 'make a condition of it: share: {of: "tanf.age >= NUMBER"}')


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("wages.pay > 1", "the column pay"),
        ("wages.wage = 'many'", "a value of another type for wage"),
        ("wages.industry = 'mining'", "a value that industry does not have"),
        ("wages.note = 'a'", "declares no values"),
        ("wages.wage", "is a decimal column"),
    ],
)
def test_a_condition_that_its_group_cannot_tell_is_refused_with_the_measure(condition: str, told: str) -> None:
    ((_, message),) = problems({"share": {"of": condition}})
    assert told in message


def test_two_thresholds_of_one_column_are_refused_because_their_difference_is_a_count() -> None:
    ((code, message),) = problems({"share": {"of": "wages.wage >= 100"}}, {"share": {"of": "wages.wage >= 101"}})
    assert code == "job-invalid"
    assert "their difference can count the people between them" in message
    assert problems({"mean": "wages.wage"}, {"share": {"of": "wages.wage >= 100"}}) == []
    assert (
        problems({"mean": "wages.wage"}, {"share": {"of": "wages.wage >= 100 or wages.industry = 'care'"}})[0][0]
        == "job-invalid"
    )
    assert problems({"share": {"of": "wages.wage >= 100"}}, {"share": {"of": "WAGES.WAGE >= 100".lower()}})[0][1].endswith(
        "twice"
    )
    assert problems({"share": {"of": "wages.wage >= 100"}}, {"share": {"of": "tanf.age >= 18"}}) == []


def test_a_measure_over_one_column_twice_is_refused() -> None:
    ((_, message),) = problems({"ratio": ["tanf.age", "tanf.age"]})
    assert message == "ratio(tanf.age, tanf.age) names tanf.age twice"


def test_a_policy_is_asked_for_the_columns_that_a_condition_reads() -> None:
    asked = ask(measures=["count", {"share": {"of": "wages.wage >= 100 and wages.industry = 'care'"}}])
    served = operations_by_column(asked, "wages", terms_of(COLUMNS).datasets["wages"])
    assert served == {"industry": {"share"}, "wage": {"share"}}


def test_with_a_gate_two_measures_share_all_their_columns_or_none() -> None:
    gated = terms_of(COLUMNS, disclosure={"profile": "cms", "gate": True})
    asked = ask(measures=[{"mean": "tanf.age"}, {"ratio": ["wages.wage", "tanf.age"]}])
    assert [one.code for one in question_problems(asked, gated, "ana")] == ["job-not-allowed"]
    asked = ask(measures=[{"mean": "tanf.age"}, {"sd": "tanf.age"}, {"sum": "wages.wage"}])
    assert list(question_problems(asked, gated, "ana")) == []
