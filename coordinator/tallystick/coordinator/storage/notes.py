"""What is noted beside the rows of jobs: timelines, when jobs moved last, how many jobs nodes take. A part of `SqlStorage`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime

import sqlalchemy as sa

from tallystick.coordinator.records import MomentRecord
from tallystick.coordinator.storage.rows import to_moment, to_seconds
from tallystick.coordinator.storage.tables import bounds, jobs, moments, movements


def add_moments(connection: sa.Connection, job: bytes, added: Iterable[MomentRecord]) -> None:
    """Add entries to a job's timeline."""
    for one in added:
        connection.execute(
            moments.insert().values(
                job=job, at=to_seconds(one.at), what=one.what, party=one.party, attempt=one.attempt, code=one.code
            )
        )


class SqlNotes(ABC):
    """Methods of the port; whoever inherits them says how a transaction begins."""

    @abstractmethod
    def _writes(self) -> AbstractContextManager[sa.Connection]:
        """Begin a transaction that writes."""

    @abstractmethod
    def _reads(self) -> AbstractContextManager[sa.Connection]:
        """Begin a transaction that only reads."""

    def note_moment(self, job: bytes, moment: MomentRecord) -> None:
        """Add an entry to a job's timeline, unless it is there."""
        with self._writes() as connection:
            same = sa.and_(moments.c.job == job, moments.c.what == moment.what, moments.c.party == moment.party)
            if connection.execute(sa.select(moments.c.number).where(same)).first() is None:
                add_moments(connection, job, [moment])

    def moments(self, job: bytes) -> tuple[MomentRecord, ...]:
        """Give a job's timeline, oldest first."""
        with self._reads() as connection:
            rows = connection.execute(moments.select().where(moments.c.job == job).order_by(moments.c.number))
            return tuple(MomentRecord(to_moment(row.at), row.what, row.party, row.attempt, row.code) for row in rows)

    def note_moved(self, moved: Mapping[bytes, datetime]) -> None:
        """Note when jobs moved last; those that ended are forgotten."""
        with self._writes() as connection:
            for job, at in sorted(moved.items()):
                connection.execute(movements.delete().where(movements.c.job == job))
                connection.execute(movements.insert().values(job=job, at=to_seconds(at)))
            over = sa.select(jobs.c.job).where(jobs.c.ended.is_not(None))
            connection.execute(movements.delete().where(movements.c.job.in_(over)))

    def list_movements(self) -> Mapping[bytes, datetime]:
        """Give when each job moved last."""
        with self._reads() as connection:
            return {row.job: to_moment(row.at) for row in connection.execute(movements.select())}

    def note_bound(self, party: str, most: int) -> None:
        """Note how many jobs a node takes at once."""
        with self._writes() as connection:
            connection.execute(bounds.delete().where(bounds.c.party == party))
            connection.execute(bounds.insert().values(party=party, jobs=most))

    def list_bounds(self) -> Mapping[str, int]:
        """Give how many jobs each node takes at once."""
        with self._reads() as connection:
            return {row.party: row.jobs for row in connection.execute(bounds.select())}
