"""One declared dataset that tests of declarations and of configurations share."""

from __future__ import annotations

from typing import Any

WAGES: dict[str, Any] = {
    "source": {"csv": "wages.csv"},
    "person": "id",
    "identifiers": {"ssn": "SSN", "birth_date": "DOB"},
    "columns": {
        "quarter": {"type": "category"},
        "industry": {"type": "category", "values": ["retail", "care"], "from": "NAICS title"},
        "wage": {"type": "decimal", "scale": 2, "min": "0", "max": "99999.99"},
    },
    "rows_per_person": 20,
}
