"""The two kinds of source, each as (its columns, a FROM clause that gives them as text).

CSV: RFC 4180, comma, UTF-8 with or without a mark, one header line, quotes may hold newlines. Every field is text, so
leading zeros stay; a field that begins with `=` is text too. Parquet: columns of any simple type; nested ones are refused
where they are asked for.
"""

from __future__ import annotations

import csv
import glob
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb

from tallystick.core.errors import Broken, Invalid, TallyError
from tallystick.records.locked import Connection, literal, quoted

MAX_COLUMNS: Final = 4096
_CSV_LINE: Final = re.compile(r"CSV Error on Line: (\d+)")
_SEPARATORS: Final = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


@dataclass(frozen=True)
class Opened:
    """A source that was looked at but not read.

    Attributes:
        columns: each column's name in the source, and the SQL expression that gives its text.
        clause: what stands behind FROM.
        parameters: the clause's parameters.
        hint: what may be wrong when a column is missing.
    """

    columns: Mapping[str, str]
    clause: str
    parameters: tuple[object, ...] = field(repr=False)
    hint: str = ""


def csv_header(path: Path, *, name: str) -> list[str]:
    """Give the first line's fields of a CSV file; none where it is no CSV.

    Args:
        path: the file.
        name: what an error calls it.

    Raises:
        Invalid: `file-format`: it is not UTF-8.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return next(csv.reader(file, strict=True), [])
    except UnicodeDecodeError:
        pass  # what is raised must not hold the bytes
    except csv.Error:
        return []
    raise Invalid("file-format", f"{name} is not UTF-8 text", hint="save it as UTF-8; a spreadsheet calls that CSV UTF-8")


def open_csv(dataset: str, path: Path) -> Opened:
    """Look at a CSV file's header.

    Raises:
        Invalid: `source-missing`, `file-format`.
    """
    _check_file(dataset, path)
    names = csv_header(path, name=f"dataset {dataset}: the source")
    if not names or len(names) > MAX_COLUMNS or any("\0" in name for name in names):
        raise Invalid(
            "file-format",
            f"dataset {dataset}: the source does not begin with a CSV header",
            hint="the first line holds the columns' names, separated by commas, in UTF-8",
        )
    repeated = {name for name in names if names.count(name) > 1}
    # The positions, not the file's names, name the columns: names may repeat or hold anything.
    declared = ", ".join(f"c{place}: 'VARCHAR'" for place in range(len(names)))
    clause = (
        "read_csv(?, header = true, auto_detect = false, all_varchar = true, delim = ',', quote = '\"', escape = '\"', "
        f"nullstr = '', compression = 'none', null_padding = false, ignore_errors = false, columns = {{{declared}}})"
    )
    columns = {name: f"c{place}" for place, name in enumerate(names) if name not in repeated}
    hint = f"columns that the header names twice cannot be used: {len(repeated)}" if repeated else ""
    if len(names) == 1:
        hint = next(
            (f"the file seems to be separated by {word}, not commas" for mark, word in _SEPARATORS.items() if mark in names[0]),
            "",
        )
    return Opened(columns, clause, (glob.escape(str(path)),), hint)


def open_parquet(connection: Connection, dataset: str, path: Path) -> Opened:
    """Look at a Parquet file's schema.

    Raises:
        Invalid: `source-missing`, `file-format`.
    """
    _check_file(dataset, path)
    parameters = (glob.escape(str(path)),)
    try:
        described = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", parameters).fetchall()
    except duckdb.Error as error:
        fault = read_fault(dataset, error)
    else:
        return Opened({name: _as_text(name, kind) for name, kind, *_ in described}, "read_parquet(?)", parameters)
    raise fault


def read_fault(dataset: str, error: BaseException) -> TallyError:
    """Say what went wrong in reading, without DuckDB's own text: that quotes the offending line.

    Raise what this gives outside the `except` block, so that the original does not hang on it.
    """
    if isinstance(error, duckdb.OutOfMemoryException):
        return Broken(
            "source-large",
            f"dataset {dataset}: the source does not fit the memory it may take",
            hint="its IT raises max_memory_mib in node.yaml",
        )
    if isinstance(error, duckdb.IOException):
        return Invalid("source-missing", f"dataset {dataset}: the source cannot be read", detail=type(error).__name__)
    line = _CSV_LINE.search(str(error))
    return Invalid(
        "file-format",
        f"dataset {dataset}: the source is not well-formed",
        hint="every row has as many fields as the header, quotes are closed, the text is UTF-8",
        detail=f"line {line[1]}" if line else type(error).__name__,
    )


def _check_file(dataset: str, path: Path) -> None:
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise Invalid(
            "source-missing",
            f"dataset {dataset}: the source cannot be read",
            hint="its IT checks the path in node.yaml and the file's permissions",
            detail=f"{path}: {type(error).__name__}",
        ) from error
    if empty:
        raise Invalid("file-format", f"dataset {dataset}: the source is empty", detail=str(path))


def _as_text(name: str, kind: str) -> str:
    column = quoted(name)
    if kind.startswith("TIMESTAMP"):
        # A date that was written as a moment at midnight is that date.
        whole = f"date_trunc('day', {column})"
        return f"CASE WHEN {column} = {whole} THEN strftime({whole}, {literal('%Y-%m-%d')}) ELSE CAST({column} AS VARCHAR) END"
    if kind == "BLOB" or "[" in kind or kind.startswith(("STRUCT", "MAP", "UNION")):
        return ""
    return f"CAST({column} AS VARCHAR)"
