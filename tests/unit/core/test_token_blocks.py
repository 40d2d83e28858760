"""Whole columns at once give what one value at a time gives, and blocks of people give what one block gives."""

import random
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from tallystick.core.linkage.fields.digits import DENIED_SSN, ssns
from tallystick.core.linkage.fields.names import join_words, words
from tallystick.core.linkage.fields.places import agency_ids
from tallystick.core.linkage.passes import tokens
from tallystick.core.linkage.passes.recipes import parse_recipe
from tallystick.core.linkage.passes.tokens import token_columns
from tallystick.crypto.codec import frame

SIGNS = [chr(code) for code in range(128)] + ["é", "ß", "\N{ZERO WIDTH SPACE}", "李"]


@pytest.mark.parametrize("seed", range(20))
def test_words_of_many_texts_are_those_of_each(seed: int) -> None:
    draw = random.Random(seed)
    kinds = SIGNS[1:128] if seed % 2 else SIGNS
    texts = ["".join(draw.choices(kinds, k=draw.randrange(8))) for _ in range(40)]
    assert join_words(texts) == ["".join(words(text)) for text in texts]


def test_words_of_no_text_and_of_empty_texts() -> None:
    assert join_words([]) == []
    assert join_words([""]) == [""]
    assert join_words(["", "a b", ""]) == ["", "AB", ""]


@pytest.mark.parametrize("rule", [agency_ids, ssns])
def test_a_column_is_denied_what_each_of_its_values_is(rule: Callable[[Sequence[str]], list[str | None]]) -> None:
    draw = random.Random(7)
    texts = ["unknown", "NA", "0", "77", "aaa", "a a a", "", "-", "x1", "李李", "李", *sorted(DENIED_SSN)]
    texts += ["".join(draw.choices("0123456789", k=9)) for _ in range(300)]
    texts += [area + "12" + serial for area in ("000", "666", "900", "999", "665") for serial in ("0000", "1234")]
    texts += ["123004567", "123450000", "123-45-6780", "1234567", "123456780.0"]
    one_by_one = [rule([text])[0] for text in texts]
    assert rule(texts) == one_by_one
    nine = [text for text in texts if len(text) == 9 and text.isdigit()]
    assert rule(nine) == [rule([text])[0] for text in nine]
    assert len(nine) > 300


@pytest.mark.parametrize("block", [1, 7, 64, 1000])
def test_blocks_of_people_make_the_tokens_of_one_block(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(block)
    n = 200
    first = [draw.choice(["Ann", "Bob", None, "Zoë", "unknown"]) for _ in range(n)]
    number = [draw.choice([None, f"id-{person}", "same"]) for person in range(n)]
    monkeypatch.setattr(tokens, "BLOCK", block)
    identifiers = {"first_name": np.array(first, dtype=object), "state_id": np.array(number, dtype=object)}
    columns = token_columns([parse_recipe("state_id"), parse_recipe("state_id+first_name")], identifiers, n)
    made = {None: None, "unknown": None, "Ann": "ANN", "Bob": "BOB", "Zoë": "ZOE", "same": "SAME"}
    made |= {f"id-{person}": f"ID{person}" for person in range(n)}
    for person in range(n):
        parts = [made[number[person]], made[first[person]]]
        for recipe, wanted in (("state_id", parts[:1]), ("state_id+first_name", parts)):
            column = columns[recipe]
            token = column.data[column.offsets[person] : column.offsets[person + 1]]
            assert column.usable[person] == (None not in wanted)
            if column.usable[person]:
                assert token == b"".join(frame(part.encode()) for part in wanted if part is not None)


def test_nobody_has_empty_columns() -> None:
    (column,) = token_columns([parse_recipe("state_id")], {"state_id": np.empty(0, dtype=object)}, 0).values()
    assert len(column.usable) == 0
    assert column.offsets.tolist() == [0]
