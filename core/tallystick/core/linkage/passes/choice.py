"""Which passes of the catalogue two lists use, by what both have, what each says of itself, and what the agreement says of both.

Every party works out the same list, from the agreement and the job alone. A recipe of the catalogue becomes one pass for each way in which
its guards can hold: both lists have the field and agree, or neither has it (`~`); one of two has it (`^`). Ways that hardly any pair of rows
would use are left out, as the lists tell (`LEAST`). A list that has told nothing may lack anything.

Recipes of which even few free people (`FREE`) would make more accidental links than the ladder allows are left out, so that they cost
nothing. Recipes without anything that tells twins apart are used where the lists have told of themselves and hold next to no look-alikes of
that kind (`SHOWN`), so not in small lists; or where the agreement says that there are none (`HOLDS`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

from tallystick.core.linkage.fields.fields import FIELDS
from tallystick.core.linkage.passes.budget import BOUNDS, Odds
from tallystick.core.linkage.passes.catalogue import CATALOGUE, CONTRARY, HOUSEHOLDS, MAIN, Entry
from tallystick.core.linkage.passes.facts import BORN_ON_A_DAY, FEW, ListFacts, recipe_chance
from tallystick.core.linkage.passes.recipes import Guard, Part, Recipe

HOLDS: Final = ("no-twins", "no-households")
FREE: Final = 0.1
"""Of a list, the share of people who may be free when a pass is tried."""
SHOWN: Final = 0.01
"""Of the people of both lists, twice the look-alikes that recipes without a first name may have, with those not told apart from none."""
MOST: Final = 50
"""Passes of a ladder, beside those in which something good may differ. Each costs every row a hash and as many masks as there are agencies."""
UNTOLD: Final = {"sex": 0.98, **BORN_ON_A_DAY}
"""The share of people who have a field, where a list has not told; of others nine in ten."""
LEAST: Final = {"ssn4": 0.001, "birth_date": 0.02, "sex": 0.05, "first_initial": 0.001}
"""Of all pairs, the share that must have a guard's field on one side alone for a pass of their own."""
LEAST_MINOR: Final = 0.05
"""The same of the number, for recipes that add little (`catalogue.MAIN` are the others)."""
LEAST_NEITHER: Final = 0.004
"""Of all pairs, the share that must lack the number on both sides for a pass of their own."""
LEAST_HELD: Final = 0.005
"""The share of people who must have each field of a recipe in both lists."""

LEAST_SIMILAR: Final = 0.2
"""The share of people who must have an identifier for a similarity pass to take it."""

_WHOLE: Final = frozenset({
    "first_name", "first_group", "names_any_order", "ssn", "ssn4", "ssn_outer", "ssn_digits", "state_id", "school_id",
})  # fmt: skip
_AT_HOME: Final = frozenset({"street", "street_name", "phone"})


@dataclass(frozen=True)
class ListSide:
    """One list, as all parties know it.

    Attributes:
        name: what reasons call it.
        identifiers: that it declares.
        people: it has no more.
        facts: what it says of itself; None: nothing.
    """

    name: str
    identifiers: tuple[str, ...]
    people: int
    facts: ListFacts | None = None

    def share(self, part: Part) -> float:
        """Give the share of people who have a field."""
        if FIELDS[part.field_made].lacking(self.identifiers):
            return 0.0
        return UNTOLD.get(part.field, 0.9) if self.facts is None else self.facts.share(part)


@dataclass(frozen=True)
class Choice:
    """One pass of the catalogue, what it makes by accident, and whether it is one of those that find most."""

    recipe: Recipe
    odds: Odds
    main: bool


def choose_passes(ladder: str, holds: str, sides: tuple[ListSide, ListSide]) -> tuple[list[Choice], list[tuple[Recipe, str]]]:
    """Give the passes of two lists, in order, and the recipes that they do not use, each with the reason.

    Args:
        ladder: one of `LADDERS`.
        holds: a word of `HOLDS` that the agreement says; "" for none.
        sides: the left list and the right one.
    """
    made = _choose(ladder, holds, sides, LEAST_HELD)
    # lists that hold next to nothing link nobody: they have passes all the same, so that a job says so
    return made if made[0] else _choose(ladder, holds, sides, 0.0)


