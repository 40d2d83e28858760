"""Links compared with the truth: of a whole rehearsal, and of each of its passes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tallystick.core.linkage.quality.intervals import wilson
from tallystick.lab.linking.truth import Int64s, Truth


@dataclass(frozen=True)
class Score:
    """Links against the truth.

    Attributes:
        found: true people who were linked.
        wrong: false links.
        missed: true people who were not linked.
        again: true links of people who were found by another: they are twice in both lists.
    """

    found: int
    wrong: int
    missed: int
    again: int = 0

    @property
    def right(self) -> int:
        """True links."""
        return self.found + self.again

    def json_value(self) -> dict[str, object]:
        """Give it for programs. Precision is of links, recall of people."""
        made, true = self.right + self.wrong, self.found + self.missed
        return {
            "found": self.found,
            "wrong": self.wrong,
            "missed": self.missed,
            "again": self.again,
            "precision": self.right / made if made else None,
            "precision_interval": list(wilson(self.right, made)),
            "recall": self.found / true if true else None,
            "recall_interval": list(wilson(self.found, true)),
        }


def scores(truth: Truth, true: Int64s, at: Int64s, steps: int) -> tuple[list[Score], Score]:
    """Judge links, pass by pass and all together.

    Args:
        truth: who is the same.
        true: (links,) the true person of each link, -1 for a false one.
        at: (links,) the pass of each.
        steps: how many passes there are.

    Returns:
        Of each pass what its links found; `missed` are those whom neither it nor an earlier one found.
    """
    right = true >= 0
    first = np.full(truth.people, steps, dtype=np.int64)
    np.minimum.at(first, true[right], at[right])
    found = np.bincount(first, minlength=steps + 1)[:steps]
    made, wrong = (np.bincount(at[which], minlength=steps) for which in (right, ~right))
    missed = truth.people - np.cumsum(found)
    by_pass = [
        Score(int(found[step]), int(wrong[step]), int(missed[step]), int(made[step] - found[step])) for step in range(steps)
    ]
    total = int(found.sum())
    return by_pass, Score(total, int(wrong.sum()), truth.people - total, int(made.sum()) - total)
