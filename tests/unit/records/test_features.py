"""One row per person: filters, derived columns, what may not vary, identifiers, order; and conditions through the real database."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.core.errors import Invalid
from tallystick.core.job.derive import parse_derive
from tallystick.core.job.where import parse_where
from tallystick.node.fingerprint import fingerprint
from tallystick.records.features import PeopleTable, people_table
from tallystick.records.reading import load_dataset

CANARY = "canary-7731-zebra"
CONFIG: dict[str, Any] = {
    "source": {"csv": "wages.csv"},
    "person": "id",
    "identifiers": {"ssn": "ssn", "last_name": "name"},
    "columns": {
        "quarter": {"type": "category"},
        "industry": {"type": "category", "values": ["retail", "health", CANARY]},
        "wage": {"type": "decimal", "scale": 2, "min": 0, "max": 99999},
        "hours": {"type": "integer", "min": 0, "max": 999},
        "full": {"type": "boolean"},
        "start": {"type": "date"},
    },
}
HEADER = "id,ssn,name,quarter,industry,wage,hours,full,start\n"
ROWS = (
    "b,2,Bo,Q1,retail,10.50,1,yes,2024-01-01\n"
    "a,1,Al,Q1,health,100,5,no,1969-12-31\n"
    "a,9,Al,Q1,health,0.05,,no,1969-12-31\n"
    "a,1,,Q2,retail,7,3,no,1969-12-31\n"
    "c,,,Q2,,,,,\n"
)


def people(
    folder: Path,
    rows: str = ROWS,
    *,
    where: str | None = None,
    used: tuple[str, ...] = (),
    derive: Mapping[str, str] | None = None,
) -> PeopleTable:
    (folder / "wages.csv").write_text(HEADER + rows)
    config = DeclaredDataset.read(CONFIG, what="dataset")
    declared = {name: column.to_column() for name, column in config.columns.items()}
    with load_dataset("ui_wages", config, folder, max_memory_mib=512) as records:
        return people_table(
            records,
            "wages",
            where=None if where is None else parse_where(where, declared).sql,
            used=used,
            derived={name: parse_derive(text) for name, text in (derive or {}).items()},
        )


def shown(table: PeopleTable, name: str) -> list[int | None]:
    column = table.columns[name]
    return [None if missing else int(value) for value, missing in zip(column.values, column.missing, strict=True)]


@pytest.mark.parametrize("where", [None, "quarter = 'Q2'"])
def test_people_of_one_row_each_are_the_same_however_they_are_found(tmp_path: Path, where: str | None) -> None:
    """Without grouping, and grouped, as they are as soon as somebody has two rows."""
    rows = "".join(
        f"p{place:03d},{place % 7 or ''},N{place},Q{place % 3},retail,1,1,yes,2024-01-01\n" for place in (5, 3, 8, 1, 7)
    )
    alone = people(tmp_path, rows, where=where)
    beside = people(tmp_path, rows + "zz,1,Z,Q2,,,,,\n" * 2, where=where)
    assert alone.n == beside.n - 1 > 0
    for name, values in alone.identifiers.items():
        assert values.tolist() == beside.identifiers[name].tolist()[:-1]


def test_people_stand_in_the_order_of_their_keys(tmp_path: Path) -> None:
    table = people(tmp_path, used=("full", "start"))
    assert table.n == 3
    assert shown(table, "full") == [0, 1, None]
    assert shown(table, "start") == [-1, 19723, None]
    shuffled = people(tmp_path, "".join(sorted(ROWS.splitlines(keepends=True), reverse=True)), used=("full", "start"))
    assert fingerprint(table, secret=bytes(32), job=bytes(32)) == fingerprint(shuffled, secret=bytes(32), job=bytes(32))


def test_values_are_integers_at_their_scale(tmp_path: Path) -> None:
    table = people(tmp_path, where="quarter = 'Q2'", used=("wage", "industry", "hours"))
    assert shown(table, "wage") == [700, None]
    assert shown(table, "hours") == [3, None]
    assert shown(table, "industry") == [0, None]
    assert table.columns["industry"].levels == ("retail", "health", CANARY)
    assert table.columns["wage"].values.dtype == np.int64


def test_identifiers_are_the_most_frequent_over_all_rows(tmp_path: Path) -> None:
    table = people(tmp_path, where="quarter = 'Q2'")
    assert list(table.identifiers["ssn"]) == ["1", None]  # of a: 1, 9, 1
    assert list(table.identifiers["last_name"]) == ["Al", None]


def test_of_equally_frequent_identifiers_the_smallest(tmp_path: Path) -> None:
    rows = "a,9,Zoe,Q1,,,,,\na,10,Zoe,Q1,,,,,\na,,Bob,Q1,,,,,\n"
    table = people(tmp_path, rows)
    assert list(table.identifiers["ssn"]) == ["10"]
    assert list(table.identifiers["last_name"]) == ["Zoe"]


def test_derived_columns_sum_up_passing_rows(tmp_path: Path) -> None:
    derive = {
        "earned": "sum(wage)", "least": "min(wage)", "most": "max(hours)", "rows": "count(*)", "known": "count(hours)",
        "kinds": "count(distinct industry)",
    }  # fmt: skip
    table = people(tmp_path, where="quarter = 'Q1'", used=tuple(derive), derive=derive)
    assert {name: shown(table, name) for name in derive} == {
        "earned": [10005, 1050], "least": [5, 1050], "most": [5, 1], "rows": [2, 1], "known": [1, 1], "kinds": [1, 1],
    }  # fmt: skip
    everyone = people(tmp_path, used=("earned", "kinds"), derive=derive)
    assert shown(everyone, "earned") == [10705, 1050, None]
    assert shown(everyone, "kinds") == [2, 1, 0]


@pytest.mark.parametrize("column", ["industry", "wage"])
def test_what_varies_within_a_person_must_be_derived(tmp_path: Path, column: str) -> None:
    with pytest.raises(Invalid) as caught:
        people(tmp_path, used=(column, "full"))
    assert caught.value.code == "source-varies"
    assert column in caught.value.message
    assert "full" not in caught.value.message
    assert caught.value.detail == f"{column}: 1 people"


def test_missing_beside_a_value_varies(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        people(tmp_path, "a,,,Q1,,,4,,\na,,,Q1,,,,,\n", used=("hours",))
    assert caught.value.code == "source-varies"


def test_a_category_without_values_serves_where_alone(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        people(tmp_path, used=("quarter",))
    assert caught.value.code == "job-invalid"


def test_nobody_passes(tmp_path: Path) -> None:
    table = people(tmp_path, where="quarter = 'Q9'", used=("wage",))
    assert (table.n, shown(table, "wage"), list(table.identifiers["ssn"])) == (0, [], [])


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("hours >= 3", 1), ("wage = 10.50", 1), ("wage > 99.99 and quarter = 'Q1'", 1), ("full", 1), ("not full", 1),
        ("start < '1970-01-01'", 1), ("industry is null", 1), ("quarter in ('Q1', 'Q2')", 3), ("hours between 1 and 4", 2),
    ],
)  # fmt: skip
def test_conditions_compare_values_of_the_declared_type(tmp_path: Path, where: str, expected: int) -> None:
    assert people(tmp_path, where=where).n == expected


INJECTIONS = (
    "1=1; DROP TABLE records", "1=1) UNION SELECT ssn FROM records --", 'quarter = (SELECT max("@ssn") FROM records)',
    "\"@ssn\" = '1'", "\"@person\" = 'a'", "exists (select 1)", "read_csv('/etc/passwd') is not null", "getenv('HOME') = 'x'",
    "quarter = 'Q1' or pg_sleep(1)", "records.quarter = 'Q1'", "quarter = $1", "quarter LIKE '%'", "hours + 1 > 0", "rowid = 1",
    "quarter = 'Q1' INTO OUTFILE 'x'", "cast(quarter as int) = 1", "quarter::int = 1", "case when true then true end",
    "hours = any(select 1)", "quarter = 'Q1' order by 1", "1=1 limit 1", "*", "columns(*) = 1", "ssn = '1'", "quarter ~ '.'",
    "quarter = current_user", "quarter[1] = 'Q'", "struct_pack(a := 1) is not null", "lambda x: x", "quarter = ''';--'", "",
)  # fmt: skip


HARMLESS = ("quarter = ''';--'",)  # a comparison with odd text, which matches nobody


@pytest.mark.parametrize("where", INJECTIONS)
def test_s25_injections_are_refused_or_harmless(tmp_path: Path, where: str) -> None:
    with contextlib.ExitStack() as stack:
        if where not in HARMLESS:
            caught = stack.enter_context(pytest.raises(Invalid))
        assert people(tmp_path, where=where).n == 0
    if where not in HARMLESS:
        assert caught.value.code == "where-invalid"
    assert (tmp_path / "wages.csv").read_text() == HEADER + ROWS


def test_s27_a_condition_that_the_database_cannot_evaluate_tells_no_value(tmp_path: Path) -> None:
    """The database's own message would quote a record: `Could not convert string …`."""
    (tmp_path / "wages.csv").write_text(HEADER + f"a,,,Q1,{CANARY},,,,\n")
    config = DeclaredDataset.read(CONFIG, what="dataset")
    with load_dataset("ui_wages", config, tmp_path, max_memory_mib=512) as records, pytest.raises(Invalid) as caught:
        people_table(records, "wages", where="industry = 5", used=(), derived={})
    assert caught.value.code == "where-invalid"
    assert CANARY not in "".join(traceback.format_exception(caught.value)) + repr(caught.value.__context__)


