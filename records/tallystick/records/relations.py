"""Rows that are carried to related people: a child's to its caregivers, a caregiver's to its children, a member's to the head of its household.

A relation names a second file, of the related people, and a column on each side. A row of the dataset is carried to every related person whose
column has the row's value; the dataset's people are these, with their keys and identifiers. A row may be carried to several people, and a
person may have several rows, which `derive` sums up.

What does not fit is counted and told: rows that name nobody, rows that name somebody whom the second file lacks (neither is carried
anywhere), people whose rows are carried to several, and people who are, over one or more steps, related to themselves.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from tallystick.core.agreement.declaration import DeclaredDataset, Relation
from tallystick.core.errors import Invalid
from tallystick.records.copying import Copied, copy_rows
from tallystick.records.identifiers import PERSON, identifier_column, strings
from tallystick.records.keys import write_nothing
from tallystick.records.locked import Connection, quote_name
from tallystick.records.places import Places

OWN: Final = "@own"
"""Of a row of the dataset: the key of the person that it is about."""
LINK: Final = "@link"
"""What says whom a row is carried to, on both sides."""
Texts = npt.NDArray[np.object_]


def copy_related(
    connection: Connection, dataset: str, config: DeclaredDataset, folder: Path, columns: dict[str, str]
) -> Copied:
    """Copy both files and make the table `raw` of the rows that are carried, each with its person's key and identifiers.

    Args:
        connection: where the table is made.
        dataset: what errors call the source.
        config: its declaration, with a relation.
        folder: what paths are relative to.
        columns: by column of the table, the dataset's own column.

    Raises:
        TallyError: as `copy_rows`.
        Invalid: `source-types`: no row is carried to anybody.
    """
    relation = config.relation
    assert relation is not None  # the caller has looked
    read = copy_rows(
        connection, dataset, config.source, folder, {PERSON: config.person, LINK: relation.rows, **columns}, "rows_read"
    )
    names = {identifier_column(name): column for name, column in config.identifier_columns.items()}
    targets = {PERSON: relation.person, LINK: relation.people, **names}
    others = copy_rows(connection, f"{dataset} (relation)", relation.source, folder, targets, "people_read")
    link = quote_name(LINK)
    for table, column in (("rows_read", relation.rows), ("people_read", relation.people)):
        # UNKNOWN, 0 and the like name nobody; with them in both files everybody would be related to everybody
        nothing = f"{write_nothing(link, column)} OR regexp_full_match(trim({link}), '0+')"
        connection.execute(f"UPDATE {table} SET {link} = NULL WHERE {nothing}")  # noqa: S608 - quoted names
    _carry(connection, dataset, list(columns), list(names))
    rowids = connection.execute('SELECT "@row" FROM raw ORDER BY rowid').fetchnumpy()["@row"].astype(np.int64)
    notes = _tell(connection, relation, same_file=relation.source == config.source)
    connection.execute(f'ALTER TABLE raw DROP COLUMN "@row"; ALTER TABLE raw DROP COLUMN {quote_name(OWN)}')
    connection.execute("DROP TABLE rows_read; DROP TABLE people_read")
    return Copied((*read.notes, *others.notes, *notes), read.decimal, Places(read.places.source, rowids))


def _carry(connection: Connection, dataset: str, columns: list[str], identifiers: list[str]) -> None:
    """Make `raw`: a row for each row and person whom it is carried to; of a person's rows in the second file the first with a value speaks."""
    person, link = quote_name(PERSON), quote_name(LINK)
    firsts = ", ".join(
        f"first({quote_name(name)} ORDER BY rowid) FILTER (WHERE {quote_name(name)} IS NOT NULL) AS {quote_name(name)}"
        for name in identifiers
    )
    people = f"SELECT {person}{', ' if firsts else ''}{firsts} FROM people_read WHERE {person} IS NOT NULL GROUP BY {person}"  # noqa: S608 - quoted names
    pairs = f"SELECT DISTINCT {link}, {person} FROM people_read WHERE {link} IS NOT NULL AND {person} IS NOT NULL"  # noqa: S608 - quoted names
    told = [f"p.{person} AS {person}", f"r.{person} AS {quote_name(OWN)}", 'r.rowid AS "@row"']
    told += [f"p.{quote_name(name)} AS {quote_name(name)}" for name in identifiers]
    told += [f"r.{quote_name(name)} AS {quote_name(name)}" for name in columns]
    connection.execute(
        f"CREATE TABLE raw AS SELECT {', '.join(told)} FROM rows_read AS r JOIN ({pairs}) AS l ON r.{link} = l.{link} "  # noqa: S608 - quoted names
        f"JOIN ({people}) AS p ON l.{person} = p.{person} ORDER BY r.rowid, p.{person}"
    )
    if not connection.execute("SELECT count(*) FROM raw").fetchone()[0]:
        raise Invalid(
            "source-types",
            f"dataset {dataset}: no row is carried to anybody by its relation",
            hint="name in `rows` and `people` the columns that hold the same keys",
        )


def _tell(connection: Connection, relation: Relation, *, same_file: bool) -> list[str]:
    """Say what did not fit, in sentences with counts; nothing of what did."""
    person, link, own = quote_name(PERSON), quote_name(LINK), quote_name(OWN)
    known = f"{link} IN (SELECT {link} FROM people_read WHERE {person} IS NOT NULL)"  # noqa: S608 - quoted names
    rows, nobody, strange = connection.execute(
        f"SELECT count(*), count(*) FILTER (WHERE {link} IS NULL), count(*) FILTER (WHERE {link} IS NOT NULL AND NOT {known}) FROM rows_read"  # noqa: S608 - quoted names
    ).fetchone()
    several = f"SELECT {own} FROM raw GROUP BY {own} HAVING count(DISTINCT {person}) > 1"  # noqa: S608 - quoted names
    (many,) = connection.execute(f"SELECT count(*) FROM ({several})").fetchone()  # noqa: S608 - quoted names
    word = relation.kind
    notes = []
    if nobody:
        notes.append(f"relation: {nobody} of {rows} rows name no {word}; they are left out")
    if strange:
        notes.append(f"relation: {strange} of {rows} rows name a {word} whom the second file does not have; they are left out")
    if many:
        notes.append(
            f"relation: rows of {many} people are carried to more than one person each ({word}), and count with each of them"
        )
    if same_file and relation.kind == "caregiver":
        pairs = connection.execute(f"SELECT DISTINCT {own} AS own, {person} AS other FROM raw").fetchnumpy()  # noqa: S608 - quoted names
        circles = count_in_circles(strings(pairs["own"]), strings(pairs["other"]))
        if circles:
            notes.append(f"relation: {circles} people are, over one or more steps, their own {word}; correct the records")
    return notes


def count_in_circles(own: Texts, other: Texts) -> int:
    """Count the people who lie on a circle of pairs, or between two: whoever is left when those without a pair on one side are taken away.

    Args:
        own: of each pair, the key of a person.
        other: of the related one.
    """
    while True:
        kept = np.isin(own, other) & np.isin(other, own)
        if kept.all():
            return len(np.unique(own))
        own, other = own[kept], other[kept]
