"""CSV files: RFC 4180, comma, UTF-8 with or without a mark, one header line, quotes may hold newlines.

Every field is text, so leading zeros stay; a field that begins with `=` is text too. An empty field is a missing value, in quotes or not.
DuckDB reads the file in place.
"""

from __future__ import annotations

import csv
import glob
from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tallystick.core.agreement.declaration import PathText
from tallystick.core.errors import Invalid
from tallystick.core.model import Document
from tallystick.records.files import check_file
from tallystick.records.locked import Connection
from tallystick.records.port import Block, Kind

MAX_COLUMNS: Final = 4096
_SEPARATORS: Final = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


class CsvSettings(Document):
    """Settings of a CSV source; a file alone may be written in their place.

    Attributes:
        file: the file.
    """

    file: PathText


@dataclass(frozen=True)
class OpenedCsv:
    """A CSV file whose header was read."""

    columns: Mapping[str, Kind]
    hint: str
    clause: str
    parameters: tuple[object, ...] = field(repr=False)
    places: Mapping[str, int] = field(repr=False)

    def blocks(self, names: Sequence[str]) -> Generator[Block, None, None]:
        """Give the whole file as one block, which DuckDB reads piece by piece."""
        yield Block({name: f"c{self.places[name]}" for name in names}, self.clause, self.parameters)


class CsvSource:
    """CSV files."""

    settings = CsvSettings
    short = "file"
    paths = ("file",)

    def opened(
        self, dataset: str, settings: CsvSettings, folder: Path, connection: Connection
    ) -> AbstractContextManager[OpenedCsv]:
        """Read the header."""
        del connection  # DuckDB is told the file by its name
        return nullcontext(open_csv(dataset, (folder / settings.file).absolute()))


SOURCE: Final = CsvSource()


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


def open_csv(dataset: str, path: Path) -> OpenedCsv:
    """Look at a CSV file's header.

    Raises:
        Invalid: `source-missing`, `file-format`.
    """
    check_file(dataset, path)
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
    places = {name: place for place, name in enumerate(names) if name not in repeated}
    hint = f"columns that the header names twice cannot be used: {len(repeated)}" if repeated else ""
    if len(names) == 1:
        hint = next(
            (f"the file seems to be separated by {word}, not commas" for mark, word in _SEPARATORS.items() if mark in names[0]),
            "",
        )
    return OpenedCsv(dict.fromkeys(places, "text"), hint, clause, (glob.escape(str(path)),), places)
