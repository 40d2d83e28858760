"""Conditions: what is allowed, and that what is written out means the same (against DuckDB)."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.core.agreement.model import Column
from tallystick.core.errors import Invalid
from tallystick.core.job.where import MAX_LENGTH, MAX_TESTS, parse_where

COLUMNS = {
    "quarter": Column(type="category"),
    "region": Column(type="category", values=("north", "south")),
    "age": Column(type="integer", min=0, max=120),
    "visits": Column(type="integer"),
    "benefit": Column(type="decimal", scale=2),
    "employed": Column(type="boolean"),
    "exited": Column(type="date"),
    "show": Column(type="integer"),
    "Order": Column(type="integer"),
}


@pytest.mark.parametrize(
    ("text", "sql"),
    [
        ("quarter = '2025Q2'", "(\"quarter\" = '2025Q2')"),
        ("quarter == '2025Q2'", "(\"quarter\" = '2025Q2')"),
        ("'it''s' = quarter", "('it''s' = \"quarter\")"),
        ("quarter = '2025Q1' and age >= 18", '(("quarter" = \'2025Q1\') AND ("age" >= 18))'),
        ("age > 1 or age < 3 and not employed", '(("age" > 1) OR (("age" < 3) AND (NOT "employed")))'),
        ("(age > 1 or age < 3) and employed", '((("age" > 1) OR ("age" < 3)) AND "employed")'),
        ("benefit between -1.5 and 2", '("benefit" BETWEEN -1.5 AND 2)'),
        ("age not between 1 and 3", '(NOT ("age" BETWEEN 1 AND 3))'),
        ("region in ('north', 'south')", "(\"region\" IN ('north', 'south'))"),
        ("region not in ('north')", "(NOT (\"region\" IN ('north')))"),
        ("quarter is null", '("quarter" IS NULL)'),
        ("quarter is not null", '(NOT ("quarter" IS NULL))'),
        ("employed is true", '("employed" IS TRUE)'),
        ("employed = false", '("employed" = FALSE)'),
        ("employed is not false", '(NOT ("employed" IS FALSE))'),
        ("exited >= '2025-01-31'", "(\"exited\" >= DATE '2025-01-31')"),
        ("exited >= date '2025-01-31'", "(\"exited\" >= DATE '2025-01-31')"),
        ("age < benefit", '("age" < "benefit")'),
        ("age != 3", '("age" <> 3)'),
        ("show = 1", '("show" = 1)'),
        ('"Order" = 3', '("Order" = 3)'),
        ("age = 1 -- a comment", '("age" = 1)'),
        ("age = /* a comment */ 1", '("age" = 1)'),
        ("age\n=\t1", '("age" = 1)'),
    ],
)
def test_an_allowed_condition_is_written_out_again(text: str, sql: str) -> None:
    assert parse_where(text, COLUMNS).sql == sql
    assert parse_where(sql, COLUMNS).sql == sql


def test_the_columns_it_reads_are_known() -> None:
    assert parse_where("age = 1 or (region = 'north' and age < visits)", COLUMNS).columns == {"age", "region", "visits"}


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("pay = 1", "the column pay", "Order, age, benefit"),
        ("AGE = 1", "the column AGE", "age"),
        ("age = '3'", "a value of another type for age", "age is of type integer: give a whole number"),
        ("age = 1.5", "a value of another type", "a whole number"),
        ("age = true", "a value of another type", "a whole number"),
        ("quarter = 3", "a value of another type", "text in quotes"),
        ("employed = 1", "a value of another type", "TRUE or FALSE"),
        ("exited = '31.01.2025'", "a value of another type", "'YYYY-MM-DD'"),
        ("exited = '2025-02-30'", "a value of another type", "'YYYY-MM-DD'"),
        ("region = 'nroth'", "a value that region does not have", "region has: north, south"),
        ("age = null", "a comparison with NULL, which is never true", "age IS NULL"),
        ("age in (1, null)", "a comparison with NULL", "age IS NULL"),
        ("age", "age alone, which is not a boolean column", "compare it: age = …"),
        ("1 = 1", "a comparison without a column", "AND, OR, NOT"),
        ("quarter = age", "a comparison of quarter (category) with age (integer)", "one type"),
        ("age in ()", "an empty IN list", ""),
        ("quarter like '%'", "LIKE", ""),
        ("age = 1e2", "plain decimal digits", ""),
        (f"age = {'9' * 19}", "plain decimal digits", ""),
        (" or ".join(["age=1"] * (MAX_TESTS + 1)), f"more than {MAX_TESTS} tests", ""),
        ("age = 1" + " " * MAX_LENGTH, f"longer than {MAX_LENGTH}", ""),
        ("quarter = 'a\0'", "a control character", ""),
    ],
)
def test_a_refusal_says_what_and_what_would_pass(text: str, message: str, hint: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_where(text, COLUMNS)
    assert caught.value.code == "where-invalid"
    assert message in caught.value.message
    assert hint in caught.value.hint


NUMBERS = st.integers(-3, 3).map(str)
TEXTS = st.sampled_from(["'a'", "'it''s'", "''", "'é'"])
OPERATORS = st.sampled_from(["=", "<>", "!=", "<", "<=", ">", ">="])
TESTS = st.one_of(
    st.builds(lambda o, n: f"age {o} {n}", OPERATORS, NUMBERS),
    st.builds(lambda n, o: f"{n} {o} visits", NUMBERS, OPERATORS),
    st.builds(lambda o: f"age {o} visits", OPERATORS),
    st.builds(lambda o, t: f"quarter {o} {t}", OPERATORS, TEXTS),
    st.builds(lambda n, a, b: f"age {n}between {a} and {b}", st.sampled_from(["", "not "]), NUMBERS, NUMBERS),
    st.builds(
        lambda n, items: f"quarter {n}in ({', '.join(items)})",
        st.sampled_from(["", "not "]),
        st.lists(TEXTS, min_size=1, max_size=3),
    ),
    st.sampled_from(
        ["employed", "employed is true", "employed is not false", "age is null", "quarter is not null", "employed = false"]
    ),
)
CONDITIONS = st.recursive(
    TESTS,
    lambda inner: st.one_of(
        st.builds(lambda a, w, b: f"{a} {w} {b}", inner, st.sampled_from(["and", "or"]), inner),
        inner.map(lambda a: f"not {a}"),
        inner.map(lambda a: f"({a})"),
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def people() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE people (id INTEGER, age BIGINT, visits BIGINT, quarter VARCHAR, employed BOOLEAN)")
    values = [
        (a, v, q, e)
        for a in (None, -2, 0, 1, 3)
        for v in (None, -1, 2)
        for q in (None, "a", "it's", "", "é")
        for e in (None, True, False)
    ]
    connection.executemany("INSERT INTO people VALUES (?, ?, ?, ?, ?)", [(i, *row) for i, row in enumerate(values)])
    return connection


@settings(max_examples=150, deadline=None)
@given(text=CONDITIONS)
def test_what_is_written_out_selects_the_same_people(people: duckdb.DuckDBPyConnection, text: str) -> None:
    sql = parse_where(text, COLUMNS).sql
    written, own = (
        people.execute(f"SELECT id FROM people WHERE {condition} ORDER BY id").fetchall() for condition in (text, sql)
    )
    assert written == own
    assert parse_where(sql, COLUMNS).sql == sql


@pytest.mark.parametrize("written", ["2025-Q1", "2025Q1", "2025 Q1", "2025/q1"])
def test_a_quarter_is_written_as_files_have_it(written: str) -> None:
    columns = {"quarter": Column(type="quarter", min="2024-Q1", max="2025-Q4")}
    assert parse_where(f"quarter = '{written}'", columns).sql == '("quarter" = 8100)'
    with pytest.raises(Invalid, match="a value of another type"):
        parse_where("quarter = '2025Q5'", columns)
