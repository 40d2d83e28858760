from __future__ import annotations

import pytest

from tallystick.core.agreement.model import Column, Dataset
from tallystick.core.errors import Invalid
from tallystick.core.job.derive import AnyRow, Bin, Cap, Case, Derived, MonthsBetween, parse_derive
from tallystick.core.job.derived import derive_column, derive_columns

DATASET = Dataset(
    agency="labor",
    columns={
        "wage": Column(type="decimal", scale=2, min="-0.50", max="99.99"),
        "hours": Column(type="integer", min=5, max=60),
        "loss": Column(type="integer", min=-9, max=-2),
        "tips": Column(type="decimal", scale=2),
        "huge": Column(type="integer", min=0, max=10**18 - 1),
        "industry": Column(type="category", values=("retail", "care")),
        "started": Column(type="date", min="2020-01-01", max="2026-01-01"),
        "full": Column(type="boolean"),
        "note": Column(type="category"),
        "born": Column(type="month", min="1990-03", max="2020-12"),
        "quarter": Column(type="quarter", min="2024-Q1", max="2025-Q4"),
    },
    identifiers=("ssn",),
    rows_per_person=20,
)


@pytest.mark.parametrize(
    ("text", "derived"),
    [
        ("sum(wage)", Derived("sum", "wage", False)),
        (" min ( wage ) ", Derived("min", "wage", False)),
        ("max(wage)", Derived("max", "wage", False)),
        ("count(*)", Derived("count", None, False)),
        ("count(wage)", Derived("count", "wage", False)),
        ("count(distinct  employer)", Derived("count", "employer", True)),
        ("count(distinct)", Derived("count", "distinct", False)),
    ],
)
def test_the_six_forms(text: str, derived: Derived) -> None:
    assert parse_derive(text) == derived


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("sum(wage)", Column(type="decimal", scale=2, min="-10.00", max="1999.80")),
        ("sum(hours)", Column(type="integer", min=0, max=1200)),
        ("sum(loss)", Column(type="integer", min=-180, max=0)),
        ("sum(tips)", DATASET.columns["tips"]),
        ("min(hours)", DATASET.columns["hours"]),
        ("max(started)", DATASET.columns["started"]),
        ("max(full)", DATASET.columns["full"]),
        ("count(*)", Column(type="integer", min=0, max=20)),
        ("count(industry)", Column(type="integer", min=0, max=20)),
        ("count(distinct industry)", Column(type="integer", min=0, max=20)),
    ],
)
def test_type_scale_and_bounds_of_what_is_derived(text: str, column: Column) -> None:
    assert derive_column(parse_derive(text), DATASET) == column


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("sum(pay)", "job-invalid", "no column pay"),
        ("count(pay)", "job-invalid", "no column pay"),
        ("sum(industry)", "job-invalid", "over a category column"),
        ("sum(started)", "job-invalid", "over a date column"),
        ("sum(huge)", "sum-too-large", "over 18 digits"),
    ],
)
def test_what_cannot_be_derived(text: str, code: str, said: str) -> None:
    with pytest.raises(Invalid, match=said) as caught:
        derive_column(parse_derive(text), DATASET)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "text", ["avg(wage)", "sum(*)", "sum(distinct wage)", "sum(wage)+1", "sum(a.b)", "", "wage", "count()", "SUM(wage)"]
)
def test_other_expressions_are_refused_with_the_grammar(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_derive(text)
    assert "count(distinct c)" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "derived"),
    [
        ("first(quarter)", Derived("min", "quarter", False, dated=True)),
        (" last ( quarter ) ", Derived("max", "quarter", False, dated=True)),
        ("any( wage>=100 and industry in ('retail', 'care') )", AnyRow("wage >= 100 AND industry IN ('retail', 'care')")),
        ("bin(hours, 10, 20.5)", Bin("hours", ("10", "20.5"))),
        ("bin(sum(wage), -1, 0)", Bin(Derived("sum", "wage", False), ("-1", "0"))),
        ("cap(count(distinct industry), 3)", Cap(Derived("count", "industry", True), "3")),
        ("months_between(born, first(started))", MonthsBetween("born", Derived("min", "started", False, dated=True))),
        ("case(full, 'a, b', not full, 'it''s')", Case(("full", "NOT full"), ("a, b", "it's"), None)),
        ("case(hours > 9, 'high', 'low')", Case(("hours > 9",), ("high",), "low")),
    ],
)
def test_functions_of_people_and_of_other_functions(text: str, derived: object) -> None:
    assert parse_derive(text) == derived


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("first(quarter)", DATASET.columns["quarter"]),
        ("any(wage >= 1)", Column(type="boolean")),
        ("bin(hours, 1, 10, 20)", Column(type="category", values=("1 to 9", "10 to 19", "20 or over"))),
        ("bin(wage, 0, 50.5)", Column(type="category", values=("under 0", "0 to under 50.5", "50.5 or over"))),
        ("bin(count(*), 1, 2)", Column(type="category", values=("under 1", "1", "2 or over"))),
        ("cap(hours, 40)", Column(type="integer", min=5, max=40)),
        ("cap(hours, 99)", Column(type="integer", min=5, max=60)),
        ("cap(sum(wage), 100.5)", Column(type="decimal", scale=2, min="-10.00", max="100.5")),
        ("cap(tips, 5)", Column(type="decimal", scale=2)),
        ("months_between(born, started)", Column(type="integer", min=-11, max=430)),
        ("case(full, 'a', hours > 9, 'b', 'a')", Column(type="category", values=("a", "b"))),
    ],
)
def test_levels_and_bounds_of_what_is_made_of_people(text: str, column: Column) -> None:
    assert derive_column(parse_derive(text), DATASET) == column


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("first(hours)", "job-invalid", "first and last are of dates"),
        ("bin(industry, 1)", "job-invalid", "category column, which has no bins"),
        ("bin(hours, 20, 10)", "job-invalid", "do not rise"),
        ("bin(hours, 1.5)", "job-invalid", "more digits"),
        ("bin(hours, 70)", "job-invalid", "are in one bin"),
        ("bin(pay, 70)", "job-invalid", "no column pay"),
        ("cap(full, 1)", "job-invalid", "cap is over a boolean column"),
        ("cap(wage, 1.505)", "job-invalid", "more digits"),
        ("cap(hours, 5)", "job-invalid", "not above the column's min"),
        ("months_between(quarter, started)", "job-invalid", "is of dates or months"),
        ("any(pay > 1)", "where-invalid", "the column pay"),
        ("any()", "where-invalid", "cannot be read"),
        ("case(hours > 'x', 'a', 'b')", "where-invalid", "another type"),
        ("case(note = 'x', 'a', 'b')", "where-invalid", "the column note"),
    ],
)
def test_what_cannot_be_made_of_people(text: str, code: str, said: str) -> None:
    with pytest.raises(Invalid, match=said) as caught:
        derive_column(parse_derive(text), DATASET)
    assert caught.value.code == code
    assert caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "bin(hours)", "bin(hours, x)", "bin(hours, 1; 2)", "cap(hours)", "cap(hours, 1, 2)", "months_between(born)", "case(full, 'a')",
        "case(full, a, 'b')", "case(full, 'a', 'a')", "any(full, full)", "bin(hours + 1, 2)", "cap((SELECT 1), 2)", "bin(any_value(a), 1)",
        "case(full, 'a'; 'b', 'c')", "first(distinct born)", "cap(cap(cap(hours, 1), 2)", "any(a.full)",
    ],
)  # fmt: skip
def test_s25_other_functions_and_parts_are_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        derive_column(parse_derive(text), DATASET)
    assert caught.value.code in {"job-invalid", "where-invalid"}


def test_derived_columns_are_made_of_others_in_any_order_but_not_in_a_circle_or_too_deep() -> None:
    made = {"b": "bin(a, 2)", "a": "cap(c, 3)", "c": "count(*)"}
    columns = derive_columns({name: parse_derive(text) for name, text in made.items()}, DATASET)
    assert columns["b"] == Column(type="category", values=("under 2", "2 or over"))
    with pytest.raises(Invalid, match="derived from itself"):
        derive_columns({name: parse_derive(text) for name, text in {"a": "cap(b, 3)", "b": "cap(a, 3)"}.items()}, DATASET)
    deep = {"x0": "count(*)"} | {f"x{at}": f"cap(x{at - 1}, {99 - at})" for at in range(1, 5)}
    with pytest.raises(Invalid, match="over more than 3 others"):
        derive_columns({name: parse_derive(text) for name, text in deep.items()}, DATASET)
