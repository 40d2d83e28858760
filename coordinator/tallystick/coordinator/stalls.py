"""Jobs that run and do not move: named within a minute, begun again, and ended with their cause (S-49).

A job moves when a row of it changes, when a party says that it works, or when bytes of a message of it come or go. Whether a party
works is that party's word: a node says so while it computes, not while it waits for others.

Rules that this file enforces:

1. A running job that has not moved for `NAMED` is shown as still, with who is waited for and what keeps them.
2. After the configured time it begins its next attempt, three at most, and then fails; the failure names who was waited for, and why where
   that is known. A party that is not connected is waited for longer.
3. A clock that jumps, or a machine that slept, makes no job still.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

import structlog

from tallystick.coordinator.config import Limits
from tallystick.coordinator.jobs import Jobs
from tallystick.coordinator.ports import CoordinatorStorage
from tallystick.coordinator.progress import Trouble
from tallystick.coordinator.records import FailureRecord, JobRecord
from tallystick.coordinator.waiting import Silent, silent
from tallystick.core.agreement.check import COORDINATOR
from tallystick.core.errors import Refused
from tallystick.core.job.lifecycle import JobState

NAMED: Final = timedelta(seconds=45)
JUMP: Final = timedelta(seconds=30)
"""Between two looks; they are two seconds apart."""


class Stalls:
    """See the module's rules. One thread at a time calls it."""

    def __init__(
        self, jobs: Jobs, storage: CoordinatorStorage, limits: Limits, connected: Callable[[], Collection[str]]
    ) -> None:
        """Take where rows are, the limits, and who is connected to this process."""
        self._jobs = jobs
        self._storage = storage
        self._stalled = timedelta(seconds=limits.stalled_seconds)
        self._absent = timedelta(seconds=limits.absent_seconds)
        self._connected = connected
        self._seen: dict[bytes, tuple[int, datetime]] = {}
        self._last: datetime | None = None
        self._log = structlog.get_logger("stalls")

    def look(self, busy: Collection[bytes] = ()) -> list[JobRecord]:
        """Look at every running job; give those of which something new is to be shown.

        Args:
            busy: jobs at which the coordinator itself is at work.
        """
        book, now = self._jobs.progress, self._jobs.now()
        moved = book.take_moved()
        running = [record for record in self._storage.jobs(ended=False) if record.state == JobState.RUNNING]
        here = {record.job for record in running}
        if moved := {job: at for job, at in moved.items() if job in here}:
            self._storage.note_moved(moved)
        signs = self._storage.list_movements()  # of every replica
        jumped = self._last is not None and abs(now - self._last) > JUMP
        self._last = now
        self._seen = {one.job: self._sign(one, signs, now, fresh=jumped or one.job in busy) for one in running}
        shown = []
        for record in running:
            since = self._seen[record.job][1]
            idle = now - since
            if book.mark_still(record.job, since if idle >= NAMED else None):
                shown.append(record)
            if idle >= self._stalled:
                self._give_up(record, idle)
        return shown

    def _sign(self, record: JobRecord, signs: Mapping[bytes, datetime], now: datetime, *, fresh: bool) -> tuple[int, datetime]:
        """Give the row's version and when the job moved last."""
        version, at = self._seen.get(record.job, (0, now))
        if fresh or version != record.version:
            return record.version, now
        return version, max(at, signs.get(record.job, at))

    def _give_up(self, record: JobRecord, idle: timedelta) -> None:
        """Begin another attempt, or end the job."""
        waited = self._list_silent(record)
        here = self._connected()
        absent = [one for one in waited if one.party not in here and one.party != COORDINATOR]
        if absent and idle < self._absent:
            return
        troubles = self._jobs.progress.troubles(record.job)
        failure = build_stall(record, absent or waited, troubles, idle, absent=bool(absent))
        self._log.warning(
            "stalled", job=record.job.hex(), attempt=record.attempt, party=failure.party, seconds=int(idle.total_seconds())
        )
        self._seen.pop(record.job, None)
        self._jobs.give_up(record, failure)

    def _list_silent(self, record: JobRecord) -> tuple[Silent, ...]:
        try:
            contract = self._jobs.contract(record)
        except Refused:  # its agreement's file is gone
            return (Silent(COORDINATOR, "agreement"),)
        complete = {m.name.ref for m in self._storage.messages(record.job) if m.name.attempt == record.attempt}
        return silent(contract, record, self._storage.deposits(record.job), complete)


def build_stall(
    record: JobRecord, waited: Collection[Silent], troubles: Mapping[str, Trouble], idle: timedelta, *, absent: bool
) -> FailureRecord:
    """Give the failure of a job that does not move: the party that is waited for, and what keeps it; a pure function."""
    chosen = next((one for one in waited if one.party in troubles), next(iter(waited), Silent(COORDINATOR, "anything")))
    trouble = troubles.get(chosen.party) or next(iter(troubles.values()), None)
    party = trouble.party if trouble is not None else chosen.party
    why = f": {trouble.message}" if trouble is not None else ": its node is not connected" if absent else ""
    minutes = max(1, round(idle.total_seconds() / 60))
    return FailureRecord(
        record.attempt,
        party,
        "stalled",
        f"nothing of the job moved for {minutes} min; {chosen.party} was waited for ({chosen.for_what}){why}",
        (trouble.hint if trouble is not None else "") or f"see the log of {party} and its connection to the coordinator",
        retry=True,
    )
