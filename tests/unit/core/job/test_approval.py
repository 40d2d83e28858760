from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tallystick.core.errors import Invalid, Refused
from tallystick.core.job.approval import Approval, complete_approvals, verify_approval
from tests.governance import NOW, agreement, approval, complete, identity, job

TERMS = agreement()
JOB = job(TERMS)
VALUE: dict[str, Any] = {
    "job": JOB.digest(),
    "agreement": TERMS.digest(),
    "signer": "labor",
    "role": "agency",
    "agency": "labor",
    "decision": "approve",
    "signed_at": "2026-06-01T11:30:00Z",
    "expires": "2026-06-08T11:30:00Z",
}


def test_a_complete_set_passes_in_any_order() -> None:
    given = complete(JOB, TERMS)
    complete_approvals(JOB, TERMS, given, NOW)
    complete_approvals(JOB, TERMS, given[::-1], NOW)


def test_an_approval_gives_its_decision_back() -> None:
    assert verify_approval(approval(JOB, TERMS, "labor"), JOB, TERMS, NOW) == Approval.read(VALUE, what="approval")
    refusal = approval(JOB, TERMS, "sue", decision="refuse", reason_class="people")
    assert verify_approval(refusal, JOB, TERMS, NOW).reason_class == "people"


def test_what_is_missing_is_named_with_who_can_give_it() -> None:
    with pytest.raises(Refused) as caught:
        complete_approvals(JOB, TERMS, [approval(JOB, TERMS, "human-services")], NOW)
    assert caught.value.message == "not approved yet by: labor; 2 more of labor's stewards (sue, tom, uma); board"


def test_an_agreement_without_stewards_and_approvers_asks_the_agencies_alone() -> None:
    terms = agreement(stewards={}, approvers={})
    contract = job(terms)
    complete_approvals(contract, terms, [approval(contract, terms, name) for name in ("human-services", "labor")], NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"agency": None},
        {"agency": "housing"},
        {"role": "approver"},
        {"role": "steward", "agency": None},
        {"reason_class": "people"},
        {"decision": "refuse", "reason_class": "because of John Doe"},
        {"decision": "maybe"},
        {"expires": "2026-06-01T11:30:00Z"},
        {"expires": "tomorrow"},
        {"job": "00"},
        {"more": 1},
    ],
)
def test_an_approval_that_contradicts_itself_cannot_be_written(changes: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as caught:
        Approval.read({key: item for key, item in (VALUE | changes).items() if item is not None}, what="approval")
    assert caught.value.code == "document-invalid"


def test_a_signature_by_nobody_the_agreement_knows_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        verify_approval(approval(JOB, TERMS, "labor", key=identity("eve")), JOB, TERMS, NOW)
    assert caught.value.code == "approval-invalid"
    with pytest.raises(Refused):
        verify_approval(replace(approval(JOB, TERMS, "labor"), body=b"not json"), JOB, TERMS, NOW)
