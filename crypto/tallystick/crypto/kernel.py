"""Hashing, masking, checking and tagging many points at once, on the fastest path that this machine has.

Every path gives the same bytes. Points are arrays (n, 32) of uint8, C-contiguous: u-coordinates of curve25519, little-endian
(RFC 7748 §5); tags are arrays (n, 16). The environment variable TALLY_KERNEL forces a path by name. docs/kernel.md has the paths.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np

from tallystick.crypto import portable
from tallystick.crypto.errors import LocalFault
from tallystick.crypto.hash_to_curve import POINT, dst_prime
from tallystick.crypto.portable import TAG, Offsets, Points

try:
    from tallystick.crypto import _kernel as native
except ImportError:  # not built here: hatch_build.py says why
    native = None  # type: ignore[assignment]  # a module, or None

__all__ = [
    "POINT",
    "TAG",
    "Offsets",
    "Points",
    "choose_path",
    "first_bad_point",
    "hash_tags",
    "hash_to_curve",
    "mask",
    "native",
    "paths",
]

SCALAR: Final = 32
"""Bytes of a mask scalar."""
PORTABLE: Final = "portable"
"""The path without native code."""
PLAIN: Final = "plain"
"""The native path of processors without AVX2. One ladder on it is slower than OpenSSL's, but several run at once."""

_STEP: Final = 288
"""Points that the C code works on together, which share an inversion."""
_BLOCK: Final = 16 * _STEP
"""The most points that one thread takes at a time: some milliseconds, so that an interrupt is heard."""


def paths() -> list[str]:
    """Give the usable paths, fastest first; the last is always `portable`."""
    return [*(native.paths() if native is not None else ()), PORTABLE]


def choose_path() -> str:
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


def hash_to_curve(dst: bytes, prefix: bytes, data: bytes | memoryview | Points, offsets: Offsets, workers: int = 1) -> Points:
    """Hash n messages to curve25519: RFC 9380 `curve25519_XMD:SHA-512_ELL2_RO_`.

    Message i is prefix ‖ length (4 bytes, big-endian) ‖ data[offsets[i]:offsets[i+1]].

    Args:
        dst: domain separation tag, not empty.
        prefix: what every message begins with.
        data: the tokens, one after another.
        offsets: n + 1 positions in `data`, never falling, the first at least 0.
        workers: how many threads may work; the portable path uses one.

    Returns:
        n coordinates, canonical, of points in the subgroup of prime order.

    Raises:
        LocalFault: `tokens-invalid`; `offsets-invalid`; `dst-empty`; `workers-invalid`; `hash-identity` (about 2^-252 a message).
    """
    path = choose_path()
    view = data.data if isinstance(data, np.ndarray) else memoryview(data)
    if view.ndim != 1 or view.itemsize != 1 or not view.c_contiguous:
        raise LocalFault("tokens-invalid", "tokens must be contiguous bytes")
    if offsets.ndim != 1 or offsets.dtype != np.int64 or len(offsets) == 0:
        raise LocalFault("offsets-invalid", "offsets must be n + 1 integers of 64 bits")
    if offsets[0] < 0 or offsets[-1] > len(view) or bool(np.any(offsets[1:] < offsets[:-1])):
        raise LocalFault("offsets-invalid", "offsets must rise within the data")
    if path == PORTABLE:
        return portable.hash_to_curve(dst, prefix, view, offsets)
    tag, positions = dst_prime(dst), np.ascontiguousarray(offsets)
    out = np.empty((len(offsets) - 1, POINT), dtype=np.uint8)

    def work(low: int, high: int) -> None:
        if native.hash_to_curve(path, tag, prefix, view, positions[low : high + 1], out[low:high]) >= 0:
            raise LocalFault("hash-identity", "a message hashes to the identity")

    _in_blocks(work, len(out), workers)
    return out


def mask(scalar: bytes, points: Points, workers: int = 1) -> Points:
    """Multiply every point by a scalar: X25519 (RFC 7748 §5), which sets the scalar's low three bits and top two bits first.

    Args:
        scalar: 32 bytes.
        points: coordinates that `first_bad_point` found good, or that come from `hash_to_curve`.
        workers: how many threads may work; the portable path uses one.

    Raises:
        LocalFault: `scalar-length`; `points-shape`; `workers-invalid`; `point-unchecked`: a point of small order.

    Security: time does not depend on the scalar or the points.
    """
    path = choose_path()
    if len(scalar) != SCALAR:
        raise LocalFault("scalar-length", "a scalar must be 32 bytes")
    if path == PORTABLE or (path == PLAIN and workers == 1):
        _check_workers(workers)
        return portable.mask(scalar, _check_shape(points))
    out = np.empty_like(_check_shape(points))

    def work(low: int, high: int) -> None:
        if native.mask(path, scalar, points[low:high], out[low:high]) >= 0:
            raise LocalFault("point-unchecked", "a point of small order came to the mask; points are checked before")

    _in_blocks(work, len(out), workers)
    return out


def first_bad_point(points: Points, workers: int = 1) -> int | None:
    """Give the index of the first coordinate that must not be multiplied, or None.

    Bad: not canonical (2^255 - 19 or above, so also with the top bit set), not on curve25519 (on its twist), or of small order
    (0, 1 and the two of order 8). A point of prime order plus one of small order passes: a scalar that is a multiple of 8 takes
    the small part away (`points.refuse_repeats` finds it after the mask, when two rows coincide).

    Raises:
        LocalFault: `points-shape`.
    """
    path = choose_path()
    _check_shape(points)
    if path == PORTABLE:
        return portable.first_bad_point(points)
    found: list[int] = []

    def work(low: int, high: int) -> None:
        bad = native.first_bad_point(path, points[low:high])
        if bad >= 0:
            found.append(low + bad)

    _in_blocks(work, len(points), workers)
    return min(found, default=None)


def hash_tags(prefix: bytes, points: Points, workers: int = 1) -> Points:
    """Give the tags of n points: SHA-256(prefix ‖ u)[:16], an array (n, 16).

    Raises:
        LocalFault: `points-shape`.
    """
    path = choose_path()
    _check_shape(points)
    if path == PORTABLE:
        return portable.hash_tags(prefix, points)
    out = np.empty((len(points), TAG), dtype=np.uint8)
    _in_blocks(lambda low, high: native.hash_tags(prefix, points[low:high], out[low:high]), len(points), workers)
    return out


def _check_workers(workers: int) -> None:
    if workers < 1:
        raise LocalFault("workers-invalid", "at least one worker is needed")


def _in_blocks(work: Callable[[int, int], None], count: int, workers: int) -> None:
    """Call work(low, high) over blocks of 0…count, in `workers` threads; the native functions release the interpreter's lock."""
    _check_workers(workers)
    rounds = max(1, -(-count // (workers * _BLOCK)))
    even = -(-count // (workers * rounds))  # as many blocks for each thread, so that they end together
    size = max(_STEP, -(-even // _STEP) * _STEP)
    lows = range(0, count, size)
    highs = [min(low + size, count) for low in lows]
    if workers == 1 or len(lows) < 2:
        for low, high in zip(lows, highs, strict=True):
            work(low, high)
        return
    with ThreadPoolExecutor(min(workers, len(lows))) as pool:
        for _ in pool.map(work, lows, highs):
            pass


def _check_shape(points: Points) -> Points:
    if points.ndim != 2 or points.shape[1] != POINT or points.dtype != np.uint8 or not points.flags.c_contiguous:
        raise LocalFault("points-shape", "points must be a contiguous array (n, 32) of bytes")
    return points
