"""A steward's yes to letting one candidate go out from the desk: signed over the candidate's bytes, for this job alone.

Where the agreement names stewards of the desk's agency, as many distinct ones as it asks for must say so (S-24). It stays at the desk.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tallystick.core.agreement.model import Agreement, Timestamp, moment
from tallystick.core.documents import SignedDocument
from tallystick.core.errors import Refused, TallyError
from tallystick.core.job.check import SKEW
from tallystick.core.model import Document, Hex32, Name


class ReleaseApproval(Document):
    """One steward's decision.

    Attributes:
        job: its digest.
        candidate: SHA-256 of the candidate as the desk keeps it, which is what would go out.
        signer: who decides; the signature's signer.
        agency: the desk's.
        signed_at, expires: from when until when it counts.
    """

    job: Hex32
    candidate: Hex32
    signer: Name
    agency: Name
    signed_at: Timestamp
    expires: Timestamp


def verify_release(
    document: SignedDocument, *, job: str, candidate: str, agency: str, key: str, now: datetime
) -> ReleaseApproval:
    """Give the decision that a signed document holds, if it is for this candidate, by this key, and counts now.

    Args:
        document: of kind `release`, with the signature of its signer alone.
        job: the job's digest.
        candidate: the candidate's digest.
        agency: the desk's.
        key: the public key of its signer.
        now: the present moment, UTC.

    Raises:
        Refused: `approval-invalid`.
    """
    try:
        said = document.read(ReleaseApproval)
        signed_at, expires = moment(said.signed_at), moment(said.expires)
    except (TallyError, ValueError) as error:
        raise Refused("approval-invalid", "a release's approval is malformed") from error
    if document.kind != "release" or document.signers != (said.signer,):
        raise Refused("approval-invalid", f"{said.signer}: a release's approval is signed by its signer alone")
    if (said.job, said.candidate, said.agency) != (job, candidate, agency):
        raise Refused(
            "approval-invalid",
            f"the approval of {said.signer} is for another candidate",
            hint="look at this one, and sign again",
        )
    try:
        document.verify_signature_of(said.signer, key)
    except Refused as error:
        raise Refused("approval-invalid", error.message) from error
    if signed_at > now + SKEW or now >= expires:
        raise Refused("approval-invalid", f"the approval of {said.signer} does not count now", hint="sign again")
    return said


def complete_release(
    documents: Sequence[SignedDocument], agreement: Agreement, *, job: str, candidate: str, agency: str, now: datetime
) -> tuple[str, ...]:
    """Let a candidate go out if as many distinct stewards as the agreement asks for have said so; give who they are.

    Args:
        documents: signed decisions; one that does not count fails them all.
        agreement: of the job.
        job: its digest.
        candidate: the candidate's digest.
        agency: the desk's.
        now: the present moment, UTC.

    Raises:
        Refused: `approval-missing`, `approval-invalid`.
    """
    stewards = agreement.stewards.get(agency)
    keys = {} if stewards is None else stewards.keys
    names = []
    for document in documents:
        signer = document.signers[0] if document.signers else ""
        if signer not in keys:
            raise Refused("approval-invalid", f"the agreement names no steward {signer or 'without a name'} of {agency}")
        names.append(verify_release(document, job=job, candidate=candidate, agency=agency, key=keys[signer], now=now).signer)
    if stewards is not None and len(set(names)) < stewards.need:
        raise Refused(
            "approval-missing",
            f"the agreement asks for {stewards.need} stewards of {agency} to release; {len(set(names))} signed",
            hint=f"sign as one of {', '.join(sorted(keys))}: tally node approve JOB --steward NAME --key FILE",
        )
    return tuple(sorted(set(names)))
