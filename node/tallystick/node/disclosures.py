"""What a node keeps of requests for one client's fields: those it decided, those of its own staff that it passed on, and revocations.

Rules that every store keeps (tests/contract/test_request_storage.py):

1. A request is seen once. The same digest again is told apart, for ever.
2. What is about to leave is noted before it leaves, in the transaction that looks whether the consent was revoked.
3. Nothing is begun twice, so nothing leaves twice.
4. Every request has as many lines in the log as any other, whatever its outcome: the log's size is told to other agencies.
5. A request that is forgotten leaves its digest, so that rule 1 holds, and nothing else. One that is still open is not forgotten.
6. Forgetting writes one line in the log, whether there was something to forget or not, for the reason of rule 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol

from tallystick.core.canonical import Json

HOUR: Final = timedelta(hours=1)

RequestState = Literal["seen", "begun", "sent", "unsure", "dropped", "passed on", "received"]
"""Of an owner: seen, then begun (it is about to leave), then sent; unsure where the node ended in between, dropped where it ended before.
Of the asker's agency: passed on, then received, as its worker's receipt says."""
RequestOutcome = Literal["", "given", "nothing"]


@dataclass(frozen=True)
class KeptRequest:
    """A request.

    Attributes:
        digest: SHA-256 of the request, 64 hexadecimal digits.
        side: whether this agency owns the records, or asked.
        at: when it was seen.
        worker, role, agency: who asked.
        owner, dataset, purpose, fields: what was asked.
        consent: SHA-256 of the consent.
        person: this agency's own key of the person; "" where there is none, or it was not said.
        state: how far it is.
        outcome: what the answer held.
        reason: why it held nothing, for this agency's own people.
        by: who let it be given: the policy, or a steward.
        receipt: the worker's signed receipt.
        evidence: the signed request and consent (canonical JSON), where something was given.
    """

    digest: str
    side: Literal["owner", "asker"]
    at: datetime
    worker: str
    role: str
    agency: str
    owner: str
    dataset: str
    purpose: str
    fields: tuple[str, ...]
    consent: str
    person: str = ""
    state: RequestState = "seen"
    outcome: RequestOutcome = ""
    reason: str = ""
    by: str = ""
    receipt: bytes = field(repr=False, default=b"")
    evidence: bytes = field(repr=False, default=b"")

    def details(self) -> Mapping[str, Json]:
        """Give what the log says of it: names and codes, never the person."""
        said: dict[str, Json] = {
            "request": self.digest[:16],
            "worker": self.worker,
            "agency": self.agency,
            "owner": self.owner,
            "dataset": self.dataset,
            "purpose": self.purpose,
            "fields": list(self.fields),
        }
        more = {"outcome": self.outcome, "reason": self.reason, "by": self.by}
        return {**said, **{key: text for key, text in more.items() if text}}


@dataclass(frozen=True)
class AnswerPlan:
    """What is about to be answered.

    Attributes:
        digest: the request's.
        person: the agency's own key; "" for nothing.
        reason: why nothing is given; "" where the fields are.
        revocation: under what name the consent would be revoked.
        by: who lets it be given.
        evidence: the signed request and consent, kept where something is given.
    """

    digest: str
    person: str = ""
    reason: str = ""
    revocation: str = ""
    by: str = ""
    evidence: bytes = field(repr=False, default=b"")


@dataclass(frozen=True)
class RequestPace:
    """How many requests were seen in the last hour, with the present one: of the worker, and of the worker's agency."""

    worker: int
    agency: int


class RequestKeeper(Protocol):
    """The part of a node's store that keeps requests. Every method is one transaction."""

    def see_request(self, request: KeptRequest) -> RequestPace | None:
        """Keep a request that comes in, and note it; None for one that was seen before, of which nothing changes."""
        ...

    def begin_answers(self, plans: Sequence[AnswerPlan], now: datetime) -> Mapping[str, RequestOutcome]:
        """Note answers that are about to leave, and give what each may hold; what was begun before is left out.

        A consent that was revoked gives nothing.
        """
        ...

    def end_answers(self, digests: Sequence[str], now: datetime) -> None:
        """Note that answers were handed to the coordinator."""
        ...

    def settle_requests(self, now: datetime) -> int:
        """After a start: of what was begun nobody knows whether it left, and what was only seen is never answered. Gives how many."""
        ...

    def keep_receipt(self, digest: str, receipt: bytes, outcome: RequestOutcome, now: datetime) -> bool:
        """Keep the worker's receipt of a request that is known here; the first one counts. Tells whether this one did."""
        ...

    def keep_revocation(self, name: str, document: bytes, now: datetime) -> bool:
        """Keep a revocation for ever; tell whether it is new."""
        ...

    def forget_requests(self, given_before: datetime, nothing_before: datetime, now: datetime) -> int:
        """Forget the requests that were seen before these moments and are not open; give how many.

        Args:
            given_before: of those that gave something, or of which this agency does not know.
            nothing_before: of those that gave nothing.
            now: the moment.
        """
        ...

    def is_revoked(self, name: str) -> bool:
        """Tell whether a consent was revoked."""
        ...

    def find_requests(self, prefix: str) -> Sequence[KeptRequest]:
        """Give the requests whose digests begin so, at most two."""
        ...

    def list_requests(self, person: str = "", limit: int = 1000) -> Sequence[KeptRequest]:
        """Give requests, the newest first: all, or those about a person by the agency's own key."""
        ...
