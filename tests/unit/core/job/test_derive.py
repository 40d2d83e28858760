from __future__ import annotations

import pytest

from tallystick.core.agreement.model import Column, Dataset
from tallystick.core.errors import Invalid
from tallystick.core.job.derive import Derived, derive_column, parse_derive

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
