"""What a list says of itself at each pass: how many people have a token, and how many pairs of them share one.

Tokens are compared by a keyed 128-bit hash: four times the multilinear hash of the token's 32-bit words, each strongly universal
(Carter and Wegman 1979; Lemire and Kaser, "Strongly universal string hashing is fast", 2014), under keys that are drawn for the
run. Two different tokens share a hash with probability 2^-128.

Security: hashes stay in this process. The counts leave a node only inside sealed shares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from tallystick.core.linkage.estimates import lookalikes
from tallystick.core.linkage.recipes import Recipe
from tallystick.crypto.order import alike
from tallystick.crypto.randomness import Randomness
from tallystick.crypto.tags import TokenColumn

BLOCK: Final = 1 << 16
_WORD: Final = 4
_LANES: Final = 4

Halves = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]
Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ListNumber:
    """One number that a list says of itself.

    Attributes:
        what: people with a token, or pairs of look-alikes (`core/linkage/estimates.py`).
        name: of the linkage pass.
    """

    what: Literal["tokens", "alike", "doubtful"]
    name: str

    @property
    def label(self) -> str:
        """Write it for people."""
        return f"{self.what}({self.name})"


class Hasher:
    """The keys of one run: lists that are compared take the same."""

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


def list_counts(
    recipes: Sequence[Recipe],
    columns: Mapping[str, TokenColumn],
    n: int,
    randomness: Randomness,
    *,
    in_any_band: Bools | None = None,
    similarity: str = "similarity",
) -> dict[ListNumber, int]:
    """Give what a list says of itself: `tokens`, `alike` and `doubtful` of every pass.

    `tokens` counts people with a token, shared ones too; the other two are the pairs of `core/linkage/estimates.py`. A similarity
    pass counts who has a token in any band, and no pairs.

    Args:
        recipes: the exact passes, strict to loose.
        columns: tokens by exact pass.
        n: how many people.
        randomness: for the keys under which tokens are compared.
        in_any_band: (n,): who has a token in a band of a similarity pass; None without one.
        similarity: the name of the similarity pass.
    """
    hasher = Hasher(randomness)
    # only who shares a token is kept of each pass: nearly nobody does
    sharing: list[tuple[Int64s, Int64s]] = []
    for recipe in recipes:
        column = columns[recipe.name]
        groups = groups_of(hasher.hashed(column), column.usable)
        who = np.flatnonzero(groups >= 0)
        sharing.append((who, groups[who]))
    anyone = np.unique(np.concatenate([np.empty(0, dtype=np.int64), *(who for who, _ in sharing)]))
    dense = np.full((len(recipes), len(anyone)), -1, dtype=np.int64)
    for row, (who, numbers) in zip(dense, sharing, strict=True):
        row[np.searchsorted(anyone, who)] = numbers
    pairs = lookalikes(dense, recipes, people=n)
    counts: dict[ListNumber, int] = {}
    for step, recipe in enumerate(recipes):
        counts[ListNumber("tokens", recipe.name)] = int(columns[recipe.name].usable.sum())
        counts[ListNumber("alike", recipe.name)] = pairs.certain[step]
        counts[ListNumber("doubtful", recipe.name)] = pairs.doubtful[step]
    if in_any_band is not None:
        counts[ListNumber("tokens", similarity)] = int(in_any_band.sum())
        counts |= {ListNumber("alike", similarity): 0, ListNumber("doubtful", similarity): 0}
    return counts
