"""How far every party is, what keeps it for now, and when a job last moved: kept in memory, as it is said again and again."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from tallystick.core.clock import Clock
from tallystick.core.errors import Invalid
from tallystick.core.job.lifecycle import Phase
from tallystick.core.metrics import Counts

MAX_COUNT: Final = (1 << 63) - 1


@dataclass(frozen=True)
class Reported:
    """Counted work of one party in one phase, and when it was heard."""

    party: str
    phase: str
    done: int
    total: int
    heard: datetime


@dataclass(frozen=True)
class Trouble:
    """What keeps a party for now: a code of the catalogue, public words, and since when."""

    party: str
    code: str
    message: str
    hint: str
    since: datetime


@dataclass(frozen=True)
class PhaseTime:
    """A phase of an attempt, and when it began; it ends when the next begins."""

    attempt: int
    phase: str
    began: datetime


class ProgressBook:
    """The last report of every party in every phase of every unended job, its trouble, and what moved."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._reports: dict[bytes, dict[tuple[str, str], Reported]] = {}
        self._troubles: dict[bytes, dict[str, Trouble]] = {}
        self._moved: dict[bytes, datetime] = {}
        self._still: dict[bytes, datetime] = {}
        self._phases: dict[bytes, list[PhaseTime]] = {}
        self._sizes: dict[bytes, dict[str, int]] = {}
        self._changes = 0
        self.counts = Counts()

    def now(self) -> datetime:
        """Give the time by which all this is noted."""
        return self._clock.now()

    def report(self, job: bytes, party: str, phase: str, done: int, total: int) -> None:
        """Note a report; the party works, so nothing keeps it.

        Raises:
            Invalid: `protocol-broken`: no phase, or more done than there is.
        """
        if phase not in set(Phase) or not 0 <= done <= total <= MAX_COUNT:
            raise Invalid("protocol-broken", "a progress report makes no sense")
        now = self._clock.now()
        with self._lock:
            self._changes += 1
            self._reports.setdefault(job, {})[party, phase] = Reported(party, phase, done, total, now)
            self._moved[job] = now
            self._troubles.get(job, {}).pop(party, None)

    def keep(self, job: bytes, trouble: Trouble) -> bool:
        """Note what keeps a party, or with an empty code that nothing does any more; say whether that is news.

        The same trouble again keeps its beginning.
        """
        with self._lock:
            self._changes += 1
            held = self._troubles.setdefault(job, {})
            before = held.get(trouble.party)
            if not trouble.code:
                held.pop(trouble.party, None)
                return before is not None
            if before is not None and before.code == trouble.code:
                trouble = replace(trouble, since=before.since)
            held[trouble.party] = trouble
            return trouble != before

    def count_moves(self) -> int:
        """Give a number that grows with everything that is noted here."""
        with self._lock:
            return self._changes

    def troubles(self, job: bytes) -> Mapping[str, Trouble]:
        """Give what keeps a job's parties, by party."""
        with self._lock:
            return dict(self._troubles.get(job, {}))

    def move(self, job: bytes) -> None:
        """Note that something of a job moved: bytes of a message, say."""
        with self._lock:
            self._moved[job] = self._clock.now()

    def take_moved(self) -> dict[bytes, datetime]:
        """Give the jobs that moved since this was asked last, and when."""
        with self._lock:
            moved, self._moved = self._moved, {}
            return moved

    def mark_still(self, job: bytes, since: datetime | None) -> bool:
        """Note since when nothing of a job has moved, or None where it moves; say whether that is news."""
        with self._lock:
            before = self._still.pop(job, None)
            self._changes += before != since
            if since is not None:
                self._still[job] = since
            return before != since

    def still(self, job: bytes) -> datetime | None:
        """Give since when nothing of a job has moved, where that is longer than it should be."""
        with self._lock:
            return self._still.get(job)

    def enter(self, job: bytes, attempt: int, phase: str) -> tuple[str, float] | None:
        """Note the phase that a job is in; give the one before and its seconds where it is a new one."""
        now = self._clock.now()
        with self._lock:
            held = self._phases.setdefault(job, [])
            if held and (held[-1].attempt, held[-1].phase) == (attempt, phase):
                return None
            before = held[-1] if held else None
            self._changes += 1
            held.append(PhaseTime(attempt, phase, now))
        seconds = 0.0 if before is None else max(0.0, (now - before.began).total_seconds())
        if before is not None:
            self.counts.add("phase_seconds", before.phase, by=seconds)
            self.counts.add("phases", before.phase)
        return ("", 0.0) if before is None else (before.phase, seconds)

    def phases(self, job: bytes) -> tuple[PhaseTime, ...]:
        """Give the phases that a job went through since this process knows it."""
        with self._lock:
            return tuple(self._phases.get(job, ()))

    def size(self, job: bytes, sizes: Mapping[str, int]) -> None:
        """Note how many rows each owner's list has, padding and decoys among them."""
        with self._lock:
            self._changes += 1
            self._sizes[job] = dict(sizes)

    def sizes(self, job: bytes) -> Mapping[str, int]:
        """Give how many rows each owner's list has, once they are matched."""
        with self._lock:
            return dict(self._sizes.get(job, {}))

    def of(self, job: bytes) -> tuple[Reported, ...]:
        """Give a job's reports, by party and then by phase."""
        order = {phase: number for number, phase in enumerate(Phase)}
        with self._lock:
            reports = list(self._reports.get(job, {}).values())
        return tuple(sorted(reports, key=lambda report: (report.party, order[Phase(report.phase)])))

    def forget(self, job: bytes) -> None:
        """Drop what is known of a job."""
        with self._lock:
            for held in (self._reports, self._troubles, self._moved, self._still, self._phases, self._sizes):
                held.pop(job, None)
