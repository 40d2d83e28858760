"""A dataset in memory: read once with statements of our own, checked, then locked away from everything outside.

The table `records` has one row per row of the source: `@person` and `@ssn`, … as text, and the loaded columns under their
declared names and types. `@` cannot stand in a declared name, so no condition can reach the person key or an identifier.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.core.errors import Invalid, TallyError
from tallystick.core.linkage.matching.duplicates import Duplicates
from tallystick.core.values.forms import common_form
from tallystick.core.values.periods import Unit, parse_period, write_period
from tallystick.records.aliases import TABLE, check_aliases
from tallystick.records.copying import Copied, copy_rows
from tallystick.records.dated import DateReading, read_date_columns
from tallystick.records.files import read_fault
from tallystick.records.identifiers import PERSON, identifier_column, strings
from tallystick.records.keys import check_keys
from tallystick.records.locked import Connection, connect, lock, quote_name
from tallystick.records.mending import mend_column
from tallystick.records.merging import find_shared_columns, merge_keys, number_keys
from tallystick.records.missing import empty_missing
from tallystick.records.places import Places
from tallystick.records.relations import copy_related
from tallystick.records.types import PLURALS, build_expressions
from tallystick.records.version import version_of
from tallystick.records.wholenames import split_names


@dataclass(frozen=True)
class Records:
    """Loaded records behind a locked connection.

    Attributes:
        dataset: its name.
        config: its declaration.
        columns: the declared columns that were loaded.
        rows: how many rows.
        most: rows of the person who has most.
        duplicates: which keys were one person; None where the declaration merges none.
        version: of the rows that were read, where it was asked for (`version.py`).
        notes: what was found out about the source and not declared, in sentences.
        dates: how columns of dates were read.
        places: where a row of `records` stands in the source, by its `rowid`.
    """

    dataset: str
    config: DeclaredDataset
    columns: tuple[str, ...]
    rows: int
    most: int
    connection: Connection = field(repr=False)
    duplicates: Duplicates | None = field(repr=False, default=None)
    version: str | None = None
    notes: tuple[str, ...] = ()
    dates: tuple[DateReading, ...] = ()
    places: Places = field(repr=False, default=Places())

    @property
    def told(self) -> tuple[str, ...]:
        """What people are told of the reading: notes, how dates were read where the values themselves do not say, and which are odd."""
        told = (f"dates of {one.column}: {text}" for one in self.dates for text in (one.order, one.remark) if text)
        return (*self.notes, *told)


@contextmanager
def load_dataset(
    dataset: str,
    config: DeclaredDataset,
    folder: Path,
    *,
    max_memory_mib: int | None,
    columns: Collection[str] | None = None,
    numbered: bool = False,
    keep_keys: bool = False,
    versioned: bool = False,
    shown: dict[str, str] | None = None,
) -> Iterator[Records]:
    """Load a dataset for as long as the context lasts.

    Args:
        dataset: its name.
        config: its declaration.
        folder: what the source's path is relative to.
        max_memory_mib: what DuckDB may take; None: as `locked.connect`.
        columns: which declared columns to load; None for all. Identifiers and the person key always are.
        numbered: the source has no person key; the number of a row, from 1, takes its place.
        versioned: give the version of what was read.
        shown: takes a value of each column that cannot be read, for the owner's terminal alone.
        keep_keys: have the table `keys` (`merging.number_keys`): the person keys as they were before any were merged.

    Raises:
        Invalid: `source-missing`, `file-format`, `source-columns`, `source-types`, `source-bounds`, `source-people`; where keys
            are merged, `link-invalid`, `link-impossible`.
        Refused: `link-weak`, where keys are merged.
        Broken: `source-large`.

    Security: errors name declared columns; counts stand in `detail`; no value ever does.
    """
    wanted = tuple(name for name in config.columns if columns is None or name in columns)
    connection = connect(max_memory_mib)
    try:
        fault: TallyError | None = None
        try:
            read = _read(connection, dataset, config, folder, wanted, numbered=numbered)
            lock(connection)
            version = version_of(connection, "raw", *_aliases(config)) if versioned else None
            if not numbered:
                check_keys(
                    connection, dataset, read.places, config.person if config.relation is None else config.relation.person
                )
            empty_missing(connection, config, wanted)
            notes = [*read.notes, *split_names(connection, config)]
            dates = read_date_columns(connection, dataset, config, "raw", read.places, wanted)
            if config.aliases.source is not None:
                read_date_columns(connection, f"{dataset} (aliases)", config, TABLE, Places())
            rows = _build_records(connection, dataset, config, wanted, read, {} if shown is None else shown)
            notes += _compare_calendar(connection, config, wanted)
            most, people = _most_and_people(connection)
            found = None
            if config.duplicates.merges or keep_keys:
                number_keys(connection)
            if config.duplicates.merges:
                found = merge_keys(connection, dataset, config, single=most <= 1)
                if not keep_keys:
                    connection.execute("DROP TABLE keys")
                most, people = _most_and_people(connection)
            _check_people(connection, dataset, config, people, most)
        except duckdb.Error as error:
            fault = read_fault(dataset, error)
        if fault is not None:
            raise fault
        try:
            yield Records(
                dataset, config, wanted, rows, most, connection, found, version, tuple(notes), tuple(dates), read.places
            )
        except duckdb.OutOfMemoryException as error:
            fault = read_fault(dataset, error)
        if fault is not None:
            raise fault
    finally:
        connection.close()


def _read(
    connection: Connection, dataset: str, config: DeclaredDataset, folder: Path, wanted: tuple[str, ...], *, numbered: bool
) -> Copied:
    """Copy the columns that are wanted, as text, into the table `raw`; and those of the file of aliases into `aliases`."""
    columns = {name: config.columns[name].source or name for name in wanted}
    if config.relation is not None:
        return copy_related(connection, dataset, config, folder, columns)
    targets = {} if numbered else {PERSON: config.person}
    targets |= {identifier_column(name): column for name, column in config.identifier_columns.items()}
    targets |= find_shared_columns(config)
    read = copy_rows(connection, dataset, config.source, folder, targets | columns, "raw")
    if config.aliases.source is not None and config.aliases.person is not None:
        targets = {PERSON: config.aliases.person}
        targets |= {identifier_column(name): column for name, column in config.aliases.identifiers.items()}
        aliases = copy_rows(connection, f"{dataset} (aliases)", config.aliases.source, folder, targets, TABLE)
        check_aliases(connection, dataset)
        read = replace(read, notes=(*read.notes, *aliases.notes))
    return read


def _aliases(config: DeclaredDataset) -> tuple[str, ...]:
    """Name the table of the file of aliases, where there is one."""
    return () if config.aliases.source is None else (TABLE,)


def _build_records(
    connection: Connection,
    dataset: str,
    config: DeclaredDataset,
    wanted: tuple[str, ...],
    read: Copied,
    shown: dict[str, str],
) -> int:
    """Check `raw` and turn it into `records`; gives the number of rows."""
    expressions = {
        name: build_expressions(config.columns[name], quote_name(name), name=name, decimal=read.decimal) for name in wanted
    }
    counts = ["count(*)"]
    for name, column in expressions.items():
        counts.append(f"count(*) FILTER (WHERE {quote_name(name)} IS NOT NULL AND NOT {column.good})")
        counts.append(f"count(*) FILTER (WHERE {column.good} AND {column.outside})" if column.outside else "0")
    rows, *found = connection.execute(f"SELECT {', '.join(counts)} FROM raw").fetchone()  # noqa: S608 - quoted names
    bad = {name: count for name, count in zip(expressions, found[0::2], strict=True) if count}
    if bad:
        kinds = "; ".join(f"column {name} holds what are not {PLURALS[config.columns[name].type]}" for name in bad)
        shown |= {name: _one(connection, name, f"NOT {expressions[name].good}") for name in bad}
        blamed = {
            name: _describe_fault(connection, name, f"NOT {expressions[name].good}", count, read.places)
            for name, count in bad.items()
        }
        raise Invalid(
            "source-types",
            f"dataset {dataset}: {kinds}",
            # the hint goes to others, and what would mend a value says something of it
            hint="its IT sees which rows and what would let them pass: tally node check",
            detail="; ".join(
                f"{told}: {mend_column(name, config.columns[name], form)}" for name, (told, form) in blamed.items()
            ),
        )
    clip = config.out_of_bounds == "clip"
    outside = {
        name: count
        for (name, column), count in zip(expressions.items(), found[1::2], strict=True)
        if count and not (clip and column.can_clip)
    }
    if outside:
        shown |= {name: _one(connection, name, f"{expressions[name].good} AND {expressions[name].outside}") for name in outside}
        raise Invalid(
            "source-bounds",
            f"dataset {dataset}: values outside what is declared, in column {', '.join(outside)}",
            hint="correct the records, or agree on wider bounds or values; for categories, `case: ignore` or `other: VALUE` may do",
            detail="; ".join(
                _describe_fault(
                    connection, name, f"{expressions[name].good} AND {expressions[name].outside}", count, read.places
                )[0]
                for name, count in outside.items()
            ),
        )
    kept = [quote_name(PERSON), *(quote_name(identifier_column(name)) for name in config.identifiers)]
    kept += [quote_name(name) for name in find_shared_columns(config)]
    kept += [
        f"CASE WHEN {quote_name(n)} IS NOT NULL THEN {c.clipped if clip else c.value} END AS {quote_name(n)}"
        for n, c in expressions.items()
    ]
    connection.execute(f"CREATE TABLE records AS SELECT {', '.join(kept)} FROM raw")  # noqa: S608 - quoted names
    connection.execute("DROP TABLE raw")
    return int(rows)


def _compare_calendar(connection: Connection, config: DeclaredDataset, wanted: tuple[str, ...]) -> list[str]:
    """Say of months and quarters where the rows end before the declared bounds do: there people look as if without a row."""
    notes = []
    for name in wanted:
        column = config.columns[name]
        if column.type not in {"month", "quarter"} or column.max is None:
            continue
        unit: Unit = "month" if column.type == "month" else "quarter"
        (last,) = connection.execute(f"SELECT max({quote_name(name)}) FROM records").fetchone()  # noqa: S608 - a quoted name
        if last is not None and last < parse_period(str(column.max), unit):
            notes.append(
                f"{name}: the last rows are of {write_period(last, unit)}, and it is declared up to {column.max}; jobs that follow people "
                "there count them as without a row"
            )
    return notes


def _most_and_people(connection: Connection) -> tuple[int, int]:
    """Give the rows of the person who has most, and how many people there are."""
    counts = f"SELECT count(*) AS rows FROM records GROUP BY {quote_name(PERSON)}"  # noqa: S608 - a quoted name
    most, people = connection.execute(f"SELECT coalesce(max(rows), 0), count(*) FROM ({counts})").fetchone()  # noqa: S608 - as above
    return int(most), int(people)


def _check_people(connection: Connection, dataset: str, config: DeclaredDataset, people: int, most: int) -> None:
    """Check that there are no more people, and nobody has more rows, than is declared."""
    if most > config.rows_per_person:
        counts = f"SELECT count(*) AS rows FROM records GROUP BY {quote_name(PERSON)}"  # noqa: S608 - a quoted name
        over = f"SELECT count(*) FROM ({counts}) WHERE rows > {config.rows_per_person}"  # noqa: S608 - as above
        raise Invalid(
            "source-bounds",
            f"dataset {dataset}: people have more rows than rows_per_person allows",
            hint="check the person key, or agree on a larger rows_per_person",
            detail=f"{connection.execute(over).fetchone()[0]} people",
        )
    if people > config.people:
        raise Invalid(
            "source-people",
            f"dataset {dataset}: the source holds more people than the {config.people:,} it is declared for",
            hint="check the person key, or agree on a larger number: `people` of the dataset",
            detail=f"{people} people",
        )


def _one(connection: Connection, name: str, test: str) -> str:
    """Give the first value of a column that fails a test."""
    where = f"{quote_name(name)} IS NOT NULL AND {test}"
    return str(connection.execute(f"SELECT {quote_name(name)} FROM raw WHERE {where} ORDER BY rowid LIMIT 1").fetchone()[0])  # noqa: S608 - quoted names


def _describe_fault(connection: Connection, name: str, test: str, count: int, places: Places) -> tuple[str, str]:
    """Say how many rows of a column fail a test, where the first of them stands, and of which form most of the values are; and the form."""
    where = f"{quote_name(name)} IS NOT NULL AND {test}"
    found = connection.execute(
        f"SELECT {quote_name(name)} AS value, count(*) AS times, min(rowid) AS first FROM raw WHERE {where} "  # noqa: S608 - quoted names
        "GROUP BY 1 ORDER BY times DESC, first LIMIT 200"
    ).fetchnumpy()
    times = [int(one) for one in found["times"]]
    shape = common_form([str(value) for value in strings(found["value"])], times)
    first = connection.execute(f"SELECT min(rowid) FROM raw WHERE {where}").fetchone()[0]  # noqa: S608 - quoted names
    return f"{name}: {count} rows, the first in {places.of(int(first))}, of the form {shape}", shape
