"""Days that stand for an unknown one: what a list's birth dates show, which recipes do without them, and who is linked by them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tallystick.core.linkage.fields.dates import find_default_days
from tallystick.core.linkage.passes.recipes import parse_recipe
from tallystick.core.linkage.passes.spellings import Spellings, build_spelled_columns
from tallystick.core.linkage.passes.tokens import token_columns
from tallystick.core.linkage.quality.facts import count_facts
from tallystick.crypto.randomness import SeededRandomness
from tallystick.lab.linking.people import ListPeople
from tallystick.lab.linking.trial import run_trial
from tallystick.lab.linking.truth import Truth

NAMES = "first_name+last_name+birth_date"


@pytest.mark.parametrize(
    ("on", "of", "day", "ends"),
    [
        (4, 40, "0101", ()),
        (5, 40, "0101", ("0101", "01")),
        (5, 90, "0101", ("0101",)),
        (5, 250, "0101", ()),
        (5, 40, "0501", ("01",)),
        (40, 1000, "0501", ()),
    ],
)
def test_far_more_people_on_a_day_than_are_born_on_it_make_it_one_that_is_not_known(
    on: int, of: int, day: str, ends: tuple[str, ...]
) -> None:
    assert find_default_days([f"1980{day}", "19800312"], [on, of - on]) == ends


def people(heaped: int, n: int = 60) -> dict[str, Any]:
    return {
        "ssn": [f"{219451200 + at}" for at in range(n)],
        "first_name": [f"Ann{chr(97 + at % 26)}{chr(97 + at // 26)}" for at in range(n)],
        "last_name": [f"Lee{chr(97 + at % 7)}" for at in range(n)],
        "birth_date": ["1980-01-01" if at < heaped else f"1980-03-{at % 27 + 2:02d}" for at in range(n)],
        "street": [f"{at} Elm St" for at in range(n)],
    }


@pytest.mark.parametrize(
    ("recipe", "without"),
    [
        (NAMES, True), ("first_name+last_name+birth_any_order", True), ("first_name+birth_date+street", True),
        ("last_name+birth_date+street", True), ("ssn4+first_name:1+birth_date", True),
        (f"{NAMES}+street", False), ("ssn+birth_date", False), ("ssn4+last_name:4+birth_date", False),
        ("first_name+last_name+birth_date:6", False), ("first_name+last_name+birth_date:4+new_year", False),
    ],
)  # fmt: skip
def test_where_a_day_is_not_known_recipes_that_say_too_little_without_it_do_without_the_people(
    recipe: str, without: bool
) -> None:
    for heaped in (1, 12):
        (column,) = token_columns([parse_recipe(recipe)], people(heaped), 60).values()
        others = {place for place in range(60) if column.usable[place]} >= set(range(12, 60)) or "new_year" in recipe
        assert (others, bool(column.usable[0])) == (True, heaped == 1 or not without)


@pytest.mark.parametrize("link", ["default", "loose", "widest"])
def test_two_strangers_of_a_small_list_are_not_linked_by_one_name_and_a_default_day(link: str) -> None:
    def one(name: str, day: str, **values: str) -> ListPeople:
        raw: dict[str, Any] = {"birth_date": day, "sex": "M"} | values
        arrays: dict[str, Any] = {field: np.array([value], dtype=object) for field, value in raw.items()}
        return ListPeople(name, np.array(["1"], dtype=object), arrays, {}, None, 1)

    def links(day: str, **other: str) -> int:
        mine = {"first_name": "Ahmed", "last_name": "Ali", "street": "1 Oak St", "zip": "55401"}
        return len(run_trial(one("a", day, **mine), one("b", day, **mine | other), (link,), SeededRandomness(b"days")).a)

    for other in ({"last_name": "Hassan", "street": "9 Elm St"}, {"last_name": "Hassan", "street": "9 Elm St", "zip": "55402"}):
        assert (links("1985-01-01", **other), links("1985-03-12", **other)) == (0, 1)
    assert links("1985-01-01", street="9 Elm St") == 1


def test_other_spellings_of_a_few_people_are_read_as_the_lists_own() -> None:
    raw = people(12)
    spelled = {name: np.array([values[0]], dtype=object) for name, values in raw.items()} | {
        "last_name": np.array(["Old"], dtype=object)
    }
    raw = {name: np.array(values, dtype=object) for name, values in raw.items()}
    others = Spellings(np.array([0]), np.array([1]), spelled)
    recipes = [parse_recipe(NAMES), parse_recipe(f"{NAMES}+street")]
    recipes += [replace(one, spelling=(1, 0)) for one in recipes]
    made = build_spelled_columns(recipes, 0, raw, 60, others, SeededRandomness(b"days"))
    assert [int(made[one.name].usable[0]) for one in recipes] == [0, 1, 0, 1]


def strangers(seed: int, known: float, n: int = 1500, common: int = 300) -> tuple[ListPeople, ListPeople, Truth]:
    """Give lists of few names in which a part of the birth dates is known to the year; so many people are in both."""
    drawn = np.random.default_rng(seed)
    total = 2 * n - common
    names = [[f"{kind}{chr(97 + at)}x" for at in drawn.integers(0, 12, total)] for kind in ("First", "Last")]
    dates = [
        f"{drawn.integers(1975, 1985)}-{drawn.integers(1, 13):02d}-{drawn.integers(2, 28):02d}"
        if sure
        else f"{drawn.integers(1975, 1985)}-01-01"
        for sure in drawn.random(total) < known
    ]
    every = dict(zip(("first_name", "last_name", "birth_date"), (*names, dates), strict=True))
    made = []
    for name, rows in (("a", np.arange(n)), ("b", np.arange(n - common, total))):
        raw: dict[str, Any] = {field: np.array([values[row] for row in rows], dtype=object) for field, values in every.items()}
        made.append(ListPeople(name, rows.astype(str).astype(object), raw, {}, None, n))
    both = np.arange(common)
    return made[0], made[1], Truth(n - common + both, both)


def test_nobody_is_linked_by_names_and_a_default_day_that_others_of_the_lists_share() -> None:
    one, other, truth = strangers(1, 0.75)
    assert dict(count_facts(one.identifiers, one.count).known)["new_year"] > 200
    trial = run_trial(one, other, ("default",), SeededRandomness(b"days"), truth)
    assert trial.score is not None
    assert trial.true is not None
    dates = one.identifiers["birth_date"]
    sure = sum(not str(dates[row]).endswith("-01-01") for row in truth.a)
    on_day = [bool(true) for row, true in zip(trial.a, trial.true, strict=True) if str(dates[row]).endswith("-01-01")]
    assert on_day == []
    # the others are not lost with them: their dates tell people apart
    assert trial.score.wrong <= 1
    assert trial.score.found > 0.9 * sure


def test_where_few_share_them_names_and_year_of_a_default_day_link() -> None:
    one, other, truth = strangers(2, 0.97)
    drawn = np.random.default_rng(3)
    rare = [f"Rare{''.join(chr(97 + letter) for letter in drawn.integers(0, 26, 4))}" for _ in range(2 * one.count)]
    for people, start in ((one, 0), (other, one.count - truth.people)):
        people.identifiers["last_name"][:] = rare[start : start + people.count]
    trial = run_trial(one, other, ("default",), SeededRandomness(b"days"), truth)
    assert trial.score is not None
    dates = one.identifiers["birth_date"]
    used = {
        trial.passes[step].recipe for row, step in zip(trial.a, trial.at, strict=True) if str(dates[row]).endswith("-01-01")
    }
    assert used
    assert used <= {f"{NAMES}:6", f"{NAMES}:4+new_year"}
    assert (trial.score.wrong, trial.score.missed) == (0, 0)
