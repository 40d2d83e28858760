"""Hashing, masking, checking and tagging many points at once, on the fastest path that this machine has.

Every path gives the same bytes. Points are arrays (n, 32) of uint8, C-contiguous: u-coordinates of curve25519, little-endian
(RFC 7748 §5); tags are arrays (n, 16). The environment variable TALLY_KERNEL forces a path by name.
"""

from __future__ import annotations

import os

import numpy as np
from tallystick.crypto import portable
from tallystick.crypto.errors import LocalFault
from tallystick.crypto.hash_to_curve import POINT
from tallystick.crypto.portable import TAG, Offsets, Points

__all__ = ["POINT", "TAG", "Offsets", "Points", "chosen", "first_bad_point", "hash_tags", "hash_to_curve", "mask", "paths"]

SCALAR = 32
"""Bytes of a mask scalar."""


def paths() -> list[str]:
    """Give the usable paths, fastest first; the last is always `portable`."""
    return ["portable"]


def chosen() -> str:
    """Give the path in use: the fastest, or the one that TALLY_KERNEL forces.

    Raises:
        RuntimeError: TALLY_KERNEL names a path that cannot run here.
    """
    usable = paths()
    forced = os.environ.get("TALLY_KERNEL")
    if not forced:
        return usable[0]
    if forced not in usable:
        raise RuntimeError(f"TALLY_KERNEL={forced} cannot run here; usable: {', '.join(usable)}")
    return forced


def hash_to_curve(dst: bytes, prefix: bytes, data: bytes | memoryview | Points, offsets: Offsets) -> Points:
    """Hash n messages to curve25519: RFC 9380 `curve25519_XMD:SHA-512_ELL2_RO_`.

    Message i is prefix ‖ length (4 bytes, big-endian) ‖ data[offsets[i]:offsets[i+1]].

    Args:
        dst: domain separation tag, not empty.
        prefix: what every message begins with.
        data: the tokens, one after another.
        offsets: n + 1 positions in `data`, never falling, the first at least 0.

    Returns:
        n coordinates, canonical, of points in the subgroup of prime order.

    Raises:
        LocalFault: `tokens-invalid`; `offsets-invalid`; `dst-empty`; `hash-identity` (about 2^-252 a message).
    """
    chosen()
    view = data.data if isinstance(data, np.ndarray) else memoryview(data)
    if view.ndim != 1 or view.itemsize != 1 or not view.c_contiguous:
        raise LocalFault("tokens-invalid", "tokens must be contiguous bytes")
    if offsets.ndim != 1 or offsets.dtype != np.int64 or len(offsets) == 0:
        raise LocalFault("offsets-invalid", "offsets must be n + 1 integers of 64 bits")
    if offsets[0] < 0 or offsets[-1] > len(view) or bool(np.any(offsets[1:] < offsets[:-1])):
        raise LocalFault("offsets-invalid", "offsets must rise within the data")
    return portable.hash_to_curve(dst, prefix, view, offsets)


def mask(scalar: bytes, points: Points, workers: int = 1) -> Points:
    """Multiply every point by a scalar: X25519 (RFC 7748 §5), which sets the scalar's low three bits and top two bits first.

    Args:
        scalar: 32 bytes.
        points: coordinates that `first_bad_point` found good, or that come from `hash_to_curve`.
        workers: how many threads may work; the portable path uses one.

    Raises:
        LocalFault: `scalar-length`; `points-shape`; `point-unchecked`: a point of small order.

    Security: time does not depend on the scalar or the points.
    """
    chosen()
    if len(scalar) != SCALAR:
        raise LocalFault("scalar-length", "a scalar must be 32 bytes")
    if workers < 1:
        raise LocalFault("workers-invalid", "at least one worker is needed")
    return portable.mask(scalar, _shaped(points))


def first_bad_point(points: Points) -> int | None:
    """Give the index of the first coordinate that must not be multiplied, or None.

    Bad: not canonical (2^255 - 19 or above, so also with the top bit set), not on curve25519 (on its twist), or of small order
    (0, 1 and the two of order 8). A point of prime order plus one of small order passes: a scalar that is a multiple of 8 takes
    the small part away (`tags.remasked` finds it when two rows then coincide).

    Raises:
        LocalFault: `points-shape`.
    """
    chosen()
    return portable.first_bad_point(_shaped(points))


def hash_tags(prefix: bytes, points: Points) -> Points:
    """Give the tags of n points: SHA-256(prefix ‖ u)[:16], an array (n, 16).

    Raises:
        LocalFault: `points-shape`.
    """
    chosen()
    return portable.hash_tags(prefix, _shaped(points))


def _shaped(points: Points) -> Points:
    if points.ndim != 2 or points.shape[1] != POINT or points.dtype != np.uint8 or not points.flags.c_contiguous:
        raise LocalFault("points-shape", "points must be a contiguous array (n, 32) of bytes")
    return points
