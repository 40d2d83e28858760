"""Identifiers, one a person: the most frequent one over all the person's rows that says something.

What is spelt alike counts together (`spelled.py`), and the spelling that stands most often is taken; of equally frequent ones the smallest.
So `UNKNOWN` in most of a person's rows does not hide the name in the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from tallystick.records.locked import Connection, quote_name
from tallystick.records.spelled import number_spellings

PERSON = "@person"
Strings = npt.NDArray[np.object_]


def identifier_column(name: str) -> str:
    """Give the column of `records` that holds an identifier."""
    return f"@{name}"


@contextmanager
def hold_known_people(connection: Connection, names: Sequence[str], *, single: bool, among: str = "") -> Iterator[None]:
    """Have the table `known` as long as the context lasts: a row a person, with `person` and, by identifier, `low0`, `low1` and so on.

    Args:
        connection: with the table `records`.
        names: which identifiers.
        single: nobody has two rows; then nothing need be grouped, which costs most of the memory of a long list.
        among: a table whose column `person` says who; "" for everybody.
    """
    person = quote_name(PERSON)
    run = connection.execute
    template = "{0} AS low{1}, {0} AS high{1}" if single else "min({0}) AS low{1}, max({0}) AS high{1}"
    picked = ", ".join([f"{person} AS person", *(template.format(_column(name), place) for place, name in enumerate(names))])
    where = f"WHERE {person} IN (SELECT person FROM {among})" if among else ""  # noqa: S608 - a table of ours
    made, grouped = ("VIEW", "") if single else ("TABLE", f"GROUP BY {person}")
    run(f"CREATE {made} known AS SELECT {picked} FROM records {where} {grouped}")  # noqa: S608 - quoted and numbered names
    if names and not single:
        differing = ", ".join(f"bool_or(low{place} <> high{place})" for place in range(len(names)))
        differs = run(f"SELECT {differing} FROM known").fetchone()  # noqa: S608 - numbered names
        for place in np.flatnonzero([bool(one) for one in differs]).tolist():
            _keep_most_frequent(connection, names[place], place)
    yield
    run(f"DROP {made} known")


def identifiers_of(connection: Connection, names: Sequence[str]) -> dict[str, Strings]:
    """Give identifiers, text or None, of the people of `known` in the order of their keys (as bytes)."""
    if not names:
        return {}
    picked = ", ".join(f"low{place}" for place in range(len(names)))
    fetched = connection.execute(f"SELECT {picked} FROM known ORDER BY person").fetchnumpy()  # noqa: S608 - numbered names
    return {name: strings(fetched[f"low{place}"]) for place, name in enumerate(names)}


def _keep_most_frequent(connection: Connection, name: str, place: int) -> None:
    """Put the most frequent value in place of the least one. Few people have two values; only theirs are counted."""
    person, column = quote_name(PERSON), _column(name)
    found = connection.execute(
        f"SELECT {person} AS person, {column} AS value, count(*) AS times FROM records WHERE {column} IS NOT NULL "  # noqa: S608 - quoted and numbered names
        f"AND {person} IN (SELECT person FROM known WHERE low{place} <> high{place}) GROUP BY ALL"
    ).fetchnumpy()
    people, who = np.unique(strings(found["person"]), return_inverse=True)
    values, which = np.unique(strings(found["value"]), return_inverse=True)
    alike, little = (codes[which] for codes in number_spellings(name, values))
    times = np.asarray(found["times"], dtype=np.int64)
    pairs, pair = np.unique(who * (int(alike.max()) + 1) + alike, return_inverse=True)
    together = np.bincount(pair, weights=times, minlength=len(pairs))[pair]
    order = np.lexsort((which, -times, -together, little, who))
    best = order[np.flatnonzero(np.diff(who[order], prepend=-1))]
    connection.execute(
        f"UPDATE known SET low{place} = best.value FROM (SELECT unnest(?) AS person, unnest(?) AS value) AS best "  # noqa: S608 - a numbered name
        "WHERE known.person = best.person",
        [people[who[best]].tolist(), values[which[best]].tolist()],
    )


def _column(name: str) -> str:
    return quote_name(identifier_column(name))


def strings(values: Any) -> Strings:
    """Give text that DuckDB gave as objects, None where it is missing."""
    masked = np.ma.masked_array(values)
    text: Strings = np.asarray(masked.data, dtype=object).copy()
    text[np.ma.getmaskarray(masked)] = None
    return text