def _choose(
    ladder: str, holds: str, sides: tuple[ListSide, ListSide], least: float
) -> tuple[list[Choice], list[tuple[Recipe, str]]]:
    """Choose passes of recipes whose fields at least so many people have."""
    used: list[Choice] = []
    unused: list[tuple[Recipe, str]] = []
    contrary: list[Choice] = []
    later: list[Choice] = []
    for entry, sure in ladder_entries(ladder, holds):
        recipe = entry.recipe
        if reason := _lacking(entry, sides, least):
            if reason != NOT_NEEDED:
                unused.append((recipe, reason))
            continue
        tells = sure and tells_homes_apart(recipe)
        shown = tells or _has_shown(recipe, sides)
        if not shown and not holds:
            unused.append((recipe, "people of one home could share it, and the lists do not show that they hold none who do"))
            continue
        chance = recipe_chance(recipe, [side.facts for side in sides])
        few = [side.people if side.facts is None else side.facts.people for side in sides]
        if (
            chance * few[0] * few[1] * FREE**2 > max(BOUNDS[ladder].share, BOUNDS[ladder].margin) * min(few)
            and not recipe.has_number
        ):
            unused.append((recipe, f"two of these lists' people share it with a chance of 1 in {1 / chance:,.0f}"))
            continue
        held = 1.0
        for at, side in enumerate(sides):
            for part in recipe.parts:
                held *= 1.0 if side.facts is None else side.share(part.of_side(at))
        for guarded, pairs, more in _guard_entry(entry, sides):
            made = (
                recipe_chance(replace(recipe, parts=(*recipe.parts, *more)), [side.facts for side in sides]) if more else chance
            )
            (later if not shown else used if sure else contrary).append(
                Choice(guarded, Odds(made, held, pairs, tells), entry.strict or entry.short in MAIN)
            )
    used, too_many = _fewest(used)
    return [*used, *contrary, *later], [*unused, *too_many]


def _fewest(choices: list[Choice]) -> tuple[list[Choice], list[tuple[Recipe, str]]]:
    """Leave out those that fewest pairs could use, where there are more than `MOST`."""
    away = sorted(range(len(choices)), key=lambda at: (choices[at].main, choices[at].odds.held * choices[at].odds.guards))
    away = sorted(away[: max(0, len(choices) - MOST)])
    reason = f"a ladder is at most {MOST} passes, and fewer rows could use this one"
    return (
        [choice for at, choice in enumerate(choices) if at not in away],
        [(choices[at].recipe, reason) for at in away],
    )


NOT_NEEDED: Final = "-"


def similar_fields(sides: tuple[ListSide, ListSide]) -> tuple[tuple[str, ...], tuple[str, ...], tuple[tuple[str, float], ...]]:
    """Give what a similarity pass can take of each side, and how many bits its fields say where the lists show fewer than is usual.

    What hardly anybody of either list has is left out: the plan would reckon with it.
    """
    told = [side.facts for side in sides if side.facts is not None]
    empty = {
        name for side in sides if side.facts is not None for name in side.identifiers if side.share(Part(name)) < LEAST_SIMILAR
    }
    one, other = (tuple(name for name in side.identifiers if name not in empty) for side in sides)
    bits = ((name, min(facts.bits(Part(name)) for facts in told)) for name in FIELDS if told and name in one and name in other)
    return one, other, tuple((name, said) for name, said in bits if said < FIELDS[name].bits)


def tells_homes_apart(recipe: Recipe) -> bool:
    """Tell whether a recipe has what twins do not share; at one address or telephone, a whole name or a number.

    One letter of a name does not: one pair of twins in fifteen shares it.
    """
    parts = [part for part in recipe.parts if part.length != 1]
    names = {part.field for part in parts} | {part.other for part in parts if part.other}
    if names & _AT_HOME:
        return bool({part.field for part in parts if part.length is None} & _WHOLE)
    return any(FIELDS[name].tells_twins_apart for name in names)


def ladder_entries(ladder: str, holds: str) -> Iterator[tuple[Entry, bool]]:
    """Give the entries of a ladder, and whether what tells homes apart can do so: not where something good may differ."""
    for entry in CATALOGUE:
        if entry.strict or ladder != "strict":
            yield entry, True
    if ladder in {"loose", "widest"}:
        for entry in CONTRARY:
            yield entry, False
    if holds == "no-households" and ladder != "strict":
        for entry in HOUSEHOLDS:
            yield entry, False


