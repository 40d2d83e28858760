"""What agencies that refused a job would allow instead: their signed decisions say it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from tallystick.core.agreement.check import valid_agreement
from tallystick.core.documents import decode_document
from tallystick.core.errors import Invalid, Refused
from tallystick.core.job.approval import verify_approval
from tallystick.core.job.check import verify_job
from tallystick.core.job.model import Job, Question

if TYPE_CHECKING:
    from tallystick.client.sdk import Client


def list_proposals(tally: Client, name: str, now: datetime) -> dict[str, Question]:
    """Give the questions that agencies would allow in place of a job's, by agency, from decisions whose signatures hold.

    Args:
        tally: connected as the job's analyst.
        name: the job's name.
        now: the present moment, UTC.

    Raises:
        Invalid: `job-state`: nobody offers anything. Refused: `approval-invalid`: a decision is not what it says.
    """
    document, decisions = tally.decisions(name)
    signed = decode_document(document, kind="job")
    held = tally.profile.agreement(signed.read(Job).agreement.agreement)
    agreement = valid_agreement(held, now)
    job = verify_job(signed, agreement)
    if job.agreement.digest != held.digest:
        raise Refused("agreement-unknown", "the job is under another text of the agreement than the one that is held here")
    found = {}
    for one in decisions:
        said = verify_approval(decode_document(one, kind="approval"), job, agreement, now)
        if said.instead is not None:
            found[said.signer] = said.instead
    if not found:
        raise Invalid("job-state", "no agency offers another question for this job", hint=f"tally job show {name}")
    return found
