"""Mask scalars: one for the job, and with three or more agencies a second one with its correction.

X25519 multiplies by an integer s with s ≡ 0 mod 8 and 2^254 <= s < 2^255, after it has forced ("clamped") the 32 bytes into
that form (RFC 7748 §5). On points of prime order L only s mod L counts.

With three or more agencies an owner masks its own list with k' and everybody else's with k. The coordinator alone gets
d ≡ k/k' (mod L), and X25519(d, X25519(k', P)) = X25519(k, P): after it all lists are under the same masks, and before it no
two are.

Security: the scalars of a job are drawn for it alone, live in the memory of one process, and are never written, sent (but for
d, to the coordinator) or logged. Python cannot overwrite `bytes`, and `cryptography` keeps a copy of its own while it masks:
dropping the last reference frees the memory at the job's end and does not clear it. A host that swaps or dumps memory can keep
them longer, so operators should forbid both.
"""

from __future__ import annotations

from typing import Final

from tallystick.crypto.errors import PeerFault
from tallystick.crypto.randomness import Randomness

L: Final = 2**252 + 27742317777372353535851937790883648493
"""The prime order of the subgroup (RFC 7748 §4.1)."""
SCALAR: Final = 32
"""Bytes of a scalar, little-endian."""

_LOW: Final = 2**254
_COFACTOR: Final = 8


def _clamp(number: int) -> int:
    return (number % _LOW) - number % _COFACTOR + _LOW


def _encode(scalar: int) -> bytes:
    return scalar.to_bytes(SCALAR, "little")


def _draw(randomness: Randomness) -> int:
    return _clamp(int.from_bytes(randomness.take(SCALAR), "little"))


def new_scalar(randomness: Randomness) -> bytes:
    """Give a fresh mask scalar: 32 bytes, clamped."""
    return _encode(_draw(randomness))


def _correction(k: int, k_prime: int) -> int | None:
    """Give the clamped integer ≡ k/k' mod L, if there is one.

    The integers r + j·L with r = k/k' mod L fall into [2^254, 2^255) for three or four successive j, and are multiples of 8
    for one j in eight (L is odd): there is one about every other time.
    """
    quotient = k * pow(k_prime, -1, L) % L
    first = quotient + -(-(_LOW - quotient) // L) * L
    return next((d for d in range(first, 2 * _LOW, L) if d % _COFACTOR == 0), None)


def split_scalar(randomness: Randomness) -> tuple[bytes, bytes, bytes]:
    """Give (k, k', d): the mask for others' lists, the mask for one's own, and the correction for the coordinator (docs/protocol.md §5).

    Draws k' again until d exists as an integer that clamping leaves as it is: about two draws.

    Security: d alone says nothing about k (k' is uniform over half of all scalars); whoever has d and a list under k' has it
    under k.
    """
    k = _draw(randomness)
    while True:
        k_prime = _draw(randomness)
        d = _correction(k, k_prime)
        if d is not None:
            return _encode(k), _encode(k_prime), _encode(d)


def read_correction(data: bytes, *, sender: str) -> bytes:
    """Read a correction that an owner sent.

    Raises:
        PeerFault: `correction-invalid`: not 32 bytes of a clamped scalar.
    """
    number = int.from_bytes(data, "little")
    if len(data) != SCALAR or number != _clamp(number):
        raise PeerFault("correction-invalid", "a correction is not a clamped scalar of 32 bytes", sender=sender)
    return data
