"""Other spellings of people's identifiers: from the file of aliases, and from a person's rows that differ.

The table `aliases` has one row per row of that file: `@person` and the identifiers it holds, as text. What a row of either leaves
empty is as in the person's first spelling. Those of the file come first, then those of more rows, then the smaller ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.core.errors import Invalid
from tallystick.core.linkage.spellings import Spellings
from tallystick.core.sources.identifiers import PERSON, identifier_column, strings
from tallystick.core.sources.locked import Connection, quoted

TABLE: Final = "aliases"


def check_aliases(connection: Connection, dataset: str) -> None:
    """Check that every alias is somebody's.

    Raises:
        Invalid: `source-types`: rows without a person key.
    """
    rows, keyless = connection.execute(f"SELECT count(*), count(*) - count({quoted(PERSON)}) FROM {TABLE}").fetchone()  # noqa: S608 - names of ours
    if keyless:
        raise Invalid("source-types", f"dataset {dataset}: aliases have no person key", detail=f"{keyless} of {rows} rows")


def strangers(connection: Connection) -> tuple[int, int]:
    """Give the rows of the file of aliases, and how many of them are of nobody in `records`: these say nothing."""
    person = quoted(PERSON)
    known = f"{person} IN (SELECT {person} FROM records)"
    rows, unknown = connection.execute(f"SELECT count(*), count(*) FILTER (NOT {known}) FROM {TABLE}").fetchone()  # noqa: S608 - a quoted name
    return int(rows), int(unknown)


def spellings(connection: Connection, config: DeclaredDataset, names: Sequence[str]) -> Spellings | None:
    """Give other spellings of the people in the table `known`, in the order of their keys; None where there are none.

    Args:
        connection: with `records`, `known` (`identifiers.py`) and, where a file is declared, `aliases`.
        config: the declaration.
        names: the identifiers, in the order of `known`.
    """
    if not config.aliases.most or not names:
        return None
    person = quoted(PERSON)
    places = range(len(names))
    mine = ", ".join(f"{quoted(identifier_column(name))} AS i{place}" for place, name in enumerate(names))
    rows = f"SELECT {person} AS person, {mine}, 1 AS listed FROM records"  # noqa: S608 - quoted and numbered names
    if config.aliases.source is not None:
        theirs = ", ".join(
            f"{quoted(identifier_column(name)) if name in config.aliases.identifiers else 'NULL'} AS i{place}"
            for place, name in enumerate(names)
        )
        rows += f" UNION ALL SELECT {person} AS person, {theirs}, 0 AS listed FROM {TABLE}"  # noqa: S608 - as above
    values = ", ".join(f"v{place}" for place in places)
    filled = ", ".join(f"coalesce(i{place}, low{place}) AS v{place}" for place in places)
    other = " OR ".join(f"v{place} IS DISTINCT FROM low{place}" for place in places)
    order = ", ".join(f"v{place} NULLS LAST" for place in places)
    found = connection.execute(
        "WITH first AS (SELECT *, row_number() OVER (ORDER BY person) - 1 AS place FROM known), "  # noqa: S608 - numbered names
        f"counted AS (SELECT place, {values}, min(listed) AS listed, count(*) AS times "
        f"FROM (SELECT first.*, listed, {filled} FROM ({rows}) AS rows JOIN first USING (person)) WHERE {other} "
        f"GROUP BY place, {values}), "
        f"ranked AS (SELECT *, row_number() OVER (PARTITION BY place ORDER BY listed, times DESC, {order}) AS number FROM counted) "
        f"SELECT place, number, {values} FROM ranked WHERE number <= {config.aliases.most} ORDER BY place, number"
    ).fetchnumpy()
    if not len(found["place"]):
        return None
    raw = {name: strings(found[f"v{place}"]) for place, name in enumerate(names)}
    return Spellings(found["place"].astype(np.int64), found["number"].astype(np.int64), raw)
