"""Requests as a node's threads reach them: the part of `Store.blocking` that implements `RequestKeeper`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from tallystick.node.disclosures import AnswerPlan, KeptRequest, RequestOutcome, RequestPace


class WaitingRequests:
    """Each method waits for its turn in the store's thread, and its end."""

    _call: Callable[[Callable[[Any], Any]], Any]

    def see_request(self, request: KeptRequest) -> RequestPace | None:
        """Keep a request that comes in."""
        found: RequestPace | None = self._call(lambda storage: storage.see_request(request))
        return found

    def begin_answers(self, plans: Sequence[AnswerPlan], now: datetime) -> Mapping[str, RequestOutcome]:
        """Note answers that are about to leave."""
        found: Mapping[str, RequestOutcome] = self._call(lambda storage: storage.begin_answers(plans, now))
        return found

    def end_answers(self, digests: Sequence[str], now: datetime) -> None:
        """Note that answers were handed over."""
        self._call(lambda storage: storage.end_answers(digests, now))

    def settle_requests(self, now: datetime) -> int:
        """Settle what an ended process left."""
        return int(self._call(lambda storage: storage.settle_requests(now)))

    def keep_receipt(self, digest: str, receipt: bytes, outcome: RequestOutcome, now: datetime) -> bool:
        """Keep a receipt."""
        return bool(self._call(lambda storage: storage.keep_receipt(digest, receipt, outcome, now)))

    def keep_revocation(self, name: str, document: bytes, now: datetime) -> bool:
        """Keep a revocation."""
        return bool(self._call(lambda storage: storage.keep_revocation(name, document, now)))

    def forget_requests(self, given_before: datetime, nothing_before: datetime, now: datetime) -> int:
        """Forget old requests."""
        return int(self._call(lambda storage: storage.forget_requests(given_before, nothing_before, now)))

    def is_revoked(self, name: str) -> bool:
        """Tell whether a consent was revoked."""
        return bool(self._call(lambda storage: storage.is_revoked(name)))

    def find_requests(self, prefix: str) -> Sequence[KeptRequest]:
        """Give the requests whose digests begin so."""
        found: Sequence[KeptRequest] = self._call(lambda storage: storage.find_requests(prefix))
        return found

    def list_requests(self, person: str = "", limit: int = 1000) -> Sequence[KeptRequest]:
        """Give requests, the newest first."""
        found: Sequence[KeptRequest] = self._call(lambda storage: storage.list_requests(person, limit))
        return found
