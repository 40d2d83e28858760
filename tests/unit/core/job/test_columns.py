from __future__ import annotations

import pytest

from tallystick.core.agreement.model import Column
from tallystick.core.errors import Invalid
from tallystick.core.job.columns import columns_of, levels_of, operations_by_column, split
from tests.governance import agreement, question, question_value

TERMS = agreement()


def test_a_groups_columns_are_declared_and_derived() -> None:
    columns = columns_of(question(), "wages", TERMS)
    assert set(columns) == {"quarter", "industry", "wage", "earnings", "jobs"}
    assert columns["earnings"] == Column(type="decimal", scale=2, min="0", max="1999999.80")
    assert set(columns_of(question(), "tanf", TERMS)) == set(TERMS.datasets["tanf"].columns)


def test_no_group_no_dataset_and_a_taken_name_are_refused() -> None:
    with pytest.raises(Invalid, match="no group housing"):
        columns_of(question(), "housing", TERMS)
    value = question_value()
    value["people"]["wages"]["dataset"] = "pay"
    with pytest.raises(Invalid, match="no dataset pay"):
        columns_of(question(**value), "wages", TERMS)
    value = question_value()
    value["people"]["wages"]["derive"] = {"wage": "sum(wage)"}
    with pytest.raises(Invalid, match="the dataset has a column of that name"):
        columns_of(question(**value), "wages", TERMS)


@pytest.mark.parametrize(
    ("column", "levels"),
    [
        (Column(type="category", values=("b", "a")), ("b", "a")),
        (Column(type="category"), None),
        (Column(type="boolean"), (False, True)),
        (Column(type="integer", min=-1, max=2), (-1, 0, 1, 2)),
        (Column(type="integer", min=0, max=255), tuple(range(256))),
        (Column(type="integer", min=0, max=256), None),
        (Column(type="integer"), None),
        (Column(type="decimal", scale=0, min=0, max=1), None),
        (Column(type="date", min="2025-01-01", max="2025-01-02"), None),
    ],
)
def test_levels_are_listed_where_they_are_known_and_few(column: Column, levels: object) -> None:
    assert levels_of(column) == levels


def test_every_column_that_is_read_serves_its_operations() -> None:
    asked = question(measures=["count", {"mean": "wages.earnings"}, {"sum": "tanf.benefit"}])
    assert operations_by_column(asked, "wages", TERMS.datasets["wages"]) == {
        "quarter": {"count", "mean", "sum"},
        "industry": {"count", "mean", "sum"},
        "wage": {"mean"},
    }
    assert operations_by_column(asked, "tanf", TERMS.datasets["tanf"]) == {
        "exit_quarter": {"count", "mean", "sum"},
        "age": {"count", "mean", "sum"},
        "region": {"count", "mean", "sum"},
        "benefit": {"sum"},
    }


def test_a_derived_column_hands_on_what_it_serves_even_unused() -> None:
    value = question_value(by=["wages.jobs"], measures=["count"])
    value["people"]["wages"] |= {"derive": {"jobs": "count(distinct industry)", "unused": "max(wage)"}, "where": None}
    del value["people"]["wages"]["where"]
    assert operations_by_column(question(**value), "wages", TERMS.datasets["wages"]) == {
        "industry": {"count"},
        "wage": {"count"},
    }


def test_a_reference_is_a_group_and_a_column() -> None:
    assert split("wages.earnings") == ("wages", "earnings")
