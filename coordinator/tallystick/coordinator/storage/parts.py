"""What goes with a job's row, written in its transaction: documents, failures, messages, and the end of those of earlier attempts."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from tallystick.coordinator.records import FOREVER, Deposit, FailureRecord, JobRecord, MessageRecord
from tallystick.coordinator.storage.tables import deposits, failures, messages


def add_deposits(connection: sa.Connection, job: bytes, added: Iterable[Deposit]) -> None:
    """Write documents; one of the same kind, party and attempt is replaced."""
    for one in added:
        connection.execute(
            deposits.delete().where(
                deposits.c.job == job,
                deposits.c.kind == one.kind,
                deposits.c.party == one.party,
                deposits.c.attempt == one.attempt,
            )
        )
        connection.execute(
            deposits.insert().values(job=job, kind=one.kind, party=one.party, attempt=one.attempt, document=one.document)
        )


def add_failures(connection: sa.Connection, job: bytes, added: Iterable[FailureRecord]) -> None:
    """Write failures."""
    for one in added:
        connection.execute(
            failures.insert().values(
                job=job,
                attempt=one.attempt,
                party=one.party,
                code=one.code,
                message=one.message,
                hint=one.hint,
                retry=one.retry,
            )
        )


def add_messages(connection: sa.Connection, job: bytes, added: Iterable[MessageRecord]) -> None:
    """Write messages; one that is there already stays."""
    for one in added:
        ref = one.name.ref
        key = {"attempt": one.name.attempt, "round": ref.round, "sender": ref.sender, "receiver": ref.receiver}
        same = sa.and_(messages.c.job == job, *(messages.c[column] == value for column, value in key.items()))
        if connection.execute(sa.select(messages.c.number).where(same)).first() is None:
            connection.execute(
                messages.insert().values(job=job, envelopes=one.envelopes, bytes=one.bytes, store=one.store, **key)
            )


def forget_earlier(connection: sa.Connection, changed: JobRecord) -> None:
    """Delete what belongs to earlier attempts, and all messages of an ended job."""
    connection.execute(
        deposits.delete().where(
            deposits.c.job == changed.job, deposits.c.attempt != FOREVER, deposits.c.attempt < changed.attempt
        )
    )
    of_job = messages.c.job == changed.job
    old = of_job if changed.ended is not None else sa.and_(of_job, messages.c.attempt < changed.attempt)
    connection.execute(messages.delete().where(old))
