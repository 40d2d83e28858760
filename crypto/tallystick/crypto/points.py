"""Points that came from somebody else, and points that stand for nobody.

A coordinate that is off the curve, of small order, or written in a second way would tell its sender something about the next
mask or let one person be counted twice; so nothing is multiplied before it is checked (RFC 7748 §6.1, §7).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from tallystick.crypto import kernel
from tallystick.crypto.errors import PeerFault
from tallystick.crypto.hash_to_curve import P
from tallystick.crypto.kernel import POINT, Points
from tallystick.crypto.randomness import Randomness

RANDOM_DST: Final = b"TS1-V01-CS01-random-with-curve25519_XMD:SHA-512_ELL2_RO_"
"""Keeps random points apart from those of tokens."""

_SEED: Final = 32


def read_points(data: bytes | memoryview, rows: int, *, sender: str, start: int = 0, workers: int = 1) -> Points:
    """Read `rows` coordinates that somebody sent, and check each before anything is done with it (S-03).

    Args:
        data: rows × 32 bytes.
        rows: how many coordinates are due.
        sender: who sent them; named in the error.
        start: the index in its list of the first of them, for the error.
        workers: threads for checking.

    Returns:
        A read-only array (rows, 32).

    Raises:
        PeerFault: `points-length`: more or fewer bytes. `point-not-canonical`: a number of 2^255 - 19 or more.
            `point-invalid`: on the twist, or of small order. The message names the index, never the bytes.
    """
    view = memoryview(data)
    if view.nbytes != rows * POINT:
        raise PeerFault("points-length", f"{rows} points take {rows * POINT} bytes, not {view.nbytes}", sender=sender)
    points = np.frombuffer(view, dtype=np.uint8).reshape(rows, POINT)
    bad = kernel.first_bad_point(points, workers)
    if bad is None:
        return points
    if int.from_bytes(points[bad].tobytes(), "little") >= P:
        raise PeerFault("point-not-canonical", f"point {start + bad} is not canonical", sender=sender)
    raise PeerFault("point-invalid", f"point {start + bad} is not on the curve or is of small order", sender=sender)


def find_repeated(values: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Tell which rows of an array (n, width) hold a value that another row holds too.

    Sorts the rows' first 8 bytes, and only rows that agree there by all of theirs, so that made-up agreements cost no more
    than a full sort. Pre-condition: width is a multiple of 8, and 8 at least.
    """
    words = np.ascontiguousarray(values).view("<u8")
    ordered = np.sort(words[:, 0])
    if not (ordered[1:] == ordered[:-1]).any():  # as in nearly every list; sorting alone takes half the time
        return np.zeros(len(values), dtype=np.bool_)
    alike = np.flatnonzero(_runs(words[:, :1], np.argsort(words[:, 0], kind="stable")))
    same = np.zeros(len(values), dtype=np.bool_)
    if len(alike):
        candidates = words[alike]
        same[alike] = _runs(candidates, np.lexsort(candidates.T))
    return same


def _runs(rows: npt.NDArray[np.uint64], order: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """Tell which rows equal a neighbour in the given order."""
    ordered = rows[order]
    equal = np.all(ordered[1:] == ordered[:-1], axis=1)
    found = np.zeros(len(rows), dtype=np.bool_)
    found[order[1:]] = equal
    found[order[:-1]] |= equal
    return found


def refuse_repeats(values: npt.NDArray[np.uint8], *, sender: str) -> None:
    """Refuse a list in which a value stands twice (S-06): its sender would count one person twice, or mark one.

    A ring node calls this on the list after it has masked it: equal points stay equal, and points that differ only by one of
    small order, which a mask takes away, become equal.

    Args:
        values: the points (n, 32) or tags (n, 16) of one pass.
        sender: who sent them.

    Raises:
        PeerFault: `point-repeated`: names the index of the first.
    """
    same = find_repeated(values)
    if same.any():
        raise PeerFault("point-repeated", f"point {int(same.argmax())} stands in the list more than once", sender=sender)


def random_points(randomness: Randomness, count: int) -> Points:
    """Give `count` uniform points of the subgroup of prime order: hashes of fresh random bytes.

    Security: nobody, not even the caller, knows their logarithms; once masked they cannot be told from the points of tokens.
    """
    offsets = np.arange(count + 1, dtype=np.int64) * _SEED
    return kernel.hash_to_curve(RANDOM_DST, b"", randomness.take(count * _SEED), offsets)
