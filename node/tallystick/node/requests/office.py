"""The coordinator's boxes for letters, as a node sees them."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Final, Protocol, TypeVar

import grpc
import grpc.aio

from tallystick.core.net.channel import CALL_SECONDS
from tallystick.core.net.status import read_error
from tallystick.v1 import letters_pb2 as pb
from tallystick.v1.letters_pb2_grpc import LettersStub

AT_ONCE: Final = 24
WAIT_SECONDS: Final = 20

T = TypeVar("T")


class LetterOffice(Protocol):
    """Where letters are posted and collected. Methods raise `NotReady` while it cannot be reached, other `TallyError`s for what it says."""

    async def announce(self, document: bytes) -> None:
        """Say what letters to this agency are sealed to."""
        ...

    async def find_door(self, agency: str) -> bytes:
        """Give what another agency announced."""
        ...

    async def post(self, letters: Sequence[tuple[str, bytes]]) -> None:
        """Post letters, each to its box."""
        ...

    async def collect(self, taken: Sequence[bytes]) -> Sequence[tuple[bytes, bytes]]:
        """Wait for letters and give them, each with its name; those that were taken are dropped."""
        ...


class HasChannel(Protocol):
    """What has a channel to the coordinator, another one after its certificate was renewed."""

    @property
    def channel(self) -> grpc.aio.Channel:
        """The channel of the moment."""
        ...


class GrpcLetterOffice:
    """Implements `LetterOffice` over the channel that the node has to the coordinator at the moment."""

    def __init__(self, coordinator: HasChannel) -> None:
        self._coordinator = coordinator

    async def announce(self, document: bytes) -> None:
        """Say what letters to this agency are sealed to."""
        await _await_reply(
            LettersStub(self._coordinator.channel).Announce(pb.AnnounceRequest(document=document), timeout=CALL_SECONDS)
        )

    async def find_door(self, agency: str) -> bytes:
        """Give what another agency announced."""
        answer = await _await_reply(
            LettersStub(self._coordinator.channel).Door(pb.DoorRequest(agency=agency), timeout=CALL_SECONDS)
        )
        return answer.document

    async def post(self, letters: Sequence[tuple[str, bytes]]) -> None:
        """Post letters, as many in one call as fit."""
        for start in range(0, len(letters), AT_ONCE):
            some = [pb.Letter(box=box, sealed=sealed) for box, sealed in letters[start : start + AT_ONCE]]
            await _await_reply(LettersStub(self._coordinator.channel).Post(pb.PostRequest(letters=some), timeout=CALL_SECONDS))

    async def collect(self, taken: Sequence[bytes]) -> Sequence[tuple[bytes, bytes]]:
        """Wait for letters and give them."""
        request = pb.CollectRequest(taken=taken, wait_seconds=WAIT_SECONDS)
        answer = await _await_reply(
            LettersStub(self._coordinator.channel).Collect(request, timeout=WAIT_SECONDS + CALL_SECONDS)
        )
        return [(letter.name, letter.sealed) for letter in answer.letters]


async def _await_reply(call: Awaitable[T]) -> T:
    try:
        return await call
    except grpc.RpcError as error:
        raise read_error(error) from error
