"""Every recipe, without its guards, on a made-up person: what it needs, the token in the clear, how much it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Final

from tallystick.core.linkage.fields.fields import FIELDS
from tallystick.core.linkage.passes.budget import BOUNDS
from tallystick.core.linkage.passes.choice import ladder_entries
from tallystick.core.linkage.passes.kind import pass_kinds
from tallystick.core.linkage.passes.ladders import HOLDS, WORDS, lacks_of
from tallystick.core.linkage.passes.passes import parse_pass
from tallystick.core.linkage.passes.recipes import Recipe, check_strength
from tallystick.core.linkage.passes.tokens import token_columns
from tallystick.crypto.codec import unframe_all
from tallystick.crypto.passes import FIRST

PERSON: Final[Mapping[str, str]] = {
    "ssn": "742-04-3218",
    "state_id": "ND-00417-22",
    "school_id": "8800 1234",
    "first_name": "Peggy",
    "middle_name": "Ann",
    "last_name": "García López",
    "birth_date": "3/4/1987",
    "sex": "female",
    "street": "12 North Main Street",
    "city": "Saint Paul",
    "zip": "55101-2201",
    "phone": "(651) 555-0142",
}
"""Nobody: the area of the SSN was not issued in 1987, and the phone number is kept for fiction."""

NEW_YEAR: Final = "1/1/1987"
"""Their birth date where a recipe is about those who are born on a default day."""

SIZE: Final = 1_000_000
"""People on each side, for the figure of accidental pairs."""


@dataclass(frozen=True)
class Explained:
    """One recipe on `PERSON`.

    Attributes:
        recipe: as an agreement names it; of other spellings, as a report names the pass: RECIPE@I.J.
        text: the fields it stands for.
        ladders: which ladders hold it, strict first, alone or with a word on what the lists hold; empty for one that only an
            agreement can name.
        needs: what a dataset must have: identifiers, or one of several.
        token: the canonical fields in the clear, in order.
        bits: collision entropy, a low estimate for one county's clients.
        accidental: expected pairs of different people who agree, of `SIZE` and `SIZE` people who share nobody.
        spelling: which of a person's spellings the left and the right list make it from, 0 for the first.
    """

    recipe: str
    text: str
    ladders: tuple[str, ...]
    needs: tuple[str, ...]
    token: tuple[str, ...]
    bits: float
    accidental: float
    spelling: tuple[int, int] = FIRST

    def json_value(self) -> dict[str, object]:
        """Give it for programs."""
        return asdict(self)


def explain_recipes(names: tuple[str, ...] = ()) -> list[Explained]:
    """Explain recipes, or all that a ladder holds or a name stands for.

    Args:
        names: recipes, passes RECIPE@I.J of them, or ladders, and words on what the lists hold; no recipe and no ladder: everything
            known.

    Raises:
        Invalid: `link-invalid`. Refused: `link-weak`.
    """
    words = tuple(name for name in names if name in WORDS)
    others = tuple(name for name in names if name not in WORDS)
    known = words or (() if others else HOLDS)
    fixed = (entry for kind in pass_kinds().values() for entry in kind.entries)
    recipes: dict[str, Recipe] = {}
    for name in others or (*BOUNDS, *fixed):
        if name in BOUNDS:
            recipes |= {one.core: one for one in _of_ladder(name, lacks_of(known))}
        else:
            recipe = parse_pass(name)
            check_strength(recipe, twins=not lacks_of(known))
            recipes[recipe.name] = recipe
    return [_explain(recipe, _token(recipe)) for recipe in recipes.values()]


def _of_ladder(name: str, holds: str) -> list[Recipe]:
    return [entry.recipe for entry, _ in ladder_entries(name, holds)]


def _token(recipe: Recipe) -> bytes:
    """Give the token of `PERSON`, as the left list makes it; as the right one where the person has none of the left one's fields."""
    for side in (0, 1):
        of = replace(recipe.of_side(side), called=recipe.name)
        born = {"birth_date": NEW_YEAR} if any(part.field == "new_year" for part in recipe.parts) else {}
        column = token_columns([of], {name: [value] for name, value in {**PERSON, **born}.items()}, 1)[of.name]
        if column.usable[0]:
            break
    return column.data


def _explain(recipe: Recipe, token: bytes) -> Explained:
    return Explained(
        recipe.name,
        recipe.text,
        tuple(_ladders(recipe.called)),
        tuple(dict.fromkeys(_needs(recipe))),
        tuple(part.decode() for part in unframe_all(token, sender="")),
        recipe.bits,
        SIZE * SIZE * 2.0**-recipe.chance_bits,
        recipe.spelling,
    )


def _ladders(recipe: str) -> Iterator[str]:
    for name in BOUNDS:
        if any(one.core == recipe for one in _of_ladder(name, "")):
            yield name
        else:
            yield from (f"{name}, {word}" for word in HOLDS if any(one.core == recipe for one in _of_ladder(name, word)))


def _needs(recipe: Recipe) -> Iterator[str]:
    for part in (part.of_side(side) for part in recipe.parts for side in (0, 1)):
        kind = FIELDS[part.field_made]
        if kind.needs_all:
            yield from kind.sources
        else:
            yield " or ".join(kind.sources)
