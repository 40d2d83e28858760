"""The owner's part: requests wait for their tick, are decided together, noted, and leave together.

1. Every request that is seen and signed as it must be is answered at a tick: the second whole tick after it came, or the first one after
   the time that a steward has. Which of the two depends on the local policy alone, never on the person or the consent.
2. A batch is decided before its tick, by one thread. If that takes too long the whole batch leaves later.
3. At the tick each answer is noted, in one transaction that looks for revocations; only then anything leaves, in an order drawn at random.
4. What was noted and may have left is never sent again after a restart.

Security: the coordinator sees one letter a request, of one size, at a tick; whether it holds anything shows in neither.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from tallystick.core.clock import Clock
from tallystick.core.consent.asking import RecordAnswer, RecordRequest
from tallystick.core.consent.checking import find_terms
from tallystick.core.consent.deciding import authenticate_request
from tallystick.core.consent.letters import seal_answer
from tallystick.core.documents import SignedDocument, sign_document
from tallystick.core.errors import Invalid, NotReady, TallyError
from tallystick.core.failpoint import failpoint
from tallystick.core.keyfile import IdentityKey
from tallystick.core.net.status import origin
from tallystick.crypto.envelope import check_public_key
from tallystick.crypto.errors import PeerFault
from tallystick.crypto.randomness import SystemRandomness, permutation
from tallystick.node.policy.model import Decision
from tallystick.node.requests.deciding import POLICY, DecidedRequest, PendingRequest, decide_requests
from tallystick.node.requests.office import AT_ONCE, LetterOffice
from tallystick.node.requests.passing import FindAgreement, keep_request
from tallystick.node.requests.people import HeldPeople
from tallystick.node.store import Store

LOOK_SECONDS: Final = 0.05
MOST_WAITING: Final = 20_000
TRIES: Final = 60
TRY_SECONDS: Final = 2.0
_LOG: Final = structlog.get_logger("requests")
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"


@dataclass
class Answering:
    """See the module.

    Attributes:
        agency, identity: this one.
        store, office, clock, people: the node's.
        find: gives an agreement in force, by name and digest.
        judge: the local policy.
    """

    agency: str
    identity: IdentityKey
    store: Store
    office: LetterOffice
    clock: Clock
    people: HeldPeople
    find: FindAgreement
    judge: Callable[[RecordRequest], Decision]
    _pending: list[PendingRequest] = field(default_factory=list)
    _decided: dict[str, DecidedRequest] = field(default_factory=dict)
    _sending: set[asyncio.Task[None]] = field(default_factory=set)

    async def take(self, document: SignedDocument, paper: SignedDocument) -> None:
        """Take a request that came in.

        Raises:
            TallyError: it is not answered at all: nobody of the agreement signed it, it was seen before, or there are too many.
        """
        request = document.read(RecordRequest)
        agreement = await self.find(request.agreement, request.agreement_digest)
        authenticate_request(document, agreement)
        try:
            check_public_key(bytes.fromhex(request.answer_key), owner=request.worker)
        except PeerFault as error:
            raise Invalid("document-invalid", "nothing can be sealed to the key of a request") from error
        if len(self._pending) + len(self._decided) >= MOST_WAITING:
            raise NotReady("busy", "more requests wait than a node keeps")
        kept = keep_request(document, request, self.clock, asks=False)
        pace = await self.store.run(lambda storage: storage.see_request(kept))
        if pace is None:
            raise Invalid("document-invalid", "a request came again")
        failpoint("request-seen")
        terms = find_terms(agreement)
        early = ""
        if pace.worker > terms.rates.worker_per_hour or pace.agency > terms.rates.agency_per_hour:
            early = "busy: more requests in an hour than the agreement allows"
        decision = await asyncio.to_thread(self.judge, request)
        asks = decision == "ask"
        if decision == "never":
            early = early or POLICY
        now = kept.at.timestamp()
        wait = terms.steward_seconds if asks else terms.tick_seconds
        due = (int((now + wait) // terms.tick_seconds) + 1) * terms.tick_seconds
        pending = PendingRequest(document.digest, document, paper, request, agreement, float(due), early, asks)
        self._pending.append(pending)

    async def attend(self) -> None:
        """Decide and answer, for ever."""
        while True:
            await self._decide()
            due = [one for one in self._decided.values() if one.pending.due <= self.clock.now().timestamp()]
            if due:
                try:
                    await self._answer(due)
                except TallyError as error:  # the disk: nothing was noted, so nothing leaves yet
                    _LOG.warning("answers wait", code=error.code)
                    await asyncio.sleep(TRY_SECONDS)
            await asyncio.sleep(LOOK_SECONDS)

    async def close(self) -> None:
        """Give up what is being sent."""
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)

    def waiting(self) -> Sequence[DecidedRequest]:
        """Give the requests that wait for a steward, those alone that would get something."""
        return [one for one in self._decided.values() if one.pending.asks and not one.reason and not one.steward]

    def list_open(self) -> Sequence[DecidedRequest]:
        """Give the requests whose answer has not left, whatever it will hold."""
        return list(self._decided.values())

    def decide(self, prefix: str, *, allow: bool, by: str = "") -> DecidedRequest:
        """Take a steward's decision.

        Args:
            prefix: of the request's digest.
            allow: whether the fields may be told.
            by: the steward's name, which the agency's own log keeps; "" where it is not known.

        Raises:
            Invalid: `job-unknown`: no request, or not one alone, waits under these digits.
        """
        found = [one for one in self.waiting() if one.pending.digest.startswith(prefix)]
        if len(found) != 1:
            raise Invalid("job-unknown", "no request waits under that name", hint="tally node requests")
        decided = replace(found[0], steward="allow" if allow else "deny", by=by)
        self._decided[decided.pending.digest] = decided
        return decided

    async def _decide(self) -> None:
        batch, self._pending = self._pending, []
        if not batch:
            return
        try:
            decided = await asyncio.to_thread(decide_requests, batch, self.people, self.agency, self.clock.now())
        except Exception as error:  # noqa: BLE001  # a fault of ours must not keep the others waiting, nor show in what leaves
            _LOG.warning("requests not decided", error=type(error).__name__, where=origin(error))
            decided = [DecidedRequest(one, "internal: the node failed") for one in batch]
        self._decided.update({one.pending.digest: one for one in decided})

    async def _answer(self, due: Sequence[DecidedRequest]) -> None:
        now = self.clock.now()
        plans = [one.plan(now) for one in due]
        outcomes = await self.store.run(lambda storage: storage.begin_answers(plans, now))
        failpoint("answers-noted")
        for one in due:
            self._decided.pop(one.pending.digest, None)
        going = [one for one in due if one.pending.digest in outcomes]
        letters = await asyncio.to_thread(
            lambda: [self._seal(one, given=outcomes[one.pending.digest] == "given") for one in going]
        )
        order = permutation(SystemRandomness(), len(letters))
        mixed = [(going[at].pending.digest, letters[at]) for at in order.tolist()]
        task = asyncio.create_task(self._send(mixed))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    def _seal(self, decided: DecidedRequest, *, given: bool) -> tuple[str, bytes]:
        request, terms = decided.pending.request, find_terms(decided.pending.agreement)
        tick = datetime.fromtimestamp(decided.pending.due, UTC)
        answer = RecordAnswer(
            request=decided.pending.digest,
            owner=self.agency,
            fields=decided.fields if given else None,
            answered=tick.strftime(_TIME),
            until=(tick + timedelta(seconds=terms.answer_seconds)).strftime(_TIME),
        )
        signed = sign_document("answer", answer, self.agency, self.identity)
        sealed = seal_answer(bytes.fromhex(request.answer_key), decided.pending.digest, signed.encode())
        return f"worker/{request.worker}", sealed

    async def _send(self, answers: Sequence[tuple[str, tuple[str, bytes]]]) -> None:
        """Post a batch, as many letters as fit a call; what was posted is noted at once, and what never was stays noted as begun.

        Args:
            answers: digests of requests, and the letters.
        """
        for start in range(0, len(answers), AT_ONCE):
            some = answers[start : start + AT_ONCE]
            if not await self._post([letter for _, letter in some]):
                return
            failpoint("answers-posted")
            await self._end([digest for digest, _ in some])

    async def _end(self, digests: Sequence[str]) -> None:
        """Note that answers left."""
        now = self.clock.now()
        await self.store.run(lambda storage: storage.end_answers(digests, now))

    async def _post(self, letters: Sequence[tuple[str, bytes]]) -> bool:
        """Post letters, again while the coordinator is away; tell whether they were."""
        for _ in range(TRIES):
            try:
                await self.office.post(letters)
            except NotReady:
                await asyncio.sleep(TRY_SECONDS)
            except TallyError as error:
                _LOG.warning("answers not posted", code=error.code)
                return False
            else:
                return True
        return False
