"""Who may work on which job, and on how many at once: a lock for each job, and seats for sessions.

The coordinator begins no more jobs than a node takes; should it all the same, they wait here, the oldest first.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field


@dataclass
class JobLocks:
    """A lock for each job, which lasts as long as somebody wants it."""

    _held: dict[str, tuple[asyncio.Lock, int]] = field(default_factory=dict)

    @contextlib.asynccontextmanager
    async def hold(self, job: str) -> AsyncIterator[None]:
        """Hold a job's lock."""
        lock, users = self._held.get(job, (asyncio.Lock(), 0))
        self._held[job] = lock, users + 1
        try:
            async with lock:
                yield
        finally:
            lock, users = self._held.pop(job)
            if users > 1:
                self._held[job] = lock, users - 1

    def __len__(self) -> int:
        """Count the jobs whose lock somebody wants."""
        return len(self._held)


@dataclass
class Seats:
    """Sessions at once, and the jobs that wait for a seat.

    Attributes:
        most: seats.
        look: has a job looked at again whose seat is free.
    """

    most: int
    look: Callable[[bytes], None] = lambda _: None
    _waiting: dict[str, tuple[int, str]] = field(default_factory=dict)

    def wait(self, job: str, submitted: int) -> None:
        """Let a job wait; the one that was submitted first is called first."""
        self._waiting[job] = submitted, job

    def leave(self, job: str) -> None:
        """Let a job wait no longer."""
        self._waiting.pop(job, None)

    def waits(self, job: str) -> bool:
        """Say whether a job waits."""
        return job in self._waiting

    def call_next(self, taken: int) -> None:
        """Have the next job looked at, where a seat is free."""
        if self._waiting and taken < self.most:
            job = min(self._waiting, key=self._waiting.__getitem__)
            del self._waiting[job]
            self.look(bytes.fromhex(job))
