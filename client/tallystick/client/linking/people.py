"""A CSV file as people: one row each, as a node would read it.

Rows with the same key are one person, and an identifier is the most frequent one over the person's rows; of equally frequent ones
the smallest. DuckDB reads the file in memory; nothing is written.
"""

from __future__ import annotations

import csv
import glob
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import numpy.typing as npt

from tallystick.core.errors import Invalid

Texts = npt.NDArray[Any]
_QUIET: Final[dict[str, str | bool | int | float | list[str]]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


@dataclass(frozen=True)
class People:
    """The people of one file.

    Attributes:
        name: the file's, without its ending.
        keys: (n,) text: the agency's own key, or the number of the row, from 1.
        identifiers: (n,) text or None, by identifier.
        columns: which column each identifier was read from.
        key: the column of the key; None where rows are numbered.
        rows: rows of the file.
    """

    name: str
    keys: Texts = field(repr=False)
    identifiers: Mapping[str, Texts] = field(repr=False)
    columns: Mapping[str, str]
    key: str | None
    rows: int

    @property
    def count(self) -> int:
        """People."""
        return len(self.keys)


def header_of(path: Path) -> list[str]:
    """Give a CSV file's column names, without spaces around them.

    Raises:
        Invalid: `file-missing`, `file-format`.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = [name.strip() for name in next(csv.reader(file, strict=True), [])]
    except OSError as error:
        raise Invalid("file-missing", f"{path} cannot be read", detail=type(error).__name__) from error
    except (UnicodeDecodeError, csv.Error):
        header = []
    if not header or any("\0" in name for name in header) or len(set(header)) != len(header):
        raise Invalid(
            "file-format",
            f"{path} does not begin with a CSV header",
            hint="the first line holds different column names, separated by commas, in UTF-8",
        )
    return header


def read_columns(path: Path, columns: Mapping[str, str]) -> tuple[dict[str, Texts], int]:
    """Give columns of a CSV file as text, None where a cell is empty, in the order of the rows; and the number of rows.

    Args:
        path: the file.
        columns: the file's column by the name to give it.

    Raises:
        Invalid: `file-missing`, `file-format`, `source-columns`.
    """
    header = header_of(path)
    lacking = sorted(set(columns.values()) - set(header))
    if lacking:
        raise Invalid("source-columns", f"{path} has no column {', '.join(lacking)}")
    wanted = list(columns.items())
    picked = ", ".join(f"nullif(trim(c{header.index(column)}), '') AS v{at}" for at, (_, column) in enumerate(wanted))
    types = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(len(header)))
    query = (
        f"SELECT {picked or '1 AS v0'} FROM read_csv(?, header = true, auto_detect = false, all_varchar = true, delim = ',', "  # noqa: S608 - numbered names
        f"quote = '\"', escape = '\"', nullstr = '', columns = {{{types}}})"
    )
    try:
        with duckdb.connect(":memory:", config=_QUIET) as connection:
            found = connection.execute(query, (glob.escape(str(path)),)).fetchnumpy()
    except duckdb.Error as error:
        fault = Invalid(
            "file-format",
            f"{path} is not well-formed",
            hint="every row has as many fields as the header, quotes are closed, the text is UTF-8",
            detail=type(error).__name__,
        )
    else:
        return {name: _texts(found[f"v{at}"]) for at, (name, _) in enumerate(wanted)}, len(found["v0"])
    raise fault  # outside the handler: DuckDB's own text quotes the offending line


def read_people(path: Path, columns: Mapping[str, str], key: str | None) -> People:
    """Read a file.

    Args:
        path: a CSV file.
        columns: the file's column of each identifier.
        key: the column of the agency's own key; None: every row is a person.

    Raises:
        Invalid: `file-missing`, `file-format`; `source-columns`: a column is missing, or a row has no key.
    """
    wanted = {f"i.{name}": column for name, column in columns.items()} | ({} if key is None else {"key": key})
    found, rows = read_columns(path, wanted)
    raw = {name: found[f"i.{name}"] for name in columns}
    if key is None:
        return People(path.stem, np.arange(1, rows + 1).astype(str).astype(object), raw, columns, None, rows)
    if any(value is None for value in found["key"]):
        raise Invalid("source-columns", f"{path} has a row without a key in {key}", hint="choose another --key")
    place: dict[str, int] = {}
    person = np.fromiter((place.setdefault(value, len(place)) for value in found["key"]), dtype=np.int64, count=rows)
    if len(place) < rows:
        raw = {name: _most_frequent(person, values, len(place)) for name, values in raw.items()}
    return People(path.stem, np.array(list(place), dtype=object), raw, columns, key, rows)


def _most_frequent(person: npt.NDArray[np.int64], values: Texts, people: int) -> Texts:
    """Give each person's most frequent value, the smallest of equally frequent ones; None where there is none."""
    distinct = sorted({value for value in values if value is not None})
    rank = {value: at for at, value in enumerate(distinct)}
    code = np.fromiter((rank.get(value, -1) for value in values), dtype=np.int64, count=len(values))
    known = code >= 0
    pairs, times = np.unique(person[known] * max(len(distinct), 1) + code[known], return_counts=True)
    who, what = np.divmod(pairs, max(len(distinct), 1))
    order = np.lexsort((what, -times, who))
    who, what = who[order], what[order]
    first = np.flatnonzero(np.diff(who, prepend=-1))
    picked = np.full(people, None, dtype=object)
    picked[who[first]] = np.array(distinct, dtype=object)[what[first]] if len(first) else []
    return picked


def _texts(values: Any) -> Texts:
    if isinstance(values, np.ma.MaskedArray):
        plain = np.asarray(values.data, dtype=object).copy()
        plain[np.ma.getmaskarray(values)] = None
        return plain
    return np.asarray(values, dtype=object)
