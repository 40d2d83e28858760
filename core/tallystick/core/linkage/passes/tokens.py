"""Tokens: the bytes of each person at each pass, before they are hashed to the curve.

A token is `codec.frame` of the recipe's fields in UTF-8: each after its length, so that ("ab", "c") and ("a", "bc") differ. A
person who lacks a field has no token at that pass. In a list whose birth dates heap on 1 January, or on the firsts of months, such a day
is not known, so those whose date is one have no token of a recipe that would say too little without the day; nor have those who are born on 1
January, in any list, of one that would say next to nothing. Of another kind of pass
(`kind.py`) it is the same of the values that the kind gives.

Security: tokens are identifiers in clear; they stay in this process.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import methodcaller
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tallystick.core.errors import Invalid
from tallystick.core.linkage.fields.dates import NEW_YEAR, find_default_days
from tallystick.core.linkage.fields.fields import EITHER_ORDER, FIELDS
from tallystick.core.linkage.fields.normalise import Normalised, normalise
from tallystick.core.linkage.passes.kind import token_values
from tallystick.core.linkage.passes.recipes import WHOLE_DATES, Part, Recipe
from tallystick.crypto.codec import LENGTH
from tallystick.crypto.tags import TokenColumn

BLOCK: Final = 1 << 16
"""People whose tokens are made at a time: their texts fit the processor's cache, and memory does not grow with a list."""

Bytes = npt.NDArray[np.uint8]
Int64s = npt.NDArray[np.int64]
Known = dict[tuple[str, str], dict[Any, "str | None"]]
"""By field and source: what is known of raw values that many people share."""
Identifiers = Mapping[str, npt.NDArray[Any] | Sequence[object]]


def token_columns(
    recipes: Iterable[Recipe], identifiers: Identifiers, n: int, days: tuple[str, ...] | None = None
) -> dict[str, TokenColumn]:
    """Give the tokens of `n` people at each pass, by the recipe's name, in the order of the recipes.

    Args:
        recipes: passes that these identifiers can make, of this list's side (`Recipe.of_side`).
        identifiers: raw values, one per person, by identifier; a dataset's own names are already mapped.
        n: number of people.
        days: ends of birth dates that stand for an unknown day in the list; None: those that these people have.

    Raises:
        Invalid: `link-invalid`: an identifier of another number of people; `link-impossible`: a recipe that cannot be made.
    """
    ladder = tuple(recipes)
    for name, raw in identifiers.items():
        if len(raw) != n:
            raise Invalid("link-invalid", f"identifier {name} has {len(raw)} values for {n} people")
    known: Known = {}
    if days is None:
        days = find_list_days(identifiers)
    made = {recipe.name: _Column(n) for recipe in ladder}
    for start in range(0, max(n, 1), BLOCK):
        fields = Fields({name: raw[start : start + BLOCK] for name, raw in identifiers.items()}, known, days)
        for recipe in ladder:
            made[recipe.name].append(_tokens(token_values(recipe, fields), min(n - start, BLOCK)))
    return {recipe.name: made.pop(recipe.name).whole() for recipe in ladder}


def find_list_days(identifiers: Identifiers) -> tuple[str, ...]:
    """Give the ends of birth dates that stand for an unknown day in a list (`fields/dates.py`); none where it has no birth dates."""
    if "birth_date" not in identifiers:
        return ()
    dates = normalise("birth_date", identifiers["birth_date"])
    return find_default_days(dates.values, np.bincount(dates.codes[dates.codes >= 0], minlength=len(dates.values)).tolist())


def with_any_token(columns: Mapping[str, TokenColumn], n: int) -> npt.NDArray[np.bool_]:
    """Give who has a token for at least one pass, shape (n,)."""
    usable = np.zeros(n, dtype=np.bool_)
    for column in columns.values():
        usable |= column.usable
    return usable


