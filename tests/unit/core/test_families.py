"""S-19 between results: which questions are of one family, whatever an analyst calls their groups and columns."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from tallystick.core.agreement.model import Agreement
from tallystick.core.disclosure.families import Names, family_of, rename_table
from tallystick.core.disclosure.rules.differences import without_differences
from tallystick.core.job.model import Question
from tests.governance import agreement, agreement_value, question_value
from tests.unit.core.test_differences import CMS, counts_of, table
from tests.unit.core.test_suppress import planned

TERMS = agreement()


def read(**changes: Any) -> Question:
    return Question.read(question_value(**changes), what="job")


def asked(**changes: Any) -> str:
    return family_of(read(**changes), TERMS)


def with_people(group: str, **changes: Any) -> dict[str, Any]:
    people: dict[str, Any] = deepcopy(question_value()["people"])
    people[group] |= changes
    return people


def called(**names: str) -> dict[str, Any]:
    """Give the question's people under other names."""
    return {names[group]: value for group, value in question_value()["people"].items()}


@pytest.mark.parametrize(
    "same",
    [
        {"link": "strict"},
        {"title": "another"},
        {"by": ["wages.industry", "tanf.region"]},
        {"measures": ["count"]},
        {"keep": " tanf or (tanf and wages) "},
        {"people": with_people("tanf", where="(exit_quarter  = '2025Q1') AND age>=18")},
        {"people": with_people("wages", derive={"earnings": "sum(wage)", "more": "max(wage)"}), "measures": ["count"]},
        {
            "people": called(tanf="a", wages="b"),
            "keep": "a",
            "by": ["a.region", "b.industry"],
            "measures": ["count", {"mean": "b.earnings"}],
        },
    ],
)
def test_s19_questions_of_the_same_people_and_groups_are_of_one_family(same: dict[str, Any]) -> None:
    assert asked(**same) == asked()


@pytest.mark.parametrize(
    "other",
    [
        {"keep": "tanf and wages"},
        {"by": ["tanf.region"]},
        {"people": with_people("tanf", where="exit_quarter = '2025Q1' and age >= 19")},
        {"people": with_people("tanf", where=None)},
    ],
)
def test_questions_of_others_are_not(other: dict[str, Any]) -> None:
    assert asked(**other) != asked()


def test_the_same_people_are_one_family_however_the_formula_is_written() -> None:
    assert asked(keep="wages and tanf") == asked(keep="tanf and wages")
    assert asked(keep="wages") != asked()
    assert asked(keep="wages and not tanf") != asked(keep="tanf and not wages")
    assert asked(keep="not tanf and wages") == asked(keep="wages and not tanf")


def test_s19_an_agency_whose_name_begins_as_another_is_not_taken_for_it() -> None:
    value = agreement_value(joins=["any"])
    value["parties"] = {"labor" if name == "human-services" else f"{name}-2": one for name, one in value["parties"].items()}
    second_list = value["datasets"].pop("wages") | {"agency": "labor-2"}
    value["datasets"] = {"tanf": value["datasets"]["tanf"] | {"agency": "labor"}, "wages": second_list}
    value |= {"stewards": {}, "release": {"mode": "desk", "desk": "labor"}}
    terms = Agreement.read(value, what="agreement")
    families = set()
    for first, second in (("a", "b"), ("b", "a")):
        groups = {first: {"agency": "labor", "dataset": "tanf"}, second: {"agency": "labor-2", "dataset": "wages"}}
        families.add(family_of(read(people=groups, keep="a and b", by=[], measures=["count"]), terms))
    assert len(families) == 1


def test_a_derived_column_is_what_it_is_made_of() -> None:
    def by(name: str, made: str) -> str:
        return asked(people=with_people("wages", derive={name: made}), by=[f"wages.{name}"], measures=["count"])

    assert by("jobs", "count(*)") == by("spells", " count( * ) ")
    assert by("jobs", "count(*)") != by("jobs", "count(distinct wage)")


def test_s19_another_name_of_a_group_lets_nobody_subtract() -> None:
    past, now = planned("inner", "l.side"), planned("inner", "l.side")
    first, second = table(past, (100, 200, 300, 0), CMS), table(now, (103, 250, 360, 0), CMS)
    mine = Names({"one": "l", "two": "r"}, (("l.side", "one.side"),))
    theirs = Names({"one": "x", "two": "y"}, (("x.side", "one.side"),))
    disguised = rename_table(first, mine, theirs)
    assert set(disguised["rows"][0]) >= {"x.side", "count"}
    assert set(disguised["linkage"]["people"]) == {"x", "y"}
    made, hidden = without_differences(second, [rename_table(disguised, theirs, mine)], CMS, now)
    assert (counts_of(made), hidden) == ([None, None, 360, 0], 2)


def test_a_table_in_other_names_and_back_is_the_table() -> None:
    row = {
        "l.side": "a", "r.yes": None, "count": 300, "sum(l.pay)": 900, "count(l.pay)": 300, "mean(r.yes)": None, "count(r.yes)": None,
        "suppressed": "small-cell", "hidden": ["count(r.yes)", "mean(r.yes)"],
    }  # fmt: skip
    rates = {
        "overall": {"l": {"value": 0.5}, "r": None},
        "by": ["l.side"],
        "groups": [{"l.side": "a", "people": 9, "matched": 9, "rate": None}],
    }
    linkage = {
        "people": {"l": 5000, "r": 9000}, "usable": {"l": 5000, "r": 9000}, "matched": 300,
        "passes": [{"pass": "ssn", "tokens": {"l": 4000, "r": None}, "matches": 300}], "rates": rates,
    }  # fmt: skip
    whole = {"rows": [row], "linkage": linkage}
    measured = (("l.pay",), ("r.yes",))
    mine = Names({"one": "l", "two": "r"}, (("l.side", "one.side"), ("r.yes", "two.yes")), measured)
    # names that are words of a table, and the two exchanged
    for other in ({"one": "people", "two": "matched"}, {"one": "r", "two": "l"}):
        by = tuple((f"{other[meant.split('.')[0]]}.{meant.split('.')[1]}", meant) for _, meant in mine.by)
        theirs = Names(other, by, (("".join((other["one"], ".pay")),), ("".join((other["two"], ".yes")),)))
        disguised = rename_table(whole, mine, theirs)
        assert disguised != whole
        assert rename_table(disguised, theirs, mine) == whole
        assert Names.read(theirs.json_value()) == theirs


def test_names_of_a_question() -> None:
    names = Names.of(read(), TERMS)
    assert names.groups == {"human-services": "tanf", "labor": "wages"}
    assert names.by == (
        ("tanf.region", "human-services.region"),
        ("wages.present", "labor.present"),
        ("wages.industry", "labor.industry"),
    )
