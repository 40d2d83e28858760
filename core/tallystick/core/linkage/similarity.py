"""The similarity pass: what typing errors hide from exact recipes, found by MinHash signatures cut into bands.

A person's fields become two sets of q-grams: who the person is (first and middle name, birth date, numbers), and with whom it
lives (last name, street, city, ZIP, phone). A band is one MinHash of the first set and `rest` MinHashes of the second (A. Z. Broder,
"On the resemblance and containment of documents", 1997; P. Indyk and R. Motwani, STOC 1998, for bands). Two people agree in a band
with probability J(who) x J(rest)^rest, J being what their sets share of what they hold. So members of a household, who agree in all
of the second set, agree in a band only as far as their names and birth dates do.

Each band is a pass like any other: its token goes through the same hash and masks, and one that two people of a list share matches
nobody. Two rows match when at least `need` bands coincide and each is the other's only best (`matching.py`).

How `rest` and `need` are chosen: from the fields that both sides have and the number of people, by `plan_of`, against a model of two
different people in which every field agrees wholly, nearly or not at all, with the probabilities that its entropy says, and against
housemates. Weights, gram counts and the overlap of different people were chosen on the made-up county and on Febrl1 to 3.

Limit: twins of whom one is in one list and the other in the other, who live together and match nobody else, agree in the birth date
and in all of the second set. Nothing tells them from a person whose first name was replaced. So `similarity` puts a MinHash of
the first name (or a number) into every band, and `similarity-no-twins`, for lists in which that does not happen, finds more.

Security: the hash functions are public; a band's token is guarded by the job secret as every token is. What coincides says how much
alike two anonymous rows are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import comb, log2
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tallystick.core.errors import Invalid, Refused
from tallystick.core.linkage.fields import FIELDS
from tallystick.core.linkage.grams import signatures
from tallystick.core.linkage.ladders import SIMILARITY
from tallystick.core.linkage.normalise import normalised
from tallystick.crypto.tags import TokenColumn

BANDS: Final = 40
MOST_REST: Final = 4
WRONG: Final = 5e-4
"""Links that a plan may expect to be wrong, as a share of the smaller list."""
HOUSEMATES: Final = 0.05
"""Share of rows with a housemate in the other list, both without a match of their own."""
GRAMS_PER_BIT: Final = 3
MOST_BITS: Final = 13.0
SPARE: Final = 3.0
"""A band may say this many bits less than the list has: then a few in ten of its tokens are ambiguous."""

Int64s = npt.NDArray[np.int64]
Minima = npt.NDArray[np.uint32]
Identifiers = Mapping[str, npt.NDArray[Any] | Sequence[object]]


@dataclass(frozen=True)
class Grams:
    """What a field adds to a set.

    Attributes:
        who: it says who a person is; else with whom it lives.
        count: how many it usually has.
        near: of two different people's values, how seldom (bits) a fifth or more of their grams are the same, and the share then.
        base: that share otherwise.
    """

    who: bool
    count: float
    near: tuple[float, float]
    base: float


GRAMS: Final[Mapping[str, Grams]] = {
    "first_name": Grams(True, 7.0, (5.4, 0.27), 0.025),
    "middle_name": Grams(True, 6.0, (3.5, 0.27), 0.025),
    "birth_date": Grams(True, 3.0, (7.0, 0.2), 0.0),
    "ssn": Grams(True, 7.0, (9.6, 0.28), 0.01),
    "state_id": Grams(True, 6.0, (8.0, 0.28), 0.02),
    "school_id": Grams(True, 6.0, (8.0, 0.28), 0.02),
    "last_name": Grams(False, 7.5, (5.4, 0.27), 0.023),
    "street": Grams(False, 12.0, (7.0, 0.25), 0.013),
    "city": Grams(False, 9.5, (5.8, 0.27), 0.028),
    "zip": Grams(False, 4.0, (2.0, 0.36), 0.05),
    "phone": Grams(False, 8.0, (5.0, 0.3), 0.02),
}
DAMAGES: Final = (
    {"first_name": 0.03},
    {"birth_date": 0.2, "last_name": 0.5},
    {"first_name": 0.5, "street": 0.5, "city": 0.5, "zip": 0.3},
    {"last_name": 0.02},
)
"""What exact recipes miss, as the overlap that is left: of the plans that are precise enough, the one that finds most of these is taken."""
_TELLING: Final = ("ssn", "state_id", "school_id", "first_name")
_ELEMENT: Final = 4


@dataclass(frozen=True)
class SimilarityPlan:
    """How a similarity pass is made.

    Attributes:
        fields: identifiers that it takes, of those that both sides have.
        bands: tokens a person.
        rest: MinHashes of the second set in a band, beside one of the first.
        need: bands that must coincide.
        kind: what its lists may hold: a word of `SIMILARITY`.
        people: of the larger list, for which the plan holds.
        band_bits: how much one band says.
        accidental: expected accidental links, of `people` and `people`.
    """

    fields: tuple[str, ...]
    bands: int
    rest: int
    need: int
    kind: str
    people: int
    band_bits: float
    accidental: float

    @property
    def twins(self) -> bool:
        """Two people may be linked whose first names have nothing in common."""
        return self.kind != SIMILARITY[0]

    @property
    def passes(self) -> tuple[str, ...]:
        """Names of the bands, as passes."""
        return tuple(f"similar-{band:02d}" for band in range(self.bands))

    @property
    def precision(self) -> float:
        """Expected share of true links where every tenth person is linked by this pass alone."""
        return 1 - self.accidental / max(self.accidental, self.people / 10)


def plan_of(left: Collection[str], right: Collection[str], people: int, kind: str = SIMILARITY[0]) -> SimilarityPlan:
    """Choose bands and threshold for two datasets.

    A band must say as many bits as the larger list has, less `SPARE`. For each number of MinHashes of the second set the threshold
    is the least at which the expected accidental links are at most `WRONG` of the people; of these plans the one that finds most of
    `DAMAGES` is taken.

    Args:
        left: identifiers of the one dataset.
        right: of the other.
        people: of the larger list.
        kind: the agreement's word, which says what its lists may hold: one of `SIMILARITY`.

    Raises:
        Refused: `link-weak`: the fields that both have say too little for so many people.
        Invalid: `link-impossible`: they have too few in common.
    """
    fields = tuple(name for name in GRAMS if name in left and name in right)
    who = [name for name in fields if GRAMS[name].who]
    if not {"last_name", "street"}.intersection(fields) or not set(_TELLING).intersection(fields) or len(who) < 2:
        raise Invalid(
            "link-impossible",
            "the similarity pass needs a last name or street, and two of first name, birth date and a number, on both sides",
            hint="add identifiers, or leave similarity out",
        )
    twins = kind != SIMILARITY[0]
    states = _states(fields, twins=twins)
    best: tuple[float, SimilarityPlan] | None = None
    for rest in range(1, MOST_REST + 1):
        bits = -log2(sum(chance * band(rest) for chance, band in states))
        enough = bits >= log2(people) - SPARE or rest == MOST_REST
        found = _least_need(states, fields, rest, people, twins=twins) if enough else None
        if found is not None:
            need, accidental = found
            seen = sum(_at_least(need, _Overlaps(damage, twins=twins)(rest)) for damage in _damaged(fields))
            if best is None or seen > best[0] + 0.01:
                best = seen, SimilarityPlan(fields, BANDS, rest, need, kind, people, bits, accidental)
    if best is None:
        raise Refused(
            "link-weak",
            f"{', '.join(fields)} say too little about {people:,} people for a similarity pass",
            hint="add an address or a number, or leave similarity out",
        )
    return best[1]


def band_columns(plan: SimilarityPlan, identifiers: Identifiers, n: int) -> dict[str, TokenColumn]:
    """Give the tokens of `n` people in each band, by the band's name.

    A person has none whose fields together say fewer bits than twice those of the number of people, or who lacks a set.

    Args:
        plan: what was agreed.
        identifiers: raw values, one per person, by identifier.
        n: number of people.

    Raises:
        Invalid: `link-invalid`: an identifier of another number of people, or one of the plan's that is missing.
    """
    for name in plan.fields:
        if name not in identifiers or len(identifiers[name]) != n:
            raise Invalid("link-invalid", f"the similarity pass needs {name} of {n} people")
    columns = np.full((plan.bands, n, 1 + plan.rest + (not plan.twins)), np.iinfo(np.uint32).max, dtype=np.uint32)
    said, sets = np.zeros(n), np.zeros((3, n), dtype=np.bool_)
    for name in plan.fields:
        field = normalised(name, identifiers[name])
        known = np.flatnonzero(field.codes >= 0)
        codes = field.codes[known]
        said[known] += FIELDS[name].bits
        places = _places(plan, name)
        for place in places:
            sets[0 if place == 0 else 1 if place <= plan.rest else 2, known] = True
        wanted = [(place, band) for place in places for band in range(plan.bands)]
        for start in range(0, len(wanted), plan.bands):
            made = signatures(name, field.values, wanted[start : start + plan.bands], _weight(name))
            place = wanted[start][0]
            for band in range(plan.bands):
                column = columns[band, :, place]
                column[known] = np.minimum(column[known], made[codes, band])
    usable = (said >= 2 * log2(max(plan.people, 2))) & sets[: 2 + (not plan.twins)].all(axis=0)
    width = columns.shape[2] * _ELEMENT
    offsets = np.arange(n + 1, dtype=np.int64) * width
    return {name: TokenColumn(columns[band].astype(">u4").tobytes(), offsets, usable) for band, name in enumerate(plan.passes)}


def _places(plan: SimilarityPlan, name: str) -> list[int]:
    """Give the elements of a band that a field enters: 0 who, 1 to rest the second set, then what tells twins apart."""
    if not GRAMS[name].who:
        return list(range(1, plan.rest + 1))
    return [0] if plan.twins or name not in _TELLING else [0, plan.rest + 1]


def _weight(name: str) -> int:
    """Give how often each gram of a field counts: the field's share of its set follows its bits, up to `MOST_BITS`."""
    return max(1, round(GRAMS_PER_BIT * min(FIELDS[name].bits, MOST_BITS) / GRAMS[name].count))


