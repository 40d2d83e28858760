"""S-22: keys come from the agreement only; swapped, downgraded, rolled back, expired, half-signed and mixed agreements are refused.

The reader is labor, an honest party. The attacker has every other private key, and whatever was signed before.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tallystick.core.agreement.check import valid_agreement
from tallystick.core.agreement.model import moment
from tallystick.core.documents import SignedDocument, build_unsigned, sign_document
from tallystick.core.errors import TallyError
from tests.governance import NOW, PARTIES, agreement, identity, sealing_key, signed_agreement

OWN = ("labor", identity("labor").key)
TERMS = agreement()
SIGNED = signed_agreement(TERMS)
EVE = identity("eve")


def refused(document: SignedDocument, *codes: str, **options: Any) -> None:
    with pytest.raises(TallyError) as caught:
        valid_agreement(document, options.pop("now", NOW), own=OWN, **options)
    assert caught.value.code in codes


def swapped(name: str) -> dict[str, Any]:
    """Give the keys of the agreement with eve's in one place."""
    match name:
        case "coordinator":
            return {"coordinator": {"key": EVE.key, "sealing_key": sealing_key("coordinator").public.hex()}}
        case "sealing":
            return {"coordinator": {"key": identity("coordinator").key, "sealing_key": sealing_key("eve").public.hex()}}
        case "ana":
            return {"analysts": {"ana": {"key": EVE.key}}}
        case "board":
            return {"approvers": {"board": {"key": EVE.key}}}
        case "sue":
            keys = {"sue": EVE.key, "tom": identity("tom").key, "uma": identity("uma").key}
            return {"stewards": {"labor": {"need": 2, "keys": keys}}}
        case _:
            return {"parties": {party: {"key": (EVE if party == name else identity(party)).key} for party in PARTIES}}


@pytest.mark.parametrize("name", ["housing", "human-services", "labor", "coordinator", "sealing", "ana", "board", "sue"])
def test_s22_swap(name: str) -> None:
    terms = agreement(**swapped(name))
    text = build_unsigned("agreement", terms)
    # the old signatures on the new text
    refused(replace(text, signatures=SIGNED.signatures), "agreement-signature")
    # everybody but labor signs the new text, eve in the place she took; labor's old signature, none, or eve's in labor's name
    others = signed_agreement(terms, by=("housing", "human-services"), keys={name: EVE})
    old = next(signature for signature in SIGNED.signatures if signature.signer == "labor")
    refused(replace(others, signatures=(*others.signatures, old)), "agreement-signature")
    refused(others, "agreement-unsigned")
    refused(others.with_signature("labor", EVE), "agreement-signature")


@pytest.mark.parametrize(
    "weaker",
    [
        {"disclosure": {"min_cell": 0}},
        {"decoys": 0},
        {"approvers": {}},
        {"stewards": {}},
        {"valid_until": "2036-01-01T00:00:00Z"},
        {"operations": ["count", "sum", "mean"]},
        {"release": {"mode": "direct", "desk": "human-services"}},
        {"analysts": {"eve": {"key": EVE.key}}},
    ],
    ids=lambda weaker: next(iter(weaker)),
)
def test_s22_downgrade(weaker: dict[str, Any]) -> None:
    terms = agreement(**weaker)
    assert terms != TERMS
    refused(replace(build_unsigned("agreement", terms), signatures=SIGNED.signatures), "agreement-signature")
    refused(signed_agreement(terms, keys={"labor": EVE}), "agreement-signature")
    refused(signed_agreement(terms, by=("housing", "human-services")), "agreement-unsigned")


@pytest.mark.parametrize("seen", [3, 4, 10, 1000, 10**9])
def test_s22_rollback(seen: int) -> None:
    refused(SIGNED, "agreement-rollback", seen=(seen, "00" * 32))
    # another text of the version that was seen, signed by all
    refused(SIGNED, "agreement-rollback", seen=(TERMS.version, agreement(title=f"text {seen}").digest()))


@pytest.mark.parametrize(
    "now",
    [
        moment(TERMS.valid_until),
        moment(TERMS.valid_until) + timedelta(seconds=1),
        moment(TERMS.valid_until) + timedelta(days=3650),
        moment(TERMS.valid_from) - timedelta(seconds=1),
        moment(TERMS.valid_from) - timedelta(days=3650),
    ],
)
def test_s22_expired_or_not_yet_in_force(now: Any) -> None:
    refused(SIGNED, "agreement-expired", now=now)


@pytest.mark.parametrize(
    "signers", [(), ("labor",), ("labor", "housing"), ("labor", "human-services"), ("housing", "human-services")]
)
def test_s22_half_signed(signers: tuple[str, ...]) -> None:
    refused(signed_agreement(TERMS, by=signers), "agreement-unsigned")
    # nor do the analyst, the coordinator or a stranger make up for a party
    extra = signed_agreement(TERMS, by=signers)
    for name in ("ana", "coordinator", "eve"):
        extra = extra.with_signature(name, identity(name))
    refused(extra, "agreement-unsigned")


@pytest.mark.parametrize("variant", range(6))
def test_s22_mix_and_match(variant: int) -> None:
    before = signed_agreement(agreement(version=1))
    labor, old_labor = (next(s for s in document.signatures if s.signer == "labor") for document in (SIGNED, before))
    others = tuple(signature for signature in SIGNED.signatures if signature.signer != "labor")
    housing = next(signature for signature in SIGNED.signatures if signature.signer == "housing")
    job_signed = sign_document("job", TERMS, "labor", identity("labor")).signatures
    document, code = [
        # labor's signature of version 1 beside the others' of version 2
        (replace(SIGNED, signatures=(*others, old_labor)), "agreement-signature"),
        # version 1's text under version 2's signatures
        (replace(before, signatures=SIGNED.signatures), "agreement-signature"),
        # housing's signature relabelled as labor's
        (replace(SIGNED, signatures=(*others, housing.model_copy(update={"signer": "labor"}))), "agreement-signature"),
        # labor's signature over the same bytes, but as a job
        (replace(SIGNED, signatures=(*others, *job_signed)), "agreement-signature"),
        # a stranger's signature beside all of the parties'
        (SIGNED.with_signature("eve", EVE), "agreement-signature"),
        # labor's key named beside housing's signature
        (
            replace(SIGNED, signatures=(*others, labor.model_copy(update={"signature": housing.signature}))),
            "agreement-signature",
        ),
    ][variant]
    refused(document, code)


def test_s22_the_unchanged_agreement_is_not_refused() -> None:
    assert valid_agreement(SIGNED, NOW, own=OWN, seen=(TERMS.version, SIGNED.digest)) == TERMS
