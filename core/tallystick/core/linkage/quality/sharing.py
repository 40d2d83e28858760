"""What a list says of itself: people and look-alikes at each pass, and people whose identifiers make no token.

At each pass: how many people have what it takes, and how many pairs of them look alike. Of each identifier: how many people have one that
was not read, or that stands for nothing.

Security: the counts leave a node only inside sealed shares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from tallystick.core.linkage.passes.passes import SIMILARITY
from tallystick.core.linkage.passes.recipes import Recipe
from tallystick.core.linkage.passes.tokens import Identifiers
from tallystick.core.linkage.quality.facts import count_by_pass
from tallystick.core.linkage.quality.unread import count_unread

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class ListNumber:
    """One number that a list says of itself.

    Attributes:
        what: people with a token, or pairs of look-alikes (`core/linkage/quality/estimates.py`), of a linkage pass; or people whose value
            of an identifier was not read, or denied (`unread.py`).
        name: of the linkage pass, or of the identifier.
    """

    what: Literal["tokens", "alike", "doubtful", "unread", "denied"]
    name: str

    @property
    def label(self) -> str:
        """Write it for people."""
        return f"{self.what}({self.name})"


def list_counts(
    recipes: Sequence[Recipe],
    identifiers: Identifiers,
    n: int,
    *,
    in_any_band: Bools | None = None,
    similarity: str = SIMILARITY,
) -> dict[ListNumber, int]:
    """Give what a list says of itself: `tokens`, `alike` and `doubtful` of every pass, `unread` and `denied` of every identifier.

    `tokens` counts people who have what a pass takes, but for its guards, shared or not; the other two are the pairs of
    `core/linkage/quality/facts.py`. A similarity pass counts who has a token in any band, and no pairs.

    Args:
        recipes: the exact passes, strict to loose, of the list's side.
        identifiers: raw values of first spellings, one per person, by identifier.
        n: how many people.
        in_any_band: (n,): who has a token in a band of a similarity pass; None without one.
        similarity: the name of the similarity pass.
    """
    # of more than two lists, some passes are of other lists alone: this one says nothing of them
    able = [recipe for recipe in recipes if not recipe.lacking(identifiers)]
    have, pairs = count_by_pass(able, identifiers, n)
    counts = {ListNumber(what, recipe.name): 0 for recipe in recipes for what in ("tokens", "alike", "doubtful")}
    for step, recipe in enumerate(able):
        counts[ListNumber("tokens", recipe.name)] = have[step]
        counts[ListNumber("alike", recipe.name)] = pairs.certain[step]
        counts[ListNumber("doubtful", recipe.name)] = pairs.doubtful[step]
    for name, found in count_unread(identifiers).items():
        counts |= {ListNumber("unread", name): found.unread, ListNumber("denied", name): found.denied}
    if in_any_band is not None:
        counts[ListNumber("tokens", similarity)] = int(in_any_band.sum())
        counts |= {ListNumber("alike", similarity): 0, ListNumber("doubtful", similarity): 0}
    return counts
