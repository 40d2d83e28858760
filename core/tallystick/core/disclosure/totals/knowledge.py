"""The numbers of a design, each once, and who knows which of them before the table is tested.

A number that everybody may know already (opened before) is known to `EVERYONE`, and so to every agency. An agency that knows all parts of a
total knows the total; such a total tells it nothing new and needs no rule of its own (`own_totals`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tallystick.core.disclosure.totals.design import TableDesign

EVERYONE: Final = ""
"""Knows what was opened before; no agency has this name."""


@dataclass(frozen=True)
class TableNumber:
    """A cell or a total.

    Attributes:
        cells: indices of the design's cells.
        from_zero: 0 is small here.
        asked: it is to be opened if it passes; of a cell always.
        untested: it opens only if its cells do.
        cumulative: or if all cells on the other side of it in a total that opens.
        knowers: who knows it by a total that the design lists.
        cell: the plan's cell that a total is, if it is one.
        hidden: it holds a cell that an earlier result hid, and that is not known otherwise.
    """

    cells: frozenset[int]
    from_zero: bool
    asked: bool
    untested: bool
    cumulative: bool
    knowers: frozenset[str]
    cell: int | None
    hidden: bool

    @property
    def public(self) -> bool:
        """Whether it was opened before."""
        return EVERYONE in self.knowers


def list_numbers(design: TableDesign) -> tuple[tuple[TableNumber, ...], tuple[int, ...]]:
    """Give the design's cells in their order, then each total once; and for every total of the design which number it is.

    A total of one cell is that cell.
    """
    index: dict[frozenset[int], int] = {frozenset({cell}): cell for cell in range(len(design.cells))}
    at = tuple(index.setdefault(total.cells, len(index)) for total in design.totals)
    knowers: list[set[str]] = [set() for _ in index]
    asked = [number < len(design.cells) for number in range(len(index))]
    untested = [number >= len(design.cells) for number in range(len(index))]
    cumulative = [False] * len(index)
    own: dict[int, int | None] = {}
    for number, total in zip(at, design.totals, strict=True):
        knowers[number] |= total.known_to | ({EVERYONE} if total.earlier else set())
        asked[number] |= total.asked
        untested[number] &= total.untested or total.cumulative
        cumulative[number] |= total.cumulative
        own[number] = own.get(number) if total.cell is None else total.cell
    numbers = []
    for cells, number in index.items():
        # a total of 0 says that each of its cells is 0
        from_zero = design.zeros_disclosive or any(design.cells[cell].from_zero for cell in cells)
        hidden = any(design.cells[cell].hidden_before and EVERYONE not in knowers[cell] for cell in cells)
        known = frozenset(knowers[number])
        numbers.append(
            TableNumber(cells, from_zero, asked[number], untested[number], cumulative[number], known, own.get(number), hidden)
        )
    return tuple(numbers), at


def own_totals(numbers: Sequence[TableNumber]) -> dict[int, frozenset[str]]:
    """Give the totals that somebody knows, and who knows them otherwise than by adding up smaller numbers that they know.

    Args:
        numbers: cells and totals, each once.
    """
    found: dict[int, set[str]] = {}
    order = sorted(range(len(numbers)), key=lambda number: len(numbers[number].cells))
    for knower in sorted(set().union(*(number.knowers for number in numbers))):
        largest: dict[int, int] = {}  # for each cell, the largest number so far that holds it and is known
        for number in order:
            cells, knowers = numbers[number].cells, numbers[number].knowers
            if not knowers & {knower, EVERYONE}:
                continue
            parts = {largest.get(cell, -1) for cell in cells}
            implied = -1 not in parts and all(numbers[part].cells <= cells for part in parts)
            if len(cells) > 1 and knower in knowers and not implied:
                found.setdefault(number, set()).add(knower)
            largest |= dict.fromkeys(cells, number)
    return {number: frozenset(knowers) for number, knowers in found.items()}


def place_in_tree(numbers: Sequence[TableNumber], totals: Iterable[int]) -> dict[int, tuple[int, ...]] | None:
    """Give the largest parts of each total, in the plan's order; None if two of the totals cross.

    Args:
        numbers: cells and totals, each once.
        totals: which of them to place; a part is one of these or a cell.
    """
    inner: dict[int, int] = {}  # for each cell, the smallest total so far that holds it
    parts: dict[int, list[int]] = {}
    for total in sorted(totals, key=lambda number: -len(numbers[number].cells)):
        cells = numbers[total].cells
        holders = {inner.get(cell, -1) for cell in cells}
        if len(holders) > 1:
            return None
        parts[total] = []
        (holder,) = holders
        if holder >= 0:
            parts[holder].append(total)
        inner |= dict.fromkeys(cells, total)
    for cell, holder in inner.items():
        parts[holder].append(cell)
    return {total: tuple(sorted(found, key=lambda number: min(numbers[number].cells))) for total, found in parts.items()}


def find_knowers(numbers: Sequence[TableNumber], parts: Mapping[int, tuple[int, ...]]) -> dict[int, frozenset[str]] | None:
    """Give who knows each number of a tree of totals; None if somebody knows some of a total's parts and not all.

    Who knows all parts knows the total. Parts that everybody knows do not count; nor do those of a total that is not asked for and of
    which nothing is tested, because an earlier result hid a part.

    Args:
        numbers: cells and totals, each once.
        parts: as `place_in_tree` gives them.
    """
    known: dict[int, frozenset[str]] = {}
    for total in sorted(parts, key=lambda number: len(numbers[number].cells)):
        members = [part for part in parts[total] if EVERYONE not in known.setdefault(part, numbers[part].knowers)]
        by = [known[part] for part in members]
        of_all = frozenset.intersection(*by) if by else frozenset({EVERYONE})
        opens = numbers[total].asked and not numbers[total].public
        untold = not opens and any(numbers[part].hidden for part in members)
        if by and of_all != frozenset.union(*by) and not untold:
            return None
        known[total] = numbers[total].knowers | of_all
    return known
