"""Ladders: named lists of recipes from strict to loose, and which of them two datasets can use.

A job takes its agreement's recipes or ladders, or stricter ones. Each party works out the same list from the agreement, the job
and the two datasets' declared identifiers; it is part of what the job's digest binds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from tallystick.core.errors import Invalid, Refused
from tallystick.core.linkage.recipes import Recipe, check_strength, parsed_recipe

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
    "ssn4+first_name:1+birth_date",
    "ssn4+first_name+last_name",
    # the same names, written differently: swapped, a nickname, half of a double surname, an ending lost, by ear
    "names_any_order+birth_date",
    "first_group+last_part+birth_date",
    "first_group+last_end+birth_date",
    "first_name:3+last_name:4+birth_date",
    "first_sound+last_sound+birth_date",
    # a surname changed, or a birth date wrong, at one address
    "first_name+birth_date+street",
    "first_name+birth_date+zip",
    "first_name+last_name+street",
)
_LOOSE: Final = (
    *_DEFAULT,
    # month and day swapped; a part of the date wrong, which names alone do not make up for
    "first_name+last_name+birth_any_order",
    "first_name+last_name+birth_month_day+zip",
    "first_name+last_name+birth_year_day+zip",
    "first_name:3+last_name+birth_date:6+zip",
    # a number alone, or with little
    "ssn",
    "ssn4+birth_date",
    # little of each name
    "first_name:1+last_name+birth_date",
    "first_name:2+last_name:2+birth_date",
    "first_name:1+birth_date+street",
    "first_sound+last_sound+street",
    "names_any_order+phone",
)
LADDERS: Final[Mapping[str, tuple[str, ...]]] = {"strict": _STRICT, "default": _DEFAULT, "loose": _LOOSE}

_ORDER: Final = ("strict", "default", "loose")


def recipes_of(link: Sequence[str], job_link: str | None) -> list[Recipe]:
    """Give all recipes that an agreement and a job ask for, in order, each once.

    Args:
        link: the agreement's: recipes, ladders, or both; empty means `default`.
        job_link: the job's ladder, or None for all that the agreement allows.

    Raises:
        Invalid: `link-invalid`.
        Refused: `link-weak`; `job-not-allowed`: the job asks for a looser ladder than the agreement, or for one where it names
            its own recipes.
    """
    allowed = tuple(link) or ("default",)
    ladders = [name for name in allowed if name in LADDERS]
    chosen: Iterable[str] = (text for name in allowed for text in LADDERS.get(name, (name,)))
    if job_link is not None:
        if not ladders:
            raise Refused("job-not-allowed", "the agreement names its own recipes, no ladder", hint="leave link out of the job")
        if _ORDER.index(job_link) > max(_ORDER.index(name) for name in ladders):
            raise Refused("job-not-allowed", f"the agreement does not allow link: {job_link}", hint=f"use link: {ladders[-1]}")
        within = set(LADDERS[job_link])
        chosen = [text for text in chosen if text in within]
    recipes = [parsed_recipe(text) for text in dict.fromkeys(chosen)]
    for recipe in recipes:
        check_strength(recipe)
    return recipes


def passes_for(
    link: Sequence[str],
    job_link: str | None,
    left: Collection[str],
    right: Collection[str],
    *,
    names: tuple[str, str] = ("the left dataset", "the right dataset"),
) -> tuple[list[Recipe], list[tuple[Recipe, str]]]:
    """Give the passes of two datasets, strict to loose, and the recipes they cannot use, each with the reason.

    Args:
        link: the agreement's recipes or ladders.
        job_link: the job's ladder, or None.
        left: identifiers that the left dataset declares.
        right: identifiers that the right one declares.
        names: what reasons and errors call the two.

    Raises:
        Refused: `link-weak`, `job-not-allowed`, as `recipes_of`.
        Invalid: `link-invalid`; `link-impossible`: no recipe is left, naming what is missing where.
    """
    usable: list[Recipe] = []
    unusable: list[tuple[Recipe, str]] = []
    for recipe in recipes_of(link, job_link):
        reasons = [
            f"{name} has no {', no '.join(lacking)}"
            for name, identifiers in zip(names, (left, right), strict=True)
            if (lacking := recipe.lacking(identifiers))
        ]
        if reasons:
            unusable.append((recipe, "; ".join(reasons)))
        else:
            usable.append(recipe)
    if not usable:
        told = ". ".join(f"{recipe.name}: {reason}" for recipe, reason in unusable[:3])
        raise Invalid(
            "link-impossible", f"no linkage pass is possible. {told}", hint="add identifiers, or agree on other recipes"
        )
    return usable, unusable
