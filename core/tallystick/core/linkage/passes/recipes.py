"""Recipes: which canonical fields make the token of a linkage pass.

    recipe = part *("+" part)        part = field [":" length]        ssn+last_name:4

`field:n` takes the first n characters; of a birth date, as YYYYMMDD, four are the year and six year and month.

A recipe must say enough about a person. Its strength is the sum of its fields' bits (`fields.py`): two lists of n and m people
have about n·m·2^-bits accidental pairs. What fields share is not subtracted (a first name says the sex). How much is enough for
two lists depends on their size (`compute_needed_bits`). And it must hold a field that tells twins apart, or it would link one child to
the other; unless the agreement says that its lists hold no twins (`ladders.HOLDS`).

Other kinds of exact passes have parts too, so they are values of `Recipe`: see `kind.py`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from math import log2
from typing import Final

from tallystick.core.errors import Invalid, Refused
from tallystick.core.linkage.fields.fields import FIELDS, FieldKind
from tallystick.crypto.passes import FIRST

MIN_BITS: Final = 24.0
"""What a recipe must say for lists of any size."""
MAX_PARTS: Final = 8
MAX_LENGTH: Final = 20


@dataclass(frozen=True)
class Part:
    """One field of a recipe, whole (length None) or its first `length` characters."""

    field: str
    length: int | None = None

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
        return self.field if self.length is None else f"{self.field}:{self.length}"


@dataclass(frozen=True)
class Recipe:
    """A recipe, between two spellings of people's identifiers.

    Attributes:
        called: its text, or what an agreement's `link` calls it.
        parts: its fields.
        spelling: which spelling of a person's identifiers the left and the right list use, 0 for the first (`spellings.py`).
        kind: the kind of pass that makes its tokens (`kind.py`); "" for those of its parts, one after another.
        weak: it may say less than `MIN_BITS`, because an agreement names it by a name of its own.
    """

    called: str
    parts: tuple[Part, ...]
    spelling: tuple[int, int] = FIRST
    kind: str = ""
    weak: bool = False

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
    def text(self) -> str:
        """As it is written; passes of one text have the same tokens."""
        written = "+".join(part.text for part in self.parts)
        return f"{self.kind}-{written}" if self.kind else written

    def lacking(self, identifiers: Collection[str]) -> list[str]:
        """Give what a dataset with these identifiers lacks to make the recipe; empty if it can."""
        lacks = (lack for part in self.parts for lack in FIELDS[part.field_made].lacking(identifiers))
        return list(dict.fromkeys(lacks))


_PART: Final = re.compile(r"([a-z][a-z0-9_]*)(?::(\d{1,2}))?", re.ASCII)


def parse_recipe(text: str) -> Recipe:
    """Give the recipe that a text writes.

    Raises:
        Invalid: `link-invalid`: malformed, an unknown field, a field twice, or a prefix where none is allowed.
    """
    parts = []
    for word in text.split("+"):
        match = _PART.fullmatch(word)
        if match is None:
            raise Invalid(
                "link-invalid", "a recipe is fields joined by +", hint="for example ssn+birth_date, or ssn+last_name:4"
            )
        field, length = match[1], int(match[2]) if match[2] else None
        if field not in FIELDS:
            raise Invalid("link-invalid", f"a recipe names the unknown field {field}", hint=f"known: {', '.join(FIELDS)}")
        if length is not None and (not FIELDS[field].prefix_bits or not 1 <= length <= MAX_LENGTH):
            fix = "use ssn4 for its last four digits" if field == "ssn" else f"leave :{length} out"
            raise Invalid("link-invalid", f"a recipe takes {length} characters of {field}", hint=fix)
        parts.append(Part(field, length))
    if len({part.field for part in parts}) != len(parts) or len(parts) > MAX_PARTS:
        raise Invalid(
            "link-invalid", f"a recipe names a field twice, or more than {MAX_PARTS} fields", hint="name each field once"
        )
    return Recipe(text, tuple(parts))


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
