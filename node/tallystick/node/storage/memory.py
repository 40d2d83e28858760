"""A node's state in memory: for tests and rehearsals in one process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from tallystick.core.canonical import Json
from tallystick.core.errors import Invalid
from tallystick.core.job.lifecycle import JobState
from tallystick.crypto.randomness import Randomness, SystemRandomness
from tallystick.node.ports import Event, JobRecord
from tallystick.node.storage import chain
from tallystick.node.storage.rules import check_numbers, check_opening, check_under_way, merged, source_changed


class _Shown(NamedTuple):
    """A kept table; None once it was forgotten."""

    family: str
    table: bytes | None
    numbers: bytes
    agreement: str
    until: datetime


class MemoryStorage:
    """Implements `Storage`; durable as long as the process."""

    def __init__(self, randomness: Randomness | None = None) -> None:
        self._secret = (randomness or SystemRandomness()).take(32)
        self._lock = threading.Lock()
        self._agreements: dict[str, tuple[int, str]] = {}
        self._jobs: dict[str, JobRecord] = {}
        self._tables: dict[str, bytes] = {}
        self._shares: dict[tuple[str, int], bytes] = {}
        self._results: dict[tuple[str, int], bytes] = {}
        self._openings: dict[str, int] = {}
        self._shown: dict[tuple[str, int], _Shown] = {}
        self._events: list[Event] = []

    def secret(self) -> bytes:
        """Give the secret."""
        return self._secret

    def agreement_seen(self, name: str) -> tuple[int, str] | None:
        """Give version and digest of the newest accepted agreement of that name."""
        return self._agreements.get(name)

    def see_agreement(self, name: str, version: int, digest: str) -> None:
        """Remember an accepted agreement."""
        with self._lock:
            if version > self._agreements.get(name, (0, ""))[0]:
                self._agreements[name] = (version, digest)

    def job(self, job: str) -> JobRecord | None:
        """Give what is kept of a job."""
        return self._jobs.get(job)

    def jobs(self) -> Sequence[JobRecord]:
        """Give all jobs, oldest first."""
        return sorted(self._jobs.values(), key=lambda record: (record.seen, record.job))

    def save_job(self, record: JobRecord) -> JobRecord:
        """Keep a job."""
        with self._lock:
            self._jobs[record.job] = merged(self._jobs.get(record.job), record)
            return self._jobs[record.job]

    def change_job(self, job: str, change: Callable[[JobRecord], JobRecord]) -> JobRecord:
        """Change a job."""
        with self._lock:
            kept = self._jobs.get(job)
            if kept is None:
                raise Invalid("job-unknown", "no job of that name is known here")
            if not JobState(kept.state).final:
                self._jobs[job] = merged(kept, change(kept))
            return self._jobs[job]

    def pin_table(self, job: str, fingerprint: bytes) -> None:
        """Remember which table a job is answered from."""
        with self._lock:
            if any(kept == job for kept, _ in self._shares) and self._tables.get(job) != fingerprint:
                raise source_changed()
            self._tables[job] = fingerprint

    def keep_share(self, job: str, attempt: int, share: bytes) -> bytes:
        """Keep a share; give what was kept first."""
        with self._lock:
            check_under_way(self._jobs.get(job), attempt)
            return self._shares.setdefault((job, attempt), share)

    def share(self, job: str, attempt: int) -> bytes | None:
        """Give a kept share."""
        return self._shares.get((job, attempt))

    def keep_result(self, job: str, attempt: int, sealed: bytes) -> bytes:
        """Keep a sealed result; give what was kept first."""
        with self._lock:
            check_under_way(self._jobs.get(job), attempt)
            return self._results.setdefault((job, attempt), sealed)

    def result(self, job: str, attempt: int) -> bytes | None:
        """Give a kept result."""
        return self._results.get((job, attempt))

    def begin_opening(self, job: str, attempt: int) -> None:
        """Note that an attempt's shares are opened."""
        with self._lock:
            check_under_way(self._jobs.get(job), attempt)
            check_opening(self._openings.get(job), attempt)
            self._openings[job] = attempt

    def opening(self, job: str) -> int | None:
        """Give the attempt whose shares were opened."""
        return self._openings.get(job)

    def keep_table(
        self, job: str, attempt: int, family: str, table: bytes, *, numbers: bytes, agreement: str, until: datetime
    ) -> None:
        """Keep what an attempt's result shows."""
        with self._lock:
            for (other, _), one in self._shown.items():
                if other == job:
                    check_numbers(one.numbers, numbers)
            self._shown[job, attempt] = _Shown(family, table, numbers, agreement, until)

    def tables(self, family: str, *, but: str) -> Sequence[bytes | None]:
        """Give what was kept of a family."""
        with self._lock:
            return [one.table for (job, _), one in sorted(self._shown.items()) if one.family == family and job != but]

    def extend_tables(self, agreement: str, until: datetime) -> None:
        """Keep tables longer."""
        with self._lock:
            for place, one in self._shown.items():
                if one.agreement == agreement:
                    self._shown[place] = one._replace(until=max(one.until, until))

    def tables_due(self, now: datetime) -> Sequence[tuple[str, str]]:
        """Give the tables whose time is over."""
        with self._lock:
            due = {(job, one.agreement) for (job, _), one in self._shown.items() if one.until <= now and one.table is not None}
        return sorted(due)

    def forget_table(self, job: str) -> None:
        """Delete a table."""
        with self._lock:
            for place, one in self._shown.items():
                if place[0] == job:
                    self._shown[place] = one._replace(table=None, numbers=b"")

    def log(self, event: str, now: datetime, job: str = "", **details: Json) -> Event:
        """Append to the log."""
        with self._lock:
            made = chain.following(self._events[-1] if self._events else None, event, now, job, details)
            self._events.append(made)
            return made

    def events(self, after: int = 0, limit: int = 1000) -> Sequence[Event]:
        """Give entries of the log."""
        before = self._events[after - 1].chain if 0 < after <= len(self._events) else chain.START
        return chain.checked(self._events[after : after + limit], after, before)

    def close(self) -> None:
        """Do nothing."""
