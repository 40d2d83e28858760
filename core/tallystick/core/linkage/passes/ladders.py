"""Ladders: named lists of recipes from strict to loose, and which of them two datasets can use.

A job takes its agreement's recipes or ladders, or stricter ones. Each party works out the same list from the agreement, the job
and what the two datasets declare, their identifiers and the most people they have; it is part of what the job's digest binds.

A recipe of which two lists of these sizes would have more accidental pairs than a share of the smaller list (`SHARE`) is left out.
The figure is n·m·2^-bits: it takes all people for free, though most of a list may have their own partner, so it is an upper one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from tallystick.core.errors import Invalid, Refused
from tallystick.core.linkage.fields.fields import FIELDS
from tallystick.core.linkage.passes.kind import parse_entry
from tallystick.core.linkage.passes.recipes import Recipe, check_strength, compute_needed_bits

_STRICT: Final = (
    "state_id+birth_date",
    "school_id+birth_date",
    "ssn+birth_date",
    "ssn+last_name:4+first_name:1",
    "first_name+last_name+birth_date+zip",
)
_DEFAULT: Final = (
    *_STRICT,
    # one of number, last name, first name or birth date differs
    "ssn+last_name:4",
    "ssn+first_name:1",
    "first_name+last_name+birth_date",
    "first_name+last_name+birth_date+middle_name:1",
    "first_name+last_name+birth_date+city",
    "ssn4+first_name:1+birth_date",
    "ssn4+first_name+birth_date",
    "ssn4+first_name+last_name+birth_date:4",
    "ssn4+first_name+last_name",
    # digits exchanged
    "ssn_digits+first_name:1+birth_date",
    "ssn_digits+first_name:3+birth_date",
    "ssn_digits+street:7+zip",
    # the same names, written differently: swapped, a nickname, half of a double surname, an ending lost, by ear
    "names_any_order+birth_date",
    "names_any_order+birth_date+sex",
    "names_any_order+birth_date+zip",
    "first_group+last_part+birth_date",
    "first_group+last_part+birth_date+sex",
    "first_group+last_part+birth_date+zip",
    "first_group+last_end+birth_date",
    "first_group+last_end+birth_date+sex",
    "first_group+last_end+birth_date+zip",
    "first_name:3+last_name:4+birth_date",
    "first_name:3+last_name:4+birth_date+zip",
    "first_sound+last_sound+birth_date",
    "first_sound+last_sound+birth_date+zip",
    # a surname changed, or a birth date wrong, at one address
    "first_name+birth_date+street",
    "first_name+birth_date+street+zip",
    "first_name+last_name+street",
    "first_name+last_name+street+zip",
    "first_name+birth_date+zip",
)
_LOOSE: Final = (
    *_DEFAULT,
    # a number alone, or part of one with little
    "ssn",
    "ssn_digits+last_name:4+zip",
    "ssn_digits+birth_date",
    "ssn_digits+first_name:1+last_name",
    "ssn_start+first_name:1+last_name:4+zip",
    "ssn4+birth_date",
    "ssn_start+first_name:1+birth_date",
    # month and day swapped; a part of the date wrong, which names alone do not make up for
    "first_name+last_name+birth_year_day+zip",
    "first_name+last_name+birth_month_day+zip",
    "first_name+last_name+birth_any_order",
    # at one address or telephone
    "first_name:1+birth_date+phone",
    "names_any_order+phone",
    "first_name+last_name:4+street_name+zip",
    "first_name:3+last_name:4+street:7+zip:3",
    "sounds_any_order+street_name+zip",
    "first_name:1+birth_date+street:7",
    "sounds_any_order+street:7+zip:3",
    # little of each name
    "first_name:2+last_name:4+birth_date",
    "sounds_any_order+birth_date",
    "sounds_any_order+birth_date+zip",
    "first_name:2+last_name:2+birth_date",
)
LADDERS: Final[Mapping[str, tuple[str, ...]]] = {"strict": _STRICT, "default": _DEFAULT, "loose": _LOOSE}

_NO_TWINS_DEFAULT: Final = (
    # the first name replaced; only twins share the rest
    "last_name+birth_date+street",
    "last_name+birth_date+zip",
)
_NO_TWINS_LOOSE: Final = (
    *_NO_TWINS_DEFAULT,
    "birth_date+street+zip",
    "last_name:4+birth_date+street:7",
    "last_sound+birth_date+zip",
    "birth_date+street",
    "birth_date+street_name+zip",
    "last_end+birth_date+city",
)
_NO_HOUSEHOLDS_LOOSE: Final = (
    *_NO_TWINS_LOOSE,
    # the birth date wrong as well; people of one home share the rest, or a father and a son
    "last_name+street+zip",
    "first_name+street+zip",
    "first_name+last_name+zip+city",
    "names_any_order+street_name",
    "last_name:4+street:7+zip",
)
HOLDS: Final = ("no-twins", "no-households")
"""Words of an agreement's `link` that say what its lists do not hold: no twins of whom one is in one list and the other in the other,
both without a match of their own; no two people who share a home. Their ladders have recipes that would link such people."""
_FURTHER: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("default", "no-twins"): _NO_TWINS_DEFAULT,
    ("loose", "no-twins"): _NO_TWINS_LOOSE,
    ("default", "no-households"): _NO_TWINS_DEFAULT,
    ("loose", "no-households"): _NO_HOUSEHOLDS_LOOSE,
}

STANDS_IN: Final[Mapping[str, str]] = {
    "ssn_digits+first_name:1+last_name": "ssn_digits+birth_date",
    "first_name+last_name+birth_date+middle_name:1": "first_name+last_name+birth_date",
    "first_name+last_name+birth_date+city": "first_name+last_name+birth_date",
    "ssn4+first_name+birth_date": "ssn4+first_name:1+birth_date",
    "ssn4+first_name+last_name": "ssn4+first_name+last_name+birth_date:4",
    "ssn_digits+first_name:3+birth_date": "ssn_digits+first_name:1+birth_date",
    "names_any_order+birth_date+sex": "names_any_order+birth_date",
    "names_any_order+birth_date+zip": "names_any_order+birth_date",
    "first_group+last_part+birth_date+sex": "first_group+last_part+birth_date",
    "first_group+last_part+birth_date+zip": "first_group+last_part+birth_date",
    "first_group+last_end+birth_date+sex": "first_group+last_end+birth_date",
    "first_group+last_end+birth_date+zip": "first_group+last_end+birth_date",
    "first_name:3+last_name:4+birth_date+zip": "first_name:3+last_name:4+birth_date",
    "first_sound+last_sound+birth_date+zip": "first_sound+last_sound+birth_date",
    "first_name+birth_date+street+zip": "first_name+birth_date+street",
    "first_name+last_name+street+zip": "first_name+last_name+street",
    "sounds_any_order+birth_date+zip": "sounds_any_order+birth_date",
}
"""Recipes that are used only where another cannot be: stronger ones, for lists in which the other says too little (where it says
enough it links whom they would), and ones without a birth date, for lists that have none."""

_ORDER: Final = ("strict", "default", "loose")

SHARE: Final = {"strict": 1e-4, "default": 1e-4, "loose": 3e-4}
"""Accidental pairs that a recipe may make if nobody had a partner, as a share of the smaller list, by the ladder that is asked for."""
SHARE_BY_NAME: Final = SHARE["loose"]
"""The same for a recipe that an agreement names itself."""

SIMILARITY: Final = ("similarity", *(f"similarity-{word}" for word in HOLDS))
"""Words of an agreement's `link` that ask for a similarity pass; each says what its lists may hold (`similarity.py`)."""
WORDS: Final = (*SIMILARITY, *HOLDS)
"""What `link` may hold beside recipes and ladders: one of these at most."""


