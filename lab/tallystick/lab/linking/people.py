"""A list of people as a node would have them: read, merged and spelled by a node's own code (`records/`).

DuckDB reads the file in memory; nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import numpy.typing as npt

from tallystick.core.agreement.declaration import DeclaredDataset, DeclaredSource
from tallystick.core.errors import Invalid
from tallystick.core.linkage.matching.duplicates import Duplicates
from tallystick.core.linkage.passes.facts import ListFacts
from tallystick.core.linkage.passes.spellings import Spellings
from tallystick.core.linkage.quality.facts import count_facts
from tallystick.records.aliases import spellings, strangers
from tallystick.records.copying import copy_rows
from tallystick.records.files import read_fault
from tallystick.records.identifiers import hold_known_people, identifiers_of, strings
from tallystick.records.locked import Connection, connect, quote_name
from tallystick.records.port import OpenedSource
from tallystick.records.reading import load_dataset
from tallystick.records.registry import open_source
from tallystick.records.usable import FieldCounts, check_usable, count_fields

Texts = npt.NDArray[Any]
Int64s = npt.NDArray[np.int64]

MOST: Final = 3
"""Other spellings that a person may have in any dataset."""
LIMITS: Final[Mapping[str, Any]] = {"people": 100_000_000, "rows_per_person": 100_000, "columns": {}}
"""Of a dataset that is not declared: as much as any may have."""
SUFFIXES: Final[Mapping[str, str]] = {".parquet": "parquet", ".pq": "parquet", ".xlsx": "xlsx"}
"""Types of source by the suffix of a file; any other is CSV."""
ROW: Final = "row"
"""Stands for the key's column where rows are numbered."""


@dataclass(frozen=True)
class Listed:
    """A list that is to be read.

    Attributes:
        name: what reports and a truth file call it.
        dataset: as it is declared, or would be.
        folder: what the paths of its files are relative to.
        numbered: it has no key: every row is one, numbered from 1.
        limit: how many people it is declared for; None: as many as are read.
    """

    name: str
    dataset: DeclaredDataset
    folder: Path
    numbered: bool = False
    limit: int | None = None


@dataclass(frozen=True)
class AliasReport:
    """Other spellings of a list's people.

    Attributes:
        most: how many of them a person may have; so many are used.
        people: by number, from 1 on: people who have so many spellings beside the first, or more; also above `most`.
        columns: which column of the file of aliases each identifier was read from; none without a file.
        rows: of that file.
        unknown: how many of these are of nobody in the list.
        spellings: those that are used; None if nobody has any.
    """

    most: int
    people: tuple[int, ...]
    columns: Mapping[str, str]
    rows: int
    unknown: int
    spellings: Spellings | None = field(repr=False)

    def json_value(self) -> dict[str, object]:
        """Give the counts."""
        return {
            "most": self.most,
            "people": list(self.people),
            "fields": dict(self.columns),
            "rows": self.rows,
            "unknown_rows": self.unknown,
        }


@dataclass(frozen=True)
class ListPeople:
    """The people of one list.

    Attributes:
        name: the list's.
        keys: (k,) text: the agency's own keys, or the numbers of the rows, from 1.
        identifiers: (n,) text or None, by identifier, of first spellings.
        columns: which column each identifier was read from.
        key: the column of the key; None where rows are numbered.
        rows: rows of the file.
        person: (k,): the index of each key's person; None where every key is one.
        duplicates: which keys were merged, and why; None where none are looked for.
        aliases: other spellings; None where none are looked for.
        limit: how many people the list is declared for; None: as many as there are.
        fields: what became of each identifier, over rows.
        notes: what was found out about the file and not declared.
        declared: what a declaration says of the list for linkage; None: nothing, or the list is a file's, which is counted.
    """

    name: str
    keys: Texts = field(repr=False)
    identifiers: Mapping[str, Texts] = field(repr=False)
    columns: Mapping[str, str]
    key: str | None
    rows: int
    person: Int64s | None = field(repr=False, default=None)
    duplicates: Duplicates | None = field(repr=False, default=None)
    aliases: AliasReport | None = field(repr=False, default=None)
    limit: int | None = None
    fields: Mapping[str, FieldCounts] = field(repr=False, default_factory=dict)
    notes: tuple[str, ...] = ()
    declared: ListFacts | None = None

    @cached_property
    def facts(self) -> ListFacts | None:
        """What is known of the list when recipes are chosen: as a job has it of a declared dataset, else counted."""
        return self.declared if self.limit is not None else count_facts(self.identifiers, self.count)

    @property
    def count(self) -> int:
        """People."""
        return len(self.keys) if self.duplicates is None else self.duplicates.people

    @property
    def expected(self) -> int:
        """For how many people recipes must say enough: as many as are declared, or else are there."""
        return max(2, self.count if self.limit is None else self.limit)

    @property
    def most(self) -> int:
        """How many spellings a person may have beside the first."""
        return 0 if self.aliases is None else self.aliases.most

    @property
    def spellings(self) -> Spellings | None:
        """Other spellings that are used."""
        return None if self.aliases is None else self.aliases.spellings

    def persons(self) -> Int64s:
        """Give each key's person, shape (k,)."""
        return np.arange(len(self.keys), dtype=np.int64) if self.person is None else self.person

    def json_value(self) -> dict[str, object]:
        """Give the counts; no row and no key."""
        return {
            "name": self.name, "rows": self.rows, "keys": len(self.keys), "people": self.count, "key": self.key,
            "fields": dict(self.columns), "notes": list(self.notes),
            "read": {name: found.json_value() for name, found in self.fields.items()},
            "duplicates": None if self.duplicates is None else self.duplicates.json_value(),
            "aliases": None if self.aliases is None else self.aliases.json_value(),
        }  # fmt: skip


