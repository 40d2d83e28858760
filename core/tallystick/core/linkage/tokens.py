"""Tokens: the bytes of each person at each pass, before they are hashed to the curve.

A token is `codec.frame` of the recipe's fields in UTF-8: each after its length, so that ("ab", "c") and ("a", "bc") differ. A
person who lacks a field has no token at that pass.

Security: tokens are identifiers in clear; they stay in this process.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tallystick.core.errors import Invalid
from tallystick.core.linkage.fields import FIELDS
from tallystick.core.linkage.normalise import Normalised, normalised
from tallystick.core.linkage.recipes import Part, Recipe
from tallystick.crypto.codec import frame
from tallystick.crypto.tags import TokenColumn

BLOCK: Final = 1 << 16
"""People whose tokens are put together at a time; bounds the memory for positions."""

Int64s = npt.NDArray[np.int64]
Identifiers = Mapping[str, npt.NDArray[Any] | Sequence[object]]


def token_columns(recipes: Iterable[Recipe], identifiers: Identifiers, n: int) -> dict[str, TokenColumn]:
    """Give the tokens of `n` people at each pass, by the recipe's name, in the order of the recipes.

    Args:
        recipes: passes that these identifiers can make.
        identifiers: raw values, one per person, by identifier; a dataset's own names are already mapped.
        n: number of people.

    Raises:
        Invalid: `link-invalid`: an identifier of another number of people; `link-impossible`: a recipe that cannot be made.
    """
    fields = _Fields(identifiers, n)
    return {recipe.name: _tokens([made for part in recipe.parts for made in fields.part(part)], n) for recipe in recipes}


def with_any_token(columns: Mapping[str, TokenColumn], n: int) -> npt.NDArray[np.bool_]:
    """Give who has a token for at least one pass, shape (n,)."""
    usable = np.zeros(n, dtype=np.bool_)
    for column in columns.values():
        usable |= column.usable
    return usable


class _Fields:
    """Canonical fields, each made once."""

    def __init__(self, identifiers: Identifiers, n: int) -> None:
        for name, raw in identifiers.items():
            if len(raw) != n:
                raise Invalid("link-invalid", f"identifier {name} has {len(raw)} values for {n} people")
        self._raw = identifiers
        self._made: dict[tuple[str, str], Normalised] = {}
        self._parts: dict[Part, tuple[Normalised, ...]] = {}

    def part(self, part: Part) -> tuple[Normalised, ...]:
        """Give what a recipe's part is for every person: one canonical field, or two for names in any order."""
        if part not in self._parts:
            self._parts[part] = self._either_order() if part.field == "names_any_order" else (self._one(part),)
        return self._parts[part]

    def _one(self, part: Part) -> Normalised:
        """Give a field from the best identifier there is, and from the next where that is missing."""
        field = part.field_made
        sources = [source for source in FIELDS[field].sources if source in self._raw]
        if not sources:
            raise Invalid("link-impossible", f"there is no {' or '.join(FIELDS[field].sources)} to make {field} from")
        found = self._whole(field, sources[0])
        for source in sources[1:]:
            found = found.or_else(self._whole(field, source))
        return found if part.length is None or field != part.field else found.prefix(part.length)

    def _either_order(self) -> tuple[Normalised, Normalised]:
        """Give first and last name as the smaller and the larger of the two, over one list of values."""
        first, last = (self._one(Part(name)) for name in ("first_name", "last_name"))
        values = tuple(sorted({*first.values, *last.values}))
        rank = {value: at for at, value in enumerate(values)}
        ranks = [
            np.where(name.codes >= 0, np.array([*(rank[value] for value in name.values), -1], dtype=np.int64)[name.codes], -1)
            for name in (first, last)
        ]
        # where one is missing the smaller is -1, and so is the pair
        return Normalised(np.minimum(*ranks), values), Normalised(np.maximum(*ranks), values)

    def _whole(self, field: str, source: str) -> Normalised:
        # the rule is the field's, not the source's: ssn4 of a source ssn is its last four digits
        key = (field, source)
        if key not in self._made:
            self._made[key] = normalised(field, self._raw[source])
        return self._made[key]


def _tokens(parts: Sequence[Normalised], n: int) -> TokenColumn:
    """Put framed values one after another for every person who has all of them."""
    usable = np.ones(n, dtype=np.bool_)
    for part in parts:
        usable &= part.codes >= 0
    framed = [_framed(part.values) for part in parts]
    lengths = np.zeros(n, dtype=np.int64)
    for part, (_, starts) in zip(parts, framed, strict=True):
        lengths[usable] += np.diff(starts)[part.codes[usable]]
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])
    data = np.empty(int(offsets[-1]), dtype=np.uint8)
    for start in range(0, n, BLOCK):
        people = start + np.flatnonzero(usable[start : start + BLOCK])
        place = offsets[people]
        for part, (source, starts) in zip(parts, framed, strict=True):
            codes = part.codes[people]
            size = starts[codes + 1] - starts[codes]
            data[_runs(place, size)] = source[_runs(starts[codes], size)]
            place = place + size
    return TokenColumn(data.tobytes(), offsets, usable)


def _framed(values: Sequence[str]) -> tuple[npt.NDArray[np.uint8], Int64s]:
    """Give the framed distinct values one after another, and where each begins (one more position than values)."""
    pieces = [frame(value.encode("utf-8", "surrogatepass")) for value in values]
    starts = np.zeros(len(pieces) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, pieces), dtype=np.int64, count=len(pieces)), out=starts[1:])
    return np.frombuffer(b"".join(pieces), dtype=np.uint8), starts


def _runs(starts: Int64s, sizes: Int64s) -> Int64s:
    """Give starts[i], starts[i] + 1, … starts[i] + sizes[i] - 1 for every i, one after another."""
    ends = np.cumsum(sizes)
    positions = np.arange(int(ends[-1]) if len(ends) else 0, dtype=np.int64)
    positions += np.repeat(starts - (ends - sizes), sizes)
    return positions
