"""Every type of source, filled with the same typed rows: what the contract suite and others read."""

from __future__ import annotations

import csv
import sqlite3
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

import duckdb
import pytest

from tallystick.core.agreement import declaration
from tallystick.records.locked import connect, quote_name
from tallystick.records.port import Kind
from tallystick.records.registry import open_source
from tests.postgres import PASSWORD, READER, Server

Row = Sequence[object]
Texts = list[tuple[str | None, ...]]

_DUCKDB: Final[Mapping[Kind, str]] = {
    "text": "VARCHAR", "integer": "BIGINT", "decimal": "DECIMAL(18, 2)", "float": "DOUBLE", "boolean": "BOOLEAN", "date": "DATE",
    "moment": "TIMESTAMP", "zoned moment": "TIMESTAMPTZ", "other": "BLOB",
}  # fmt: skip
_SQLITE: Final[Mapping[Kind, str]] = {
    "text": "TEXT", "integer": "INTEGER", "decimal": "DECIMAL(18, 2)", "float": "REAL", "boolean": "BOOLEAN", "date": "DATE",
    "moment": "TIMESTAMP",
}  # fmt: skip
_POSTGRESQL: Final[Mapping[Kind, str]] = {
    "text": "text", "integer": "bigint", "decimal": "numeric", "float": "double precision", "boolean": "boolean", "date": "date",
    "moment": "timestamp", "zoned moment": "timestamptz", "other": "bytea",
}  # fmt: skip


class Case(ABC):
    """One type of source.

    Attributes:
        type: its name.
        kinds: the kinds that it can hold, and as which kind it gives each back.
        tells_empty: empty text is no missing value.
        shared: others can write while it is read.
    """

    type: str
    kinds: Mapping[Kind, Kind]
    tells_empty = True
    shared = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def write(self, columns: Mapping[str, Kind], rows: Sequence[Row]) -> None:
        """Hold these rows, and no others."""

    @abstractmethod
    def declared(self) -> dict[str, Any]:
        """Give the source as a declaration has it."""

    def gone(self) -> dict[str, Any]:
        """Give a source that is not there."""
        (settings,) = self.declared().values()
        return {self.type: {**settings, "file": "gone.file"} if isinstance(settings, dict) else "gone.file"}

    def add(self, row: Row) -> None:
        """Add a row, as another program would."""
        raise NotImplementedError

    def read(self, names: Sequence[str]) -> Texts:
        """Read columns as text, block by block."""
        with (
            connect(256) as connection,
            open_source("data", declaration.DeclaredSource(self.declared()), self.folder, connection) as found,
        ):
            rows: Texts = []
            for block in found.blocks(names):
                picked = ", ".join(block.columns[name] for name in names)
                rows += connection.execute(f"SELECT {picked} FROM {block.clause}", list(block.parameters)).fetchall()
            return rows

    def columns(self) -> dict[str, Kind]:
        """Read the kinds of the columns."""
        with (
            connect(256) as connection,
            open_source("data", declaration.DeclaredSource(self.declared()), self.folder, connection) as found,
        ):
            return dict(found.columns)


def as_text(value: object) -> str | None:
    """Write a value as the port says that it arrives."""
    match value:
        case None | str():
            return value
        case bool():
            return str(value).lower()
        case datetime():
            plain = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
            if plain.time().isoformat() == "00:00:00":
                return plain.date().isoformat()
            text = plain.isoformat(" ")
            return (text.rstrip("0") if "." in text else text) + ("+00" if value.tzinfo else "")
        case date():
            return value.isoformat()
        case _:
            return str(value)


