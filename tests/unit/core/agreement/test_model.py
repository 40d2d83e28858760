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