def ladder(name: str, link: Sequence[str] = ()) -> tuple[str, ...]:
    """Give a ladder's recipes, with those that are for lists of which `link` says what they do not hold."""
    return (*LADDERS[name], *_FURTHER.get((name, lacks_of(link)), ()))


def texts_of(entry: str, link: Sequence[str] = ()) -> tuple[str, ...]:
    """Give the recipes that an entry of a link stands for: a ladder's, or the recipe that it is."""
    return ladder(entry, link) if entry in LADDERS else (entry,)


def lacks_of(link: Sequence[str]) -> str:
    """Give the word of `HOLDS` that a link says, by itself or with the similarity pass, the one that says more; empty for none."""
    return next((word for word in reversed(HOLDS) if {word, f"similarity-{word}"}.intersection(link)), "")


def recipes_of(link: Sequence[str], job_link: str | None) -> list[Recipe]:
    """Give all recipes that an agreement and a job ask for, in order, each once.

    Args:
        link: the agreement's: recipes, ladders, or both; none of them means `default`. A word of `WORDS` says what the lists hold.
        job_link: the job's ladder, or None for all that the agreement allows.

    Raises:
        Invalid: `link-invalid`.
        Refused: `link-weak`; `job-not-allowed`: the job asks for a looser ladder than the agreement, or for one where it names
            its own recipes.
    """
    recipes = [parse_entry(text) for text in _shares(link, job_link)]
    for recipe in recipes:
        check_strength(recipe, twins=not lacks_of(link))
    return recipes