class Csv(Case):
    type = "csv"
    kinds = dict.fromkeys(("text", "integer", "decimal", "float", "boolean", "date", "moment", "zoned moment"), "text")
    tells_empty = False

    def write(self, columns: Mapping[str, Kind], rows: Sequence[Row]) -> None:
        with (self.folder / "data.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerows([list(columns), *(map(as_text, row) for row in rows)])

    def declared(self) -> dict[str, Any]:
        return {"csv": "data.csv"}


class Xlsx(Case):
    """A spreadsheet whose cells are text, as few bytes of it as a reader needs."""

    type = "xlsx"
    kinds = dict.fromkeys(("text", "integer", "decimal", "float", "boolean", "date", "moment", "zoned moment"), "text")
    tells_empty = False

    def write(self, columns: Mapping[str, Kind], rows: Sequence[Row]) -> None:
        cells: list[list[str | None]] = [[str(name) for name in columns], *([as_text(value) for value in row] for row in rows)]
        lines = "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in cells)
        main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
        package = "http://schemas.openxmlformats.org/package/2006"
        part = "application/vnd.openxmlformats-officedocument.spreadsheetml"
        files = {
            "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType='
            '"application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{part}.sheet.main+xml"/>'
            f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{part}.worksheet+xml"/></Types>',
            "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{relations}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{relations}"><sheets><sheet name="one" sheetId="1" r:id="r1"/></sheets>'
            "</workbook>",
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
            f'Type="{relations}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
            "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{lines}</sheetData></worksheet>',
        }
        with zipfile.ZipFile(self.folder / "data.xlsx", "w", zipfile.ZIP_DEFLATED) as packed:
            for name, text in files.items():
                packed.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{text}'.encode("utf-8", "replace"))

    def declared(self) -> dict[str, Any]:
        return {"xlsx": "data.xlsx"}


def _cell(text: str | None) -> str:
    if text is None:
        return "<c/>"
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>'


class Parquet(Case):
    type = "parquet"
    kinds = {kind: kind for kind in _DUCKDB}

    def write(self, columns: Mapping[str, Kind], rows: Sequence[Row]) -> None:
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(
                f"CREATE TABLE t ({', '.join(f'{quote_name(name)} {_DUCKDB[kind]}' for name, kind in columns.items())})"
            )
            if len(rows) > 1000:
                arrays = [list(values) for values in zip(*rows, strict=True)]
                connection.execute(f"INSERT INTO t SELECT {', '.join('unnest(?)' for _ in arrays)}", arrays)
            elif rows:
                connection.executemany(f"INSERT INTO t VALUES ({', '.join('?' for _ in columns)})", [list(row) for row in rows])
            connection.execute(f"COPY t TO '{self.folder / 'data.parquet'}' (FORMAT parquet)")

    def declared(self) -> dict[str, Any]:
        return {"parquet": {"file": "data.parquet"}}


class Sqlite(Case):
    type = "sqlite"
    kinds = {kind: kind for kind in _SQLITE}
    shared = True

    def write(self, columns: Mapping[str, Kind], rows: Sequence[Row]) -> None:
        with closing(sqlite3.connect(self.folder / "data.db", isolation_level=None)) as database:
            database.execute("PRAGMA journal_mode = wal")
            database.execute("BEGIN")
            database.execute("DROP TABLE IF EXISTS people")
            database.execute(
                f"CREATE TABLE people ({', '.join(f'{quote_name(name)} {_SQLITE[kind]}' for name, kind in columns.items())})"
            )
            marks = ", ".join("?" for _ in columns)
            database.executemany(f"INSERT INTO people VALUES ({marks})", [tuple(map(self._held, row)) for row in rows])
            database.execute("COMMIT")

    def add(self, row: Row) -> None:
        with closing(sqlite3.connect(self.folder / "data.db", isolation_level=None)) as database:
            database.execute(f"INSERT INTO people VALUES ({', '.join('?' for _ in row)})", tuple(map(self._held, row)))

    def declared(self) -> dict[str, Any]:
        return {"sqlite": {"file": "data.db", "table": "people"}}

    @staticmethod
    def _held(value: object) -> object:
        if isinstance(value, datetime):
            return value.isoformat(" ")
        return str(value) if isinstance(value, date | Decimal) else value


class Postgresql(Case):
    type = "postgresql"
    kinds = {kind: kind for kind in _POSTGRESQL}
    shared = True

    def __init__(self, folder: Path, server: Server) -> None:
        super().__init__(folder)
        self.server = server
        (folder / "secret").touch(mode=0o600)
        (folder / "secret").write_text(PASSWORD + "\n")

    def write(self, columns: Mapping[str, Kind], rows: Sequence[Row]) -> None:
        made = ", ".join(f"{quote_name(name)} {_POSTGRESQL[kind]}" for name, kind in columns.items())
        self.server.run(
            "DROP TABLE IF EXISTS people CASCADE", f"CREATE TABLE people ({made})", f"GRANT SELECT ON people TO {READER}"
        )
        self.server.fill("people", list(columns), rows)

    def add(self, row: Row) -> None:
        with self.server.admin() as connection:
            connection.execute(f"INSERT INTO people VALUES ({', '.join('%s' for _ in row)})".encode(), tuple(row))

    def declared(self, **change: object) -> dict[str, Any]:
        settings: dict[str, Any] = {
            "host": "127.0.0.1", "port": self.server.port, "database": "postgres", "role": READER, "password_file": "secret",
            "table": "people", "sslmode": "disable", **change,
        }  # fmt: skip
        return {"postgresql": {key: value for key, value in settings.items() if value is not None}}

    def gone(self) -> dict[str, Any]:
        return self.declared(table="gone")


FILES: Final[dict[str, type[Case]]] = {"csv": Csv, "parquet": Parquet, "sqlite": Sqlite, "xlsx": Xlsx}
TYPES: Final = (*FILES, "postgresql")
"""Types of sources that suites try."""


def case_of(type_: str, folder: Path, request: pytest.FixtureRequest) -> Case:
    """Give a source of a type; PostgreSQL's is in the suite's fixture `server`."""
    return Postgresql(folder, request.getfixturevalue("server")) if type_ == "postgresql" else FILES[type_](folder)
