"""Messages as streams of envelopes: sealing what goes out, opening what came in, and the checks anyone can make in between.

A message is a run of chunks of at most 512 KiB; each becomes one envelope, numbered from 0, the last one marked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from tallystick.core.errors import Broken, Invalid, Refused
from tallystick.crypto import envelope as envelopes
from tallystick.crypto.envelope import CHUNK, OVERHEAD, Header, SealingKey
from tallystick.crypto.errors import PeerFault
from tallystick.crypto.machine import Ref
from tallystick.crypto.signing import SIGNATURE
from tallystick.crypto.statistic.messages import LIST_HEADER
from tallystick.v1.types_pb2 import Envelope, MessageRef

JOB_BYTES: Final = 32
MAX_ATTEMPT: Final = 3
MAX_ROUND_BYTES: Final = 80
MAX_NAME_BYTES: Final = 64
_AROUND: Final = OVERHEAD + SIGNATURE + JOB_BYTES + MAX_ROUND_BYTES + 2 * MAX_NAME_BYTES + 64
"""Most bytes that an envelope has beside what it seals; the last number is for tags, lengths and small integers of its encoding."""


@dataclass(frozen=True)
class MessageName:
    """Names one message everywhere: its job, its attempt, and its place in the protocol."""

    job: bytes
    attempt: int
    ref: Ref

    def wire(self) -> MessageRef:
        """Give the name as it travels."""
        return MessageRef(
            job=self.job, attempt=self.attempt, round=self.ref.round, sender=self.ref.sender, receiver=self.ref.receiver
        )

    def header(self, sequence: int, *, last: bool) -> Header:
        """Give the header of one of the message's envelopes."""
        return Header(self.job, self.attempt, self.ref.round, self.ref.sender, self.ref.receiver, sequence, last)

    @classmethod
    def read(cls, wire: MessageRef) -> MessageName:
        """Read a name that came in.

        Raises:
            Invalid: `protocol-broken`: a part is missing or too long.
        """
        kind, _, about = wire.round.partition(":")
        names = (wire.sender, wire.receiver)
        if (
            len(wire.job) != JOB_BYTES
            or not 1 <= wire.attempt <= MAX_ATTEMPT
            or not kind
            or len(wire.round.encode()) > MAX_ROUND_BYTES
            or any(not 1 <= len(name.encode()) <= MAX_NAME_BYTES for name in names)
        ):
            raise Invalid("protocol-broken", "a message is not named as the protocol names messages")
        return cls(wire.job, wire.attempt, Ref(kind, wire.sender, wire.receiver, about))


def seal_envelopes(
    name: MessageName, chunks: Iterable[bytes], *, receiver_public: bytes, sender_private: bytes
) -> Iterator[Envelope]:
    """Seal and sign the chunks of a message, one envelope each; an empty message is one empty envelope.

    Raises:
        LocalFault: a chunk over 512 KiB. PeerFault: `sealing-key-malformed`.
    """
    for sequence, chunk, last in _number_chunks(chunks):
        sealed, signature = envelopes.seal_envelope(name.header(sequence, last=last), chunk, receiver_public, sender_private)
        yield Envelope(ref=name.wire(), sequence=sequence, last=last, sealed=sealed, signature=signature)


def open_chunks(
    name: MessageName, received: Iterable[Envelope], *, receiver: SealingKey, sender_public: bytes
) -> Iterator[bytes]:
    """Check and open the envelopes of the message that is awaited, in order, from its first to its last.

    The header is built from `name`, never from what came with the envelope; so one of another job, attempt, round, sender,
    receiver or place neither verifies nor opens.

    Raises:
        PeerFault: `envelope-sequence`: a gap, a repetition, something after the last, or no last;
            and those of `envelope.open_envelope`.
    """
    sender = name.ref.sender
    expected, ended = 0, False
    for received_one in received:
        if ended or received_one.sequence != expected:
            raise PeerFault("envelope-sequence", f"envelope {expected} of {name.ref.round} is missing", sender=sender)
        header = name.header(expected, last=received_one.last)
        yield envelopes.open_envelope(header, received_one.sealed, received_one.signature, receiver, sender_public)
        expected, ended = expected + 1, received_one.last
    if not ended:
        raise PeerFault("envelope-sequence", f"{name.ref.round} ends before its last envelope", sender=sender)


def check_shape(envelope: Envelope) -> None:
    """Check what can be checked of an envelope without any key.

    Raises:
        Refused: `too-large`. Broken: `protocol-broken`: a signature that is none, or less than a seal's own length.
    """
    if len(envelope.sealed) > CHUNK + OVERHEAD:
        raise Refused("too-large", "an envelope holds at most 512 KiB of plaintext")
    if len(envelope.sealed) < OVERHEAD or len(envelope.signature) != SIGNATURE:
        raise Broken("protocol-broken", "an envelope is not sealed, or not signed")


def most_wire_bytes(payload: int) -> int:
    """Compute the most bytes that the envelopes of a list have together.

    Args:
        payload: bytes of all its values. They lie in whole chunks but for the last; the list's header is a chunk of its own.
    """
    envelopes = 1 + -(-payload // CHUNK)
    return LIST_HEADER + payload + envelopes * _AROUND


def same(one: Envelope, other: Envelope) -> bool:
    """Say whether two envelopes of one message are the same one."""
    return (one.sequence, one.last, one.sealed, one.signature) == (other.sequence, other.last, other.sealed, other.signature)


def _number_chunks(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes, bool]]:
    """Number chunks and mark the last one, holding one of them at a time."""
    source = iter(chunks)
    held = next(source, b"")
    sequence = 0
    for chunk in source:
        yield sequence, held, False
        held, sequence = chunk, sequence + 1
    yield sequence, held, True
