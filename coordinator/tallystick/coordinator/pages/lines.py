"""What the operator's pages show, beside a job's status (`coordinator/views.py`): frozen dataclasses, built by pure functions.

Nothing here is more than the coordinator is told anyway (the leakage statement of each job): texts of jobs, padded sizes, bytes,
counted work. A count below `SMALLEST` is not shown: of a short list the work done could tell how long it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from tallystick.coordinator.progress import PhaseTime, Reported
from tallystick.coordinator.records import Certificate, Deposit, JobRecord
from tallystick.coordinator.views import JobStatus
from tallystick.coordinator.waiting import APPROVAL
from tallystick.core.agreement.model import Agreement
from tallystick.core.contract import Contract
from tallystick.core.documents import decode_document
from tallystick.core.errors import TallyError
from tallystick.core.job.approval import Approval, verify_approval
from tallystick.core.job.lifecycle import JobState

SMALLEST: Final = 100
EVENT_WORDS: Final = MappingProxyType(
    {
        "submit": "submitted",
        "announce": "told to the nodes",
        "approval": "signed its decision",
        "approve": "everybody allowed it: it runs",
        "hello": "entered the attempt",
        "restart": "the next attempt begins",
        "seal": "all shares are sealed, and go to the desk",
        "release": "released",
        "refuse": "refused",
        "cancel": "cancelled",
        "fail": "failed",
        "expire": "expired",
        "heard": "knows how it ended",
    }
)
"""What the entries of a timeline mean; rounds, which are not here, are said by their names."""


@dataclass(frozen=True)
class JobLine:
    """A job in the list.

    Attributes:
        title, purpose: as its analyst wrote them; None for none.
        phase: the last one that the coordinator noted; "" where it does not run.
        share: how much of the phase's counted work is done, 0 to 1; None where nothing is counted.
        waits: parties that are waited for, as far as that was looked up.
        still: since when nothing of it has moved, where that is too long.
    """

    job: str
    title: str | None
    purpose: str
    agreement: str
    analyst: str
    state: JobState
    attempt: int
    phase: str
    share: float | None
    waits: tuple[str, ...]
    still: datetime | None
    submitted: datetime
    ended: datetime | None


@dataclass(frozen=True)
class PartyWorkLine:
    """Counted work of a party in a phase.

    Attributes:
        done, total: as text; "" where it is not counted.
        share: 0 to 1.
        rate: a second; None where it cannot be told.
        left: until it is done at that rate.
    """

    party: str
    phase: str
    done: str
    total: str
    share: float | None
    rate: float | None
    left: timedelta | None
    heard: datetime


@dataclass(frozen=True)
class ApprovalLine:
    """A signed decision.

    Attributes:
        problem: why it does not count now; "" where it does.
    """

    signer: str
    role: str
    agency: str | None
    decision: str
    reason_class: str | None
    signed_at: str
    expires: str
    problem: str


@dataclass(frozen=True)
class AgencyLine:
    """An agency of some agreement here.

    Attributes:
        connected: whether its node is, now.
        since: since when it is, or is not; None where it never was since this process began.
        contact: when it called, or was connected, last; None for never.
        certificate_days: whole days until its newest certificate ends; None where it never joined.
        software: the version that its node says that it runs; "" where it has not said.
        jobs: how many it takes part in at once; None where it has not said.
    """

    name: str
    agreements: tuple[str, ...]
    connected: bool
    since: datetime | None
    contact: datetime | None
    certificate_days: int | None
    software: str
    jobs: int | None


@dataclass(frozen=True)
class AgreementLine:
    """An agreement in the coordinator's files.

    Attributes:
        problem: why it does not count now; "" where it does.
    """

    agreement: str
    version: int
    title: str | None
    parties: tuple[str, ...]
    valid_from: str
    valid_until: str
    digest: str
    problem: str


def build_job_line(
    record: JobRecord,
    reports: Sequence[Reported],
    phases: Sequence[PhaseTime],
    still: datetime | None,
    waits: Iterable[str] = (),
) -> JobLine:
    """Build a job of the list.

    Args:
        record: of the job.
        reports: its parties' last ones.
        phases: that it went through.
        still: since when nothing moved.
        waits: parties that are waited for.
    """
    question = _read_question(record.document)
    phase = phases[-1].phase if phases and record.ended is None else ""
    here = [one for one in reports if one.phase == phase and one.total]
    return JobLine(
        job=record.job.hex(),
        title=question.get("title"),
        purpose=str(question.get("purpose", "")),
        agreement=record.agreement,
        analyst=record.analyst,
        state=JobState(record.state),
        attempt=record.attempt,
        phase=phase if phase not in set(JobState) else "",
        share=sum(one.done for one in here) / sum(one.total for one in here) if here else None,
        waits=tuple(dict.fromkeys(waits)),
        still=still,
        submitted=record.submitted,
        ended=record.ended,
    )


def build_work(status: JobStatus) -> list[PartyWorkLine]:
    """Build the lines of counted work of a job, with rate and time left where they can be told."""
    began = {one.phase: one.began for one in status.condition.phases if one.attempt == status.attempt}
    lines = []
    for one in status.condition.work:
        seconds = (one.heard - began[one.phase]).total_seconds() if one.phase in began else 0.0
        rate = one.done / seconds if seconds >= 1 and one.done else None
        left = timedelta(seconds=round((one.total - one.done) / rate)) if rate and one.done < one.total else None
        counted = one.total > 0
        small = counted and one.total < SMALLEST
        lines.append(
            PartyWorkLine(
                party=one.party,
                phase=one.phase,
                done=write_count(one.done) if counted and not small else "",
                total=write_count(one.total) if counted else "",
                share=one.done / one.total if counted else None,
                rate=None if small else rate,
                left=left,
                heard=one.heard,
            )
        )
    return lines


def write_count(count: int) -> str:
    """Write a count; a small one not as it is."""
    return f"{count:,}" if count >= SMALLEST or count == 0 else f"under {SMALLEST}"


def build_approvals(deposits: Iterable[Deposit], contract: Contract | None, now: datetime) -> list[ApprovalLine]:
    """Build the lines of a job's signed decisions; each is held against the agreement again.

    Args:
        deposits: of the job.
        contract: of the job; None where the agreement's file is gone.
        now: the present moment.
    """
    lines = []
    for one in deposits:
        if one.kind != APPROVAL:
            continue
        document = decode_document(one.document, kind="approval")
        approval, problem = document.read(Approval), "the agreement's file is gone"
        if contract is not None:
            problem = ""
            try:
                verify_approval(document, contract.job, contract.agreement, now)
            except TallyError as error:
                problem = error.message
        lines.append(
            ApprovalLine(
                approval.signer,
                approval.role,
                approval.agency,
                approval.decision,
                approval.reason_class,
                approval.signed_at,
                approval.expires,
                problem,
            )
        )
    return lines


def build_agencies(
    agreements: Iterable[Agreement],
    certificates: Iterable[Certificate],
    bounds: Mapping[str, int],
    *,
    connected: Iterable[str],
    since: Mapping[str, datetime],
    contacts: Mapping[str, datetime],
    software: Mapping[str, str],
    now: datetime,
) -> list[AgencyLine]:
    """Build the lines of all agencies that an agreement names or that have joined, in name order.

    Args:
        agreements: in the files.
        certificates: that were issued.
        bounds: how many jobs each takes.
        connected: who is, now.
        since: since when.
        contacts: when each was heard last.
        software: versions, as said.
        now: the present moment.
    """
    here = set(connected)
    named: dict[str, set[str]] = {}
    for agreement in agreements:
        for party in agreement.parties:
            named.setdefault(party, set()).add(agreement.agreement)
    ends: dict[str, datetime] = {}
    for certificate in certificates:
        if certificate.role == "agency" and certificate.revoked is None:
            ends[certificate.name] = max(certificate.expires, ends.get(certificate.name, certificate.expires))
    return [
        AgencyLine(
            name=name,
            agreements=tuple(sorted(named.get(name, ()))),
            connected=name in here,
            since=since.get(name),
            contact=contacts.get(name),
            certificate_days=(ends[name] - now).days if name in ends else None,
            software=software.get(name, ""),
            jobs=bounds.get(name) or None,
        )
        for name in sorted({*named, *ends})
    ]


def build_agreements(agreements: Mapping[str, tuple[Agreement, str]]) -> list[AgreementLine]:
    """Build the lines of agreements, by name and then newest first."""
    lines = [
        AgreementLine(
            one.agreement, one.version, one.title, tuple(one.parties), one.valid_from, one.valid_until, digest, problem
        )
        for digest, (one, problem) in agreements.items()
    ]
    return sorted(lines, key=lambda line: (line.agreement, -line.version))


def _read_question(document: bytes) -> dict[str, Any]:
    """Read what a stored job asks; it was checked when it came."""
    question: dict[str, Any] = json.loads(document)["body"]["question"]
    return question
