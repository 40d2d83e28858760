"""What a node does about a job whenever the coordinator says that it changed.

    submitted, approving   decide, hand in the decision
    running                begin a session, once its approvals are verified; one that this process has no keys of is a new attempt
    releasing              hand on what was stored to be sent
    ended                  drop the session; nothing of it stays

Rules that this file enforces, whatever the coordinator says (S-18, S-37, S-41):

1. A job that ended here stays ended: nothing is made, sent or decided for it any more.
2. Attempts only grow, to three. A word about an earlier attempt, or a later one than there can be, fails the job.
3. Where the desk began to open an attempt, no other attempt of the job has a session at the desk: it releases what it kept, or fails the job.
4. A hello of ours that this node's state does not know of means that the state is an old one, restored: the job fails.
5. Where this agency found that another party broke the protocol, the job has ended here before anybody hears of it: whatever becomes of
   what it tells, it goes into no other attempt.

One job is handled by one task at a time; jobs do not wait for each other.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import structlog

from tallystick.core.errors import Broken, Invalid, NotReady, TallyError
from tallystick.core.failpoint import failpoint
from tallystick.core.job.approval import ReasonClass
from tallystick.core.job.lifecycle import JobState
from tallystick.core.job.model import Question
from tallystick.crypto.statistic import messages as kinds
from tallystick.node.answered import enter_question
from tallystick.node.approvals import Approvals
from tallystick.node.assignment import Assignment
from tallystick.node.changes import Decide, KeptChange, decide_end, decide_job
from tallystick.node.courier import Dropped, remove_kept
from tallystick.node.desk import Desk, DeskAttempt
from tallystick.node.failures import Failures, broke_the_protocol
from tallystick.node.kept_messages import KeptMessages
from tallystick.node.ledger import hold_against_earlier
from tallystick.node.offers import OfferedViews
from tallystick.node.ports import KeptJob
from tallystick.node.seats import JobLocks, Seats
from tallystick.node.session import AttemptSession, Running
from tallystick.node.storage.rules import attempt_opened
from tallystick.node.surroundings import Surroundings
from tallystick.node.troubles import Troubles
from tallystick.node.views import SessionStatus
from tallystick.node.words import find_lie, has_said_hello, state_of
from tallystick.v1.relay_pb2 import Notice
from tallystick.v1.types_pb2 import JobView

ASKS: Final = 16
"""Jobs that are asked after at once: a coordinator takes so many calls of one connection, and a session's come first."""
MOST_SEATS: Final = 64
_LOG: Final = structlog.get_logger("node")