class _Overlaps:
    """The chance that two people agree in a band, from how much each field of theirs overlaps."""

    def __init__(self, overlap: Mapping[str, float], *, twins: bool) -> None:
        who = {name: share for name, share in overlap.items() if GRAMS[name].who}
        self._who = _jaccard(who)
        self._rest = _jaccard({name: share for name, share in overlap.items() if not GRAMS[name].who})
        self._telling = 1.0 if twins else _jaccard({name: share for name, share in who.items() if name in _TELLING})

    def __call__(self, rest: int) -> float:
        return float(self._who * self._rest**rest * self._telling)


def _jaccard(overlap: Mapping[str, float]) -> float:
    """Give the Jaccard index of two sets, from that of each field's part of them."""
    shared = sum(_weight(name) * GRAMS[name].count * 2 * share / (1 + share) for name, share in overlap.items())
    held = sum(2 * _weight(name) * GRAMS[name].count for name in overlap)
    return shared / (held - shared) if held else 0.0


def _states(fields: Sequence[str], *, twins: bool) -> list[tuple[float, _Overlaps]]:
    """Give how two different people may agree, field by field: (probability, chance to agree in a band)."""
    levels = []
    for name in fields:
        whole, near = 2.0 ** -FIELDS[name].bits, 2.0 ** -GRAMS[name].near[0]
        levels.append([(whole, 1.0), (near, GRAMS[name].near[1]), (1 - whole - near, GRAMS[name].base)])
    states = []
    for chosen in product(*levels):
        chance = float(np.prod([probability for probability, _ in chosen]))
        if chance > 0:
            overlap = {name: share for name, (_, share) in zip(fields, chosen, strict=True)}
            states.append((chance, _Overlaps(overlap, twins=twins)))
    return states


