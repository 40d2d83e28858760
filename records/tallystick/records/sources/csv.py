"""CSV files: RFC 4180, UTF-8 with or without a mark, one header line, quotes may hold newlines; also compressed with gzip.

Every field is text, so leading zeros stay; a field that begins with `=` is text too. An empty field is a missing value, in quotes or not.
Rows that hold nothing are left out. What parts the fields, another encoding and a footer are found where that is safe, and said; or they
are declared. DuckDB reads the file in place where it is UTF-8; else Python does.
"""

from __future__ import annotations

import csv
import glob
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Annotated, Final, Literal

import duckdb
from pydantic import Field, StringConstraints

from tallystick.core.agreement.declaration import PathText
from tallystick.core.errors import Invalid, TallyError
from tallystick.core.model import Document
from tallystick.records.files import check_file, list_files
from tallystick.records.locked import Connection
from tallystick.records.port import Block, Kind
from tallystick.records.textblocks import text_blocks
from tallystick.records.textfiles import SEPARATORS, Look, look
from tallystick.records.types import is_blank

MAX_COLUMNS: Final = 4096
_SHOWN: Final = 3


class CsvSettings(Document):
    """Settings of a CSV source; a file alone may be written in their place.

    Attributes:
        file: the file; or several of one header by `*`, `?` and `[…]`, such as `wages-*.csv`.
        encoding: such as windows-1252, where it is not UTF-8.
        delimiter: what parts the fields, where it is no comma.
        skip: lines before the header.
        decimal: what stands before the digits of a fraction; then the other of the two may stand between thousands.
    """

    file: PathText
    encoding: Annotated[str, StringConstraints(min_length=1, max_length=40)] | None = None
    delimiter: Annotated[str, StringConstraints(min_length=1, max_length=1)] | None = None
    skip: Annotated[int, Field(ge=0, le=1000)] | None = None
    decimal: Literal[".", ","] | None = None


@dataclass(frozen=True)
class OpenedCsv:
    """CSV files whose headers were read.

    Attributes:
        looks: what was found out about each file.
    """

    dataset: str
    columns: Mapping[str, Kind]
    hint: str
    notes: tuple[str, ...]
    decimal: str
    looks: tuple[Look, ...] = field(repr=False)
    places: Mapping[str, int] = field(repr=False)
    connection: Connection = field(repr=False)

    def blocks(self, names: Sequence[str]) -> Generator[Block, None, None]:
        """Give all files as one block, which DuckDB reads piece by piece; or blocks that Python reads."""
        if not all(one.plain for one in self.looks):
            yield from self._blocks_of_python(names)
            return
        first, width = self.looks[0], len(self.looks[0].header)
        # The positions, not the file's names, name the columns: names may repeat or hold anything.
        declared = ", ".join(f"c{place}: 'VARCHAR'" for place in range(width))
        quoted = first.delimiter.replace("'", "''")
        clause = (
            f"read_csv(?, header = true, auto_detect = false, all_varchar = true, delim = '{quoted}', quote = '\"', escape = '\"', "
            f"nullstr = '', compression = '{'gzip' if first.zipped else 'none'}', skip = {first.skip}, null_padding = false, "
            f"ignore_errors = false, columns = {{{declared}}})"
        )
        paths = [glob.escape(str(one.path)) for one in self.looks]
        if any(one.mixed for one in self.looks) and not self._is_read(clause, paths):
            yield from self._blocks_of_python(names)
            return
        empty = (f"(c{place} IS NULL OR {is_blank(f'c{place}')})" for place in range(width))
        blank = " AND ".join(empty) if width > 1 else ""
        yield Block({name: f"c{self.places[name]}" for name in names}, clause, (paths,), blank)

    def _blocks_of_python(self, names: Sequence[str]) -> Generator[Block, None, None]:
        picked = [self.places[name] for name in names]
        yield from text_blocks(self.connection, names, ([row[place] or None for place in picked] for row in self._rows()))

    def _is_read(self, clause: str, paths: Sequence[str]) -> bool:
        """Tell whether DuckDB reads files to their end, whose lines end in several ways or whose fields hold other ends."""
        try:
            self.connection.execute(f"SELECT count(*) FROM {clause}", (paths,))  # noqa: S608 - a clause of ours
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error:
            return False
        return True

    def place_of(self, row: int) -> str:
        """Give the line in which a row begins; of several files, in which."""
        for one in self.looks:
            try:
                lines = [line for line, _ in islice(one.rows(), row, row + 1)]
                count = 0 if lines else sum(1 for _ in one.rows())
            except (csv.Error, UnicodeDecodeError, OSError):
                break
            if lines:
                return f"line {lines[0]}" + (f" of {one.path.name}" if len(self.looks) > 1 else "")
            row -= count
        return "the file"

    def fault(self) -> TallyError | None:
        """Say which row has too few or too many fields, or where quotes are not closed."""
        try:
            for _ in self._rows():
                pass
        except TallyError as error:
            return error
        return None

    def _rows(self) -> Iterator[list[str]]:
        """Read the rows, each as wide as its header.

        Raises:
            Invalid: `file-format`.
        """
        for one in self.looks:
            where, last, width = f" of {one.path.name}" if len(self.looks) > 1 else "", 1, len(one.header)
            fault: TallyError | None = None
            try:
                for last, row in one.rows():
                    if len(row) < width or any(
                        map(str.strip, row[width:])
                    ):  # separators alone behind the last field say nothing
                        fault = self._width(one, f"line {last}{where}", len(row))
                        break
                    yield row[:width]
            except (csv.Error, UnicodeDecodeError, EOFError, OSError) as error:
                fault = Invalid(
                    "file-format",
                    f"dataset {self.dataset}: the source is not well-formed behind line {last}{where}",
                    hint="quotes are closed, and doubled within a field; the text is of one encoding",
                    detail=type(error).__name__,
                )
            if fault is not None:
                raise fault  # outside the handler: the error itself may quote the line

    def _width(self, one: Look, line: str, fields: int) -> TallyError:
        count = bad = 0
        try:
            for _, row in one.rows():
                count, bad = count + 1, bad + (len(row) != len(one.header))
        except (csv.Error, UnicodeDecodeError, OSError):
            pass
        return Invalid(
            "file-format",
            f"dataset {self.dataset}: {line} has {fields} {'field' if fields == 1 else 'fields'}, the header has {len(one.header)}",
            hint="give every row as many fields as the header, with quotes round a field that holds a separator; take away lines before the "
            "header (skip: LINES) and behind the last row",
            detail=f"{bad} of {count} rows that were read have not as many fields as the header",
        )


