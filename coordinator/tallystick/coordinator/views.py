"""What a caller and the operator see of a job: frozen dataclasses, built from rows by pure functions; `Views` reads the rows.

`server/convert.py` translates `JobView` to the wire; the command line prints `JobStatus`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from tallystick.coordinator.admission import Admission, Place
from tallystick.coordinator.ports import CoordinatorStorage
from tallystick.coordinator.progress import PhaseTime, ProgressBook, Reported, Trouble
from tallystick.coordinator.records import FOREVER, FailureRecord, JobRecord, MessageRecord, MomentRecord
from tallystick.coordinator.rows import JobRows, RowReader
from tallystick.coordinator.waiting import APPROVAL, HELLO, Silent, phase_of, silent
from tallystick.core.agreement.check import COORDINATOR
from tallystick.core.contract import Contract
from tallystick.core.job.lifecycle import JobState, Phase
from tallystick.core.net.tls import CertifiedParty


@dataclass(frozen=True)
class Waiting:
    """A party that is waited for.

    Attributes:
        for_what: `approval`, `hello`, a round; `turn` of the coordinator, where the job waits until fewer run; `work` of a party that
            nobody waits for and that something keeps.
        connected: whether it is, now.
        code, message, hint: what keeps it, and what would help; empty where nothing is known to.
        since: since when it is kept, or nothing of a running job has moved; None where neither is so.
    """

    party: str
    for_what: str
    connected: bool
    code: str = ""
    message: str = ""
    hint: str = ""
    since: datetime | None = None


@dataclass(frozen=True)
class JobCondition:
    """What is known of a job beside its rows: its place among those that wait, what keeps parties, since when nothing moved, and its work."""

    place: Place | None = None
    troubles: Mapping[str, Trouble] = field(default_factory=dict)
    still: datetime | None = None
    phases: tuple[PhaseTime, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    work: tuple[Reported, ...] = ()
    now: datetime | None = None


TURN: Final = "turn"
WORK: Final = "work"
STILL: Final = ("stalled", "nothing of the job has moved", "see its log, and its connection to the coordinator")


@dataclass(frozen=True)
class JobView:
    """All that one caller may know of one job.

    Attributes:
        job: its digest, 32 bytes.
        phase: None unless it runs or releases.
        document: the job as its analyst signed it.
        approvals: signed, of every party.
        hellos: of this attempt; for agencies alone.
        inbox: complete messages of this attempt that are addressed to the caller; for agencies alone.
        progress: the last report of every party in every phase.
        failures: why it ended without a result, or an attempt did.
        submitted, ended: UTC; None for not yet.
        place: among the jobs that wait for their turn; None where it does not.
        timeline: what happened, oldest first; not for agencies, who would hear all of it again with each message.
    """

    job: bytes
    version: int
    state: JobState
    attempt: int
    phase: Phase | None
    document: bytes = field(repr=False)
    approvals: tuple[bytes, ...] = field(repr=False)
    hellos: tuple[bytes, ...] = field(repr=False)
    inbox: tuple[MessageRecord, ...]
    progress: tuple[Reported, ...]
    failures: tuple[FailureRecord, ...]
    waiting: tuple[Waiting, ...]
    submitted: datetime
    ended: datetime | None
    place: Place | None = None
    timeline: tuple[MomentRecord, ...] = ()


def build_job_view(
    caller: CertifiedParty,
    record: JobRecord,
    contract: Contract,
    rows: JobRows,
    progress: Sequence[Reported],
    connected: Collection[str],
    condition: JobCondition | None = None,
    moments: tuple[MomentRecord, ...] = (),
) -> JobView:
    """Build one job as a caller who may see it sees it.

    Args:
        caller: whose certificate it is; hellos and inbox go to agencies alone.
        record: of the job.
        contract: its parties and messages.
        rows: what the store holds of it.
        progress: as `ProgressBook.of` gives it.
        connected: parties that are connected now.
        condition: what is known beside the rows.
        moments: the timeline that is shown.
    """
    condition = condition or JobCondition()
    complete = rows.held.keys()
    agency = caller.role == "agency"
    return JobView(
        job=record.job,
        version=record.version,
        state=JobState(record.state),
        attempt=record.attempt,
        phase=phase_of(contract, JobState(record.state), complete),
        document=record.document,
        approvals=tuple(d.document for d in rows.deposits if d.kind == APPROVAL and d.attempt == FOREVER),
        hellos=tuple(d.document for d in rows.deposits if agency and d.kind == HELLO and d.attempt == record.attempt),
        inbox=tuple(message for message in rows.messages if agency and message.name.ref.receiver == caller.name),
        progress=tuple(progress),
        failures=tuple(rows.failures),
        waiting=tell_waiting(
            silent(contract, record, rows.deposits, complete, condition.now), condition, lambda party: party in connected
        ),
        submitted=record.submitted,
        ended=record.ended,
        place=condition.place,
        timeline=moments,
    )


def build_timeline(record: JobRecord, moments: Sequence[MomentRecord]) -> tuple[MomentRecord, ...]:
    """Build a job's timeline: its submission, and what was noted since."""
    return (MomentRecord(record.submitted, "submit", record.analyst, 1), *moments)


