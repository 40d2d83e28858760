"""Storage in SQL: SQLite (write-ahead log, synchronous FULL), or PostgreSQL, which several coordinators may share (`replicas.py`).

Times are seconds since the epoch. Synchronous SQLAlchemy Core; callers run it in threads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from tallystick.coordinator.ports import LostLease, StaleRow
from tallystick.coordinator.records import (
    Certificate,
    Deposit,
    FailureRecord,
    Invitation,
    JobRecord,
    MessageRecord,
    MomentRecord,
)
from tallystick.coordinator.storage.engine import READS
from tallystick.coordinator.storage.notes import SqlNotes, add_moments
from tallystick.coordinator.storage.parts import add_deposits, add_failures, add_messages, forget_earlier
from tallystick.coordinator.storage.refusals import duplicate, invite_invalid, not_enrolled
from tallystick.coordinator.storage.rows import (
    certificate_values,
    job_values,
    moment_or_none,
    read_certificate,
    read_job,
    read_message,
    to_moment,
    to_seconds,
)
from tallystick.coordinator.storage.tables import (
    certificates,
    deposits,
    epochs,
    failures,
    invitations,
    jobs,
    leases,
    messages,
    presence,
)
from tallystick.coordinator.storage.users import Users
from tallystick.coordinator.storage.versions import prepare
from tallystick.core.errors import Broken
from tallystick.core.net.tls import Role

CHANNEL: Final = "tallystick_jobs"
"""Where PostgreSQL tells of changed jobs."""


class SqlStorage(SqlNotes):
    """Rows in tables; see `ports.CoordinatorStorage`.

    Attributes:
        replica: what tells this process from others of the same database in what PostgreSQL says of changes.
    """

    def __init__(self, engine: sa.Engine) -> None:
        """Make the tables where they are missing; bring those of an earlier version up (`versions.py`).

        Raises:
            Broken: `state-corrupt`: not a database, or one of a later version of this software. Invalid: `state-version`: one of an
                earlier version, which has to be brought up by hand. NotReady: `unavailable`.
        """
        self._engine = engine
        self.replica = ""
        self._users = Users()
        self._reader = engine.execution_options(**{READS: True})
        try:
            prepare(engine)
        except sa.exc.DatabaseError as error:
            raise Broken("state-corrupt", "the coordinator's database cannot be opened", detail=str(error.orig)) from error

    def close(self) -> None:
        """Wait for the transactions under way, let no other begin, and close every connection."""
        self._users.close()
        self._engine.dispose()

    def _hint(self, connection: sa.Connection, job: bytes) -> None:
        """Tell other replicas of a change when it is committed; one that does not hear it finds it by itself."""
        if connection.dialect.name == "postgresql":
            values = {"channel": CHANNEL, "word": f"{job.hex()} {self.replica}"}
            connection.execute(sa.text("SELECT pg_notify(:channel, :word)"), values)

    @contextmanager
    def _writes(self) -> Iterator[sa.Connection]:
        with self._users.one(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _reads(self) -> Iterator[sa.Connection]:
        with self._users.one(), self._reader.begin() as connection:
            yield connection

    def add_invitation(self, invitation: Invitation) -> None:
        """Keep a new invitation."""
        with self._writes() as connection:
            connection.execute(
                invitations.insert().values(
                    id=invitation.id,
                    role=invitation.role,
                    name=invitation.name,
                    expires=to_seconds(invitation.expires),
                    used=None,
                )
            )

    def invitation(self, id: str) -> Invitation | None:  # noqa: A002  # the port's word
        """Give an invitation."""
        with self._reads() as connection:
            row = connection.execute(invitations.select().where(invitations.c.id == id)).one_or_none()
        return None if row is None else Invitation(row.id, row.role, row.name, to_moment(row.expires), moment_or_none(row.used))

    def redeem(self, certificate: Certificate, now: datetime) -> None:
        """Mark the certificate's invitation used and keep the certificate."""
        with self._writes() as connection:
            _alone(connection, "member", certificate.role, certificate.name)
            marked = connection.execute(
                invitations.update()
                .where(
                    invitations.c.id == certificate.invitation,
                    invitations.c.used.is_(None),
                    invitations.c.expires > to_seconds(now),
                )
                .values(used=to_seconds(now))
            )
            if marked.rowcount != 1:
                raise invite_invalid()
            connection.execute(certificates.insert().values(**certificate_values(certificate)))

    def renew(self, certificate: Certificate, old: str, now: datetime) -> None:
        """Keep a certificate that follows a valid one."""
        with self._writes() as connection:
            _alone(connection, "member", certificate.role, certificate.name)
            # changes nothing, and holds the row: a revocation comes before this or sees what it made
            held = connection.execute(
                certificates.update()
                .where(
                    certificates.c.serial == old,
                    certificates.c.role == certificate.role,
                    certificates.c.name == certificate.name,
                    certificates.c.revoked.is_(None),
                    certificates.c.expires > to_seconds(now),
                )
                .values(revoked=None)
            )
            if held.rowcount != 1:
                raise not_enrolled()
            connection.execute(certificates.insert().values(**certificate_values(certificate)))

    def certificate(self, serial: str) -> Certificate | None:
        """Give a certificate."""
        with self._reads() as connection:
            row = connection.execute(certificates.select().where(certificates.c.serial == serial)).one_or_none()
        return None if row is None else read_certificate(row)

    def certificates(self) -> tuple[Certificate, ...]:
        """Give all certificates, oldest first."""
        with self._reads() as connection:
            return tuple(map(read_certificate, connection.execute(certificates.select().order_by(certificates.c.number))))

    def revoke(self, role: Role, name: str, now: datetime) -> int:
        """Revoke all certificates and unused invitations of one holder."""
        with self._writes() as connection:
            _alone(connection, "member", role, name)
            theirs = connection.execute(
                certificates.update()
                .where(certificates.c.role == role, certificates.c.name == name, certificates.c.revoked.is_(None))
                .values(revoked=to_seconds(now))
            )
            unused = connection.execute(
                invitations.delete().where(invitations.c.role == role, invitations.c.name == name, invitations.c.used.is_(None))
            )
            return int(theirs.rowcount) + int(unused.rowcount)

    def add_job(self, record: JobRecord) -> JobRecord:
        """Keep a new job, once."""
        with self._writes() as connection:
            _alone(connection, "analyst", record.analyst)
            held = connection.execute(jobs.select().where(jobs.c.job == record.job)).one_or_none()
            if held is not None:
                return read_job(held)
            other = connection.execute(
                sa.select(jobs.c.job).where(
                    jobs.c.question == record.question, jobs.c.analyst == record.analyst, jobs.c.ended.is_(None)
                )
            ).first()
            if other is not None:
                raise duplicate(other.job)
            connection.execute(jobs.insert().values(**job_values(record)))
            self._hint(connection, record.job)
            return record

    def job(self, job: bytes) -> JobRecord | None:
        """Give a job."""
        with self._reads() as connection:
            row = connection.execute(jobs.select().where(jobs.c.job == job)).one_or_none()
        return None if row is None else read_job(row)

    def versions(self) -> Mapping[bytes, int]:
        """Give the version of every job that has not ended."""
        with self._reads() as connection:
            found = connection.execute(sa.select(jobs.c.job, jobs.c.version).where(jobs.c.ended.is_(None)))
            return {row.job: row.version for row in found}

    def jobs(self, *, ended: bool) -> tuple[JobRecord, ...]:
        """Give all jobs, oldest first."""
        query = jobs.select().order_by(jobs.c.number)
        if not ended:
            query = query.where(jobs.c.ended.is_(None))
        with self._reads() as connection:
            return tuple(map(read_job, connection.execute(query)))

    def newest_jobs(self, most: int) -> tuple[JobRecord, ...]:
        """Give the newest jobs, newest first."""
        with self._reads() as connection:
            return tuple(map(read_job, connection.execute(jobs.select().order_by(jobs.c.number.desc()).limit(most))))

    def change(
        self,
        before: JobRecord,
        after: JobRecord,
        *,
        deposits: Iterable[Deposit] = (),
        failures: Iterable[FailureRecord] = (),
        messages: Iterable[MessageRecord] = (),
        moments: Iterable[MomentRecord] = (),
        lease: int = 0,
    ) -> JobRecord:
        """Replace a job's row and add what goes with it."""
        changed = replace(after, version=before.version + 1)
        with self._writes() as connection:
            if lease:
                _check_lease(connection, before.job, lease)
            updated = connection.execute(
                jobs.update().where(jobs.c.job == before.job, jobs.c.version == before.version).values(**job_values(changed))
            )
            if updated.rowcount != 1:
                raise StaleRow
            add_deposits(connection, before.job, deposits)
            add_failures(connection, before.job, failures)
            add_messages(connection, before.job, messages)
            add_moments(connection, before.job, moments)
            forget_earlier(connection, changed)
            self._hint(connection, changed.job)
        return changed

    def deposits(self, job: bytes) -> tuple[Deposit, ...]:
        """Give a job's deposits, by kind and party."""
        query = deposits.select().where(deposits.c.job == job)
        with self._reads() as connection:
            found = [Deposit(row.kind, row.party, row.attempt, row.document) for row in connection.execute(query)]
        return tuple(
            sorted(found, key=lambda one: (one.kind, one.party, one.attempt))
        )  # databases differ in how they sort text

    def failures(self, job: bytes) -> tuple[FailureRecord, ...]:
        """Give a job's failures, oldest first."""
        query = failures.select().where(failures.c.job == job).order_by(failures.c.number)
        with self._reads() as connection:
            return tuple(
                FailureRecord(row.attempt, row.party, row.code, row.message, row.hint, bool(row.retry))
                for row in connection.execute(query)
            )

    def messages(self, job: bytes, start: int = 0) -> tuple[MessageRecord, ...]:
        """Give the complete messages of a job's present attempt but for the first ones."""
        query = messages.select().where(messages.c.job == job).order_by(messages.c.number).offset(start)
        with self._reads() as connection:
            return tuple(map(read_message, connection.execute(query)))

    def epoch(self) -> str:
        """Give the epoch; empty before the first."""
        with self._reads() as connection:
            return str(connection.execute(sa.select(epochs.c.epoch)).scalar_one_or_none() or "")

    def begin_epoch(self, epoch: str, *, revoked: Collection[str] = (), now: datetime, first: bool = False) -> None:
        """Begin another epoch."""
        with self._writes() as connection:
            _alone(connection, "epoch")
            if first and connection.execute(sa.select(epochs.c.epoch)).first() is not None:
                return
            marked = certificates.c.serial.in_(sorted(revoked)), certificates.c.revoked.is_(None)
            connection.execute(certificates.update().where(*marked).values(revoked=to_seconds(now)))
            if connection.execute(epochs.delete()).rowcount:
                connection.execute(invitations.delete().where(invitations.c.used.is_(None)))
            connection.execute(epochs.insert().values(epoch=epoch))

    def count_changes(self) -> int:
        """Count changes."""
        queries = sa.func.sum(jobs.c.version), sa.func.count(certificates.c.number), sa.func.count(certificates.c.revoked)
        with self._reads() as connection:
            return sum(int(connection.execute(sa.select(query)).scalar_one() or 0) for query in queries)

    def count_bytes(self, since: datetime) -> int:
        """Give how long messages and results are together."""
        results = sa.select(sa.func.sum(jobs.c.result_bytes)).where(jobs.c.ended > to_seconds(since))
        with self._reads() as connection:
            held = connection.execute(sa.select(sa.func.sum(messages.c.bytes))).scalar_one()
            return int(held or 0) + int(connection.execute(results).scalar_one() or 0)

    def note_connected(self, parties: Iterable[str], now: datetime) -> None:
        """Note that parties are connected now."""
        with self._writes() as connection:
            insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            for party in sorted(set(parties)):  # in one order, so that two replicas do not wait for each other
                row = insert(presence).values(party=party, at=to_seconds(now))
                connection.execute(row.on_conflict_do_update(index_elements=["party"], set_={"at": row.excluded.at}))

    def connection_times(self) -> Mapping[str, datetime]:
        """Tell when each party was connected last."""
        with self._reads() as connection:
            return {row.party: to_moment(row.at) for row in connection.execute(presence.select())}


def _alone(connection: sa.Connection, *what: str) -> None:
    """Let one transaction at a time work on a member or an analyst. SQLite lets one write at a time anyhow."""
    if connection.dialect.name == "postgresql":
        number = int.from_bytes(hashlib.sha256("\0".join(what).encode()).digest()[:8], "big", signed=True)
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


def _check_lease(connection: sa.Connection, job: bytes, number: int) -> None:
    """Hold the lease until the end of the transaction.

    Raises:
        LostLease: another replica took it since.
    """
    query = sa.select(leases.c.number).where(leases.c.job == job).with_for_update()
    if connection.execute(query).scalar_one_or_none() != number:
        raise LostLease
