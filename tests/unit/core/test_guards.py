"""Guards: two rows that both have a field and differ in it meet nowhere, and a list parted by who has it makes nobody unique."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.core.errors import Invalid
from tallystick.core.linkage.passes.recipes import Guard, Part, parse_recipe
from tallystick.core.linkage.passes.spellings import Spellings, build_spelled_columns, expand_ladder
from tallystick.crypto.randomness import SeededRandomness
from tallystick.crypto.tags import TokenColumn

CORE = "first_name+last_name+birth_date"
NUMBERS = ("219451237", "219458621")
Row = tuple[str, str | None, str | None]
"""First name, SSN, sex."""
ROW = st.tuples(st.sampled_from(["ann", "bob"]), st.sampled_from([None, *NUMBERS]), st.sampled_from([None, "F", "M"]))


def tokens(text: str, side: int, rows: Sequence[Row]) -> list[bytes | None]:
    """Give the tokens that can match: of who shares one, none."""
    return spelled(text, side, rows)[text]


def spelled(
    text: str, side: int, rows: Sequence[Row], others: Spellings | None = None, more: int = 0
) -> dict[str, list[bytes | None]]:
    recipes = expand_ladder([parse_recipe(text)], *((more, 0) if side == 0 else (0, more)))
    made = build_spelled_columns(recipes, side, raw(rows), len(rows), others, SeededRandomness(b"guards"))
    return {name: alone(column) for name, column in made.items()}


def raw(rows: Sequence[Row]) -> dict[str, Any]:
    first, ssn, sex = (np.array(list(column), dtype=object) for column in zip(*rows, strict=True))
    same = np.array(["lee"] * len(rows), dtype=object), np.array(["1980-02-29"] * len(rows), dtype=object)
    return {"first_name": first, "ssn": ssn, "sex": sex, "last_name": same[0], "birth_date": same[1]}


def alone(column: TokenColumn) -> list[bytes | None]:
    ends = column.offsets.tolist()
    found = [
        bytes(column.data[a:b]) if has else None for a, b, has in zip(ends, ends[1:], column.usable.tolist(), strict=False)
    ]
    return [token if found.count(token) == 1 else None for token in found]


@settings(max_examples=200, deadline=None)
@given(ROW, ROW)
def test_of_all_ways_in_which_a_guard_can_hold_a_pair_meets_in_exactly_one_or_in_none_if_it_differs(
    left: Row, right: Row
) -> None:
    ways = ["".join(way) for way in product(("~ssn4", "^ssn4"), ("~sex", "^sex"))]
    met = [way for way in ways if tokens(CORE + way, 0, [left]) == tokens(CORE + way, 1, [right]) != [None]]
    contrary = any(
        one is not None and other is not None and one != other for one, other in zip(left[1:], right[1:], strict=True)
    )
    assert len(met) == (left[0] == right[0] and not contrary)
    for way in met:
        for field, one, other in zip(("ssn4", "sex"), left[1:], right[1:], strict=True):
            assert (f"^{field}" in way) == ((one is None) != (other is None))


def test_one_pass_finds_either_side_that_lacks_the_field_and_its_tokens_do_not_tell_which() -> None:
    has, lacks = ("ann", NUMBERS[0], None), ("ann", None, None)
    text = f"{CORE}^ssn4"
    assert tokens(text, 0, [has]) == tokens(text, 1, [lacks])
    assert tokens(text, 0, [lacks]) == tokens(text, 1, [has])
    assert tokens(text, 0, [has]) != tokens(text, 1, [has])
    assert tokens(text, 0, [lacks]) != tokens(text, 1, [lacks])


@settings(max_examples=200, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=5), st.sampled_from(["~ssn4", "^ssn4", "~ssn4~sex", "^ssn4~sex"]))
def test_who_may_meet_one_without_the_field_is_alone_with_the_rest_in_the_whole_list(rows: list[Row], guards: str) -> None:
    for place, (row, token) in enumerate(zip(rows, tokens(CORE + guards, 0, rows), strict=True)):
        others = [other for at, other in enumerate(rows) if at != place and other[0] == row[0]]
        values = {"ssn4": row[1], "sex": row[2]}
        weak = any(mark == "^" or values[name] is None for mark, name in ((g[0], g[1:]) for g in _split(guards)))
        if weak:
            assert (token is not None) == (not others)
        elif token is not None:
            assert row[1:] not in [other[1:] for other in others] if "sex" in guards else row[1] not in [o[1] for o in others]


def test_another_spelling_of_somebody_else_counts_too() -> None:
    rows: list[Row] = [("ann", None, None), ("bob", None, None)]
    other = {
        name: np.array([value], dtype=object)
        for name, value in (
            ("first_name", "ann"),
            ("ssn", None),
            ("sex", None),
            ("last_name", "lee"),
            ("birth_date", "1980-02-29"),
        )
    }
    others = Spellings(np.array([1]), np.array([1]), other)
    text = f"{CORE}~ssn4"
    assert None not in tokens(text, 0, rows)
    found = spelled(text, 0, rows, others, more=1)
    assert found[text] == [None, tokens(text, 0, rows)[1]]
    assert found[f"{text}@1.0"] == [None, None]


def test_parts_of_two_fields_are_made_by_the_side_they_are_of() -> None:
    recipe = parse_recipe("first_group/second_name+last_name")
    people: dict[str, Any] = {"first_name": ["Thi Hoa"], "last_name": ["Tran"]}
    left, right = (
        build_spelled_columns([recipe], side, people, 1, None, SeededRandomness(b"x"))[recipe.name].data for side in (0, 1)
    )
    assert (b"THI" in left, b"HOA" in right) == (True, True)
    assert recipe.of_side(1).core == "second_name+last_name"


def test_guards_are_read_and_written() -> None:
    recipe = parse_recipe(f"{CORE}~birth_year_day^ssn4")
    assert recipe.guards == (Guard(Part("birth_year_day")), Guard(Part("ssn4"), one=True))
    assert (recipe.core, recipe.text) == (CORE, f"{CORE}~birth_year_day^ssn4")
    assert recipe.bits == parse_recipe(CORE).bits
    assert recipe.lacking(("first_name", "last_name", "birth_date")) == ["ssn4 or ssn"]


@pytest.mark.parametrize(
    "text",
    [
        "ssn~ssn",
        f"{CORE}~names_any_order",
        f"{CORE}~first_group/second_name",
        f"{CORE}~",
        "~ssn4",
        "first_name/first_name",
        "first_name:2/last_name",
    ],
)
def test_a_guard_that_guards_nothing_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="link-invalid"):
        parse_recipe(text)


def _split(guards: str) -> list[str]:
    return [part for part in guards.replace("~", " ~").replace("^", " ^").split() if part]