def test_fingerprints_differ_by_one_value_secret_or_job(tmp_path: Path) -> None:
    base = people(tmp_path, used=("full",))
    others = [
        people(tmp_path, ROWS.replace("c,,,", "c,8,,"), used=("full",)),
        people(tmp_path, ROWS.replace("10.50,1,yes", "10.50,1,no"), used=("full",)),
        people(tmp_path, ROWS.replace("c,,,Q2,,,,,", "d,,,Q2,,,,no,"), used=("full",)),
    ]
    prints = {fingerprint(table, secret=bytes(32), job=bytes(32)) for table in (base, *others)}
    prints |= {fingerprint(base, secret=b"s" * 32, job=bytes(32)), fingerprint(base, secret=bytes(32), job=b"j" * 32)}
    assert len(prints) == 6


def test_a_hundred_thousand_rows(tmp_path: Path) -> None:
    rows = "".join(f"p{i % 50_000},{i % 50_000:09d},N{i % 7},Q1,retail,{i % 100}.25,4,yes,2024-01-01\n" for i in range(100_000))
    table = people(tmp_path, rows, where="hours = 4", used=("earned", "industry"), derive={"earned": "sum(wage)"})
    assert table.n == 50_000
    assert int(table.columns["earned"].values.sum()) == sum((i % 100) * 100 + 25 for i in range(100_000))
    assert len(set(table.identifiers["ssn"])) == 50_000


