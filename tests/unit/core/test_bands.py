"""Bands that are made some at a time are those that are made all at once, and take little memory until then."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from tallystick.core.errors import Invalid
from tallystick.core.linkage.passes import bands as made_in_groups
from tallystick.core.linkage.passes import grams
from tallystick.core.linkage.passes.bands import PeopleGrams, band_columns
from tallystick.core.linkage.passes.recipes import parse_recipe
from tallystick.core.linkage.passes.similarity import SimilarityPlan, plan_of
from tallystick.core.linkage.passes.tokens import token_columns
from tallystick.crypto.tags import PassTokens, TokenColumn

FIELDS = ("first_name", "last_name", "birth_date", "street", "city", "zip")
SECRET = bytes(range(32))


def some_plan(people: int) -> SimilarityPlan:
    return plan_of(FIELDS, FIELDS, people, "similarity-no-twins")


def people_of(count: int) -> dict[str, list[str | None]]:
    """Give made-up people, of whom some lack a field."""
    drawn = random.Random(count)
    letters = "abcdefghijklmnopqrstuvwxyz"

    def word(longest: int) -> str:
        return "".join(drawn.choices(letters, k=drawn.randint(1, longest)))

    people: dict[str, list[str | None]] = {
        "first_name": [word(9) for _ in range(count)],
        "last_name": [word(14) for _ in range(count)],
        "birth_date": [f"19{drawn.randint(40, 99)}-0{drawn.randint(1, 9)}-{drawn.randint(10, 28)}" for _ in range(count)],
        "street": [f"{drawn.randint(1, 999)} {word(20)} street" for _ in range(count)],
        "city": [word(12) for _ in range(count)],
        "zip": [f"{drawn.randint(10_000, 99_999)}" for _ in range(count)],
    }
    for at in range(0, count, 7):
        people[FIELDS[at % len(FIELDS)]][at] = None
    for name in FIELDS[1:]:
        people[name][1] = None
    return people


def as_bytes(column: TokenColumn) -> tuple[bytes, list[int], list[bool]]:
    return column.data, column.offsets.tolist(), column.usable.tolist()


@pytest.mark.parametrize("together", [1, 3, 64])
def test_a_band_is_the_same_whichever_were_made_with_it(monkeypatch: pytest.MonkeyPatch, together: int) -> None:
    plan, people = some_plan(300), people_of(300)
    expected = {name: as_bytes(column) for name, column in band_columns(plan, people, 300, SECRET).items()}
    monkeypatch.setattr(made_in_groups, "TOGETHER", together)
    monkeypatch.setattr(grams, "BLOCK", 37)
    read = PeopleGrams(plan, people, 300)
    bands = read.bands(SECRET)
    assert list(bands) == list(plan.passes) == list(expected)
    assert len(bands) == plan.bands
    assert 0 < int(read.usable.sum()) < 300
    for name in random.Random(1).sample(plan.passes, plan.bands):
        assert as_bytes(bands[name]) == expected[name]
        assert np.array_equal(bands[name].usable, read.usable)


def test_exact_passes_come_before_bands() -> None:
    plan, people = some_plan(20), people_of(20)
    recipes = [parse_recipe("first_name+last_name+birth_date")]
    exact, bands = token_columns(recipes, people, 20), PeopleGrams(plan, people, 20).bands(SECRET)
    passes = PassTokens(exact, bands)
    assert list(passes) == [recipes[0].name, *plan.passes]
    assert len(passes) == 1 + plan.bands
    assert {name: as_bytes(column) for name, column in passes.items()} == {
        name: as_bytes(column) for name, column in (exact | band_columns(plan, people, 20, SECRET)).items()
    }
    with pytest.raises(KeyError):
        passes["nothing"]


def test_s38_bands_take_the_memory_of_some_of_them() -> None:
    plan, count = some_plan(8_000), 8_000
    people = people_of(count)
    one = len(plan.elements) * 4 * count
    tracemalloc.start()
    try:
        bands = PeopleGrams(plan, people, count).bands(SECRET)
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        whole = sum(len(bands[name].data) for name in bands)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert whole == plan.bands * one
    assert peak - held < whole / 2
    assert held < whole / 2


def test_an_identifier_of_other_people_is_refused() -> None:
    people = people_of(20)
    with pytest.raises(Invalid, match="20 people"):
        PeopleGrams(some_plan(20), {**people, "city": people["city"][1:]}, 20)


def test_s43_another_secret_gives_the_same_people_other_tokens() -> None:
    plan, people = some_plan(50), people_of(50)
    read = PeopleGrams(plan, people, 50)
    one, again, other = read.bands(SECRET), PeopleGrams(plan, people, 50).bands(SECRET), read.bands(bytes(32))
    for name in plan.passes:
        assert as_bytes(one[name]) == as_bytes(again[name])
        tokens = [np.frombuffer(made[name].data, dtype=">u4").reshape(50, -1)[read.usable] for made in (one, other)]
        assert not (tokens[0] == tokens[1]).any()


def test_s43_which_bands_two_people_share_is_drawn_anew_and_how_many_is_not() -> None:
    """Under 400 secrets a band coincides as often as another, and one band says nothing of the next."""
    plan = replace(some_plan(100), bands=12)
    pair: dict[str, list[str | None]] = {
        "first_name": ["Annabel", "Anabel"],
        "last_name": ["Whitfield", "Whitfeld"],
        "birth_date": ["1987-03-04", "1987-03-04"],
        "street": ["12 Main St", "12 Main St"],
        "city": ["Troy", "Troy"],
        "zip": ["55102", "55102"],
    }
    read = PeopleGrams(plan, pair, 2)
    seen = np.array([coinciding(read.bands(number.to_bytes(32, "big"))) for number in range(400)])
    share = float(seen.mean())
    assert 0.2 < share < 0.9
    assert np.abs(seen.mean(axis=0) - share).max() < 5 * (share * (1 - share) / 400) ** 0.5
    assert np.abs(np.corrcoef(seen.T) - np.eye(12)).max() < 5 / 400**0.5
    spread = float(seen.sum(axis=1).var())
    assert spread == pytest.approx(12 * share * (1 - share), rel=0.35)


def coinciding(bands: Mapping[str, TokenColumn]) -> list[bool]:
    """Tell of each band whether two people have the same token there."""
    return [column.data[: column.offsets[1]] == column.data[column.offsets[1] :] for column in bands.values()]