class CsvSource:
    """CSV files."""

    settings = CsvSettings
    short = "file"
    paths = ("file",)

    def open(
        self, dataset: str, settings: CsvSettings, folder: Path, connection: Connection
    ) -> AbstractContextManager[OpenedCsv]:
        """Read the header."""
        return nullcontext(open_csv(dataset, settings, folder, connection))


SOURCE: Final = CsvSource()


def open_csv(dataset: str, settings: CsvSettings, folder: Path, connection: Connection) -> OpenedCsv:
    """Look at CSV files and their header.

    Raises:
        Invalid: `source-missing`, `file-format`.
    """
    paths = list_files(dataset, folder / settings.file)
    looks = []
    for path in paths:
        check_file(dataset, path)
        name = f"dataset {dataset}: {'the source' if len(paths) == 1 else path.name}"
        looks.append(look(path, name=name, encoding=settings.encoding, delimiter=settings.delimiter, skip=settings.skip))
        header = looks[-1].header
        if len(header) > MAX_COLUMNS:
            raise Invalid("file-format", f"{name} has {len(header):,} columns; at most {MAX_COLUMNS:,} can be read")
        if not header or any("\0" in column for column in header):
            raise Invalid(
                "file-format",
                f"{name} does not begin with a CSV header",
                hint="the first line holds the columns' names, separated by commas, in UTF-8; lines before it are declared: skip: LINES",
            )
        if header != looks[0].header:
            raise Invalid(
                "file-format",
                f"{name} has not the header of {paths[0].name}",
                hint="files that are read as one have the same columns in one order",
            )
    first = looks[0]
    often = Counter(first.header)
    repeated = [column for column, count in often.items() if count > 1]
    told = [column or "an empty name" for column in repeated]
    hint = f"the header names {', '.join(told[:_SHOWN])} twice or more often: such columns cannot be used" if repeated else ""
    if len(first.header) == 1 and settings.delimiter is None:
        hint = next(
            (
                f"the file seems to be separated by {word}, not commas"
                for mark, word in SEPARATORS.items()
                if mark in first.header[0]
            ),
            hint or "no separator was found in the file's first line: declare it, or export columns of a fixed width as CSV",
        )
    notes = dict.fromkeys(note for one in looks for note in one.notes)
    if named := [column for column in repeated if column]:
        notes[
            f"the header names {', '.join(named[:_SHOWN])} twice or more often: left out, as nobody can tell which is meant"
        ] = None
    last = max((place for place, column in enumerate(first.header) if column), default=0)
    if "" in first.header[:last]:
        notes["the header has columns without a name between others: left out"] = None
    decimal = settings.decimal if settings.decimal is not None else "" if first.delimiter == ";" else "."
    places = {column: place for place, column in enumerate(first.header) if column and often[column] == 1}
    alike = len({(one.zipped, one.delimiter, one.skip) for one in looks}) == 1
    looks = looks if alike else [Look(**{**vars(one), "returns": True}) for one in looks]
    return OpenedCsv(
        dataset,
        dict.fromkeys(places, "text"),
        hint or "; ".join(notes),
        tuple(notes),
        decimal,
        tuple(looks),
        places,
        connection,
    )
