"""What an agency's people see of their node: frozen dataclasses, which `view_builders.py` builds from records.

What is counted of a dataset (`DatasetCheck`) is built where records are read: `records/survey.py`.

The socket's messages (`local/convert.py`), the command line's tables and its JSON are translations of these and of nothing else. A
field says one thing: what may be absent is None, and a job's terms are either `JobTerms` or the reason why there are none.

Moments are texts in RFC 3339, UTC, as signed documents and the chained log have them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal, TypeAlias

from tallystick.core.documents import decode_document
from tallystick.core.job.approval import ReasonClass
from tallystick.core.job.lifecycle import JobState
from tallystick.core.job.model import AgreementRef, Job
from tallystick.node.asked import AskedHere
from tallystick.node.ports import Awaits, Decision

PolicyVerdict = Literal["", "auto", "ask", "never"]
Cell: TypeAlias = str | int | float | bool | None
Tree: TypeAlias = "Cell | list[Tree] | dict[str, Tree]"
"""A value of a result or of a log entry."""

HIDDEN: Final = "hidden"
"""The key under which a row of a result lists its hidden measures; no column."""


@dataclass(frozen=True)
class SessionStatus:
    """One job that a node is at work on.

    Attributes:
        job: its digest, 64 hexadecimal digits.
        phase: what this agency does, or did last; `done` of `total` of it is done.
        since: when it began here.
        works: whether this agency works, or waits for others.
        phases: whole seconds that each phase took so far.
        sent, received: bytes of messages.
    """

    job: str
    attempt: int
    phase: str
    done: int
    total: int
    since: str
    works: bool
    phases: Mapping[str, int]
    sent: int
    received: int

    def json_value(self) -> dict[str, Any]:
        """Give it as a JSON value."""
        return asdict(self)


@dataclass(frozen=True)
class Health:
    """How a node is.

    Attributes:
        connected: the stream of the coordinator's notices is open.
        coordinator: its `host:port`.
        since: since when it is connected, or is not; None before the first try.
        heard: when the coordinator was heard last; None for never.
        code, problem: why it is not connected; None where it is.
        most_jobs: how many jobs it takes part in at once.
        sessions: jobs that it is at work on.
        jobs: how many are in each state.
        agreements: by name, whole days until they end.
        certificate_days: until the node's certificate ends; None where there is none to read.
        kernel: the path that computes curve points.
    """

    agency: str
    connected: bool
    jobs: Mapping[JobState, int]
    agreements: Mapping[str, int]
    certificate_days: int | None
    kernel: str
    coordinator: str
    since: str | None
    heard: str | None
    code: str | None
    problem: str | None
    most_jobs: int
    sessions: tuple[SessionStatus, ...]

    def json_value(self) -> dict[str, Any]:
        """Give it as a JSON value; the certificate stands among the agreements' days."""
        certificate = {} if self.certificate_days is None else {"certificate": self.certificate_days}
        return {
            "agency": self.agency,
            "coordinator": self.coordinator,
            "connected": self.connected,
            "since": self.since,
            "heard": self.heard,
            "problem": self.problem and f"{self.problem} [{self.code}]",
            "most_jobs": self.most_jobs,
            "sessions": [one.json_value() for one in self.sessions],
            "jobs": {str(state): count for state, count in self.jobs.items()},
            "days_left": {**self.agreements, **certificate},
            "kernel": self.kernel,
        }


@dataclass(frozen=True)
class ReviewState:
    """How the review of a candidate at this desk stands.

    Attributes:
        copy: the signed copy that reviewers get; empty where the review has not begun.
        words: what they signed so far.
    """

    copy: bytes
    words: tuple[bytes, ...]


@dataclass(frozen=True)
class JobSummary:
    """A job in a list.

    Attributes:
        job: its digest, 64 hexadecimal digits.
        title: of its question; None where it has none.
        agreement: which it is under.
        deadline: RFC 3339, as its analyst signed it.
        state: the last one that the coordinator told.
        awaits: the decision of this agency's people that is due.
        decision: this agency's own signed one.
        reason_class: what other parties learn of a refusal.
        verdict: what the local policy said; "" where it was not asked.
        reasons: why, for this agency's people alone.
    """

    job: str
    title: str | None
    analyst: str
    purpose: str
    agreement: AgreementRef
    deadline: str
    state: JobState
    awaits: Awaits
    decision: Decision
    reason_class: ReasonClass | Literal[""]
    verdict: PolicyVerdict
    reasons: tuple[str, ...]

    def json_value(self) -> dict[str, Any]:
        """Give it as a JSON value."""
        return {
            "job": self.job,
            "title": self.title,
            "analyst": self.analyst,
            "purpose": self.purpose,
            "agreement": self.agreement.model_dump(mode="json"),
            "deadline": self.deadline,
            "state": str(self.state),
            "awaits": self.awaits,
            "decision": self.decision,
            "reason_class": self.reason_class,
            "policy": self.verdict,
            "reasons": list(self.reasons),
        }


@dataclass(frozen=True)
class StewardQuorum:
    """How many of an agency's stewards must sign."""

    need: int
    stewards: tuple[str, ...]


