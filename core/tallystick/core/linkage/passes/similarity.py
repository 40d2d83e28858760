"""The similarity pass: what typing errors hide from exact recipes, found by MinHash signatures cut into bands.

A person's fields become sets of q-grams, and a band is a few MinHashes of them: a pass like any other, its token hashed and masked
like theirs, and one that two people of a list share matches nobody. Two rows match when at least `need` bands coincide and each is
the other's only best (`matching.py`); once most rows are linked, fewer bands will do (`rounds.py`). In how many bands two rows
coincide, by how alike they are: `coincidence.py`.

What a band takes depends on what the lists may hold, which the agreement says by a word:

- `similarity`: any people. Each band takes the first name, and what else there is. Nobody is linked who has another first name: not
  housemates, and not twins, who share all but that.
- `similarity-no-twins`: no twins of whom one is in one list and the other in the other, both without a match of their own. Each
  band takes who it is (names that housemates do not share, birth date, numbers) and with whom it lives (last name, address, telephone).
  Housemates are not linked; a person whose first name was replaced is found, and so would be a twin.
- `similarity-no-households`: no two people of the lists share a home, as in lists of premises' licence holders, or synthetic ones.
  Each band takes everything. Housemates would be linked.

How many elements, bands and coincidences: `plan_of`, from the fields that both sides have and the number of people.

Security: the hash functions' keys come from the job secret (`crypto/minhash.py`). In how many bands two anonymous rows coincide says how
much alike they are; in which of them says nothing about the records to who lacks the secret.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from math import log2
from typing import Final

import numpy as np

from tallystick.core.errors import Invalid, Refused
from tallystick.core.linkage.fields.fields import FIELDS
from tallystick.core.linkage.passes.coincidence import GRAMS, Element, damage_pairs, different_people, housemates
from tallystick.core.linkage.passes.facts import SLACK
from tallystick.core.linkage.passes.ladders import SIMILARITY
from tallystick.core.linkage.passes.rounds import FEWEST as FEWEST_BANDS
from tallystick.core.linkage.passes.rounds import Rounds

Said = tuple[tuple[str, float], ...]

ANY, NO_TWINS, NO_HOUSEHOLDS = SIMILARITY
BANDS: Final = (40, 64)
"""How many bands a plan may have: the more if it finds `MORE` more of `DAMAGES`."""
MANY: Final = (256, 128)
"""How many instead where no two people share a home, so that later rounds may ask for few of them: the more bands, the better these tell
people from accidents. The most that make `TOKENS` tokens or fewer of the larger list."""
TOKENS: Final = 1 << 21
MORE: Final = 0.02
LEAST: Final = 0.05
"""Share of `DAMAGES` that a plan must find to be worth its passes."""
WRONG: Final = 1e-3
"""Links that a plan may expect to be wrong if nobody had a partner, as a share of the larger list."""
FEW_VALUES: Final = 10
"""So many times fewer where a field says `SLACK` bits less than is usual: few names are also alike more often than the model has them."""
MATES: Final = 0.05
"""Share of rows with a housemate in the other list, both without a match of their own."""
TWINS: Final = 0.005
"""The same for twins."""
MOST_TWINS: Final = 0.03
"""Of twins, the most that may be linked: about as many have first names that are nearly the same."""
SENSITIVE: Final = 0.5
"""Where later rounds may ask for half the bands, the plan of the fewest values a band is taken that finds at least this share of what the
best one finds in the first. Fewer values coincide for rows that are less alike: on Febrl1 to 3 they find more once most rows are linked, and
as many in the first round, where the model, which thinks of a county's few cities and ZIPs, expects fewer."""
DAMAGES: Final = (
    {"first_name": 0.03},
    {"last_name": 0.02},
    {"first_name": 0.3, "last_name": 0.3},
    {"birth_date": 0.2, "last_name": 0.5},
    {"birth_date": 0.0, "street": 0.2, "zip": 0.3},
    {"first_name": 0.5, "street": 0.5, "city": 0.5, "zip": 0.3},
    {"first_name": 0.03, "street": 0.1, "ssn": 0.1},
    {"birth_date": 0.0, "last_name": 0.5, "ssn": 0.5},
)
"""What exact recipes miss, as the overlap that is left: of the plans that are precise enough, the one that finds most of these is taken."""

FEWEST: Final = 3
"""Identifiers that both sides must have."""


@dataclass(frozen=True)
class SimilarityPlan:
    """How a similarity pass is made.

    Attributes:
        fields: identifiers that it takes, of those that both sides have.
        bands: tokens a person.
        elements: of every band, the fields that each of its MinHashes takes.
        need: bands that must coincide.
        least: the fewest bands that may do once most rows are linked: housemates and twins, as far as the lists may hold them,
            are kept apart at it.
        kind: what its lists may hold: a word of `SIMILARITY`.
        people: of the larger list, for which the plan holds.
        accidental: expected accidental links, of `people` and `people` of whom nobody has a partner.
    """

    fields: tuple[str, ...]
    bands: int
    elements: tuple[Element, ...]
    need: int
    kind: str
    people: int
    accidental: float
    least: int

    def rounds(self, decoys: int) -> Rounds:
        """Give when two rows are linked.

        Args:
            decoys: of each pass.
        """
        return Rounds(self.bands, self.need, self.least, decoys)

    @property
    def passes(self) -> tuple[str, ...]:
        """Names of the bands, as passes."""
        return tuple(f"similar-{band:02d}" for band in range(self.bands))

    @property
    def precision(self) -> float:
        """Expected share of true links where every tenth person is linked by this pass alone."""
        return 1 - self.accidental / max(self.accidental, self.people / 10)


