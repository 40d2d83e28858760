"""What a list says of itself before a job, so that its recipes can be chosen: who has which field, and how many look-alikes it holds.

Two people of one list are two people. So how many pairs of a list's own people share a recipe's fields says how often two different
people do (as `estimates.py` has it). A pair is two people if something tells them apart (`matching/apart.py`), unless they agree in
`estimates.SAME` bits more than the list has pairs, when it is rather one person twice (but never where it is their first names that differ);
or if nothing tells them apart and they agree in fewer bits than the list has pairs. Bits are the usual ones, but no more than `MORE` above
what the list shows of a field, and a day that stands for an unknown one says no more than its year. Of pairs that nothing tells apart,
where numbers are known, as many are two people as of those pairs that have two numbers.

The figures stand in the agreement, for everybody to read. Pairs are rounded up to 1, 2, 3, 5, 10, 20, 30, 50, 100 and so on; of fewer people
than `SMALL`, up to `FEW` pairs are not told apart from none. People are rounded up to two digits, shares to a thousandth.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import comb, log2
from typing import Final

import numpy as np
import numpy.typing as npt

from tallystick.core.linkage.fields.fields import FIELDS
from tallystick.core.linkage.matching.apart import Apart
from tallystick.core.linkage.passes.catalogue import CATALOGUE, CONTRARY, HOUSEHOLDS
from tallystick.core.linkage.passes.facts import FEW, TENTH, THOUSAND, ListFacts
from tallystick.core.linkage.passes.kind import core_values
from tallystick.core.linkage.passes.recipes import YEAR_BITS, Part, Recipe, parse_recipe
from tallystick.core.linkage.passes.tokens import Fields, Identifiers
from tallystick.core.linkage.quality.agreement import identifier_of
from tallystick.core.linkage.quality.estimates import SAME, Lookalikes

FIELDS_TOLD: Final = (
    "ssn", "ssn4", "state_id", "school_id", "first_name", "first_initial", "second_name", "middle_name", "middle_group", "last_name",
    "generation", "birth_date", "new_year", "sex", "street", "city", "zip", "phone",
)  # fmt: skip
"""Fields of which a list says how many people have them."""
SMALL: Final = 1000
"""People of a list that does not tell few pairs from none."""
LARGEST: Final = 64
"""Of a value that more people share, pairs of those near each other stand for all."""
MORE: Final = 1.0
"""Bits above what a list's pairs show of a field that agreeing in it may say."""
ENOUGH: Final = 10
"""Pairs with two numbers, without which nothing is said of pairs whose numbers are not known."""

Int64s = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def round_up(count: int, people: int) -> int:
    """Give the least of 0, 1, 2, 3, 5, 10, 20, 30, 50, 100, 200, … that is no less; 0 for up to `FEW` of fewer people than `SMALL`."""
    if count <= FEW:
        return count if people >= SMALL else 0
    size: int = 10 ** (len(str(count)) - 1)
    return next(at * size for at in (1, 2, 3, 5, 10) if at * size >= count and at * size >= 5)


