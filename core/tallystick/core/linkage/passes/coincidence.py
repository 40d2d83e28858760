"""In how many bands of a similarity pass two rows coincide: the model that its plans are chosen by.

A band takes some elements, each a MinHash of what some fields hold. Two rows agree in an element with the probability J of what
their fields share of what they hold (A. Z. Broder, "On the resemblance and containment of documents", 1997), and in a band if they
agree in all its elements (P. Indyk and R. Motwani, STOC 1998), so in a number of bands that is binomial.

A band in which a row agrees with another of its own list matches nobody. What is common is mostly lost to that: a band that took the
ZIP and the city coincides for half a town, and links none of it. So the model tells from which field an element is, and a band
coincides only if in neither list another row has the same grams of these fields. Some grams are much rarer than others: their number
of other rows is taken as exponential around its mean m, and nobody has them with probability 1 / (1 + m).

Four kinds of pairs, as what each field of the two overlaps:

- **different people**: every field agrees wholly, nearly or hardly at all, with the probabilities that its entropy says;
- **housemates**: the same last name, address and telephone; else different people;
- **twins**: housemates with one birth date and neighbouring numbers;
- **damage**: one person whose records exact recipes do not link.

Figures were chosen on the made-up county and on Febrl1 to 3. Held to the people of Febrl1 to 3 who are nobody's duplicate, as two
lists of 3,250 in which nobody has a partner, the model expects four to twenty times as many accidental links as there are: their ZIPs
and cities say more than a county's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, product
from math import comb, factorial, prod, sqrt
from typing import Final

import numpy as np
import numpy.typing as npt

from tallystick.core.linkage.fields.fields import FIELDS

MASS: Final = 9.0
MOST_BITS: Final = 13.0
RAREST: Final = 1e-18
"""Of different people, states that are less likely are left out: a thousandth of a pair among ten million and ten million."""

Floats = npt.NDArray[np.float64]
Element = tuple[str, ...]


@dataclass(frozen=True)
class Grams:
    """What a field adds to a set.

    Attributes:
        who: it differs between housemates.
        count: how many grams it usually has.
        near: of two different people's values, how seldom (bits) a fifth or more of their grams are the same, and the share then.
        base: that share otherwise.
        common: how seldom (bits) another person has a gram that one has.
        twins: the share of grams that twins have in common; None: as different people.
    """

    who: bool
    count: float
    near: tuple[float, float]
    base: float
    common: float
    twins: float | None = None


GRAMS: Final[Mapping[str, Grams]] = {
    "first_name": Grams(True, 7.0, (5.4, 0.27), 0.025, 4.0),
    "middle_name": Grams(True, 6.0, (3.5, 0.27), 0.025, 4.0),
    "birth_date": Grams(True, 3.0, (7.0, 0.2), 0.0, 8.5, twins=1.0),
    "ssn": Grams(True, 7.0, (9.6, 0.28), 0.01, 8.0, twins=0.7),
    "state_id": Grams(True, 6.0, (8.0, 0.28), 0.02, 8.0, twins=0.7),
    "school_id": Grams(True, 6.0, (8.0, 0.28), 0.02, 8.0, twins=0.7),
    "last_name": Grams(False, 7.5, (5.4, 0.27), 0.023, 4.2),
    "street": Grams(False, 12.0, (7.0, 0.25), 0.013, 4.8),
    "city": Grams(False, 9.5, (5.8, 0.27), 0.028, 3.5),
    "zip": Grams(False, 4.0, (2.0, 0.36), 0.05, 3.0),
    "phone": Grams(False, 8.0, (5.0, 0.3), 0.02, 6.0),
}


NAMES_APART: Final = ((0.027, 0.27), (0.07, 0.13), (0.2, 0.075), (0.703, 0.0))
"""(Probability, overlap) of two different first names. Alike names are what links twins, so their tail is told more finely than others':
the shares of Febrl3's and of the county's names above 0.2, 0.1 and 0.05."""


def weight(name: str) -> int:
    """Give how often each gram of a field counts: a field's share of a set follows the root of its bits, up to `MOST_BITS`.

    By the bits themselves a birth date would be half of the set, and who has a wrong one would be lost.
    """
    return max(1, round(MASS * sqrt(min(FIELDS[name].bits, MOST_BITS)) / GRAMS[name].count))


@dataclass(frozen=True)
class Pairs:
    """Kinds of pairs of rows.

    Attributes:
        chance: (kinds,): how likely each is.
        overlap: by field, (kinds,): the Jaccard index of what the two hold there.
    """

    chance: Floats
    overlap: Mapping[str, Floats]

    def band(self, elements: Sequence[Element], people: int = 0) -> Floats:
        """Give the probability that a band of these elements coincides, by kind.

        Args:
            elements: fields of each.
            people: of each list, any of whom may make the band ambiguous; 0: nobody does.
        """
        found = np.ones(len(self.chance))
        if not people:
            for element in elements:
                found = found * sum(self._agreeing(element).values())
            return found
        found = np.zeros(len(self.chance))
        agreeing = {element: self._agreeing(element) for element in elements}
        for times, taken in _take_fields(elements):
            alone = times / (1 + 2 * people * _another([name for _, name in taken]))
            found += alone * prod(agreeing[element][name] for element, name in taken)
        return found

    def tails(self, elements: Sequence[Element], bands: int, people: int = 0) -> Floats:
        """Give by `need`, from 0 to `bands`, the probability that at least so many bands coincide."""
        agree = self.band(elements, people)
        exactly = np.array(
            [comb(bands, k) * (self.chance * agree**k * (1 - agree) ** (bands - k)).sum() for k in range(bands + 1)]
        )
        return np.asarray(exactly[::-1].cumsum()[::-1])

    def _agreeing(self, element: Element) -> dict[str, Floats]:
        """Give the probability to agree in an element by a gram of each field."""
        shared = {name: _mass(name) * 2 * self.overlap[name] / (1 + self.overlap[name]) for name in element}
        held = 2 * sum(_mass(name) for name in element) - sum(shared.values())
        return {name: part / held for name, part in shared.items()}


def different_people(fields: Sequence[str], bits: Mapping[str, float] | None = None) -> Pairs:
    """Give how two different people agree: each field wholly, nearly or hardly, independently.

    Args:
        fields: that a plan takes.
        bits: how much some of them say where it is less than is usual.
    """
    return _product({name: _apart(name, (bits or {}).get(name)) for name in fields})


def housemates(fields: Sequence[str], *, twins: bool) -> Pairs:
    """Give how two people of one household agree, or twins; never wholly in a name or number that should tell them apart."""
    levels: dict[str, list[tuple[float, float]]] = {}
    for name in fields:
        grams = GRAMS[name]
        known = (grams.twins if twins else None) if grams.who else 1.0
        apart = list(NAMES_APART) if name in {"first_name", "middle_name"} else _apart(name)[1:]
        levels[name] = apart if known is None else [(1.0, known)]
    return _product(levels)


def damage_pairs(fields: Sequence[str], damages: Sequence[Mapping[str, float]]) -> Pairs:
    """Give records of one person, each kind of damage as likely, as the overlap that is left of the fields it names."""
    overlap = {name: np.array([damage.get(name, 1.0) for damage in damages]) for name in fields}
    return Pairs(np.full(len(damages), 1 / len(damages)), overlap)


def _mass(name: str) -> float:
    return weight(name) * GRAMS[name].count


def _apart(name: str, bits: float | None = None) -> list[tuple[float, float]]:
    """Give of two different people: (probability, overlap) wholly, nearly, hardly."""
    grams, kind = GRAMS[name], FIELDS[name]
    usual = kind.bits if kind.unique_bits is None else kind.unique_bits
    whole = 2.0 ** -(usual if bits is None else min(usual, bits))
    near = min(2.0 ** -grams.near[0], 1 - whole)
    return [(whole, 1.0), (near, grams.near[1]), (1 - whole - near, grams.base)]


def _product(levels: Mapping[str, Sequence[tuple[float, float]]]) -> Pairs:
    """Give every combination of the fields' levels."""
    shape = [len(level) for level in levels.values()]
    index = np.indices(shape).reshape(len(shape), -1)
    chance = np.ones(index.shape[1])
    for place, level in enumerate(levels.values()):
        chance *= np.array([probability for probability, _ in level])[index[place]]
    kept = chance >= RAREST
    overlap = {
        name: np.array([share for _, share in level])[index[place, kept]] for place, (name, level) in enumerate(levels.items())
    }
    return Pairs(chance[kept] / chance.sum(), overlap)


def _take_fields(elements: Sequence[Element]) -> Iterator[tuple[int, list[tuple[Element, str]]]]:
    """Give from which fields a band's elements can be: in how many orders, and the field of each."""
    choices = [
        [
            (factorial(count) // prod(factorial(n) for n in Counter(names).values()), [(element, name) for name in names])
            for names in combinations_with_replacement(element, count)
        ]
        for element, count in Counter(elements).items()
    ]
    for chosen in product(*choices):
        yield prod(times for times, _ in chosen), [one for _, taken in chosen for one in taken]


def _another(names: Sequence[str]) -> float:
    """Give how likely another person has the grams that a band took of these fields, and has them as its least ones.

    The least gram of two rows is the least of a third that has it too with about half the probability.
    """
    found = 1.0
    for name, times in Counter(names).items():
        found *= max(2.0 ** -(times * (GRAMS[name].common + 1)), 2.0 ** -(FIELDS[name].bits + 1))
    return found
