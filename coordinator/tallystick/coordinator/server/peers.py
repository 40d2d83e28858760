"""Other coordinators on the same database: what they changed, whom they hold connected, and what they left when they died.

PostgreSQL tells of changes as they are committed; a word that is lost costs one tick, since every tick asks for the versions of all
unended jobs. Who drives a job says its lease (`storage/leases.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final, Protocol

from tallystick.coordinator.ports import CoordinatorStorage, Leases, Spool
from tallystick.coordinator.records import JobRecord
from tallystick.coordinator.storage.hints import Hints
from tallystick.coordinator.storage.leases import SoleLeases, SqlLeases
from tallystick.coordinator.storage.sql import SqlStorage
from tallystick.core.clock import Clock

CONNECTED_FOR: Final = timedelta(seconds=10)
"""So long is a party believed to be connected to another replica after that was noted."""
Heard = Callable[[bytes], None]


class Peers(Protocol):
    """What a server asks about others of its database. Methods block."""

    @property
    def leases(self) -> Leases:
        """Who drives which job."""
        ...

    def join(self, heard: Heard) -> None:
        """Begin to serve; `heard` is called, in some thread, with jobs that others changed.

        Raises:
            Refused: `second-process`.
        """
        ...

    def look(self) -> list[JobRecord]:
        """Give the jobs that changed since this was asked last, whoever changed them."""
        ...

    def find_connected(self) -> frozenset[str]:
        """Give the parties that were connected a moment ago, to whichever replica."""
        ...

    def leave(self) -> None:
        """Serve no more."""
        ...


class NoPeers:
    """A coordinator that is alone: it hears of every change by itself."""

    def __init__(self) -> None:
        self.leases: Leases = SoleLeases()

    def join(self, heard: Heard) -> None:
        """There is nobody to hear."""

    def look(self) -> list[JobRecord]:
        """Nobody else changes jobs."""
        return []

    def find_connected(self) -> frozenset[str]:
        """Nobody is connected elsewhere."""
        return frozenset()

    def leave(self) -> None:
        """Nobody waits for anything."""


class SqlPeers:
    """Replicas on one PostgreSQL."""

    def __init__(
        self, leases: SqlLeases, storage: SqlStorage, spool: Spool, hints: Callable[[str, Heard], Hints], clock: Clock
    ) -> None:
        """Take the replica's leases, what replicas share, and what makes a listener for a replica's word."""
        self.leases: SqlLeases = leases
        self._storage = storage
        self._spool = spool
        self._make_hints = hints
        self._clock = clock
        self._hints: Hints | None = None
        self._seen: dict[bytes, int] = {}

    def join(self, heard: Heard) -> None:
        """Register under the replica's name: its number names its files and its words from now on."""
        word = str(self.leases.register(wait=self.leases.seconds + 1))
        self._storage.replica = self._spool.store = word
        self._hints = self._make_hints(word, heard)
        self._hints.start()

    def look(self) -> list[JobRecord]:
        """Give the jobs that changed since this was asked last."""
        return find_changes(self._storage, self._seen)

    def find_connected(self) -> frozenset[str]:
        """Give the parties that were connected a moment ago."""
        since = self._clock.now() - CONNECTED_FOR
        return frozenset(party for party, at in self._storage.connection_times().items() if at >= since)

    def leave(self) -> None:
        """Give back what is held, so that others go on at once."""
        if self._hints is not None:
            self._hints.stop()
            self._hints = None
            self.leases.leave()


def find_changes(storage: CoordinatorStorage, seen: dict[bytes, int]) -> list[JobRecord]:
    """Give the jobs whose version is not the one in `seen`, and those that ended since; bring `seen` up to now."""
    versions = storage.versions()
    changed = [job for job, version in versions.items() if seen.get(job) != version] + [
        job for job in seen if job not in versions
    ]
    seen.clear()
    seen.update(versions)
    return [record for record in map(storage.job, changed) if record is not None]
