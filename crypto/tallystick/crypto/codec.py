"""Bytes that can be read back in one way only: length-prefixed parts, and tags that keep contexts apart."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from tallystick.crypto.errors import PeerFault

LENGTH: Final = 4
_SUITE: Final = b"tallystick TS1 "


def frame(*parts: bytes) -> bytes:
    """Join parts, each after its length (4 bytes, big-endian), so that ("ab", "c") and ("a", "bc") differ."""
    return b"".join(len(part).to_bytes(LENGTH, "big") + part for part in parts)


def unframe(data: bytes, count: int, *, sender: str) -> Sequence[bytes]:
    """Give exactly `count` parts of a frame.

    Raises:
        PeerFault: `frame-malformed`: cut off, bytes left over, or another number of parts.
    """
    parts = unframe_all(data, sender=sender)
    if len(parts) != count:
        raise PeerFault("frame-malformed", f"a message has {len(parts)} parts where {count} are due", sender=sender)
    return parts


def unframe_all(data: bytes, *, sender: str) -> Sequence[bytes]:
    """Give all parts of a frame.

    Raises:
        PeerFault: `frame-malformed`: cut off.
    """
    parts: list[bytes] = []
    position = 0
    while position < len(data):
        start = position + LENGTH
        end = start + int.from_bytes(data[position:start], "big")
        if start > len(data) or end > len(data):
            raise PeerFault("frame-malformed", "a message is cut off", sender=sender)
        parts.append(data[start:end])
        position = end
    return parts


def digest(context: str, *parts: bytes) -> bytes:
    """Give SHA-256 over the context and the framed parts: 32 bytes that no other context can yield."""
    return hashlib.sha256(frame(_SUITE + context.encode(), *parts)).digest()


def derive(secret: bytes, context: str, *parts: bytes, length: int = 32) -> bytes:
    """Give `length` bytes derived from a secret: SHAKE-256 over the context, the framed secret and the framed parts.

    SHAKE is a sponge, so a prefixed secret needs no HMAC (no length extension).
    """
    return hashlib.shake_256(frame(_SUITE + context.encode(), secret, *parts)).digest(length)
