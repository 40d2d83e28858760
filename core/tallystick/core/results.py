"""The released result: what the desk signs, how it is sealed to the analyst, and how anyone checks it offline.

`core/released.py` has its keys; `core/opening.py` has what is another in a direct result. `plain` turns a body into what people read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tallystick.core.agreement.check import valid_agreement
from tallystick.core.agreement.model import Agreement, moment
from tallystick.core.canonical import canonical_bytes
from tallystick.core.contract import Contract
from tallystick.core.decimals import numbers
from tallystick.core.documents import SignedDocument, decode_document, sign_document
from tallystick.core.errors import Invalid, Refused, TallyError
from tallystick.core.job.approval import complete_approvals
from tallystick.core.job.check import verify_job
from tallystick.core.job.model import Job
from tallystick.core.job.reviewing import check_record, digest_reviewed
from tallystick.core.keyfile import IdentityKey
from tallystick.core.opening import check_numbers, check_opener, strip_opening
from tallystick.core.released import Released
from tallystick.crypto.envelope import SealingKey, open_with, seal_to
from tallystick.crypto.errors import PeerFault
from tallystick.crypto.statistic.shares import verify_evidence

CONTEXT: Final = "result"


@dataclass(frozen=True)
class Check:
    """One thing that was checked.

    Attributes:
        name: what, in a few words.
        passed: whether it holds.
        detail: who or what it rests on, or what is wrong.
    """

    name: str
    passed: bool
    detail: str


def seal_result(released: Released, result_key: bytes, identity: IdentityKey) -> bytes:
    """Sign a result as its desk and seal it to the job's result key.

    Args:
        released: the body.
        result_key: 1,216 bytes, from the job.
        identity: the desk's.

    Raises:
        PeerFault: `sealing-key-malformed`.
    """
    document = sign_document("result", released, released.desk, identity)
    return seal_to(result_key, CONTEXT, (bytes.fromhex(released.job),), document.encode())


def open_result(sealed: bytes, key: SealingKey, job: bytes) -> SignedDocument:
    """Open a sealed result. Who made it is known only after `verify_result`.

    Args:
        sealed: as `seal_result` gave it.
        key: the job's result key.
        job: the job's digest, 32 bytes.

    Raises:
        PeerFault: `envelope-unopenable`, `envelope-too-large`.
        Invalid: `document-invalid`.
    """
    return decode_document(open_with(key, CONTEXT, (job,), sealed, sender="the desk"), kind="result")


def verify_result(
    document: SignedDocument, *, agreement: str | None = None, now: datetime | None = None
) -> tuple[Released, list[Check]]:
    """Give a result and what was checked, if everything holds.

    Args:
        document: of kind `result`.
        agreement: the digest of the agreement that the reader holds. Without it the keys are those that the result brings along,
            which says that it is consistent, not whose it is: compare the digest that the check names.
        now: the present moment, UTC; without it a desk that reviews may say that days are over which are not.

    Raises:
        Invalid: `document-invalid`: no result at all.
        Refused: `signature-invalid`: names the first check that fails.
    """
    released, made = checks(document, agreement=agreement, now=now)
    failed = next((check for check in made if not check.passed), None)
    if failed is not None:
        raise Refused("signature-invalid", f"the result does not hold: {failed.name}: {failed.detail}")
    return released, made


def checks(
    document: SignedDocument, *, agreement: str | None = None, now: datetime | None = None
) -> tuple[Released, list[Check]]:
    """Give a result and every check of it, passed or not; a check that rests on a failed one is left out.

    Raises:
        Invalid: `document-invalid`: no result at all.
    """
    if document.kind != "result":
        raise Invalid("document-invalid", f"this document is of kind {document.kind}, not result")
    released = document.read(Released)
    made: list[Check] = []

    def holds(name: str, detail: str, check: Any) -> Any:
        """Run one check; None when it fails."""
        try:
            value = check()
        except (TallyError, PeerFault, ValueError) as error:
            made.append(Check(name, passed=False, detail=error.message if isinstance(error, TallyError) else str(error)))
            return None
        made.append(Check(name, passed=True, detail=detail or str(value)))
        return value

    def read(value: Mapping[str, Any], kind: Any) -> SignedDocument:
        return decode_document(canonical_bytes(value), kind=kind)

    job_document = holds("the job is a signed document", released.job[:12], lambda: read(released.document, "job"))
    agreement_document = holds(
        "the agreement is a signed document", str(released.agreement.get("kind")), lambda: read(released.agreement, "agreement")
    )
    if job_document is None or agreement_document is None:
        return released, made
    pact: Agreement | None = holds(
        "every party signed the agreement or its tiers",
        f"digest {agreement_document.digest}",
        lambda: _agreement_then(agreement_document, job_document),
    )
    if agreement is not None:
        holds("it is the agreement you hold", agreement, lambda: _same("agreement", agreement_document.digest, agreement))
    if pact is None:
        return released, made
    job: Job | None = holds(
        "the analyst signed the job", "by the key that the agreement names", lambda: verify_job(job_document, pact)
    )
    holds("the result is for this job", released.job, lambda: _same("job", job_document.digest, released.job))
    direct = released.handed is not None
    what = "the desk signed what it handed on" if direct else "the desk signed the result"
    holds(what, released.desk, lambda: _check_desk_signature(document, released, pact))
    if job is None:
        return released, made
    holds(
        "the job is under this agreement",
        job.agreement.digest,
        lambda: _same("agreement", agreement_document.digest, job.agreement.digest),
    )
    approvals = holds(
        "approvals are signed documents",
        f"{len(released.approvals)} of them",
        lambda: [read(one, "approval") for one in released.approvals],
    )
    if approvals is not None:
        holds(
            "everybody who must approved the job",
            ", ".join(signer for one in approvals for signer in one.signers),
            lambda: complete_approvals(job, pact, approvals, moment(released.released)),
        )
    if pact.review is not None:
        holds("reviewers saw it before it went out", "", lambda: _check_review(document, released, job, pact, now))
    agencies = sorted({people.agency for people in job.question.people.values()})
    holds("every data agency sealed shares", ", ".join(agencies), lambda: _check_agencies(released, agencies))
    for agency in agencies:
        if agency in released.shares:
            holds("an agency signed its sealed shares", agency, lambda agency=agency: _check_share(released, pact, agency))
    if released.opening is not None:
        contract = Contract(job, job_document, pact, agreement_document)
        holds("the analyst opened and signed the result", job.analyst, lambda: check_opener(document, contract))
        holds(
            "the numbers are those that the agencies sealed", "worked out once more", lambda: check_numbers(released, contract)
        )
    elif direct != (job.recipient is not None):
        found, due = ("direct", "desk") if direct else ("desk", "direct")
        holds("the result left as the job asks", due, lambda: _same("release", found, due))
    return released, made


def plain(document: SignedDocument) -> dict[str, Any]:
    """Give a result as `--out` writes it: numbers as numbers, and who signed what.

    Raises:
        Invalid: `document-invalid`.
    """
    released = document.read(Released)
    value = released.json_value()
    shown = {
        key: numbers(value[key]) for key in ("job", "status", "columns", "rows", "linkage", "disclosure", "leakage", "timing")
    }
    carried = (value["agreement"], value["document"], *value["approvals"], *value.get("reviews", {}).get("words", ()))
    signatures: list[dict[str, Any]] = []
    for one in (document.encode(), *map(canonical_bytes, carried)):
        outer = json.loads(one)
        for signed in (outer, *(outer["body"].get("tiers", ()) if outer["kind"] == "agreement" else ())):
            signatures += [{"kind": signed["kind"], **signature} for signature in signed["signatures"]]
    if released.opening is not None:
        signatures.append({"kind": "handed", **value["opening"]["handed"]})
    signatures += [
        {"kind": "shares", "signer": agency, "signature": one["signature"]} for agency, one in value["shares"].items()
    ]
    shown |= {key: numbers(value[key]) for key in ("totals", "overall", "notices") if value.get(key)}
    if released.reviews is not None:
        words = [one["body"] for one in released.reviews.words]
        said = [{key: word[key] for key in ("signer", "says", "comment") if key in word} for word in words]
        shown["reviews"] = {"begun": released.reviews.begun, "words": said}
    return {
        **shown,
        "attempt": released.attempt,
        "desk": released.desk,
        "released": released.released,
        "signatures": signatures,
    }


def _agreement_then(agreement: SignedDocument, job: SignedDocument) -> Agreement:
    """Check the agreement as of the moment when the job was submitted: it may have ended since."""
    return valid_agreement(agreement, moment(job.read(Job).submitted))


def _same(what: str, found: str, wanted: str) -> None:
    if found != wanted:
        raise Refused("document-invalid", f"it is another {what}: {found[:12]} where {wanted[:12]} is due")


def _check_desk_signature(document: SignedDocument, released: Released, agreement: Agreement) -> None:
    document = strip_opening(document)
    if agreement.release.desk != released.desk or document.signers != (released.desk,):
        raise Refused("not-allowed", "it is not signed by the agreement's desk alone")
    document.verify_signature_of(released.desk, agreement.parties[released.desk].key)


def _check_review(document: SignedDocument, released: Released, job: Job, agreement: Agreement, now: datetime | None) -> str:
    return check_record(
        released.reviews,
        agreement,
        job,
        digest=released.job,
        candidate=digest_reviewed(json.loads(document.body)),
        released=moment(released.released),
        now=now,
    ).text


def _check_agencies(released: Released, agencies: Sequence[str]) -> None:
    if sorted(released.shares) != list(agencies):
        raise Refused("document-invalid", "it shows the shares of other agencies than the job's")


def _check_share(released: Released, agreement: Agreement, agency: str) -> None:
    evidence = released.shares[agency]
    verify_evidence(
        bytes.fromhex(evidence.statement),
        bytes.fromhex(evidence.signature),
        agency=agency,
        key=bytes.fromhex(agreement.parties[agency].key),
        job=bytes.fromhex(released.job),
        attempt=released.attempt,
    )
