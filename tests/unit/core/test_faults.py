"""What people read when a document does not fit: place, what should be there, the smallest change; never the value."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from tallystick.coordinator.config import Config
from tallystick.core.agreement.model import Agreement
from tallystick.core.errors import Invalid
from tallystick.core.faults import PATTERNS
from tallystick.core.job.approval import Approval
from tallystick.core.job.hello import Hello
from tallystick.core.job.model import Job, Question
from tallystick.core.released import Released
from tallystick.lab.network.model import LabFile
from tallystick.node.config import NodeFile
from tallystick.node.policy.model import Policy
from tests.governance import agreement_value, question_value

CANARY = "Quixotic-Value-77"
MODELS = (Agreement, Approval, Config, Hello, Job, LabFile, NodeFile, Policy, Question, Released)


def message(model: type[Any], value: object) -> Invalid:
    with pytest.raises(Invalid) as caught:
        model.read(value, what="it")
    assert caught.value.code == "document-invalid"
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value


@pytest.mark.parametrize(
    ("changes", "said", "hint"),
    [
        ({"purpose": CANARY}, "purpose: must be a name: a lower-case letter", ""),
        ({"purpose": None}, "purpose: ", ""),
        ({"mesures": []}, "mesures: unknown key", "did you mean measures?"),
        ({CANARY.lower(): 1, "xyzzy": 2}, "xyzzy: unknown key", "known here: agreement, bins, by, caveats, join"),
        ({"measures": "count"}, "measures: must be a list", ""),
        ({"measures": [{"meen": CANARY}]}, "measures.0.meen: unknown key", "did you mean mean?"),
        ({"measures": [{"sum": "wage"}]}, "measures.0.sum: must be GROUP.COLUMN", ""),
        ({"measures": [{}]}, "measures.0: a measure is one of: count", ""),
        ({"measures": []}, "measures: needs at least 1", ""),
        ({"by": ["tanf.a"] * 7}, "by: may have at most 6", ""),
        ({"link": CANARY}, "link: must be one of: 'strict', 'default', 'loose'", ""),
        ({"people": {"tanf": {"agency": "x", "dataset": "y", "where": ""}}}, "people.tanf.where: must not be empty", ""),
        ({"people": {"tanf": {"agency": "x", "dataset": 4}}}, "people.tanf.dataset: must be text; put it in quotes", ""),
        (
            {"people": {"tanf": {"agency": "x", "dataset": "y", "wher": "z"}}},
            "people.tanf.wher: unknown",
            "did you mean where?",
        ),
        ({"title": CANARY * 200}, "title: is too long", ""),
    ],
)
def test_a_job_file_that_does_not_fit(changes: dict[str, Any], said: str, hint: str) -> None:
    error = message(Question, question_value() | changes)
    assert said in error.message
    assert hint in error.hint


def test_names_of_types_do_not_stand_in_the_place() -> None:
    value = agreement_value()
    value["datasets"]["wages"]["columns"]["wage"]["min"] = [CANARY]
    value["datasets"]["wages"]["rows_per_person"] = 0
    error = message(Agreement, value)
    assert "datasets.wages.columns.wage.min: must be" in error.message
    assert "datasets.wages.rows_per_person: must be at least 1" in error.message
    assert "int" not in error.message.replace("point", "")


def test_what_is_missing_is_named_at_its_place() -> None:
    value = agreement_value()
    del value["datasets"]["wages"]["agency"]
    assert "datasets.wages.agency: missing" in message(Agreement, value).message


def test_a_name_that_is_no_name() -> None:
    value = agreement_value()
    value["datasets"]["Bad Name"] = value["datasets"].pop("wages")
    assert "datasets.Bad Name: must be a name" in message(Agreement, value).message


def patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        yield from (key for key in schema.get("patternProperties", {}))
        for item in schema.values():
            yield from patterns(item)
    elif isinstance(schema, list):
        for item in schema:
            yield from patterns(item)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_pattern_has_its_words(model: type[BaseModel]) -> None:
    found = set(patterns(json.loads(json.dumps(model.model_json_schema()))))
    assert found - PATTERNS.keys() == set()