def plan_of(left: Collection[str], right: Collection[str], people: int, kind: str = ANY, bits: Said = ()) -> SimilarityPlan:
    """Choose bands and threshold for two datasets.

    For each number of elements and of bands the threshold is the least at which the expected accidental links of different people,
    housemates and twins, as far as the lists may hold them, are at most `WRONG` of the people; of these plans the one that finds most
    of `DAMAGES` is taken, if it finds a twentieth; or one of fewer values a band, where later rounds make up for it (`SENSITIVE`).

    Args:
        left: identifiers of the one dataset.
        right: of the other.
        people: of the larger list.
        kind: the agreement's word, which says what its lists may hold: one of `SIMILARITY`.
        bits: (field, bits) where these lists show that it says less than is usual.

    Raises:
        Refused: `link-weak`: the fields that both have say too little for so many people.
        Invalid: `link-impossible`: they have too few in common; `link-invalid`: another word.
    """
    if kind not in SIMILARITY:
        raise Invalid("link-invalid", f"{kind} is no similarity pass", hint=f"known: {', '.join(SIMILARITY)}")
    fields = tuple(name for name in GRAMS if name in left and name in right)
    if "first_name" not in fields or not {"last_name", "street"}.intersection(fields) or len(fields) < FEWEST:
        raise Invalid(
            "link-impossible",
            "a similarity pass needs the first name, a last name or street, and a birth date or number, on both sides",
            hint="add identifiers, or leave similarity out",
        )
    less = dict(bits)
    said = sum(less.get(name, FIELDS[name].bits) for name in fields)
    plan = _choose(fields, max(people, 2), kind, bits) if said >= least_bits(people) else None
    if plan is None:
        raise Refused(
            "link-weak",
            f"{', '.join(fields)} say too little about {people:,} people for a similarity pass",
            hint="add an address or a number, or leave similarity out",
        )
    return plan


def least_bits(people: int) -> float:
    """Give how much a person's fields must say together: twice the bits of the number of people."""
    return 2 * log2(max(people, 2))


@lru_cache(maxsize=64)
def _choose(fields: tuple[str, ...], people: int, kind: str, bits: Said = ()) -> SimilarityPlan | None:
    """Give the plan that finds most of `DAMAGES`, of those that expect few enough accidental links; None if there is none."""
    less = dict(bits)
    few = any(FIELDS[name].bits - said > SLACK for name, said in bits)
    allowed = WRONG * people / (FEW_VALUES if few else 1)
    apart, mates, twins = different_people(fields, less), housemates(fields, twins=False), housemates(fields, twins=True)
    damages = damage_pairs(fields, DAMAGES)
    best: tuple[float, SimilarityPlan] | None = None
    made: list[tuple[float, SimilarityPlan]] = []
    for bands in _numbers(people, kind):
        for elements in _shapes(fields, kind):
            of_homes = np.zeros(bands + 1)
            if kind != NO_HOUSEHOLDS:
                of_homes += mates.tails(elements, bands) * MATES * people
            likely = np.ones(bands + 1, dtype=np.bool_)
            if kind == ANY:
                linked = twins.tails(elements, bands)
                of_homes += linked * TWINS * people
                likely = linked <= MOST_TWINS
            wrong = apart.tails(elements, bands, people) * people**2 + of_homes
            enough = np.flatnonzero(likely & (wrong <= allowed))
            if not len(enough) or enough[0] > bands // 2:
                continue
            need = int(enough[0])
            least = int(np.flatnonzero(likely & (of_homes <= allowed))[0])
            seen = float(damages.tails(elements, bands, people)[need])
            least = min(need, max(FEWEST_BANDS, least))
            made.append((seen, SimilarityPlan(fields, bands, elements, need, kind, people, float(wrong[need]), least)))
            if best is None or seen > best[0] + (MORE if bands > best[1].bands else 0.0):
                best = made[-1]
    if best is None or best[0] < LEAST:
        return None
    sensitive = [
        plan
        for seen, plan in made
        if plan.bands == best[1].bands and plan.least <= plan.need // 2 and seen >= SENSITIVE * best[0]
    ]
    return min(sensitive, key=lambda plan: len(plan.elements), default=best[1])


def _numbers(people: int, kind: str) -> tuple[int, ...]:
    """Give how many bands a plan may have."""
    many = [bands for bands in MANY if kind == NO_HOUSEHOLDS and bands * people <= TOKENS]
    return (many[0],) if many else BANDS


def _shapes(fields: tuple[str, ...], kind: str) -> list[tuple[Element, ...]]:
    """Give what the bands of a kind may be made of."""
    if kind == NO_HOUSEHOLDS:
        return [(fields,) * count for count in (2, 3, 4)]
    who = tuple(name for name in fields if (GRAMS[name].who if kind == NO_TWINS else name == "first_name"))
    rest = tuple(name for name in fields if name not in who)
    return [(who, *(rest,) * count) for count in (1, 2, 3)]
