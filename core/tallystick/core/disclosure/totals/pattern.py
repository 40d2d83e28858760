"""What the rule of totals decides of a table: a mark of every cell, and of every total that was asked for. All parties derive the same."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    """What became of a number."""

    OPENED = "opened"
    SMALL = "small"
    COMPLEMENT = "complement"
    RESIDUAL = "residual"
    """Hidden with a group whose small members and complement are too few together."""
    STRUCK = "struck"
    """Never tested: its group's total is too low, or what holds it is hidden."""
    UNIT = "unit"
    """Hidden with a table in which at least one cell is small."""
    WITHHELD = "withheld"
    """A total that was not tested, and whose cells did not all open."""


@dataclass(frozen=True)
class Pattern:
    """What opens.

    Attributes:
        cells: of each cell of the design.
        totals: of each total of the design; None for one that nobody asked for.
    """

    cells: tuple[Mark, ...]
    totals: tuple[Mark | None, ...]

    @property
    def opened(self) -> tuple[int, ...]:
        """The cells that open."""
        return tuple(cell for cell, mark in enumerate(self.cells) if mark is Mark.OPENED)

    @property
    def opened_totals(self) -> tuple[int, ...]:
        """The totals that open."""
        return tuple(total for total, mark in enumerate(self.totals) if mark is Mark.OPENED)
