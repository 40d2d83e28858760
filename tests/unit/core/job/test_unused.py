"""M-11-02, "only the information needed": a column that is derived and used nowhere is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick.core.job.unused import find_unused_columns
from tests.governance import agreement, question, question_value

TERMS = agreement()


def unused(derive: dict[str, str], **changes: Any) -> list[str]:
    value = question_value(**changes)
    value["people"]["wages"]["derive"] = derive
    found = list(find_unused_columns(question(**value), TERMS))
    assert all(one.code == "column-unused" for one in found)
    return [one.message.split()[1] for one in found]


@pytest.mark.parametrize(
    ("derive", "changes"),
    [
        ({"earnings": "sum(wage)"}, {}),
        ({"earnings": "sum(wage)", "band": "bin(earnings, 2500, 5000)"}, {"by": ["wages.band"]}),
        ({"total": "sum(wage)", "band": "bin(total, 2500, 5000)"}, {"by": ["wages.band"], "measures": ["count"]}),
        ({"total": "sum(wage)"}, {"measures": [{"share": {"of": "wages.total >= 100"}}]}),
        ({"earnings": "sum(wage)", "jobs": "count(*)"}, {"by": [{"bin": "wages.jobs", "at": [1, 2]}]}),
    ],
)
def test_what_is_used_may_be_derived(derive: dict[str, str], changes: dict[str, Any]) -> None:
    assert unused(derive, **changes) == []


def test_what_is_not_used_is_named() -> None:
    assert unused({"earnings": "sum(wage)", "jobs": "count(*)"}) == ["jobs"]
    assert unused({"total": "sum(wage)", "band": "bin(total, 2500)"}, measures=["count"], by=[]) == ["band", "total"]


def test_a_column_of_where_is_used() -> None:
    value = question_value(measures=["count"], by=[])
    value["people"]["wages"] |= {"derive": {"total": "sum(wage)"}, "where": "quarter = '2025Q2' and total > 100"}
    assert list(find_unused_columns(question(**value), TERMS)) == []
