"""Views (`node/views.py`, of datasets `records/survey.py`) as messages of steward.proto and back: the one place that knows both.

Each `Translation` loses nothing: `from_message(to_message(view)) == view`. tests/contract/test_steward_messages.py tries every one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, Generic, TypeVar

from google.protobuf.message import Message
from pydantic import ValidationError

from tallystick.core.documents import decode_document
from tallystick.core.errors import TallyError
from tallystick.core.job.model import AgreementRef
from tallystick.node import views
from tallystick.node.accounts import NoiseAccount
from tallystick.node.local.codes import AWAITS, DECISIONS, REASON_CLASSES, STATES, VERDICTS
from tallystick.node.local.datasets import read_check, read_counts, write_check, write_counts
from tallystick.node.local.looking import read_asked, read_past, write_asked, write_past
from tallystick.node.local.values import foreign, read_cell, read_fields, write_fields, write_value
from tallystick.records.survey import DatasetCheck
from tallystick.v1 import steward_pb2 as pb

V = TypeVar("V")
M = TypeVar("M", bound=Message)
_DIGEST_BYTES: Final = 32


@dataclass(frozen=True)
class Translation(Generic[V, M]):
    """A view's class and its message's, and the way there and back.

    Attributes:
        to_message: translates a view.
        from_message: translates a message; raises `Broken` (`protocol-broken`) for one that is no view's.
    """

    view: type[V]
    message: type[M]
    to_message: Callable[[V], M]
    from_message: Callable[[M], V]


def _health(view: views.Health) -> pb.Health:
    return pb.Health(
        agency=view.agency,
        connected=view.connected,
        jobs=[pb.JobCount(state=STATES.number(state), jobs=count) for state, count in view.jobs.items()],
        agreements=[pb.AgreementTerm(agreement=name, days_left=days) for name, days in view.agreements.items()],
        certificate_days_left=view.certificate_days,
        kernel=view.kernel,
        coordinator=view.coordinator,
        since=view.since,
        heard=view.heard,
        code=view.code,
        problem=view.problem,
        most_jobs=view.most_jobs,
        sessions=[_session(one) for one in view.sessions],
    )


def _session(view: views.SessionStatus) -> pb.SessionStatus:
    return pb.SessionStatus(
        job=bytes.fromhex(view.job),
        attempt=view.attempt,
        phase=view.phase,
        done=view.done,
        total=view.total,
        since=view.since,
        works=view.works,
        phases=write_counts(view.phases),
        sent=view.sent,
        received=view.received,
    )


def _read_session(message: pb.SessionStatus) -> views.SessionStatus:
    if len(message.job) != _DIGEST_BYTES:
        raise foreign("a job's digest")
    return views.SessionStatus(
        job=message.job.hex(),
        attempt=message.attempt,
        phase=message.phase,
        done=message.done,
        total=message.total,
        since=message.since,
        works=message.works,
        phases=read_counts(message.phases),
        sent=message.sent,
        received=message.received,
    )


def _text(message: pb.Health, name: str) -> str | None:
    return getattr(message, name) if message.HasField(name) else None  # type: ignore[arg-type]  # names of optional texts


def _read_health(message: pb.Health) -> views.Health:
    return views.Health(
        agency=message.agency,
        connected=message.connected,
        jobs={STATES.value(one.state): one.jobs for one in message.jobs},
        agreements={one.agreement: one.days_left for one in message.agreements},
        certificate_days=message.certificate_days_left if message.HasField("certificate_days_left") else None,
        kernel=message.kernel,
        coordinator=message.coordinator,
        since=_text(message, "since"),
        heard=_text(message, "heard"),
        code=_text(message, "code"),
        problem=_text(message, "problem"),
        most_jobs=message.most_jobs,
        sessions=tuple(_read_session(one) for one in message.sessions),
    )


def _summary(view: views.JobSummary) -> pb.JobSummary:
    agreement = view.agreement
    return pb.JobSummary(
        job=bytes.fromhex(view.job),
        title=view.title,
        analyst=view.analyst,
        purpose=view.purpose,
        agreement=pb.AgreementRef(
            agreement=agreement.agreement, version=agreement.version, digest=bytes.fromhex(agreement.digest)
        ),
        deadline=view.deadline,
        state=STATES.number(view.state),
        awaits=AWAITS.number(view.awaits),
        decision=DECISIONS.number(view.decision),
        reason_class=REASON_CLASSES.number(view.reason_class),
        verdict=VERDICTS.number(view.verdict),
        reasons=view.reasons,
    )


def _read_summary(message: pb.JobSummary) -> views.JobSummary:
    named = message.agreement
    if len(message.job) != _DIGEST_BYTES:
        raise foreign("a job's digest")
    try:
        agreement = AgreementRef(agreement=named.agreement, version=named.version, digest=named.digest.hex())
    except ValidationError:
        raise foreign("an agreement's name") from None
    return views.JobSummary(
        job=message.job.hex(),
        title=message.title if message.HasField("title") else None,
        analyst=message.analyst,
        purpose=message.purpose,
        agreement=agreement,
        deadline=message.deadline,
        state=STATES.value(message.state),
        awaits=AWAITS.value(message.awaits),
        decision=DECISIONS.value(message.decision),
        reason_class=REASON_CLASSES.value(message.reason_class),
        verdict=VERDICTS.value(message.verdict),
        reasons=tuple(message.reasons),
    )


def _detail(view: views.JobDetail) -> pb.JobDetail:
    candidate = None if view.candidate is None else _candidate(view.candidate)
    message = pb.JobDetail(
        summary=_summary(view.summary),
        document=view.document,
        candidate=candidate,
        asked=None if view.asked is None else write_asked(view.asked),
        past=[write_past(one) for one in view.past],
    )
    if isinstance(view.terms, str):
        message.problem = view.terms
    else:
        message.terms.CopyFrom(_terms(view.terms))
    return message


def _read_detail(message: pb.JobDetail) -> views.JobDetail:
    """Read a job in full.

    Security: what a steward reads, and signs over, is the document of the digest that is named: checked here.
    """
    summary = _read_summary(message.summary)
    try:
        digest = decode_document(message.document, kind="job").digest
    except TallyError:
        raise foreign("a job's document") from None
    if digest != summary.job:
        raise foreign("the document of another job")
    match message.WhichOneof("agreement"):
        case "terms":
            terms: views.JobTerms | str = _read_terms(message.terms)
        case "problem":
            terms = message.problem
        case _:
            raise foreign("a job without terms")
    candidate = _read_candidate(message.candidate) if message.HasField("candidate") else None
    asked = read_asked(message.asked) if message.HasField("asked") else None
    return views.JobDetail(summary, message.document, terms, candidate, asked, tuple(read_past(one) for one in message.past))


def _terms(view: views.JobTerms) -> pb.JobTerms:
    return pb.JobTerms(
        leakage=[pb.Learner(party=party, learns=lines) for party, lines in view.leakage.items()],
        approvers=view.approvers,
        stewards=[
            pb.StewardQuorum(agency=agency, need=quorum.need, stewards=quorum.stewards)
            for agency, quorum in view.stewards.items()
        ],
    )


def _read_terms(message: pb.JobTerms) -> views.JobTerms:
    return views.JobTerms(
        leakage={one.party: tuple(one.learns) for one in message.leakage},
        approvers=tuple(message.approvers),
        stewards={one.agency: views.StewardQuorum(one.need, tuple(one.stewards)) for one in message.stewards},
    )


def _candidate(view: views.Candidate) -> pb.Candidate:
    return pb.Candidate(
        columns=view.columns,
        rows=[pb.CandidateRow(cells=[write_value(cell) for cell in row.cells], hidden=row.hidden) for row in view.rows],
        rows_in_all=view.rows_in_all,
        linkage=write_fields(view.linkage),
        disclosure=write_fields(view.disclosure),
        digest=bytes.fromhex(view.digest),
    )


def _read_candidate(message: pb.Candidate) -> views.Candidate:
    if any(len(row.cells) != len(message.columns) for row in message.rows):
        raise foreign("a row of another length")
    if len(message.digest) != _DIGEST_BYTES:
        raise foreign("a candidate's digest")
    return views.Candidate(
        digest=message.digest.hex(),
        columns=tuple(message.columns),
        rows=tuple(views.CandidateRow(tuple(read_cell(cell) for cell in row.cells), tuple(row.hidden)) for row in message.rows),
        rows_in_all=message.rows_in_all,
        linkage=read_fields(message.linkage),
        disclosure=read_fields(message.disclosure),
    )


def _entry(view: views.LogEntry) -> pb.LogEntry:
    return pb.LogEntry(
        number=view.number,
        time=view.time,
        event=view.event,
        job=view.job,
        details=write_fields(view.details),
        chain=view.chain,
        salt=view.salt,
    )


def _read_entry(message: pb.LogEntry) -> views.LogEntry:
    if len(message.chain) != _DIGEST_BYTES:
        raise foreign("a chain's value")
    return views.LogEntry(
        message.number, message.time, message.event, message.job, read_fields(message.details), message.chain, message.salt
    )


def _write_told(view: views.ToldHead) -> pb.LogHead:
    return pb.LogHead(agency=view.agency, size=view.size, head=view.head, heard=view.heard, document=view.document)


def _read_told(message: pb.LogHead) -> views.ToldHead:
    if len(message.head) != _DIGEST_BYTES:
        raise foreign("a head")
    return views.ToldHead(message.agency, message.size, message.head, message.heard, message.document)


def _write_account(view: NoiseAccount) -> pb.NoiseAccount:
    epsilon, spent, budget = (str(one) for one in (view.epsilon, view.spent, view.budget))
    return pb.NoiseAccount(agreement=view.agreement, version=view.version, epsilon=epsilon, spent=spent, budget=budget)


def _read_account(message: pb.NoiseAccount) -> NoiseAccount:
    try:
        epsilon, spent, budget = (Fraction(one) for one in (message.epsilon, message.spent, message.budget))
    except (ValueError, ZeroDivisionError) as error:
        raise foreign("a privacy loss") from error
    return NoiseAccount(message.agreement, message.version, epsilon, spent, budget)


def _write_review(view: views.ReviewState) -> pb.ReviewState:
    return pb.ReviewState(copy=view.copy, words=view.words)


def _read_review(message: pb.ReviewState) -> views.ReviewState:
    return views.ReviewState(message.copy, tuple(message.words))


HEALTH: Final = Translation(views.Health, pb.Health, _health, _read_health)
JOB_SUMMARY: Final = Translation(views.JobSummary, pb.JobSummary, _summary, _read_summary)
JOB_DETAIL: Final = Translation(views.JobDetail, pb.JobDetail, _detail, _read_detail)
DATASET_CHECK: Final = Translation(DatasetCheck, pb.DatasetCheck, write_check, read_check)
LOG_ENTRY: Final = Translation(views.LogEntry, pb.LogEntry, _entry, _read_entry)
TOLD_HEAD: Final = Translation(views.ToldHead, pb.LogHead, _write_told, _read_told)
REVIEW_STATE: Final = Translation(views.ReviewState, pb.ReviewState, _write_review, _read_review)
NOISE_ACCOUNT: Final = Translation(NoiseAccount, pb.NoiseAccount, _write_account, _read_account)
TRANSLATIONS: Final[tuple[Translation[Any, Any], ...]] = (
    HEALTH, JOB_SUMMARY, JOB_DETAIL, DATASET_CHECK, LOG_ENTRY, TOLD_HEAD, NOISE_ACCOUNT, REVIEW_STATE,
)  # fmt: skip
