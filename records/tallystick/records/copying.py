"""Columns of a source, copied as text into a table, with what the source said of itself meanwhile."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final

import duckdb

from tallystick.core.agreement.declaration import DeclaredSource
from tallystick.core.errors import Invalid, TallyError
from tallystick.records.files import read_fault
from tallystick.records.identifiers import PERSON, identifier_column
from tallystick.records.locked import Connection, quote_name
from tallystick.records.places import Places
from tallystick.records.port import OpenedSource
from tallystick.records.registry import open_source
from tallystick.records.types import is_blank


@dataclass(frozen=True)
class Copied:
    """What a source said of itself while its rows were copied.

    Attributes:
        notes: what was found out and not declared.
        decimal: what stands before the digits of a fraction.
        places: where a row stands in the source.
    """

    notes: tuple[str, ...]
    decimal: str
    places: Places


def copy_rows(
    connection: Connection, dataset: str, source: DeclaredSource, folder: Path, targets: Mapping[str, str], table: str
) -> Copied:
    """Copy columns of a source, as text, into a new table. Text that is empty, or spaces alone, is a missing value.

    Rows that hold nothing at all (`Block.blank`) are left out.

    Args:
        connection: where the table is made.
        dataset: what errors call the source.
        source: as it is declared.
        folder: what its paths are relative to.
        targets: by column of the table, the source's column. Without `@person`, that is the number of the row, from 1.
        table: its name.

    Raises:
        TallyError: as `load_dataset`.
    """
    numbered = {} if PERSON in targets else {PERSON: ""}
    made = ", ".join(f"{quote_name(target)} VARCHAR" for target in [*targets, *numbered])
    connection.execute(f"CREATE TABLE {table} ({made})")
    with open_source(dataset, source, folder, connection) as found:
        _check_present(dataset, found, targets)
        failed: duckdb.Error | None = None
        rows = 0
        try:
            with closing(found.blocks(tuple(dict.fromkeys(targets.values())))) as blocks:
                for block in blocks:
                    texts = [block.columns[column] for column in targets.values()]
                    picked = [f"CASE WHEN {is_blank(text)} THEN NULL ELSE {text} END" for text in texts]
                    if numbered:
                        picked.append(f"CAST({rows} + row_number() OVER () AS VARCHAR)")
                    where = f"WHERE NOT ({block.blank})" if block.blank else ""
                    # Names are quoted, a path is a parameter.
                    added = connection.execute(
                        f"INSERT INTO {table} SELECT {', '.join(picked)} FROM {block.clause} {where}",  # noqa: S608 - quoted names
                        list(block.parameters),
                    ).fetchall()
                    rows += int(added[0][0])
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            failed = error
        if failed is not None:  # outside the handler: DuckDB's own text quotes the offending line
            raise _fault_of(found) or read_fault(dataset, failed)
        notes = tuple(getattr(found, "notes", ()))
        return Copied(notes, getattr(found, "decimal", "."), Places(found))


def _fault_of(source: OpenedSource) -> TallyError | None:
    told = getattr(source, "fault", None)
    return None if told is None else told()


def _near(missing: Iterable[str], present: Collection[str]) -> str:
    """Say which columns of the source have names that differ from missing ones in little; "" where none does."""
    plain = {re.sub(r"[\W_]", "", column).casefold(): column for column in present}
    found = []
    for column in sorted(set(missing)):
        key = re.sub(r"[\W_]", "", column).casefold()
        near = (key,) if key in plain else get_close_matches(key, plain, n=1, cutoff=_ALIKE)
        found += [f"{plain[one]} ({column}?)" for one in near]
    return f"; it has {', '.join(found)}: names are compared letter by letter" if found else ""


_ALIKE: Final = 0.75
"""How like two names must be to be told of, of one."""
_LONG_NUMBERS: Final = ("ssn", "phone", "state_id", "school_id", "birth_date", "zip")
"""Identifiers that may be numbers of more than seven digits."""


def _check_present(dataset: str, source: OpenedSource, targets: Mapping[str, str]) -> None:
    missing = {target: column for target, column in targets.items() if column not in source.columns}
    if missing:
        names = ", ".join("the person key" if target == PERSON else target.lstrip("@") for target in missing)
        raise Invalid(
            "source-columns",
            f"dataset {dataset}: the source lacks the column of {names}",
            hint=source.hint or "its IT compares the source's columns with node.yaml",
            detail="missing in the source: "
            + ", ".join(sorted(set(missing.values())))
            + _near(missing.values(), source.columns),
        )
    nested = [target.lstrip("@") for target, column in targets.items() if source.columns[column] == "other"]
    if nested:
        raise Invalid("source-types", f"dataset {dataset}: nested or binary values in {', '.join(nested)}")
    short = [
        "the person key" if target == PERSON else target.lstrip("@")
        for target, column in targets.items()
        if source.columns[column] == "float32" and target in {PERSON, *map(identifier_column, _LONG_NUMBERS)}
    ]
    if short:
        raise Invalid(
            "source-types",
            f"dataset {dataset}: {', '.join(short)} is of 32-bit floats, which hold seven digits: longer numbers are lost",
            hint="export it as text or as a 64-bit integer",
        )
