"""Words that a declaration says stand for no value: `missing: [-99, NULL]` of an identifier or a column."""

from __future__ import annotations

from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.records.identifiers import identifier_column
from tallystick.records.locked import Connection, quote_name
from tallystick.records.types import SPACES


def empty_missing(connection: Connection, config: DeclaredDataset, wanted: tuple[str, ...]) -> None:
    """Make the declared words of `raw` missing, in any case, with spaces round them or not.

    Args:
        connection: with the table `raw`.
        config: the declaration.
        wanted: the columns that were loaded.
    """
    entries = {identifier_column(name): entry.missing for name, entry in config.identifiers.items()}
    entries |= {name: config.columns[name].missing for name in wanted}
    for column, words in entries.items():
        if words:
            text = quote_name(column)
            connection.execute(
                f"UPDATE raw SET {text} = NULL WHERE list_contains(?, lower(trim({text}, {SPACES})))",  # noqa: S608 - a quoted name
                [[word.strip().lower() for word in words]],
            )
