"""How far every party is: kept in memory, as it is counted work and is said again."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tallystick.core.clock import Clock
from tallystick.core.errors import Invalid
from tallystick.core.job.lifecycle import Phase

MAX_COUNT: Final = (1 << 63) - 1


@dataclass(frozen=True)
class Reported:
    """Counted work of one party in one phase, and when it was heard."""

    party: str
    phase: str
    done: int
    total: int
    heard: datetime


class ProgressBook:
    """The last report of every party in every phase of every unended job."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._reports: dict[bytes, dict[tuple[str, str], Reported]] = {}

    def report(self, job: bytes, party: str, phase: str, done: int, total: int) -> None:
        """Note a report.

        Raises:
            Invalid: `protocol-broken`: no phase, or more done than there is.
        """
        if phase not in set(Phase) or not 0 <= done <= total <= MAX_COUNT:
            raise Invalid("protocol-broken", "a progress report makes no sense")
        with self._lock:
            self._reports.setdefault(job, {})[party, phase] = Reported(party, phase, done, total, self._clock.now())

    def of(self, job: bytes) -> tuple[Reported, ...]:
        """Give a job's reports, by party and then by phase."""
        order = {phase: number for number, phase in enumerate(Phase)}
        with self._lock:
            reports = list(self._reports.get(job, {}).values())
        return tuple(sorted(reports, key=lambda report: (report.party, order[Phase(report.phase)])))

    def forget(self, job: bytes) -> None:
        """Drop a job's reports."""
        with self._lock:
            self._reports.pop(job, None)