def similarity_of(link: Sequence[str]) -> str | None:
    """Give the word of `SIMILARITY` that a link asks for; None for no similarity pass."""
    if not set(SIMILARITY).intersection(link):
        return None
    return f"similarity-{lacks}" if (lacks := lacks_of(link)) else SIMILARITY[0]


def passes_for(
    link: Sequence[str],
    job_link: str | None,
    left: Collection[str],
    right: Collection[str],
    *,
    names: tuple[str, str] = ("the left dataset", "the right dataset"),
    people: tuple[int, int] | None = None,
) -> tuple[list[Recipe], list[tuple[Recipe, str]]]:
    """Give the passes of two datasets, strict to loose, and the recipes they cannot use, each with the reason.

    A recipe that stands in for another (`STANDS_IN`) is used only where that one cannot be. One that the agreement names itself and
    that has a whole number which is given out once is used whatever the numbers of people: its parties have said that the
    number is good.

    Args:
        link: the agreement's recipes or ladders.
        job_link: the job's ladder, or None.
        left: identifiers that the left dataset declares.
        right: identifiers that the right one declares.
        names: what reasons and errors call the two.
        people: no more than so many people are in the left and in the right list; None: recipes are not held against a number.

    Raises:
        Refused: `link-weak`, `job-not-allowed`, as `recipes_of`.
        Invalid: `link-invalid`; `link-impossible`: no recipe is left, naming what is missing where.
    """
    usable: list[Recipe] = []
    unusable: list[tuple[Recipe, str]] = []
    shares = _shares(link, job_link)
    used: set[str] = set()
    for recipe in recipes_of(link, job_link):
        if STANDS_IN.get(recipe.name) in used:
            used.add(recipe.name)
            continue
        reasons = [
            f"{name} has no {', no '.join(lacking)}"
            for name, identifiers in zip(names, (left, right), strict=True)
            if (lacking := recipe.lacking(identifiers))
        ]
        trusted = recipe.name in link and recipe.has_number
        if not reasons and people is not None and not recipe.weak and not trusted:
            needed = compute_needed_bits(people, shares[recipe.name])
            if recipe.chance_bits < needed:
                reasons = [_too_little(recipe, needed, people, set(left) & set(right))]
        if reasons:
            unusable.append((recipe, "; ".join(reasons)))
        else:
            usable.append(recipe)
            used.add(recipe.name)
    if not usable:
        told = ". ".join(f"{recipe.name}: {reason}" for recipe, reason in unusable[:3])
        raise Invalid(
            "link-impossible", f"no linkage pass is possible. {told}", hint="add identifiers, or agree on other recipes"
        )
    return usable, unusable


def _shares(link: Sequence[str], job_link: str | None) -> dict[str, float]:
    """Give the texts of the recipes that are asked for, in order, and which share of accidental pairs each may make."""
    allowed = tuple(name for name in link if name not in WORDS) or ("default",)
    ladders = [name for name in allowed if name in LADDERS]
    chosen: Iterable[tuple[str, str]] = ((text, name) for name in allowed for text in texts_of(name, link))
    if job_link is not None:
        if not ladders:
            raise Refused("job-not-allowed", "the agreement names its own recipes, no ladder", hint="leave link out of the job")
        if _ORDER.index(job_link) > max(_ORDER.index(name) for name in ladders):
            raise Refused("job-not-allowed", f"the agreement does not allow link: {job_link}", hint=f"use link: {ladders[-1]}")
        within = set(ladder(job_link, link))
        chosen = [(text, job_link if name in LADDERS else name) for text, name in chosen if text in within]
    shares: dict[str, float] = {}
    for text, name in chosen:
        shares[text] = max(shares.get(text, 0.0), SHARE.get(name, SHARE_BY_NAME))
    return shares


def _too_little(recipe: Recipe, needed: float, people: tuple[int, int], both: Collection[str]) -> str:
    """Say how much a recipe lacks, and which identifier of both sides would make it enough."""
    lacks = needed - recipe.chance_bits
    sources = {source for part in recipe.parts for source in part.kind.sources}
    more = sorted((FIELDS[name].bits, name) for name in both if name in FIELDS and name not in sources)
    enough = [name for bits, name in more if bits >= lacks]
    says = f"says {recipe.chance_bits:.1f} bits; {people[0]:,} x {people[1]:,} people need {needed:.1f}"
    return says + (f": add {enough[0]}" if enough else "")
