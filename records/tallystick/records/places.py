"""Where a row stands in its source: a line of a file, or the number of a row."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tallystick.records.port import OpenedSource


@dataclass(frozen=True)
class Places:
    """Tells people where to look.

    Attributes:
        source: what was read; None where nothing is known of it.
        rows: of each row, its place among those that were read, where some were left out or taken twice.
    """

    source: OpenedSource | None = field(repr=False, default=None)
    rows: npt.NDArray[np.int64] | None = field(repr=False, default=None)

    def of(self, row: int) -> str:
        """Give where a row stands.

        Args:
            row: its place among those that were read, from 0.
        """
        row = row if self.rows is None else int(self.rows[row])
        told = getattr(self.source, "place_of", None)
        return f"row {row + 1}" if told is None else str(told(row))
