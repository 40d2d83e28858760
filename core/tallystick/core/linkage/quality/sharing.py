"""What a list says of itself at each pass: how many people have a token, and how many pairs of them share one.

Tokens are compared by their hashes (`core/linkage/passes/hashing.py`).

Security: hashes stay in this process. The counts leave a node only inside sealed shares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from tallystick.core.linkage.passes.hashing import Hasher, groups_of
from tallystick.core.linkage.passes.passes import SIMILARITY
from tallystick.core.linkage.passes.recipes import Recipe
from tallystick.core.linkage.quality.estimates import lookalikes
from tallystick.crypto.randomness import Randomness
from tallystick.crypto.tags import TokenColumn

Bools = npt.NDArray[np.bool_]
Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ListNumber:
    """One number that a list says of itself.

    Attributes:
        what: people with a token, or pairs of look-alikes (`core/linkage/quality/estimates.py`).
        name: of the linkage pass.
    """

    what: Literal["tokens", "alike", "doubtful"]
    name: str

    @property
    def label(self) -> str:
        """Write it for people."""
        return f"{self.what}({self.name})"


def list_counts(
    recipes: Sequence[Recipe],
    columns: Mapping[str, TokenColumn],
    n: int,
    randomness: Randomness,
    *,
    in_any_band: Bools | None = None,
    similarity: str = SIMILARITY,
) -> dict[ListNumber, int]:
    """Give what a list says of itself: `tokens`, `alike` and `doubtful` of every pass.

    `tokens` counts people with a token, shared ones too; the other two are the pairs of `core/linkage/quality/estimates.py`. A similarity
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
