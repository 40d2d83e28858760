"""Blocks of rows that Python holds, for sources that DuckDB does not read itself."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import suppress
from typing import Final

import duckdb
import numpy as np

from tallystick.records.locked import Connection, quote_name
from tallystick.records.port import Block

ROWS: Final = 32_768
"""Most rows of a block."""
CHARACTERS: Final = 1 << 24
"""A block with so many characters is full."""
_VIEW: Final = "block"


def text_blocks(
    connection: Connection, names: Sequence[str], rows: Iterable[Sequence[str | None]]
) -> Generator[Block, None, None]:
    """Make blocks of rows; at most one of them is held at a time.

    Args:
        connection: what the blocks will be read into.
        names: the columns' names in the source.
        rows: the columns' values of each row, as text or None.
    """
    held: list[Sequence[str | None]] = []
    size = 0
    for row in rows:
        held.append(row)
        size += sum(len(value) for value in row if value is not None)
        if len(held) >= ROWS or size >= CHARACTERS:
            yield from _block(connection, names, held)
            held, size = [], 0
    if held:
        yield from _block(connection, names, held)


def _block(connection: Connection, names: Sequence[str], rows: Sequence[Sequence[str | None]]) -> Generator[Block, None, None]:
    """Show rows to DuckDB as long as the block is in use."""
    # the first column tells how many rows there are, also where no column is asked for
    arrays = {"n": np.arange(len(rows), dtype=np.int64)}
    for place, values in enumerate(zip(*rows, strict=True)):
        arrays[f"c{place}"] = np.fromiter(values, dtype=object, count=len(rows))
    connection.register(_VIEW, arrays)
    try:
        # a column of missing values alone has no type of its own
        yield Block({name: f"CAST({quote_name(f'c{place}')} AS VARCHAR)" for place, name in enumerate(names)}, _VIEW)
    finally:
        with suppress(duckdb.Error):  # the connection may be closed
            connection.unregister(_VIEW)
