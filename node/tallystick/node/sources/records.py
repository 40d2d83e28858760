"""A dataset in memory: read once with statements of our own, checked, then locked away from everything outside.

The table `records` has one row per row of the source: `@person` and `@ssn`, … as text, and the loaded columns under their
declared names and types. `@` cannot stand in a declared name, so no condition can reach the person key or an identifier.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.core.errors import Invalid, TallyError
from tallystick.node.sources.files import Opened, open_csv, open_parquet, read_fault
from tallystick.node.sources.locked import Connection, connect, lock, quoted
from tallystick.node.sources.types import PLURALS, typed

PERSON = "@person"


@dataclass(frozen=True)
class Records:
    """Loaded records behind a locked connection.

    Attributes:
        dataset: its name.
        config: its declaration.
        columns: the declared columns that were loaded.
        rows: how many rows.
        most: rows of the person who has most.
    """

    dataset: str
    config: DeclaredDataset
    columns: tuple[str, ...]
    rows: int
    most: int
    connection: Connection = field(repr=False)


@contextmanager
def loaded(
    dataset: str, config: DeclaredDataset, folder: Path, *, max_memory_mib: int, columns: Collection[str] | None = None
) -> Iterator[Records]:
    """Load a dataset for as long as the context lasts.

    Args:
        dataset: its name.
        config: its declaration.
        folder: what the source's path is relative to.
        max_memory_mib: what DuckDB may take.
        columns: which declared columns to load; None for all. Identifiers and the person key always are.

    Raises:
        Invalid: `source-missing`, `file-format`, `source-columns`, `source-types`, `source-bounds`, `source-people`.
        Broken: `source-large`.

    Security: errors name declared columns; counts stand in `detail`; no value ever does.
    """
    wanted = tuple(name for name in config.columns if columns is None or name in columns)
    connection = connect(max_memory_mib)
    try:
        fault: TallyError | None = None
        try:
            _read(connection, dataset, config, (folder / config.source.path).absolute(), wanted)
            lock(connection)
            rows, most = _typed_table(connection, dataset, config, wanted)
        except duckdb.Error as error:
            fault = read_fault(dataset, error)
        if fault is not None:
            raise fault
        try:
            yield Records(dataset, config, wanted, rows, most, connection)
        except duckdb.OutOfMemoryException as error:
            fault = read_fault(dataset, error)
        if fault is not None:
            raise fault
    finally:
        connection.close()


def identifier_column(name: str) -> str:
    """Give the column of `records` that holds an identifier."""
    return f"@{name}"


def _read(connection: Connection, dataset: str, config: DeclaredDataset, path: Path, wanted: tuple[str, ...]) -> None:
    """Copy the columns that are wanted, as text, into the table `raw`."""
    source = open_csv(dataset, path) if config.source.csv is not None else open_parquet(connection, dataset, path)
    targets = {PERSON: config.person}
    targets |= {identifier_column(name): column for name, column in config.identifiers.items()}
    targets |= {name: config.columns[name].source or name for name in wanted}
    _check_present(dataset, source, targets)
    picked = ", ".join(f"nullif({source.columns[column]}, '') AS {quoted(target)}" for target, column in targets.items())
    # Names are quoted, the path is a parameter.
    connection.execute(f"CREATE TABLE raw AS SELECT {picked} FROM {source.clause}", list(source.parameters))  # noqa: S608


def _check_present(dataset: str, source: Opened, targets: dict[str, str]) -> None:
    missing = {target: column for target, column in targets.items() if column not in source.columns}
    if missing:
        names = ", ".join("the person key" if target == PERSON else target.lstrip("@") for target in missing)
        raise Invalid(
            "source-columns",
            f"dataset {dataset}: the source lacks the column of {names}",
            hint=source.hint or "its IT compares the file's header with node.yaml",
            detail="missing in the source: " + ", ".join(sorted(set(missing.values()))),
        )
    nested = [target.lstrip("@") for target, column in targets.items() if not source.columns[column]]
    if nested:
        raise Invalid("source-types", f"dataset {dataset}: nested or binary values in {', '.join(nested)}")


def _typed_table(connection: Connection, dataset: str, config: DeclaredDataset, wanted: tuple[str, ...]) -> tuple[int, int]:
    """Check `raw` and turn it into `records`; gives the number of rows, and of the rows of the person who has most."""
    expressions = {name: typed(config.columns[name].declared(), quoted(name), name=name) for name in wanted}
    counts = ["count(*)", f"count(*) FILTER (WHERE {quoted(PERSON)} IS NULL)"]
    for name, column in expressions.items():
        counts.append(f"count(*) FILTER (WHERE {quoted(name)} IS NOT NULL AND NOT {column.good})")
        counts.append(f"count(*) FILTER (WHERE {column.good} AND {column.outside})" if column.outside else "0")
    rows, keyless, *found = connection.execute(f"SELECT {', '.join(counts)} FROM raw").fetchone()  # noqa: S608
    if keyless:
        raise Invalid("source-types", f"dataset {dataset}: rows have no person key", detail=f"{keyless} of {rows} rows")
    bad = {name: count for name, count in zip(expressions, found[0::2], strict=True) if count}
    if bad:
        kinds = "; ".join(f"column {name} holds what are not {PLURALS[config.columns[name].type]}" for name in bad)
        raise Invalid("source-types", f"dataset {dataset}: {kinds}", detail=_counted(bad))
    clip = config.out_of_bounds == "clip"
    outside = {
        name: count
        for (name, column), count in zip(expressions.items(), found[1::2], strict=True)
        if count and not (clip and column.can_clip)
    }
    if outside:
        raise Invalid(
            "source-bounds",
            f"dataset {dataset}: values outside what is declared, in column {', '.join(outside)}",
            hint="correct the records, or agree on wider bounds or values",
            detail=_counted(outside),
        )
    kept = [quoted(PERSON), *(quoted(identifier_column(name)) for name in config.identifiers)]
    kept += [
        f"CASE WHEN {quoted(n)} IS NOT NULL THEN {c.clipped if clip else c.value} END AS {quoted(n)}"
        for n, c in expressions.items()
    ]
    connection.execute(f"CREATE TABLE records AS SELECT {', '.join(kept)} FROM raw")  # noqa: S608
    connection.execute("DROP TABLE raw")
    return int(rows), _checked_people(connection, dataset, config)


def _checked_people(connection: Connection, dataset: str, config: DeclaredDataset) -> int:
    """Give the rows of the person who has most, if that is allowed and there are not too many people."""
    counts = f"SELECT count(*) AS rows FROM records GROUP BY {quoted(PERSON)}"  # noqa: S608 - a quoted name
    over = f"count(*) FILTER (WHERE rows > {config.rows_per_person})"
    most, over_many, people = connection.execute(
        f"SELECT coalesce(max(rows), 0), {over}, count(*) FROM ({counts})"  # noqa: S608 - as above
    ).fetchone()
    if over_many:
        raise Invalid(
            "source-bounds",
            f"dataset {dataset}: people have more rows than rows_per_person allows",
            hint="check the person key, or agree on a larger rows_per_person",
            detail=f"{over_many} people",
        )
    if people > config.people:
        raise Invalid(
            "source-people",
            f"dataset {dataset}: the source holds more people than the {config.people:,} it is declared for",
            hint="check the person key, or agree on a larger number: `people` of the dataset",
            detail=f"{people} people",
        )
    return int(most)


def _counted(counts: dict[str, int]) -> str:
    return "; ".join(f"{name}: {count} rows" for name, count in counts.items())
