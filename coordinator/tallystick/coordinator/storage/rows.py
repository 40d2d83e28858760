"""How rows stand for records: each record's columns, and back. Times are seconds since the epoch."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tallystick.coordinator.records import Certificate, JobRecord, MessageRecord
from tallystick.core.net.chunks import MessageName
from tallystick.crypto.machine import Ref


def job_values(record: JobRecord) -> dict[str, Any]:
    """Give a job's columns."""
    return {
        "job": record.job,
        "question": record.question,
        "analyst": record.analyst,
        "agreement": record.agreement,
        "agreement_digest": record.agreement_digest,
        "document": record.document,
        "state": record.state,
        "attempt": record.attempt,
        "version": record.version,
        "submitted": to_seconds(record.submitted),
        "deadline": to_seconds(record.deadline),
        "ended": None if record.ended is None else to_seconds(record.ended),
        "result_bytes": record.result_bytes,
    }


def read_job(row: Any) -> JobRecord:
    """Give the job of a row."""
    return JobRecord(
        job=row.job,
        question=row.question,
        analyst=row.analyst,
        agreement=row.agreement,
        agreement_digest=row.agreement_digest,
        document=row.document,
        state=row.state,
        attempt=row.attempt,
        version=row.version,
        submitted=to_moment(row.submitted),
        deadline=to_moment(row.deadline),
        ended=moment_or_none(row.ended),
        result_bytes=row.result_bytes,
    )


def certificate_values(certificate: Certificate) -> dict[str, Any]:
    """Give the columns of a new certificate."""
    return {
        "serial": certificate.serial,
        "role": certificate.role,
        "name": certificate.name,
        "expires": to_seconds(certificate.expires),
        "invitation": certificate.invitation,
        "chain": certificate.chain,
        "revoked": None,
    }


def read_certificate(row: Any) -> Certificate:
    """Give the certificate of a row."""
    return Certificate(
        row.serial, row.role, row.name, to_moment(row.expires), row.invitation, row.chain, revoked=moment_or_none(row.revoked)
    )


def read_message(row: Any) -> MessageRecord:
    """Give the message of a row."""
    kind, _, about = row.round.partition(":")
    name = MessageName(row.job, row.attempt, Ref(kind, row.sender, row.receiver, about))
    return MessageRecord(name, row.envelopes, row.bytes, row.store)


def to_seconds(moment: datetime) -> int:
    """Give a moment as it is kept: seconds since the epoch."""
    return int(moment.timestamp())


def to_moment(seconds: int) -> datetime:
    """Give a kept moment."""
    return datetime.fromtimestamp(seconds, UTC)


def moment_or_none(seconds: int | None) -> datetime | None:
    """Give a kept moment, where there is one."""
    return None if seconds is None else to_moment(seconds)
