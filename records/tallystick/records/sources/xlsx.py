"""Spreadsheets (.xlsx): one sheet whose first row names the columns. Needs the extra `xlsx` (python-calamine).

A spreadsheet types cells, not columns, so each value arrives by what its cell holds: text as it stands, a whole number as digits, another
number as the shortest digits that give it, a date as a date. A number that was an SSN has lost its leading zeros, as in any spreadsheet; one
of more than fifteen digits has lost its end. Formulas are read as the values that they had when the file was saved. Rows that hold nothing are
left out.

The sheet is held in memory as it is read: for many rows CSV or Parquet is better.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints

from tallystick.core.agreement.declaration import PathText
from tallystick.core.errors import Invalid
from tallystick.core.model import Document
from tallystick.records.files import check_file
from tallystick.records.locked import Connection
from tallystick.records.port import Block, Kind
from tallystick.records.textblocks import text_blocks
from tallystick.records.textfiles import count_title

_BLANK: Final = "@blank"
_ZIP: Final = b"PK\x03\x04"
_TOP: Final = 20
"""Rows among which a header is looked for."""


class XlsxSettings(Document):
    """Settings of a spreadsheet; a file alone may be written in their place.

    Attributes:
        file: the file.
        sheet: the sheet's name; without it, the first.
        skip: rows before the one that names the columns.
    """

    file: PathText
    sheet: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    skip: Annotated[int, Field(ge=0, le=1000)] | None = None


@dataclass(frozen=True)
class OpenedXlsx:
    """A sheet whose columns' names were read."""

    columns: Mapping[str, Kind]
    hint: str
    notes: tuple[str, ...]
    skip: int
    sheet: Any = field(repr=False)
    places: Mapping[str, int] = field(repr=False)
    connection: Connection = field(repr=False)

    def blocks(self, names: Sequence[str]) -> Generator[Block, None, None]:
        """Give the rows in blocks; one that holds nothing is marked as blank."""
        picked = [self.places[name] for name in names]
        rows = (
            [*(row[place] if place < len(row) else None for place in picked), None if any(row) else "blank"]
            for row in self._rows()
        )
        for block in text_blocks(self.connection, [*names, _BLANK], rows):
            columns = {name: block.columns[name] for name in names}
            yield Block(columns, block.clause, block.parameters, f"{block.columns[_BLANK]} IS NOT NULL")

    def place_of(self, row: int) -> str:
        """Give the row of the sheet, as the spreadsheet numbers them."""
        filled = (number for number, cells in enumerate(self._rows(), self.skip + 2) if any(cells))
        return f"row {next(islice(filled, row, None), 0)}"

    def _rows(self) -> Iterator[list[str | None]]:
        for row in islice(self.sheet.iter_rows(), self.skip + 1, None):
            yield [_as_text(cell) for cell in row]


class XlsxSource:
    """Spreadsheets."""

    settings = XlsxSettings
    short = "file"
    paths = ("file",)

    def open(
        self, dataset: str, settings: XlsxSettings, folder: Path, connection: Connection
    ) -> AbstractContextManager[OpenedXlsx]:
        """Read the sheet and the names of its columns."""
        return nullcontext(_open(dataset, settings, (folder / settings.file).absolute(), connection))


SOURCE: Final = XlsxSource()


def _open(dataset: str, settings: XlsxSettings, path: Path, connection: Connection) -> OpenedXlsx:
    check_file(dataset, path)
    sheet, notes = _sheet(dataset, settings, path)
    skip = settings.skip or 0
    if settings.skip is None:
        top = [[_as_text(cell) or "" for cell in row] for row in islice(sheet.iter_rows(), _TOP)]
        width = max((place + 1 for row in top for place, cell in enumerate(row) if cell), default=0)
        if skip := count_title([row[:width] for row in top]):
            notes.append(
                f"{path.name}: {'a row' if skip == 1 else f'{skip} rows'} before the header left out, which seem to be a title"
            )
    first: list[Any] = next(islice(sheet.iter_rows(), skip, None), [])
    header = [(_as_text(cell) or "").strip() for cell in first]
    while header and not header[-1]:
        header.pop()
    if not header:
        raise Invalid(
            "file-format",
            f"dataset {dataset}: the sheet does not begin with the names of columns",
            hint="rows before them: skip: ROWS",
        )
    often = Counter(header)
    repeated = [name for name, count in often.items() if count > 1 and name]
    if repeated:
        notes.append(
            f"the sheet names {', '.join(repeated[:3])} twice or more often: left out, as nobody can tell which is meant"
        )
    places = {name: place for place, name in enumerate(header) if often[name] == 1 and name}
    return OpenedXlsx(dict.fromkeys(places, "text"), "; ".join(notes), tuple(notes), skip, sheet, places, connection)


def _sheet(dataset: str, settings: XlsxSettings, path: Path) -> tuple[Any, list[str]]:
    """Open the sheet; say which, where it is one of several and none is declared."""
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ImportError:
        raise Invalid(
            "source-missing", f"dataset {dataset}: spreadsheets need the extra xlsx", hint="pip install 'tallystick[xlsx]'"
        ) from None
    with path.open("rb") as file:
        packed = file.read(len(_ZIP)) == _ZIP
    if not packed:
        raise Invalid(
            "file-format",
            f"dataset {dataset}: the source is no .xlsx file, whatever its suffix says",
            hint="declare what it is",
        )
    try:
        book = CalamineWorkbook.from_path(str(path))
        names = book.sheet_names
        name = settings.sheet if settings.sheet is not None else names[0]
        if name in names:
            several = settings.sheet is None and len(names) > 1
            return book.get_sheet_by_name(name), [f"{path.name} has {len(names)} sheets: the first is read"] if several else []
    except (CalamineError, OSError, IndexError):
        broken = True
    else:
        broken = False
    if broken:
        raise Invalid(
            "file-format", f"dataset {dataset}: the spreadsheet is damaged or locked with a password", hint="save it anew"
        )
    raise Invalid("source-missing", f"dataset {dataset}: the spreadsheet has no sheet of that name", hint="its IT checks sheet")


def _as_text(cell: Any) -> str | None:
    """Write a cell as the port has it."""
    match cell:
        case None | "":
            return None
        case bool():
            return "true" if cell else "false"
        case float():
            return str(int(cell)) if cell.is_integer() and abs(cell) < 10**15 else repr(cell)
        case datetime():
            return cell.date().isoformat() if cell.time().isoformat() == "00:00:00" else cell.isoformat(" ")
        case date():
            return cell.isoformat()
        case _:
            return str(cell)
