"""Approvals: one person's or agency's yes or no to one job under one agreement, until a date.

Who must say yes: every agency that takes part (with its identity key); of each such agency for which the agreement names
stewards, as many distinct stewards as it asks for; every approver that the agreement names. The analyst who asks never counts,
under any name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import model_validator

from tallystick.core.agreement.model import Agreement, Timestamp, moment
from tallystick.core.documents import SignedDocument
from tallystick.core.errors import Refused, TallyError
from tallystick.core.job.check import SKEW, participants
from tallystick.core.job.model import Job, Question
from tallystick.core.model import Document, Hex32, Name

Role = Literal["agency", "steward", "approver"]
Decision = Literal["approve", "refuse"]
ReasonClass = Literal["agreement", "policy", "steward", "people", "data", "other"]
"""Why an agency refused, as far as others may know: the agreement, its policy, its steward, too few people, its data, other."""


class Approval(Document):
    """One decision.

    Attributes:
        job, agreement: their digests.
        signer: who decides; the signature's signer.
        role: as what.
        agency: whose agency or steward; None for an approver.
        reason_class: of a refusal.
        signed_at, expires: from when until when it counts.
        instead: of an agency's refusal, the question that it would allow.
    """

    job: Hex32
    agreement: Hex32
    signer: Name
    role: Role
    agency: Name | None = None
    decision: Decision
    reason_class: ReasonClass | None = None
    signed_at: Timestamp
    expires: Timestamp
    instead: Question | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Approval:
        if (self.agency is None) != (self.role == "approver"):
            raise ValueError("an agency's or steward's approval names the agency, an approver's none")
        if self.role == "agency" and self.agency != self.signer:
            raise ValueError("an agency signs for itself")
        if self.reason_class is not None and self.decision == "approve":
            raise ValueError("an approval has no reason")
        if self.instead is not None and (self.decision == "approve" or self.role != "agency"):
            raise ValueError("an agency that refuses may say what it would allow, nobody else")
        if self.signed_at >= self.expires:
            raise ValueError("it expires before it is signed")
        return self


@dataclass(frozen=True)
class Required:
    """Who must approve.

    Attributes:
        agencies: by identity key, in name order (the desk last where it has no data in the job).
        stewards: of which agency, how many, out of whom.
        approvers: all of them.
    """

    agencies: tuple[str, ...]
    stewards: tuple[tuple[str, int, tuple[str, ...]], ...]
    approvers: tuple[str, ...]


def find_required(job: Job, agreement: Agreement) -> Required:
    """Give who must approve a job."""
    agencies = participants(job, agreement)
    stewards = tuple(
        (name, agreement.stewards[name].need, tuple(agreement.stewards[name].keys))
        for name in agencies
        if name in agreement.stewards
    )
    return Required(agencies, stewards, tuple(agreement.approvers))


def verify_approval(document: SignedDocument, job: Job, agreement: Agreement, now: datetime) -> Approval:
    """Give the decision that a signed document holds, if it is for this job and counts now.

    Args:
        document: of kind `approval`, with the signature of its signer alone.
        job: as `verify_job` gave it.
        agreement: as `valid_agreement` gave it.
        now: the present moment, UTC.

    Raises:
        Refused: `approval-invalid`: malformed, another job's or agreement's, by somebody who may not,
            by another key, not yet or no longer valid.
    """
    try:
        approval = document.read(Approval)
        signed_at, expires = moment(approval.signed_at), moment(approval.expires)
    except (TallyError, ValueError) as error:
        raise Refused("approval-invalid", "an approval is malformed") from error
    who = approval.signer
    if document.kind != "approval" or document.signers != (who,):
        raise Refused("approval-invalid", f"{who}: an approval is signed by its signer alone")
    if approval.job != job.digest() or approval.agreement != agreement.digest():
        raise Refused("approval-invalid", f"the approval of {who} is for another job or agreement")
    key = _key(approval, agreement)
    if who == job.analyst or key in {analyst.key for analyst in agreement.analysts.values()}:
        raise Refused("approval-invalid", f"{who} asks, and so cannot approve", hint="somebody else must approve")
    try:
        document.verify_signature_of(who, key)
    except Refused as error:
        raise Refused("approval-invalid", error.message) from error
    if signed_at > now + SKEW:
        raise Refused("approval-invalid", f"the approval of {who} is dated in the future", hint="set the signer's clock right")
    if now >= expires:
        raise Refused("approval-invalid", f"the approval of {who} expired at {approval.expires}", hint="approve again")
    return approval


def complete_approvals(job: Job, agreement: Agreement, approvals: Sequence[SignedDocument], now: datetime) -> None:
    """Let a job pass if everybody who must has approved it.

    One document that does not count fails them all: none is overlooked. A no outweighs any yes.

    Raises:
        Refused: `approval-missing`: names who; `approval-invalid`; `steward-refuses`.
    """
    given = [verify_approval(document, job, agreement, now) for document in approvals]
    refused = sorted({approval.signer for approval in given if approval.decision == "refuse"})
    if refused:
        raise Refused("steward-refuses", f"{', '.join(refused)} refused this job")
    yes = {(approval.role, approval.agency, approval.signer) for approval in given}
    need = find_required(job, agreement)
    missing = [name for name in need.agencies if ("agency", name, name) not in yes]
    for agency, count, stewards in need.stewards:
        have = sum(("steward", agency, steward) in yes for steward in stewards)
        if have < count:
            missing.append(f"{count - have} more of {agency}'s stewards ({', '.join(stewards)})")
    missing += [name for name in need.approvers if ("approver", None, name) not in yes]
    if missing:
        raise Refused(
            "approval-missing", f"not approved yet by: {'; '.join(missing)}", hint=f"{missing[0]}: tally node approve"
        )


def _key(approval: Approval, agreement: Agreement) -> str:
    """Give the key that the agreement pins for this signer in this role."""
    match approval.role:
        case "agency" if approval.signer in agreement.parties:
            return agreement.parties[approval.signer].key
        case "steward" if approval.agency in agreement.stewards and approval.signer in agreement.stewards[approval.agency].keys:
            return agreement.stewards[approval.agency].keys[approval.signer]
        case "approver" if approval.signer in agreement.approvers:
            return agreement.approvers[approval.signer].key
        case _:
            raise Refused(
                "approval-invalid",
                f"the agreement names no {approval.role} {approval.signer}",
                hint="sign a version of the agreement that names them",
            )
