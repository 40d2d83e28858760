"""Letters: what is sealed, all in one size, so that who relays them cannot tell a request from an answer, or an answer from another.

    letter = HPKE.seal(key, "letter" or "answer", padded)        padded = length₄ ‖ frame(parts) ‖ zeros, `LETTER_TEXT` bytes

A letter to a node is sealed to its door (`LetterDoor`), an answer to the key of its request, and bound to the request.

Security: whoever relays letters sees their number, receivers and times, and no other difference between two of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tallystick.core.errors import Broken, Invalid
from tallystick.crypto.codec import frame, unframe_all
from tallystick.crypto.envelope import OVERHEAD, SealingKey, open_with, seal_to
from tallystick.crypto.errors import PeerFault

LETTER_TEXT: Final = 32 * 1024
"""Bytes that a letter holds, with its length."""
LETTER_BYTES: Final = LETTER_TEXT + OVERHEAD
"""Bytes of every letter."""
ASK, REQUEST, RECEIPT, REVOCATION = b"ask", b"request", b"receipt", b"revocation"
"""First parts of letters to nodes."""
_LENGTH: Final = 4


def seal_letter(key: bytes, parts: Sequence[bytes]) -> bytes:
    """Seal a letter to a node's door.

    Args:
        key: 1,216 bytes.
        parts: what it is, and the rest.

    Raises:
        Invalid: `document-too-large`. Broken: `protocol-broken`: nothing can be sealed to the key.
    """
    return _seal(key, "letter", (), parts)


def open_letter(key: SealingKey, sealed: bytes) -> Sequence[bytes]:
    """Give the parts of a letter.

    Raises:
        Broken: `protocol-broken`: it is not sealed to this key, or no letter.
    """
    return _open(key, "letter", (), sealed)


def seal_answer(key: bytes, request: str, document: bytes) -> bytes:
    """Seal a signed answer to the key of its request.

    Args:
        key: 1,216 bytes.
        request: SHA-256 of the request, hexadecimal.
        document: the answer.

    Raises:
        Invalid: `document-too-large`. Broken: `protocol-broken`.
    """
    return _seal(key, "answer", (bytes.fromhex(request),), (document,))


def open_answer(key: SealingKey, request: str, sealed: bytes) -> bytes:
    """Give the signed answer to a request.

    Raises:
        Broken: `protocol-broken`: it is not sealed to this key for this request.
    """
    parts = _open(key, "answer", (bytes.fromhex(request),), sealed)
    if len(parts) != 1:
        raise Broken("protocol-broken", "an answer holds more than one document")
    return parts[0]


def _seal(key: bytes, context: str, bound: tuple[bytes, ...], parts: Sequence[bytes]) -> bytes:
    framed = frame(*parts)
    if len(framed) + _LENGTH > LETTER_TEXT:
        raise Invalid("document-too-large", f"a letter holds at most {LETTER_TEXT // 1024} KiB", hint="ask for fewer fields")
    padded = len(framed).to_bytes(_LENGTH, "big") + framed + bytes(LETTER_TEXT - _LENGTH - len(framed))
    try:
        return seal_to(key, context, bound, padded)
    except PeerFault as error:
        raise Broken("protocol-broken", "nothing can be sealed to the key of a letter") from error


def _open(key: SealingKey, context: str, bound: tuple[bytes, ...], sealed: bytes) -> Sequence[bytes]:
    try:
        padded = open_with(key, context, bound, sealed, sender="letter")
        size = int.from_bytes(padded[:_LENGTH], "big")
        if len(padded) != LETTER_TEXT or size > LETTER_TEXT - _LENGTH or any(padded[_LENGTH + size :]):
            raise Broken("protocol-broken", "a letter is not padded as letters are")
        return unframe_all(padded[_LENGTH : _LENGTH + size], sender="letter")
    except PeerFault as error:
        raise Broken("protocol-broken", "a letter does not open here") from error
