"""Ladders: which recipes serve two lists, by what they have and how many people they hold."""

from __future__ import annotations

import pytest

from tallystick.core.errors import Invalid, Refused
from tallystick.core.linkage.fields.normalise import RULES
from tallystick.core.linkage.passes.kinds.opentoken import NAMED
from tallystick.core.linkage.passes.ladders import LADDERS, STANDS_IN, WORDS, ladder, passes_for, recipes_of, similarity_of
from tallystick.core.linkage.passes.recipes import MIN_BITS, check_strength, compute_needed_bits, parse_recipe
from tallystick.core.linkage.quality.agreement import pass_implies

WAGES = ("ssn", "last_name", "first_initial")
TANF = ("ssn", "first_name", "last_name", "birth_date", "sex")
SCHOOL = ("first_name", "last_name", "birth_date", "sex", "school_id")


def test_ladders_grow_from_strict_to_loose_and_are_strong_enough() -> None:
    strict, default, loose = (LADDERS[name] for name in ("strict", "default", "loose"))
    assert default[: len(strict)] == strict
    assert loose[: len(default)] == default
    assert len(set(loose)) == len(loose)
    for text in loose:
        check_strength(parse_recipe(text))
        assert parse_recipe(text).bits >= MIN_BITS
    # the pattern of `Agreement.link`
    assert all(set(text) <= set("abcdefghijklmnopqrstuvwxyz0123456789_:+-") for text in loose)


@pytest.mark.parametrize(
    ("link", "job", "expected"),
    [
        ((), None, LADDERS["default"]),
        (("strict",), None, LADDERS["strict"]),
        (("loose",), "strict", LADDERS["strict"]),
        (("default",), "default", LADDERS["default"]),
        (("ssn+birth_date",), None, ("ssn+birth_date",)),
        (("ssn+birth_date", "strict"), None, ("ssn+birth_date", *(t for t in LADDERS["strict"] if t != "ssn+birth_date"))),
    ],
)
def test_a_job_takes_its_agreements_passes_or_stricter_ones(
    link: tuple[str, ...], job: str | None, expected: tuple[str, ...]
) -> None:
    assert tuple(recipe.name for recipe in recipes_of(link, job)) == expected


@pytest.mark.parametrize(("link", "job"), [(("strict",), "default"), (("default",), "loose"), (("ssn+birth_date",), "strict")])
def test_a_looser_ladder_than_the_agreements_is_refused(link: tuple[str, ...], job: str) -> None:
    with pytest.raises(Refused) as refusal:
        recipes_of(link, job)
    assert refusal.value.code == "job-not-allowed"


def test_wages_without_a_birth_date_link_with_tanf() -> None:
    usable, unusable = passes_for(("default",), None, TANF, WAGES)
    assert [recipe.name for recipe in usable] == ["ssn+last_name:4+first_name:1", "ssn+last_name:4", "ssn+first_name:1"]
    reasons = {recipe.name: reason for recipe, reason in unusable}
    assert reasons["ssn+birth_date"] == "the right dataset has no birth_date"
    assert (
        reasons["school_id+birth_date"]
        == "the left dataset has no school_id; the right dataset has no school_id, no birth_date"
    )


def test_schools_without_ssn_link_with_child_welfare() -> None:
    usable, _ = passes_for(("default",), None, SCHOOL, TANF)
    assert [recipe.name for recipe in usable] == [
        "first_name+last_name+birth_date",
        "names_any_order+birth_date",
        "first_group+last_part+birth_date",
        "first_group+last_end+birth_date",
        "first_name:3+last_name:4+birth_date",
        "first_sound+last_sound+birth_date",
    ]


def test_no_common_pass_names_what_is_missing() -> None:
    with pytest.raises(Invalid) as refusal:
        passes_for(("ssn+birth_date",), None, TANF, WAGES)
    assert refusal.value.code == "link-impossible"
    assert "no birth_date" in refusal.value.message


def test_a_recipe_is_held_against_the_number_of_people() -> None:
    named = ("ssn+birth_date", "first_name+last_name+birth_date", "ssn4+birth_date")
    small, none = passes_for(named, None, TANF, TANF, people=(10_000, 10_000))
    assert [recipe.name for recipe in small] == list(named)
    assert not none
    large, left = passes_for(named, None, TANF, TANF, people=(1_000, 3_000_000))
    assert [recipe.name for recipe in large] == ["ssn+birth_date"]
    assert {recipe.name: reason for recipe, reason in left} == {
        "first_name+last_name+birth_date": "says 30.5 bits; 1,000 x 3,000,000 people need 33.2: add ssn",
        "ssn4+birth_date": "says 26.2 bits; 1,000 x 3,000,000 people need 33.2: add first_name",
    }
    with pytest.raises(Invalid) as none_left:
        passes_for(("first_name+last_name+birth_date",), None, TANF, TANF, people=(1_000, 3_000_000))
    assert none_left.value.code == "link-impossible"
    assert "say" in none_left.value.message


