"""The life of jobs: what may happen to one, who may make it happen, and what is written down when it does.

Rules that this file enforces:

1. A job exists only if its analyst signed it, under an agreement that is known here and allows it. Its digest is its name: the same job
   again changes nothing.
2. A state changes by the table of `core/job/lifecycle.py` alone, in one transaction with what caused it.
3. A job is visible to its analyst, to the agencies that take part, and to the approvers of its agreement. To others there is none.
4. A lost party begins the next attempt, three at most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from tallystick.coordinator.agreements import AgreementFiles
from tallystick.coordinator.changes import Decide, JobChange, build_moments
from tallystick.coordinator.config import Limits
from tallystick.coordinator.documents import read_document
from tallystick.coordinator.ports import CoordinatorStorage, Spool, StaleRow
from tallystick.coordinator.progress import ProgressBook
from tallystick.coordinator.records import FailureRecord, JobRecord, MomentRecord
from tallystick.coordinator.rows import RowReader
from tallystick.coordinator.visibility import may_see
from tallystick.coordinator.waiting import silent
from tallystick.core.agreement.check import COORDINATOR
from tallystick.core.agreement.model import moment
from tallystick.core.clock import Clock
from tallystick.core.contract import Contract
from tallystick.core.errors import CATALOGUE, Refused
from tallystick.core.failpoint import failpoint
from tallystick.core.job.check import verify_job
from tallystick.core.job.hello import MAX_ATTEMPTS
from tallystick.core.job.lifecycle import JobEvent, JobState, next_state
from tallystick.core.job.model import Job
from tallystick.core.net.status import printable
from tallystick.core.net.tls import CertifiedParty
from tallystick.core.statistics.rulebook import plan_allowed_job

MAX_MESSAGE: Final = 1000
MAX_HINT: Final = 500


class Jobs:
    """See the module's rules. Methods block; callers run them in threads."""

    def __init__(
        self, storage: CoordinatorStorage, spool: Spool, agreements: AgreementFiles, clock: Clock, limits: Limits
    ) -> None:
        """Take where things are kept and what the time is."""
        self._storage = storage
        self._spool = spool
        self._agreements = agreements
        self._clock = clock
        self._limits = limits
        self._log = structlog.get_logger("jobs")
        self._listeners: list[Callable[[JobRecord], None]] = []
        self.progress = ProgressBook(clock)
        self.rows = RowReader(storage)

    def listen(self, changed: Callable[[JobRecord], None]) -> None:
        """Have a function called, in whatever thread, after every change of a job."""
        self._listeners.append(changed)

    def now(self) -> datetime:
        """Give the time by which jobs live."""
        return self._clock.now()

    def submit(self, caller: CertifiedParty, data: bytes) -> JobRecord:
        """Take a job in.

        Raises:
            Refused: `not-allowed` (somebody else's job), `agreement-…`, `job-…`. Invalid: `document-invalid`, `job-invalid`, ….
        """
        document = read_document(data, "job")
        digest = bytes.fromhex(document.digest)
        held = self._storage.job(digest)
        if held is not None and held.analyst == caller.name:
            return held
        now, reference = self._clock.now(), document.read(Job).agreement
        agreement = self._agreements.find(reference.digest, now)
        job = verify_job(document, agreement)
        if job.analyst != caller.name:
            raise Refused("not-allowed", "a job is submitted by its own analyst", hint="use the membership of that analyst")
        plan_allowed_job(job, agreement, digest=reference.digest, now=now)
        unended = [record for record in self._storage.jobs(ended=False) if record.analyst == caller.name]
        if len(unended) >= self._limits.open_jobs:
            raise Refused("too-large", f"{caller.name} has {len(unended)} unended jobs", hint="wait for one, or cancel one")
        record = JobRecord(
            job=digest,
            question=job.question.digest(),
            analyst=job.analyst,
            agreement=agreement.agreement,
            agreement_digest=reference.digest,
            document=data,
            state=JobState.SUBMITTED,
            attempt=1,
            version=1,
            submitted=now.replace(microsecond=0),
            deadline=moment(job.deadline),
        )
        record = self._storage.add_job(record)
        failpoint("job-stored")
        self._log.info("submitted", job=digest.hex(), analyst=job.analyst, agreement=agreement.agreement)
        self._tell(record)
        return record

    def contract(self, record: JobRecord) -> Contract:
        """Give a stored job's contract.

        Raises:
            Refused: `agreement-unknown`: its file is gone.
        """
        return self._agreements.contract(record)

    def visible(self, caller: CertifiedParty, job: bytes) -> tuple[JobRecord, Contract]:
        """Give a job that the caller may see (rule 3).

        Raises:
            Refused: `job-unknown`: there is none, or it is not the caller's to see; which, is not said.
        """
        record = self._storage.job(job)
        if record is not None:
            contract = self.contract(record)
            if may_see(caller, record, contract):
                return record, contract
        raise Refused("job-unknown", "no job of that name is known here, or it is not yours to see", hint="tally job list")

    def of(self, caller: CertifiedParty, *, ended: bool) -> list[JobRecord]:
        """Give the jobs that the caller may see, oldest first. One whose agreement is gone is left out."""
        seen = []
        for record in self._storage.jobs(ended=ended):
            try:
                if may_see(caller, record, self.contract(record)):
                    seen.append(record)
            except Refused:
                self._log.warning("agreement gone", job=record.job.hex(), agreement=record.agreement)
        return seen

    def relaying(self, job: bytes, caller: CertifiedParty) -> tuple[JobRecord, Contract]:
        """Give a job that takes and gives messages now.

        Raises:
            Refused: `job-unknown`, `job-state`.
        """
        record, contract = self.visible(caller, job)
        if record.state not in {JobState.RUNNING, JobState.RELEASING}:
            raise Refused("job-state", f"the job is {record.state}: no messages go now", hint="wait for the next notice")
        return record, contract

    def report_failure(self, caller: CertifiedParty, job: bytes, attempt: int, failure: FailureRecord) -> JobRecord:
        """Take a party's word that it cannot go on: the next attempt where that may help, the end where not.

        Raises:
            Refused: `job-unknown`, `not-allowed`.
        """
        _, contract = self.visible(caller, job)
        if caller.name not in contract.participants:
            raise Refused("not-allowed", "only a party that takes part can fail")
        public = replace(
            failure,
            party=caller.name,
            code=failure.code if failure.code in CATALOGUE else "internal",
            message=printable(failure.message[:MAX_MESSAGE]),
            hint=printable(failure.hint[:MAX_HINT]),
        )

        def decide(record: JobRecord) -> JobChange | None:
            if JobState(record.state).final or attempt != record.attempt:
                return None  # said too late: that attempt is over
            return self._failing(record, public)

        return self.change(job, decide)

    def note(self, job: bytes, what: str, party: str, attempt: int) -> None:
        """Add an entry to a job's timeline, once."""
        self._storage.note_moment(job, MomentRecord(self._clock.now(), what, party, attempt))

    def cancel(self, caller: CertifiedParty, job: bytes) -> JobRecord:
        """End a job that has not ended. Cancelling again changes nothing.

        Raises:
            Refused: `job-unknown`. Invalid: `job-state`: it has ended otherwise.
        """
        self.visible(caller, job)

        def decide(record: JobRecord) -> JobChange | None:
            return None if record.state == JobState.CANCELLED else JobChange(JobEvent.CANCEL, by=caller.name)

        return self.change(job, decide)

    def expire(self) -> None:
        """End every job whose deadline has passed."""
        now = self._clock.now()
        for record in self._storage.jobs(ended=False):
            if record.deadline <= now:
                why = f"the job's deadline has passed{self._describe_wait(record)}"
                reason = FailureRecord(record.attempt, COORDINATOR, "job-expired", why, "submit it again", retry=False)
                self.step(record, JobChange(JobEvent.EXPIRE, failures=(reason,)))

    def give_up(self, seen: JobRecord, failure: FailureRecord) -> JobRecord:
        """Let a job that does not move begin its next attempt, or end (rule 4)."""
        due = (seen.version, seen.attempt)
        return self.change(seen.job, lambda now: self._failing(now, failure) if (now.version, now.attempt) == due else None)

    def _describe_wait(self, record: JobRecord) -> str:
        """Say for whom a job waited, where that is known."""
        try:
            complete = {message.name.ref for message in self._storage.messages(record.job)}
            waited = silent(self.contract(record), record, self._storage.deposits(record.job), complete)
        except Refused:  # its agreement is gone
            return ""
        return f"; it waited for {', '.join(f'{one.party} ({one.for_what})' for one in waited)}"[:MAX_HINT] if waited else ""

    def step(self, seen: JobRecord, change: JobChange) -> JobRecord:
        """Take a step of the driver's, if the job is still in the state and attempt in which it was found due."""
        due = (seen.state, seen.attempt)
        return self.change(seen.job, lambda record: change if (record.state, record.attempt) == due else None)

    def announce(self, record: JobRecord) -> None:
        """Tell the listeners that somebody else changed a job."""
        self._tell(record)

    def _failing(self, record: JobRecord, failure: FailureRecord) -> JobChange:
        """Decide between the next attempt and the end (rule 4)."""
        if not failure.retry or record.state not in {JobState.RUNNING, JobState.RELEASING}:
            return JobChange(JobEvent.FAIL, failures=(failure,))
        if record.attempt < MAX_ATTEMPTS:
            return JobChange(JobEvent.RESTART, failures=(failure,))
        used = FailureRecord(
            record.attempt,
            failure.party,
            "attempts-used",
            f"the job was attempted {MAX_ATTEMPTS} times",
            f"see what kept {failure.party}, then submit the job again",
            retry=False,
        )
        return JobChange(JobEvent.FAIL, failures=(failure, used))

    def change(self, job: bytes, decide: Decide) -> JobRecord:
        """Read, decide, write; again if somebody else wrote in between (rule 2).

        Raises:
            Refused: `job-unknown`; and whatever `decide` does.
        """
        while True:
            before = self._storage.job(job)
            if before is None:
                raise Refused("job-unknown", "no job of that name is known here")
            change = decide(before)
            if change is None:
                return before
            after = self._after(before, change)
            try:
                changed = self._storage.change(
                    before,
                    after,
                    deposits=change.deposits,
                    failures=change.failures,
                    messages=change.messages,
                    moments=build_moments(change, before.attempt, self._clock.now()),
                    lease=change.lease,
                )
            except StaleRow:
                continue
            break
        for failure in change.failures:
            self.progress.counts.add("failures", failure.code)
        for deposit in change.deposits:
            failpoint(f"{deposit.kind}-recorded")
        if change.event is not None:
            failpoint(f"{change.event}-recorded")
        self._clean(before, changed)
        self._tell(changed)
        return changed

    def _after(self, before: JobRecord, change: JobChange) -> JobRecord:
        if change.event is None:
            return before
        state = next_state(JobState(before.state), change.event)
        return replace(
            before,
            state=state,
            attempt=before.attempt + 1 if change.event == JobEvent.RESTART else before.attempt,
            ended=self._clock.now().replace(microsecond=0) if state.final else None,
            result_bytes=change.result_bytes if change.result_bytes is not None else before.result_bytes,
        )

    def _clean(self, before: JobRecord, changed: JobRecord) -> None:
        """Delete what nobody needs any more; what a kill leaves behind here, `sweep` deletes."""
        if changed.state != before.state or changed.attempt != before.attempt:
            self._log.info("state", job=changed.job.hex(), state=changed.state, attempt=changed.attempt)
            self.progress.counts.add("job_changes", changed.state)
        if changed.ended is not None:
            self._spool.drop(changed.job)
            self.progress.forget(changed.job)
            self._agreements.forget(changed.job)
        elif changed.attempt != before.attempt:
            self._spool.drop(changed.job, before=changed.attempt)
            self.progress.forget(changed.job)

    def result(self, caller: CertifiedParty, job: bytes) -> Iterator[bytes]:
        """Give a released result, sealed to its analyst.

        Raises:
            Refused: `job-unknown`, `job-state`: not released, or released so long ago that it is deleted.
        """
        record, _ = self.visible(caller, job)
        if record.state != JobState.RELEASED:
            raise Refused("job-state", f"the job is {record.state}, not released", hint="tally job watch")
        if self._too_old(record):
            raise Refused(
                "job-state", f"results are kept for {self._limits.keep_results_days} days", hint="submit the job again"
            )
        return self._spool.result(job)

    def _too_old(self, record: JobRecord) -> bool:
        return record.ended is not None and record.ended + timedelta(days=self._limits.keep_results_days) <= self._clock.now()

    def sweep(self) -> None:
        """Delete messages of jobs that ended and of attempts that are over (what a kill left behind), and results kept too long."""
        for ended in self._storage.jobs(ended=True):
            if ended.result_bytes is not None and self._too_old(ended):
                self._spool.drop_result(ended.job)
        known = self._spool.list_jobs()  # first: a job that comes meanwhile has a row before it has messages
        unended = {record.job: record for record in self._storage.jobs(ended=False)}
        for job in known:
            record = unended.get(job)
            self._spool.drop(job, before=record.attempt if record is not None else None)

    def _tell(self, record: JobRecord) -> None:
        for changed in self._listeners:
            changed(record)