@dataclass
class JobFollower:
    """See the module's table.

    Attributes:
        seats: sessions at once; further jobs wait here, whatever the coordinator begins.
    """

    around: Surroundings
    approvals: Approvals
    desk: Desk
    seats: Seats = field(default_factory=lambda: Seats(MOST_SEATS))
    _running: dict[str, Running] = field(default_factory=dict)
    _locks: JobLocks = field(default_factory=JobLocks)
    _telling: set[asyncio.Task[None]] = field(default_factory=set)
    _offered: OfferedViews = field(default_factory=OfferedViews)
    _asking: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(ASKS))

    def __post_init__(self) -> None:
        around = self.around
        self.failures = Failures(around.agency, around.store, around.coordinator, around.clock, around.counts)
        self.troubles = Troubles(around.agency, around.coordinator)
        self._kept = KeptMessages(around)

    async def sync(self, job: bytes) -> TallyError | None:
        """Ask what a job is at, and do what is due; give what was refused, if anything was.

        Raises:
            NotReady: the coordinator cannot be reached.
            Broken: `disk`: nothing can be written, so nothing is done.
        """
        async with self._locks.hold(job.hex()):
            view = self._offered.take(job)
            if view is None:
                async with self._asking:
                    view = await self.around.coordinator.sync(job)
            if view.job != job:
                raise Broken("protocol-broken", "the coordinator answers about another job than was asked")
            self._offered.note(view)
            try:
                await self._handle(view)
            except (NotReady, Broken):
                raise
            except TallyError as error:
                _LOG.warning("job", job=job.hex()[:12], code=error.code, detail=error.detail)
                return error
            if not self.seats.waits(job.hex()):
                await self.troubles.tell(job, None)
            return None

    def hear(self, notice: Notice) -> None:
        """Keep what came along with a notice, until the job is looked at."""
        self._offered.hear(notice)
        running = self._running.get(notice.job.hex())
        if running is not None:
            running.session.offered.hear(notice.envelopes)

    async def approve(self, digest: str, documents: Sequence[bytes]) -> KeptJob:
        """Say yes on behalf of this agency's people: before the job runs, or before the desk releases.

        The decision is durable when this returns; it is handed in as soon as the coordinator can be reached.

        Raises:
            TallyError: nothing waits for it, or something is missing.
        """
        async with self._locks.hold(digest):
            record = await self._read_kept(digest)
            if record is not None and record.awaits == "release":
                await asyncio.to_thread(self.approvals.check_release, record, documents)
                record = await asyncio.to_thread(self.desk.approve, digest)
            else:
                record = await asyncio.to_thread(self.approvals.approve, digest, documents)
        self._soon(digest)
        return record

    async def refuse(self, digest: str, reason_class: ReasonClass, reason: str, instead: Question | None = None) -> KeptJob:
        """Say no on behalf of this agency's people, and perhaps what would be allowed instead; a session that runs is dropped at once.

        Raises:
            Invalid: `job-unknown`, `job-state`.
        """
        async with self._locks.hold(digest):
            record = await asyncio.to_thread(self.approvals.refuse, digest, reason_class, reason, instead)
            await self._stop(digest)
        self._soon(digest)
        return record

    def sessions(self) -> list[SessionStatus]:
        """Give what this node is at work on."""
        return [running.session.status() for running in list(self._running.values())]

    async def close(self) -> None:
        """Drop all sessions."""
        for task in self._telling:
            task.cancel()
        for digest in list(self._running):
            await self._stop(digest)

    async def list_unended(self) -> list[bytes]:
        """List the jobs that may still change, as far as this node knows, and those whose failure was not heard."""
        jobs = await self.around.store.run(lambda storage: storage.list_unended())
        return [bytes.fromhex(job) for job in {*jobs, *self.failures.unheard()}]

    async def _read_kept(self, digest: str) -> KeptJob | None:
        return await self.around.store.run(lambda storage: storage.job(digest))

    async def _handle(self, view: JobView) -> None:
        digest, state = view.job.hex(), state_of(view)
        kept = await self._read_kept(digest)
        if kept is not None and JobState(kept.state).final:
            await self._stay_ended(kept, view, state)
            return
        if state.final:
            await self._end(digest, state)
            return
        if (lie := find_lie(self.around.agency, kept, view)) is not None:
            await self._stop(digest)
            if not await self.failures.report(digest, view.attempt):
                await self.failures.fail(digest, view.attempt, lie)
            return
        record = kept or await asyncio.to_thread(self.approvals.consider, view.document, digest)
        if record is None:
            return
        if (record.state, record.attempt) != (state, view.attempt):
            record = await self._change(digest, lambda kept: KeptChange(replace(kept, state=str(state), attempt=view.attempt)))
        running = self._running.get(digest)
        if running is not None and running.session.attempt != view.attempt:
            await self._stop(digest)
            running = None
        if state in {JobState.SUBMITTED, JobState.APPROVING} or record.decision == "refuse":
            await self._hand_in(record, view)
        elif running is not None:
            running.session.see(view)
        else:
            await self._go_on(record, view, state)

    async def _go_on(self, record: KeptJob, view: JobView, state: JobState) -> None:
        """Begin a session, or go on after a restart of this process."""
        digest, attempt = record.job, view.attempt
        if await self.failures.report(digest, attempt):
            return
        try:
            contract = await asyncio.to_thread(self.approvals.contract, record.document, digest)
            await asyncio.to_thread(self.approvals.ready, contract, list(view.approvals))
        except TallyError as error:
            await self.failures.fail(digest, attempt, error)
            return
        assignment = Assignment(self.around.agency, contract)
        share, result, opened = await self.around.store.run(
            lambda storage: (storage.share(digest, attempt), storage.result(digest, attempt), storage.opening(digest))
        )
        if share is not None:
            try:
                await self._kept.send(contract, attempt, kinds.SHARES, share, list(view.hellos))
            except NotReady as error:  # of a direct job: there is no key to seal it to
                await self.failures.fail(digest, attempt, error, retry=True)
                return
        if result is not None or (record.candidate is not None and record.candidate_attempt == attempt):
            if record.awaits != "release":
                await self._release(record)
            return
        if opened is not None:  # what was opened was lost, or is of another attempt
            await self.failures.fail(digest, attempt, attempt_opened())
            return
        done = share is not None and self.around.agency != assignment.contract.desk
        if done:
            return
        if share is not None or state != JobState.RUNNING or has_said_hello(self.around.agency, view):
            restarted = NotReady("party-restarted", f"{self.around.agency} restarted, and its keys for this attempt are gone")
            await self.failures.fail(digest, attempt, restarted, retry=True)
            return
        try:
            await self.around.store.run(lambda storage: enter_question(storage, contract))
            assignment = Assignment(self.around.agency, await hold_against_earlier(self.around.store, contract))
        except TallyError as error:
            await self.failures.fail(digest, attempt, error)
            return
        if len(self._running) >= self.seats.most:
            self.seats.wait(digest, view.submitted)
            full = f"{self.around.agency} takes part in {self.seats.most} jobs at once"
            await self.troubles.tell(view.job, NotReady("busy", full, hint="the job begins there when another has ended"))
            return
        self.seats.leave(digest)
        opening = DeskAttempt(self.desk, assignment, attempt, tuple(view.approvals))
        session = AttemptSession(self.around, assignment, view, opening)
        self._running[digest] = Running(session, asyncio.create_task(self._run(session, assignment)))

    async def _run(self, session: AttemptSession, assignment: Assignment) -> None:
        digest = assignment.contract.digest.hex()
        try:
            record = await session.run()
            self._kept.note(digest, session.attempt, kinds.SHARES)
            if record is not None:
                record = await self._read_kept(digest) or record  # its people may have decided since it was stored
                if record.candidate is not None and record.awaits != "release":
                    await self._release(record)
        except (Dropped, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever happened, the others must hear that this agency cannot go on
            lost = isinstance(error, TallyError) and error.code == "party-restarted"  # a killed process's hello came late
            if broke_the_protocol(error):
                with contextlib.suppress(TallyError):  # a full disk must not keep the others waiting
                    await self._end_here(digest, JobState.FAILED)
            await self.failures.fail(digest, session.attempt, error, retry=lost)
        finally:
            self._forget_session(digest, session)

    def _forget_session(self, digest: str, session: AttemptSession) -> None:
        running = self._running.get(digest)
        if running is not None and running.session is session:
            del self._running[digest]
            self.seats.call_next(len(self._running))

    async def _release(self, record: KeptJob) -> None:
        """Seal, store and send the result."""
        contract = await asyncio.to_thread(self.approvals.contract, record.document, record.job)
        sealed = await asyncio.to_thread(self.desk.seal_result, record, contract)
        failpoint("node-before-release")
        await self._kept.send(contract, record.candidate_attempt, kinds.RELEASE, sealed)

    async def _hand_in(self, record: KeptJob, view: JobView) -> None:
        """Hand in what the coordinator does not hold yet of a decision; the agency's own document last."""
        for document in reversed(record.deposits):
            if document not in view.approvals:
                await self.around.coordinator.deposit(view.job, document)

    def _soon(self, digest: str) -> None:
        """Let the coordinator hear of a decision, without making its maker wait."""

        async def tell() -> None:
            with contextlib.suppress(TallyError):  # the next notice tries again
                await self.sync(bytes.fromhex(digest))

        self._spawn(tell())

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _stay_ended(self, kept: KeptJob, view: JobView, state: JobState) -> None:
        """Do nothing more for a job that ended here; say so where the coordinator tells that it goes on (rule 1)."""
        await self._stop(kept.job)
        if state.final:
            self._spawn(self.troubles.confirm_end(kept.job, state))
            self._forget(kept.job)
        if state == kept.state:
            return
        _LOG.warning("ended before", job=kept.job[:12], state=kept.state, told=str(state), attempt=view.attempt)
        if not state.final and not await self.failures.report(kept.job, view.attempt):
            over = Invalid(
                "job-state",
                f"the job ended at {self.around.agency} ({kept.state}) and is not taken up again",
                hint="submit the question again as a new job",
            )
            await self.failures.fail(kept.job, view.attempt, over)

    async def _end(self, digest: str, state: JobState) -> None:
        await self._stop(digest)
        if await self._read_kept(digest) is not None:
            failpoint("node-before-end")
            await self._end_here(digest, state)
            self._spawn(self.troubles.confirm_end(digest, state))
        self._forget(digest)

    def _forget(self, digest: str) -> None:
        """Let go of what this process remembers of a job that ended."""
        self.failures.forget(digest)
        self.troubles.forget(digest)
        self._offered.forget(bytes.fromhex(digest))
        self._kept.forget(digest)

    async def _end_here(self, digest: str, state: JobState) -> None:
        """Note durably that a job ended, unless it has ended already, and remove what was kept to be sent."""
        await asyncio.to_thread(remove_kept, self.around.state, digest)
        await self._change(digest, decide_end(state, self.around.clock.now()))

    async def _change(self, digest: str, decide: Decide) -> KeptJob:
        return await self.around.store.run(lambda storage: decide_job(storage, digest, decide))

    async def _stop(self, digest: str) -> None:
        self.seats.leave(digest)
        running = self._running.pop(digest, None)
        if running is not None:
            self.seats.call_next(len(self._running))
        if running is not None and running.task is not asyncio.current_task():
            running.task.cancel()
            await asyncio.gather(running.task, return_exceptions=True)