def test_a_number_that_an_agreement_names_is_used_whatever_the_sizes() -> None:
    many = (10_000_000, 1_000_000)
    usable, _ = passes_for(("state_id", "ssn"), None, ("state_id", "ssn"), ("state_id", "ssn"), people=many)
    assert [recipe.name for recipe in usable] == ["state_id", "ssn"]
    # the same recipe of a ladder is held against them, for nobody has said that the number is good
    with pytest.raises(Invalid, match="link-impossible"):
        passes_for(("loose",), None, ("ssn",), ("ssn",), people=many)


def test_numbers_given_out_once_do_not_coincide_as_their_digits_would() -> None:
    ssn, four = parse_recipe("ssn"), parse_recipe("ssn4")
    assert ssn.chance_bits > ssn.bits
    assert four.chance_bits == four.bits
    # accidental pairs are a thousandth of the smaller list
    assert 2 ** -compute_needed_bits((20_000, 5_000), 1e-3) * 20_000 * 5_000 == pytest.approx(5.0)


def test_a_ladder_for_many_people_is_part_of_the_one_for_few() -> None:
    full = (*TANF, "street", "zip", "phone", "school_id", "state_id")
    for name in LADDERS:
        before: set[str] | None = None
        for people in (1_000, 100_000, 1_000_000, 10_000_000):
            usable, _ = passes_for((name,), None, full, full, people=(people, people))
            stands_for = {STANDS_IN.get(recipe.name, recipe.name) for recipe in usable}
            assert before is None or stands_for <= before
            before = stands_for
    for name, weaker in STANDS_IN.items():
        stronger = parse_recipe(name).chance_bits > parse_recipe(weaker).chance_bits
        undated = "birth" in weaker and "birth" not in name
        assert undated or (stronger and pass_implies(parse_recipe(name), parse_recipe(weaker)))


def test_passes_stay_few() -> None:
    for name, most in (("default", 20), ("loose", 40)):
        assert len(passes_for((name,), None, tuple(RULES), tuple(RULES), people=(5_000, 5_000))[0]) <= most


@pytest.mark.parametrize(
    ("link", "word"),
    [
        (("default",), None),
        (("loose",), None),
        (("loose", "similarity-no-twins"), "similarity-no-twins"),
        (("default", "similarity"), "similarity"),
        (("similarity-no-households",), "similarity-no-households"),
        (("default", "no-twins"), None),
        (("loose", "no-twins"), None),
        (("loose", "no-households"), None),
        ((), None),
    ],
)
def test_a_similarity_pass_is_asked_for_by_its_word(link: tuple[str, ...], word: str | None) -> None:
    assert similarity_of(link) == word
    assert not set(WORDS) & {recipe.name for recipe in recipes_of(link, None)}


def test_what_lists_do_not_hold_adds_recipes_and_what_they_may_hold_takes_none() -> None:
    """Without twins a recipe needs no first name, but a birth date, which housemates do not share; without households not that either."""
    for name in LADDERS:
        some, fewer, fewest = (ladder(name, link) for link in ((), ("no-twins",), ("no-households",)))
        assert some == LADDERS[name] == fewer[: len(some)]
        assert fewest[: len(fewer)] == fewer
        assert fewer == ladder(name, ("similarity-no-twins",))
        for recipe in map(parse_recipe, fewer[len(some) :]):
            assert any(part.field == "birth_date" and part.length is None for part in recipe.parts)
        for recipe in map(parse_recipe, fewest):
            check_strength(recipe, twins=False)
    assert ladder("strict", ("no-households",)) == LADDERS["strict"]
    assert len(ladder("default", ("no-twins",))) > len(LADDERS["default"])
    assert len(ladder("loose", ("no-households",))) > len(ladder("loose", ("no-twins",)))
    # a job may ask for a ladder below the agreement's, with the same word
    assert [r.name for r in recipes_of(("default", "loose", "no-twins"), "default")] == list(ladder("default", ("no-twins",)))


def test_opentokens_rules_have_names() -> None:
    usable, _ = passes_for(tuple(NAMED), None, (*TANF, "zip"), (*TANF, "zip"))
    assert [recipe.name for recipe in usable] == [f"opentoken-t{n}" for n in range(1, 6)]
    assert [recipe.text for recipe in usable] == list(NAMED.values())
    assert not set(NAMED) & set(LADDERS["loose"])
    # the fifth rule's own text is too weak: only its name, signed in an agreement, allows it
    with pytest.raises(Refused):
        check_strength(parse_recipe(NAMED["opentoken-t5"]))