def _lacking(entry: Entry, sides: Sequence[ListSide], least: float) -> str:
    """Say why two lists cannot use an entry; "" if they can, `NOT_NEEDED` if others stand for it or neither list has what it takes."""
    both = set(sides[0].identifiers) & set(sides[1].identifiers)
    need = entry.needs.lstrip("-")
    if need and (need in both) == entry.needs.startswith("-"):
        return NOT_NEEDED
    reasons = [
        f"{side.name} has no {', no '.join(lacking)}"
        for at, side in enumerate(sides)
        if (lacking := entry.recipe.lacking(side.identifiers, at))
    ]
    if reasons:
        lacks = [entry.recipe.lacking(side.identifiers, at) for at, side in enumerate(sides)]
        return "; ".join(reasons) if lacks[0] != lacks[1] or not least else NOT_NEEDED
    for at, side in enumerate(sides):
        for part in entry.recipe.parts:
            if (side.facts is not None or part.field in BORN_ON_A_DAY) and side.share(part.of_side(at)) < least:
                return NOT_NEEDED
    return ""


def _has_shown(recipe: Recipe, sides: Sequence[ListSide]) -> bool:
    """Tell whether two lists have shown that they hold next to no look-alikes by a recipe."""
    if any(side.facts is None for side in sides):
        return False
    alike = sum(side.facts.alike_by(recipe.of_side(at)) for at, side in enumerate(sides) if side.facts is not None)
    people = sum(side.facts.people for side in sides if side.facts is not None)
    return 2 * (alike + FEW) <= SHOWN * people


def _guard_entry(entry: Entry, sides: Sequence[ListSide]) -> Iterator[tuple[Recipe, float, tuple[Part, ...]]]:
    """Give an entry's passes: the recipe with its guards, the share of pairs that these leave, and what they add to its fields."""
    guards_of = entry.guards.replace("n", "ni")
    ways = [list(_ways(guard, entry, sides)) for guard in guards_of]
    for combination in product(*ways):
        guards = tuple(way.guard for way in combination if way.guard is not None)
        more = tuple(way.part for way in combination if way.part is not None)
        pairs = 1.0
        for way in combination:
            pairs *= way.pairs
        recipe = replace(entry.recipe, parts=(*entry.recipe.parts, *more), guards=guards)
        yield replace(recipe, called=recipe.text), pairs, more


@dataclass(frozen=True)
class _Way:
    guard: Guard | None = None
    part: Part | None = None
    pairs: float = 1.0


def _ways(letter: str, entry: Entry, sides: Sequence[ListSide]) -> Iterator[_Way]:
    """Give the ways in which a guard of an entry can hold between two lists."""
    both = {name for name in FIELDS if all(not FIELDS[name].lacking(side.identifiers) for side in sides)}

    def absent(name: str) -> tuple[float, float]:
        """Give the shares of pairs of which one lacks a field, and both do."""
        one, other = (1 - side.share(Part(name)) for side in sides)
        return one + other - 2 * one * other, one * other

    def same(name: str, length: int | None = None) -> _Way:
        part = Part(name, length)
        one, neither = absent(name)
        return _Way(Guard(part), None, neither + (1 - one - neither) * 2.0**-part.bits)

    def lacking(name: str) -> _Way:
        return _Way(Guard(Part(name), one=True), None, absent(name)[0])

    match letter:
        case "n" | "i":
            number = "ssn4" if letter == "n" else "state_id"
            if number not in both:
                yield _Way()
                return
            one, neither = absent(number)
            main = entry.short in MAIN
            if not main and any(side.facts is None for side in sides):
                return  # they would cost many passes for people of whom nobody knows whether there are any
            if neither > LEAST_NEITHER or number == "state_id":  # few recipes take it: two who agree in it meet here
                yield same(number)
            # without birth dates few recipes are left, so those who lack the number have no other
            if one > (LEAST["ssn4"] if main or entry.needs == "-birth_date" else LEAST_MINOR):
                yield lacking(number)
        case "x":
            if "sex" not in both:
                yield _Way()
                return
            yield same("sex")
            if absent("sex")[0] > LEAST["sex"]:
                yield lacking("sex")
        case "d" | "y":
            if "birth_date" not in both:
                yield _Way()
                return
            if letter == "d":
                yield _Way(None, Part("birth_date", 4))
                yield same("birth_decade_day")
            else:
                yield same("birth_date", 4)
            if absent("birth_date")[0] > LEAST["birth_date"]:
                yield lacking("birth_date")
        case "g":
            held = "generation" in both and all(side.facts is None or side.share(Part("generation")) > 0 for side in sides)
            yield _Way(Guard(Part("generation"))) if held else _Way()
        case "f":
            if "first_initial" in both and absent("first_initial")[0] > LEAST["first_initial"]:
                yield lacking("first_initial")
        case "j":
            yield _Way(Guard(Part("new_year"), one=True), None, 0.02)
