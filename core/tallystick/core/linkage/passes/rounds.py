"""Rounds of a similarity pass: how few coinciding bands will do, once most rows have their partner.

Two rows that coincide in few bands are more likely two people than one, as long as many rows are free. When most rows are linked, few
free pairs are left, and few of these can coincide by accident. So the pass links at `need` first, which its plan holds to be safe if
nobody had a partner, and then at one band fewer at a time, down to `least`, as long as what is seen allows it.

What is seen are pairs of rows that are known to be two people: one of them is linked to another row of the other's list. Of these, d
coincide in k bands or more, and c in fewer, but at least one. Of the pairs that are free, x coincide in fewer than k. If free pairs of
two people are like the known ones, about (x + 1)·(d + 1)/c of the free pairs that coincide in k or more are accidental (the ones stand
for what has not been seen, as in Laplace's rule; so short lists have no further round). An empirical null takes the place of a model
(B. Efron, "Large-scale simultaneous hypothesis testing", JASA 99, 2004): the fewer the candidates, the likelier each is a match. A round
is made if all rounds together expect at most `SHARE` of the links to be accidental, and each at most `ODDS` of its own.

Rows without a person coincide with none, so decoys that one list has alone and padding change nothing. Those that both have are
taken away from the links, by how many are expected.

Where free people are likelier to be alike than linked ones, as a mother in one list and her child in the other, this says too
little. `least` is what holds there: plans for lists that may hold households or twins have one that keeps these apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Final

from tallystick.core.errors import Broken

SHARE: Final = 5e-4
"""Accidental links that all rounds after the first may expect, as a share of all links."""
ODDS: Final = 0.05
"""Accidental links that a round may expect, as a share of its own."""
FEWEST: Final = 2
"""No round links at one band: nothing would then be seen that coincides in fewer."""


@dataclass(frozen=True)
class Rounds:
    """When a similarity pass links two rows.

    Attributes:
        bands: of the pass.
        need: bands in which two rows must coincide to be linked in the first round.
        least: the fewest by which a later round may link; `need` for no later round.
        decoys: of each pass, of whom a quarter is expected in both of two lists.

    Raises:
        Broken: `protocol-broken`: numbers that do not fit together.
    """

    bands: int
    need: int
    least: int
    decoys: int = 0

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not 0 < self.least <= self.need <= self.bands or self.decoys < 0:
            raise Broken("protocol-broken", "a similarity pass needs bands, and some of them to coincide")

    @property
    def numbers(self) -> range:
        """The bands by which rounds may link, most first."""
        return range(self.need, max(self.least, min(FEWEST, self.need)) - 1, -1)

    def decoy_links(self, passes: int) -> float:
        """Give how many decoys of some whole passes are expected to be linked between two lists."""
        return passes * self.decoys / 4

    @property
    def decoys_each(self) -> float:
        """How many decoys of the similarity pass are expected to coincide in one given number of bands between two lists."""
        return self.decoys / (4 * (self.bands - self.least + 1))

    def decoys_left(self, fewest: int) -> float:
        """Give how many decoys of the similarity pass are expected to be in both of two lists and not linked.

        Args:
            fewest: bands that the last round asked for.
        """
        return self.decoys_each * (fewest - self.least)


@dataclass(frozen=True)
class RoundCounts:
    """What is seen before a round at k bands, of all pairs of lists together.

    Attributes:
        apart_enough: pairs known to be two people that coincide in k bands or more.
        apart_fewer: the same in fewer.
        free_fewer: free pairs that coincide in fewer.
        proposed: links that the round would make; without decoys.
        links: made so far; without decoys.
    """

    apart_enough: int
    apart_fewer: int
    free_fewer: int
    proposed: float
    links: float

    @property
    def accidental(self) -> float:
        """How many of the links that the round would make are expected to be accidental."""
        if not self.apart_fewer:
            return inf
        return (self.free_fewer + 1) * (self.apart_enough + 1) / self.apart_fewer

    def allows(self, spent: float) -> bool:
        """Tell whether the round is made, when earlier ones expect `spent` accidental links."""
        return self.accidental + spent <= SHARE * self.links and self.accidental <= ODDS * self.proposed
