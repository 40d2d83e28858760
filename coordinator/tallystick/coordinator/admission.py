"""Which jobs run: as many at once as the network and each node take, in an order that is fair to analysts.

Rules that this file enforces:

1. A job that everybody allowed begins only while fewer run than the network's bound, and fewer than each of its participants' nodes takes.
2. The order goes in turns over analysts: the first waiting job of each comes before the second of any, and what an analyst has running
   counts as turns taken. In one turn, the analyst is first of whom a job began longest ago, then who asked earlier. So no job waits for
   ever behind another analyst's.
3. A job whose turn it is and that a full node keeps back holds its places at the others: jobs behind it do not take them away.
4. A job of a participant whose node is gone lets others pass until the node is back; who was never here counts as coming.

Who runs is read from the rows, so replicas and restarts agree. Who waits is what this process's driver found to be allowed, and of whom a
job began last is what this process began: after a restart, turns begin anew.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tallystick.coordinator.ports import CoordinatorStorage
from tallystick.coordinator.records import JobRecord
from tallystick.core.job.lifecycle import JobState

GONE: Final = timedelta(seconds=20)
"""A node that was connected and has not been for so long is gone."""


@dataclass(frozen=True)
class WaitingJob:
    """A job that waits for its turn: whose it is, who takes part, and since when it is known."""

    job: bytes
    analyst: str
    participants: tuple[str, ...]
    submitted: datetime


@dataclass(frozen=True)
class Place:
    """A job's place among those that wait, from 1, and how many wait."""

    place: int
    waiting: int


def order_candidates(
    waiting: Iterable[WaitingJob], running: Mapping[str, int], begun: Mapping[str, int] | None = None
) -> list[WaitingJob]:
    """Put jobs that wait into their order (rule 2); a pure function.

    Args:
        waiting: each once.
        running: how many jobs of each analyst run.
        begun: a number for each analyst of whom a job began, the greater the later.
    """
    begun = begun or {}
    by_age = sorted(waiting, key=lambda one: (one.submitted, one.job))
    taken = Counter(running)
    turns: list[tuple[int, int, int, WaitingJob]] = []
    for age, one in enumerate(by_age):
        turns.append((taken[one.analyst], begun.get(one.analyst, 0), age, one))
        taken[one.analyst] += 1
    return [one for *_, one in sorted(turns, key=lambda turn: turn[:3])]


def choose_startable(
    ordered: Sequence[WaitingJob], *, room: int, busy: Mapping[str, int], takes: Mapping[str, int], gone: Collection[str]
) -> list[WaitingJob]:
    """Choose which jobs may begin now (rules 1, 3 and 4); a pure function.

    Args:
        ordered: those that wait, in their order.
        room: how many more may run in the network.
        busy: how many jobs run, or are about to, at each node.
        takes: how many each node takes; one that is not there has no bound.
        gone: nodes that were connected and are not.
    """
    places = Counter(busy)
    chosen: list[WaitingJob] = []
    for one in ordered:
        if len(chosen) >= room:
            break
        if any(name in gone for name in one.participants):
            continue
        fits = all(places[name] < takes.get(name, places[name] + 1) for name in one.participants)
        for name in one.participants:
            places[name] += 1
        if fits:
            chosen.append(one)
    return chosen


class Admission:
    """See the module's rules. Methods may be called from any thread."""

    def __init__(self, storage: CoordinatorStorage, most: int) -> None:
        """Take where rows are, and how many jobs run in the network at once."""
        self._storage = storage
        self._most = most
        self._lock = threading.RLock()
        self._waiting: dict[bytes, WaitingJob] = {}
        self._participants: dict[bytes, tuple[str, ...]] = {}
        self._told: dict[str, int] = {}
        self._order: tuple[bytes, ...] = ()
        self._begun: dict[str, int] = {}
        self._count = 0

    @property
    def most(self) -> int:
        """How many jobs run in the network at once."""
        return self._most

    def tell_bound(self, party: str, jobs: int) -> None:
        """Note how many jobs a node takes at once; 0 says nothing."""
        with self._lock:
            if jobs > 0 and self._told.get(party) != jobs:
                self._storage.note_bound(party, jobs)
                self._told[party] = jobs

    @contextmanager
    def turn(self, record: JobRecord, participants: tuple[str, ...], now: datetime) -> Iterator[bool]:
        """Say whether a job that everybody allowed may begin now; if not, it waits. What begins it is done inside the context."""
        with self._lock:
            self._participants[record.job] = participants
            self._waiting[record.job] = WaitingJob(record.job, record.analyst, participants, record.submitted)
            may = any(one.job == record.job for one in self._startable(now))
            yield may
            if may:
                self._waiting.pop(record.job, None)
                self._count += 1
                self._begun[record.analyst] = self._count

    def note(self, job: bytes, participants: tuple[str, ...]) -> None:
        """Note who takes part in a job that does not wait for its turn: it runs, or an approval of it is not there."""
        with self._lock:
            self._participants[job] = participants
            self._waiting.pop(job, None)

    def forget(self, job: bytes) -> None:
        """Let go of a job that ended."""
        with self._lock:
            self._waiting.pop(job, None)
            self._participants.pop(job, None)

    def startable(self, now: datetime) -> list[bytes]:
        """Give the jobs whose turn has come."""
        with self._lock:
            return [one.job for one in self._startable(now)] if self._waiting else []

    def place(self, job: bytes) -> Place | None:
        """Give a job's place, as the order was when it was worked out last; None where it does not wait."""
        with self._lock:
            if job not in self._waiting:
                return None
            order = [one for one in self._order if one in self._waiting]
            return Place(order.index(job) + 1 if job in order else len(order) + 1, len(self._waiting))

    def places(self) -> tuple[bytes, ...]:
        """Give the jobs that wait, in order."""
        with self._lock:
            return tuple(one for one in self._order if one in self._waiting)

    def _startable(self, now: datetime) -> list[WaitingJob]:
        running = [record for record in self._storage.jobs(ended=False) if record.state == JobState.RUNNING]
        ordered = order_candidates(self._waiting.values(), Counter(record.analyst for record in running), self._begun)
        self._order = tuple(one.job for one in ordered)
        busy = Counter(name for record in running for name in self._participants.get(record.job, ()))
        gone = {party for party, at in self._storage.connection_times().items() if now - at > GONE}
        return choose_startable(
            ordered, room=self._most - len(running), busy=busy, takes=self._storage.list_bounds(), gone=gone
        )
