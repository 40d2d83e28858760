"""How far a session is, told to the coordinator; and that it works, while it does: else nobody could tell work from silence (S-49)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog

from tallystick.core.errors import TallyError
from tallystick.node.surroundings import Surroundings
from tallystick.node.view_builders import TIME
from tallystick.node.views import SessionStatus
from tallystick.v1.types_pb2 import Progress

T = TypeVar("T")

_LOG: Final = structlog.get_logger("node")
REPORT_SECONDS: Final = 1.0
WORKS_SECONDS: Final = 10.0
"""How often the coordinator hears of a party that works though nothing was counted since."""


class Telling:
    """What one session tells of itself. `count` is called in threads, the rest on the event loop."""

    def __init__(self, around: Surroundings, job: bytes, attempt: int, starves: Callable[[], bool]) -> None:
        """Take whom to tell, about what, and how to see whether the session waits for bytes of others."""
        self._around = around
        self._job = job
        self._attempt = attempt
        self._starves = starves
        self.counted = ("derive", 0, 0)
        self._since = self._began = around.clock.now()
        self._seconds: dict[str, float] = {}
        self._steps = 0

    def count(self, phase: str, done: int, total: int) -> None:
        """Note how far we are."""
        if phase != self.counted[0]:
            before, seconds = self.counted[0], self._end_phase()
            self._around.counts.add("phases", before)
            self._around.counts.add("phase_seconds", before, by=seconds)
            _LOG.info(
                "phase", job=self._job.hex()[:12], attempt=self._attempt, phase=phase, before=before, seconds=round(seconds, 1)
            )
        self.counted = (phase, done, total)

    def _end_phase(self) -> float:
        now, phase = self._around.clock.now(), self.counted[0]
        seconds = (now - self._began).total_seconds()
        self._seconds[phase] = self._seconds.get(phase, 0.0) + seconds
        self._began = now
        return seconds

    def _phases(self) -> dict[str, int]:
        """Give how many seconds each phase took so far."""
        self._end_phase()
        return {phase: max(0, round(seconds)) for phase, seconds in self._seconds.items()}

    async def work(self, work: Awaitable[T]) -> T:
        """Wait for work of this agency."""
        self._steps += 1
        try:
            return await work
        finally:
            self._steps -= 1

    @property
    def works(self) -> bool:
        """Whether this agency is at work, and not waiting for bytes of another."""
        return self._steps > 0 and not self._starves()

    def status(self, sent: int, received: int) -> SessionStatus:
        """Say how far the session is, which has sent and received so many bytes of messages."""
        phase, done, total = self.counted
        return SessionStatus(
            job=self._job.hex(),
            attempt=self._attempt,
            phase=phase,
            done=done,
            total=total,
            since=self._since.strftime(TIME),
            works=self.works,
            phases=self._phases(),
            sent=sent,
            received=received,
        )

    async def attend(self) -> None:
        """Tell the coordinator how far we are, when that changes and while we work; that it hears is not needed."""
        loop = asyncio.get_running_loop()
        told, at = None, 0.0
        while True:
            if self.counted != told or (self.works and loop.time() - at >= WORKS_SECONDS):
                told, at = self.counted, loop.time()
                phase, done, total = told
                progress = Progress(party=self._around.agency, phase=phase, done=done, total=total)
                with contextlib.suppress(TallyError):
                    await self._around.coordinator.report_progress(self._job, self._attempt, progress)
            await asyncio.sleep(REPORT_SECONDS)
