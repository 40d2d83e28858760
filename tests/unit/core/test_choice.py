"""Which recipes two lists use: what they say of themselves, what a ladder allows, and which passes are made."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.core.errors import Refused
from tallystick.core.linkage.matching.matching import match_tags
from tallystick.core.linkage.passes.budget import BOUNDS, OF_HOMES, Bound, Budget, Odds, Spending
from tallystick.core.linkage.passes.catalogue import CATALOGUE, CONTRARY, HOUSEHOLDS, MAIN
from tallystick.core.linkage.passes.choice import ListSide, choose_passes, similar_fields, tells_homes_apart
from tallystick.core.linkage.passes.facts import ListFacts, recipe_chance
from tallystick.core.linkage.passes.linking import link_passes
from tallystick.core.linkage.passes.recipes import parse_recipe
from tallystick.core.linkage.quality.facts import count_facts, own_recipes, round_up
from tallystick.core.linkage.quality.own_list import check_facts, check_word
from tallystick.core.linkage.quality.sharing import ListNumber
from tallystick.crypto.passes import FIRST

NAMES = "first_name+last_name+birth_date"
FULL: Final = ("ssn", "first_name", "last_name", "birth_date", "sex", "street", "zip")
KNOWN: Final = tuple((name, 990) for name in sorted((*FULL, "ssn4", "first_initial")))
FACTS: Final = ListFacts(5_000, (*KNOWN, ("generation", 0), ("second_name", 0)))
SIDES: Final = (ListSide("a", FULL, 5_000, FACTS), ListSide("b", FULL, 5_000, FACTS))
SAFE: Final = Odds(1e-9, 1.0, 1.0, tells=True)


def chosen(ladder: str, holds: str = "", sides: tuple[ListSide, ListSide] = SIDES) -> list[str]:
    return [one.recipe.name for one in choose_passes(ladder, holds, sides)[0]]


def budget(
    *odds: Odds | None, bound: Bound = BOUNDS["default"], people: int = 1000, again: bool = False, decoys: int = 0
) -> Budget:
    return Budget(bound, odds, (FIRST,) * len(odds), (people, people), decoys, len(odds), again)


# --- the catalogue ---------------------------------------------------------------------------------------------------------------


def test_every_recipe_without_a_number_is_guarded_by_it_and_those_without_the_date_by_it() -> None:
    numbers = {"ssn", "ssn4", "ssn_outer", "ssn_digits", "state_id", "school_id"}
    for entry in CATALOGUE:
        fields = {part.field for part in entry.recipe.parts}
        dated = any(part.kind.sources == ("birth_date",) for part in entry.recipe.parts)
        whole_date = any(part.field in {"birth_date", "birth_any_order"} and part.length is None for part in entry.recipe.parts)
        if not fields & numbers:
            outvotes = entry.needs == "ssn"
            assert ("n" in entry.guards) != outvotes, entry.short
            if outvotes:  # two numbers that differ are outvoted by whole names, the whole date and more
                assert whole_date
                assert fields & {"street", "zip", "phone", "middle_name"}
        if not dated and entry.needs != "-birth_date" and not fields & {"ssn", "state_id", "school_id"}:
            assert set("dy") & set(entry.guards), entry.short
    assert len({entry.recipe.core for entry in CATALOGUE if entry.needs != "ssn"}) == sum(
        entry.needs != "ssn" for entry in CATALOGUE
    )
    assert {entry.short for entry in CATALOGUE} > MAIN


def test_ladders_hold_each_other() -> None:
    strict, default, loose, widest = (chosen(name) for name in ("strict", "default", "loose", "widest"))
    assert set(strict) < set(default) < set(loose) <= set(widest)
    assert [name for name in loose if name in default] == default
    assert len(default) <= 50


@pytest.mark.parametrize("ladder", ["strict", "default", "loose", "widest"])
def test_a_word_adds_recipes_at_the_end_and_takes_none(ladder: str) -> None:
    small = (replace(SIDES[0], facts=None), SIDES[1])
    for sides in (SIDES, small):
        plain, twins, households = (chosen(ladder, word, sides) for word in ("", "no-twins", "no-households"))
        assert twins[: len(plain)] == plain
        assert households[: len(twins)] == twins
    if ladder != "strict":
        assert any(name.startswith("last_name+birth_date+street^") for name in chosen(ladder, "no-twins", small))
        assert not any(name.startswith("last_name+birth_date+street") for name in chosen(ladder, "", small))


def test_what_twins_share_tells_no_homes_apart() -> None:
    for text in (
        "last_name+birth_date+street",
        "first_name:1+last_name+birth_date",
        "first_name:3+birth_date+street",
        "birth_date+street+sex",
    ):
        assert not tells_homes_apart(parse_recipe(text))
    for text in (NAMES, "first_name:3+last_name+birth_date", "first_name+birth_date+street", "ssn4+first_name:1+birth_date"):
        assert tells_homes_apart(parse_recipe(text))


def test_lists_with_look_alikes_of_a_home_use_no_recipe_that_takes_them_for_one() -> None:
    twins = replace(FACTS, alike=(("last_name+birth_date+street", 50),))
    some = chosen("default", "", (SIDES[0], replace(SIDES[1], facts=twins)))
    assert "last_name+birth_date+street^ssn4~sex" in chosen("default")
    assert not any(name.startswith("last_name+birth_date+street") for name in some)
    assert any(name.startswith("last_name+birth_date+zip") for name in some)


def test_ways_that_no_pair_uses_are_left_out() -> None:
    everybody = replace(FACTS, known=tuple((name, 1000) for name, _ in KNOWN))
    full = (replace(SIDES[0], facts=everybody), replace(SIDES[1], facts=everybody))
    assert not any("ssn4" in name.partition("~")[2] + name.partition("^")[2] for name in chosen("default", "", full))
    assert f"{NAMES}^ssn4" in chosen("default")
    # who has told nothing may lack anything
    assert {f"{NAMES}~ssn4", f"{NAMES}^ssn4"} < set(
        chosen("default", "", (replace(SIDES[0], facts=None), replace(SIDES[1], facts=None)))
    )
    # where one list has no number there is nothing to guard
    assert NAMES in chosen("default", "", (replace(SIDES[0], identifiers=FULL[1:]), SIDES[1]))


def test_recipes_that_an_agreement_names_stand_first_and_are_made_in_any_case() -> None:
    found = link_passes(("ssn+birth_date", "ssn+last_name", "default"), SIDES)
    assert [recipe.name for recipe in found.recipes[:2]] == ["ssn+birth_date", "ssn+last_name"]
    assert found.odds[:2] == (None, None)
    assert None not in found.odds[2:]
    assert link_passes(("ssn+birth_date",), SIDES).budget((10, 10), 0, 1) is None


# --- look-alikes -----------------------------------------------------------------------------------------------------------------


def test_pairs_are_rounded_up_and_few_are_none() -> None:
    assert [round_up(count, 999) for count in (0, 3, 4, 5, 6, 10, 11, 30, 31, 51, 999, 1000)] == [
        0,
        0,
        5,
        5,
        10,
        10,
        20,
        30,
        50,
        100,
        1000,
        1000,
    ]


@given(st.integers(0, 10**12))
def test_rounding_never_says_less(count: int) -> None:
    assert round_up(count, 1000) >= count
    assert round_up(count, 999) == (0 if count <= 3 else round_up(count, 1000))
    assert round_up(count, 1000) <= max(3, 2.5 * count)


def test_a_list_counts_who_is_two_people_and_not_who_is_one_twice() -> None:
    n = 3000
    people: dict[str, Any] = {
        "first_name": [f"{chr(97 + at % 23)}{chr(97 + at // 23 % 23)}na" for at in range(n)],
        "last_name": [f"{chr(97 + at * 7 % 23)}{chr(97 + at // 5 % 23)}son" for at in range(n)],
        "birth_date": [f"19{30 + at % 70}-0{1 + at % 9}-{10 + at % 19}" for at in range(n)],
        "street": [f"{at} Elm St" for at in range(n)],
    }
    for pair in range(40):  # twins: one last name, birth date and home
        for name in ("last_name", "birth_date", "street"):
            people[name][2 * pair + 1] = people[name][2 * pair]
    found = count_facts(people, n)
    alike = dict(found.alike)
    assert alike["last_name+birth_date+street"] == 50
    assert f"{NAMES}" not in alike
    assert (found.people, dict(found.known)["birth_date"]) == (3000, 1000)
    assert found == count_facts({name: list(reversed(values)) for name, values in people.items()}, n), "the order says nothing"
    for name in people:  # the same person under two keys, in everything alike
        people[name].append(people[name][2000])
    assert dict(count_facts(people, n + 1).alike) == alike


def test_every_recipe_of_the_catalogue_is_counted_as_either_list_makes_it() -> None:
    cores = {recipe.core for recipe in own_recipes()}
    for entry in (*CATALOGUE, *CONTRARY, *HOUSEHOLDS):
        assert {entry.recipe.of_side(0).core, entry.recipe.of_side(1).core} <= cores


def test_the_chance_is_what_lists_show_and_at_least_what_one_of_them_shows() -> None:
    recipe = parse_recipe(NAMES)
    none, some = FACTS, replace(FACTS, alike=((NAMES, 100),))
    assert recipe_chance(recipe, [None, None]) == pytest.approx(2**-recipe.bits)
    assert recipe_chance(recipe, [none, none]) < recipe_chance(recipe, [some, none])
    assert recipe_chance(recipe, [some, none]) == pytest.approx((100 - 20) / some.pairs(recipe))
    dull = replace(FACTS, variety=(("last_name", 10),))
    assert recipe_chance(recipe, [dull, none]) > 8 * recipe_chance(recipe, [none, none])


def test_a_similarity_pass_takes_what_people_have() -> None:
    poor = replace(
        FACTS, known=tuple((name, 10 if name == "zip" else count) for name, count in FACTS.known), variety=(("last_name", 20),)
    )
    one, other, bits = similar_fields((replace(SIDES[0], facts=poor), SIDES[1]))
    assert "zip" not in one + other
    assert bits == (("last_name", 2.0),)


# --- which passes are made -------------------------------------------------------------------------------------------------------


def test_a_pass_is_made_as_far_as_its_accidental_links_fit() -> None:
    spending = Spending(budget(SAFE, replace(SAFE, chance=1e-5), replace(SAFE, chance=1e-3)))
    assert spending.allows(0, 500, [(1000.0, 1000.0)])
    assert not spending.allows(1, 40, [(500.0, 500.0)]), "(460 · 460 · 1e-5 = 2.1) of 540 links"
    assert not spending.allows(2, 60, [(500.0, 500.0)]), "not one in a hundred of its own"
    assert spending.links == 500


def test_many_links_may_hold_more_accidental_ones_unless_homes_share_them() -> None:
    for tells in (True, False):
        spending = Spending(budget(SAFE, replace(SAFE, chance=1e-5, tells=tells)))
        assert spending.allows(0, 500, [(1000.0, 1000.0)])
        assert spending.allows(1, 300, [(500.0, 500.0)]) == tells


def test_passes_of_many_links_together_expect_no_more_than_twice_what_the_ladder_allows() -> None:
    spending = Spending(budget(SAFE, *(replace(SAFE, chance=2e-6),) * 4))
    assert spending.allows(0, 500, [(2000.0, 2000.0)])
    made = [
        spending.allows(step, 60, [(600.0, 600.0)]) for step in (1, 2, 3, 4)
    ]  # of each 540 · 540 · 2e-6 = 0.58, one in a hundred of its own
    assert made == [True, True, False, False]
    assert spending.expected <= 2 * BOUNDS["default"].share * spending.links


def test_a_pass_that_came_too_early_is_made_where_it_fits_the_links_of_all() -> None:
    rng = np.random.default_rng(4)
    one, other = (rng.integers(0, 256, (2, 400, 16), dtype=np.uint8) for _ in "ab")
    other[0, :2], other[1, :300] = one[0, :2], one[1, :300]  # the strict pass finds two, the loose one all
    early = replace(SAFE, chance=0.2 / 400**2)
    found = match_tags([one, other], budget=budget(early, SAFE, people=400))
    assert (found.links, found.made) == ((2, 298), (0, 1))
    early = replace(SAFE, chance=0.2 / 20**2)
    few = match_tags([one[:, :20], other[:, :20]], budget=budget(early, SAFE, people=20))
    assert (few.links, few.made) == ((0, 20), (1,))


def test_links_without_a_first_name_are_a_part_of_all_and_tried_again_where_the_agreement_says_so() -> None:
    twin = replace(SAFE, tells=False)
    spending = Spending(budget(SAFE, twin, twin))
    assert spending.allows(0, 90, [(1000.0, 1000.0)])
    assert not spending.allows(1, 90, [(910.0, 910.0)])
    assert spending.allows(2, 25, [(910.0, 910.0)])
    assert spending.homes <= OF_HOMES * spending.links
    assert spending.allows(1, 90, [(885.0, 885.0)], again=True)


def test_a_small_pass_is_not_given_up_to_the_noise_of_decoys_where_it_fits() -> None:
    spending = Spending(budget(SAFE, SAFE, replace(SAFE, chance=1e-6), decoys=1024))
    assert spending.allows(0, 256 + 500, [(1000.0, 1000.0)])
    assert spending.links == 500
    assert spending.allows(1, 250, [(500.0, 500.0)]), "ten links among ±14 decoys"
    assert not spending.allows(2, 250, [(500.0, 500.0)])
    assert spending.decoys_at(2) == 256


def test_decoys_of_a_pass_that_is_left_out_are_expected_at_the_next() -> None:
    spending = Spending(budget(replace(SAFE, chance=1.0), SAFE, SAFE, decoys=1024))
    assert not spending.allows(0, 256, [(1000.0, 1000.0)])
    assert spending.decoys_at(1) == 256 + 128 + 64
    assert spending.allows(1, 448 + 100, [(1000.0, 1000.0)])
    assert (spending.links, spending.decoys, spending.decoys_at(2)) == (100, 448, 256 + 32)


def test_a_pass_left_out_links_nothing_and_is_named() -> None:
    rng = np.random.default_rng(3)
    one, other = (rng.integers(0, 256, (2, 4, 16), dtype=np.uint8) for _ in "ab")
    other[0, :2], other[1, 2:] = one[0, :2], one[1, 2:]
    twin = Odds(1.0, 1.0, 1.0, tells=False)
    every = match_tags([one, other])
    assert (every.links, every.made) == ((2, 2), (0, 1))
    some = match_tags([one, other], budget=budget(None, twin, people=4))
    assert (some.links, some.made, some.find_left_out(2).tolist()) == ((2, 0), (0,), [False, True])
    cheap = Odds(1e-9, 1.0, 1.0, tells=False)
    again = match_tags([one, other], budget=budget(None, cheap, people=4, again=True))
    assert (again.links, again.made) == ((2, 2), (0, 1))


# --- an agency's own list --------------------------------------------------------------------------------------------------------


def test_a_list_that_has_outgrown_what_is_declared_is_refused() -> None:
    recipes = [parse_recipe(NAMES), parse_recipe("ssn")]
    declared = replace(FACTS, alike=((NAMES, 20),))
    counts = {ListNumber("alike", NAMES): 40, ListNumber("alike", "ssn"): 10}
    check_facts("roster", declared, recipes, counts)
    check_facts("roster", None, recipes, dict.fromkeys(counts, 10**6))
    for name, count in ((NAMES, 41), ("ssn", 11)):
        with pytest.raises(Refused, match="linkage-outgrown") as refusal:
            check_facts("roster", declared, recipes, counts | {ListNumber("alike", name): count})
        assert refusal.value.detail == name


def test_a_word_that_the_own_list_contradicts_is_refused() -> None:
    twins = parse_recipe("last_name+birth_date+street")
    recipes = [parse_recipe(NAMES), replace(parse_recipe(f"{twins.name}~sex"), called=f"{twins.name}~sex"), twins]
    counts = {ListNumber("alike", recipe.name): 8 for recipe in recipes}
    check_word("roster", "no-twins", recipes, counts, 1000)
    check_word("roster", "", recipes, dict.fromkeys(counts, 500), 1000)
    more = counts | {ListNumber("alike", recipe.name): 9 for recipe in recipes[1:]}
    with pytest.raises(Refused, match="link-word"):
        check_word("roster", "no-twins", recipes, more, 1000)
    check_word("roster", "no-twins", recipes[:1], {ListNumber("alike", NAMES): 500}, 1000)
