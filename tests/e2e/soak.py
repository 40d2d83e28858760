"""Jobs without end through a network that is broken all the time: two coordinators on one PostgreSQL, two agencies, and faults at random.

A thread breaks and mends; the caller's thread asks, and looks at what becomes of each job. What is counted as wrong:

- a released result that is not the answer in the clear, or that rests on shares other than those the nodes keep;
- a job that was released twice, or whose end or result is another one when it is looked at again after everything;
- a job that was taken in and is not known later;
- a job that has not ended long after the faults stopped.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Final, TypeVar

from tallystick.client.results import Result
from tallystick.client.sdk import Client
from tallystick.client.views import JobProgress
from tallystick.core.agreement.model import Agreement
from tallystick.core.errors import NotReady, Refused, TallyError
from tallystick.core.released import Released
from tallystick.crypto.statistic.shares import evidence_of
from tests.e2e.breaker import Breaker, Told
from tests.e2e.records import question, sorted_rows
from tests.e2e.replicas import ReplicaNetwork

T = TypeVar("T")

LIMITS: Final[Mapping[str, int]] = {"stalled_seconds": 60, "absent_seconds": 60}
"""A job that does not move begins again after a minute rather than five."""
SETTLED_S: Final = 600.0
"""So long may jobs take that are open when the faults stop."""
LOOK_S: Final = 0.5
CLEAN: Final = frozenset({"party-restarted", "attempts-used", "attempt-opened", "stalled", "disk", "unavailable"})
"""Codes with which a job may end without a result while parties are killed, stopped, cut off and out of room."""


class Soak:
    """Asks job after job, a few at a time, and looks at what becomes of them."""

    def __init__(
        self,
        network: ReplicaNetwork,
        faults: Sequence[str],
        *,
        gap: float,
        seed: int,
        at_once: int = 3,
        fresh: float = 0.0,
        storm: int = 0,
    ) -> None:
        """Take a running network.

        Args:
            network: it is closed by whoever made it.
            faults: which, of `EVERY`.
            gap: seconds between two faults, on average.
            seed: of all that is drawn.
            at_once: open jobs.
            storm: so many faults come in a row, then none until the jobs that are open have ended; 0 for faults all the time.
            fresh: after so many seconds the analyst's connection is made anew, with a new certificate; 0 for never.
        """
        self.told = Told(seed)
        self._network = network
        self._breaker = Breaker(network, random.Random(seed), faults, gap, self.told, storm, lambda: frozenset(self._open))
        self._at_once = at_once
        self._fresh = fresh
        self._client: Client = network.client
        self._made = time.monotonic()
        self._unsent: list[str] = []
        self._open: set[str] = set()
        self._ended: dict[str, JobProgress] = {}
        self._results: dict[str, str] = {}
        self._answer = sorted_rows(network.records.expected(question(), network.document.read(Agreement)))

    def run(self, over: Callable[[Told], bool], say: Callable[[str], None] = lambda _: None) -> Told:
        """Go on until it is over, let what is open end, and look at everything once more."""
        began = time.monotonic()
        said = began
        self._breaker.start()
        while not over(self.told):
            self._step(asks=True)
            self.told.seconds = time.monotonic() - began
            if time.monotonic() - said > 30:
                said = time.monotonic()
                say(f"{self.told.seconds:.0f} s: {self.told}")
        self._breaker.stop()
        end = time.monotonic() + SETTLED_S
        while (self._open or self._unsent or len(self._results) < self._released) and time.monotonic() < end:
            self._step(asks=False)
        self.told.stuck = [*self._unsent, *sorted(self._open)]
        self._look_again()
        return self.told

    @property
    def _released(self) -> int:
        return sum(view.state == "released" for view in self._ended.values())

    def _step(self, *, asks: bool) -> None:
        if self._breaker.failure is not None:
            raise self._breaker.failure
        if self._fresh and time.monotonic() - self._made > self._fresh:
            self._renew()
        try:
            self._network.note_shares()
            while asks and len(self._open) + len(self._unsent) < self._at_once:
                self._ask()
            for job in list(self._unsent):
                self._client.resubmit(job)
                self._unsent.remove(job)
                self._open.add(job)
            for job in sorted(self._open):
                self._look(job)
            for job, view in self._ended.items():
                if view.state == "released" and job not in self._results:
                    self._check(view)
        except NotReady:
            pass
        time.sleep(LOOK_S)

    def _renew(self) -> None:
        """Connect anew, with a new certificate."""
        with contextlib.suppress(NotReady):
            self._client.profile.membership.renew(self._client.network.address)
        client = Client(self._client.profile)
        if self._client is not self._network.client:
            self._client.close()
        self._client, self._made = client, time.monotonic()

    def _ask(self) -> None:
        before = set(self._client.profile.jobs())
        self.told.jobs += 1
        asked = question(f"job {self.told.jobs}")
        try:
            self._open.add(self._client.submit(asked, self._network.document, deadline=timedelta(hours=6)))
        except NotReady:
            (job,) = set(self._client.profile.jobs()) - before
            self._unsent.append(job)
            raise

    def _look(self, job: str) -> None:
        try:
            view = self._client.show(job)
        except Refused as error:
            if error.code != "job-unknown":
                raise
            self.told.lost.append(job)
            self._open.discard(job)
            return
        if not view.over:
            return
        self._open.discard(job)
        self._ended[job] = view
        self.told.ends[view.state] += 1
        self.told.attempts[view.attempt] += 1
        codes = sorted({reason.code for reason in view.reasons})
        if view.state != "released":
            self.told.codes[", ".join(codes)] += 1
            if view.state != "failed" or not codes or not set(codes) <= CLEAN:
                self.told.unclean.append(f"{job[:12]}: {view.state}, {codes}, {[reason.message for reason in view.reasons]}")

    def _check(self, view: JobProgress) -> None:
        """Check a released result: the numbers, the shares under them, and that it was released once."""
        result = self._client.result(view.job)
        self._results[view.job] = result.document.digest
        if sorted_rows(result.rows) != self._answer or not self._rests_on_shares(result):
            self.told.wrong.append(view.job)
        releases = [step for step in view.timeline if step.what == "release"]  # the desk's message, and what came of it
        if len(releases) != 2 or {step.attempt for step in releases} != {view.attempt}:
            self.told.double.append(view.job)

    def _rests_on_shares(self, result: Result) -> bool:
        released = result.document.read(Released)
        self._network.note_shares()
        for agency, evidence in released.shares.items():
            kept = self._network.seen_shares.get((agency, result.job, released.attempt))
            if kept is None:
                return False
            statement, signature = evidence_of(kept, sender=agency)
            if (evidence.statement, evidence.signature) != (statement.hex(), signature.hex()):
                return False
        return True

    def _look_again(self) -> None:
        """See that every job ended as it did, and that every result is what it was."""
        for job, before in self._ended.items():
            view = self._patiently(partial(self._client.show, job))
            if view is None or view.state != before.state:
                self.told.lost.append(job)
            if before.state == "released" and job in self._results:
                result = self._patiently(partial(self._client.result, job))
                if result is None or result.document.digest != self._results[job]:
                    self.told.double.append(job)

    def _patiently(self, call: Callable[[], T]) -> T | None:
        for _ in range(60):
            try:
                return call()
            except NotReady:
                time.sleep(1.0)
            except TallyError:
                return None
        return None
