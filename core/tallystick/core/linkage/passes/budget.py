"""Which passes are made: how many accidental links a job may expect, and what each pass would add to them.

The passes are tried in order. Before one is made, so many accidental links are expected of it: for every two lists the rows that are free
towards each other, times the share of pairs that its guards leave, times the chance that two people share its fields (`facts.py`). Of a
pass that tells people of one home apart those rows are free that it leaves over; of another all that it finds, for twins whose partners
are not in the lists look like links.

A pass is made if what is expected of it and of those made before is no more than the ladder's share of all links; or if it makes many links
(`MANY`), no more than the ladder's margin of them are expected to be accidental, and with those of the passes before no more than
`TWICE` the share of all. How many links there are in all is known when the passes have been tried: where one was left out that would have
fitted, as the strictest are that find few, all are tried once more with that number. The coordinator counts links with decoys among them. A
pass that seems to make none, because so few cannot be seen among decoys, is made all the same if it takes no more than `SMALL` of what the
ladder allows.

Passes without anything that tells people of one home apart may make no more than `OF_HOMES` of all links: one person in four is not
without a first name in common, and if lists hold a twin each, nothing else tells. They are left out if they would make more.
Where an agreement says that its lists hold no twins, or no two people who share a home, those left out are tried again at the end, without
that bound: so the word adds links and takes none.

All of this is the coordinator's own: it knows how many links it makes. It tells the agencies which passes it made, for the decoy audit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tallystick.crypto.passes import FIRST

MANY: Final = 50
SMALL: Final = 0.02
OF_HOMES: Final = 0.25
TWICE: Final = 2


@dataclass(frozen=True)
class Bound:
    """What a ladder allows.

    Attributes:
        share: of all links, how many may be expected to be accidental.
        margin: the same of a single pass of many links.
    """

    share: float
    margin: float


BOUNDS: Final = {
    "strict": Bound(1e-4, 1e-3),
    "default": Bound(1e-3, 1e-2),
    "loose": Bound(3e-3, 3e-2),
    "widest": Bound(1e-2, 3e-2),
}
"""By ladder."""
LADDERS: Final = tuple(BOUNDS)


@dataclass(frozen=True)
class Odds:
    """What a pass makes by accident.

    Attributes:
        chance: how likely two people, one of each list, share its fields.
        held: the share of pairs that both have its fields.
        guards: of these, the share that its guards leave.
        tells: it has a field that tells people of one home apart.
    """

    chance: float
    held: float
    guards: float
    tells: bool


@dataclass(frozen=True)
class Budget:
    """When passes are made.

    Attributes:
        bound: of the ladder.
        odds: of each exact pass, in order; None for one that is made in any case: an agreement names it.
        spellings: of each, which spellings it links by.
        people: the most that each list holds.
        decoys: m, of each pass.
        passes: as many as decoys count.
        again: passes left out for the bound on homes are tried again at the end.
    """

    bound: Bound
    odds: tuple[Odds | None, ...]
    spellings: tuple[tuple[int, int], ...]
    people: tuple[int, ...]
    decoys: int
    passes: int
    again: bool

    def most_people(self, rows: Sequence[int]) -> list[int]:
        """Give how many people each list can have, from its declared size and its rows."""
        return [
            min(most, max(0, count - self.passes * self.decoys // 4)) for most, count in zip(self.people, rows, strict=True)
        ]


class Spending:
    """What is made so far; grows from pass to pass.

    Attributes:
        links: of people, so far as decoys let it be told.
        homes: those of passes that do not tell people of one home apart.
        expected: accidental ones.
        decoys: links of decoys that are expected among those made, between two lists.
    """

    def __init__(self, budget: Budget, in_all: float = 0.0) -> None:
        """Begin with nothing made; `in_all` is how many links of people there will be, so far as is known."""
        self._budget = budget
        self._in_all = in_all
        self._left_out: list[float] = []
        self.links = self.homes = self.expected = self.decoys = 0.0
        # of each pass's decoys that two lists include, half are whole and half damaged (`crypto/decoys.py`)
        self._whole = [budget.decoys / 8] * len(budget.odds)
        self._damaged = [budget.decoys / 8] * len(budget.odds)

    def decoys_at(self, step: int) -> float:
        """Give how many decoys two lists are expected to have in common at a pass, of those that are not linked yet."""
        return (
            self._whole[step]
            + self._damaged[step]
            + sum(self._whole[at] + self._damaged[at] / 2 for at in self._stricter(step))
        )

    def allows(self, step: int, proposed: int, free: Sequence[tuple[float, float]], *, again: bool = False) -> bool:
        """Tell whether a pass is made, and count it if so.

        Args:
            step: the pass.
            proposed: links that it would make.
            free: for every two lists, the people who are free towards each other, before it.
            again: it is tried for the second time, at the end.
        """
        odds, bound = self._budget.odds[step], self._budget.bound
        made = max(0.0, proposed - len(free) * self.decoys_at(step))
        accidental = 0.0 if odds is None else self._accidental(odds, made, free)
        if odds is not None:
            links = max(self._in_all, self.links + made)
            spent = accidental + self.expected
            fits = spent <= bound.share * links and (
                made > 0 or accidental <= SMALL * bound.share * max(self._in_all, self.links)
            )
            many = odds.tells and made >= MANY and accidental <= bound.margin * made and spent <= TWICE * bound.share * links
            homely = odds.tells or again or self.homes + made <= OF_HOMES * (self.links + made)
            if not (fits or many) or not homely:
                if odds.tells and made > 0:
                    self._left_out.append(spent)
                return False
        self.links += made
        self.homes += made if odds is not None and not odds.tells else 0.0
        self.expected += accidental
        self.decoys += self.decoys_at(step)
        for at in self._stricter(step):
            self._whole[at] = 0.0
            self._damaged[at] /= 2
        self._whole[step] = self._damaged[step] = 0.0
        return True

    @property
    def too_early(self) -> bool:
        """Whether a pass was left out that would have fitted had the links been known that there are now."""
        return bool(self._left_out) and min(self._left_out) <= self._budget.bound.share * self.links

    def _stricter(self, step: int) -> list[int]:
        """Give the passes before one whose decoys can have tokens at it."""
        spellings = self._budget.spellings
        return [at for at in range(step) if spellings[step] in (FIRST, spellings[at])]

    def _accidental(self, odds: Odds, made: float, free: Sequence[tuple[float, float]]) -> float:
        left = made / len(free) if odds.tells else 0.0
        pairs = sum(max(0.0, one - left) * max(0.0, other - left) for one, other in free)
        return pairs * odds.held * odds.guards * odds.chance