def tell_waiting(waited: Sequence[Silent], condition: JobCondition, is_connected: Callable[[str], bool]) -> tuple[Waiting, ...]:
    """Say who is waited for and what keeps them; also who is kept though nobody waits for them."""
    told = []
    for one in waited:
        here = one.party == COORDINATOR or is_connected(one.party)
        trouble = condition.troubles.get(one.party)
        if trouble is not None:
            told.append(Waiting(one.party, one.for_what, here, trouble.code, trouble.message, trouble.hint, trouble.since))
        elif condition.still is not None:
            told.append(Waiting(one.party, one.for_what, here, *STILL, since=condition.still))
        else:
            told.append(Waiting(one.party, one.for_what, here))
    if condition.place is not None and not told:
        words = f"{condition.place.place} of {condition.place.waiting} jobs that wait until fewer run"
        told.append(Waiting(COORDINATOR, TURN, connected=True, message=words))
    named = {one.party for one in waited}
    for party, trouble in sorted(condition.troubles.items()):
        if party not in named:
            here = party == COORDINATOR or is_connected(party)
            told.append(Waiting(party, WORK, here, trouble.code, trouble.message, trouble.hint, trouble.since))
    return tuple(told)


@dataclass(frozen=True)
class JobStatus:
    """A job as the coordinator's operator sees it.

    Attributes:
        job: its digest, 32 bytes.
        phase: None unless it runs or releases.
        waiting: who is waited for; the coordinator itself, for an error's code, where the agreement's file is gone.
        place: among the jobs that wait for their turn.
        condition: what is known beside the rows.
        timeline: what happened, oldest first.
        bytes: of this attempt's messages.
        submitted, ended: UTC; None for not yet.
    """

    job: bytes
    agreement: str
    analyst: str
    state: JobState
    attempt: int
    phase: Phase | None
    submitted: datetime
    ended: datetime | None
    waiting: tuple[Waiting, ...]
    failures: tuple[FailureRecord, ...]
    place: Place | None = None
    condition: JobCondition = field(default_factory=JobCondition)
    timeline: tuple[MomentRecord, ...] = ()
    bytes: int = 0

    def json_value(self) -> dict[str, Any]:
        """Give it as a JSON value; moments in RFC 3339."""
        return {
            "job": self.job.hex(),
            "agreement": self.agreement,
            "analyst": self.analyst,
            "state": str(self.state),
            "attempt": self.attempt,
            "phase": str(self.phase or ""),
            "submitted": write_moment(self.submitted),
            "ended": None if self.ended is None else write_moment(self.ended),
            "waiting": [write_waiting(one) for one in self.waiting],
            "place": None if self.place is None else self.place.place,
            "phases": [
                {"attempt": one.attempt, "phase": one.phase, "since": write_moment(one.began)} for one in self.condition.phases
            ],
            "timeline": [
                {"at": write_moment(one.at), "what": one.what, "party": one.party, "attempt": one.attempt, "code": one.code}
                for one in self.timeline
            ],
            "rows": dict(self.condition.sizes),
            "bytes": self.bytes,
            "work": [
                {"party": one.party, "phase": one.phase, "done": one.done, "total": one.total, "heard": write_moment(one.heard)}
                for one in self.condition.work
            ],
            "failures": [
                {"party": one.party, "code": one.code, "message": one.message, "attempt": one.attempt} for one in self.failures
            ],
        }


