"""What a caller and the operator see of a job: frozen dataclasses, built from rows by pure functions; `Views` reads the rows.

`server/convert.py` translates `JobView` to the wire; the command line prints `JobStatus`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tallystick.coordinator.ports import CoordinatorStorage
from tallystick.coordinator.progress import ProgressBook, Reported
from tallystick.coordinator.records import FOREVER, Deposit, FailureRecord, JobRecord, MessageRecord
from tallystick.coordinator.waiting import APPROVAL, HELLO, phase_of, silent
from tallystick.core.contract import Contract
from tallystick.core.job.lifecycle import JobState, Phase
from tallystick.core.net.tls import CertifiedParty


@dataclass(frozen=True)
class Waiting:
    """A party that is waited for, what for (`approval`, `hello`, a round), and whether it is connected."""

    party: str
    for_what: str
    connected: bool


@dataclass(frozen=True)
class JobRows:
    """What the store holds of one job, beside the job itself."""

    deposits: Sequence[Deposit]
    messages: Sequence[MessageRecord]
    failures: Sequence[FailureRecord]


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


def build_job_view(
    caller: CertifiedParty,
    record: JobRecord,
    contract: Contract,
    rows: JobRows,
    progress: Sequence[Reported],
    connected: Collection[str],
) -> JobView:
    """Build one job as a caller who may see it sees it.

    Args:
        caller: whose certificate it is; hellos and inbox go to agencies alone.
        record: of the job.
        contract: its parties and messages.
        rows: what the store holds of it.
        progress: as `ProgressBook.of` gives it.
        connected: parties that are connected now.
    """
    messages = [one for one in rows.messages if one.name.attempt == record.attempt]
    complete = {message.name.ref for message in messages}
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
        inbox=tuple(message for message in messages if agency and message.name.ref.receiver == caller.name),
        progress=tuple(progress),
        failures=tuple(rows.failures),
        waiting=tuple(
            Waiting(one.party, one.for_what, one.party in connected)
            for one in silent(contract, record, rows.deposits, complete)
        ),
        submitted=record.submitted,
        ended=record.ended,
    )


@dataclass(frozen=True)
class JobStatus:
    """A job as the coordinator's operator sees it.

    Attributes:
        job: its digest, 32 bytes.
        phase: None unless it runs or releases.
        waiting: who is waited for; the coordinator itself, for an error's code, where the agreement's file is gone.
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
            "waiting": [{"party": one.party, "for": one.for_what, "connected": one.connected} for one in self.waiting],
            "failures": [
                {"party": one.party, "code": one.code, "message": one.message, "attempt": one.attempt} for one in self.failures
            ],
        }


def build_job_status(
    record: JobRecord, contract: Contract | str, rows: JobRows, is_connected: Callable[[str], bool]
) -> JobStatus:
    """Build one job as the operator sees it.

    Args:
        record: of the job.
        contract: its parties and messages; or the code of the error for which there is none.
        rows: what the store holds of it.
        is_connected: tells whether a party is connected.
    """
    phase: Phase | None = None
    waiting: tuple[Waiting, ...] = (Waiting("coordinator", contract, connected=True),) if isinstance(contract, str) else ()
    if not isinstance(contract, str):
        complete = {message.name.ref for message in rows.messages}
        phase = phase_of(contract, JobState(record.state), complete)
        waited = silent(contract, record, rows.deposits, complete)
        waiting = tuple(Waiting(one.party, one.for_what, is_connected(one.party)) for one in waited)
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
    )


class Views:
    """Reads what the store holds of a job, and builds views of it."""

    def __init__(self, storage: CoordinatorStorage, progress: ProgressBook) -> None:
        """Take where rows and reports are."""
        self._storage = storage
        self._progress = progress

    def of(self, caller: CertifiedParty, record: JobRecord, contract: Contract, connected: Collection[str]) -> JobView:
        """Show a job to a caller who may see it."""
        progress = self._progress.of(record.job)
        return build_job_view(caller, record, contract, self._rows(record), progress, connected)

    def status(self, record: JobRecord, contract: Contract | str, is_connected: Callable[[str], bool]) -> JobStatus:
        """Show a job to the operator; as `build_job_status`."""
        return build_job_status(record, contract, self._rows(record), is_connected)

    def _rows(self, record: JobRecord) -> JobRows:
        storage, job = self._storage, record.job
        return JobRows(storage.deposits(job), storage.messages(job), storage.failures(job))


def write_moment(moment: datetime) -> str:
    """Write a moment in RFC 3339, UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
