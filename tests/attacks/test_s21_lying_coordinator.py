"""S-21: a node acts only on a job that every agency and approver approved, under an agreement that all parties signed.

The coordinator hands a node everything: agreement, job, approvals, hellos. Here it lies about each in turn; it holds its own keys, those of an
analyst and of eve, and whatever honest parties signed at another time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from tallystick.core.agreement.check import valid_agreement
from tallystick.core.documents import SignedDocument, sign_document
from tallystick.core.errors import TallyError
from tallystick.core.job.approval import complete_approvals
from tallystick.core.job.check import participants, verify_job
from tallystick.core.job.hello import new_hello, verify_hello
from tallystick.core.statistics.rulebook import plan_allowed_job
from tests.governance import NOW, agreement, approval, complete, identity, job, question, sealing_key, signed_agreement

TERMS = agreement()
OLD_TERMS = agreement(version=1, decoys=0)
EVES_TERMS = agreement(analysts={"ana": {"key": identity("eve").key}})
JOB = job(TERMS)
SEEN = (TERMS.version, TERMS.digest())
AGENCIES = ("human-services", "labor")


def hello(agency: str, job_digest: str, attempt: int = 1, signer: str = "") -> SignedDocument:
    return new_hello(job_digest, attempt, agency, sealing_key(agency).public, identity(signer or agency))


@dataclass(frozen=True)
class Told:
    """What the coordinator tells a node."""

    agreement: SignedDocument = field(default_factory=lambda: signed_agreement(TERMS))
    job: SignedDocument = field(default_factory=lambda: sign_document("job", JOB, "ana", identity("ana")))
    approvals: tuple[SignedDocument, ...] = field(default_factory=lambda: tuple(complete(JOB, TERMS)))
    hellos: tuple[SignedDocument, ...] = field(
        default_factory=lambda: tuple(hello(agency, JOB.digest()) for agency in AGENCIES)
    )


def act(told: Told) -> dict[str, bytes]:
    """Do what labor's node does before its first message: check everything, and give the keys that it would seal to."""
    terms = valid_agreement(told.agreement, NOW, own=("labor", identity("labor").key), seen=SEEN)
    contract = verify_job(told.job, terms)
    plan_allowed_job(contract, terms, digest=told.agreement.digest, now=NOW)
    complete_approvals(contract, terms, told.approvals, NOW)
    keys = {}
    for agency, document in zip(participants(contract, terms), told.hellos, strict=True):
        found = verify_hello(document, job=contract.digest(), attempt=1, agency=agency, agreement=terms)
        keys[agency] = bytes.fromhex(found.sealing_key)
    return keys


def test_s21_an_honest_coordinator_is_believed() -> None:
    assert act(Told()) == {agency: sealing_key(agency).public for agency in AGENCIES}


def with_job(contract: SignedDocument) -> Told:
    """Approve the job that is shown with everything that can be signed without an honest agency, and the old approvals."""
    return replace(Told(), job=contract)


OTHER = job(TERMS, question(measures=["count"], by=[]), nonce="22" * 16)
LIES: dict[str, Callable[[], Told]] = {
    "an older agreement": lambda: replace(Told(), agreement=signed_agreement(OLD_TERMS)),
    "its own agreement": lambda: replace(Told(), agreement=signed_agreement(EVES_TERMS, keys={"labor": identity("eve")})),
    "an agreement that labor alone signed": lambda: replace(Told(), agreement=signed_agreement(TERMS, by=("labor",))),
    "an agreement of which one signature is gone": lambda: replace(Told(), agreement=signed_agreement(TERMS, by=AGENCIES)),
    "a job of nobody": lambda: with_job(replace(Told().job, signatures=())),
    "a job of its own": lambda: with_job(sign_document("job", JOB, "coordinator", identity("coordinator"))),
    "a job with another nonce": lambda: with_job(sign_document("job", job(TERMS, nonce="11" * 16), "ana", identity("ana"))),
    "a job with a wider question": lambda: with_job(sign_document("job", OTHER, "ana", identity("ana"))),
    "a job sealed to its own key": lambda: with_job(
        sign_document("job", job(TERMS, result_key=sealing_key("coordinator").public.hex()), "ana", identity("coordinator"))
    ),
    "a job under the old agreement": lambda: with_job(sign_document("job", job(OLD_TERMS), "ana", identity("ana"))),
    "a job past its deadline": lambda: with_job(
        sign_document(
            "job", job(TERMS, submitted="2026-05-01T00:00:00Z", deadline="2026-05-20T00:00:00Z"), "ana", identity("ana")
        )
    ),
    "no approval": lambda: replace(Told(), approvals=()),
    "approvals of another job": lambda: replace(Told(), approvals=tuple(complete(OTHER, TERMS))),
    "approvals under the old agreement": lambda: replace(Told(), approvals=tuple(complete(job(OLD_TERMS), OLD_TERMS))),
    "labor's own approval alone": lambda: replace(
        Told(), approvals=tuple(approval(JOB, TERMS, n) for n in ("labor", "sue", "tom"))
    ),
    "a refusal among the approvals": lambda: replace(
        Told(), approvals=(*Told().approvals, approval(JOB, TERMS, "uma", decision="refuse"))
    ),
    "no hello": lambda: replace(Told(), hellos=()),
    "one hello twice": lambda: replace(Told(), hellos=(Told().hellos[1], Told().hellos[1])),
    "a hello of another job": lambda: replace(Told(), hellos=(hello("human-services", OTHER.digest()), Told().hellos[1])),
    "a hello of another attempt": lambda: replace(
        Told(), hellos=(hello("human-services", JOB.digest(), attempt=2), Told().hellos[1])
    ),
    "a hello with its own key": lambda: replace(
        Told(), hellos=(hello("human-services", JOB.digest(), signer="coordinator"), Told().hellos[1])
    ),
    "a hello too many": lambda: replace(Told(), hellos=(*Told().hellos, hello("housing", JOB.digest()))),
} | {
    f"approvals without {name}'s": lambda name=name: replace(
        Told(), approvals=tuple(a for a in Told().approvals if a.signers != (name,))
    )
    for name in ("human-services", "labor", "board", "sue", "tom")
}


@pytest.mark.parametrize("lie", LIES)
def test_s21_a_coordinator_that_lies_moves_nobody(lie: str) -> None:
    with pytest.raises((TallyError, ValueError)):  # ValueError: not as many hellos as participants
        act(LIES[lie]())
