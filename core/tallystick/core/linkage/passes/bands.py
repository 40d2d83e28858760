"""The tokens of a similarity pass, made some bands at a time: of a list its grams are kept, not the tokens of all bands.

A million people have tokens of 12 to 16 MB a band, and there are up to 64; their grams, of all fields, take about 100 MB. Grams are read
before a job has a secret, and so is who has tokens; what a band takes of them depends on the secret.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tallystick.core.errors import Invalid
from tallystick.core.linkage.fields.fields import FIELDS
from tallystick.core.linkage.fields.normalise import normalise
from tallystick.core.linkage.passes.coincidence import weight
from tallystick.core.linkage.passes.grams import GramTable, gram_table, minima
from tallystick.core.linkage.passes.similarity import SimilarityPlan, least_bits
from tallystick.crypto.tags import TokenColumn

Identifiers = Mapping[str, npt.NDArray[Any] | Sequence[object]]
Bools = npt.NDArray[np.bool_]
Int32s = npt.NDArray[np.int32]

TOGETHER: Final = 8
"""Bands that are made at a time."""
_ELEMENT: Final = 4
_MISSING: Final = np.iinfo(np.uint32).max


@dataclass(frozen=True, eq=False)
class KnownGrams:
    """Who has a field, and what: (people,) rows, and for each of them the row of `grams`."""

    people: Int32s = field(repr=False)
    value: Int32s = field(repr=False)
    grams: GramTable = field(repr=False)


class PeopleGrams:
    """The grams of n people: what bands are made of under any secret.

    A person has tokens in no band if its fields together say fewer bits than twice those of the number of people, or if it has nothing of
    an element's fields.

    Attributes:
        plan: what was agreed.
        n: number of people.
        known: by field, who has it, and what.
        usable: (n,): who has tokens, the same in all bands and under every secret.
    """

    def __init__(self, plan: SimilarityPlan, identifiers: Identifiers, n: int) -> None:
        """Read the people's fields.

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
        self.plan = plan
        self.n = n
        self.known: dict[str, KnownGrams] = {}
        said, has = np.zeros(n), np.zeros((len(plan.elements), n), dtype=np.bool_)
        for name in plan.fields:
            found = normalise(name, identifiers[name])
            people = np.flatnonzero(found.codes >= 0)
            self.known[name] = KnownGrams(
                people.astype(np.int32), found.codes[people].astype(np.int32), gram_table(name, found.values)
            )
            said[people] += FIELDS[name].bits
            for place, element in enumerate(plan.elements):
                has[place, people] |= name in element
        self.usable: Bools = (said >= least_bits(plan.people)) & has.all(axis=0)

    def bands(self, secret: bytes) -> Bands:
        """Give the tokens in each band under a secret; both lists of a job need the same one."""
        return Bands(self, secret)


class Bands(Mapping[str, TokenColumn]):
    """The tokens of people in each band, by the band's name; those of `TOGETHER` bands are made when one of them is asked for."""

    def __init__(self, grams: PeopleGrams, secret: bytes) -> None:
        """Make nothing yet.

        Args:
            grams: of the people.
            secret: the job secret; in a rehearsal any 32 random bytes.
        """
        self._grams = grams
        self._secret = secret
        self._place = {name: at for at, name in enumerate(grams.plan.passes)}
        self._made: dict[str, TokenColumn] = {}
        self._offsets = np.arange(grams.n + 1, dtype=np.int64) * len(grams.plan.elements) * _ELEMENT

    def __getitem__(self, name: str) -> TokenColumn:
        """Give the tokens of one band."""
        place = self._place[name]
        if name not in self._made:
            self._made.clear()
            first = place - place % TOGETHER
            self._made.update(self._columns(list(self._place)[first : first + TOGETHER]))
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        """Give the bands' names in order."""
        return iter(self._place)

    def __len__(self) -> int:
        """Give how many bands there are."""
        return len(self._place)

    def _columns(self, names: Sequence[str]) -> Iterator[tuple[str, TokenColumn]]:
        grams, elements = self._grams, self._grams.plan.elements
        columns = [np.full((grams.n, len(elements)), _MISSING, dtype=np.uint32) for _ in names]
        for at, known in grams.known.items():
            for place, element in enumerate(elements):
                if at not in element:
                    continue
                hashes = [(place, self._place[name]) for name in names]
                least = minima(at, known.grams, hashes, weight(at), self._secret)
                for band, column in enumerate(columns):
                    column[known.people, place] = np.minimum(column[known.people, place], least[known.value, band])
        columns.reverse()  # so that each gives its memory back as it becomes bytes
        for name in names:
            yield name, TokenColumn(columns.pop().astype(">u4").tobytes(), self._offsets, grams.usable)


def band_columns(plan: SimilarityPlan, identifiers: Identifiers, n: int, secret: bytes) -> dict[str, TokenColumn]:
    """Give the tokens of `n` people in each band, by the band's name, all at once; `Bands` makes some at a time.

    Args:
        plan: what was agreed.
        identifiers: raw values, one per person, by identifier.
        n: number of people.
        secret: the job secret; in a rehearsal any 32 random bytes, the same for both lists.

    Raises:
        Invalid: `link-invalid`: an identifier of another number of people, or one of the plan's that is missing.
    """
    return dict(PeopleGrams(plan, identifiers, n).bands(secret))