def count_facts(identifiers: Identifiers, n: int) -> ListFacts:
    """Count what a list says of itself.

    Args:
        identifiers: raw values, one per person, by identifier.
        n: number of people.
    """
    fields = Fields(identifiers, {})
    known, alike, variety = {}, {}, {}
    for name in FIELDS_TOLD:
        if fields.can_make(Part(name)):
            codes = fields.part(Part(name))[0].codes
            if name in identifiers and (bits := _entropy(codes)) is not None:
                variety[name] = bits
            known[name] = -(-THOUSAND * int((codes >= 0).sum()) // max(n, 1))
    counter = _Counter(fields, identifiers, n)
    for recipe in own_recipes():
        if all(fields.can_make(part) for part in recipe.parts) and (count := round_up(counter.lookalikes(recipe), n)):
            alike[recipe.core] = count
    digits = 10 ** max(0, len(str(n)) - 2)
    return ListFacts(
        -(-n // digits) * digits, tuple(sorted(known.items())), tuple(sorted(alike.items())), tuple(sorted(variety.items()))
    )


def count_by_pass(recipes: Sequence[Recipe], identifiers: Identifiers, n: int) -> tuple[list[int], Lookalikes]:
    """Give what a list says of itself at each pass: people who have its fields, and pairs of look-alikes.

    Args:
        recipes: the exact passes, in order, of the list's side.
        identifiers: raw values of first spellings, one per person, by identifier.
        n: number of people.
    """
    have, pairs = _Counter(Fields(identifiers, {}), identifiers, n).by_pass(recipes)
    return have, Lookalikes(tuple(two for two, _ in pairs), tuple(perhaps for _, perhaps in pairs))


def own_recipes() -> list[Recipe]:
    """Give all recipes of the catalogue without guards, each as the one list and as the other make it."""
    dates = [f"{entry.recipe.core}+birth_date:4" for entry in CATALOGUE if "d" in entry.guards]
    every = [entry.recipe for entry in (*CATALOGUE, *CONTRARY, *HOUSEHOLDS)] + [parse_recipe(text) for text in dates]
    return list({one.core: one for recipe in every for one in (recipe.of_side(0), recipe.of_side(1))}.values())


def _entropy(codes: Int64s) -> int | None:
    """Give the collision entropy of values in tenths of bits, rounded down, as the list's pairs show it; None where hardly any two agree."""
    counts = np.bincount(codes[codes >= 0])
    total, same = int(counts.sum()), int((counts * (counts - 1) // 2).sum())
    return None if same < ENOUGH else int(TENTH * log2(comb(total, 2) / same))


class _Counter:
    """Pairs of one list's people who share fields."""

    def __init__(self, fields: Fields, identifiers: Identifiers, n: int) -> None:
        self._fields, self._n = fields, n
        self._identifiers = identifiers
        self._bits = 2 * log2(max(n, 2))
        self._number = fields.part(Part("ssn4"))[0].codes if fields.can_make(Part("ssn4")) else None
        parts = {part for recipe in own_recipes() for part in recipe.parts if fields.can_make(part)}
        self._parts = sorted(
            (part for part in parts if part.field not in {"names_any_order", "sounds_any_order"}), key=lambda p: p.text
        )
        self._unsure = fields.mark_default_days() if fields.can_make(Part("birth_date")) else None

    @cached_property
    def _apart(self) -> Apart:
        """What tells people apart; made, as the bits are, for the first pair that is judged: most lists have none at a pass with a number."""
        return Apart(self._identifiers)

    @cached_property
    def _bits_of(self) -> dict[Part, float]:
        return {part: self._count_bits(part) for part in self._parts}

    def _count_bits(self, part: Part) -> float:
        """Give what agreeing in a field says in this list: as usual, but hardly more than the list shows."""
        shown = _entropy(self._fields.part(part)[0].codes)
        return part.bits if shown is None else min(part.bits, shown / TENTH + MORE)

    def lookalikes(self, recipe: Recipe) -> int:
        """Give how many pairs are two people and share a recipe's fields."""
        a, b, scale = self._sharing(recipe)
        two, _ = self._judge(a, b)
        return round(two * scale)

    def by_pass(self, recipes: Sequence[Recipe]) -> tuple[list[int], list[tuple[int, int]]]:
        """Give for each pass how many people have its fields, and its look-alikes: (pairs that are two people, pairs that may be).

        A pair counts at the first of the passes whose fields, without guards, it shares. Passes that differ in guards or spellings alone have
        the same figures.
        """
        found: dict[str, tuple[int, tuple[int, int]]] = {}
        before = np.empty(0, dtype=np.int64)
        for recipe in recipes:
            if recipe.core in found:
                continue
            a, b, scale = self._sharing(recipe)
            codes = np.minimum(a, b) * self._n + np.maximum(a, b)
            new = ~np.isin(codes, before)
            before = np.concatenate([before, codes[new]])
            two, perhaps = self._judge(a[new], b[new])
            found[recipe.core] = (self._have(recipe), (round(two * scale), round(perhaps * scale)))
        return [found[recipe.core][0] for recipe in recipes], [found[recipe.core][1] for recipe in recipes]

    def _have(self, recipe: Recipe) -> int:
        has = np.ones(self._n, dtype=np.bool_)
        for values in core_values(recipe, self._fields):
            has &= values.codes >= 0
        return int(has.sum())

    def _judge(self, a: Int64s, b: Int64s) -> tuple[float, float]:
        """Give how many pairs are two people, and how many more may be: they agree in up to `SAME` bits more than chance makes."""
        if not len(a):
            return 0.0, 0.0
        why = self._apart.reasons(a, b)
        agreed = self._count_agreeing(a, b)
        names = self._apart.other_names(a, b)
        two = names | ((why >= 0) & (agreed < self._bits + SAME))
        unknown = float(np.count_nonzero(~two & (agreed < self._bits)))
        perhaps = np.count_nonzero(~two & (agreed >= self._bits) & (agreed < self._bits + SAME))
        if unknown and self._number is not None:
            one, other = self._number[a], self._number[b]
            both = (one >= 0) & (other >= 0)
            differ, same = int(np.count_nonzero(both & two & (one != other))), int(np.count_nonzero(both & (one == other)))
            if differ + same >= ENOUGH:
                unknown *= (differ + 0.5) / (differ + same + 1)
        return float(np.count_nonzero(two)) + unknown, float(perhaps)

    def _sharing(self, recipe: Recipe) -> tuple[Int64s, Int64s, float]:
        """Give pairs who share a recipe's fields, and for how many each of them stands."""
        group: Int64s = np.zeros(self._n, dtype=np.int64)
        for values in core_values(recipe, self._fields):
            lacks = (group < 0) | (values.codes < 0)
            group = np.where(lacks, -1, group * (len(values.values) + 1) + values.codes)
            group = np.unique(group, return_inverse=True)[1].reshape(-1) - int(lacks.any())
        sizes = np.bincount(group[group >= 0]) if (group >= 0).any() else np.zeros(1, dtype=np.int64)
        who = np.flatnonzero(group >= 0)
        who = who[sizes[group[who]] > 1]
        order = who[np.argsort(group[who], kind="stable")]
        firsts, seconds = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
        for step in range(1, min(LARGEST, len(order))):
            same = group[order[step:]] == group[order[:-step]]
            if not same.any():
                break
            firsts.append(order[:-step][same])
            seconds.append(order[step:][same])
        a, b = np.concatenate(firsts), np.concatenate(seconds)
        every = int((sizes * (sizes - 1) // 2).sum())
        return a, b, every / max(len(a), 1)

    def _count_agreeing(self, a: Int64s, b: Int64s) -> Floats:
        """Give in how many bits each pair agrees: of each identifier in the part that says most."""
        best: dict[str, Floats] = {}
        for part in self._parts:
            codes = self._fields.part(part)[0].codes
            agree = np.where((codes[a] >= 0) & (codes[a] == codes[b]), self._bits_of[part], 0.0)
            if self._unsure is not None and FIELDS[part.field].sources == ("birth_date",):
                agree = np.where(self._unsure[a] & self._unsure[b], np.minimum(agree, YEAR_BITS), agree)
            name = identifier_of(part)
            best[name] = np.maximum(best.get(name, np.zeros(len(a))), agree)
        return np.asarray(np.sum(list(best.values()), axis=0), dtype=np.float64)
