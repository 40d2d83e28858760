"""Who serves and who drives, where several coordinators share one database (ports.py says what a lease is).

A replica has a name that is its own, such as its host's. A second process of that name is refused while the first lives; once that is
dead, its leases are over with it. What a replica writes carries numbers that only grow: of its registration, in the names of its files,
and of its lease, in every change that it makes to a job.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from tallystick.coordinator.storage.tables import jobs, leases, replicas
from tallystick.core.errors import Refused

LEASE_S: Final = 10.0
"""So long is a replica believed to live after it was heard last; it is heard every few seconds (`Server`)."""
_REGISTERING: Final = 7_225_302
"""Number of the advisory lock under which replicas get their numbers."""


class SoleLeases:
    """Leases of a coordinator that is alone on its database: it has them all."""

    def take(self, job: bytes) -> int | None:  # noqa: ARG002  # the port's
        """Take the job; no number guards it, as nobody else could."""
        return 0

    def keep(self) -> None:
        """Nothing is to be kept."""

    def orphans(self) -> Collection[bytes]:
        """There are none: what this process drives dies with it, and is looked at when it starts."""
        return ()

    def give_back(self, job: bytes) -> None:
        """Nobody waits for it."""


class SqlLeases:
    """Leases in PostgreSQL, of one process. Methods block, and may be called from any thread."""

    def __init__(self, engine: sa.Engine, name: str, run: str, *, seconds: float = LEASE_S) -> None:
        """Take the database, the replica's name, and what tells this process from others of that name."""
        self._engine = engine
        self.seconds = seconds
        self._milliseconds = int(seconds * 1000)
        self.name = name
        self._run = run
        self._number: int | None = None
        self._lock = threading.Lock()
        self._held: set[bytes] = set()

    def register(self, *, wait: float = 0.0) -> int:
        """Begin to serve under the replica's name; give the number of this process, greater than any before.

        Args:
            wait: seconds for which to wait for the end of a process of that name, which may have just died.

        Raises:
            Refused: `second-process`: a process of that name lives.
        """
        end = time.monotonic() + wait
        while True:
            with self._engine.begin() as connection:
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(:number)"), {"number": _REGISTERING})
                row = connection.execute(replicas.select().where(replicas.c.name == self.name)).one_or_none()
                if row is None or row.run == self._run or row.until <= _now(connection):
                    self._number = 1 + int(connection.execute(sa.select(sa.func.max(replicas.c.number))).scalar_one() or 0)
                    self._write(connection, row is None)
                    return self._number
            if time.monotonic() >= end:
                raise Refused(
                    "second-process",
                    f"another process serves as replica {self.name} of this coordinator",
                    hint="end it, or give this one a name of its own: replica: NAME in coordinator.yaml",
                )
            time.sleep(0.5)

    def take(self, job: bytes) -> int | None:
        """Take the job, or go on holding it. A lock that another replica holds on it is not waited for."""
        with self._engine.begin() as connection:
            query = leases.select().where(leases.c.job == job).with_for_update(skip_locked=True)
            row, now = connection.execute(query).one_or_none(), _now(connection)
            if row is None:
                return self._first(connection, job, now)
            mine = row.holder == self._number
            if not mine and row.until > now:
                return None
            number = int(row.number) + (0 if mine else 1)
            values = {"holder": self._number, "number": number, "until": now + self._milliseconds}
            connection.execute(leases.update().where(leases.c.job == job).values(**values))
        self._hold(job)
        return number

    def keep(self) -> None:
        """Hold registration and leases for longer.

        Raises:
            Refused: `second-process`: another process took the name, as this one was not heard for too long.
        """
        with self._lock:
            held = sorted(self._held)
        with self._engine.begin() as connection:
            until = _now(connection) + self._milliseconds
            mine = sa.and_(replicas.c.name == self.name, replicas.c.run == self._run, replicas.c.number == self._number)
            if connection.execute(replicas.update().where(mine).values(until=until)).rowcount != 1:
                raise Refused(
                    "second-process",
                    f"another process serves as replica {self.name} of this coordinator since",
                    hint="this one ends",
                )
            for job in held:
                at = sa.and_(leases.c.job == job, leases.c.holder == self._number)
                connection.execute(leases.update().where(at).values(until=until))

    def give_back(self, job: bytes) -> None:
        """Let others take the job at once. Its number stays: the next one is greater."""
        with self._lock:
            self._held.discard(job)
        with self._engine.begin() as connection:
            at = sa.and_(leases.c.job == job, leases.c.holder == self._number)
            connection.execute(leases.update().where(at).values(until=0))

    def orphans(self) -> Collection[bytes]:
        """Give the jobs that nobody drives since their replica died, or since before they were driven."""
        given_back = leases.c.until == 0
        with self._engine.begin() as connection:
            now = _now(connection)
            query = (
                sa.select(jobs.c.job)
                .outerjoin(leases, leases.c.job == jobs.c.job)
                .where(jobs.c.ended.is_(None), sa.or_(leases.c.job.is_(None), sa.and_(~given_back, leases.c.until <= now)))
            )
            return list(connection.execute(query).scalars())

    def leave(self) -> None:
        """Serve no more: give everything back."""
        with self._lock:
            self._held.clear()
        with self._engine.begin() as connection:
            connection.execute(leases.update().where(leases.c.holder == self._number).values(until=0))
            mine = sa.and_(replicas.c.name == self.name, replicas.c.run == self._run)
            connection.execute(replicas.update().where(mine).values(until=0))

    def _hold(self, job: bytes) -> None:
        with self._lock:
            self._held.add(job)

    def _first(self, connection: sa.Connection, job: bytes, now: int) -> int | None:
        """Take a job that nobody drove yet; None if another replica takes it at this moment, or holds its row."""
        row = {"job": job, "holder": self._number, "number": 1, "until": now + self._milliseconds}
        known = sa.exists(jobs.select().where(jobs.c.job == job))
        values = [sa.literal(value, leases.c[name].type) for name, value in row.items()]
        insertion = insert(leases).from_select(list(row), sa.select(*values).where(known)).on_conflict_do_nothing()
        if connection.execute(insertion.returning(leases.c.number)).scalar_one_or_none() is None:
            return None
        self._hold(job)
        return 1

    def _write(self, connection: sa.Connection, new: bool) -> None:
        values: dict[str, Any] = {"run": self._run, "number": self._number, "until": _now(connection) + self._milliseconds}
        if new:
            connection.execute(replicas.insert().values(name=self.name, **values))
        else:
            connection.execute(replicas.update().where(replicas.c.name == self.name).values(**values))


def _now(connection: sa.Connection) -> int:
    """Give the database's time, in milliseconds; of this moment, not of the transaction's beginning."""
    return int(connection.execute(sa.text("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")).scalar_one())
