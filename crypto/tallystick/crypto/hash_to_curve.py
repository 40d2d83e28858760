"""Hashing a message to curve25519 as RFC 9380 writes it, one at a time: the reference that the fast versions are held against.

Suite `curve25519_XMD:SHA-512_ELL2_RO_` (RFC 9380 §8.5):

    u0, u1 = hash_to_field(msg, 2)                    §5.2, expand_message_xmd with SHA-512 (§5.3.1), L = 48
    P      = 8·(map(u0) + map(u1))                    Elligator 2 (§6.7.1) with Z = 2, then clear_cofactor

on the curve v² = u³ + 486662·u² + u over GF(2^255 - 19), which has 8·L points, L prime. Nobody knows a discrete logarithm of a
hashed point, and a point says nothing about its message but by trying messages; masks need both to hide tokens.

Security: no branch-free arithmetic. What a node hashes here is its own data on its own machine.
"""

from __future__ import annotations

import hashlib
from typing import Final

from gmpy2 import legendre, mpz, powmod

from tallystick.crypto.errors import LocalFault

P: Final = mpz(2**255 - 19)
"""The field's prime."""
A: Final = mpz(486662)
"""The curve's coefficient of u²."""
POINT: Final = 32
"""Bytes of a u-coordinate, little-endian."""

_HASH_BYTES: Final = 64
_BLOCK_BYTES: Final = 128
_ELEMENT_BYTES: Final = 48  # L = ceil((255 + 128) / 8): the bias of the reduction is below 2^-128
_Z: Final = 2  # the smallest non-square
_LONG_DST: Final = b"H2C-OVERSIZE-DST-"

Affine = tuple[mpz, mpz] | None
"""A point (u, v), or None for the identity."""


def dst_prime(dst: bytes) -> bytes:
    """Give a domain separation tag as it enters the hashes: itself, or its hash if over 255 bytes; then its length (§5.3.3).

    Raises:
        LocalFault: `dst-empty`.
    """
    if not dst:
        raise LocalFault("dst-empty", "a domain separation tag must not be empty")
    if len(dst) > 255:
        dst = hashlib.sha512(_LONG_DST + dst).digest()
    return dst + bytes([len(dst)])


def expand_message_xmd(message: bytes, dst: bytes, length: int) -> bytes:
    """Give `length` uniform bytes for a message: RFC 9380 §5.3.1 with SHA-512.

    Raises:
        LocalFault: `expand-length`: over 255 blocks of the hash, or over 65,535 bytes. `dst-empty`.
    """
    blocks = -(-length // _HASH_BYTES)
    if blocks > 255 or length > 65535:
        raise LocalFault("expand-length", f"cannot expand a message to {length} bytes")
    tag = dst_prime(dst)
    first = hashlib.sha512(bytes(_BLOCK_BYTES) + message + length.to_bytes(2, "big") + b"\x00" + tag).digest()
    block = hashlib.sha512(first + b"\x01" + tag).digest()
    uniform = block
    for i in range(2, blocks + 1):
        mixed = bytes(a ^ b for a, b in zip(first, block, strict=True))
        block = hashlib.sha512(mixed + bytes([i]) + tag).digest()
        uniform += block
    return uniform[:length]


def hash_to_field(message: bytes, dst: bytes, count: int) -> list[mpz]:
    """Give `count` field elements for a message: RFC 9380 §5.2, extension degree 1."""
    uniform = expand_message_xmd(message, dst, count * _ELEMENT_BYTES)
    return [mpz(int.from_bytes(uniform[i : i + _ELEMENT_BYTES], "big")) % P for i in range(0, len(uniform), _ELEMENT_BYTES)]


def _curve(u: mpz) -> mpz:
    """Give the right side of the curve's equation, u³ + A·u² + u."""
    return (u * u + A * u + 1) * u % P


def on_curve(u: mpz) -> bool:
    """Tell whether u is the coordinate of a point of the curve, and not of its twist."""
    return bool(legendre(_curve(u), P) >= 0)


def _square_root(square: mpz) -> mpz:
    """Give a square root mod P (P ≡ 5 mod 8: RFC 9380 appendix I.2). Pre-condition: there is one."""
    root = powmod(square, (P + 3) // 8, P)
    return root if root * root % P == square else root * powmod(2, (P - 1) // 4, P) % P


def map_to_curve_elligator2_curve25519(u: mpz) -> tuple[mpz, mpz]:
    """Give the point of a field element: RFC 9380 §6.7.1, with J = 486662, K = 1, Z = 2.

    1 + 2·u² is never zero (-1/2 is no square), so the exceptional case of the RFC cannot come up.
    """
    x1 = -A * powmod(1 + _Z * u * u, -1, P) % P
    if on_curve(x1):
        y = _square_root(_curve(x1))
        return x1, (y if y % 2 == 1 else -y % P)
    x2 = (-x1 - A) % P
    y = _square_root(_curve(x2))
    return x2, (y if y % 2 == 0 else -y % P)


def add(left: Affine, right: Affine) -> Affine:
    """Add two points of the curve: the affine Montgomery law, all cases."""
    if left is None:
        return right
    if right is None:
        return left
    (x1, y1), (x2, y2) = left, right
    if x1 != x2:
        slope = (y2 - y1) * powmod(x2 - x1, -1, P)
    elif (y1 + y2) % P == 0:
        return None
    else:
        slope = (3 * x1 * x1 + 2 * A * x1 + 1) * powmod(2 * y1, -1, P)
    x3 = (slope * slope - A - x1 - x2) % P
    return x3, (slope * (x1 - x3) - y1) % P


def clear_cofactor(point: Affine) -> Affine:
    """Give 8·point, which lies in the subgroup of prime order (RFC 9380 §7, h_eff = 8)."""
    for _ in range(3):
        point = add(point, point)
    return point


def hash_to_curve(message: bytes, dst: bytes) -> tuple[mpz, mpz]:
    """Give the point of a message: RFC 9380 §3, `hash_to_curve` of the suite above.

    Raises:
        LocalFault: `hash-identity`: the message hashes to the identity (probability about 2^-252). `dst-empty`.
    """
    first, second = hash_to_field(message, dst, 2)
    point = clear_cofactor(add(map_to_curve_elligator2_curve25519(first), map_to_curve_elligator2_curve25519(second)))
    if point is None:
        raise LocalFault("hash-identity", "a message hashes to the identity")
    return point


def encode_coordinate(u: mpz) -> bytes:
    """Give a coordinate as 32 bytes, little-endian (RFC 7748 §5)."""
    return int(u).to_bytes(POINT, "little")
