"""S-25: no file, network, function, other table or other statement is reachable through `where`, `derive` or a job's column names."""

from __future__ import annotations

import string

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tallystick.core.errors import Invalid, TallyError
from tallystick.core.job.derive import parse_derive
from tallystick.core.job.model import Question
from tallystick.core.job.where import parse_where
from tallystick.core.statistics.rulebook import problems
from tests.governance import agreement, question, question_value

TERMS = agreement()
COLUMNS = TERMS.datasets["tanf"].columns

CORPUS = [
    # other statements
    "age = 1; DROP TABLE people",
    "age = 1; COPY people TO '/tmp/out.csv'",
    "age = 1; ATTACH '/tmp/x.db'",
    "age = 1; INSTALL httpfs; LOAD httpfs",
    "age = 1; SET enable_external_access = true",
    "age = 1; PRAGMA database_list",
    "; SELECT 1",
    # queries
    "age = (SELECT max(age) FROM people)",
    "age IN (SELECT age FROM people)",
    "EXISTS (SELECT 1 FROM other)",
    "age = 1 UNION SELECT ssn FROM people",
    "age = 1 EXCEPT SELECT 1",
    "(SELECT 1) = age",
    "age = ANY (SELECT 1)",
    "age IN (FROM people)",
    "(TABLE people)",
    "age = (VALUES (1))",
    # files and network
    "quarter = read_text('/etc/passwd')",
    "region IN (SELECT * FROM read_csv('/etc/passwd'))",
    "exit_quarter = content FROM read_text('/etc/passwd')",
    "region = getenv('HOME')",
    "age IN (SELECT * FROM 'https://example.invalid/x.parquet')",
    "exists(FROM '/etc/passwd')",
    "current_setting('home_directory') = region",
    # functions, casts, operators
    "lower(exit_quarter) = 'x'",
    "length(exit_quarter) > 3",
    "random() < 0.5",
    "age = CAST('1' AS INTEGER)",
    "age::VARCHAR = '1'",
    "TRY_CAST(exit_quarter AS INTEGER) = 1",
    "age + 1 = 2",
    "age % 2 = 0",
    "age & 1 = 1",
    "exit_quarter || 'x' = 'yx'",
    "CASE WHEN age = 1 THEN TRUE ELSE FALSE END",
    "coalesce(age, 1) = 1",
    "exit_quarter LIKE '2025%'",
    "exit_quarter ILIKE '2025%'",
    "exit_quarter GLOB '2025*'",
    "exit_quarter SIMILAR TO '.*'",
    "regexp_matches(exit_quarter, '.*')",
    "exit_quarter ~ '.*'",
    "exit_quarter COLLATE NOCASE = 'x'",
    "exited = current_date",
    "exited > now()",
    "exited = DATE '2025-01-01' + INTERVAL 1 DAY",
    "age = nextval('s')",
    "list_contains([1, 2], age)",
    "len(list_filter([1], x -> x = age)) > 0",
    "{'a': age}.a = 1",
    "[age][1] = 1",
    "COLUMNS(*) = 1",
    "* = 1",
    # other columns and tables
    "ssn = '123-45-6789'",
    "people.age = 1",
    "main.people.age = 1",
    "information_schema.tables.table_name = 'x'",
    "rowid = 1",
    '"age"."age" = 1',
    '"ag""e" = 1',
    '"age = 1 OR 1 = 1 --" = 1',
    # out of the condition
    "age = 1) OR (1 = 1",
    "1 = 1) --",
    "age = 1 GROUP BY age",
    "age = 1 ORDER BY age",
    "age = 1 LIMIT 1",
    "age = 1 QUALIFY row_number() OVER () = 1",
    "age = 1 WINDOW w AS ()",
    "age = 1 USING SAMPLE 1",
    "sum(age) OVER () = 1",
    "age = 1 /*",
    "age = 'x",
    # parameters, other literals, always true
    "age = ?",
    "age = $1",
    "age = $name",
    "age = :name",
    "age = 0x1F",
    "exit_quarter = x'41'",
    "exit_quarter = E'\\x41'",
    "exit_quarter = $$x$$",
    "exit_quarter = 'a\0b'",
    "1 = 1",
    "TRUE",
    "NOT FALSE",
    "NULL IS NULL",
    "(age, age) IN ((1, 1))",
    "age IS DISTINCT FROM 1",
    "age BETWEEN SYMMETRIC 3 AND 1",
    "-(-age) = 1",
    "",
    " ",
    "(" * 900,
    "NOT " * 450 + "employed",
]


