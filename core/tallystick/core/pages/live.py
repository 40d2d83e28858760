"""Tells open pages that something changed: one look at the source for all of them, however many are open, and none while none is."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from typing import Final

from tallystick.core.errors import NotReady, TallyError

LOOK_S: Final = 2.0
BEAT_S: Final = 15.0
MOST_STREAMS: Final = 100


class Live:
    """Counts changes of what the pages show. All of it is of one event loop."""

    def __init__(self, look: Callable[[], Awaitable[Hashable]], look_s: float = LOOK_S) -> None:
        """Take what gives a value that differs whenever the pages would, and how often it is asked."""
        self._look = look
        self._look_s = look_s
        self._streams = 0
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Condition()
        self.count = 0

    async def follow(self, is_open: Callable[[], bool]) -> AsyncIterator[str]:
        """Give the events of one page's stream, until its session ends.

        Args:
            is_open: tells whether the session still counts.

        Raises:
            NotReady: `busy`: too many pages are open.
        """
        if self._streams >= MOST_STREAMS:
            raise NotReady("busy", "too many pages are open", hint="close some")
        self._streams += 1
        if self._task is None:
            self._task = asyncio.create_task(self._looking())
        told = self.count
        try:
            yield "retry: 5000\n\n"
            while is_open():
                if self.count == told:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(BEAT_S), self._changed:
                            await self._changed.wait()
                if self.count != told:
                    told = self.count
                    yield f"event: change\ndata: {told}\n\n"
                else:
                    yield ": open\n\n"
            yield "event: over\ndata: 0\n\n"
        finally:
            self._streams -= 1
            if not self._streams and self._task is not None:
                self._task.cancel()
                self._task = None

    async def _looking(self) -> None:
        before: Hashable = None
        while True:
            with contextlib.suppress(TallyError):  # a database that is away: the next look may find it
                now = await self._look()
                if before is not None and now != before:
                    self.count += 1
                    async with self._changed:
                        self._changed.notify_all()
                before = now
            await asyncio.sleep(self._look_s)
