"""Tags without encryption, for a rehearsal: two people have the same tag where a job would give them the same.

A tag is a keyed 128-bit hash: four times the multilinear hash of the token's 32-bit words, each strongly universal (Carter and
Wegman 1979; Lemire and Kaser, "Strongly universal string hashing is fast", 2014), under keys that are drawn for the run. Two
different tokens share a tag with probability 2^-128.

As in a job (`crypto/tags.py`), a missing token, and one that two of the list's own people share, match nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from tallystick.core.linkage.matching import TAG_BYTES
from tallystick.crypto.randomness import Randomness
from tallystick.crypto.tags import TokenColumn

BLOCK: Final = 1 << 16
_WORD: Final = 4
_LANES: Final = TAG_BYTES // _WORD

Halves = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class ClearTags:
    """A list's tags, and who has none.

    Attributes:
        tags: (passes, people, 16) uint8.
        usable: (passes, people): has a token that nobody else of the list has.
        groups: (passes, people): the same number for people who share a token, -1 for everybody else.
    """

    tags: npt.NDArray[np.uint8] = field(repr=False)
    usable: Bools = field(repr=False)
    groups: npt.NDArray[np.int64] = field(repr=False)

    @property
    def shared(self) -> Bools:
        """(passes, people): has a token that another of the list has too."""
        return np.asarray(self.groups >= 0, dtype=np.bool_)

    def part(self, start: int, end: int) -> ClearTags:
        """Give some of the passes."""
        return ClearTags(self.tags[start:end], self.usable[start:end], self.groups[start:end])


class Hasher:
    """The keys of one run: both lists take the same."""

    def __init__(self, randomness: Randomness) -> None:
        self._randomness = randomness
        self._keys = np.zeros((0, _LANES), dtype=np.uint64)

    def hashed(self, column: TokenColumn) -> Halves:
        """Give (people, 2): the hash of each token; what stands where there is none means nothing."""
        sizes = np.where(column.usable, np.diff(column.offsets), 0)
        data = np.frombuffer(column.data, dtype=np.uint8)
        out = np.empty((len(sizes), 2), dtype=np.uint64)
        for start in range(0, len(sizes), BLOCK):
            out[start : start + BLOCK] = self._block(
                data, column.offsets[:-1][start : start + BLOCK], sizes[start : start + BLOCK]
            )
        return out

    def _block(self, data: npt.NDArray[np.uint8], begins: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64]) -> Halves:
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


def clear_tags(columns: Mapping[str, TokenColumn], hasher: Hasher, side: int) -> ClearTags:
    """Give a list's tags at each pass.

    Args:
        columns: tokens by pass, in ladder order.
        hasher: the run's keys.
        side: 0 or 1: which list, so that what is missing in one differs from what is missing in the other.
    """
    passes, people = len(columns), len(next(iter(columns.values())).usable)
    tags = np.empty((passes, people, 2), dtype=np.uint64)
    usable, groups = np.zeros((passes, people), dtype=np.bool_), np.full((passes, people), -1, dtype=np.int64)
    nobody = np.stack([np.arange(people, dtype=np.uint64), np.full(people, side, dtype=np.uint64)], axis=1)
    for step, column in enumerate(columns.values()):
        found = hasher.hashed(column)
        groups[step] = _groups(found, column.usable)
        usable[step] = column.usable & (groups[step] < 0)
        tags[step] = np.where(usable[step][:, None], found, nobody)
    return ClearTags(tags.view(np.uint8).reshape(passes, people, TAG_BYTES), usable, groups)


def _groups(found: Halves, usable: Bools) -> npt.NDArray[np.int64]:
    """Number those who share a hash with another."""
    who = np.flatnonzero(usable)
    order = who[np.lexsort((found[who, 1], found[who, 0]))]
    same = (found[order[1:]] == found[order[:-1]]).all(axis=1)
    run = np.cumsum(np.concatenate([[False], ~same])) if len(order) else np.empty(0, dtype=np.int64)
    shared = np.concatenate([[False], same]) | np.concatenate([same, [False]]) if len(order) else np.empty(0, dtype=np.bool_)
    groups = np.full(len(usable), -1, dtype=np.int64)
    groups[order[shared]] = run[shared]
    return groups


def coincide(first: ClearTags, second: ClearTags, a: Sequence[int] | npt.NDArray[np.int64], b: npt.NDArray[np.int64]) -> Bools:
    """Tell at which passes the tags of pairs (a[i], b[i]) coincide, shape (passes, pairs)."""
    one = first.tags.view(np.uint64)[:, a]
    return np.asarray((one == second.tags.view(np.uint64)[:, b]).all(axis=2), dtype=np.bool_)
