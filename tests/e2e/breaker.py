"""Breaks a network at random moments, and mends it: what a soak does to it, and counts of that."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.e2e.links import FINE, Weather
from tests.e2e.party import Party
from tests.e2e.replicas import ReplicaNetwork

WEATHERS: Final[Mapping[str, tuple[Weather, float, float]]] = {
    "slow": (Weather(delay=2.0, spread=1.0), 10.0, 30.0),
    "narrow": (Weather(rate=64 * 1024), 10.0, 30.0),
    "silent": (Weather(silent=True), 5.0, 45.0),
    "closed": (Weather(closed=True), 2.0, 20.0),
}
"""What a link may do, and for how many seconds at least and at most."""
CALM_S: Final = 15.0
"""So long at most is nothing broken after a storm, beyond the end of the jobs that were open in it."""
KILL: Final = ("kill",)
EVERY: Final = ("kill", "stop", "cut", "full", *WEATHERS)


@dataclass
class Told:
    """What was seen."""

    seed: int
    seconds: float = 0.0
    jobs: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    attempts: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    double: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    unclean: list[str] = field(default_factory=list)

    def faultless(self) -> bool:
        """Say whether nothing went wrong."""
        return not (self.wrong or self.lost or self.double or self.stuck or self.unclean)


class Breaker:
    """Breaks a network at random moments and mends it; in a thread of its own."""

    def __init__(
        self,
        network: ReplicaNetwork,
        draw: random.Random,
        faults: Sequence[str],
        gap: float,
        told: Told,
        storm: int,
        open_jobs: Callable[[], Collection[str]],
    ) -> None:
        self._network = network
        self._storm = storm
        self._open_jobs = open_jobs
        self._held_up: Collection[str] = ()
        self._draw = draw
        self._faults = faults
        self._gap = gap
        self._told = told
        self._undo: list[tuple[float, Callable[[], None]]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.failure: BaseException | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Break nothing any more; what is dead is still started again."""
        self._over.set()

    def _run(self) -> None:
        try:
            due = time.monotonic() + self._draw.expovariate(1 / self._gap) if self._faults else float("inf")
            while True:
                now = time.monotonic()
                for at, undo in [one for one in self._undo if one[0] <= now or self._over.is_set()]:
                    self._undo.remove((at, undo))
                    undo()
                if now >= due and not self._over.is_set() and not set(self._held_up) & set(self._open_jobs()):
                    self._break(self._draw.choice(self._faults))
                    due = time.monotonic() + self._draw.expovariate(1 / self._gap)
                    self._held_up = ()
                    if self._storm and self._told.faults.total() % self._storm == 0:
                        self._held_up = self._open_jobs()
                        due += self._draw.uniform(0.0, CALM_S)
                time.sleep(0.05)
        except BaseException as error:  # noqa: BLE001  # the caller raises it
            self.failure = error

    def _later(self, seconds: float, undo: Callable[[], None]) -> None:
        self._undo.append((time.monotonic() + seconds, undo))

    def _break(self, fault: str) -> None:
        alive = [party for party in self._network.parties.values() if party.alive]
        if not alive:
            return
        party = self._draw.choice(alive)
        match fault:
            case "kill":
                party.kill()
                self._told.kills[party.name] += 1
                self._later(self._draw.choice((0.0, 0.0, 0.5, 3.0)), lambda: _revive(party))
            case "stop":
                os.kill(party.pid, signal.SIGSTOP)
                self._later(self._draw.uniform(1.0, 25.0), lambda: _go_on(party))
            case "full":
                _limit(party, 0)
                self._later(self._draw.uniform(2.0, 10.0), lambda: _limit(party, resource.RLIM_INFINITY))
            case "cut":
                self._network.link.cut()
            case _:
                weather, least, most = WEATHERS[fault]
                self._network.link.weather = weather
                if weather.closed:
                    self._network.link.cut()
                self._later(self._draw.uniform(least, most), self._clear)
        self._told.faults[fault] += 1

    def _clear(self) -> None:
        self._network.link.weather = FINE


def _revive(party: Party) -> None:
    if not party.alive:
        party.deaths += 1
        party.start()


def _go_on(party: Party) -> None:
    if party.alive:
        os.kill(party.pid, signal.SIGCONT)


def _limit(party: Party, length: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        resource.prlimit(party.pid, resource.RLIMIT_FSIZE, (length, resource.RLIM_INFINITY))
