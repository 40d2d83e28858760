"""Duplicates of a dataset: which keys are one person, before anything else is made of its records.

The rows of all keys of a person get the smallest of the keys (as bytes), so from then on they are rows of one person like any
others. What is declared says what counts as evidence; `core/linkage/matching/duplicates.py` has the rules.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.core.linkage.fields.names import says_nothing, words
from tallystick.core.linkage.fields.standins import PLACEHOLDERS
from tallystick.core.linkage.matching.duplicates import DuplicateEvidence, Duplicates, duplicates
from tallystick.core.linkage.passes.ladders import passes_for
from tallystick.core.linkage.passes.recipes import Recipe
from tallystick.records.aliases import TABLE
from tallystick.records.identifiers import PERSON, hold_known_people, identifiers_of, strings
from tallystick.records.locked import Connection, quote_name

_NOTHING: Final = PLACEHOLDERS | {"NA"}
_NONE: Final = re.compile(r"-\d+|[0\W_]+")
"""Ids that stand for none: zeros, and numbers below zero."""
_ABOVE_ZERO: Final = frozenset("123456789")


def find_shared_columns(config: DeclaredDataset) -> dict[str, str]:
    """Find the columns of `records` that hold declared ids, and the source's column of each."""
    return {f"@id {place}": column for place, column in enumerate(config.duplicates.ids)}


def number_keys(connection: Connection) -> None:
    """Make the table `keys`: every person key of `records` with its place in their order (as bytes)."""
    person = quote_name(PERSON)
    connection.execute(
        f"CREATE TABLE keys AS SELECT person, row_number() OVER (ORDER BY person) - 1 AS place "  # noqa: S608 - a quoted name
        f"FROM (SELECT DISTINCT {person} AS person FROM records)"
    )


def merge_keys(connection: Connection, dataset: str, config: DeclaredDataset, *, single: bool) -> Duplicates:
    """Put the keys of one person together in the tables `records` and `aliases`; the columns of declared ids are gone afterwards.

    Args:
        connection: with the tables `records` and `keys`.
        dataset: its name, for errors.
        config: its declaration.
        single: no key has two rows.

    Raises:
        Invalid: `link-invalid`; `link-impossible`: no recipe can be made from the dataset's identifiers.
        Refused: `link-weak`.
    """
    recipes = _recipes(dataset, config)
    names = tuple(config.identifiers)
    with hold_known_people(connection, names, single=single):
        identifiers = identifiers_of(connection, names)
    run = connection.execute
    person = quote_name(PERSON)
    n = int(run("SELECT count(*) FROM keys").fetchone()[0])
    declared = [_collect_evidence(connection, column, name) for column, name in find_shared_columns(config).items()]
    found = duplicates(identifiers, n, recipes, declared)
    away = np.flatnonzero(found.person != np.arange(n))
    if len(away):
        run("CREATE TABLE moved AS SELECT unnest(?) AS place, unnest(?) AS root", [away.tolist(), found.person[away].tolist()])
        for table in ("records", TABLE) if config.aliases.source is not None else ("records",):
            run(
                f"UPDATE {table} SET {person} = now.person FROM moved "  # noqa: S608 - a quoted name, tables of ours
                "JOIN keys AS before ON before.place = moved.place JOIN keys AS now ON now.place = moved.root "
                f"WHERE {table}.{person} = before.person"
            )
        run("DROP TABLE moved")
    for column in find_shared_columns(config):
        run(f"ALTER TABLE records DROP COLUMN {quote_name(column)}")
    return found


def _recipes(dataset: str, config: DeclaredDataset) -> list[Recipe]:
    if not config.duplicates.link:
        return []
    both = tuple(config.identifiers)
    return passes_for(
        config.duplicates.link, None, both, both, names=(dataset, dataset), people=(config.people, config.people)
    )[0]


def _collect_evidence(connection: Connection, column: str, name: str) -> DuplicateEvidence:
    """Collect which keys have which value of a declared id; spaces around it do not count, and what stands for none is none."""
    value = f"nullif(trim(records.{quote_name(column)}), '')"
    found = connection.execute(
        f"SELECT DISTINCT place, {value} AS value FROM records "  # noqa: S608 - quoted names
        f"JOIN keys ON keys.person = records.{quote_name(PERSON)} WHERE {value} IS NOT NULL"
    ).fetchnumpy()
    values, which = np.unique(strings(found["value"]), return_inverse=True)
    good = np.array([not _is_none(one) for one in values], dtype=np.bool_)[which]
    return DuplicateEvidence(f"id {name}", found["place"].astype(np.int64)[good], which[good])


def _is_none(value: str) -> bool:
    if value[0] != "-" and not _ABOVE_ZERO.isdisjoint(value):
        return False
    return _NONE.fullmatch(value) is not None or says_nothing(value, words(value), _NOTHING)
