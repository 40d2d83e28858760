"""Loading records: what is read, what is refused, and that nothing of the records is in what is said."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.core.errors import Invalid, TallyError
from tallystick.core.values.forms import form
from tallystick.records.reading import Records, load_dataset

CANARY = "canary-7731-zebra"
COLUMNS: dict[str, Any] = {
    "region": {"type": "category", "values": ["north", "south"]},
    "age": {"type": "integer", "min": 0, "max": 120},
    "benefit": {"type": "decimal", "scale": 2, "min": 0, "max": 5000},
    "open": {"type": "boolean"},
    "exit": {"type": "date", "min": "2020-01-01", "max": "2025-12-31"},
}
IN_ORDER = 'SELECT "@person", "@ssn", region, age, benefit, open, exit FROM records ORDER BY 1'
HEADER = "id,ssn,region,age,benefit,open,exit,secret\n"
GOOD = dict(zip(HEADER.strip().split(","), ("1", "", "north", "3", "4", "no", "2024-01-01", ""), strict=True))


def dataset(**change: Any) -> DeclaredDataset:
    value: dict[str, Any] = {
        "source": {"csv": "people.csv"}, "person": "id", "identifiers": {"ssn": "ssn"}, "columns": COLUMNS, **change,
    }  # fmt: skip
    return DeclaredDataset.read(value, what="dataset")


def fetched(folder: Path, text: str | bytes, query: str = "SELECT * FROM records", **change: Any) -> list[tuple[Any, ...]]:
    (folder / "people.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    with load_dataset("exits", dataset(**change), folder, max_memory_mib=256) as records:
        return list(records.connection.execute(query).fetchall())


def refused(folder: Path, text: str | bytes, **change: Any) -> TallyError:
    with pytest.raises(TallyError) as caught:
        fetched(folder, text, **change)
    error = caught.value
    everything = "".join(traceback.format_exception(error)) + error.detail + error.message + error.hint
    chain: BaseException | None = error
    while chain is not None:
        everything += repr(chain)
        chain = chain.__context__ or chain.__cause__
    assert CANARY not in everything
    return error


def test_reads_types_and_keeps_leading_zeros(tmp_path: Path) -> None:
    text = (
        "﻿"
        + HEADER
        + '007,001-02-0003,north, 30 ,12.5,Yes,2024-02-29,x\n8,"",,,,,,\n9,=cmd(),south,+5.0,-0.0,0,2025-01-01,"two\nlines"\n'
    )
    rows = fetched(tmp_path, text, IN_ORDER)
    assert [tuple(str(v) for v in row) for row in rows] == [
        ("007", "001-02-0003", "north", "30", "12.50", "True", "2024-02-29"),
        ("8", "None", "None", "None", "None", "None", "None"),
        ("9", "=cmd()", "south", "5", "0.00", "False", "2025-01-01"),
    ]


def test_loads_only_the_agreed_columns(tmp_path: Path) -> None:
    rows = fetched(
        tmp_path,
        HEADER + "1,2,north,3,4,yes,2024-01-01,hidden\n",
        "SELECT column_name FROM duckdb_columns() WHERE NOT internal",
    )
    names = {row[0] for row in rows}
    assert "secret" not in names
    assert names == {"@person", "@ssn", *COLUMNS}


@pytest.mark.parametrize(
    ("column", "bad"),
    [
        ("age", CANARY), ("age", "1.5"), ("age", "1_000"), ("age", "0x10"), ("age", "1e3"), ("age", "9" * 19),
        ("benefit", "1.234"), ("benefit", "1,5"), ("benefit", "$5,0"), ("benefit", "(5"), ("benefit", "9" * 18), ("benefit", "nan"),
        ("open", "maybe"), ("open", "22"),
        ("exit", "2023-02-29"), ("exit", "02/30/2023"), ("exit", "20230230"), ("exit", "February"), ("exit", "2/30/23"),
        ("region", "x" * 201), ("region", "no\0rth"),
    ],
)  # fmt: skip
def test_wrong_type_names_column_and_count(tmp_path: Path, column: str, bad: str) -> None:
    good = GOOD | {"secret": CANARY}
    rows = [good, {**good, column: bad}, {**good, column: bad}]
    text = HEADER + "".join(",".join(f'"{v}"' for v in row.values()) + "\n" for row in rows)
    error = refused(tmp_path, text)
    assert error.code == "source-types"
    assert column in error.message
    assert error.detail.startswith(f"{column}: 2 rows, the first in line 3, of the form ")
    assert bad not in error.detail


@pytest.mark.parametrize(
    ("column", "bad"), [("age", "121"), ("age", "-1"), ("benefit", "5000.01"), ("exit", "2026-01-01"), ("region", CANARY)]
)
def test_out_of_bounds_refuses(tmp_path: Path, column: str, bad: str) -> None:
    text = HEADER + ",".join({**GOOD, column: bad}.values()) + "\n"
    error = refused(tmp_path, text)
    assert (error.code, error.detail) == ("source-bounds", f"{column}: 1 rows, the first in line 2, of the form {form(bad)}")


def test_out_of_bounds_clips_numbers_and_still_refuses_categories_and_dates(tmp_path: Path) -> None:
    text = HEADER + "1,,north,500,9999.99,,,\n2,,north,-3,-1,,,\n"
    rows = fetched(tmp_path, text, "SELECT age, benefit FROM records ORDER BY 1", out_of_bounds="clip")
    assert rows == [(0, 0), (120, 5000)]
    assert refused(tmp_path, HEADER + f"1,,{CANARY},5,9,,,\n", out_of_bounds="clip").code == "source-bounds"
    assert refused(tmp_path, HEADER + "1,,north,5,9,,1999-01-01,\n", out_of_bounds="clip").code == "source-bounds"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", "file-format"),
        (b"\n", "file-format"),
        (HEADER.encode() + f"1,2,north,{CANARY}\n".encode(), "file-format"),
        (HEADER.encode() + f"1,2,north,3,4,yes,2024-01-01,x,{CANARY}\n".encode(), "file-format"),
        (HEADER.encode() + f'1,2,north,3,4,yes,2024-01-01,"{CANARY}\n'.encode(), "file-format"),
        (HEADER.encode() + b"1,2,north,3,4,yes,2024-01-01,\x81" + CANARY.encode() + b"\n", "file-format"),
        (f"{CANARY}\x81".encode("latin-1"), "file-format"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "file-format"),
        (b"id,ssn,region,age,benefit,open,exit,exit\n", "source-columns"),
        (b"id;ssn;region;age;benefit;open\n", "source-columns"),
        (b"id,ssn,region,age,benefit,open\n", "source-columns"),
        (b"ssn,region,age,benefit,open,exit\n", "source-columns"),
        (HEADER.encode() + b",2,north,3,4,yes,2024-01-01,x\n", "source-types"),
    ],
)
def test_bad_files(tmp_path: Path, text: bytes, code: str) -> None:
    assert refused(tmp_path, text).code == code


@pytest.mark.parametrize(("encoding", "name"), [("cp1252", "windows-1252"), ("utf-16", "UTF-16")])
def test_another_encoding_is_found_where_that_is_safe_and_said(tmp_path: Path, encoding: str, name: str) -> None:
    (tmp_path / "people.csv").write_bytes(f"{HEADER}1,2,caf\u00e9,3,4,yes,2024-01-01,x\n".encode(encoding))
    columns = {"region": {"type": "category", "values": ["caf\u00e9"]}}
    with load_dataset("exits", dataset(columns=columns), tmp_path, max_memory_mib=256) as records:
        assert records.connection.execute("SELECT region FROM records").fetchall() == [("caf\u00e9",)]
    assert [name in note for note in records.notes] == [True]


@pytest.mark.parametrize("text", ["caf\u00e9", "\u0153uf"])
def test_an_encoding_that_cannot_be_told_is_asked_for(tmp_path: Path, text: str) -> None:
    error = refused(
        tmp_path, f"{HEADER}1,2,north,3,4,yes,2024-01-01,{text}{CANARY}\n".encode("cp437" if text[0] == "c" else "cp1252")
    )
    assert (error.code, error.message) == ("file-format", "dataset exits: the source is not UTF-8 text")
    assert "encoding: windows-1252" in error.hint


def test_ragged_line_is_numbered_not_quoted(tmp_path: Path) -> None:
    assert refused(tmp_path, HEADER + "1,2,north,3,4,yes,2024-01-01,x\n" + f"{CANARY},2\n").message == (
        "dataset exits: line 3 has 2 fields, the header has 8"
    )


def test_missing_column_and_separator_are_named(tmp_path: Path) -> None:
    error = refused(tmp_path, "id,ssn,region,age,benefit,open\n")
    assert "the column of exit" in error.message
    assert "semicolons" in refused(tmp_path, "id;ssn;region\n").hint
    assert "the person key" in refused(tmp_path, "ssn,region,age,benefit,open,exit\n").message


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught, load_dataset("exits", dataset(), tmp_path, max_memory_mib=256):
        pass
    assert caught.value.code == "source-missing"
    assert str(tmp_path) not in caught.value.message
    (tmp_path / "people.csv").mkdir()
    with pytest.raises(Invalid) as caught, load_dataset("exits", dataset(), tmp_path, max_memory_mib=256):
        pass
    assert caught.value.code == "source-missing"


def test_a_name_with_a_star_is_that_file_only(tmp_path: Path) -> None:
    (tmp_path / "p1.csv").write_text("id\n1\n")
    (tmp_path / "p*.csv").write_text("id\n2\n")
    config = dataset(source={"csv": "p*.csv"}, identifiers={}, columns={})
    with load_dataset("exits", config, tmp_path, max_memory_mib=256) as records:
        assert records.connection.execute("SELECT * FROM records").fetchall() == [("2",)]


def test_rows_per_person(tmp_path: Path) -> None:
    error = refused(tmp_path, HEADER + "1,,,,,,,\n1,,,,,,,\n", rows_per_person=1)
    assert (error.code, error.detail) == ("source-bounds", "1 people")


def test_people(tmp_path: Path) -> None:
    """Rows of one person count once."""
    text = HEADER + "1,,,,,,,\n1,,,,,,,\n2,,,,,,,\n"
    assert len(fetched(tmp_path, text, people=2)) == 3
    error = refused(tmp_path, text, people=1)
    assert (error.code, error.detail) == ("source-people", "2 people")
    assert "`people`" in error.hint


def test_decomposed_text_is_the_declared_value(tmp_path: Path) -> None:
    columns = {"region": {"type": "category", "values": ["caf\u00e9"]}}
    assert fetched(tmp_path, "id,ssn,region\n1,,cafe\u0301\n", "SELECT region FROM records", columns=columns) == [
        ("caf\u00e9",)
    ]


def test_a_large_identifier_is_read(tmp_path: Path) -> None:
    rows = fetched(tmp_path, "id,ssn\n1," + "9" * 1_000_000 + "\n", 'SELECT length("@ssn") FROM records', columns={})
    assert rows == [(1_000_000,)]


def write_parquet(path: Path, select: str) -> None:
    duckdb.sql(f"COPY ({select}) TO '{path}' (FORMAT parquet)")


def test_parquet_types(tmp_path: Path) -> None:
    write_parquet(
        tmp_path / "p.parquet",
        "SELECT 1 AS id, '' AS ssn, 'north' AS region, 30.0::DOUBLE AS age, 12.5::DECIMAL(9,2) AS benefit, true AS open, "
        "TIMESTAMP '2024-02-29' AS exit",
    )
    with load_dataset("exits", dataset(source={"parquet": "p.parquet"}), tmp_path, max_memory_mib=256) as records:
        row = records.connection.execute(IN_ORDER).fetchone()
    assert [str(v) for v in row] == ["1", "None", "north", "30", "12.50", "True", "2024-02-29"]


@pytest.mark.parametrize(
    ("select", "code"),
    [
        ("SELECT 1 AS id, '1' AS ssn, 'north' AS region, 30.5 AS age", "source-types"),
        ("SELECT 1 AS id, ['1'] AS ssn, 'north' AS region, 30 AS age", "source-types"),
        ("SELECT 1 AS id, {'a': 1} AS ssn, 'north' AS region, 30 AS age", "source-types"),
        ("SELECT 1 AS id, 'x' AS region, 30 AS age", "source-columns"),
    ],
)
def test_bad_parquet(tmp_path: Path, select: str, code: str) -> None:
    write_parquet(tmp_path / "p.parquet", select)
    columns = {"region": COLUMNS["region"], "age": COLUMNS["age"]}
    with (
        pytest.raises(Invalid) as caught,
        load_dataset("exits", dataset(source={"parquet": "p.parquet"}, columns=columns), tmp_path, max_memory_mib=256),
    ):
        pass
    assert caught.value.code == code


def test_parquet_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "p.parquet").write_text(HEADER)
    with (
        pytest.raises(Invalid) as caught,
        load_dataset("exits", dataset(source={"parquet": "p.parquet"}), tmp_path, max_memory_mib=256),
    ):
        pass
    assert caught.value.code == "file-format"


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_csv('{file}')", "SELECT * FROM read_text('{file}')", "SELECT * FROM '{file}'",
        "COPY (SELECT 1) TO '{file}'", "EXPORT DATABASE '{file}.d'",
        "COPY (SELECT 1) TO '{file}' (USE_TMP_FILE false)", "ATTACH '{file}.db'", "INSTALL httpfs", "LOAD httpfs",
        "SET enable_external_access = true", "SET lock_configuration = false", "SET memory_limit = '9GB'",
        "SELECT * FROM glob('/etc/*')", "SELECT * FROM read_blob('/etc/passwd')", "SELECT getenv('HOME')",
    ],
)  # fmt: skip
def test_s25_the_locked_connection_reaches_nothing_outside(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "people.csv"
    path.write_text(HEADER)
    with load_dataset("exits", dataset(), tmp_path, max_memory_mib=256) as records, pytest.raises(duckdb.Error):
        records.connection.execute(statement.format(file=path))
    assert path.read_text() == HEADER


def test_repr_shows_no_connection(tmp_path: Path) -> None:
    assert "connection" not in repr(Records("exits", dataset(), (), 0, 0, object()))
