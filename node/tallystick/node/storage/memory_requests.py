"""Requests and revocations in memory: the part of `MemoryNodeStorage` that implements `RequestKeeper`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from tallystick.node.disclosures import HOUR, AnswerPlan, KeptRequest, RequestOutcome, RequestPace
from tallystick.node.storage.request_rules import (
    BEGUN,
    FORGOTTEN,
    RECEIVED,
    SEEN,
    SENT,
    begin_answer,
    end_answer,
    is_due,
    receive_answer,
    settle_request,
)


class MemoryRequests:
    """Implements `RequestKeeper`; the class that has the log gives it."""

    log: Callable[..., Any]

    def __init__(self) -> None:
        self._requests: dict[str, KeptRequest] = {}
        self._revoked: dict[str, bytes] = {}
        self._forgotten: set[str] = set()

    def see_request(self, request: KeptRequest) -> RequestPace | None:
        """Keep a request that comes in."""
        if request.digest in self._requests or request.digest in self._forgotten:
            return None
        self._put([(request, SEEN[request.side])], request.at)
        recent = [
            one
            for one in self._requests.values()
            if one.side == request.side and one.agency == request.agency and one.at > request.at - HOUR
        ]
        return RequestPace(sum(one.worker == request.worker for one in recent), len(recent))

    def begin_answers(self, plans: Sequence[AnswerPlan], now: datetime) -> Mapping[str, RequestOutcome]:
        """Note answers that are about to leave."""
        begun = [
            begin_answer(self._requests.get(plan.digest), plan, revoked=plan.revocation in self._revoked) for plan in plans
        ]
        self._put([(one, BEGUN) for one in begun if one is not None], now)
        return {one.digest: one.outcome for one in begun if one is not None}

    def end_answers(self, digests: Sequence[str], now: datetime) -> None:
        """Note that answers were handed over."""
        ended = [end_answer(self._requests.get(digest)) for digest in digests]
        self._put([(one, SENT) for one in ended if one is not None], now)

    def settle_requests(self, now: datetime) -> int:
        """Settle what an ended process left."""
        settled = [settle_request(one) for one in sorted(self._requests.values(), key=lambda one: (one.at, one.digest))]
        found = [one for one in settled if one is not None]
        self._put(found, now)
        return len(found)

    def keep_receipt(self, digest: str, receipt: bytes, outcome: RequestOutcome, now: datetime) -> bool:
        """Keep a receipt."""
        kept = receive_answer(self._requests.get(digest), receipt, outcome)
        self._put([] if kept is None else [(kept, RECEIVED)], now)
        return kept is not None

    def keep_revocation(self, name: str, document: bytes, now: datetime) -> bool:
        """Keep a revocation."""
        if name in self._revoked:
            return False
        self._revoked[name] = document
        self.log("consent-revoked", now, revocation=name[:16])
        return True

    def forget_requests(self, given_before: datetime, nothing_before: datetime, now: datetime) -> int:
        """Forget old requests."""
        due = [digest for digest, one in self._requests.items() if is_due(one, given_before, nothing_before)]
        self.log(FORGOTTEN, now, requests=len(due))
        for digest in due:
            del self._requests[digest]
        self._forgotten.update(due)
        return len(due)

    def is_revoked(self, name: str) -> bool:
        """Tell whether a consent was revoked."""
        return name in self._revoked

    def find_requests(self, prefix: str) -> Sequence[KeptRequest]:
        """Give the requests whose digests begin so, at most two."""
        return [self._requests[digest] for digest in sorted(self._requests) if digest.startswith(prefix)][:2]

    def list_requests(self, person: str = "", limit: int = 1000) -> Sequence[KeptRequest]:
        """Give requests, the newest first."""
        found = [one for one in self._requests.values() if person in ("", one.person)]
        return sorted(sorted(found, key=lambda one: one.digest), key=lambda one: one.at, reverse=True)[:limit]

    def _put(self, requests: Iterable[tuple[KeptRequest, str]], now: datetime) -> None:
        for one, event in requests:
            self._requests[one.digest] = one
            self.log(event, now, **one.details())
