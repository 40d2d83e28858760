"""Recipes: which canonical fields make the token of a linkage pass.

    recipe = part *("+" part) *guard        part = name ["/" name]        guard = ("~" / "^") name        name = field [":" length]

    ssn+last_name:4                             first_name+last_name+birth_date~ssn4        first_group/second_name+last_name+birth_date

`field:n` takes the first n characters; of a birth date, as YYYYMMDD, four are the year and six year and month. `one/other` is a field of the
left list that must agree with another of the right list.

A **guard** is a field that a recipe leaves out and in which two rows may not differ where both have it:

- `~field`: both have it and agree, or neither has it;
- `^field`: exactly one of the two has it. Rows of the left list that have it and rows of the right one that lack it hold one mark, the others
  another; so one pass finds both cases, and who sees which tokens coincide does not see which side lacks the field.

Two rows that both have it and differ meet at no pass of such a recipe. It is arithmetic: nobody decides it, and nobody sees it.

A recipe must say enough about a person. Its strength is the sum of its fields' bits (`fields.py`): two lists of n and m people
have about n·m·2^-bits accidental pairs. What fields share is not subtracted (a first name says the sex). How much is enough for
two lists depends on their size (`compute_needed_bits`). And it must hold a field that tells twins apart, or it would link one child to
the other; unless the agreement says that its lists hold no twins (`ladders.HOLDS`).

Other kinds of exact passes have parts too, so they are values of `Recipe`: see `kind.py`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from math import log2
from typing import Final

from tallystick.core.errors import Invalid, Refused
from tallystick.core.linkage.fields.fields import EITHER_ORDER, FIELDS, FieldKind
from tallystick.crypto.passes import FIRST

MIN_BITS: Final = 24.0
"""What a recipe must say for lists of any size."""
WHOLE_DATES: Final = ("birth_date", "birth_any_order")
"""Fields that hold a birth date's year, month and day."""
YEAR_BITS: Final = 4.5
"""What a birth date says of which the year alone is known."""
FEW_BITS: Final = 20.0
"""A recipe that says less without month and day does without everybody who is born on 1 January, in whatever list."""
MAX_PARTS: Final = 8
MAX_LENGTH: Final = 20


@dataclass(frozen=True)
class Part:
    """One field of a recipe, whole (length None) or its first `length` characters.

    Attributes:
        field: the field; of the left list where `other` is another.
        other: the right list's field; "" for the same one.
    """

    field: str
    length: int | None = None
    other: str = ""

    @property
    def kind(self) -> FieldKind:
        """What the field is."""
        return FIELDS[self.field]

    @property
    def bits(self) -> float:
        """Collision entropy."""
        prefixes = self.kind.prefix_bits
        if self.length is None or self.length > len(prefixes):
            return self.kind.bits
        return prefixes[self.length - 1]

    @property
    def chance_bits(self) -> float:
        """How seldom two different people agree: above `bits` for numbers that are given out once."""
        unique = self.kind.unique_bits
        return self.bits if unique is None else unique

    @property
    def field_made(self) -> str:
        """Which field's rule makes it: one letter of a first name is an initial."""
        return "first_initial" if (self.field, self.length) == ("first_name", 1) else self.field

    @property
    def text(self) -> str:
        """As it is written in a recipe."""
        name = self.field if self.length is None else f"{self.field}:{self.length}"
        return f"{name}/{self.other}" if self.other else name

    def of_side(self, side: int) -> Part:
        """Give the part as the left (0) or the right list (1) makes it."""
        return self if not self.other else Part(self.other if side else self.field)


@dataclass(frozen=True)
class Guard:
    """A field in which two rows may not differ, and that not both need to have.

    Attributes:
        part: the field.
        one: exactly one of two rows has it (`^`); else both have it and agree, or neither has it (`~`).
        turned: whether the marks are those of the right list; None before it is told whose they are (`Recipe.of_side`).
    """

    part: Part
    one: bool = False
    turned: bool | None = None

    @property
    def text(self) -> str:
        """As it is written in a recipe."""
        return f"{'^' if self.one else '~'}{self.part.text}"


