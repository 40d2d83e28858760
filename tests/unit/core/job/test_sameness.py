"""Conditions that mean the same have one text, and those that do not have two: held against what a database says of every record."""

from __future__ import annotations

from itertools import combinations, product
from random import Random
from typing import Final

import duckdb
import pytest

from tallystick.core.agreement.model import Column
from tallystick.core.job.sameness import describe_condition
from tallystick.core.job.where import parse_where

COLUMNS: Final = {
    "age": Column(type="integer", min=0, max=120),
    "rate": Column(type="decimal", scale=2, min=0, max=9),
    "kind": Column(type="category", values=("x", "y", "it's (a)")),
    "young": Column(type="boolean"),
    "day": Column(type="date"),
    "born": Column(type="month"),
    "other": Column(type="integer", min=0, max=120),
}


def describe(text: str) -> str:
    return describe_condition(parse_where(text, COLUMNS).sql, COLUMNS)


@pytest.mark.parametrize(
    "texts",
    [
        ("age >= 18", "age > 17", "18 <= age", "17 < age", "NOT age < 18", "not (age <= 17)", "(age>=18) and age > 17"),
        ("age BETWEEN 18 AND 20", "age > 17 AND age < 21", "age <= 20 AND age >= 18", "NOT (age < 18 OR age > 20)"),
        ("kind = 'x' OR kind = 'y'", "kind IN ('y', 'x', 'x')", "NOT (kind NOT IN ('x', 'y'))", "kind in ('y') or 'x' = kind"),
        ("NOT kind IN ('x')", "kind <> 'x'", "NOT (kind = 'x')"),
        ("young", "young = TRUE", "young <> FALSE", "NOT young = FALSE", "NOT NOT young", "TRUE = young"),
        ("rate < 1.50", "rate < 1.5", "1.5 > rate", "NOT rate >= 1.500"),
        ("day > '2024-12-31'", "day >= '2025-01-01'", "DATE '2025-01-01' <= day"),
        ("born > '2024-12'", "born >= '2025-01'"),
        ("age < other", "other > age", "NOT age >= other"),
        ("age = 1 AND (young AND kind IS NULL)", "(kind IS NULL AND age = 1) AND young", "NOT (NOT young OR (age <> 1 OR kind IS NOT NULL))"),
    ],
)  # fmt: skip
def test_the_same_condition_is_one_text(texts: tuple[str, ...]) -> None:
    assert len({describe(text) for text in texts}) == 1


def test_other_conditions_are_other_texts() -> None:
    texts = [
        "age >= 18", "age > 18", "age <= 18", "age = 18", "age <> 18", "age IS NULL", "age IS NOT NULL", "other >= 18",

        "young", "NOT young", "young IS TRUE", "NOT young IS TRUE", "young IS NULL", "kind = 'x'",
        "kind IN ('x', 'y')", "kind NOT IN ('x', 'y')",
        "kind = 'it''s (a)'", "rate < 1.5", "rate <= 1.5", "age < other", "age <= other", "day >= '2025-01-01'", "born >= '2025-01'",
        "age >= 18 AND young", "age >= 18 OR young", "age >= 18 AND young OR other = 1", "age >= 18 AND (young OR other = 1)",
    ]  # fmt: skip
    assert len({describe(text) for text in texts}) == len(texts)


def draw_condition(draw: Random, depth: int) -> str:
    if depth == 0:
        number = draw.randint(0, 3)
        return draw.choice([
            f"age {draw.choice(['<', '<=', '>', '>=', '=', '<>'])} {number}",
            f"{number} {draw.choice(['<', '<=', '>', '>=', '=', '<>'])} age",
            f"age BETWEEN {number} AND 2",
            f"age NOT IN ({number}, 1)",
            f"age {draw.choice(['<', '>='])} other",
            "young",
            "young IS NOT TRUE",
            "age IS NULL",
        ])  # fmt: skip
    if draw.random() < 0.3:
        return f"NOT ({draw_condition(draw, depth - 1)})"
    return f"({draw_condition(draw, depth - 1)} {draw.choice(['AND', 'OR'])} {draw_condition(draw, depth - 1)})"


def test_what_has_one_text_holds_of_the_same_records() -> None:
    draw, database = Random(7), duckdb.connect()
    database.execute('CREATE TABLE every (age BIGINT, other BIGINT, "young" BOOLEAN)')
    numbers, flags = (None, 0, 1, 2, 3), (None, False, True)
    database.executemany("INSERT INTO every VALUES (?, ?, ?)", list(product(numbers, numbers, flags)))
    holds: dict[str, set[tuple[int, ...]]] = {}
    for _ in range(600):
        written = parse_where(draw_condition(draw, draw.randint(0, 2)), COLUMNS).sql
        rows = database.execute(f"SELECT rowid FROM every WHERE {written} ORDER BY rowid").fetchall()
        holds.setdefault(describe_condition(written, COLUMNS), set()).add(tuple(row for (row,) in rows))
    assert {len(found) for found in holds.values()} == {1}
    assert len(holds) < 500  # some of the drawn ones are the same


def test_order_and_brackets_do_not_count() -> None:
    draw = Random(3)
    tests = ["age >= 18", "young", "kind = 'x'", "rate < 2", "day = '2025-01-01'"]
    texts = set()
    for _ in range(50):
        some = draw.sample(tests, len(tests))
        while len(some) > 1:
            at = draw.randrange(len(some) - 1)
            some[at : at + 2] = [f"({some[at]} AND {some[at + 1]})"]
        texts.add(describe(some[0]))
    assert len(texts) == 1
    assert all(describe(f"{one} AND {other}") != describe(f"{one} OR {other}") for one, other in combinations(tests, 2))
