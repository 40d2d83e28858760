"""SQLite as a source: what only it can do wrong. The rest is the contract suite's."""

from __future__ import annotations

import os
import sqlite3
import traceback
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tallystick.core.errors import Invalid, NotReady, TallyError
from tallystick.records.sources import sqlite
from tests.sources import Sqlite

CANARY = "canary-8812-zebra"


@pytest.fixture(name="case")
def case_(tmp_path: Path) -> Sqlite:
    return Sqlite(tmp_path)


@pytest.fixture(name="database")
def database_(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / "data.db", isolation_level=None)) as database:
        yield database


def refused(case: Sqlite, names: tuple[str, ...] = ("name",)) -> TallyError:
    with pytest.raises(TallyError) as caught:
        case.read(names)
    assert CANARY not in "".join(traceback.format_exception(caught.value)) + caught.value.detail
    assert caught.value.__context__ is None
    return caught.value


def test_a_view_is_read_and_values_are_what_they_are_whatever_the_column_says(
    case: Sqlite, database: sqlite3.Connection
) -> None:
    database.execute("CREATE TABLE t (name INTEGER, born DATETIME, paid DECIMAL, spare TEXT)")
    database.executemany(
        "INSERT INTO t VALUES (?, ?, ?, ?)",
        [
            ("Ann", "2025-01-31T00:00:00.000", 12.0, "2025-01-31 00:00:00"),
            (3, "31.1.2025", "x", 1),
            (0.1, "2025-01-31 09:05", None, None),
        ],
    )
    database.execute("CREATE VIEW people AS SELECT name, born, paid, spare, upper(name) AS shout FROM t")
    assert case.columns() == {"name": "integer", "born": "moment", "paid": "decimal", "spare": "text", "shout": "text"}
    assert case.read(["name", "born", "paid", "spare", "shout"]) == [
        ("Ann", "2025-01-31", "12", "2025-01-31 00:00:00", "ANN"),
        ("3", "31.1.2025", "x", "1", "3"),
        ("0.1", "2025-01-31 09:05:00", None, None, "0.1"),
    ]


def test_generated_columns_are_columns(case: Sqlite, database: sqlite3.Connection) -> None:
    database.execute("CREATE TABLE people (n INTEGER, twice INTEGER AS (2 * n), thrice INTEGER AS (3 * n) STORED)")
    database.execute("INSERT INTO people VALUES (2)")
    assert case.read(["n", "twice", "thrice"]) == [("2", "4", "6")]


def test_binary_values_and_text_that_is_not_utf_8(case: Sqlite, database: sqlite3.Connection) -> None:
    database.execute("CREATE TABLE people (name TEXT)")
    database.execute("INSERT INTO people VALUES (?)", (CANARY.encode(),))
    error = refused(case)
    assert (error.code, "binary" in error.message) == ("source-types", True)
    database.execute("UPDATE people SET name = CAST(? AS TEXT)", (CANARY.encode() + b"\xff",))
    assert refused(case).code == "file-format"


def test_a_file_that_is_no_database(case: Sqlite) -> None:
    (case.folder / "data.db").write_text(f"name\n{CANARY}\n" * 100)
    assert refused(case).code == "file-format"
    (case.folder / "data.db").write_bytes(b"")
    assert refused(case).code == "file-format"


def test_names_that_sqlite_would_take_for_text(case: Sqlite, database: sqlite3.Connection) -> None:
    """An unknown name in double quotes is text to SQLite; only columns that the table has are ever asked for."""
    database.execute("CREATE TABLE people (name TEXT)")
    database.execute("INSERT INTO people VALUES ('Ann')")
    assert "nome" not in case.columns()


@pytest.mark.parametrize("table", ["sqlite_schema", "PEOPLE", "people; DROP TABLE people", "(SELECT 1)", 'people"'])
def test_only_tables_and_views_of_that_name_are_read(case: Sqlite, database: sqlite3.Connection, table: str) -> None:
    database.execute("CREATE TABLE people (name TEXT)")
    case.declared = lambda: {"sqlite": {"file": "data.db", "table": table}}  # type: ignore[method-assign]  # another table
    assert refused(case).code == "source-missing"
    assert database.execute("SELECT count(*) FROM people").fetchone() == (0,)


def test_a_view_cannot_use_what_is_unsafe_in_a_file_from_elsewhere(case: Sqlite, database: sqlite3.Connection) -> None:
    database.execute("CREATE VIEW people AS SELECT file AS name FROM pragma_database_list")
    assert database.execute("SELECT count(*) FROM people").fetchone() == (1,)  # SQLite itself would read it
    assert refused(case).code == "file-format"
    database.execute("DROP VIEW people")
    database.execute("CREATE VIEW people AS SELECT load_extension('/tmp/x.so') AS name")
    assert refused(case).code == "file-format"


def test_a_database_that_another_program_keeps(
    case: Sqlite, database: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.05)
    database.execute("CREATE TABLE people (name TEXT)")
    database.execute("BEGIN EXCLUSIVE")
    with pytest.raises(NotReady) as caught:
        case.read(["name"])
    assert caught.value.code == "source-lost"
    database.execute("ROLLBACK")
    assert case.read(["name"]) == []


def test_a_still_database_in_a_folder_that_cannot_be_written(case: Sqlite, monkeypatch: pytest.MonkeyPatch) -> None:
    case.write({"name": "text"}, [("Ann",)])  # in WAL mode
    asked: list[str] = []
    connect = sqlite3.connect

    def opened(address: str, **options: object) -> sqlite3.Connection:
        asked.append(address.partition("?")[2])
        return connect(address, **options)  # type: ignore[call-overload, no-any-return]  # handed on

    monkeypatch.setattr(sqlite3, "connect", opened)
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    assert case.read(["name"]) == [("Ann",)]
    assert asked == ["mode=ro&immutable=1"]
    assert sorted(path.name for path in case.folder.iterdir()) == ["data.db"]  # none of SQLite's files beside it
    (case.folder / "data.db-wal").touch()  # somebody may be writing
    case.read(["name"])
    assert asked[1:] == ["mode=ro"]


def test_the_file_is_not_written(case: Sqlite, database: sqlite3.Connection) -> None:
    database.execute("CREATE TABLE people (name TEXT)")
    before = (case.folder / "data.db").stat().st_mtime_ns
    case.read(["name"])
    case.declared = lambda: {"sqlite": {"file": "none.db", "table": "people"}}  # type: ignore[method-assign]  # another file
    with pytest.raises(Invalid) as caught:
        case.read(["name"])
    assert caught.value.code == "source-missing"
    assert (case.folder / "data.db").stat().st_mtime_ns == before
    assert not (case.folder / "none.db").exists()
