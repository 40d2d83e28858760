"""Messages between a session and the coordinator: sealed envelopes in files, moved for as long as it takes.

What lies in the files is sealed: outbound to somebody else, inbound to a key that lives in memory only. A link that is down is tried
again for ever; what ends a session is the job's end.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import structlog

from tallystick.core.errors import NotReady
from tallystick.core.net.chunks import MessageName, opened_chunks, sealed_envelopes
from tallystick.core.net.spoolfile import read_spool, write_spool
from tallystick.crypto.envelope import SealingKey
from tallystick.crypto.machine import Message, Ref
from tallystick.node.ports import Link

T = TypeVar("T")

FIRST_WAIT: Final = 0.5
LONGEST_WAIT: Final = 30.0
_LOG: Final = structlog.get_logger("node")


async def persistent(call: Callable[[], Awaitable[T]], *, first_wait: float = FIRST_WAIT) -> T:
    """Call until the coordinator answers, waiting longer each time.

    Raises:
        TallyError: an answer that is no.
    """
    wait = first_wait
    while True:
        try:
            return await call()
        except NotReady as error:
            _LOG.info("unreachable", code=error.code, wait=wait)
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)


@dataclass
class Courier:
    """Carries the messages of one attempt.

    Attributes:
        sealing_keys: whom messages can be sealed to: the hellos' keys and the coordinator's.
        identity_keys: whose messages can be verified: the keys that the agreement pins.
        key: this attempt's own sealing key.
        private: this agency's identity key.
        folder: for the files; removed by `drop`.
    """

    link: Link
    job: bytes
    attempt: int
    sealing_keys: Mapping[str, bytes] = field(repr=False)
    identity_keys: Mapping[str, bytes] = field(repr=False)
    key: SealingKey = field(repr=False)
    private: bytes = field(repr=False)
    folder: Path
    dropped: bool = False

    def name(self, ref: Ref) -> MessageName:
        """Name a message of this attempt."""
        return MessageName(self.job, self.attempt, ref)

    async def fetched(self, ref: Ref) -> Message:
        """Download a message that the coordinator holds; its chunks are verified and opened as they are read."""
        path = self._path("in", ref)
        await persistent(lambda: self.link.get(self.name(ref), path))
        return Message(ref, self._opened(ref, path))

    def spooled(self, ref: Ref, chunks: Iterable[bytes], path: Path | None = None) -> Path:
        """Seal a message into a file, chunk by chunk. Blocks."""
        target = path or self._path("out", ref)
        envelopes = sealed_envelopes(
            self.name(ref),
            self._unless_dropped(chunks),
            receiver_public=self.sealing_keys[ref.receiver],
            sender_private=self.private,
        )
        write_spool(target, envelopes)
        return target

    async def delivered(self, ref: Ref, path: Path) -> None:
        """Upload a message until the coordinator holds all of it; then its file is removed."""
        await persistent(lambda: self.link.put(self.name(ref), path))
        await asyncio.to_thread(path.unlink, missing_ok=True)

    def read(self, ref: Ref) -> None:
        """Remove what was downloaded of a message that has been read."""
        self._path("in", ref).unlink(missing_ok=True)

    def drop(self) -> None:
        """Stop what still runs in threads, and remove all files."""
        self.dropped = True
        shutil.rmtree(self.folder, ignore_errors=True)

    def _opened(self, ref: Ref, path: Path) -> Iterator[bytes]:
        chunks = opened_chunks(
            self.name(ref), read_spool(path), receiver=self.key, sender_public=self.identity_keys[ref.sender]
        )
        return self._unless_dropped(chunks)

    def _unless_dropped(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            if self.dropped:
                raise Dropped
            yield chunk

    def _path(self, direction: str, ref: Ref) -> Path:
        return self.folder / f"{direction}-{ref.kind}-{ref.about}-{ref.sender}-{ref.receiver}"


class Dropped(Exception):  # it is no error: the job ended while a thread was at work
    """The session was dropped."""
