"""SQLite databases: a table or a view of a file, through Python's own `sqlite3`, opened read-only.

SQLite types values, not columns, so each value arrives by what it is: text as it stands, a whole number as digits, a real number as the
shortest digits that give the same number, NULL as missing. A binary value ends the reading. In a column declared as a date or a moment, text
such as `2025-01-31 00:00:00` is that date.

The file is opened with `mode=ro`, and locks are respected, so all rows are of one version though others write. A database in WAL mode has
`-wal` and `-shm` files beside it, which SQLite itself makes to read it. Where the folder cannot be written and none of them is there, nobody
can be writing either: the file is then opened as immutable.

Security: views of the file may not use functions that SQLite marks as unsafe (`trusted_schema = off`), and no extension is loaded.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import starmap
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import quote

from pydantic import StringConstraints

from tallystick.core.agreement.declaration import PathText
from tallystick.core.errors import Invalid, NotReady, TallyError
from tallystick.core.model import Document
from tallystick.records.files import check_file
from tallystick.records.locked import Connection, quote_name
from tallystick.records.port import Block, Kind
from tallystick.records.textblocks import text_blocks

TableName = Annotated[str, StringConstraints(min_length=1, max_length=200)]

BUSY_SECONDS: Final = 10.0
"""How long a writer may keep us from reading."""
_MOMENT: Final = re.compile(r"(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2})(:\d{2})?(?:\.(\d*?)0*)?")
_DATES: Final = frozenset({"date", "moment"})


class SqliteSettings(Document):
    """Settings of a SQLite source.

    Attributes:
        file: the database.
        table: a table or a view of it.
    """

    file: PathText
    table: TableName


@dataclass(frozen=True)
class OpenedSqlite:
    """A table whose columns were read."""

    dataset: str
    table: str
    columns: Mapping[str, Kind]
    hint: str
    database: sqlite3.Connection = field(repr=False)
    connection: Connection = field(repr=False)

    def blocks(self, names: Sequence[str]) -> Generator[Block, None, None]:
        """Read the rows in one statement, which sees one version of them."""
        yield from text_blocks(self.connection, names, self._rows(names))

    def _rows(self, names: Sequence[str]) -> Iterator[Sequence[str | None]]:
        """Fetch the rows as text.

        Raises:
            Invalid: `source-types`, `file-format`. NotReady: `source-lost`.
        """
        dates = [self.columns[name] in _DATES for name in names]
        picked = ", ".join(map(quote_name, names)) or "1"
        fault: TallyError | None = None
        try:
            with closing(self.database.execute(f"SELECT {picked} FROM main.{quote_name(self.table)}")) as cursor:  # noqa: S608 - quoted names that the table has
                for row in cursor:
                    yield list(starmap(_as_text, zip(row, dates, strict=True))) if names else []
        except sqlite3.Error as error:
            fault = _fault(self.dataset, error)
        except _Binary:
            fault = Invalid("source-types", f"dataset {self.dataset}: binary values in the columns that are read")
        if fault is not None:
            raise fault  # outside the handler: SQLite's own text may quote a value


class SqliteSource:
    """SQLite databases."""

    settings = SqliteSettings
    short = ""
    paths = ("file",)

    @contextmanager
    def open(self, dataset: str, settings: SqliteSettings, folder: Path, connection: Connection) -> Iterator[OpenedSqlite]:
        """Open the database and read the table's columns."""
        path = (folder / settings.file).absolute()
        check_file(dataset, path)
        fault: TallyError | None = None
        try:
            database = sqlite3.connect(
                _address(path), uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            fault = _fault(dataset, error)
        if fault is not None:
            raise fault
        with closing(database):
            try:
                database.execute("PRAGMA query_only = on")
                database.execute("PRAGMA trusted_schema = off")
                # of a view, xinfo tells the columns of its SELECT; hidden columns of virtual tables are left out
                described = database.execute(
                    "SELECT x.name, x.type, x.hidden FROM sqlite_schema AS s JOIN pragma_table_xinfo(s.name) AS x "
                    "WHERE s.type IN ('table', 'view') AND s.name = ?",
                    (settings.table,),
                ).fetchall()
            except sqlite3.Error as error:
                fault = _fault(dataset, error)
            if fault is not None:
                raise fault
            if not described:
                raise Invalid(
                    "source-missing",
                    f"dataset {dataset}: the database has no such table or view",
                    hint="its IT checks table in the dataset's source",
                    detail=settings.table,
                )
            columns = {name: _kind(declared) for name, declared, hidden in described if hidden != 1}
            yield OpenedSqlite(dataset, settings.table, columns, "", database, connection)


SOURCE: Final = SqliteSource()


class _Binary(Exception):
    """A value is binary."""


def _address(path: Path) -> str:
    beside = (path.with_name(path.name + end) for end in ("-wal", "-journal", "-shm"))
    still = not os.access(path.parent, os.W_OK) and not any(file.exists() for file in beside)
    return f"file:{quote(str(path))}?mode=ro" + ("&immutable=1" if still else "")


def _kind(declared: str) -> Kind:
    """Give the kind that a declared type stands for; SQLite itself holds no column to it."""
    word = declared.upper()
    if "TIME" in word:
        return "moment"
    if "DATE" in word:
        return "date"
    if "BOOL" in word:
        return "boolean"
    if "INT" in word:
        return "integer"
    if any(part in word for part in ("REAL", "FLOA", "DOUB")):
        return "float"
    return "decimal" if any(part in word for part in ("DEC", "NUM")) else "text"


def _as_text(value: object, a_date: bool) -> str | None:
    if value is None:
        return None
    if isinstance(value, str):
        return _moment(value) if a_date else value
    if isinstance(value, bytes):
        raise _Binary
    return repr(value)


def _moment(text: str) -> str:
    """Write a moment as the port has it; what is none stays as it is."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        return text
    day, minutes, seconds, fraction = found[1], found[2], found[3] or ":00", f".{found[4]}" if found[4] else ""
    time = f"{minutes}{seconds}{fraction}"
    return day if time == "00:00:00" else f"{day} {time}"


def _fault(dataset: str, error: sqlite3.Error) -> TallyError:
    """Say what went wrong, without SQLite's own text."""
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return NotReady(
            "source-lost",
            f"dataset {dataset}: another program keeps the database for itself",
            hint="try again later",
            detail=name,
        )
    if name.startswith("SQLITE_CANTOPEN"):
        return Invalid(
            "source-missing",
            f"dataset {dataset}: the source cannot be opened",
            hint="its IT checks the permissions of the file and its folder; a database in WAL mode needs its -wal file, or a folder "
            "that can be written",
            detail=name,
        )
    if name.startswith("SQLITE_READONLY"):
        return Invalid(
            "source-missing",
            f"dataset {dataset}: the database was left in the middle of a change",
            hint="its owner opens it once, which undoes the change",
            detail=name,
        )
    return Invalid(
        "file-format",
        f"dataset {dataset}: the source is no well-formed database, or holds text that is not UTF-8",
        hint="its IT checks the file: PRAGMA integrity_check",
        detail=name,
    )
