"""A node's state in memory: for tests and rehearsals in one process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from tallystick.core.canonical import Json
from tallystick.core.job.lifecycle import JobState
from tallystick.crypto.randomness import Randomness, SystemRandomness
from tallystick.node.entries import Event, OwnHead, PeerHead
from tallystick.node.ports import KeptJob, Note
from tallystick.node.storage import chain
from tallystick.node.storage.heads import LogHeads
from tallystick.node.storage.memory_requests import MemoryRequests
from tallystick.node.storage.rules import check_change, check_numbers, check_opening, check_under_way, source_changed


class _Shown(NamedTuple):
    """A kept table; None once it was forgotten."""

    family: str
    table: bytes | None
    numbers: bytes
    agreement: str
    until: datetime


class MemoryNodeStorage(MemoryRequests):
    """Implements `NodeStorage`; durable as long as the process."""

    def __init__(self, randomness: Randomness | None = None) -> None:
        super().__init__()
        self._secret = (randomness or SystemRandomness()).take(32)
        self._agreements: dict[str, tuple[int, str]] = {}
        self._jobs: dict[str, KeptJob] = {}
        self._tables: dict[str, bytes] = {}
        self._shares: dict[tuple[str, int], bytes] = {}
        self._results: dict[tuple[str, int], bytes] = {}
        self._openings: dict[str, int] = {}
        self._shown: dict[tuple[str, int], _Shown] = {}
        self._events: list[Event] = []
        self._own = LogHeads()
        self._heads: list[PeerHead] = []

    def secret(self) -> bytes:
        """Give the secret."""
        return self._secret

    def newest_agreement(self, name: str) -> tuple[int, str] | None:
        """Find version and digest of the newest accepted agreement of that name."""
        return self._agreements.get(name)

    def see_agreement(self, name: str, version: int, digest: str) -> None:
        """Remember an accepted agreement."""
        if version > self._agreements.get(name, (0, ""))[0]:
            self._agreements[name] = (version, digest)

    def job(self, job: str) -> KeptJob | None:
        """Give what is kept of a job."""
        return self._jobs.get(job)

    def list_unended(self) -> Sequence[str]:
        """List the jobs that have not ended."""
        return [record.job for record in self._in_order() if not JobState(record.state).final]

    def awaiting(self, after: KeptJob | None = None, limit: int = 100) -> Sequence[KeptJob]:
        """Give jobs that wait for a decision."""
        place = ("", "") if after is None else _place(after)
        return [record for record in self._in_order() if record.awaits and _place(record) > place][:limit]

    def find_jobs(self, prefix: str, limit: int = 100) -> Sequence[str]:
        """Find the digests that begin so."""
        return sorted(job for job in self._jobs if job.startswith(prefix))[:limit]

    def list_versions(self, limit: int) -> Mapping[str, int]:
        """Give the newest jobs and their versions."""
        newest = list(reversed(self._in_order()))
        return {record.job: record.version for record in newest[:limit]}

    def count_jobs(self) -> Mapping[str, int]:
        """Count jobs by state."""
        return Counter(record.state for record in self._jobs.values())

    def add_job(self, record: KeptJob, note: Note | None = None) -> KeptJob:
        """Keep a new job."""
        if record.job not in self._jobs:
            self._write(replace(record, version=0), note)
        return self._jobs[record.job]

    def change_job(self, before: KeptJob, after: KeptJob, note: Note | None = None) -> KeptJob:
        """Change a job."""
        check_change(self._jobs.get(before.job), before, after)
        return self._write(replace(after, job=before.job, version=before.version + 1), note)

    def pin_table(self, job: str, fingerprint: bytes) -> None:
        """Remember which table a job is answered from."""
        if any(kept == job for kept, _ in self._shares) and self._tables.get(job) != fingerprint:
            raise source_changed()
        self._tables[job] = fingerprint

    def keep_share(self, job: str, attempt: int, share: bytes) -> bytes:
        """Keep a share; give what was kept first."""
        check_under_way(self._jobs.get(job), attempt)
        return self._shares.setdefault((job, attempt), share)

    def share(self, job: str, attempt: int) -> bytes | None:
        """Give a kept share."""
        return self._shares.get((job, attempt))

    def keep_result(self, job: str, attempt: int, sealed: bytes) -> bytes:
        """Keep a sealed result; give what was kept first."""
        check_under_way(self._jobs.get(job), attempt)
        return self._results.setdefault((job, attempt), sealed)

    def result(self, job: str, attempt: int) -> bytes | None:
        """Give a kept result."""
        return self._results.get((job, attempt))

    def begin_opening(self, job: str, attempt: int) -> None:
        """Note that an attempt's shares are opened."""
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
        for (other, _), one in self._shown.items():
            if other == job:
                check_numbers(one.numbers, numbers)
        self._shown[job, attempt] = _Shown(family, table, numbers, agreement, until)

    def tables(self, family: str, *, but: str) -> Sequence[bytes | None]:
        """Give what was kept of a family."""
        return [one.table for (job, _), one in sorted(self._shown.items()) if one.family == family and job != but]

    def extend_tables(self, agreement: str, until: datetime) -> None:
        """Keep tables longer."""
        for place, one in self._shown.items():
            if one.agreement == agreement:
                self._shown[place] = one._replace(until=max(one.until, until))

    def tables_due(self, now: datetime) -> Sequence[tuple[str, str]]:
        """Give the tables whose time is over."""
        due = {(job, one.agreement) for (job, _), one in self._shown.items() if one.until <= now and one.table is not None}
        return sorted(due)

    def forget_table(self, job: str) -> None:
        """Delete a table."""
        for place, one in self._shown.items():
            if place[0] == job:
                self._shown[place] = one._replace(table=None, numbers=b"")

    def log(self, event: str, now: datetime, job: str = "", **details: Json) -> Event:
        """Append to the log."""
        salt = SystemRandomness().take(chain.SALT_BYTES)
        made = chain.next_event(self._events[-1] if self._events else None, event, now, job, details, salt)
        self._events.append(made)
        return made

    def events(self, after: int = 0, limit: int = 1000) -> Sequence[Event]:
        """Give entries of the log."""
        before = self._events[after - 1].chain if 0 < after <= len(self._events) else chain.START
        return chain.check_chain(self._events[after : after + limit], after, before)

    def log_head(self) -> OwnHead:
        """Work out the head of the log."""
        return self._own.advance(self.events)

    def keep_head(self, head: PeerHead) -> bool:
        """Keep another agency's head."""
        same = [one for one in self._heads if (one.agency, one.size) == (head.agency, head.size)]
        if head.head not in {one.head for one in same}:
            self._heads.append(head)
        return all(one.head == head.head for one in same)

    def heads(self, after: int = 0, limit: int = 1000) -> Sequence[PeerHead]:
        """List others' heads."""
        return self._heads[after : after + limit]

    def find_head(self, agency: str) -> PeerHead | None:
        """Find an agency's last head."""
        return next((one for one in reversed(self._heads) if one.agency == agency), None)

    def find_restored(self) -> datetime | None:
        """Nothing is restored: memory ends with its process."""
        return None

    def close(self) -> None:
        """Do nothing."""

    def _in_order(self) -> list[KeptJob]:
        return sorted(self._jobs.values(), key=_place)

    def _write(self, record: KeptJob, note: Note | None) -> KeptJob:
        if note is not None:
            self.log(note.event, note.now, record.job, **note.details)
        self._jobs[record.job] = record
        return record


def _place(record: KeptJob) -> tuple[str, str]:
    return record.seen.isoformat(), record.job