def build_job_status(
    record: JobRecord,
    contract: Contract | str,
    rows: JobRows,
    is_connected: Callable[[str], bool],
    condition: JobCondition | None = None,
    moments: tuple[MomentRecord, ...] = (),
) -> JobStatus:
    """Build one job as the operator sees it.

    Args:
        record: of the job.
        contract: its parties and messages; or the code of the error for which there is none.
        rows: what the store holds of it.
        is_connected: tells whether a party is connected.
        condition: what is known beside the rows.
        moments: the timeline.
    """
    condition = condition or JobCondition()
    phase: Phase | None = None
    waiting: tuple[Waiting, ...] = (Waiting("coordinator", contract, connected=True),) if isinstance(contract, str) else ()
    if not isinstance(contract, str):
        complete = rows.held.keys()
        phase = phase_of(contract, JobState(record.state), complete)
        waiting = tell_waiting(silent(contract, record, rows.deposits, complete, condition.now), condition, is_connected)
    return JobStatus(
        job=record.job,
        agreement=record.agreement,
        analyst=record.analyst,
        state=JobState(record.state),
        attempt=record.attempt,
        phase=phase,
        submitted=record.submitted,
        ended=record.ended,
        waiting=waiting,
        failures=tuple(rows.failures),
        place=condition.place,
        condition=condition,
        timeline=moments,
        bytes=rows.bytes,
    )


class Views:
    """Reads what the store holds of a job, and builds views of it."""

    def __init__(self, storage: CoordinatorStorage, rows: RowReader, progress: ProgressBook, admission: Admission) -> None:
        """Take where timelines, rows, reports and places are."""
        self._storage = storage
        self._rows = rows
        self._progress = progress
        self._admission = admission

    def of(self, caller: CertifiedParty, record: JobRecord, contract: Contract, connected: Collection[str]) -> JobView:
        """Show a job to a caller who may see it."""
        progress, condition = self._progress.of(record.job), self._condition(record.job)
        moments = () if caller.role == "agency" else self._timeline(record)
        return build_job_view(caller, record, contract, self._rows.of(record), progress, connected, condition, moments)

    def status(self, record: JobRecord, contract: Contract | str, is_connected: Callable[[str], bool]) -> JobStatus:
        """Show a job to the operator; as `build_job_status`."""
        rows, condition = self._rows.of(record), self._condition(record.job)
        return build_job_status(record, contract, rows, is_connected, condition, self._timeline(record))

    def _timeline(self, record: JobRecord) -> tuple[MomentRecord, ...]:
        return build_timeline(record, self._storage.moments(record.job))

    def _condition(self, job: bytes) -> JobCondition:
        book = self._progress
        return JobCondition(
            self._admission.place(job),
            book.troubles(job),
            book.still(job),
            book.phases(job),
            book.sizes(job),
            book.of(job),
            book.now(),
        )


def write_waiting(one: Waiting) -> dict[str, Any]:
    """Give who is waited for as a JSON value."""
    told: dict[str, Any] = {"party": one.party, "for": one.for_what, "connected": one.connected}
    if one.code or one.message:
        told |= {"code": one.code, "message": one.message, "hint": one.hint}
    return told | ({"since": write_moment(one.since)} if one.since is not None else {})


def write_moment(moment: datetime) -> str:
    """Write a moment in RFC 3339, UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
