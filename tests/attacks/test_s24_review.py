"""S-24: a result that reviewers must see goes out only when they accepted it or their days are over, and its readers can tell.

The attacker is the desk: it has the numbers, its own key, and every word that was signed. What it can say untruly is that nobody answered;
when, is bounded by the job and by the reader's clock.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tallystick.core.agreement.review import Reviewer, ReviewTerms, join_reviews
from tallystick.core.canonical import canonical_bytes
from tallystick.core.clock import FixedClock
from tallystick.core.decimals import exact
from tallystick.core.documents import SignedDocument, decode_document, sign_document
from tallystick.core.errors import Invalid, Refused, TallyError
from tallystick.core.job.reviewing import build_copy, digest_reviewed, open_copy
from tallystick.core.released import Released, document_json, shares_evidence
from tallystick.core.results import checks
from tallystick.crypto.statistic.shares import SealedShares
from tallystick.node.ports import KeptJob
from tallystick.node.reviews import Reviews, carry_review
from tallystick.node.storage.memory import MemoryNodeStorage
from tests.governance import NOW, agreement, complete, identity, job, signed_agreement, stamp

DESK = "human-services"
DAYS = 10
REVIEW = {"days": DAYS, "by": ["housing", "board"], "others": {"press": {"key": identity("press").key}}}
TERMS = agreement(review=REVIEW)
STOPS = agreement(review=REVIEW | {"objection": "stops"})
BEGUN, OVER = NOW + timedelta(days=1), NOW + timedelta(days=1 + DAYS)
LAST = OVER + timedelta(days=5)


def contract(terms: Any = TERMS) -> Any:
    return job(terms, submitted=stamp(NOW), deadline=stamp(LAST))


def candidate(terms: Any = TERMS, count: int = 12) -> dict[str, Any]:
    """Give what the desk made, as it is kept."""
    asked = contract(terms)
    digest = bytes.fromhex(asked.digest())
    shares = {
        name: SealedShares(name, digest, 1, 144, bytes(32), bytes(384), (b"\1" * 768,)).document(identity(name).sign)
        for name in (DESK, "labor")
    }
    return {
        "job": asked.digest(), "attempt": 1, "desk": DESK, "status": "released",
        "columns": ["tanf.region", "count", "suppressed"],
        "rows": exact([{"tanf.region": "north", "count": count, "suppressed": None}]),
        "linkage": {}, "disclosure": {"min_cell": 11}, "leakage": {"analyst": ["the released cells"]}, "timing": {},
        "document": document_json(sign_document("job", asked, "ana", identity("ana"))),
        "agreement": document_json(signed_agreement(terms)),
        "approvals": [document_json(one) for one in complete(asked, terms, expires=stamp(LAST))],
        "shares": {name: one.json_value() for name, one in shares_evidence(shares).items()},
    }  # fmt: skip


def word(name: str, says: str = "accept", value: dict[str, Any] | None = None, **more: Any) -> SignedDocument:
    held = value or candidate()
    said = {"job": held["job"], "candidate": digest_reviewed(held), "signer": name, "says": says, "signed_at": stamp(BEGUN)}
    return sign_document("review", said | more, name, identity(name))


ALL = ("housing", "board", "press")


def result(
    words: list[SignedDocument],
    released: datetime,
    begun: datetime = BEGUN,
    value: dict[str, Any] | None = None,
    **changes: Any,
) -> SignedDocument:
    review = {"begun": stamp(begun), "words": [document_json(one) for one in words]}
    body = (value or candidate()) | {"released": stamp(released), "reviews": review} | changes
    return sign_document("result", Released.read(body, what="result"), DESK, identity(DESK))


def failed(document: SignedDocument, now: datetime = LAST) -> list[str]:
    return [f"{check.name}: {check.detail}" for check in checks(document, now=now)[1] if not check.passed]


def told(document: SignedDocument) -> str:
    return next(check.detail for check in checks(document)[1] if check.name.startswith("reviewers"))


def test_s24_a_result_that_all_accepted_or_whose_days_are_over_holds() -> None:
    accepted = result([word(name) for name in ALL], BEGUN + timedelta(hours=1))
    assert failed(accepted) == []
    assert told(accepted) == "housing accepted, board accepted, press accepted"
    silent = result([word("board", "object", comment="the north is not shown rightly")], OVER)
    assert failed(silent) == []
    assert told(silent) == "housing said nothing in the days given, board objected, press said nothing in the days given"


def lies() -> Iterator[Any]:
    early = BEGUN + timedelta(hours=1)
    most = [word("housing"), word("board")]
    other = candidate(count=13)
    body = candidate() | {"released": stamp(early)}
    yield "without a record", sign_document("result", Released.read(body, what="result"), DESK, identity(DESK)), LAST
    yield "one has not answered", result(most, OVER - timedelta(seconds=1)), LAST
    yield "one objects", result([*most, word("press", "object")], early), LAST
    yield "the days begin before the job", result(most, early, NOW - timedelta(days=DAYS)), LAST
    yield "the days end in the future", result(most, OVER), BEGUN
    yield "a word about other numbers", result([*most, word("press", value=other)], early), LAST
    yield "other numbers than those accepted", result([word(name) for name in ALL], early, value=other), LAST
    yield "a word by another key", result([*most, word_by("press", "eve")], early), LAST
    yield "a word in another's name", result([*most, replace(word("eve"), kind="review")], early), LAST
    yield "one word twice", result([*most, word("board")], early), LAST
    yield "notices added after the review", result([word(name) for name in ALL], early, notices=["all is well"]), LAST


def word_by(name: str, key: str) -> SignedDocument:
    return sign_document("review", json_of(word(name)), name, identity(key))


def json_of(document: SignedDocument) -> dict[str, Any]:
    value: dict[str, Any] = document_json(document)["body"]
    return value


@pytest.mark.parametrize(("document", "now"), [pytest.param(document, now, id=name) for name, document, now in lies()])
def test_s24_a_desk_that_skips_or_forges_a_review_is_found_by_every_reader(document: SignedDocument, now: datetime) -> None:
    found = failed(document, now)
    assert [one for one in found if one.startswith("reviewers saw it before it went out")], found


def test_s24_where_an_objection_stops_a_result_no_waiting_helps() -> None:
    value = candidate(STOPS)
    words = [word("housing", value=value), word("board", "object", value, comment="no"), word("press", value=value)]
    found = failed(result(words, OVER, value=value))
    assert "board objects" in found[0]


def test_s24_limit_that_nobody_answered_is_the_desks_word_alone() -> None:
    """A desk that keeps an objection back, or gave nobody a copy, is not found by a reader; by the reviewer it is, who reads `said nothing`."""
    assert failed(result([], OVER)) == []


class Room:
    """A desk at which a candidate waits."""

    def __init__(self, terms: Any = TERMS) -> None:
        self.storage = MemoryNodeStorage()
        self.clock = FixedClock(BEGUN)
        self.value = candidate(terms)
        self.job = self.value["job"]
        record = KeptJob(self.job, canonical_bytes(self.value["document"]), NOW, state="releasing", attempt=1)
        waits = replace(record, candidate=canonical_bytes(self.value), candidate_attempt=1, awaits="release")
        self.storage.add_job(waits)
        self.reviews = Reviews(DESK, identity(DESK), self.storage, self.clock)
        self.terms = terms

    def record(self) -> KeptJob:
        kept = self.storage.job(self.job)
        assert kept is not None
        return kept

    def code(self, now: datetime) -> str:
        try:
            carry_review(self.record(), self.terms, now)
        except TallyError as error:
            return error.code
        return ""


def test_s24_a_candidate_waits_for_its_copy_then_for_every_word_or_the_days() -> None:
    room = Room()
    assert room.code(LAST) == "job-state", "nobody got a copy"
    copy = room.reviews.begin(room.job)
    assert room.reviews.begin(room.job) == copy
    shown, terms = open_copy(copy)
    assert (shown.candidate, shown.until, terms) == (room.value, stamp(OVER), TERMS)
    room.reviews.add(room.job, [word("housing").encode(), word("board", "object").encode()])
    assert room.code(BEGUN) == "review-missing"
    room.reviews.add(room.job, [word("board").encode(), word("press").encode()])
    assert room.code(BEGUN) == "", "a later word takes the place of an earlier one"
    assert room.code(OVER) == ""
    events = [json.loads(event.entry)["event"] for event in room.storage.events(0, 10)]
    assert events == ["review-begun", "review-words", "review-words"]
    carried = carry_review(room.record(), TERMS, BEGUN)
    assert (
        failed(
            sign_document(
                "result", Released.read(room.value | carried | {"released": stamp(BEGUN)}, what="r"), DESK, identity(DESK)
            )
        )
        == []
    )


@pytest.mark.parametrize(
    "bad", [word("eve"), word("press", value=candidate(count=13)), word_by("press", "eve")], ids=["stranger", "other", "key"]
)
def test_s24_a_word_that_does_not_count_changes_nothing(bad: SignedDocument) -> None:
    room = Room()
    room.reviews.begin(room.job)
    before = room.record()
    with pytest.raises(Refused) as caught:
        room.reviews.add(room.job, [word("board").encode(), bad.encode()])
    assert caught.value.code == "review-invalid"
    assert room.record() == before


def test_s24_a_copy_that_its_desk_did_not_sign_or_that_says_otherwise_is_none() -> None:
    copy = build_copy(candidate(), TERMS, BEGUN)
    sign_by = [("labor", copy), (DESK, copy.model_copy(update={"until": stamp(LAST)}))]
    for name, said in sign_by:
        with pytest.raises(Refused):
            open_copy(sign_document("review-copy", said, name, identity(name)))
    with pytest.raises(Refused):
        open_copy(sign_document("review-copy", copy, DESK, identity("eve")))


def test_s24_a_license_drops_no_reviewer_and_no_day_of_a_sharing_agreement() -> None:
    sharing = ReviewTerms(days=30, by=("board",), objection="stops")
    license_ = ReviewTerms(days=7, by=("labor",), others={"press": Reviewer(key=identity("press").key)})
    both = join_reviews([sharing, None, license_])
    assert both is not None
    assert (both.days, both.reviewers, both.objection) == (30, ("board", "labor", "press"), "stops")
    assert join_reviews([None, None]) is None
    other = ReviewTerms(days=1, others={"press": Reviewer(key=identity("eve").key)})
    with pytest.raises(Invalid):
        join_reviews([license_, other])


@pytest.mark.parametrize(
    "review",
    [
        {"days": 3},
        {"days": 3, "by": ["nobody-known"]},
        {"days": 3, "others": {"labor": {"key": identity("press").key}}},
        {"days": 3, "others": {"press": {"key": identity("labor").key}}},
    ],
)
def test_s24_terms_that_name_nobody_or_somebody_twice_are_refused(review: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        agreement(review=review)


def test_a_record_is_kept_as_it_was() -> None:
    from tallystick.node.storage.job_text import read_record, write_record

    room = Room()
    assert not {"reviews", "review_begun"} & json.loads(write_record(room.record())).keys(), "earlier versions read it"
    room.reviews.begin(room.job)
    room.reviews.add(room.job, [word("board").encode()])
    assert read_record(write_record(room.record()), room.record().version) == room.record()
    assert decode_document(room.record().reviews[0], kind="review") == word("board")
