"""Parquet files: columns of any simple type; nested and binary ones cannot be read. DuckDB reads the file in place."""

from __future__ import annotations

import glob
from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb

from tallystick.core.agreement.declaration import PathText
from tallystick.core.errors import Invalid
from tallystick.core.model import Document
from tallystick.records.files import check_file, read_fault
from tallystick.records.locked import Connection, quote_name
from tallystick.records.port import Block, Kind

_KINDS: Final[Mapping[str, Kind]] = {
    "BOOLEAN": "boolean", "DATE": "date", "DOUBLE": "float", "FLOAT": "float32", "TIMESTAMP WITH TIME ZONE": "zoned moment",
    "BLOB": "other", "GEOMETRY": "other", "VARIANT": "other",
}  # fmt: skip
_INTEGERS: Final = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "UHUGEINT",
)


_MAGIC: Final = b"PAR1"


class ParquetSettings(Document):
    """Settings of a Parquet source; a file alone may be written in their place.

    Attributes:
        file: the file.
    """

    file: PathText


@dataclass(frozen=True)
class OpenedParquet:
    """A Parquet file whose schema was read."""

    columns: Mapping[str, Kind]
    hint: str
    parameters: tuple[object, ...] = field(repr=False)

    def blocks(self, names: Sequence[str]) -> Generator[Block, None, None]:
        """Give the whole file as one block, which DuckDB reads piece by piece."""
        yield Block({name: _as_text(name, self.columns[name]) for name in names}, "read_parquet(?)", self.parameters)


class ParquetSource:
    """Parquet files."""

    settings = ParquetSettings
    short = "file"
    paths = ("file",)

    def open(
        self, dataset: str, settings: ParquetSettings, folder: Path, connection: Connection
    ) -> AbstractContextManager[OpenedParquet]:
        """Read the schema."""
        return nullcontext(open_parquet(connection, dataset, (folder / settings.file).absolute()))


SOURCE: Final = ParquetSource()


def open_parquet(connection: Connection, dataset: str, path: Path) -> OpenedParquet:
    """Look at a Parquet file's schema.

    Raises:
        Invalid: `source-missing`, `file-format`.
    """
    check_file(dataset, path)
    with path.open("rb") as file:
        whole = file.read(len(_MAGIC)) == _MAGIC
    if not whole:
        raise Invalid(
            "file-format",
            f"dataset {dataset}: the source is no Parquet file, whatever its suffix says",
            hint="declare what it is, such as csv: FILE",
        )
    parameters = (glob.escape(str(path)),)
    try:
        described = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", parameters).fetchall()
    except duckdb.Error as error:
        fault = read_fault(dataset, error)
    else:
        return OpenedParquet({name: _kind(kind) for name, kind, *_ in described}, "", parameters)
    raise fault


def _kind(kind: str) -> Kind:
    if "[" in kind or kind.startswith(("STRUCT", "MAP", "UNION")):
        return "other"
    if kind in _KINDS:
        return _KINDS[kind]
    if kind in _INTEGERS:
        return "integer"
    if kind.startswith("TIMESTAMP"):
        return "moment"
    if kind.startswith("DECIMAL"):
        return "decimal"
    return "text"


def _as_text(name: str, kind: Kind) -> str:
    column = quote_name(name)
    if kind not in {"moment", "zoned moment"}:
        return f"CAST({column} AS VARCHAR)"
    # microseconds since 1970 in UTC: what DuckDB itself writes of a moment with a zone depends on the machine's zone
    plain, zone = (f"make_timestamp(epoch_us({column}))", "+00") if kind == "zoned moment" else (column, "")
    # A date that was written as a moment at midnight is that date.
    return (
        f"CASE WHEN NOT isfinite({column}) THEN CAST({column} AS VARCHAR) "
        f"WHEN {plain} = date_trunc('day', {plain}) THEN CAST(CAST({plain} AS DATE) AS VARCHAR) "
        f"ELSE CAST({plain} AS VARCHAR) || '{zone}' END"
    )
