"""Other spellings of people's identifiers: from the file of aliases, and from a person's rows that differ.

The table `aliases` has one row per row of that file: `@person` and the identifiers it holds, as text. What a row of either leaves
empty, or writes so that nothing can be made of it (`UNKNOWN`), is as in the person's first spelling; what is spelt alike (`spelled.py`)
is one spelling. Those of the file come first, then those of more rows, then the smaller ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.core.errors import Invalid
from tallystick.core.linkage.passes.spellings import Spellings
from tallystick.records.identifiers import PERSON, Strings, identifier_column, strings
from tallystick.records.locked import Connection, quote_name
from tallystick.records.spelled import NOTHING, number_spellings

Int64s = npt.NDArray[np.int64]

TABLE: Final = "aliases"


def check_aliases(connection: Connection, dataset: str) -> None:
    """Check that every alias is somebody's.

    Raises:
        Invalid: `source-types`: rows without a person key.
    """
    rows, keyless = connection.execute(f"SELECT count(*), count(*) - count({quote_name(PERSON)}) FROM {TABLE}").fetchone()  # noqa: S608 - names of ours
    if keyless:
        raise Invalid("source-types", f"dataset {dataset}: aliases have no person key", detail=f"{keyless} of {rows} rows")


def strangers(connection: Connection) -> tuple[int, int]:
    """Give the rows of the file of aliases, and how many of them are of nobody in `records`: these say nothing."""
    person = quote_name(PERSON)
    known = f"{person} IN (SELECT {person} FROM records)"  # noqa: S608 - a quoted name
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
    found = _rows_that_differ(connection, config, names)
    place = found["place"].astype(np.int64)
    if not len(place):
        return None
    columns = [_Column.of(name, found[f"v{at}"], found[f"low{at}"]) for at, name in enumerate(names)]
    other = np.flatnonzero(np.any([column.alike != column.first for column in columns], axis=0))
    place, listed, times = place[other], found["listed"][other].astype(np.int64), found["times"][other].astype(np.int64)
    ranks = [column.rank[other] for column in columns]
    group = np.unique(np.stack([place, *(column.alike[other] for column in columns)]), axis=1, return_inverse=True)[1].reshape(
        -1
    )
    # of those spelt alike the most frequent stands for all
    order = np.lexsort((*reversed(ranks), -times, listed, group))
    chosen = order[np.flatnonzero(np.diff(group[order], prepend=-1))]
    together = np.bincount(group, weights=times).astype(np.int64)
    early = np.full(len(chosen), 1, dtype=np.int64)
    np.minimum.at(early, group, listed)
    order = np.lexsort((*(rank[chosen] for rank in reversed(ranks)), -together, early, place[chosen]))
    who = place[chosen][order]
    number = 1 + np.arange(len(who)) - np.searchsorted(who, who)
    kept = number <= config.aliases.most
    if not kept.any():
        return None
    rows = chosen[order][kept]
    raw = {name: column.values[rank[rows]] for name, column, rank in zip(names, columns, ranks, strict=True)}
    return Spellings(who[kept], number[kept], raw)


@dataclass(frozen=True)
class _Column:
    """One identifier of rows that differ.

    Attributes:
        values: distinct raw values, in order, and None after them.
        rank: of each row, its value's place in `values`; where the row says nothing, the first spelling's.
        alike: of each row, a number that values spelt alike share; -1 where neither the row nor the first spelling says anything.
        first: the same of the person's first spelling.
    """

    values: Strings
    rank: Int64s
    alike: Int64s
    first: Int64s

    @classmethod
    def of(cls, name: str, said: Any, first: Any) -> _Column:
        known = [~np.ma.getmaskarray(np.ma.masked_array(side)) for side in (said, first)]
        sides = [strings(side) for side in (said, first)]
        values = np.unique(np.concatenate([side[mask] for side, mask in zip(sides, known, strict=True)]))
        alike, little = number_spellings(name, values)
        codes = np.append(np.where(little < NOTHING, alike, -1), -1)
        ranks = [np.full(len(side), len(values), dtype=np.int64) for side in sides]
        for rank, side, mask in zip(ranks, sides, known, strict=True):
            rank[mask] = np.searchsorted(values, side[mask])
        rank = np.where(codes[ranks[0]] < 0, ranks[1], ranks[0])
        return cls(np.concatenate([values, np.array([None], dtype=object)]), rank, codes[rank], codes[ranks[1]])


def _rows_that_differ(connection: Connection, config: DeclaredDataset, names: Sequence[str]) -> Mapping[str, Any]:
    """Give rows, of both tables, that differ from the person's first spelling: `place`, `listed`, `times`, `v0`, `low0`, and so on.

    Equal ones are one; `listed` is 0 for those of the file of aliases.
    """
    person = quote_name(PERSON)
    places = range(len(names))
    mine = ", ".join(f"{quote_name(identifier_column(name))} AS i{place}" for place, name in enumerate(names))
    rows = f"SELECT {person} AS person, {mine}, 1 AS listed FROM records"  # noqa: S608 - quoted and numbered names
    if config.aliases.source is not None:
        theirs = ", ".join(
            f"{quote_name(identifier_column(name)) if name in config.aliases.identifiers else 'NULL'} AS i{place}"
            for place, name in enumerate(names)
        )
        rows += f" UNION ALL SELECT {person} AS person, {theirs}, 0 AS listed FROM {TABLE}"  # noqa: S608 - as above
    values = ", ".join(f"v{place}, low{place}" for place in places)
    filled = ", ".join(f"coalesce(i{place}, low{place}) AS v{place}" for place in places)
    other = " OR ".join(f"v{place} IS DISTINCT FROM low{place}" for place in places)
    found: Mapping[str, Any] = connection.execute(
        "WITH first AS (SELECT *, row_number() OVER (ORDER BY person) - 1 AS place FROM known) "  # noqa: S608 - numbered names
        f"SELECT place, {values}, min(listed) AS listed, count(*) AS times "
        f"FROM (SELECT first.*, listed, {filled} FROM ({rows}) AS rows JOIN first USING (person)) WHERE {other} GROUP BY place, {values}"
    ).fetchnumpy()
    return found
