"""The batch functions on `cryptography` and gmpy2: what `kernel` uses where no native path can run.

Arrays of points are (n, 32) of uint8, C-contiguous, u-coordinates little-endian. Work goes in blocks, so memory above the
arguments and the result is bounded. Everything here holds the interpreter's lock: threads gain nothing.

Security: masking is OpenSSL's constant-time X25519. Hashing to the curve and checking points use variable-time integers: the
first works on this machine's own tokens, the second on coordinates that a peer already knows.
"""

from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from gmpy2 import invert, legendre, mpz, powmod

from tallystick.crypto.errors import LocalFault
from tallystick.crypto.hash_to_curve import POINT, A, P, dst_prime

Points = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int64]

TAG: Final = 16
"""Bytes of a tag."""

_BLOCK: Final = 4096
_COORDINATE_BITS: Final = (1 << 255) - 1
_ROOT_EXPONENT: Final = (P + 3) // 8
_ROOT_OF_MINUS_ONE: Final = powmod(2, (P - 1) // 4, P)
_ROOT_STEP: Final = powmod(2, _ROOT_EXPONENT, P)  # takes a would-be root of a non-square w to one of 2·w
_XMD_ZEROS: Final = hashlib.sha512(bytes(128))  # Z_pad of expand_message_xmd, absorbed once
_XMD_LENGTH: Final = (96).to_bytes(2, "big") + b"\x00"  # two field elements of 48 bytes

# The coordinates on the curve of points of order 2, 4 and 8: those whose multiple by 8 is the identity.
SMALL_ORDER: Final[tuple[int, ...]] = (
    0,
    1,
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
)


def hash_to_curve(dst: bytes, prefix: bytes, data: memoryview, offsets: Offsets) -> Points:
    """Hash n messages to the curve; see `kernel.hash_to_curve`."""
    tag = dst_prime(dst)
    start = _XMD_ZEROS.copy()
    start.update(prefix)
    count = len(offsets) - 1
    out = np.empty((count, POINT), dtype=np.uint8)
    for base in range(0, count, _BLOCK):
        ends = offsets[base : base + _BLOCK + 1].tolist()
        block = b"".join(_hash(start, data[low:high], tag) for low, high in pairwise(ends))
        out[base : base + _BLOCK] = np.frombuffer(block, dtype=np.uint8).reshape(-1, POINT)
    return out


def _hash(start: hashlib._Hash, token: memoryview, tag: bytes) -> bytes:
    """Hash one message (the absorbed prefix, the token's length, the token) and give its encoded coordinate."""
    state = start.copy()
    state.update(len(token).to_bytes(4, "big"))
    state.update(token)
    state.update(_XMD_LENGTH)
    state.update(tag)
    zeroth = state.digest()
    first = hashlib.sha512(zeroth + b"\x01" + tag).digest()
    mixed = (int.from_bytes(zeroth, "big") ^ int.from_bytes(first, "big")).to_bytes(64, "big")
    second = hashlib.sha512(mixed + b"\x02" + tag).digest()
    x0, y0 = _map(mpz(int.from_bytes(first[:48], "big")) % P)
    x1, y1 = _map(mpz(int.from_bytes(first[48:] + second[:32], "big")) % P)
    return _add_and_clear(x0, y0, x1, y1)


def _map(u: mpz) -> tuple[mpz, mpz]:
    """Elligator 2 with one power and one inverse.

    With d = 1 + 2u², x1 = -A/d and g(x1) = w/d⁴, where w = -A·d·(A² - A²·d + d²). The other candidate is x2 = -x1 - A, with
    g(x2) = 2u²·g(x1). r = w^((P+3)/8) has r⁴ = w² if w is a square; else r·2^((P+3)/8) has the fourth power (2w)².
    """
    d = (1 + 2 * u * u) % P
    inverse = invert(d, P)
    x = -A * inverse % P
    w = -A * d * (A * A - A * A * d + d * d) % P
    root = powmod(w, _ROOT_EXPONENT, P)
    square = root * root % P
    if square == w or square == P - w:
        odd = 1
    else:
        odd = 0
        x = (-x - A) % P
        root = root * _ROOT_STEP % P
        square = root * root % P
        w = 2 * w % P
    if square != w:
        root = root * _ROOT_OF_MINUS_ONE % P
    y = root * inverse * inverse % P
    if not odd:
        y = y * u % P
    return x, (y if y % 2 == odd else -y % P)


def _add_and_clear(x0: mpz, y0: mpz, x1: mpz, y1: mpz) -> bytes:
    """Give the coordinate of 8·((x0, y0) + (x1, y1)): the sum as a fraction, then doublings of u alone (RFC 7748 §5)."""
    doublings = 3
    if x0 == x1:
        if y0 != y1:
            raise LocalFault("hash-identity", "a message hashes to the identity")
        x, z, doublings = x0, mpz(1), 4
    else:
        z = (x1 - x0) * (x1 - x0) % P
        x = ((y1 - y0) * (y1 - y0) - (A + x0 + x1) * z) % P
    for _ in range(doublings):
        xx, zz, xz = x * x, z * z, x * z
        x, z = (xx - zz) * (xx - zz) % P, 4 * xz * (xx + A * xz + zz) % P
    if z == 0:
        raise LocalFault("hash-identity", "a message hashes to the identity")
    return int(x * invert(z, P) % P).to_bytes(POINT, "little")


def mask(scalar: bytes, points: Points) -> Points:
    """Multiply n points by a scalar; see `kernel.mask`."""
    key = X25519PrivateKey.from_private_bytes(scalar)
    exchange, public = key.exchange, X25519PublicKey.from_public_bytes
    out = np.empty_like(points)
    for base in range(0, len(points), _BLOCK):
        block = points[base : base + _BLOCK].tobytes()
        try:
            masked = b"".join(exchange(public(block[i : i + POINT])) for i in range(0, len(block), POINT))
        except ValueError as error:  # OpenSSL refuses the result zero
            raise LocalFault("point-unchecked", "a point of small order came to the mask; points are checked before") from error
        out[base : base + _BLOCK] = np.frombuffer(masked, dtype=np.uint8).reshape(-1, POINT)
    return out


def first_bad_point(points: Points) -> int | None:
    """Find the first coordinate that is no good; see `kernel.first_bad_point`."""
    for base in range(0, len(points), _BLOCK):
        block = points[base : base + _BLOCK].tobytes()
        for i in range(0, len(block), POINT):
            number = int.from_bytes(block[i : i + POINT], "little")
            if number >= P or number in SMALL_ORDER or legendre((number * number + A * number + 1) * number % P, P) < 0:
                return base + i // POINT
    return None


def hash_tags(prefix: bytes, points: Points) -> Points:
    """Hash n points to tags; see `kernel.hash_tags`."""
    start = hashlib.sha256(prefix)
    out = np.empty((len(points), TAG), dtype=np.uint8)
    for base in range(0, len(points), _BLOCK):
        block = points[base : base + _BLOCK].tobytes()
        tags = bytearray()
        for i in range(0, len(block), POINT):
            state = start.copy()
            state.update(block[i : i + POINT])
            tags += state.digest()[:TAG]
        out[base : base + _BLOCK] = np.frombuffer(tags, dtype=np.uint8).reshape(-1, TAG)
    return out
