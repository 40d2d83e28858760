"""Tags without encryption, for a rehearsal: two people have the same tag where a job would give them the same.

A tag is the keyed hash of `core/linkage/passes/hashing.py`: two different tokens share one with probability 2^-128.

As in a job (`crypto/tags.py`), a missing token, and one that two of the list's own people share, match nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tallystick.core.linkage.matching.matching import TAG_BYTES
from tallystick.core.linkage.passes.hashing import Hasher, groups_of
from tallystick.crypto.tags import TokenColumn

__all__ = ["ClearTags", "Hasher", "clear_tags", "coincide"]

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
        found = hasher.hash(column)
        groups[step] = groups_of(found, column.usable)
        usable[step] = column.usable & (groups[step] < 0)
        tags[step] = np.where(usable[step][:, None], found, nobody)
    return ClearTags(tags.view(np.uint8).reshape(passes, people, TAG_BYTES), usable, groups)


def coincide(first: ClearTags, second: ClearTags, a: Sequence[int] | npt.NDArray[np.int64], b: npt.NDArray[np.int64]) -> Bools:
    """Tell at which passes the tags of pairs (a[i], b[i]) coincide, shape (passes, pairs)."""
    one = first.tags.view(np.uint64)[:, a]
    return np.asarray((one == second.tags.view(np.uint64)[:, b]).all(axis=2), dtype=np.bool_)