@pytest.mark.parametrize("text", CORPUS, ids=range(len(CORPUS)))
def test_s25_the_injection_corpus_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_where(text, COLUMNS)
    assert caught.value.code == "where-invalid"


def test_s25_the_corpus_is_large_enough() -> None:
    assert len(set(CORPUS)) == len(CORPUS) >= 40


@pytest.mark.parametrize(
    "text",
    [
        "sum(age) + 1",
        "sum(age + 1)",
        "sum((SELECT 1))",
        "avg(age)",
        "sum(*)",
        "sum(distinct age)",
        "count(distinct *)",
        "count()",
        "sum(people.age)",
        "sum(age) FILTER (WHERE age = 1)",
        "sum(age) OVER ()",
        "read_text('/etc/passwd')",
        "sum(age); DROP TABLE people",
        "sum(age))",
        "SUM(age) --",
        "max(age, 2)",
        'min("age")',
        "count(distinct age, region)",
        "list(age)",
        "string_agg(age)",
        "any_value(age)",
        "",
        "age",
        "sum",
        "sum age",
        "count(1)",
        "1",
    ],
)
def test_s25_derived_columns_are_one_of_six_forms(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_derive(text)
    assert caught.value.code == "job-invalid"


@pytest.mark.parametrize("name", ["a b", "a;b", 'a"b', "a.b", "1a", "", "a" * 65, "é", "a--", "a\n"])
def test_s25_names_of_columns_are_identifiers(name: str) -> None:
    value = question_value()
    value["people"]["wages"]["derive"] = {name: "sum(wage)"}
    with pytest.raises(Invalid):
        Question.read(value, what="job")
    with pytest.raises(Invalid):
        question(by=[f"tanf.{name}"])


def test_s25_a_job_with_an_injected_condition_is_refused_as_a_whole() -> None:
    value = question_value()
    value["people"]["tanf"]["where"] = "age = 1; DROP TABLE people"
    found = problems(Question.read(value, what="job"), TERMS, "ana")
    assert [error.code for error in found] == ["where-invalid"]
    assert "DROP" not in str(found[0])


WORDS = st.sampled_from(
    [
        "age",
        "region",
        "employed",
        "exited",
        "ssn",
        "AND",
        "OR",
        "NOT",
        "(",
        ")",
        "=",
        "<",
        ">",
        "IN",
        "IS",
        "NULL",
        "BETWEEN",
        "1",
        "-",
        ".5",
        "'x'",
        "'north'",
        ",",
        ";",
        "--",
        "/*",
        "*/",
        "SELECT",
        "FROM",
        "WHERE",
        "CAST",
        "AS",
        "DATE",
        "::",
        "[",
        "]",
        "{",
        "}",
        "?",
        "$1",
        "||",
        "LIKE",
        '"',
        "'",
        "*",
        "+",
        ".",
        "read_text",
        "TRUE",
        "CASE",
        "WHEN",
        "END",
        "->",
        "INTERVAL",
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.lists(WORDS, max_size=12).map(" ".join), st.text(alphabet=string.printable, max_size=60)))
@example("age = 1")
def test_s25_any_text_is_refused_or_written_from_the_grammar_alone(text: str) -> None:
    try:
        condition = parse_where(text, COLUMNS)
    except TallyError as error:
        refusal = error
    else:
        assert condition.columns <= set(COLUMNS)
        assert parse_where(condition.sql, COLUMNS) == condition
        return
    assert refusal.code == "where-invalid"
