"""Recipes: which canonical fields make the token of a linkage pass.

    recipe = part *("+" part)        part = field [":" length]        ssn+last_name:4

`field:n` takes the first n characters; of a birth date, as YYYYMMDD, four are the year and six year and month.

A recipe must say enough about a person. Its strength is the sum of its fields' collision entropies, -log2 of the probability
that two different people agree: two lists of n and m people have about n·m·2^-bits accidental pairs. The figures are
low estimates for one county's clients; what fields share (a first name says the sex) is not subtracted. And it must hold a
field that tells twins apart, or it would link one child to the other.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from tallystick.core.errors import Invalid, Refused

MIN_BITS: Final = 24.0
MAX_PARTS: Final = 8
MAX_LENGTH: Final = 20


@dataclass(frozen=True)
class FieldKind:
    """What a field of recipes is.

    Attributes:
        sources: identifiers that a dataset may have to make it, the best first.
        bits: collision entropy of the whole field.
        prefix_bits: the same of its first 1, 2, 3, … characters; longer prefixes count as the whole. Empty: no prefix allowed.
        tells_twins_apart: differs between two children of one birth.
    """

    sources: tuple[str, ...]
    bits: float
    prefix_bits: tuple[float, ...] = ()
    tells_twins_apart: bool = False


FIELDS: Final = {
    "ssn": FieldKind(("ssn",), 28.0, tells_twins_apart=True),
    "ssn4": FieldKind(("ssn4", "ssn"), 13.0, tells_twins_apart=True),
    "state_id": FieldKind(("state_id",), 24.0, tells_twins_apart=True),
    "school_id": FieldKind(("school_id",), 20.0, tells_twins_apart=True),
    "first_name": FieldKind(("first_name",), 7.5, (3.8, 5.5, 6.5), tells_twins_apart=True),
    "first_initial": FieldKind(("first_initial", "first_name"), 3.8, tells_twins_apart=True),
    "middle_name": FieldKind(("middle_name",), 5.0, (3.5,), tells_twins_apart=True),
    "last_name": FieldKind(("last_name",), 10.0, (3.9, 6.0, 8.0, 9.0)),
    "birth_date": FieldKind(("birth_date",), 13.0, (0.0, 0.0, 1.0, 4.5, 6.0, 8.0)),
    "sex": FieldKind(("sex",), 1.0),
    "street": FieldKind(("street",), 11.0, (3.0, 5.0, 7.0, 8.0)),
    "city": FieldKind(("city",), 3.0, (2.0,)),
    "zip": FieldKind(("zip",), 6.0, (0.0, 0.5, 2.0, 4.0)),
    "phone": FieldKind(("phone",), 16.0, (0.0, 0.0, 2.0)),
}


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
    def sources(self) -> tuple[str, ...]:
        """Identifiers that can make it, the best first: one letter of a first name is an initial."""
        return FIELDS["first_initial"].sources if (self.field, self.length) == ("first_name", 1) else self.kind.sources


@dataclass(frozen=True)
class Recipe:
    """A recipe under its name, which is its text or what a catalogue calls it."""

    name: str
    parts: tuple[Part, ...]

    @property
    def bits(self) -> float:
        """Collision entropy of the whole token, fields taken as independent."""
        return sum(part.bits for part in self.parts)

    def lacking(self, identifiers: Collection[str]) -> list[str]:
        """Give what a dataset with these identifiers lacks to make the recipe; empty if it can."""
        have = set(identifiers)
        return [" or ".join(part.sources) for part in self.parts if not have.intersection(part.sources)]


_PART: Final = re.compile(r"([a-z][a-z0-9_]*)(?::(\d{1,2}))?", re.ASCII)


def parsed_recipe(text: str, *, name: str | None = None) -> Recipe:
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
    return Recipe(name or text, tuple(parts))


def check_strength(recipe: Recipe) -> None:
    """Check that a recipe says enough to link people by.

    Raises:
        Refused: `link-weak`: too few bits, or nothing that tells twins apart.
    """
    if recipe.bits < MIN_BITS:
        raise Refused(
            "link-weak",
            f"{recipe.name} says about {recipe.bits:.0f} bits of a person; a pass needs {MIN_BITS:.0f}",
            hint="add a field such as birth_date, ssn4, first_name or last_name",
        )
    if not any(part.kind.tells_twins_apart for part in recipe.parts):
        raise Refused(
            "link-weak", f"{recipe.name} would link twins to each other", hint="add first_name:1, ssn4 or another number"
        )
