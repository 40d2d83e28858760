"""Whole names in one column: `Falkner, Ilse M` where a last name should be.

Where a dataset has no first names (no column, an empty one, or both are read from one column), and nearly all of what stands for last names
is written FAMILY, GIVEN, the parts are put where they belong. Whole names without a comma could begin with either name: they are told
of, unless one column is declared for both, which says that they are whole; then the last word is the family's.
"""

from __future__ import annotations

from typing import Final

from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.core.linkage.fields.names import SUFFIXES
from tallystick.records.identifiers import identifier_column
from tallystick.records.locked import Connection, quote_name

FIRST, MIDDLE, LAST = (identifier_column(name) for name in ("first_name", "middle_name", "last_name"))
NEARLY: Final = 0.8
"""The part of the values that must be whole names."""
_SUFFIX: Final = "(" + "|".join(sorted(SUFFIXES)) + r")\.?"


def split_names(connection: Connection, config: DeclaredDataset) -> list[str]:
    """Take whole names in `raw` apart; say what was done, or what seems to be so.

    Args:
        connection: with the table `raw`.
        config: the declaration.
    """
    columns = {str(name): column for name, column in config.identifier_columns.items()}
    both = "first_name" in columns and columns["first_name"] == columns.get("last_name")
    notes = []
    for whole, other in ((LAST, FIRST), (FIRST, LAST)):
        if whole[1:] not in columns or (both and whole == FIRST):
            continue
        alone = "true" if both or other[1:] not in columns else f"{quote_name(other)} IS NULL"
        name = f"trim({quote_name(whole)})"
        comma = f"(regexp_full_match({name}, '[^,]*[^, ][^,]*,[^,]*[^, ][^,]*') AND NOT regexp_full_match({name}, ?, 'i'))"
        words = f"regexp_matches({name}, '[^ ] +[^ ]')"
        suffix = f"[^,]*, *{_SUFFIX} *"
        rows, commas, several = connection.execute(
            f"SELECT count(*), count(*) FILTER (WHERE {alone} AND {comma}), count(*) FILTER (WHERE {alone} AND {words}) "  # noqa: S608 - quoted names
            f"FROM raw WHERE {quote_name(whole)} IS NOT NULL",
            [suffix],
        ).fetchone()
        can = other[1:] in columns
        if rows and commas >= NEARLY * rows and can:
            given = f"trim(split_part({name}, ',', 2))"
            _split(
                connection,
                config,
                f"split_part({name}, ',', 1)",
                given,
                f"{quote_name(whole)} IS NOT NULL AND {alone} AND {comma}",
                [suffix],
            )
            notes.append(f"{columns[whole[1:]]} holds whole names, family name first: {commas:,} were taken apart")
            if both:  # what was not taken apart is a last name alone
                connection.execute(f"UPDATE raw SET {quote_name(FIRST)} = NULL WHERE {quote_name(FIRST)} = {quote_name(LAST)}")  # noqa: S608 - quoted names
        elif rows and both and several >= NEARLY * rows:
            family = f"regexp_extract({name}, '([^ ]+)$', 1)"
            given = f"trim(regexp_replace({name}, '[^ ]+$', ''))"
            _split(connection, config, family, given, f"{words}", [])
            notes.append(
                f"{columns[whole[1:]]} holds whole names: {several:,} were taken apart, the last word as the family name"
            )
        elif rows and max(commas, several) >= NEARLY * rows:
            notes.append(
                f"{columns[whole[1:]]} seems to hold whole names and there are no {other[1:].replace('_', ' ')}s: they link nobody "
                f"unless each name has a column; declare one column for both if they are whole names"
            )
    return notes


def _split(connection: Connection, config: DeclaredDataset, family: str, given: str, where: str, parameters: list[str]) -> None:
    """Put the parts of whole names where they belong: the family's, the first given one, and the rest as middle names."""
    sets = {LAST: f"nullif(trim({family}), '')", FIRST: f"nullif(split_part({given}, ' ', 1), '')"}
    if "middle_name" in config.identifiers:
        rest = f"nullif(trim(regexp_replace({given}, '^[^ ]+', '')), '')"
        sets[MIDDLE] = f"coalesce({quote_name(MIDDLE)}, {rest})"
    else:
        sets[FIRST] = f"nullif({given}, '')"
    put = ", ".join(f"{quote_name(column)} = {value}" for column, value in sets.items())
    connection.execute(f"UPDATE raw SET {put} WHERE {where}", parameters)  # noqa: S608 - quoted names
