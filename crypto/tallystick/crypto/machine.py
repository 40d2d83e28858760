"""What every protocol machine here is made of: a table of transitions over frozen states.

A machine is a mapping (state type, message kind) → function. The function takes the state and the message and gives a `Step`: the next
state and the messages to send. It does no I/O and reads no clock; randomness and workers come with the state's setup. A message
that no row of the table expects is the sender's fault and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from tallystick.crypto.errors import PeerFault

S = TypeVar("S")

SMALL: Final = 512 * 1024
"""The most bytes of a message that is small by its kind: one chunk."""


@dataclass(frozen=True)
class Ref:
    """Which message of one attempt: its kind, sender, receiver, and what it is about (the owner of a list; else empty)."""

    kind: str
    sender: str
    receiver: str
    about: str = ""

    @property
    def round(self) -> str:
        """The round's name as it stands in a signed header: `kind` or `kind:about`."""
        return f"{self.kind}:{self.about}" if self.about else self.kind


@dataclass(frozen=True)
class Message:
    """A whole inbound message as a stream of verified, opened chunks; it can be read once."""

    ref: Ref
    chunks: Iterable[bytes] = field(repr=False)

    def read(self, most: int = SMALL) -> bytes:
        """Give all chunks joined, and no more of them than may be there: what a peer sends without end does not fill the memory.

        Args:
            most: bytes that the message may have; by default, those of a kind that is small.

        Raises:
            PeerFault: `message-too-large`.
        """
        whole = bytearray()
        for chunk in self.chunks:
            if len(whole) + len(chunk) > most:
                raise PeerFault("message-too-large", f"{self.ref.round} is over its limit", sender=self.ref.sender)
            whole += chunk
        return bytes(whole)


@dataclass(frozen=True)
class Outbound:
    """A message to send; `chunks` is lazy, is read once, and yields at most `envelope.CHUNK` bytes at a time.

    Attributes:
        withheld: nothing of it may leave before its last chunk has been read. Reading it checks the message that it is made of, and
            raises where that is bad; the step that gave it counts only then.
    """

    ref: Ref
    chunks: Iterable[bytes] = field(repr=False)
    withheld: bool = False


@dataclass(frozen=True)
class Step(Generic[S]):
    """What a transition gives: the next state and what to send before anything else is read.

    The state counts once all chunks of `outbound` have been read without an error.
    """

    state: S
    outbound: tuple[Outbound, ...] = ()


Table = Mapping[tuple[type[Any], str], Callable[[Any, Message], Step[Any]]]


def advance(table: Table, state: object, message: Message) -> Step[Any]:
    """Apply the one transition that the table has for this state and message.

    Raises:
        PeerFault: `message-unexpected`: no such row, or the state does not await this very message.
    """
    transition = table.get((type(state), message.ref.kind))
    awaited: tuple[Ref, ...] = getattr(state, "awaits", ())
    if transition is None or message.ref not in awaited:
        raise PeerFault(
            "message-unexpected", f"{message.ref.round} is not awaited in {type(state).__name__}", sender=message.ref.sender
        )
    return transition(state, message)
