"""The owner's decision about a batch of requests: papers, rates, the local policy, the person, and only then the fields.

Every request of a batch goes the same way, and all of them leave together, so that how long one took is not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal

from tallystick.core.agreement.model import Agreement
from tallystick.core.agreement.records import RecordOffer
from tallystick.core.consent.asking import VERIFY, GivenField, RecordRequest
from tallystick.core.consent.checking import find_terms, is_in_force
from tallystick.core.consent.deciding import PapersChecked, check_papers, list_notices
from tallystick.core.consent.letters import LETTER_TEXT
from tallystick.core.consent.model import Consent
from tallystick.core.consent.revoking import name_revocation
from tallystick.core.documents import SignedDocument
from tallystick.core.errors import TallyError
from tallystick.node.disclosures import AnswerPlan
from tallystick.node.requests.people import HeldPeople, choose_rows, is_protected
from tallystick.records.clients import ClientRows

MOST_BYTES: Final = LETTER_TEXT - 4096
"""Of an answer's fields: its signature and the rest fit beside them."""
MOST_ROWS: Final = 50
POLICY: Final = "policy-refuses: the agency's policy does not allow it"


@dataclass(frozen=True)
class PendingRequest:
    """A request that was seen and is not answered yet.

    Attributes:
        digest: SHA-256 of the request.
        document, paper: the request and the consent, as they came.
        request: the request.
        agreement: under which it is.
        due: the moment of its tick, in seconds since 1970.
        early: why it gets nothing whatever its papers say: a rate, or the policy.
        asks: whether a steward is asked first.
    """

    digest: str
    document: SignedDocument = field(repr=False)
    paper: SignedDocument = field(repr=False)
    request: RecordRequest = field(repr=False)
    agreement: Agreement = field(repr=False)
    due: float
    early: str = ""
    asks: bool = False


@dataclass(frozen=True)
class DecidedRequest:
    """What a request would get.

    Attributes:
        pending: the request.
        reason: why nothing; "" where there are fields.
        fields: what is given.
        person: the agency's own key.
        papers: what was checked, where the papers are good.
        steward: what a steward said.
        by: the steward's name; "" where it is not known.
    """

    pending: PendingRequest
    reason: str = ""
    fields: dict[str, GivenField] = field(repr=False, default_factory=dict)
    person: str = field(repr=False, default="")
    papers: PapersChecked | None = field(repr=False, default=None)
    steward: Literal["", "allow", "deny"] = ""
    by: str = ""

    def plan(self, now: datetime) -> AnswerPlan:
        """Give what leaves at the tick: the consent must still be in force, and a steward who is asked must have said yes."""
        reason = self.reason
        if not reason and self.papers is not None and not is_in_force(self.papers.consent, now):
            reason = "consent-invalid: the consent is not in force"
        if not reason and self.pending.asks and self.steward != "allow":
            reason = (
                f"steward-refuses: {self.by or 'no steward'} {'did not allow' if self.by else 'allowed'} it"
                if self.steward == "deny"
                else "approval-missing: no steward decided in time"
            )
        name = "" if self.papers is None else name_revocation(self.papers.consent.revoking)
        by = "" if reason else (f"steward {self.by}".strip() if self.pending.asks else "policy")
        papers = b'{"consent":%b,"request":%b}' % (self.pending.paper.encode(), self.pending.document.encode())
        return AnswerPlan(self.pending.digest, self.person, reason, name, by, papers)


def decide_requests(batch: Sequence[PendingRequest], people: HeldPeople, agency: str, now: datetime) -> list[DecidedRequest]:
    """Decide a batch. Blocks; nothing leaves by it.

    Args:
        batch: in any order.
        people: the agency's.
        agency: this one.
        now: UTC.
    """
    decided = [_check(one, agency, now) for one in batch]
    groups: dict[tuple[str, int], list[int]] = {}
    offers: list[RecordOffer] = []
    for at, one in enumerate(decided):
        offer = _find_offer(one)
        if offer is not None:
            place = next((n for n, other in enumerate(offers) if other is offer), len(offers))
            offers[place:] = offers[place:] or [offer]
            groups.setdefault((one.pending.request.agreement_digest, place), []).append(at)
    for (_, place), members in groups.items():
        asked = [_read_person(decided[at]) for at in members]
        try:
            found = people.look_up(offers[place], decided[members[0]].pending.agreement, asked)
            problem = "no record: nobody, or not exactly one person, is found"
        except TallyError as error:
            found, problem = [None] * len(members), f"{error.code}: the records cannot be read"
        for at, rows in zip(members, found, strict=True):
            if not decided[at].reason:
                decided[at] = replace(decided[at], reason=problem) if rows is None else _fill(decided[at], rows)
    return decided


def _find_offer(decided: DecidedRequest) -> RecordOffer | None:
    """Give the offer by which a request is looked up; one that gets nothing is looked up all the same, so that the node is as busy with it."""
    if decided.papers is not None:
        return decided.papers.offer
    return next(iter(find_terms(decided.pending.agreement).offers_of(decided.pending.request.dataset)), None)


def _read_person(decided: DecidedRequest) -> dict[str, str]:
    """Give the person of a consent; nobody where that cannot be read."""
    try:
        consent = decided.pending.paper.read(Consent) if decided.papers is None else decided.papers.consent
    except TallyError:
        return {}
    return {str(name): text for name, text in consent.person.items()}


def _check(pending: PendingRequest, agency: str, now: datetime) -> DecidedRequest:
    try:
        papers = check_papers(
            pending.document, pending.paper, pending.agreement, pending.request.agreement_digest, owner=agency, now=now
        )
    except TallyError as error:
        return DecidedRequest(pending, f"{error.code}: {error.message}")
    return DecidedRequest(pending, pending.early, papers=papers)


def _fill(decided: DecidedRequest, found: ClientRows) -> DecidedRequest:
    """Give a request its fields, or the reason why it gets none."""
    assert decided.papers is not None  # what was looked up had good papers
    offer, request = decided.papers.offer, decided.papers.request
    if is_protected(offer, found):
        return replace(decided, reason="blocked: the person is protected", person=found.key)
    given: dict[str, GivenField] = {}
    for name in request.fields:
        what = offer.fields[name]
        rows, day = choose_rows(what.columns, what.as_of, found)
        given[name] = GivenField(
            rows=tuple(dict(row) for row in rows[:MOST_ROWS]),
            source=offer.dataset,
            as_of=day,
            notices=list_notices(what, (VERIFY,)),
        )
    if sum(len(one.canonical()) for one in given.values()) > MOST_BYTES:
        return replace(decided, reason="document-too-large: the fields do not fit an answer", person=found.key)
    return replace(decided, fields=given, person=found.key)
