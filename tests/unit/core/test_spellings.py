"""Other spellings of a person: which passes there are, who has which token, and that none says more than it does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.core.linkage.passes.recipes import parse_recipe
from tallystick.core.linkage.passes.spellings import Spellings, build_spelled_columns, expand_ladder
from tallystick.core.linkage.passes.tokens import token_columns
from tallystick.core.linkage.quality.report import decoy_patterns
from tallystick.crypto.randomness import SeededRandomness
from tallystick.crypto.tags import TokenColumn

KEYS = SeededRandomness(b"spellings")
SSN = parse_recipe("ssn+last_name:4")
NAMES = parse_recipe("first_name+last_name+birth_date")
FIRST: dict[str, list[Any]] = {
    "ssn": ["212-45-6781", "403-11-2096", None],
    "first_name": ["Ana", "Bo", "Cy"],
    "last_name": ["Lopez", "Ray", "Roe"],
    "birth_date": ["1990-05-02"] * 3,
}


def arrays(raw: dict[str, list[Any]]) -> dict[str, Any]:
    return {name: np.array(values, dtype=object) for name, values in raw.items()}


def others(*rows: tuple[int, int, dict[str, str]], first: dict[str, list[Any]] = FIRST) -> Spellings:
    raw = {name: [row[2].get(name, values[row[0]]) for row in rows] for name, values in first.items()}
    return Spellings(np.array([row[0] for row in rows]), np.array([row[1] for row in rows]), arrays(raw))


def tokens(column: TokenColumn) -> list[bytes | None]:
    return [
        column.data[column.offsets[at] : column.offsets[at + 1]] if usable else None for at, usable in enumerate(column.usable)
    ]


def test_every_pair_of_spellings_is_a_pass_after_the_first_ones_of_its_recipe() -> None:
    assert expand_ladder([SSN, NAMES], 0, 0) == [SSN, NAMES]
    names = [recipe.name for recipe in expand_ladder([SSN, NAMES], 1, 1)]
    mine = ["ssn+last_name:4", "ssn+last_name:4@0.1", "ssn+last_name:4@1.0", "ssn+last_name:4@1.1"]
    assert names[:4] == mine
    assert len(set(names)) == 8
    assert [recipe.spelling for recipe in expand_ladder([SSN], 2, 0)] == [(0, 0), (1, 0), (2, 0)]


def test_a_pass_takes_the_spelling_of_its_side() -> None:
    ladder = expand_ladder([SSN], 1, 1)
    married = others((0, 1, {"last_name": "Stone"}))
    left, right = (build_spelled_columns(ladder, side, arrays(FIRST), 3, married, KEYS) for side in (0, 1))
    first = token_columns([SSN], arrays(FIRST), 3)[SSN.name]
    stone = token_columns([SSN], arrays({**FIRST, "last_name": ["Stone"] * 3}), 3)[SSN.name]
    assert tokens(left["ssn+last_name:4"]) == tokens(left["ssn+last_name:4@0.1"]) == tokens(first)
    assert tokens(right["ssn+last_name:4@1.0"]) == tokens(first)
    for column in (left["ssn+last_name:4@1.0"], right["ssn+last_name:4@0.1"], left["ssn+last_name:4@1.1"]):
        assert tokens(column) == [tokens(stone)[0], None, None]


def test_a_list_without_other_spellings_has_no_tokens_there() -> None:
    columns = build_spelled_columns(expand_ladder([SSN], 0, 1), 1, arrays(FIRST), 3, None, KEYS)
    assert not columns["ssn+last_name:4@0.1"].usable.any()
    assert columns["ssn+last_name:4"].usable.tolist() == [True, True, False]


def test_a_token_under_two_spellings_stands_under_the_first_alone() -> None:
    ladder = expand_ladder([SSN], 2, 0)
    same = others((0, 1, {"first_name": "Anna"}), (1, 1, {"last_name": "Bond"}), (1, 2, {"last_name": "BOND"}))
    columns = build_spelled_columns(ladder, 0, arrays(FIRST), 3, same, KEYS)
    assert columns["ssn+last_name:4"].usable.tolist() == [True, True, False]
    assert columns["ssn+last_name:4@1.0"].usable.tolist() == [False, True, False]
    assert columns["ssn+last_name:4@2.0"].usable.tolist() == [False, False, False]


def test_s10_what_one_is_called_and_another_was_called_is_nobodys() -> None:
    clash = others((1, 1, {"first_name": "Ana", "last_name": "Lopez"}))
    columns = build_spelled_columns(expand_ladder([NAMES], 1, 0), 0, arrays(FIRST), 3, clash, KEYS)
    assert columns[NAMES.name].usable.tolist() == [False, True, True]
    assert not columns[f"{NAMES.name}@1.0"].usable.any()
    two = others((1, 1, {"last_name": "Stone", "first_name": "X"}), (2, 1, {"last_name": "Stone", "first_name": "X"}))
    columns = build_spelled_columns(expand_ladder([NAMES], 1, 0), 0, arrays(FIRST), 3, two, KEYS)
    assert columns[NAMES.name].usable.all()
    assert not columns[f"{NAMES.name}@1.0"].usable.any()


def test_people_who_share_a_first_spelling_keep_it_for_the_rule_of_lists() -> None:
    """`own_list` finds those by itself, and the linkage report counts them."""
    twice = {name: [values[0]] * 3 for name, values in FIRST.items()}
    columns = build_spelled_columns(
        expand_ladder([NAMES], 1, 0), 0, arrays(twice), 3, others((0, 1, {"last_name": "Stone"}), first=twice), KEYS
    )
    assert columns[NAMES.name].usable.all()
    assert columns[f"{NAMES.name}@1.0"].usable.tolist() == [True, False, False]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.sampled_from(["Ray", "Roe", "Stone"]), min_size=1, max_size=6),
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 2), st.sampled_from(["Ray", "Roe", "Stone", "Wu"])), max_size=8),
)
def test_s10_no_token_of_another_spelling_is_anybody_elses(names: list[str], rows: list[tuple[int, int, str]]) -> None:
    """Held against the same rule in plain Python."""
    n = len(names)
    recipe = parse_recipe("last_name+birth_date+first_name")
    raw = {"last_name": names, "birth_date": ["1990-05-02"] * n, "first_name": ["Ana"] * n}
    called = {(who, number): name for who, number, name in rows if who < n}
    more = others(*((who, number, {"last_name": name}) for (who, number), name in called.items()), first=raw)
    columns = build_spelled_columns(expand_ladder([recipe], 2, 0), 0, arrays(raw), n, more, KEYS)
    every = {(who, 0): name for who, name in enumerate(names)} | called
    for number in (0, 1, 2):
        usable = columns[recipe.name if not number else f"{recipe.name}@{number}.0"].usable
        for who in range(n):
            name = every.get((who, number))
            again = any(every.get((who, less)) == name for less in range(number))
            holders = {key for key, value in every.items() if value == name}
            clash = len({one for one, _ in holders}) > 1 and any(which for _, which in holders)
            assert usable[who] == (name is not None and not again and not clash)


def test_recall_is_estimated_from_first_spellings_and_their_decoys() -> None:
    """Half of a base pass's m/4 decoys are whole; the decoys of another spelling's pass are seen at looser base passes by a coin."""
    base, with_others = decoy_patterns(2, 32), decoy_patterns(4, 32, (1, 3))
    for among in (base, with_others):
        assert among.patterns.shape == (2, len(among.weights))
        assert among.patterns.any(axis=0).all()
    assert base.weights.sum() == pytest.approx(2 * 32 / 4)
    # passes a, a@0.1, b, b@0.1: of the decoys of a@0.1 half are at b; those of b@0.1 are at no base pass
    assert with_others.weights.sum() == pytest.approx(2 * 32 / 4 + 32 / 8, rel=0.1)
    assert base.weights[base.patterns.all(axis=0)].sum() == pytest.approx(32 / 4 * 3 / 4, rel=0.1)
    assert decoy_patterns(4, 0, (1, 3)).patterns.shape == (2, 0)