def header_of(path: Path) -> list[str]:
    """Give the names of the columns of a CSV or a Parquet file that can be used: those that stand there once.

    Raises:
        Invalid: `file-missing`, `file-format`.
    """
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise Invalid("file-missing", f"{path} cannot be read", detail=type(error).__name__) from error
    with connect(None) as connection, open_file(connection, path) as found:
        return list(found.columns)


def open_file(connection: Connection, path: Path) -> AbstractContextManager[OpenedSource]:
    """Look at a CSV or a Parquet file.

    Raises:
        Invalid: `source-missing`, `file-format`.
    """
    return open_source(path.stem, DeclaredSource(source_of(path)), path.parent, connection)


def select_columns(path: Path, columns: Sequence[str], what: Callable[[Mapping[str, str]], str]) -> dict[str, Any]:
    """Give columns of a file, as DuckDB gives them.

    Args:
        path: a CSV or a Parquet file.
        columns: those that are read.
        what: from the SQL expression of each, the expressions to select, with names of our own.

    Raises:
        Invalid: `source-missing`, `file-format`. Broken: `source-large`.
    """
    with connect(None) as connection:
        try:
            copy_rows(
                connection, path.stem, DeclaredSource(source_of(path)), path.parent, {name: name for name in columns}, "picked"
            )
            found: dict[str, Any] = connection.execute(
                f"SELECT {what({name: quote_name(name) for name in columns})} FROM picked"  # noqa: S608 - quoted names
            ).fetchnumpy()
        except duckdb.Error as error:
            fault = read_fault(path.stem, error)
        else:
            return found
    raise fault  # outside the handler: DuckDB's own text quotes the offending line


def separators(path: Path) -> str:
    """Say what may be wrong with a file whose columns are not those that are looked for; "" where nothing is known."""
    with connect(None) as connection, open_file(connection, path) as found:
        return found.hint


def source_of(path: Path) -> dict[str, str]:
    """Give a file as a declaration names its source."""
    return {SUFFIXES.get(path.suffix.lower(), "csv"): str(path.absolute())}


def read_people(path: Path, columns: Mapping[str, str], key: str | None) -> ListPeople:
    """Read a file whose keys are people.

    Args:
        path: a CSV or a Parquet file.
        columns: the file's column of each identifier.
        key: the column of the agency's own key; None: every row is a person.

    Raises:
        Invalid: as `people_of`.
    """
    value = {**LIMITS, "source": source_of(path), "person": key or ROW, "identifiers": dict(columns)}
    return people_of(Listed(path.stem, DeclaredDataset.read(value, what=path.name), path.parent, numbered=key is None))


def people_of(listed: Listed) -> ListPeople:
    """Read a list, as a node would.

    Raises:
        Invalid: `source-missing`, `file-format`, `source-columns`, `source-types`, `source-bounds`, `source-people`; where keys are
            merged, `link-invalid`, `link-impossible`. Refused: `link-weak`. Broken: `source-large`.
    """
    config = listed.dataset
    names = tuple(config.identifiers)
    reading = load_dataset(
        listed.name, config, listed.folder,
        max_memory_mib=None, columns=(), numbered=listed.numbered, keep_keys=True,
    )  # fmt: skip
    with reading as records:
        connection = records.connection
        fields = count_fields(connection, names, records.places)
        check_usable(listed.name, config, fields)
        keys = strings(connection.execute("SELECT person FROM keys ORDER BY place").fetchnumpy()["person"])
        with hold_known_people(connection, names, single=records.most <= 1):
            identifiers = identifiers_of(connection, names)
            aliases = None if not config.aliases.most else _aliases(listed, connection, names)
    person = None
    if records.duplicates is not None:
        # people stand in the order of their smallest keys, as the keys do
        person = np.unique(records.duplicates.person, return_inverse=True)[1].astype(np.int64)
    return ListPeople(
        listed.name,
        keys,
        identifiers,
        {str(name): column for name, column in config.identifier_columns.items()},
        None if listed.numbered else config.person,
        records.rows,
        person,
        records.duplicates,
        aliases,
        listed.limit,
        fields,
        records.told,
        None if listed.dataset.linkage is None else listed.dataset.linkage.facts(),
    )


def _aliases(listed: Listed, connection: Connection, names: tuple[str, ...]) -> AliasReport:
    """Find other spellings, more than may be used, to tell how many there are."""
    declared = listed.dataset.aliases
    rows, unknown = (0, 0) if declared.source is None else strangers(connection)
    if rows and rows == unknown:
        raise Invalid(
            "source-columns",
            f"{listed.name}: no row of the file of aliases has a key of the list",
            hint="compare the columns of their keys",
        )
    wider = listed.dataset.model_copy(update={"aliases": declared.model_copy(update={"most": MOST})})
    columns = {str(name): column for name, column in declared.identifiers.items()}
    found = spellings(connection, wider, names)
    if found is None:
        return AliasReport(declared.most, (0,) * MOST, columns, rows, unknown, None)
    people = tuple(int(np.count_nonzero(found.number == number)) for number in range(1, MOST + 1))
    used = found.number <= declared.most
    raw = {name: values[used] for name, values in found.identifiers.items()}
    return AliasReport(declared.most, people, columns, rows, unknown, Spellings(found.who[used], found.number[used], raw))
