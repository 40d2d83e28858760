"""The port that every type of source implements, one file each in `sources/` (docs/adding.md).

A source is opened, looked at and read once, in blocks, into a DuckDB connection of the reader. One suite runs on all of them
(tests/contract/test_sources.py). What the suite holds them to:

- A source is never written, and reading it needs no right to write.
- `columns` names what can be read, and of which kind it is; a name that stands there twice is left out.
- Every value arrives as text, as `Kind` says, whatever the time zone, the locale and the environment of this process are. A missing
  value is NULL, and no text: where the source tells empty text from a missing value, so do the blocks.
- All blocks of one opening are of one version of the records, though others write to them meanwhile.
- The rows of a block fit a bounded part of the memory, however many rows there are.
- What fails raises a `TallyError`, whose texts hold no value, no secret and nothing that the source's driver said.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from tallystick.core.model import Document
from tallystick.records.locked import Connection

Kind = Literal["text", "integer", "decimal", "float", "float32", "boolean", "date", "moment", "zoned moment", "other"]
"""What a column holds, and how its values arrive.

text            as it stands
integer         digits
decimal         digits, every one that the source holds
float           the shortest digits that give the same number
float32         the same of 32 bits: whole numbers of more than seven digits are not what they were, so no identifier is read from it
boolean         true, false
date            2025-01-31
moment          2025-01-31 23:59:59.25; at midnight it is that date: 2025-01-31
zoned moment    the same in UTC, with +00 after the time
other           nested or binary: it cannot be read
"""


@dataclass(frozen=True)
class Block:
    """Rows that DuckDB can select from.

    Attributes:
        columns: by name in the source, the SQL expression that gives the column's text.
        clause: what stands behind FROM.
        parameters: the clause's parameters.
        blank: SQL that says of a row that it holds nothing at all, as spreadsheets save cells once used: it is left out. "": of none.
    """

    columns: Mapping[str, str]
    clause: str
    parameters: tuple[object, ...] = field(repr=False, default=())
    blank: str = ""


class OpenedSource(Protocol):
    """A source that was looked at but not read.

    Beside what stands here, it may have any of

        notes           what was found out and not declared, in sentences: an encoding, names that stand twice
        decimal         what stands before the digits of a fraction, where that is no point
        place_of(row)   where a row stands, from its place among the rows of all blocks: `line 3`
        fault()         why reading failed, where the source can say it better than DuckDB; None where it cannot
    """

    @property
    def columns(self) -> Mapping[str, Kind]:
        """The kind of each column, by its name in the source."""
        ...

    @property
    def hint(self) -> str:
        """What may be wrong when a column is missing; "" where nothing is known."""
        ...

    def blocks(self, names: Sequence[str]) -> Generator[Block, None, None]:
        """Read the columns of these names; a block is valid until the next is asked for. Close it before the source.

        Pre-condition: `names` are keys of `columns`, none of kind `other`.

        Raises:
            Invalid: `file-format`, `source-types`, `source-missing`, `source-role`.
            NotReady: `source-lost`.
        """
        ...


class Source(Protocol):
    """A type of source. `SOURCE` in `sources/NAME.py` is the type NAME."""

    @property
    def settings(self) -> type[Document]:
        """The model of its settings."""
        ...

    @property
    def short(self) -> str:
        """The key that is meant where text stands in place of settings; "" if none may."""
        ...

    @property
    def paths(self) -> tuple[str, ...]:
        """Keys of settings that name files."""
        ...

    def open(self, dataset: str, settings: Any, folder: Path, connection: Connection) -> AbstractContextManager[OpenedSource]:
        """Open a source and look at it.

        Args:
            dataset: what errors call it.
            settings: of the model `settings`.
            folder: what paths in them are relative to.
            connection: what the blocks will be read into.

        Raises:
            Invalid: `source-missing`, `file-format`, `file-permissions`, `source-role`.
            NotReady: `source-lost`.
        """
        ...