class Fields:
    """Canonical fields of some people, each made once.

    Args:
        identifiers: raw values, one per person, by identifier.
        known: what other blocks of one list have made of their values; it grows.
        days: ends of birth dates that stand for an unknown day in the list; None: those that these people have.
    """

    def __init__(self, identifiers: Identifiers, known: Known, days: tuple[str, ...] | None = None) -> None:
        self._raw = identifiers
        self._known = known
        self._days = find_list_days(identifiers) if days is None else days
        self._made: dict[tuple[str, str], Normalised] = {}
        self._parts: dict[Part, tuple[Normalised, ...]] = {}

    def part(self, part: Part) -> tuple[Normalised, ...]:
        """Give what a recipe's part is for every person: one canonical field, or two for names in any order."""
        if part not in self._parts:
            self._parts[part] = self._either_order(part.field) if part.field in EITHER_ORDER else (self._one(part),)
        return self._parts[part]

    def sure_part(self, part: Part, *, always: bool) -> tuple[Normalised, ...]:
        """Give a part for every person, without birth dates on a day that stands for an unknown one; with `always`, 1 January is one."""
        found = self.part(part)
        if not (self._days or always) or part.field not in WHOLE_DATES or part.length is not None:
            return found
        away = self.mark_default_days(always=always)
        return tuple(Normalised(np.where(away, -1, one.codes), one.values) for one in found)

    def mark_default_days(self, *, always: bool = False) -> npt.NDArray[np.bool_]:
        """Tell whose birth date is on a day that stands for an unknown one, or with `always` on 1 January; the list has birth dates."""
        dates = self._one(Part("birth_date"))
        days = (*self._days, NEW_YEAR) if always else self._days
        unsure = [bool(days) and one.endswith(days) for one in dates.values]
        return np.array([*unsure, False], dtype=np.bool_)[dates.codes]

    def can_make(self, part: Part) -> bool:
        """Tell whether there are the identifiers that a part is made from."""
        return not FIELDS[part.field_made].lacking(self._raw)

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

    def _either_order(self, field: str) -> tuple[Normalised, Normalised]:
        """Give the two names or sounds as the smaller and the larger of the two, over one list of values."""
        first, last = (self._one(Part(name)) for name in EITHER_ORDER[field])
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
            self._made[key] = normalise(field, self._raw[source], self._known.setdefault(key, {}))
        return self._made[key]


def _tokens(parts: Sequence[Normalised], n: int) -> TokenColumn:
    """Put framed values one after another for every person who has all of them."""
    usable = np.ones(n, dtype=np.bool_)
    for part in parts:
        usable &= part.codes >= 0
    framed = [_frame_values(part.values) for part in parts]
    if len(parts) == 1 and np.array_equal(parts[0].codes, np.arange(n)):  # each its own, as numbers of people are
        return TokenColumn(framed[0][0].tobytes(), framed[0][1], usable)
    lengths = np.zeros(n, dtype=np.int64)
    for part, (_, starts) in zip(parts, framed, strict=True):
        lengths[usable] += np.diff(starts)[part.codes[usable]]
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])
    data = np.empty(int(offsets[-1]), dtype=np.uint8)
    people = np.flatnonzero(usable)
    place = offsets[people]
    for part, (source, starts) in zip(parts, framed, strict=True):
        codes = part.codes[people]
        size = starts[codes + 1] - starts[codes]
        data[_runs(place, size)] = source[_runs(starts[codes], size)]
        place = place + size
    return TokenColumn(data.tobytes(), offsets, usable)


class _Column:
    """The tokens of n people, block after block, put where they stay: small pieces that are joined later leave holes in the heap."""

    def __init__(self, n: int) -> None:
        self._data = np.empty(0, dtype=np.uint8)
        self._offsets = np.zeros(n + 1, dtype=np.int64)
        self._usable = np.zeros(n, dtype=np.bool_)
        self._people = self._length = 0

    def append(self, block: TokenColumn) -> None:
        """Add the tokens of the next people."""
        end, length = self._people + len(block.usable), self._length + len(block.data)
        self._usable[self._people : end] = block.usable
        self._offsets[self._people + 1 : end + 1] = self._length + block.offsets[1:]
        if length > len(self._data):  # as much as all will need if they are like those so far; what is not used is not resident
            room = max(length, length * len(self._usable) // max(end, 1) * 9 // 8)
            self._data = np.concatenate([self._data[: self._length], np.empty(room - self._length, dtype=np.uint8)])
        self._data[self._length : length] = np.frombuffer(block.data, dtype=np.uint8)
        self._people, self._length = end, length

    def whole(self) -> TokenColumn:
        """Give all of them."""
        return TokenColumn(self._data[: self._length].tobytes(), self._offsets, self._usable)


def _frame_values(values: Sequence[str]) -> tuple[Bytes, Int64s]:
    """Give the framed distinct values one after another, and where each begins (one more position than values)."""
    joined = "".join(values)
    if joined.isascii():
        data, sizes = joined.encode("ascii"), map(len, values)
    else:
        encoded = list(map(methodcaller("encode", "utf-8", "surrogatepass"), values))
        data, sizes = b"".join(encoded), map(len, encoded)
    size = np.fromiter(sizes, dtype=np.int64, count=len(values))
    starts = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(size + LENGTH, out=starts[1:])
    framed = np.empty(int(starts[-1]), dtype=np.uint8)
    body = np.ones(len(framed), dtype=np.bool_)
    for place in range(LENGTH):  # big-endian, as `codec.frame` has it
        framed[starts[:-1] + place] = (size >> 8 * (LENGTH - 1 - place)).astype(np.uint8)
        body[starts[:-1] + place] = False
    framed[body] = np.frombuffer(data, dtype=np.uint8)
    return framed, starts


def _runs(starts: Int64s, sizes: Int64s) -> Int64s:
    """Give starts[i], starts[i] + 1, … starts[i] + sizes[i] - 1 for every i, one after another."""
    ends = np.cumsum(sizes)
    positions = np.arange(int(ends[-1]) if len(ends) else 0, dtype=np.int64)
    positions += np.repeat(starts - (ends - sizes), sizes)
    return positions
