from __future__ import annotations

from typing import Any

import pytest

from tallystick.core.errors import Invalid
from tests.governance import agreement, agreement_value


def changed(**dataset: Any) -> dict[str, Any]:
    value = agreement_value()
    value["datasets"]["wages"] |= dataset
    return value


@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        ({"columns": {"Wage": {"type": "integer"}, "wage": {"type": "integer"}}}, "columns Wage and wage differ by case only"),
        ({"identifiers": ["ssn", "ssn"]}, "identifiers are repeated"),
        ({"columns": {"wage": {"type": "decimal"}}}, "a decimal column needs scale"),
        ({"columns": {"wage": {"type": "integer", "min": 0}}}, "min and max go together"),
        ({"columns": {"a": {"type": "category", "values": ["x", "x"]}}}, "values are repeated"),
    ],
)
def test_a_dataset_that_contradicts_itself_is_no_part_of_an_agreement(dataset: dict[str, Any], said: str) -> None:
    with pytest.raises(Invalid) as caught:
        agreement(datasets=changed(**dataset)["datasets"])
    assert caught.value.code == "document-invalid"
    assert said in caught.value.message


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ({"type": "integer", "min": 2, "max": 1}, "min is above max"),
        ({"type": "integer", "min": "0", "max": "9"}, "whole numbers, without quotes"),
        ({"type": "decimal", "scale": 2, "min": 0, "max": "9.999"}, "no more digits after the point"),
        ({"type": "decimal", "scale": 2, "min": "2020-01-01", "max": "2021-01-01"}, "of a decimal column are numbers"),
        ({"type": "date", "min": "2025-13-01", "max": "2026-01-01"}, "of a date column are dates"),
        ({"type": "date", "min": 1, "max": 2}, "of a date column are dates"),
        ({"type": "date", "min": "2026-02-01", "max": "2026-01-01"}, "min is above max"),
        ({"type": "category", "values": []}, "values is an empty list"),
        ({"type": "category", "min": 1, "max": 2}, "a category column has no bounds"),
    ],
)
def test_bounds_that_are_no_values_of_their_column(column: dict[str, Any], said: str) -> None:
    with pytest.raises(Invalid) as caught:
        agreement(datasets=changed(columns={"wage": column})["datasets"])
    assert f"datasets.wages.columns.wage: {said}"[:28] in caught.value.message
    assert said in caught.value.message


@pytest.mark.parametrize(
    "column",
    [
        {"type": "integer", "min": -(10**30), "max": 10**30},
        {"type": "decimal", "scale": 2, "min": "-0.50", "max": "100.100"},
        {"type": "decimal", "scale": 0, "min": 0, "max": 5},
        {"type": "date", "min": "2025-01-01", "max": "2025-01-01"},
    ],
)
def test_bounds_that_fit(column: dict[str, Any]) -> None:
    agreement(datasets=changed(columns={"wage": column})["datasets"])
