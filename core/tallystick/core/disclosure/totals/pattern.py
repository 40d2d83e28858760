"""What the rule of totals decides of a table: a mark of every cell, and of every total that was asked for. All parties derive the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tallystick.core.disclosure.totals.arrangement import Arrangement
from tallystick.core.disclosure.totals.design import TableDesign


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


def read_pattern(design: TableDesign, arrangement: Arrangement, marks: Sequence[Mark]) -> Pattern:
    """Give what opens once every number of the tree is decided.

    Args:
        design: the table.
        arrangement: of its numbers.
        marks: of the cells and totals, those of the rest excepted.
    """
    numbers = arrangement.numbers
    tested = [
        numbers[total].cells
        for total in sorted(arrangement.groups)
        if numbers[total].asked and _passes(marks, arrangement, total)
    ]
    shown = [*tested, *(numbers[total].cells for total in sorted(arrangement.groups & arrangement.public))]

    def open_together(cells: frozenset[int]) -> bool:
        """Tell whether cells that open, and totals of the tree that open, make up a sum."""
        loose = {cell for cell in cells if marks[cell] is Mark.OPENED}
        return loose.union(*(total for total in shown if total <= cells)) >= cells

    def mark_of(number: int) -> Mark:
        if number in arrangement.public:
            return Mark.OPENED
        if number not in arrangement.rest:
            return marks[number]
        one = numbers[number]
        others = [whole - one.cells for whole in tested if one.cumulative and whole > one.cells]
        return Mark.OPENED if any(open_together(side) for side in (one.cells, *others)) else Mark.WITHHELD

    totals = [
        mark_of(number) if total.asked or number in arrangement.public else None
        for number, total in zip(arrangement.at, design.totals, strict=True)
    ]
    return Pattern(tuple(marks[: len(design.cells)]), tuple(totals))


def _passes(marks: Sequence[Mark], arrangement: Arrangement, total: int) -> bool:
    return marks[total] is Mark.OPENED and total not in arrangement.public