@dataclass(frozen=True)
class JobTerms:
    """What follows from a job's agreement.

    Attributes:
        leakage: what each party, or parties together, learn, in sentences.
        approvers: agencies and approvers that must all approve.
        stewards: by agency.
    """

    leakage: Mapping[str, tuple[str, ...]]
    approvers: tuple[str, ...]
    stewards: Mapping[str, StewardQuorum]


@dataclass(frozen=True)
class CandidateRow:
    """One row of a candidate: a cell for each column, and the measures that are hidden though its count is shown."""

    cells: tuple[Cell, ...]
    hidden: tuple[str, ...] = ()


@dataclass(frozen=True)
class Candidate:
    """The table that would go out, after the disclosure rules.

    Attributes:
        digest: of its bytes, 64 hexadecimal digits; what a release's approvals are signed over.
        rows: the first ones.
        rows_in_all: of the whole table.
        linkage, disclosure: as the released result will have them, decimals as numbers; of a direct job, which opens at its analyst's, empty.
    """

    digest: str
    columns: tuple[str, ...]
    rows: tuple[CandidateRow, ...]
    rows_in_all: int
    linkage: dict[str, Tree]
    disclosure: dict[str, Tree]

    def json_value(self) -> dict[str, Any]:
        """Give it as a JSON value: each row by column."""
        rows = [
            dict(zip(self.columns, row.cells, strict=True)) | ({HIDDEN: list(row.hidden)} if row.hidden else {})
            for row in self.rows
        ]
        shown = {"digest": self.digest, "columns": list(self.columns), "linkage": self.linkage, "disclosure": self.disclosure}
        return {**shown, "rows": rows, "rows_in_all": self.rows_in_all}


@dataclass(frozen=True)
class PastJob:
    """An earlier job over some of the same data.

    Attributes:
        job, title, analyst, state: as `JobSummary` has them.
        differs: keys in which its question is another; empty for the same question.
        seen: when this node met it.
    """

    job: str
    title: str | None
    analyst: str
    state: JobState
    differs: tuple[str, ...]
    seen: str

    def json_value(self) -> dict[str, Any]:
        """Give it as a JSON value."""
        return {**asdict(self), "state": str(self.state), "differs": list(self.differs)}


@dataclass(frozen=True)
class JobDetail:
    """One job in full.

    Attributes:
        document: the job as its analyst signed it; its digest is the summary's.
        terms: or, as text, why the agreement says nothing of the job now.
        candidate: at the desk, while the job has not ended.
        asked: what it asks of this agency; None where the agreement does not allow it now.
        past: earlier jobs over the same datasets of this agency, newest first.
    """

    summary: JobSummary
    document: bytes = field(repr=False)
    terms: JobTerms | str
    candidate: Candidate | None
    asked: AskedHere | None = None
    past: tuple[PastJob, ...] = ()

    def json_value(self) -> dict[str, Any]:
        """Give it as a JSON value.

        Raises:
            Invalid: `document-invalid`: the document is no job.
        """
        job = decode_document(self.document, kind="job").read(Job)
        value = self.summary.json_value() | {"question": job.question.json_value()}
        if isinstance(self.terms, str):
            value["problem"] = self.terms
        else:
            value["leakage"] = {party: list(lines) for party, lines in self.terms.leakage.items()}
            value["approvers"] = list(self.terms.approvers)
            value["stewards"] = {
                agency: {"need": quorum.need, "of": list(quorum.stewards)} for agency, quorum in self.terms.stewards.items()
            }
        value["candidate"] = None if self.candidate is None else self.candidate.json_value()
        value["asked"] = None if self.asked is None else self.asked.json_value()
        value["past"] = [one.json_value() for one in self.past]
        return value


@dataclass(frozen=True)
class LogEntry:
    """One entry of the node's log, in the words of its chained text.

    Attributes:
        number: from 1, without gaps.
        job: a digest, or "".
        chain: SHA-256 over the previous entry's value and this entry's text, 32 bytes.
        salt: 16 random bytes in hexadecimal; "" in entries of versions that had none.
    """

    number: int
    time: str
    event: str
    job: str
    details: dict[str, Tree]
    chain: bytes
    salt: str = ""

    def json_value(self) -> dict[str, Any]:
        """Give it as a JSON value: the chained text's keys, and `chain` in hexadecimal."""
        return {**asdict(self), "chain": self.chain.hex()}


@dataclass(frozen=True)
class ToldHead:
    """How a log was said to stand.

    Attributes:
        agency: whose log; "" for this node's own, as it is now.
        size: its entries.
        head: of the Merkle tree over them, 32 bytes.
        heard: when it came; "" for the own one.
        document: the signed hello that says so; empty for the own one.
    """

    agency: str
    size: int
    head: bytes
    heard: str = ""
    document: bytes = field(repr=False, default=b"")

    def json_value(self) -> dict[str, Any]:
        """Give it as a JSON value: the head in hexadecimal, the document as it was signed."""
        return {**asdict(self), "head": self.head.hex(), "document": self.document.decode(errors="replace")}
