"""An approver's signed decision on a job."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

from tallystick.core.agreement.check import valid_agreement
from tallystick.core.documents import decode_document, read_document, sign_document
from tallystick.core.errors import Refused
from tallystick.core.job.approval import Approval, ReasonClass
from tallystick.core.job.check import verify_job

if TYPE_CHECKING:
    from tallystick.client.sdk import Client
    from tallystick.client.views import JobProgress


def decide(tally: Client, name: str, agreement: Path | None, refusal: str | None, term: timedelta) -> JobProgress:
    """Check a job under the agreement that we hold, sign a decision, and hand it in.

    Args:
        tally: connected as an approver.
        name: the job's name.
        agreement: the file of it; None for the one of that name used last.
        refusal: the class of reason of a no; None for yes.
        term: how long it counts.

    Raises:
        Refused: `not-allowed`: the agreement names no approver with our key; and as `verify_job`.
    """
    now = datetime.now(UTC)
    document = decode_document(tally.document(name), kind="job")
    held = (
        read_document(agreement, kind="agreement")
        if agreement is not None
        else tally.profile.agreement(_read_agreement_name(document.body))
    )
    agreed = valid_agreement(held, now)
    job = verify_job(document, agreed)
    if job.agreement.digest != held.digest:
        raise Refused(
            "agreement-unknown", "the job is under another text of the agreement than this one", hint="--agreement FILE"
        )
    identity = tally.profile.identity
    signer = next((who for who, party in agreed.approvers.items() if party.key == identity.key), None)
    if signer is None:
        raise Refused(
            "not-allowed",
            "the agreement names no approver with your key",
            hint="an agency's steward decides with: tally node approve",
        )
    decision = Approval(
        job=document.digest,
        agreement=held.digest,
        signer=signer,
        role="approver",
        decision="approve" if refusal is None else "refuse",
        reason_class=cast("ReasonClass | None", refusal),
        signed_at=_stamp(now),
        expires=_stamp(now + term),
    )
    return tally.approve(document.digest, sign_document("approval", decision, signer, identity))


def _read_agreement_name(body: bytes) -> str:
    from tallystick.core.canonical import parse_canonical
    from tallystick.core.job.model import Job

    return Job.read(parse_canonical(body), what="job").agreement.agreement


def _stamp(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")
