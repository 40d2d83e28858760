"""From records to views (`views.py`): pure functions, which read no storage and no clock."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar, cast, get_args

from tallystick.core.agreement.model import Agreement, moment
from tallystick.core.decimals import numbers
from tallystick.core.disclosure.leakage import leakage_statement
from tallystick.core.documents import decode_document
from tallystick.core.errors import Broken, TallyError
from tallystick.core.job.approval import ReasonClass, find_required
from tallystick.core.job.lifecycle import JobState
from tallystick.core.job.model import Job
from tallystick.node.entries import Event, PeerHead
from tallystick.node.link import LinkState
from tallystick.node.ports import KeptJob
from tallystick.node.views import (
    HIDDEN,
    Candidate,
    CandidateRow,
    Health,
    JobDetail,
    JobSummary,
    JobTerms,
    LogEntry,
    PastJob,
    PolicyVerdict,
    SessionStatus,
    StewardQuorum,
    ToldHead,
)

SHOWN_ROWS: Final = 2000
"""Rows of a candidate table that are shown, so that it stays below a message's limit."""

TIME: Final = "%Y-%m-%dT%H:%M:%SZ"

T = TypeVar("T")


def build_health(
    agency: str,
    *,
    jobs: Mapping[str, int],
    agreements: Mapping[str, Agreement],
    certificate_end: datetime | None,
    now: datetime,
    kernel: str,
    link: LinkState,
    most_jobs: int,
    sessions: Iterable[SessionStatus],
) -> Health:
    """Build how a node is.

    Args:
        agency: whose it is.
        jobs: how many are in each state.
        agreements: in force here, by name.
        certificate_end: when its certificate ends, UTC; None where there is none to read.
        now: the present moment, UTC.
        kernel: the path that computes curve points.
        link: how the connection to the coordinator is.
        most_jobs: how many jobs it takes part in at once.
        sessions: what it is at work on.

    Raises:
        Broken: `state-corrupt`: a state is none that a node writes.
    """
    return Health(
        agency=agency,
        connected=link.connected,
        jobs={_state(state): count for state, count in sorted(jobs.items())},
        agreements={name: (moment(agreement.valid_until) - now).days for name, agreement in agreements.items()},
        certificate_days=None if certificate_end is None else (certificate_end - now).days,
        kernel=kernel,
        coordinator=link.address,
        since=_write(link.since),
        heard=_write(link.heard),
        code=None if link.error is None else link.error.code,
        problem=None if link.error is None else link.error.message,
        most_jobs=most_jobs,
        sessions=tuple(sessions),
    )


def _write(at: datetime | None) -> str | None:
    return None if at is None else at.strftime(TIME)


def build_job_summary(record: KeptJob) -> JobSummary:
    """Build a job of a list.

    Raises:
        Broken: `state-corrupt`: the record holds what no node writes.
    """
    job = decode_document(record.document, kind="job").read(Job)
    return JobSummary(
        job=record.job,
        title=job.question.title,
        analyst=job.analyst,
        purpose=job.question.purpose,
        agreement=job.agreement,
        deadline=job.deadline,
        state=_state(record.state),
        awaits=record.awaits,
        decision=record.decision,
        reason_class=cast("Any", _one_of(record.reason_class, ("", *get_args(ReasonClass)))),
        verdict=cast("PolicyVerdict", _one_of(record.verdict, get_args(PolicyVerdict))),
        reasons=record.reasons,
    )


def build_job_detail(record: KeptJob, agreement: Agreement | str) -> JobDetail:
    """Build a job in full.

    Args:
        record: of the job.
        agreement: that the job names; or why there is none now.

    Raises:
        Broken: `state-corrupt`: the record holds what no node writes.
    """
    job = decode_document(record.document, kind="job").read(Job)
    return JobDetail(
        summary=build_job_summary(record),
        document=record.document,
        terms=agreement if isinstance(agreement, str) else _terms(job, agreement),
        candidate=None if record.candidate is None or _state(record.state).final else build_candidate(record.candidate),
    )


def build_past_job(record: KeptJob, job: Job, differs: Sequence[str]) -> PastJob:
    """Build an earlier job of a list.

    Raises:
        Broken: `state-corrupt`: the record holds what no node writes.
    """
    seen = record.seen.strftime(TIME)
    return PastJob(record.job, job.question.title, job.analyst, _state(record.state), tuple(differs), seen)


def build_candidate(body: bytes) -> Candidate:
    """Build a candidate table for people, cut to `SHOWN_ROWS`.

    Args:
        body: the candidate's canonical JSON (`KeptJob.candidate`).

    Raises:
        Broken: `state-corrupt`: a row has a key that is no column, which a steward would otherwise not see.
    """
    value = json.loads(body)
    columns: tuple[str, ...] = tuple(value["columns"])
    return Candidate(
        digest=hashlib.sha256(body).hexdigest(),
        columns=columns,
        rows=tuple(_row(columns, numbers(row)) for row in value["rows"][:SHOWN_ROWS]),
        rows_in_all=len(value["rows"]),
        linkage=numbers(value["linkage"]),
        disclosure=numbers(value["disclosure"]),
    )


def build_log_entry(event: Event) -> LogEntry:
    """Build an entry of the log from its chained text."""
    return LogEntry(**json.loads(event.entry), chain=event.chain)


def build_told_head(head: PeerHead) -> ToldHead:
    """Build what another agency said of its log."""
    return ToldHead(head.agency, head.size, head.head, head.heard.strftime(TIME), head.document)


def _terms(job: Job, agreement: Agreement) -> JobTerms | str:
    """Say who learns what and who must approve; or, as text, why the agreement no longer says so."""
    try:
        need = find_required(job, agreement)
        return JobTerms(
            leakage={party: tuple(lines) for party, lines in leakage_statement(job, agreement).items()},
            approvers=(*need.agencies, *need.approvers),
            stewards={agency: StewardQuorum(count, names) for agency, count, names in need.stewards},
        )
    except TallyError as error:
        return error.message


def _row(columns: tuple[str, ...], row: dict[str, Any]) -> CandidateRow:
    if not row.keys() <= {*columns, HIDDEN}:
        raise Broken("state-corrupt", "a row of the candidate has a key that is no column")
    return CandidateRow(tuple(row.get(column) for column in columns), tuple(row.get(HIDDEN, ())))


def _state(state: str) -> JobState:
    return JobState(_one_of(state, tuple(JobState)))


def _one_of(value: T, known: tuple[T, ...]) -> T:
    if value not in known:
        raise Broken("state-corrupt", "a stored job cannot be read", detail=f"{value!r} is none of {known}")
    return value
