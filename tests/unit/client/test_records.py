"""What a worker's command believes of an answer (S-30)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tallystick.client.records import read_answer
from tallystick.core.consent.asking import RecordAnswer, RecordRequest
from tallystick.core.documents import sign_document
from tallystick.core.errors import TallyError
from tests.consents import asking_agreement, consent, signed_consent, signed_request
from tests.governance import NOW, identity, stamp

TERMS = asking_agreement()
REQUEST = signed_request(TERMS, signed_consent(consent(NOW)), NOW)
FIELD = {"rows": [{"phone": "555"}], "source": "clients"}


def answer(signer: str = "housing", by: str = "housing", **changes: Any) -> bytes:
    value: dict[str, Any] = {
        "request": REQUEST.digest,
        "owner": "housing",
        "answered": stamp(NOW),
        "until": stamp(NOW + timedelta(hours=1)),
    }
    return sign_document("answer", RecordAnswer.read(value | changes, what="answer"), signer, identity(by)).encode()


def read(data: bytes) -> RecordAnswer:
    found, _ = read_answer(data, REQUEST.read(RecordRequest), REQUEST.digest, TERMS, NOW)
    return found


def test_answers_that_count() -> None:
    assert read(answer()).fields is None
    assert read(answer(fields={"address": FIELD, "phone": FIELD})).fields is not None
    assert read(answer("labor", "labor", owner="labor", refused="too many")).refused == "too many"


@pytest.mark.parametrize(
    "data",
    [
        answer(by="mallory"),
        answer("labor", "labor"),
        answer("labor", "labor", owner="labor"),
        answer(refused="an owner refuses nothing in words"),
        answer(request="00" * 32),
        answer(until=stamp(NOW)),
        answer(fields={"phone": FIELD}),
        answer(fields={"address": FIELD, "phone": FIELD, "income": FIELD}),
    ],
)
def test_s30_answers_that_do_not(data: bytes) -> None:
    with pytest.raises(TallyError):
        read(data)
