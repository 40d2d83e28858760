"""Review before release at the desk: the copy that reviewers get, the words that they sign, and what of them goes along.

1. The first copy begins the days; that is in the log, and durable, before the copy is given out. Every copy of a candidate is the same bytes.
2. A reviewer's later word takes the place of an earlier one; a word that does not count is refused and changes nothing.
3. Nothing goes out before every reviewer accepted or the days are over; where the agreement says so, an objection stops it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from tallystick.core.agreement.model import Agreement
from tallystick.core.canonical import canonical_bytes
from tallystick.core.clock import Clock
from tallystick.core.documents import SignedDocument, decode_document, sign_document
from tallystick.core.errors import Invalid
from tallystick.core.job.reviewing import ReviewRecord, build_copy, check_reviewed, digest_reviewed, read_review
from tallystick.core.keyfile import IdentityKey
from tallystick.node.changes import KeptChange, decide_job
from tallystick.node.ports import KeptJob, NodeStorage, Note

_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Reviews:
    """Keeps the reviews of this desk's candidates; see the module's rules."""

    agency: str
    identity: IdentityKey
    storage: NodeStorage
    clock: Clock

    def begin(self, job: str) -> SignedDocument:
        """Give the copy that reviewers get, and begin the days if they have not begun.

        Raises:
            Invalid: `job-unknown`; `job-state`: no candidate waits, or nobody reviews it.
        """
        now = self.clock.now().replace(microsecond=0)

        def decide(kept: KeptJob) -> KeptChange | None:
            _check_waits(kept)
            _find_terms(kept)
            if kept.review_begun is not None:
                return None
            return KeptChange(replace(kept, review_begun=now), Note("review-begun", now, {"attempt": kept.candidate_attempt}))

        return self.copy_of(decide_job(self.storage, job, decide))

    def copy_of(self, record: KeptJob) -> SignedDocument:
        """Give the copy of a candidate whose review has begun; the same bytes every time.

        Raises:
            Invalid: `job-state`: there is none.
        """
        value, agreement = _find_terms(record)
        if record.review_begun is None:
            raise Invalid("job-state", "the review has not begun", hint="tally node review JOB --out FILE")
        return sign_document("review-copy", build_copy(value, agreement, record.review_begun), self.agency, self.identity)

    def add(self, job: str, documents: Sequence[bytes]) -> KeptJob:
        """Take reviewers' signed words.

        Raises:
            Refused: `review-invalid`.
            Invalid: `job-unknown`; `job-state`: as `begin`, or the review has not begun.
        """
        given = [decode_document(document, kind="review") for document in documents]

        def decide(kept: KeptJob) -> KeptChange:
            _check_waits(kept)
            value, agreement = _find_terms(kept)
            if kept.review_begun is None:
                raise Invalid("job-state", "the review has not begun", hint="tally node review JOB --out FILE")
            words = {decode_document(one, kind="review").signers: one for one in kept.reviews}
            words |= {one.signers: one.encode() for one in given}
            held = [decode_document(one, kind="review") for one in words.values()]
            read_review(held, agreement, job=kept.job, candidate=digest_reviewed(value), begun=kept.review_begun)
            note = Note(
                "review-words", self.clock.now(), {"reviewers": [*sorted(name for one in given for name in one.signers)]}
            )
            return KeptChange(replace(kept, reviews=tuple(words.values())), note)

        return decide_job(self.storage, job, decide)


def carry_review(record: KeptJob, agreement: Agreement, now: datetime) -> dict[str, Any]:
    """Give what a result carries of its review, if it may go out now; nothing where nobody reviews.

    Raises:
        Refused: `review-missing`, `review-objected`, `review-invalid`.
        Invalid: `job-state`: the review has not begun.
    """
    if agreement.review is None:
        return {}
    value, _ = _find_terms(record)
    if record.review_begun is None:
        named = ", ".join(agreement.review.reviewers)
        raise Invalid(
            "job-state",
            f"{named} must see the result for up to {agreement.review.days} days before it goes out",
            hint="tally node review JOB --out FILE, and give them the file",
        )
    words = [decode_document(one, kind="review") for one in record.reviews]
    review = read_review(words, agreement, job=record.job, candidate=digest_reviewed(value), begun=record.review_begun)
    check_reviewed(review, agreement, now)
    kept = ReviewRecord(
        begun=record.review_begun.strftime(_TIME), words=tuple(json.loads(document.encode()) for document in words)
    )
    return {"reviews": kept.json_value()}


def _check_waits(record: KeptJob) -> None:
    if record.awaits != "release":
        raise Invalid("job-state", "nothing waits at the desk for this job", hint="tally node pending")


def _find_terms(record: KeptJob) -> tuple[dict[str, Any], Agreement]:
    """Give a candidate that waits, and the agreement that it is under, which names reviewers."""
    if record.candidate is None:
        raise Invalid("job-state", "nothing waits at the desk for this job", hint="tally node pending")
    value: dict[str, Any] = json.loads(record.candidate)
    agreement = decode_document(canonical_bytes(value["agreement"]), kind="agreement").read(Agreement)
    if agreement.review is None:
        raise Invalid("job-state", f"{agreement.agreement} names nobody who reviews", hint="tally node approve JOB")
    return value, agreement
