"""The exact passes of two lists: of the recipes that an agreement names, then of its ladder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tallystick.core.errors import Invalid
from tallystick.core.linkage.passes.budget import BOUNDS, LADDERS, Bound, Budget, Odds
from tallystick.core.linkage.passes.choice import ListSide, choose_passes
from tallystick.core.linkage.passes.ladders import WORDS, lacks_of, passes_for
from tallystick.core.linkage.passes.recipes import Recipe
from tallystick.core.linkage.passes.spellings import expand_ladder


@dataclass(frozen=True)
class ExactPasses:
    """Exact passes in the order in which they are tried.

    Attributes:
        recipes: each with every pair of spellings.
        odds: of each; None for one that is made in any case.
        bound: of the ladder; None without one.
        again: whether passes that are left out for what homes share are tried again at the end.
        unusable: recipes that are not used, with the reason.
    """

    recipes: tuple[Recipe, ...]
    odds: tuple[Odds | None, ...]
    bound: Bound | None
    again: bool
    unusable: tuple[tuple[Recipe, str], ...]

    def budget(self, people: Sequence[int], decoys: int, passes: int) -> Budget | None:
        """Give when passes are made; None where all are.

        Args:
            people: the most that each list holds.
            decoys: m, of each pass.
            passes: as many as decoys count.
        """
        if self.bound is None:
            return None
        spellings = tuple(recipe.spelling for recipe in self.recipes)
        return Budget(self.bound, self.odds, spellings, tuple(people), decoys, passes, self.again)


def link_passes(link: Sequence[str], sides: tuple[ListSide, ListSide], spellings: tuple[int, int] = (0, 0)) -> ExactPasses:
    """Give the exact passes that a link asks for between two lists.

    Recipes that the link names are passes as they stand, without guards, held against the lists' sizes alone (`ladders.passes_for`). A ladder's
    come after them. Of several ladders the loosest counts, for it holds the others.

    Args:
        link: recipes, ladders, or both; none of them: `default`. A word says what the lists hold.
        sides: the left list and the right one.
        spellings: how many other spellings each list uses.

    Raises:
        Invalid: `link-invalid`; `link-impossible`: no recipe is left, naming what is missing where. Refused: `link-weak`.
    """
    entries = tuple(entry for entry in link if entry not in WORDS) or ("default",)
    ladder = max((entry for entry in entries if entry in LADDERS), key=LADDERS.index, default=None)
    named = tuple(entry for entry in entries if entry not in LADDERS)
    found: dict[str, tuple[Recipe, Odds | None]] = {}
    unusable: list[tuple[Recipe, str]] = []
    if named:
        names, people = (sides[0].name, sides[1].name), (sides[0].people, sides[1].people)
        words = tuple(entry for entry in link if entry in WORDS)
        try:
            usable, unusable = passes_for(
                (*named, *words), None, sides[0].identifiers, sides[1].identifiers, names=names, people=people
            )
            found = {recipe.name: (recipe, None) for recipe in usable}
        except Invalid as fault:
            if ladder is None or fault.code != "link-impossible":
                raise
    if ladder is not None:
        chosen, left_out = choose_passes(ladder, lacks_of(link), sides)
        unusable += left_out
        for choice in chosen:
            found.setdefault(choice.recipe.name, (choice.recipe, choice.odds))
    if not found:
        told = ". ".join(f"{recipe.name}: {reason}" for recipe, reason in unusable[:3])
        raise Invalid(
            "link-impossible", f"no linkage pass is possible. {told}", hint="add identifiers, or agree on other recipes"
        )
    odds = {name: one for name, (_, one) in found.items()}
    recipes = tuple(expand_ladder([recipe for recipe, _ in found.values()], *spellings))
    by_recipe = tuple(odds[replace(recipe, spelling=(0, 0)).name] for recipe in recipes)
    bound = None if ladder is None else BOUNDS[ladder]
    return ExactPasses(recipes, by_recipe, bound, bool(lacks_of(link)), tuple(unusable))
