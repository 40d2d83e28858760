"""What a list says of itself before a job, so that its recipes can be chosen; `quality/facts.py` counts it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import comb, prod
from typing import Final

from tallystick.core.linkage.fields.fields import FIELDS
from tallystick.core.linkage.passes.recipes import Part, Recipe

THOUSAND: Final = 1000
TENTH: Final = 10
SLACK: Final = 3.0
"""Bits by which a list may show less of a field than is usual before it counts: lists are small, and the usual figures are low."""
BORN_ON_A_DAY: Final = {"new_year": 0.003}
"""The share of people who are on a default day, where a list has not told: one in 365 is born on 1 January."""
FEW: Final = 3
"""Pairs that a small list does not tell apart from none."""


@dataclass(frozen=True)
class ListFacts:
    """What one list says of itself.

    Attributes:
        people: of the list, rounded up to two digits.
        known: by field, how many of 1,000 people have it, rounded up.
        alike: by the text of a recipe without guards, pairs of own people who are two and share its fields, rounded up; those of none, and
            of up to `FEW` in small lists, are left out.
        variety: by field, how seldom two people of the list agree in it (collision entropy), in tenths of bits; fields in which hardly any
            two do are left out.
    """

    people: int
    known: tuple[tuple[str, int], ...] = ()
    alike: tuple[tuple[str, int], ...] = ()
    variety: tuple[tuple[str, int], ...] = ()

    @cached_property
    def _known(self) -> Mapping[str, int]:
        return dict(self.known)

    @cached_property
    def _alike(self) -> Mapping[str, int]:
        return dict(self.alike)

    @cached_property
    def _variety(self) -> Mapping[str, int]:
        return dict(self.variety)

    def bits(self, part: Part) -> float:
        """Give how seldom two people agree in a field: no more than the list shows of what it is made from."""
        told = [self._variety[source] / TENTH for source in FIELDS[part.field_made].sources if source in self._variety]
        return part.bits if not told else min(part.bits, sum(told))

    def alike_by(self, recipe: Recipe) -> int:
        """Give the pairs of look-alikes by a recipe, whatever its guards; 0 for few."""
        return self._alike.get(recipe.core, 0)

    def share(self, part: Part) -> float:
        """Give the share of people who have a field, so far as it is told; of what is made from several, of all of them."""
        if part.field_made in self._known:
            return self._known[part.field_made] / THOUSAND
        if part.field in BORN_ON_A_DAY:
            return BORN_ON_A_DAY[part.field]
        kind = FIELDS[part.field_made]
        shares = [self._known.get(source, 0) / THOUSAND for source in kind.sources]
        return prod(shares) if kind.needs_all else max(shares)

    def pairs(self, recipe: Recipe) -> int:
        """Give the pairs of own people who both have a recipe's fields, as many as can be told."""
        have = self.people
        for part in recipe.parts:
            have = int(have * self.share(part))
        return comb(have, 2)


def recipe_chance(recipe: Recipe, facts: Sequence[ListFacts | None]) -> float:
    """Give how likely two people, one of each list, share a recipe's fields though they are two.

    One pair among 2^bits is taken for seen (bits of a field no more than `SLACK` above what either list shows of it), beside those that the
    lists have seen of themselves. Where one list has many more than the other, as of numbers that are lent within a family, that list's alone
    count.

    Args:
        recipe: its guards do not count.
        facts: of the left and the right list; None where a list has said nothing.
    """
    told = [(one, recipe.of_side(side)) for side, one in enumerate(facts) if one is not None]
    seen = [one.alike_by(own) for one, own in told]
    pairs = [one.pairs(own) for one, own in told]
    bits = [sum(min(part.bits, one.bits(part) + SLACK) for part in own.parts) for one, own in told]
    chance = (sum(seen) + 1) / (sum(pairs) + 2.0 ** min([recipe.bits, *bits]))
    return float(max([chance, *((count - 2 * count**0.5) / of for count, of in zip(seen, pairs, strict=True) if of)]))
