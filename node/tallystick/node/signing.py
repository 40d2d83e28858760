"""A steward's signature over what the node shows of a job: before it runs over the job, at the desk over the candidate."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

from tallystick.core.documents import SignedDocument, read_document, sign_document
from tallystick.core.errors import Invalid
from tallystick.core.job.approval import Approval
from tallystick.core.job.releasing import ReleaseApproval
from tallystick.core.keyfile import IdentityKey
from tallystick.node.views import JobDetail

_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"


def sign_decision(detail: JobDetail, agency: str, steward: str, identity: IdentityKey, now: datetime) -> SignedDocument:
    """Sign a yes to what a job awaits of this agency's people.

    Args:
        detail: the job, as it was shown.
        agency: the steward's.
        steward: as the agreement names them.
        identity: their own key.
        now: the present moment, UTC.

    Raises:
        Invalid: `job-state`: nothing is to be decided.
    """
    shown, signed_at = detail.summary, now.strftime(_TIME)
    expires = datetime.fromisoformat(shown.deadline).strftime(_TIME)
    if shown.awaits == "release" and detail.candidate is not None:
        said = ReleaseApproval(
            job=shown.job,
            candidate=detail.candidate.digest,
            signer=steward,
            agency=agency,
            signed_at=signed_at,
            expires=expires,
        )
        return sign_document("release", said, steward, identity)
    if shown.awaits != "approve":
        raise Invalid("job-state", "nothing is to be decided about this job now", hint="tally node pending")
    approval = Approval(
        job=shown.job,
        agreement=shown.agreement.digest,
        signer=steward,
        role="steward",
        agency=agency,
        decision="approve",
        signed_at=signed_at,
        expires=expires,
    )
    return sign_document("approval", approval, steward, identity)


def read_decision(path: Path) -> SignedDocument:
    """Read a steward's signed decision: an approval of a job, or of a release.

    Raises:
        Invalid: `file-missing`, `document-invalid`.
    """
    try:
        return read_document(path, kind="approval")
    except Invalid as error:
        if error.code != "document-invalid":
            raise
        return read_document(path, kind="release")
