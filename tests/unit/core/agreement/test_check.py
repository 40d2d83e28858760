from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tallystick.core.agreement.check import find_pinned_key, valid_agreement
from tallystick.core.agreement.model import moment
from tallystick.core.documents import build_unsigned
from tallystick.core.errors import Invalid, Refused, TallyError
from tests.governance import NOW, PARTIES, agreement, agreement_value, identity, signed_agreement

TERMS = agreement()
SIGNED = signed_agreement(TERMS)


@pytest.mark.parametrize("name", [*PARTIES, "coordinator", "ana", "board", "sue"])
def test_a_signed_agreement_in_force_counts_for_everybody_it_names(name: str) -> None:
    assert valid_agreement(SIGNED, NOW, own=(name, identity(name).key)) == TERMS
    assert find_pinned_key(TERMS, name) == identity(name).key


def test_a_reader_without_a_key_and_one_who_has_seen_it_may_use_it_too() -> None:
    assert valid_agreement(SIGNED, NOW) == TERMS
    assert valid_agreement(SIGNED, NOW, seen=(TERMS.version, SIGNED.digest)) == TERMS
    assert valid_agreement(SIGNED, NOW, seen=(TERMS.version - 1, "00" * 32)) == TERMS


def test_nobody_else_is_named() -> None:
    with pytest.raises(Refused) as caught:
        find_pinned_key(TERMS, "eve")
    assert caught.value.code == "not-allowed"
    with pytest.raises(Refused) as caught:
        valid_agreement(SIGNED, NOW, own=("eve", identity("eve").key))
    assert caught.value.code == "agreement-signature"


def test_whoever_has_not_signed_is_named_with_the_command_that_would_do_it() -> None:
    with pytest.raises(Refused) as caught:
        valid_agreement(signed_agreement(TERMS, by=("housing", "human-services")), NOW)
    assert caught.value.message == "labor has not signed"
    assert "tally agreement sign" in caught.value.hint


def test_it_counts_from_its_first_second_until_before_its_last() -> None:
    start, end = moment(TERMS.valid_from), moment(TERMS.valid_until)
    for now in (start, end - timedelta(seconds=1)):
        assert valid_agreement(SIGNED, now) == TERMS
    for now in (start - timedelta(seconds=1), end):
        with pytest.raises(Refused) as caught:
            valid_agreement(SIGNED, now)
        assert caught.value.code == "agreement-expired"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"valid_from": "2026-02-30T00:00:00Z"}, "agreement-contradiction"),
        ({"parties": {}, "stewards": {}, "datasets": {}, "release": {"mode": "direct"}}, "agreement-contradiction"),
        ({"approvers": {"coordinator": {"key": identity("board").key}}}, "agreement-contradiction"),
        ({"coordinator": {"key": identity("coordinator").key, "sealing_key": "ff" * 1216}}, "agreement-contradiction"),
    ],
)
def test_an_agreement_that_contradicts_itself_is_refused(changes: dict[str, Any], code: str) -> None:
    terms = agreement(**changes)
    with pytest.raises(Invalid) as caught:
        valid_agreement(signed_agreement(terms, by=terms.parties), NOW)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "changes",
    [
        {"more": 1},
        {"protocol": "TS2"},
        {"version": 0},
        {"version": "2"},
        {"purposes": None},
        {"valid_until": "2026-01-01T00:00:00Z"},
        {"analysts": {"ana": {"key": identity("labor").key}}},
        {"analysts": {"labor": {"key": identity("ana").key}}},
        {"stewards": {"labor": {"need": 3, "keys": {"sue": identity("sue").key}}}},
        {"release": {"mode": "desk", "desk": "nobody"}},
        {"operations": ["median"]},
    ],
)
def test_an_agreement_that_does_not_fit_its_model_is_refused(changes: dict[str, Any]) -> None:
    document = build_unsigned("agreement", agreement_value(**changes)).with_signature("labor", identity("labor"))
    with pytest.raises(TallyError) as caught:
        valid_agreement(document, NOW)
    assert caught.value.code == "document-invalid"


def test_another_kind_of_document_is_no_agreement() -> None:
    with pytest.raises(Invalid) as caught:
        valid_agreement(build_unsigned("job", TERMS), NOW)
    assert caught.value.code == "document-invalid"
