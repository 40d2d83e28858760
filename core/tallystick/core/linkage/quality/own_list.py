"""What an agency holds against its own list before anything leaves it: the facts that its agreement declares, and the agreement's word.

Both decide which recipes a job uses, and neither can be checked by anybody else: two lists that never meet cannot show twins that are
split between them. So the check is of what each list can show by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from tallystick.core.errors import Refused
from tallystick.core.linkage.fields.fields import FIELDS
from tallystick.core.linkage.passes.choice import SHOWN
from tallystick.core.linkage.passes.facts import FEW, ListFacts
from tallystick.core.linkage.passes.recipes import Recipe
from tallystick.core.linkage.quality.sharing import ListNumber

MOST_ABOVE: Final = 2
"""A list may hold so many times the look-alikes that are declared; they are rounded, and lists grow."""
FEW_ABOVE: Final = 10
"""Look-alikes that a list may hold by a recipe of which it declares few or none."""


def check_facts(dataset: str, declared: ListFacts | None, recipes: Sequence[Recipe], counts: Mapping[ListNumber, int]) -> None:
    """Check that a list holds no more look-alikes than its agency has declared.

    Args:
        dataset: its name.
        declared: in the agreement; None: nothing.
        recipes: the job's exact passes, of the list's side.
        counts: what the list says of itself (`list_counts`).

    Raises:
        Refused: `linkage-outgrown`.
    """
    if declared is None:
        return
    outgrown = [
        recipe.core
        for recipe in recipes
        if counts[ListNumber("alike", recipe.name)] > max(FEW_ABOVE, MOST_ABOVE * declared.alike_by(recipe))
    ]
    if outgrown:
        raise Refused(
            "linkage-outgrown",
            f"dataset {dataset} holds more look-alikes than its agreement says",
            hint="count again with `tally node linkage`, and agree on the new numbers",
            detail=", ".join(dict.fromkeys(outgrown)),
        )


def check_word(dataset: str, word: str, recipes: Sequence[Recipe], counts: Mapping[ListNumber, int], people: int) -> None:
    """Check that a list does not show twins, or people who share a home, where the agreement says that it holds none.

    Args:
        dataset: its name.
        word: `no-twins` or `no-households`; "" for none.
        recipes: the job's exact passes, of the list's side.
        counts: what the list says of itself.
        people: of the list.

    Raises:
        Refused: `link-word`.
    """
    if not word:
        return
    without = [recipe for recipe in recipes if not any(FIELDS[part.field].tells_twins_apart for part in recipe.parts)]
    once = {recipe.core: recipe.name for recipe in reversed(without)}
    alike = sum(counts[ListNumber("alike", name)] for name in once.values())
    if 2 * alike > SHOWN * people + 2 * FEW:
        raise Refused(
            "link-word",
            f"dataset {dataset} holds people whom link: {word} says it does not hold",
            hint="leave the word out of the agreement",
            detail=f"{alike:,} pairs of two people who share what the word's recipes take, among {people:,} people",
        )
