"""One message on its way through a file: written at one end while it is read at the other.

So a list is uploaded while it is still being masked, and masked while it still arrives. What is in the file is sealed. It belongs to one
attempt of one process, so nothing here waits for the disk: after a kill or a power cut the attempt is another one.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from tallystick.core.net.spoolfile import SpoolFile
from tallystick.v1.types_pb2 import Envelope


class Passage:
    """See the module's text. Every method may be called in any thread."""

    def __init__(self, path: Path) -> None:
        """Begin with an empty file, in a folder that is there."""
        path.unlink(missing_ok=True)
        self._path = path
        self._spool = SpoolFile(path, durable=False)
        self._changed = threading.Condition()
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
        self._error: BaseException | None = None
        self.starving = False
        """Whether its reader waits for an envelope that is not here."""

    @property
    def bytes(self) -> int:
        """How long its file is."""
        return self._spool.bytes

    @property
    def count(self) -> int:
        """How many envelopes are held."""
        return self._spool.count

    @property
    def ended(self) -> bool:
        """Whether the message's last envelope is held."""
        return self._spool.ended

    def append(self, envelope: Envelope) -> None:
        """Add the next envelope.

        Raises:
            Broken: `protocol-broken`: not the next one, or after the last. What `fail` was told.
        """
        with self._changed:
            if self._error is not None:
                raise self._error
            self._spool.append(envelope)
            self._wake()

    def fail(self, error: BaseException) -> None:
        """Let both ends hear that the message will never be whole; the first error counts."""
        with self._changed:
            self._error = self._error or error
            self._wake()

    def close(self) -> None:
        """Remove the file. Nobody may use the passage any more, but to hear what `fail` was told."""
        with self._changed:
            self._spool.close()
            self._path.unlink(missing_ok=True)

    def envelopes(self) -> Iterator[Envelope]:
        """Give all envelopes as they come; blocks in between.

        Raises:
            What `fail` was told.
        """
        place = 0
        while True:
            with self._changed:
                while not self._is_known(place):
                    self.starving = True
                    self._changed.wait()
                self.starving = False
                envelope = self._take(place)
            if envelope is None:
                return
            yield envelope
            place += 1

    async def follow(self, start: int) -> AsyncIterator[Envelope]:
        """Give the envelopes from number `start` on as they come.

        Raises:
            What `fail` was told.
        """
        place = start
        while True:
            await self._arrival(place)
            envelope = await asyncio.to_thread(self._take_locked, place)
            if envelope is None:
                return
            yield envelope
            place += 1

    async def _arrival(self, place: int) -> None:
        """Return when it is known whether there is an envelope of that number."""
        event = asyncio.Event()
        entry = (asyncio.get_running_loop(), event)
        with self._changed:
            if self._is_known(place):
                return
            self._waiting.append(entry)
        try:
            while not self._is_known(place):
                await event.wait()
                event.clear()
        finally:
            with self._changed:
                self._waiting.remove(entry)

    def _is_known(self, place: int) -> bool:
        return self._error is not None or place < self._spool.count or self._spool.ended

    def _take_locked(self, place: int) -> Envelope | None:
        with self._changed:
            return self._take(place)

    def _take(self, place: int) -> Envelope | None:
        if self._error is not None:
            raise self._error
        return self._spool.read_envelope(place) if place < self._spool.count else None

    def _wake(self) -> None:
        self._changed.notify_all()
        for loop, event in self._waiting:
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)
