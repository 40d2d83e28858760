"""The tokens of a similarity pass, made some bands at a time: of a list its grams are kept, not the tokens of all bands.

A million people have tokens of 12 to 16 MB a band, and there are up to 64; their grams, of all fields, take about 100 MB.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import log2
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from tallystick.core.errors import Invalid
from tallystick.core.linkage.coincidence import weight
from tallystick.core.linkage.fields import FIELDS
from tallystick.core.linkage.grams import GramTable, gram_table, minima
from tallystick.core.linkage.normalise import normalised
from tallystick.crypto.tags import TokenColumn

if TYPE_CHECKING:
    from tallystick.core.linkage.similarity import SimilarityPlan

Identifiers = Mapping[str, npt.NDArray[Any] | Sequence[object]]
Bools = npt.NDArray[np.bool_]
Int32s = npt.NDArray[np.int32]

TOGETHER: Final = 8
"""Bands that are made at a time."""
_ELEMENT: Final = 4
_MISSING: Final = np.iinfo(np.uint32).max


@dataclass(frozen=True, eq=False)
class _Known:
    """Who has a field, and what: (people,) rows, and for each of them the row of `grams`."""

    people: Int32s = field(repr=False)
    value: Int32s = field(repr=False)
    grams: GramTable = field(repr=False)


class Bands(Mapping[str, TokenColumn]):
    """The tokens of n people in each band, by the band's name; those of `TOGETHER` bands are made when one of them is asked for.

    A person has none whose fields together say fewer bits than twice those of the number of people, or who has nothing of an
    element's fields.

    Attributes:
        usable: (n,): who has tokens, the same in all bands.
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
        self._plan = plan
        self._n = n
        self._place = {name: at for at, name in enumerate(plan.passes)}
        self._known: dict[str, _Known] = {}
        self._made: dict[str, TokenColumn] = {}
        said, has = np.zeros(n), np.zeros((len(plan.elements), n), dtype=np.bool_)
        for name in plan.fields:
            found = normalised(name, identifiers[name])
            people = np.flatnonzero(found.codes >= 0)
            self._known[name] = _Known(
                people.astype(np.int32), found.codes[people].astype(np.int32), gram_table(name, found.values)
            )
            said[people] += FIELDS[name].bits
            for place, element in enumerate(plan.elements):
                has[place, people] |= name in element
        self.usable: Bools = (said >= least_bits(plan.people)) & has.all(axis=0)
        self._offsets = np.arange(n + 1, dtype=np.int64) * len(plan.elements) * _ELEMENT

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
        width = len(self._plan.elements)
        columns = [np.full((self._n, width), _MISSING, dtype=np.uint32) for _ in names]
        for at, known in self._known.items():
            for place, element in enumerate(self._plan.elements):
                if at not in element:
                    continue
                least = minima(at, known.grams, [(place, self._place[name]) for name in names], weight(at))
                for band, column in enumerate(columns):
                    column[known.people, place] = np.minimum(column[known.people, place], least[known.value, band])
        columns.reverse()  # so that each gives its memory back as it becomes bytes
        for name in names:
            yield name, TokenColumn(columns.pop().astype(">u4").tobytes(), self._offsets, self.usable)


class Passes(Mapping[str, TokenColumn]):
    """The tokens of all passes of a job, strict to loose: of the exact ones, then of the bands."""

    def __init__(self, exact: Mapping[str, TokenColumn], bands: Bands) -> None:
        """Take what there is of each."""
        self._exact = exact
        self._bands = bands

    def __getitem__(self, name: str) -> TokenColumn:
        """Give the tokens of one pass."""
        return self._exact[name] if name in self._exact else self._bands[name]

    def __iter__(self) -> Iterator[str]:
        """Give the passes' names in order."""
        yield from self._exact
        yield from self._bands

    def __len__(self) -> int:
        """Give how many passes there are."""
        return len(self._exact) + len(self._bands)


def least_bits(people: int) -> float:
    """Give how much a person's fields must say together: twice the bits of the number of people."""
    return 2 * log2(max(people, 2))
