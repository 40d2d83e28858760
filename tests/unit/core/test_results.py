"""Results: numbers, sealing, and that every change to one is found offline."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.core.agreement.model import Agreement
from tallystick.core.decimals import exact, numbers
from tallystick.core.documents import SignedDocument, decode_document, sign_document
from tallystick.core.errors import Invalid, Refused
from tallystick.core.released import Released, document_json, shares_evidence
from tallystick.core.results import checks, open_result, plain, seal_result, verify_result
from tallystick.crypto.errors import PeerFault
from tallystick.crypto.statistic.shares import SealedShares
from tests.governance import agreement, complete, identity, job, sealing_key, signed_agreement

TERMS: Agreement = agreement()
JOB = job(TERMS)
DIGEST = bytes.fromhex(JOB.digest())


def shares(agency: str, signer: str | None = None, **changes: Any) -> bytes:
    fields: dict[str, Any] = {"job": DIGEST, "attempt": 1} | changes
    document = SealedShares(agency, fields["job"], fields["attempt"], 144, bytes(32), bytes(384), (b"\1" * 768,))
    return document.document(identity(signer or agency).sign)


def released(**changes: Any) -> Released:
    value: dict[str, Any] = {
        "job": JOB.digest(),
        "attempt": 1,
        "desk": "human-services",
        "status": "released",
        "released": "2026-06-02T10:00:00Z",
        "columns": ["tanf.region", "count", "mean(wages.earnings)", "suppressed"],
        "rows": exact([
            {"tanf.region": "north", "count": 12, "mean(wages.earnings)": 8123.5, "suppressed": None},
            {"tanf.region": None, "count": None, "mean(wages.earnings)": None, "suppressed": "small-cell"},
        ]),
        "linkage": {"matched": 100},
        "disclosure": {"min_cell": 11},
        "leakage": {"analyst": ["the released cells"]},
        "timing": {"seconds": 3},
        "document": document_json(sign_document("job", JOB, "ana", identity("ana"))),
        "agreement": document_json(signed_agreement(TERMS)),
        "approvals": [document_json(one) for one in complete(JOB, TERMS)],
        "shares": {
            agency: one.json_value()
            for agency, one in shares_evidence({name: shares(name) for name in ("human-services", "labor")}).items()
        },
    }  # fmt: skip
    return Released.read(value | changes, what="result")


def result(body: Released | None = None, signer: str = "human-services", key: str | None = None) -> SignedDocument:
    return sign_document("result", body or released(), signer, identity(key or signer))


def test_a_result_opens_with_the_jobs_key_alone_and_holds() -> None:
    sealed = seal_result(released(), sealing_key("result").public, identity("human-services"))
    document = open_result(sealed, sealing_key("result"), DIGEST)
    body, made = verify_result(document, agreement=TERMS.digest())
    assert body == released()
    assert len(made) >= 11
    for key, digest in ((sealing_key("other"), DIGEST), (sealing_key("result"), bytes(32))):
        with pytest.raises(PeerFault):
            open_result(sealed, key, digest)


def evidence(**documents: bytes) -> dict[str, Any]:
    given = {"human-services": shares("human-services"), "labor": shares("labor")} | documents
    return {name: one.json_value() for name, one in shares_evidence(given).items()}


BAD: dict[str, Any] = {
    "another job": {"job": "00" * 32},
    "another desk": {"desk": "labor"},
    "an approval less": {"approvals": [document_json(one) for one in complete(JOB, TERMS)][1:]},
    "job by another analyst": {"document": document_json(sign_document("job", JOB, "ana", identity("eve")))},
    "a half-signed agreement": {"agreement": document_json(signed_agreement(TERMS, by=("labor", "housing")))},
    "another agreement": {"agreement": document_json(signed_agreement(agreement(version=3)))},
    "shares by another key": {"shares": evidence(labor=shares("labor", "eve"))},
    "shares of another attempt": {"shares": evidence(labor=shares("labor", attempt=2))},
    "shares of another job": {"shares": evidence(labor=shares("labor", job=bytes(32)))},
    "another attempt": {"attempt": 2},
    "shares of one agency": {"shares": {"labor": evidence()["labor"]}},
    "shares that are none": {"shares": evidence() | {"labor": {"statement": "zz", "signature": "00"}}},
    "released after approvals expired": {"released": "2026-07-02T10:00:00Z"},
    "no agreement": {"agreement": {}},
}


@pytest.mark.parametrize("change", BAD)
def test_what_does_not_hold_together_is_found(change: str) -> None:
    document = result(released(**BAD[change]))
    with pytest.raises(Refused):
        verify_result(document)
    assert [check for check in checks(document)[1] if not check.passed]


def test_rows_that_were_changed_after_signing_are_found() -> None:
    value = json.loads(result().encode())
    value["body"]["rows"][0]["count"] = 13
    with pytest.raises(Refused):
        verify_result(decode_document(json.dumps(value).encode(), kind="result"))


def test_a_result_signed_by_somebody_else_is_found() -> None:
    for document in (result(signer="labor"), result(key="eve")):
        with pytest.raises(Refused):
            verify_result(document)


def test_a_result_under_keys_of_its_own_is_found_by_the_agreement_that_one_holds() -> None:
    """A forger may bring an agreement of its own along; the reader's digest tells."""
    verify_result(result())
    with pytest.raises(Refused):
        verify_result(result(), agreement=agreement(version=3).digest())


def test_out_has_numbers_and_nulls() -> None:
    value = plain(result())
    assert value["rows"][0]["mean(wages.earnings)"] == 8123.5
    assert value["rows"][1]["suppressed"] == "small-cell"
    assert value["rows"][1]["count"] is None
    kinds = {one["kind"] for one in value["signatures"]}
    assert kinds == {"result", "job", "agreement", "approval", "shares"}


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_come_back_exactly(number: float) -> None:
    assert math.copysign(1, numbers(exact(number))) == math.copysign(1, number)
    assert numbers(json.loads(json.dumps(exact({"a": [number, 3, None, True, "x"]})))) == {"a": [number, 3, None, True, "x"]}


@pytest.mark.parametrize("value", [math.nan, math.inf, b"bytes", {1, 2}])
def test_what_has_no_exact_form_is_refused(value: object) -> None:
    with pytest.raises(Invalid):
        exact([value])


@pytest.mark.parametrize("text", ["nan", "inf", "one", "1e999"])
def test_a_decimal_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        numbers({"rows": [{"decimal": text}]})
