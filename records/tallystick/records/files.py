"""What sources in files have in common: the check that there is one, and what reading one may fail with."""

from __future__ import annotations

import glob
import re
from pathlib import Path
from typing import Final

import duckdb

from tallystick.core.errors import Broken, Invalid, TallyError

_CSV_LINE: Final = re.compile(r"CSV Error on Line: (\d+)")


def list_files(dataset: str, path: Path) -> list[Path]:
    """List the files that a path names, in the order of their names: itself, or those that fit its `*`, `?` and `[…]`.

    Raises:
        Invalid: `source-missing`: no file fits.
    """
    absolute = path.absolute()
    if not glob.has_magic(str(absolute)) or absolute.exists():
        return [absolute]
    anchor = Path(absolute.anchor)
    found = sorted(file for file in anchor.glob(str(absolute.relative_to(anchor))) if file.is_file())
    if not found:
        raise Invalid(
            "source-missing",
            f"dataset {dataset}: no file fits the source's path",
            hint="its IT checks the path",
            detail=str(path),
        )
    return found


def check_file(dataset: str, path: Path) -> None:
    """Check that a file is there, can be read, and is not empty.

    Raises:
        Invalid: `source-missing`, `file-format`.
    """
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


def read_fault(dataset: str, error: BaseException) -> TallyError:
    """Say what went wrong in reading, without DuckDB's own text: that quotes the offending line.

    Raise what this gives outside the `except` block, so that the original does not hang on it.
    """
    if isinstance(error, duckdb.OutOfMemoryException):
        return Broken(
            "source-large",
            f"dataset {dataset}: the source does not fit the memory it may take",
            hint="its IT raises max_memory_mib in node.yaml, or the memory of the container or machine, four fifths of which may be taken",
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
