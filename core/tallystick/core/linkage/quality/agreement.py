"""What can agree between two rows of one person, identifier by identifier, and at which passes they then coincide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt

from tallystick.core.linkage.fields.fields import EITHER_ORDER, FIELDS
from tallystick.core.linkage.passes.recipes import Part, Recipe

Bools = npt.NDArray[np.bool_]

_IDENTIFIER: Final = {
    "ssn4": "ssn",
    "first_name": "first name",
    "first_initial": "first name",
    "last_name": "last name",
    "street": "address",
    "city": "address",
    "zip": "address",
}
"""What is wrong together: who moves has another street, city and ZIP."""

_WHOLE_IMPLIES: Final = {
    "ssn": {"ssn4", "ssn_start", "ssn_digits"},
    "street": {"street_name"},
    "first_name": {"first_initial", "first_group", "first_sound"},
    "last_name": {"last_part", "last_end", "last_sound"},
    "birth_date": {
        "birth_any_order",
        "birth_month_day",
        "birth_decade_day",
        "birth_unit_day",
        "birth_month_tens",
        "birth_month_units",
        "birth_year_day",
    },
}


@dataclass(frozen=True)
class Identifier:
    """One independent piece of what is known of a person.

    Attributes:
        name: in words.
        parts: the fields of it that recipes use.
        states: (states, parts): every set of fields that can agree together; none first, all last.
    """

    name: str
    parts: tuple[Part, ...]
    states: Bools = field(repr=False)


def parts_of(recipe: Recipe) -> tuple[Part, ...]:
    """Give a recipe's parts; names in either order as the two names."""
    parts: list[Part] = []
    for part in recipe.parts:
        parts += [Part(name) for name in EITHER_ORDER[part.field]] if part.field in EITHER_ORDER else [_plain(part)]
    return tuple(dict.fromkeys(parts))


def conditions_of(recipe: Recipe) -> tuple[Part, ...]:
    """Give what two records must agree in to coincide at a pass: its parts and, of a kind of pass with tokens of its own, one more.

    That one has the pass's text as its name. It is taken as independent of all fields, so nothing implies it and it implies nothing.
    """
    return (*parts_of(recipe), Part(recipe.text)) if recipe.kind else parts_of(recipe)


def identifier_of(part: Part) -> str:
    """Give the name of the identifier that a part belongs to."""
    if part.field not in FIELDS:
        return part.field
    source = FIELDS[part.field].sources[0]
    return _IDENTIFIER.get(source, source)


def implies(one: Part, other: Part) -> bool:
    """Tell whether people who agree in one part agree in the other."""
    if one.field == other.field:
        return one.length is None or (other.length is not None and other.length <= one.length)
    if other.field == "first_initial" and one.field == "first_name":
        return True
    return one.length is None and other.length is None and other.field in _WHOLE_IMPLIES.get(one.field, ())


def pass_implies(one: Recipe, other: Recipe) -> bool:
    """Tell whether people who coincide at one pass coincide at the other."""
    return all(any(implies(mine, part) for mine in conditions_of(one)) for part in conditions_of(other))


def identifiers_of(recipes: Sequence[Recipe]) -> list[Identifier]:
    """Give the identifiers of recipes, each with the sets of its fields that can agree together."""
    parts: dict[str, dict[Part, None]] = {}
    for recipe in recipes:
        for part in conditions_of(recipe):
            parts.setdefault(identifier_of(part), {})[part] = None
    return [Identifier(name, tuple(held), _list_closed_sets(tuple(held))) for name, held in parts.items()]


def coinciding(recipes: Sequence[Recipe], identifiers: Sequence[Identifier]) -> list[list[Bools]]:
    """Give by recipe and identifier: in which states of the identifier all that the recipe takes of it agrees."""
    found: list[list[Bools]] = []
    for recipe in recipes:
        taken = conditions_of(recipe)
        places = [[one.parts.index(part) for part in taken if identifier_of(part) == one.name] for one in identifiers]
        found.append([np.asarray(one.states[:, at].all(axis=1)) for one, at in zip(identifiers, places, strict=True)])
    return found


def close_patterns(patterns: Bools, recipes: Sequence[Recipe]) -> Bools:
    """Give patterns (passes, links) in which also the passes coincide that others imply: an ambiguous token hides that they do."""
    whole = patterns.copy()
    for at, one in enumerate(recipes):
        for place, other in enumerate(recipes):
            if place != at and pass_implies(one, other):
                whole[place] |= patterns[at]
    return whole


def _plain(part: Part) -> Part:
    return Part("first_initial") if (part.field, part.length) == ("first_name", 1) else part


def _list_closed_sets(parts: tuple[Part, ...]) -> Bools:
    """Give every set of parts that holds what its members imply."""
    follow = [[at for at, other in enumerate(parts) if implies(part, other)] for part in parts]
    sets = []
    for size in range(len(parts) + 1):
        for chosen in combinations(range(len(parts)), size):
            held = set(chosen)
            if all(held.issuperset(follow[at]) for at in chosen):
                sets.append([at in held for at in range(len(parts))])
    return np.array(sets, dtype=np.bool_).reshape(len(sets), len(parts))
