"""Messages between a session and the coordinator: sealed envelopes in files, moved for as long as it takes.

What lies in the files is sealed: outbound to somebody else, inbound to a key that lives in memory only. A link that is down is tried
again for ever; what ends a session is the job's end.
"""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import structlog

from tallystick.core.errors import Broken, NotReady
from tallystick.core.net.chunks import MessageName, check_shape, open_chunks, seal_envelopes
from tallystick.core.net.spoolfile import read_spool, write_spool
from tallystick.crypto.envelope import SealingKey
from tallystick.crypto.machine import Message, Ref
from tallystick.node.passage import Passage
from tallystick.node.ports import CoordinatorClient, EnvelopeSource
from tallystick.v1.types_pb2 import Envelope

T = TypeVar("T")

FIRST_WAIT: Final = 0.5
LONGEST_WAIT: Final = 5.0
"""A coordinator that is back is found within so many seconds."""
_LOG: Final = structlog.get_logger("node")


def add_jitter(wait: float) -> float:
    """Give a time to wait, shorter by up to a third: not all nodes come back at once."""
    return wait * (1 - random.random() / 3)  # noqa: S311  # no secret depends on it


async def call_until_answered(call: Callable[[], Awaitable[T]], *, first_wait: float = FIRST_WAIT) -> T:
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
            await asyncio.sleep(add_jitter(wait))
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

    coordinator: CoordinatorClient
    job: bytes
    attempt: int
    sealing_keys: Mapping[str, bytes] = field(repr=False)
    identity_keys: Mapping[str, bytes] = field(repr=False)
    key: SealingKey = field(repr=False)
    private: bytes = field(repr=False)
    folder: Path
    dropped: bool = False
    _passages: list[Passage] = field(default_factory=list, repr=False)
    _incoming: list[Passage] = field(default_factory=list, repr=False)

    def name(self, ref: Ref) -> MessageName:
        """Name a message of this attempt."""
        return MessageName(self.job, self.attempt, ref)

    def incoming(self, ref: Ref) -> Passage:
        """Make the way in for a message."""
        passage = self._passage("in", ref)
        self._incoming.append(passage)
        return passage

    async def fetch(self, ref: Ref, passage: Passage, pushed: Iterable[Envelope] = ()) -> None:
        """Download what is missing of a message that the coordinator holds; whoever reads the passage hears of it if that cannot be.

        Args:
            ref: which.
            passage: where it goes.
            pushed: envelopes of it that are here already, from the first on.
        """
        try:
            for envelope in pushed:
                self._check_pushed(ref, envelope)
                await asyncio.to_thread(passage.append, envelope)
            await call_until_answered(lambda: self.coordinator.get(self.name(ref), passage))
        except BaseException as error:
            passage.fail(Dropped() if isinstance(error, asyncio.CancelledError) else error)
            raise

    def _check_pushed(self, ref: Ref, envelope: Envelope) -> None:
        check_shape(envelope)
        if envelope.ref != self.name(ref).wire():
            raise Broken("protocol-broken", "the coordinator sent an envelope of another message")

    def open_message(self, ref: Ref, passage: Passage) -> Message:
        """Give a message as it comes: its chunks are verified and opened as they are read, which blocks until they are here."""
        chunks = open_chunks(
            self.name(ref), passage.envelopes(), receiver=self.key, sender_public=self.identity_keys[ref.sender]
        )
        return Message(ref, self._unless_dropped(chunks))

    def outgoing(self, ref: Ref) -> Passage:
        """Make the way out for a message."""
        return self._passage("out", ref)

    def fill(self, ref: Ref, passage: Passage, chunks: Iterable[bytes]) -> None:
        """Seal a message into its passage, chunk by chunk. Blocks; whoever reads the passage hears of it if the chunks fail."""
        try:
            for envelope in self._seal(ref, chunks):
                passage.append(envelope)
        except BaseException as error:
            passage.fail(error)
            raise

    def spool(self, ref: Ref, chunks: Iterable[bytes], path: Path) -> None:
        """Seal a message into a file that outlasts the session; return when it is durable. Blocks."""
        write_spool(path, self._seal(ref, chunks))

    async def deliver(self, ref: Ref, source: EnvelopeSource) -> None:
        """Upload a message until the coordinator holds all of it."""
        await call_until_answered(lambda: self.coordinator.put(self.name(ref), source))

    @property
    def moved(self) -> tuple[int, int]:
        """Bytes of messages sent, and received, as they lie in files."""
        received = sum(passage.bytes for passage in self._incoming)
        return sum(passage.bytes for passage in self._passages) - received, received

    @property
    def starving(self) -> bool:
        """Whether a machine waits for bytes of a message."""
        return any(passage.starving for passage in self._passages)

    def drop(self) -> None:
        """Stop what still runs in threads, and remove all files."""
        self.dropped = True
        for passage in self._passages:
            passage.fail(Dropped())
            passage.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _passage(self, direction: str, ref: Ref) -> Passage:
        passage = Passage(self.folder / f"{direction}-{ref.kind}-{ref.about}-{ref.sender}-{ref.receiver}")
        self._passages.append(passage)
        return passage

    def _seal(self, ref: Ref, chunks: Iterable[bytes]) -> Iterator[Envelope]:
        return seal_envelopes(
            self.name(ref),
            self._unless_dropped(chunks),
            receiver_public=self.sealing_keys[ref.receiver],
            sender_private=self.private,
        )

    def _unless_dropped(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            if self.dropped:
                raise Dropped
            yield chunk


def stream_file(path: Path) -> EnvelopeSource:
    """Give the source of a message that lies complete in a file."""

    async def envelopes(start: int) -> AsyncIterator[Envelope]:
        held = read_spool(path, start)
        while (envelope := await asyncio.to_thread(next, held, None)) is not None:
            yield envelope

    return envelopes


def path_of_kept(state: Path, job: str, attempt: int, kind: str) -> Path:
    """Name the file of a message that must be sent as it was made, even after a restart."""
    folder = state / "kept"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / f"{job}-{attempt}-{kind}"


def remove_kept(state: Path, job: str) -> None:
    """Remove what was kept to be sent of a job."""
    for path in (state / "kept").glob(f"{job}-*"):
        path.unlink(missing_ok=True)


class Dropped(Exception):  # it is no error: the job ended while a thread was at work
    """The session was dropped."""
