"""Review before release: the copy that a desk gives to reviewers, what each says of it, and whether a result may go out.

The desk signs one copy of the candidate, the same for all reviewers; its making begins the days. A reviewer signs a word over the copy's
candidate. A result may go out when every reviewer accepted, or when the days are over; what was said goes along with it.

Security: a word is over the candidate's digest, which everybody works out again from the result: a desk cannot show one table and release
another. That nothing was said for so many days is the desk's word alone; it can say so no earlier than those days after the job was
submitted, by the analyst's clock and the reader's (docs/adr/0024-review.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from tallystick.core.agreement.model import Agreement, Timestamp, moment
from tallystick.core.agreement.review import list_reviewers
from tallystick.core.canonical import canonical_bytes
from tallystick.core.documents import SignedDocument, decode_document
from tallystick.core.errors import Invalid, Refused, TallyError
from tallystick.core.job.check import SKEW
from tallystick.core.job.model import Job
from tallystick.core.model import Document, Hex32, Name, Text

NOT_REVIEWED: Final = frozenset({"released", "reviews"})
"""What a result has and its candidate has not."""


class ReviewCopy(Document):
    """What a desk gives to reviewers.

    Attributes:
        job: the job's digest.
        desk: who made it; the signature's signer.
        begun: when it was made, which begins the days.
        until: when they are over.
        candidate: the result as it would go out, after the disclosure rules.
    """

    job: Hex32
    desk: Name
    begun: Timestamp
    until: Timestamp
    candidate: dict[str, Any]


class ReviewWord(Document):
    """What one reviewer says.

    Attributes:
        job: the job's digest.
        candidate: SHA-256 of the candidate's canonical bytes.
        signer: the reviewer; the signature's signer.
        says: yes or no.
        comment: why, or what should be read beside the numbers; it goes along with the result.
        signed_at: when.
    """

    job: Hex32
    candidate: Hex32
    signer: Name
    says: Literal["accept", "object"]
    comment: Text | None = None
    signed_at: Timestamp


class ReviewRecord(Document):
    """What a result carries of its review.

    Attributes:
        begun: when the desk made the reviewers' copy.
        words: the reviewers' signed words, as JSON.
    """

    begun: Timestamp
    words: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Review:
    """How a review stands.

    Attributes:
        words: by reviewer, in the agreement's order; None who said nothing.
        until: when the days are over.
    """

    words: Mapping[str, ReviewWord | None]
    until: datetime

    @property
    def text(self) -> str:
        """Give it as one line."""
        return ", ".join(
            f"{name} {_SAID[word.says] if word else 'said nothing in the days given'}" for name, word in self.words.items()
        )


_SAID: Final = {"accept": "accepted", "object": "objected"}


def digest_reviewed(value: Mapping[str, Any]) -> str:
    """Give the digest that words are over, of a candidate or of the result that was made of it."""
    return hashlib.sha256(canonical_bytes({key: item for key, item in value.items() if key not in NOT_REVIEWED})).hexdigest()


def build_copy(candidate: Mapping[str, Any], agreement: Agreement, begun: datetime) -> ReviewCopy:
    """Give the copy that reviewers get."""
    assert agreement.review is not None
    until = begun + timedelta(days=agreement.review.days)
    return ReviewCopy(
        job=candidate["job"], desk=candidate["desk"], begun=_stamp(begun), until=_stamp(until), candidate=dict(candidate)
    )


def open_copy(document: SignedDocument) -> tuple[ReviewCopy, Agreement]:
    """Give what a desk's copy holds, and the agreement that it names, if the desk of that agreement signed it.

    Whose agreement it is, the reader knows by its digest alone.

    Raises:
        Invalid: `document-invalid`.
        Refused: `review-invalid`: it is no copy of that desk's, or nobody reviews.
    """
    if document.kind != "review-copy":
        raise Invalid("document-invalid", f"this document is of kind {document.kind}, not review-copy")
    copy = document.read(ReviewCopy)
    try:
        agreement = decode_document(canonical_bytes(copy.candidate["agreement"]), kind="agreement").read(Agreement)
        job = decode_document(canonical_bytes(copy.candidate["document"]), kind="job")
    except (KeyError, TallyError) as error:
        raise Refused("review-invalid", "the copy does not say which job and agreement it is under") from error
    if agreement.review is None or agreement.release.desk != copy.desk or document.signers != (copy.desk,):
        raise Refused("review-invalid", f"{agreement.agreement} has no review at {copy.desk}")
    try:
        document.verify_signature_of(copy.desk, agreement.parties[copy.desk].key)
    except Refused as error:
        raise Refused("review-invalid", error.message) from error
    same = job.digest == copy.job == copy.candidate.get("job") and copy.candidate.get("desk") == copy.desk
    begun = moment(copy.begun)
    if not same or copy != build_copy(copy.candidate, agreement, begun):
        raise Refused("review-invalid", "the copy says otherwise than its candidate")
    return copy, agreement


def read_review(
    documents: Sequence[SignedDocument], agreement: Agreement, *, job: str, candidate: str, begun: datetime
) -> Review:
    """Give how a review stands, if every word in it counts.

    Args:
        documents: of kind `review`, each with the signature of its signer alone.
        agreement: of the job, with a review.
        job: the job's digest.
        candidate: as `digest_reviewed`.
        begun: when the desk made the copy.

    Raises:
        Refused: `review-invalid`: a word is malformed, by nobody who reviews, by another key, for another candidate, or a second one.
    """
    assert agreement.review is not None
    keys = list_reviewers(agreement.review, agreement.parties | agreement.approvers)
    words: dict[str, ReviewWord | None] = dict.fromkeys(agreement.review.reviewers)
    for document in documents:
        try:
            word = document.read(ReviewWord)
            moment(word.signed_at)
        except (TallyError, ValueError) as error:
            raise Refused("review-invalid", "a reviewer's word is malformed") from error
        if document.kind != "review" or document.signers != (word.signer,):
            raise Refused("review-invalid", f"{word.signer}: a reviewer's word is signed by its signer alone")
        if word.signer not in keys:
            raise Refused(
                "review-invalid", f"the agreement names no reviewer {word.signer}", hint=f"it names: {', '.join(keys)}"
            )
        if words[word.signer] is not None:
            raise Refused("review-invalid", f"{word.signer} said something twice")
        if (word.job, word.candidate) != (job, candidate):
            raise Refused(
                "review-invalid",
                f"the word of {word.signer} is about another candidate",
                hint="look at this one, and sign again",
            )
        try:
            document.verify_signature_of(word.signer, keys[word.signer])
        except Refused as error:
            raise Refused("review-invalid", error.message) from error
        words[word.signer] = word
    return Review(words, begun + timedelta(days=agreement.review.days))


def check_reviewed(review: Review, agreement: Agreement, now: datetime) -> None:
    """Check that a result may go out at a moment.

    Raises:
        Refused: `review-missing`: somebody said nothing, or objected, and the days are not over; `review-objected`: somebody objected, and
            the agreement says that it stops there.
    """
    assert agreement.review is not None
    against = [name for name, word in review.words.items() if word is not None and word.says == "object"]
    silent = [name for name, word in review.words.items() if word is None]
    if against and agreement.review.objection == "stops":
        raise Refused(
            "review-objected",
            f"{', '.join(against)} objects, and under {agreement.agreement} that stops the result",
            hint="refuse it: tally node refuse JOB; or have the objection withdrawn: a new word in place of the old",
        )
    if (against or silent) and now < review.until:
        told = [*(f"{name} objects" for name in against), *(f"{name} has said nothing" for name in silent)]
        raise Refused(
            "review-missing",
            f"{', '.join(told)}; the result waits until {_stamp(review.until)}, as `review` of {agreement.agreement} says",
            hint="give reviewers their copy: tally node review JOB --out FILE; add what they sign: --add FILE",
        )


def check_record(
    record: ReviewRecord | None,
    agreement: Agreement,
    job: Job,
    *,
    digest: str,
    candidate: str,
    released: datetime,
    now: datetime | None,
) -> Review:
    """Check what a result carries of its review, as any reader does.

    Args:
        record: as the result has it.
        agreement: of the job, with a review.
        job: the job.
        digest: the job's.
        candidate: as `digest_reviewed` of the result.
        released: when the desk says that it released.
        now: the reader's present moment; None for one who has no clock.

    Raises:
        Refused: `review-missing`: there is no record, or one of another time; and as `read_review` and `check_reviewed`.
        Invalid: `document-invalid`.
    """
    if record is None:
        raise Refused("review-missing", "the result does not carry its review")
    begun = moment(record.begun)
    if begun < moment(job.submitted) - SKEW:
        raise Refused("review-missing", "the review began before the job was submitted")
    if now is not None and released > now + SKEW:
        raise Refused("review-missing", "the result says that it was released in the future")
    documents = [decode_document(canonical_bytes(one), kind="review") for one in record.words]
    review = read_review(documents, agreement, job=digest, candidate=candidate, begun=begun)
    check_reviewed(review, agreement, released)
    return review


def _stamp(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")
