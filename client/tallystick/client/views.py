"""A job as its analyst sees it: plain values, so that nothing above this needs the wire's types."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from tallystick.core.canonical import parse_canonical
from tallystick.core.documents import decode_document
from tallystick.core.errors import TallyError
from tallystick.core.ids import short
from tallystick.core.job.approval import Approval
from tallystick.core.job.lifecycle import FINAL
from tallystick.core.job.model import Job
from tallystick.core.net.status import printable
from tallystick.v1 import types_pb2

ENDINGS: Final = frozenset({"release", "refuse", "cancel", "fail", "expire"})
"""Events after which a job is over."""


@dataclass(frozen=True)
class Work:
    """Counted work of one party in one phase; `heard` is seconds since the epoch."""

    party: str
    phase: str
    done: int
    total: int
    heard: int


@dataclass(frozen=True)
class EndReason:
    """Why a job ended without a result, or an attempt did."""

    party: str
    code: str
    message: str
    hint: str


@dataclass(frozen=True)
class Wait:
    """A party that is waited for, what for, and what keeps it (`code`, `message`, `hint`), since when (seconds since the epoch, or 0)."""

    party: str
    for_what: str
    connected: bool
    code: str = ""
    message: str = ""
    hint: str = ""
    since: int = 0


@dataclass(frozen=True)
class TimelineStep:
    """An entry of a job's timeline: when (seconds since the epoch), what, and who did it."""

    at: int
    what: str
    party: str
    attempt: int
    code: str


@dataclass(frozen=True)
class JobProgress:
    """A job at one moment.

    Attributes:
        job: its digest.
        title: of its question, or "".
        analyst: who asked.
        state: of docs/state-machines.md.
        attempt, phase: of a running job.
        approved: who has signed a yes; who refused stands in `reasons`.
        work, waiting, reasons: as their classes say.
        submitted, ended: seconds since the epoch; 0 for not yet.
        version: grows with every change.
        place, queue: its place among the jobs that wait for their turn, and how many these are; 0 where it does not wait.
        timeline: what happened, oldest first; it stays.
    """

    job: str
    title: str
    analyst: str
    state: str
    attempt: int
    phase: str
    approved: tuple[str, ...]
    work: tuple[Work, ...]
    waiting: tuple[Wait, ...]
    reasons: tuple[EndReason, ...]
    submitted: int
    ended: int
    version: int
    place: int = 0
    queue: int = 0
    timeline: tuple[TimelineStep, ...] = ()

    @property
    def ended_by(self) -> str:
        """Who ended the job; "" while nobody has."""
        ends = [step.party for step in self.timeline if step.what in ENDINGS]
        return ends[-1] if self.over and ends else ""

    @property
    def heard_by(self) -> tuple[str, ...]:
        """The agencies that said that they know how it ended and do nothing more for it."""
        return tuple(sorted(step.party for step in self.timeline if step.what == "heard"))

    @property
    def name(self) -> str:
        """The job's short name."""
        return short(self.job)

    @property
    def over(self) -> bool:
        """Whether nothing can happen to it any more."""
        return self.state in FINAL

    def json_value(self) -> dict[str, Any]:
        """Give it as a JSON value: moments in RFC 3339, and null for what there is not."""
        value: dict[str, Any] = _write_times(asdict(self))
        return value


_TIMES: Final = frozenset({"submitted", "ended", "heard", "since", "at"})
"""Keys whose numbers are seconds since the epoch."""
_NOTHING: Final = frozenset({"title", "phase", "place", "queue", "attempt", "code", "message", "hint"})
"""Keys whose 0 or "" says that there is none."""


def _write_times(value: Any, key: str = "") -> Any:
    """Write a view's values as programs read them."""
    match value:
        case dict():
            return {name: _write_times(one, name) for name, one in value.items()}
        case list() | tuple():
            return [_write_times(one) for one in value]
        case int() if key in _TIMES:
            return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if value else None
        case _:
            return None if key in _NOTHING and not value else value


def view_of(message: types_pb2.JobView) -> JobProgress:
    """Give the view of a message; a job's text that cannot be read is left out, never trusted."""
    title = analyst = ""
    try:
        document = decode_document(message.document, kind="job")
        job = Job.read(parse_canonical(document.body), what="job")
        title, analyst = job.question.title or "", job.analyst
    except TallyError:
        pass
    return JobProgress(
        job=message.job.hex(),
        title=title,
        analyst=analyst,
        state=types_pb2.JobState.Name(message.state).removeprefix("JOB_STATE_").lower(),
        attempt=message.attempt,
        phase=message.phase,
        approved=tuple(sorted({signer for document in message.approvals for signer in _approvers(document)})),
        work=tuple(Work(p.party, p.phase, p.done, p.total, p.heard) for p in message.progress),
        waiting=tuple(
            Wait(w.party, w.for_what, w.connected, w.code, printable(w.message), printable(w.hint), w.since)
            for w in message.waiting
        ),
        reasons=tuple(
            EndReason(printable(f.party), printable(f.code), printable(f.message), printable(f.hint)) for f in message.failures
        ),
        submitted=message.submitted,
        ended=message.ended,
        version=message.version,
        place=message.queue.place,
        queue=message.queue.waiting,
        timeline=tuple(TimelineStep(m.at, printable(m.what), printable(m.party), m.attempt, m.code) for m in message.timeline),
    )


def _approvers(document: bytes) -> tuple[str, ...]:
    """Give who says yes in a decision; nobody where it is a no, or cannot be read."""
    try:
        signed = decode_document(document, kind="approval")
        return signed.signers if signed.read(Approval).decision == "approve" else ()
    except TallyError:
        return ()
