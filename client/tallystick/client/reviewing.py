"""A desk's copy of a result for its reviewers: read, shown as the result that it would be, and answered with a signed word."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal

from tallystick.core.agreement.model import Agreement
from tallystick.core.agreement.review import list_reviewers
from tallystick.core.canonical import canonical_bytes
from tallystick.core.documents import SignedDocument, build_unsigned, decode_document, read_document, sign_document
from tallystick.core.errors import Refused
from tallystick.core.job.reviewing import ReviewCopy, ReviewWord, digest_reviewed, open_copy
from tallystick.core.keyfile import IdentityKey
from tallystick.core.released import Released


def read_copy(path: Path, agreement: Path | None = None) -> tuple[ReviewCopy, Agreement, str]:
    """Give what a desk's copy holds, if its desk signed it, the agreement that it is under, and that agreement's digest.

    Args:
        path: the copy.
        agreement: of the signed agreement that the reader holds.

    Raises:
        Invalid: `file-missing`, `document-invalid`.
        Refused: `review-invalid`: it is no copy of its desk's, or it is under another agreement than the reader's.
    """
    copy, agreed = open_copy(read_document(path, kind="review-copy"))
    digest = decode_document(canonical_bytes(copy.candidate["agreement"]), kind="agreement").digest
    if agreement is not None and (held := read_document(agreement, kind="agreement").digest) != digest:
        raise Refused(
            "review-invalid",
            f"the copy is under agreement {digest[:12]}, not {held[:12]}",
            hint="ask the desk for the right one",
        )
    return copy, agreed, digest


def build_preview(copy: ReviewCopy) -> SignedDocument:
    """Give the result that a copy would become, unsigned.

    Raises:
        Invalid: `document-invalid`.
    """
    return build_unsigned("result", Released.read({**copy.candidate, "released": copy.begun}, what="the copy"))


def sign_word(
    path: Path,
    agreement: Path | None,
    name: str,
    identity: IdentityKey,
    says: Literal["accept", "object"],
    comment: str | None,
    now: datetime,
) -> SignedDocument:
    """Sign what a reviewer says of the candidate in a copy.

    Args:
        path: the copy.
        agreement: of the signed agreement that the reviewer holds.
        name: the reviewer, as the agreement names it.
        identity: the reviewer's.
        says: yes or no.
        comment: what goes along with it.
        now: the present moment, UTC.

    Raises:
        Refused: `not-allowed`: the agreement names no such reviewer, or another key; and as `read_copy`.
        Invalid: as `read_copy`; `document-invalid`: the comment is too long.
    """
    copy, agreed, _ = read_copy(path, agreement)
    keys = list_reviewers(agreed.review, agreed.parties | agreed.approvers)
    if name not in keys:
        raise Refused("not-allowed", f"the agreement names no reviewer {name}", hint=f"it names: {', '.join(keys)}")
    if keys[name] != identity.key:
        raise Refused(
            "not-allowed",
            f"the agreement pins another key for {name}",
            hint=f"sign with the key whose public half is {keys[name]}",
        )
    value = {
        "job": copy.job,
        "candidate": digest_reviewed(copy.candidate),
        "signer": name,
        "says": says,
        "signed_at": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
    } | ({} if comment is None else {"comment": comment})
    return sign_document("review", ReviewWord.read(value, what="the word"), name, identity)
