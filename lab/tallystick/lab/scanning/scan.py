"""A first look at a file: what a declaration of it could say. Nothing leaves this machine."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb

from tallystick.core.agreement.declaration import DeclaredDataset, DeclaredSource
from tallystick.core.errors import Invalid, TallyError
from tallystick.lab.linking.headers import guess_fields, guess_key
from tallystick.lab.linking.people import LIMITS, ROW, header_of, source_of
from tallystick.lab.scanning.columns import ColumnScan, has_decimal_commas, scan_column
from tallystick.records.copying import copy_rows
from tallystick.records.files import read_fault
from tallystick.records.locked import connect, quote_name
from tallystick.records.reading import load_dataset
from tallystick.records.usable import FieldCounts, count_fields

_TABLE: Final = "scanned"
_COMMA: Final = "commas stand before the digits of fractions"


@dataclass(frozen=True)
class FileScan:
    """A file.

    Attributes:
        name: a name for its dataset.
        source: as a declaration names it; the path as it was given.
        rows: how many.
        people: how many different keys.
        most: rows of the key that has most.
        key: the column that seems to be the person key; None where none does.
        identifiers: by identifier, the column that seems to hold it.
        fields: what became of each identifier.
        shown: an unread value of each identifier that has one, for the owner's terminal.
        problem: why identifiers could not be read.
        columns: the others.
        notes: what was found out about the file.
        decimal_comma: a comma stands before the digits of fractions.
        steady: columns that have one value, or none, in all rows of a key.
    """

    name: str
    source: dict[str, str]
    rows: int
    people: int
    most: int
    key: str | None
    identifiers: dict[str, str]
    fields: dict[str, FieldCounts] = field(repr=False)
    shown: dict[str, str] = field(repr=False)
    problem: TallyError | None
    columns: tuple[ColumnScan, ...]
    notes: tuple[str, ...]
    decimal_comma: bool = False
    steady: frozenset[str] = frozenset()

    def json_value(self) -> dict[str, Any]:
        """Give it for programs; levels of categories are the only values in it."""
        return {
            "name": self.name, "source": self.source, "rows": self.rows, "people": self.people, "most_rows": self.most, "key": self.key,
            "identifiers": self.identifiers, "fields": {name: found.json_value() for name, found in self.fields.items()},
            "problem": None if self.problem is None else self.problem.message, "notes": list(self.notes),
            "columns": [
                {"name": one.name, "declared": one.declared, "missing": one.missing, "remarks": list(one.remarks)} for one in self.columns
            ],
        }  # fmt: skip


def scan_file(path: Path, key: str | None = None, *, taken: Collection[str] = ()) -> FileScan:
    """Look at a file.

    Args:
        path: CSV, Parquet or a spreadsheet.
        key: the column of the person key; None: found.
        taken: names that the dataset may not have.

    Raises:
        Invalid: `file-missing`, `file-format`, `source-missing`, `source-columns`: no such key. Broken: `source-large`.
    """
    header = header_of(path)
    if key is not None and key not in header:
        raise Invalid("source-columns", f"{path.name} has no column {key}", hint=f"it has: {', '.join(header)}")
    (kind,) = source_of(path)
    identifiers = guess_fields(header)
    with connect(None) as connection:
        try:
            read = copy_rows(
                connection, path.stem, DeclaredSource(source_of(path)), path.parent, {name: name for name in header}, _TABLE
            )
            rows = int(connection.execute(f"SELECT count(*) FROM {_TABLE}").fetchone()[0])  # noqa: S608 - a name of ours
            found_key = key or guess_key(header) or _unique(connection, header, rows) or identifiers.get("ssn")
            people, most = (rows, 1) if found_key is None else _keys(connection, found_key)
            others = [name for name in header if name not in {*identifiers.values(), found_key}]
            comma = read.decimal == "" and has_decimal_commas(connection, _TABLE, others)
            steady = frozenset(others) if most <= 1 else _find_steady(connection, found_key or "", others)
            columns = tuple(scan_column(connection, _TABLE, name, rows, "," if comma else read.decimal) for name in others)
        except duckdb.Error as error:
            fault = read_fault(path.stem, error)
        else:
            shown: dict[str, str] = {}
            fields, problem, notes = _identifiers(path, found_key, identifiers, shown)
            return FileScan(
                dataset_name(path, taken), {kind: str(path)}, rows, people, most, found_key, identifiers, fields, shown, problem,
                columns,
                (*(notes or read.notes), *((_COMMA,) if comma else ())), comma, steady,
            )  # fmt: skip
    raise fault  # outside the handler: DuckDB's own text quotes values


def dataset_name(path: Path, taken: Collection[str] = ()) -> str:
    """Give a dataset the name of its file, as far as names may have its characters."""
    plain = re.sub(r"[^a-z0-9]+", "_", path.name.split(".")[0].lower()).strip("_")[:50]
    name = plain if plain[:1].isalpha() else f"data_{plain}".rstrip("_")
    number = 2
    while name in taken:
        name, number = f"{name.rstrip('0123456789_')}_{number}", number + 1
    return name


def _unique(connection: Any, header: list[str], rows: int) -> str | None:
    """Give the first column in which every row has a value of its own."""
    for name in header if rows else ():
        one = quote_name(name)
        if connection.execute(f"SELECT count(DISTINCT {one}) FROM {_TABLE}").fetchone()[0] == rows:  # noqa: S608 - quoted names
            return name
    return None


def _keys(connection: Any, key: str) -> tuple[int, int]:
    counts = f"SELECT count(*) AS rows FROM {_TABLE} WHERE {quote_name(key)} IS NOT NULL GROUP BY {quote_name(key)}"  # noqa: S608 - quoted names
    people, most = connection.execute(f"SELECT count(*), coalesce(max(rows), 0) FROM ({counts})").fetchone()  # noqa: S608 - as above
    return int(people), int(most)


def _find_steady(connection: Any, key: str, names: list[str]) -> frozenset[str]:
    """Give the columns that no key has two values of."""
    if not names:
        return frozenset()
    counts = ", ".join(f"count(DISTINCT {quote_name(name)}) AS c{at}" for at, name in enumerate(names))
    most = ", ".join(f"max(c{at})" for at in range(len(names)))
    inside = f"SELECT {counts} FROM {_TABLE} WHERE {quote_name(key)} IS NOT NULL GROUP BY {quote_name(key)}"  # noqa: S608 - quoted names
    found = connection.execute(f"SELECT {most} FROM ({inside})").fetchone()  # noqa: S608 - as above
    return frozenset(name for name, values in zip(names, found, strict=True) if (values or 0) <= 1)


def _identifiers(
    path: Path, key: str | None, identifiers: dict[str, str], shown: dict[str, str]
) -> tuple[dict[str, FieldCounts], TallyError | None, tuple[str, ...]]:
    """Read the identifiers as a node would, and count what becomes of them."""
    value = {**LIMITS, "source": source_of(path), "person": key or ROW, "identifiers": identifiers}
    try:
        config = DeclaredDataset.read(value, what=path.name)
        with load_dataset(path.stem, config, path.parent, max_memory_mib=None, columns=(), numbered=key is None) as records:
            return count_fields(records.connection, tuple(config.identifiers), records.places, shown), None, records.told
    except TallyError as error:
        return {}, error, ()