@dataclass(frozen=True)
class Recipe:
    """A recipe, between two spellings of people's identifiers.

    Attributes:
        called: its text, or what an agreement's `link` calls it.
        parts: its fields.
        spelling: which spelling of a person's identifiers the left and the right list use, 0 for the first (`spellings.py`).
        kind: the kind of pass that makes its tokens (`kind.py`); "" for those of its parts, one after another.
        weak: it may say less than `MIN_BITS`, because an agreement names it by a name of its own.
        guards: fields in which two rows may not differ.
    """

    called: str
    parts: tuple[Part, ...]
    spelling: tuple[int, int] = FIRST
    kind: str = ""
    weak: bool = False
    guards: tuple[Guard, ...] = ()

    @property
    def name(self) -> str:
        """The name of its pass, unique in a job: `called`, and the spellings where they are not the first."""
        return self.called if self.spelling == FIRST else f"{self.called}@{self.spelling[0]}.{self.spelling[1]}"

    @property
    def bits(self) -> float:
        """Collision entropy of the whole token, fields taken as independent."""
        return sum(part.bits for part in self.parts)

    @property
    def chance_bits(self) -> float:
        """How seldom two different people agree in the whole token, in bits."""
        return sum(part.chance_bits for part in self.parts)

    @property
    def has_number(self) -> bool:
        """Whether a whole number that is given out once is among its parts."""
        return any(part.kind.unique_bits is not None and part.length is None for part in self.parts)

    @property
    def stands_without_day(self) -> bool:
        """Whether it says enough, and tells twins apart, where of a birth date the year alone is known."""
        tells = any(part.kind.tells_twins_apart and part.length != 1 for part in self.parts)
        return self._bits_without_day is None or (tells and self._bits_without_day >= MIN_BITS)

    @property
    def rests_on_day(self) -> bool:
        """Whether without month and day of a birth date it says next to nothing."""
        return self._bits_without_day is not None and self._bits_without_day < FEW_BITS

    @property
    def _bits_without_day(self) -> float | None:
        """What is left where of a birth date the year alone is known; None without a whole birth date."""
        dates = [part for part in self.parts if part.field in WHOLE_DATES and part.length is None]
        return self.bits - sum(part.bits - YEAR_BITS for part in dates) if dates else None

    @property
    def text(self) -> str:
        """As it is written; passes of one text have the same tokens."""
        return self.core + "".join(guard.text for guard in self.guards)

    @property
    def core(self) -> str:
        """Its text without guards."""
        written = "+".join(part.text for part in self.parts)
        return f"{self.kind}-{written}" if self.kind else written

    def of_side(self, side: int) -> Recipe:
        """Give the recipe as the left (0) or the right list (1) makes its tokens."""
        guards = tuple(replace(guard, turned=bool(side)) for guard in self.guards)
        return replace(self, parts=tuple(part.of_side(side) for part in self.parts), guards=guards)

    def lacking(self, identifiers: Collection[str], side: int = 0) -> list[str]:
        """Give what a dataset with these identifiers lacks to make the recipe on its side; empty if it can."""
        parts = [part.of_side(side) for part in self.parts] + [guard.part for guard in self.guards]
        lacks = (lack for part in parts for lack in FIELDS[part.field_made].lacking(identifiers))
        return list(dict.fromkeys(lacks))


_PART: Final = re.compile(r"([a-z][a-z0-9_]*)(?::(\d{1,2}))?(?:/([a-z][a-z0-9_]*))?", re.ASCII)
_GUARDS: Final = re.compile(r"(?=[~^])")


def parse_recipe(text: str) -> Recipe:
    """Give the recipe that a text writes.

    Raises:
        Invalid: `link-invalid`: malformed, an unknown field, a field twice, or a prefix where none is allowed.
    """
    core, *written = _GUARDS.split(text)
    parts = [_parse_part(word) for word in core.split("+")]
    guards = tuple(Guard(_parse_part(word[1:]), word[0] == "^") for word in written)
    named = [*(name for part in parts for name in (part.field, part.other) if name), *(guard.part.field for guard in guards)]
    if len(set(named)) != len(named) or len(parts) > MAX_PARTS or len(guards) > MAX_PARTS:
        raise Invalid(
            "link-invalid", f"a recipe names a field twice, or more than {MAX_PARTS} fields", hint="name each field once"
        )
    if any(guard.part.other or guard.part.field in EITHER_ORDER for guard in guards):
        raise Invalid("link-invalid", "a guard is one field, the same in both lists", hint="for example ~ssn4")
    return Recipe(text, tuple(parts), guards=guards)


def _parse_part(word: str) -> Part:
    """Read a part.

    Raises:
        Invalid: `link-invalid`.
    """
    match = _PART.fullmatch(word)
    if match is None:
        raise Invalid("link-invalid", "a recipe is fields joined by +", hint="for example ssn+birth_date, or ssn+last_name:4")
    field, length, other = match[1], int(match[2]) if match[2] else None, match[3] or ""
    for name in (field, other):
        if name and name not in FIELDS:
            raise Invalid("link-invalid", f"a recipe names the unknown field {name}", hint=f"known: {', '.join(FIELDS)}")
    if other and (length is not None or {field, other} & EITHER_ORDER.keys()):
        raise Invalid("link-invalid", "a part of two fields has no length", hint="for example first_group/second_name")
    if length is not None and (not FIELDS[field].prefix_bits or not 1 <= length <= MAX_LENGTH):
        fix = "use ssn4 for its last four digits" if field == "ssn" else f"leave :{length} out"
        raise Invalid("link-invalid", f"a recipe takes {length} characters of {field}", hint=fix)
    return Part(field, length, other)


def check_strength(recipe: Recipe, *, twins: bool = True) -> None:
    """Check that a recipe says enough to link people by.

    Args:
        recipe: what is checked.
        twins: whether lists may hold twins, so that it must tell them apart.

    Raises:
        Refused: `link-weak`: too few bits, or nothing that tells twins apart.
    """
    if recipe.bits < MIN_BITS and not recipe.weak:
        raise Refused(
            "link-weak",
            f"{recipe.name} says about {recipe.bits:.0f} bits of a person; a pass needs {MIN_BITS:.0f}",
            hint="add a field such as birth_date, ssn4, first_name or last_name",
        )
    if twins and not any(part.kind.tells_twins_apart for part in recipe.parts):
        raise Refused(
            "link-weak",
            f"{recipe.name} would link twins to each other",
            hint="add first_name:1, ssn4 or another number; or no-twins, if the lists hold none",
        )


def compute_needed_bits(people: tuple[int, int], share: float) -> float:
    """Give the bits at which two lists have n·m·2^-bits = share x min(n, m) accidental pairs, so no more than that above it.

    Args:
        people: no more than n in the one list, and m in the other.
        share: accidental pairs that are allowed, as a share of the smaller list.
    """
    return log2(max(2, *people) / share)
