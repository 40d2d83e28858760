"""Where a row stands in its source: a line of a file, or the number of a row."""

from __future__ import annotations

from dataclasses import dataclass, field

from tallystick.records.port import OpenedSource


@dataclass(frozen=True)
class Places:
    """Tells people where to look.

    Attributes:
        source: what was read; None where nothing is known of it.
    """

    source: OpenedSource | None = field(repr=False, default=None)

    def of(self, row: int) -> str:
        """Give where a row stands.

        Args:
            row: its place among those that were read, from 0.
        """
        told = getattr(self.source, "place_of", None)
        return f"row {row + 1}" if told is None else str(told(row))