def _least_need(
    states: Sequence[tuple[float, _Overlaps]], fields: Sequence[str], rest: int, people: int, *, twins: bool
) -> tuple[int, float] | None:
    """Give the least number of bands at which accidental links are few enough, and how many are expected; None if there is none."""
    mates = _Overlaps({name: GRAMS[name].base if GRAMS[name].who else 1.0 for name in fields}, twins=twins)(rest)
    chances = np.array([chance for chance, _ in states])
    agree = np.array([band(rest) for _, band in states])
    for need in range(2, BANDS + 1):
        tail = sum(comb(BANDS, k) * agree**k * (1 - agree) ** (BANDS - k) for k in range(need, BANDS + 1))
        accidental = float(people) ** 2 * float((chances * tail).sum()) + HOUSEMATES * people * _at_least(need, mates)
        if accidental <= WRONG * people:
            return need, accidental
    return None


def _damaged(fields: Sequence[str]) -> list[dict[str, float]]:
    """Give what `DAMAGES` leave of two records of one person."""
    return [{name: damage.get(name, 1.0) for name in fields} for damage in DAMAGES]


def _at_least(need: int, chance: float) -> float:
    """Give the probability of at least `need` of `BANDS` bands."""
    return sum(comb(BANDS, k) * chance**k * (1 - chance) ** (BANDS - k) for k in range(need, BANDS + 1))
