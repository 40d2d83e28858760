from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from tallystick.core.documents import SignedDocument, sign_document
from tallystick.core.errors import Broken
from tallystick.core.job.hello import Hello, earlier_attempts, new_hello, verify_hello
from tests.governance import agreement, identity, sealing_key

TERMS = agreement()
JOB = "ab" * 32
KEY = sealing_key("labor").public
HELLO = new_hello(JOB, 1, "labor", KEY, identity("labor"))


def test_a_hello_gives_the_sealing_key_of_this_attempt() -> None:
    hello = verify_hello(HELLO, job=JOB, attempt=1, agency="labor", agreement=TERMS)
    assert bytes.fromhex(hello.sealing_key) == KEY


@pytest.mark.parametrize(
    "awaited",
    [
        {"job": "cd" * 32},
        {"attempt": 2},
        {"agency": "housing"},
        {"agency": "coordinator"},
        {"agency": "eve"},
        {"agreement": "other keys"},
    ],
)
def test_s21_a_hello_counts_for_nothing_else(awaited: dict[str, Any]) -> None:
    expected: dict[str, Any] = {"job": JOB, "attempt": 1, "agency": "labor", "agreement": TERMS}
    parties = {name: {"key": identity("eve" if name == "labor" else name).key} for name in TERMS.parties}
    if "agreement" in awaited:
        awaited = {"agreement": agreement(parties=parties)}
    with pytest.raises(Broken) as caught:
        verify_hello(HELLO, **(expected | awaited))
    assert caught.value.code == "protocol-broken"


FORGED: dict[str, SignedDocument] = {
    "by the coordinator": new_hello(JOB, 1, "labor", sealing_key("eve").public, identity("coordinator")),
    "for another agency, signed by it": new_hello(JOB, 1, "housing", KEY, identity("housing")),
    "in another's name": sign_document("hello", HELLO.read(Hello), "housing", identity("housing")),
    "unsigned": replace(HELLO, signatures=()),
    "signed by two": HELLO.with_signature("housing", identity("housing")),
    "another kind": replace(HELLO, kind="approval"),
    "key swapped": replace(HELLO, body=HELLO.body.replace(KEY.hex().encode(), sealing_key("eve").public.hex().encode())),
    "nothing can be sealed to its key": new_hello(JOB, 1, "labor", b"\xff" * 1216, identity("labor")),
    "no hello at all": sign_document("hello", {"job": JOB}, "labor", identity("labor")),
}


@pytest.mark.parametrize("how", FORGED)
def test_s21_a_forged_hello_is_refused_and_the_agency_named(how: str) -> None:
    with pytest.raises(Broken, match="labor") as caught:
        verify_hello(FORGED[how], job=JOB, attempt=1, agency="labor", agreement=TERMS)
    assert caught.value.code == "protocol-broken"


DESK = TERMS.release.desk or ""


def desk_hello(attempt: int, word: tuple[int, ...] | None, *, agency: str = DESK) -> SignedDocument:
    return new_hello(JOB, attempt, agency, KEY, identity(agency), nothing_opened=word)


def test_s41_the_desk_says_of_each_attempt_before_that_nothing_was_opened() -> None:
    for attempt, word in ((1, None), (2, (1,)), (3, (1, 2))):
        assert earlier_attempts(attempt) == word
        hello = verify_hello(desk_hello(attempt, word), job=JOB, attempt=attempt, agency=DESK, agreement=TERMS)
        assert hello.nothing_opened == word


@pytest.mark.parametrize(
    ("attempt", "word", "agency"),
    [(2, None, DESK), (2, (), DESK), (2, (2,), DESK), (2, (1, 2), DESK), (3, (1,), DESK), (3, (2, 1), DESK), (1, (1,), DESK),
     (2, (1,), "labor"), (1, (), "labor")],
)  # fmt: skip
def test_s41_another_word_of_the_desk_or_anybody_elses_counts_for_nothing(
    attempt: int, word: tuple[int, ...] | None, agency: str
) -> None:
    with pytest.raises(Broken, match=agency) as caught:
        verify_hello(desk_hello(attempt, word, agency=agency), job=JOB, attempt=attempt, agency=agency, agreement=TERMS)
    assert caught.value.code == "protocol-broken"


def test_a_hello_without_a_word_has_the_bytes_that_it_always_had() -> None:
    assert set(json.loads(HELLO.body)) == {"job", "attempt", "agency", "sealing_key"}


@pytest.mark.parametrize("attempt", [0, 4])
def test_there_are_three_attempts(attempt: int) -> None:
    with pytest.raises(ValidationError):
        new_hello(JOB, attempt, "labor", KEY, identity("labor"))
