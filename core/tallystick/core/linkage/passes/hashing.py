"""Keyed hashes of tokens, by which one process compares them.

A hash has 128 bits: four times the multilinear hash of the token's 32-bit words, each strongly universal
(Carter and Wegman 1979; Lemire and Kaser, "Strongly universal string hashing is fast", 2014), under keys that are drawn for the
run. Two different tokens share a hash with probability 2^-128.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from tallystick.crypto.order import alike
from tallystick.crypto.randomness import Randomness
from tallystick.crypto.tags import TokenColumn

BLOCK: Final = 1 << 16
_WORD: Final = 4
_LANES: Final = 4

Halves = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]
Int64s = npt.NDArray[np.int64]


class Hasher:
    """The keys of one run: lists that are compared take the same."""

    def __init__(self, randomness: Randomness) -> None:
        self._randomness = randomness
        self._keys = np.zeros((0, _LANES), dtype=np.uint64)

    def hash(self, column: TokenColumn) -> Halves:
        """Give (people, 2): the hash of each token; what stands where there is none means nothing."""
        return self.hash_up_to(column, column.offsets[1:])

    def hash_up_to(self, column: TokenColumn, ends: Int64s) -> Halves:
        """Give (people, 2): the hash of each token's bytes before its end.

        Args:
            column: the tokens.
            ends: (people,): positions in the column's data, each where a frame of the person's token ends.
        """
        sizes = np.where(column.usable, ends - column.offsets[:-1], 0)
        data = np.frombuffer(column.data, dtype=np.uint8)
        out = np.empty((len(sizes), 2), dtype=np.uint64)
        for start in range(0, len(sizes), BLOCK):
            out[start : start + BLOCK] = self._block(
                data, column.offsets[:-1][start : start + BLOCK], sizes[start : start + BLOCK]
            )
        return out

    def _block(self, data: npt.NDArray[np.uint8], begins: Int64s, sizes: Int64s) -> Halves:
        words = -(-int(sizes.max(initial=1)) // _WORD)
        # tokens are frames, and a frame has no empty part: zeros after it cannot be read as more of it
        padded = np.zeros((len(sizes), words * _WORD), dtype=np.uint8)
        places = np.arange(words * _WORD)
        inside = places < sizes[:, None]
        padded[inside] = data[(begins[:, None] + places)[inside]]
        columns = np.ascontiguousarray(padded.view("<u4").T)
        lanes = []
        for lane in range(_LANES):
            keys = self._up_to(words + 1)[:, lane]
            total = np.full(len(sizes), keys[0], dtype=np.uint64)
            for at in range(words):
                total += keys[at + 1] * columns[at]
            lanes.append(total >> np.uint64(32))
        return np.stack([lanes[0] << np.uint64(32) | lanes[1], lanes[2] << np.uint64(32) | lanes[3]], axis=1)

    def _up_to(self, count: int) -> Halves:
        short = count - len(self._keys)
        if short > 0:
            drawn = np.frombuffer(self._randomness.take(short * _LANES * 8), dtype="<u8").reshape(short, _LANES)
            self._keys = np.concatenate([self._keys, drawn])
        return self._keys


def groups_of(found: Halves, usable: Bools) -> Int64s:
    """Number those who share a hash with another: the same number for each of them, -1 for everybody else."""
    who = np.flatnonzero(usable)
    rows, new = alike(found[who, 0], found[who, 1])
    run = np.cumsum(new) - 1
    shared = np.bincount(run, minlength=1)[run] > 1
    groups = np.full(len(usable), -1, dtype=np.int64)
    groups[who[rows[shared]]] = run[shared]
    return groups
