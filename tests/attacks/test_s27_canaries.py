"""S-27: refusals outward are of fixed classes, and no error, hint or detail of the governance layer repeats a value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from tallystick.core.agreement.model import Agreement
from tallystick.core.documents import decode_document
from tallystick.core.errors import TallyError
from tallystick.core.job.approval import Approval, ReasonClass
from tallystick.core.job.derive import parse_derive
from tallystick.core.job.model import Question
from tallystick.core.job.where import parse_where
from tallystick.core.keyfile import read_identity
from tallystick.core.model import Document
from tallystick.core.statistics.rulebook import problems
from tallystick.core.yaml import load_yaml
from tallystick.node.policy.model import Policy
from tests.governance import agreement, agreement_value, approval, job, question_value

CANARY = "078-05-1120"
TERMS = agreement()
COLUMNS = TERMS.datasets["tanf"].columns


def shown(error: BaseException) -> str:
    """Give everything that an error may show or log, its causes included."""
    texts: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        texts.append(str(cause))
        if isinstance(cause, TallyError):
            texts += [cause.message, cause.hint, cause.detail]
        cause = cause.__cause__
    return "\n".join(texts)


WHERES = [
    f"ssn = '{CANARY}'",
    f"age = '{CANARY}'",
    f"region = '{CANARY}'",
    f"exited = '{CANARY}'",
    f"lower(region) = '{CANARY}'",
    f"region LIKE '{CANARY}'",
    f"'{CANARY}' = '{CANARY}'",
    f"region = '{CANARY}",
    f"region = '{CANARY}') (",
    f"region IN (SELECT '{CANARY}')",
    f'"{CANARY}" = 1',
    f"age = 1; SELECT '{CANARY}'",
    f"region = $${CANARY}$$",
]


@pytest.mark.parametrize("text", WHERES)
def test_s27_a_refused_condition_is_not_repeated(text: str) -> None:
    with pytest.raises(TallyError) as caught:
        parse_where(text, COLUMNS)
    assert CANARY not in shown(caught.value)
    value = question_value()
    value["people"]["tanf"]["where"] = text
    found = problems(Question.read(value, what="job"), TERMS, "ana")
    assert found
    assert CANARY not in "\n".join(map(shown, found))


@pytest.mark.parametrize("text", [f"sum('{CANARY}')", CANARY, f"sum(wage) -- {CANARY}"])
def test_s27_a_refused_derivation_is_not_repeated(text: str) -> None:
    with pytest.raises(TallyError) as caught:
        parse_derive(text)
    assert CANARY not in shown(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        f"a: *{CANARY}",
        f"a: &{CANARY} 1\nb: *{CANARY}x",
        f"a: !t {CANARY}",
        f"a: [{CANARY}",
        f"a: {CANARY}\n b: {CANARY}: 1",
        f"a: '{CANARY}",
        f"a: @{CANARY}",
        f"a: {CANARY}\na: {CANARY}",
    ],
)
def test_s27_a_refused_yaml_value_is_not_repeated(text: str) -> None:
    with pytest.raises(TallyError) as caught:
        load_yaml(text, what="file")
    assert CANARY not in shown(caught.value)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Give the path of every value in a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


def planted(value: Any, path: tuple[Any, ...]) -> Any:
    """Give the document with the canary in one place."""
    if not path:
        return [CANARY]
    copy = json.loads(json.dumps(value))
    spot = copy
    for key in path[:-1]:
        spot = spot[key]
    spot[path[-1]] = [CANARY]
    return copy


def refusal(model: type[Document], value: Any) -> TallyError | None:
    try:
        model.read(value, what="document")
    except TallyError as error:
        return error
    return None


def test_s27_a_refused_document_names_its_keys_and_repeats_no_value() -> None:
    approval_value = approval(job(TERMS), TERMS, "labor").read(Approval).json_value()
    policy_value = {"rules": [{"decision": "auto", "dataset": "wages", "column": "wage"}]}
    documents: list[tuple[type[Document], dict[str, Any]]] = [
        (Question, question_value()),
        (Agreement, agreement_value()),
        (Approval, approval_value),
        (Policy, policy_value),
    ]
    errors = [
        error for model, value in documents for place in places(value) if (error := refusal(model, planted(value, place)))
    ]
    assert len(errors) > 100
    assert CANARY not in "\n".join(map(shown, errors))


def test_s27_a_malformed_message_or_key_file_is_not_repeated(tmp_path: Path) -> None:
    for data in (CANARY, f'{{"kind": "{CANARY}"}}', f'{{"kind": "job", "body": "{CANARY}", "signatures": []}}', f'["{CANARY}"'):
        with pytest.raises(TallyError) as caught:
            decode_document(data.encode(), kind="job")
        assert CANARY not in shown(caught.value)
        (tmp_path / "key").write_text(data)
        (tmp_path / "key").chmod(0o600)
        with pytest.raises(TallyError) as caught:
            read_identity(tmp_path / "key")
        assert CANARY not in shown(caught.value)


def test_s27_an_agency_gives_one_of_a_few_classes_of_reason() -> None:
    assert get_args(ReasonClass) == ("agreement", "policy", "steward", "people", "data", "other")
    value = approval(job(TERMS), TERMS, "labor", decision="refuse").read(Approval).json_value()
    for given in ("only 7 people", CANARY, ""):
        with pytest.raises(TallyError):
            Approval.read(value | {"reason_class": given}, what="approval")
