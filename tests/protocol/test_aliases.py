"""People who are called two things, from identifiers to matches: found by either, once, and not told from decoys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tallystick.core.linkage.matching.matching import Matches, match_tags
from tallystick.core.linkage.passes.passes import build_ladder
from tallystick.core.linkage.passes.recipes import Recipe, parse_recipe
from tallystick.core.linkage.passes.spellings import Spellings, build_spelled_columns, expand_ladder
from tallystick.crypto import kernel
from tallystick.crypto.masks import new_scalar
from tallystick.crypto.randomness import SeededRandomness
from tallystick.crypto.tags import OwnList, compute_tags, own_list

JOB, SECRET = b"j" * 32, b"s" * 32
FIELDS = ("ssn", "last_name", "first_name", "birth_date")
RECIPES = [parse_recipe(text) for text in ("ssn+last_name:4", "first_name+last_name+birth_date")]
Row = tuple[str | None, ...]
More = Sequence[tuple[int, Row]]

ANA: Row = ("212-45-6781", "Lopez", "Ana", "1990-05-02")
STONE: Row = ("212-45-6781", "Stone", "Ana", "1990-05-02")
BO: Row = ("403-11-2096", "Ray", "Bo", "1980-01-02")
CY: Row = (None, "Roe", "Cy", "2001-03-04")


def columns(rows: Sequence[Row]) -> dict[str, Any]:
    return {name: np.array([row[at] for row in rows], dtype=object) for at, name in enumerate(FIELDS)}


def listed(ladder: Sequence[Recipe], side: int, rows: Sequence[Row], more: More, scalar: bytes, decoys: int) -> OwnList:
    numbers = [sum(other == who for other, _ in more[: at + 1]) for at, (who, _) in enumerate(more)]
    others = Spellings(np.array([who for who, _ in more], dtype=np.int64), np.array(numbers), columns([row for _, row in more]))
    key = bytes([side]) * 32
    tokens = build_spelled_columns(ladder, side, columns(rows), len(rows), others if more else None, SeededRandomness(key))
    return own_list(
        tokens, len(rows), ladder=build_ladder(ladder, None), secret=SECRET, job_digest=JOB, coin_key=key, decoys=decoys, scalar=scalar,
        randomness=SeededRandomness(key),
    )  # fmt: skip


def linked(
    left: Sequence[Row], right: Sequence[Row], *, left_more: More = (), right_more: More = (), decoys: int = 0
) -> tuple[set[tuple[int, int]], Matches, list[Recipe]]:
    """Give the pairs of people that a job would link."""
    ladder = expand_ladder(RECIPES, 1 if left_more else 0, 1 if right_more else 0)
    scalars = [new_scalar(SeededRandomness(bytes([at]))) for at in (1, 2)]
    one = listed(ladder, 0, left, left_more, scalars[0], decoys)
    two = listed(ladder, 1, right, right_more, scalars[1], decoys)
    tags = [
        np.stack(
            [compute_tags(kernel.mask(scalar, at), JOB, recipe.name) for recipe, at in zip(ladder, mine.points, strict=True)]
        )
        for mine, scalar in ((one, scalars[1]), (two, scalars[0]))
    ]
    found = match_tags(tags)
    rows = zip(*found.pairs(0, 1), strict=True)
    people = {(int(one.persons[a]), int(two.persons[b])) for a, b in rows}
    return {pair for pair in people if min(pair) >= 0}, found, ladder


def test_a_maiden_name_in_either_list_finds_its_owner() -> None:
    assert linked([ANA, BO], [STONE, BO])[0] == {(1, 1)}
    assert linked([ANA, BO], [STONE, BO], left_more=[(0, STONE)])[0] == {(0, 0), (1, 1)}
    assert linked([ANA, BO], [STONE, BO], right_more=[(0, ANA)])[0] == {(0, 0), (1, 1)}
    assert linked([ANA], [("212-45-6781", "Bond", "Ana", None)], left_more=[(0, STONE)], right_more=[(0, STONE)])[0] == {(0, 0)}


@pytest.mark.parametrize("decoys", [0, 32])
def test_people_called_the_same_two_things_are_linked_once(decoys: int) -> None:
    pairs, found, ladder = linked([ANA, CY], [STONE, CY], left_more=[(0, STONE)], right_more=[(0, ANA)], decoys=decoys)
    assert pairs == {(0, 0), (1, 1)}
    if not decoys:
        assert dict(zip((recipe.name for recipe in ladder), found.links, strict=True)) == {
            **{recipe.name: 0 for recipe in ladder},
            "ssn+last_name:4@0.1": 1,
            "first_name+last_name+birth_date": 1,
        }


def test_two_spellings_of_one_never_link_to_two_people() -> None:
    """The first spelling's partner has her; the other stays free, and nobody stands in two slots."""
    pairs, found, _ = linked([ANA], [ANA, STONE], left_more=[(0, STONE)])
    assert pairs == {(0, 0)}
    assert found.clusters == 1
    pairs, _, _ = linked([ANA, STONE], [ANA, STONE], left_more=[(1, ANA)])
    assert pairs == {(1, 1)}, "what one is called and another was called is nobody's"