def test_the_least_and_greatest_of_a_category_follow_the_declared_order_and_keep_its_levels(tmp_path: Path) -> None:
    table = people(tmp_path, used=("first", "last"), derive={"first": "min(industry)", "last": "max(industry)"})
    assert table.columns["first"].levels == table.columns["last"].levels == ("retail", "health", CANARY)
    places = [[p for p in pair if p is not None] for pair in zip(shown(table, "first"), shown(table, "last"), strict=True)]
    assert any(pair for pair in places)
    assert all(pair == sorted(pair) for pair in places)


def test_conditions_of_measures_are_told_of_each_person_from_derived_and_declared_columns(tmp_path: Path) -> None:
    """Of sums at the column's scale, least dates, categories and booleans; what is missing cannot be said."""
    made = {"earned": "sum(wage)", "jobs": "count(distinct industry)", "begun": "min(start)", "field": "min(industry)"}
    conditions = {
        '("earned" >= 107.05)': [1, 0, None],
        '("earned" > 107.05)': [0, 0, None],
        '(("jobs" > 0) AND ("earned" <> 10.5))': [1, 0, 0],
        "(\"begun\" < DATE '1970-01-01')": [1, 0, None],
        "(\"field\" IN ('retail'))": [1, 1, None],
        '"full"': [0, 1, None],
        '("earned" IS NULL)': [0, 0, 1],
    }
    (tmp_path / "wages.csv").write_text(HEADER + ROWS)
    config = DeclaredDataset.read(CONFIG, what="dataset")
    with load_dataset("ui_wages", config, tmp_path, max_memory_mib=512) as records:
        derived = {name: parse_derive(text) for name, text in made.items()}
        table = people_table(
            records, "wages", where=None, used=("full", *made), derived=derived, conditions={one: one for one in conditions}
        )
    assert {name: shown(table, name) for name in conditions} == conditions
