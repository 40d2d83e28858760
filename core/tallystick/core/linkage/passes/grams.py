"""q-grams of canonical values, and their MinHash signatures, on the distinct values of a field.

    names, city        pairs of neighbouring letters, with a mark before and after
    street             triples of them
    birth date         year with month, year with day, month with day: one slip leaves one of the three, a swap leaves all
    numbers            digits (pairs of a ZIP, else triples) with their place

Hash functions are keyed by the job secret, one key for a field, a place in the band and a band (`crypto/minhash.py`); a weight asks for so
many hashes of a gram. What is a gram: version 1, as `normalise.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from tallystick.crypto.minhash import band_key, least_hashes

LONGEST: Final = 48
"""Characters of a value that count."""
CHUNK: Final = 1 << 13
BLOCK: Final = 1 << 16
"""Values whose grams are looked up at a time."""

Codes = npt.NDArray[np.uint64]
Minima = npt.NDArray[np.uint32]

_WIDTH: Final = {"street": 3}
_PLACED: Final = {"ssn": 3, "state_id": 3, "school_id": 3, "phone": 3, "zip": 2}
_LETTER: Final = np.uint64(21)
_BEFORE, _AFTER = 1, 2
_NONE: Final = np.iinfo(np.uint64).max


@dataclass(frozen=True, eq=False)
class GramTable:
    """The grams of distinct values.

    Attributes:
        codes: the distinct grams, as numbers; the last one stands for none.
        index: (values, most grams): places in `codes`, in as few bytes as will do.
    """

    codes: Codes = field(repr=False)
    index: npt.NDArray[np.unsignedinteger] = field(repr=False)


def gram_table(name: str, values: Sequence[str]) -> GramTable:
    """Give the grams of a field's values, some values at a time.

    Args:
        name: the field.
        values: distinct canonical values, none of them empty.
    """
    parts: list[tuple[Codes, npt.NDArray[np.uint32], int]] = []
    for start in range(0, len(values), BLOCK):
        codes = _codes(name, values[start : start + BLOCK])
        known, index = np.unique(codes, return_inverse=True)
        parts.append((known, index.reshape(codes.shape).astype(np.uint32), codes.shape[1]))
    distinct = np.unique(np.concatenate([np.array([_NONE], dtype=np.uint64), *(known for known, _, _ in parts)]))
    none = len(distinct) - 1
    small = np.dtype(np.uint16 if none <= np.iinfo(np.uint16).max else np.uint32)
    shape = (len(values), max((width for _, _, width in parts), default=1))
    whole: npt.NDArray[np.unsignedinteger] = np.full(shape, none, dtype=small)
    for at, (known, places, width) in enumerate(parts):
        whole[at * BLOCK : at * BLOCK + len(places), :width] = np.searchsorted(distinct, known)[places]
    return GramTable(distinct, whole)


def minima(name: str, grams: GramTable, elements: Sequence[tuple[int, int]], weight: int, secret: bytes) -> Minima:
    """Give MinHashes of values.

    Args:
        name: the field whose values they are.
        grams: of these values.
        elements: (place in the band, band): one hash function each.
        weight: how often each gram counts.
        secret: the job secret.

    Returns:
        (values, elements) uint32: the least hash of the value's grams.
    """
    table = np.empty((len(grams.codes), len(elements)), dtype=np.uint32)
    for at, (place, band) in enumerate(elements):
        table[:, at] = least_hashes(band_key(secret, name, place, band), grams.codes, weight)
    table[-1] = np.iinfo(np.uint32).max
    found = np.empty((len(grams.index), len(elements)), dtype=np.uint32)
    for start in range(0, len(found), CHUNK):
        rows = grams.index[start : start + CHUNK]
        least = table[rows[:, 0]]
        for column in range(1, rows.shape[1]):
            np.minimum(least, table[rows[:, column]], out=least)
        found[start : start + CHUNK] = least
    return found


def grams(field: str, value: str) -> set[int]:
    """Give the grams of one value, as numbers."""
    return {int(code) for code in _codes(field, [value])[0] if code != _NONE}


def _codes(field: str, values: Sequence[str]) -> Codes:
    """Give the grams of values as numbers, shape (values, most grams); all ones where a value has fewer."""
    if field == "birth_date":
        return _date_codes(values)
    letters = np.array(values, dtype=f"U{LONGEST}")
    longest = max(1, int(np.char.str_len(letters).max()))
    points = np.ascontiguousarray(letters.astype(f"U{longest}")).view(np.uint32).reshape(len(values), longest).astype(np.uint64)
    if field in _PLACED:
        return _windows(points, _PLACED[field], placed=True)
    width = _WIDTH.get(field, 2)
    padded = np.zeros((len(values), longest + 2), dtype=np.uint64)
    padded[:, 0] = _BEFORE
    padded[:, 1:-1] = points
    padded[np.arange(len(values)), 1 + (points > 0).sum(axis=1)] = _AFTER
    return _windows(padded, width, placed=False)


def _windows(points: Codes, width: int, *, placed: bool) -> Codes:
    """Give each run of `width` characters as one number; a value that is shorter is a gram by itself."""
    short = max(0, width - points.shape[1])
    points = np.pad(points, ((0, 0), (0, short)))
    count = points.shape[1] - width + 1
    codes = np.zeros((len(points), count), dtype=np.uint64)
    whole = np.ones((len(points), count), dtype=np.bool_)
    for step in range(width):
        part = points[:, step : step + count]
        codes = codes << _LETTER | part
        whole &= part > 0
    whole[:, 0] = True
    if placed:
        # three characters of up to 21 bits fill 63: a number's are below 128, and leave room for their place
        codes ^= np.arange(count, dtype=np.uint64) << np.uint64(8)
    return np.where(whole, codes, _NONE)


def _date_codes(values: Sequence[str]) -> Codes:
    """Give the three pairs of a date YYYYMMDD. Month and day are not told apart, so that a swap leaves all three."""
    number = np.array(values, dtype=np.int64)
    year, month, day = number // 10_000, number // 100 % 100, number % 100
    pairs = np.stack(
        [year * 100 + month, year * 100 + day, 10**7 + np.minimum(month, day) * 100 + np.maximum(month, day)], axis=1
    )
    return pairs.astype(np.uint64)
