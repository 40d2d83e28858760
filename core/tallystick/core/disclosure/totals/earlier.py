"""What earlier tables of the same people leave known of a new table's cells: totals that were opened, and cells that stay hidden.

A number of a table is a region: for some columns the set of levels that it holds; a column that it does not name may have any. Every person
of the cohort is in exactly one cell of each table. Where an earlier cell and a new one share levels they belong to one block:

- Every earlier cell of the block is a sum of new ones (the new table is finer): those that opened are known totals, those that did
  not stay hidden, with all that is in them.
- Else, if an earlier cell of the block is hidden, the whole block stays hidden: opening it would give the hidden cell's total.
- Else, if every new cell is a sum of earlier ones (the new table is coarser), each is known already.
- Else, if they cross by columns (county by gender, then county by program), the block's sum is a known total.
- Else levels overlap (ages to 17, then ages to 20), and the difference is no cell of either table: the block stays hidden.

A ledger keeps both, what opened and what was hidden.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tallystick.core.disclosure.totals.design import TableTotal

Level: TypeAlias = str | int | bool | None
Region: TypeAlias = Mapping[str, frozenset[Level]]


@dataclass(frozen=True)
class ReleasedTable:
    """What became of a table of the same cohort.

    Attributes:
        cells: each cell's region, and whether it opened.
        totals: the regions of the totals that opened.
    """

    cells: tuple[tuple[Region, bool], ...]
    totals: tuple[Region, ...] = ()


@dataclass(frozen=True)
class Legacy:
    """What earlier tables mean for a new one.

    Attributes:
        totals: sums of new cells that everybody can know.
        hidden: new cells that stay hidden.
    """

    totals: tuple[TableTotal, ...]
    hidden: frozenset[int]


def find_legacy(cells: Sequence[Region], tables: Iterable[ReleasedTable]) -> Legacy:
    """Give what earlier tables leave known and hidden.

    Args:
        cells: the regions of the new table's cells, in the plan's order.
        tables: of the same cohort, in any order.
    """
    known: dict[frozenset[int], None] = {}
    hidden: set[int] = set()
    for table in tables:
        for block in _blocks(cells, table):
            for total in block.totals(cells):
                known[total] = None
            hidden |= block.find_hidden(cells)
        for region in table.totals:
            meeting = frozenset(at for at, cell in enumerate(cells) if _meet(region, cell))
            if meeting and all(_holds(region, cells[at]) for at in meeting):
                known[meeting] = None
    return Legacy(tuple(TableTotal(total, earlier=True) for total in known), frozenset(hidden))


@dataclass(frozen=True)
class _Block:
    """New cells and earlier cells that hold the same people together.

    Attributes:
        new: indices of new cells.
        earlier: (region, whether it opened, the new cells that it shares people with).
    """

    new: frozenset[int]
    earlier: tuple[tuple[Region, bool, frozenset[int]], ...]

    def totals(self, cells: Sequence[Region]) -> list[frozenset[int]]:
        if self._finer(cells):
            return [meeting for _, opened, meeting in self.earlier if opened]
        if not self._all_opened:
            return []
        if self._coarser(cells):
            return [frozenset({cell}) for cell in sorted(self.new)]
        return [self.new] if self._crosses(cells) else []

    def find_hidden(self, cells: Sequence[Region]) -> frozenset[int]:
        if self._finer(cells):
            return frozenset[int]().union(*(meeting for _, opened, meeting in self.earlier if not opened))
        loose = self._all_opened and (self._coarser(cells) or self._crosses(cells))
        return frozenset() if loose else self.new

    @property
    def _all_opened(self) -> bool:
        return all(opened for _, opened, _ in self.earlier)

    def _finer(self, cells: Sequence[Region]) -> bool:
        return all(_holds(region, cells[at]) for region, _, meeting in self.earlier for at in meeting)

    def _coarser(self, cells: Sequence[Region]) -> bool:
        return all(_holds(cells[at], region) for region, _, meeting in self.earlier for at in meeting)

    def _crosses(self, cells: Sequence[Region]) -> bool:
        """Tell whether shared columns have the same levels, and both sides have columns of their own."""
        return all(
            all(region[column] == cells[at][column] for column in region.keys() & cells[at].keys())
            and bool(region.keys() - cells[at].keys())
            and bool(cells[at].keys() - region.keys())
            for region, _, meeting in self.earlier
            for at in meeting
        )


def _blocks(cells: Sequence[Region], table: ReleasedTable) -> list[_Block]:
    """Give the blocks of a new table and an earlier one."""
    meetings = [frozenset(at for at, cell in enumerate(cells) if _meet(region, cell)) for region, _ in table.cells]
    block_of = list(range(len(cells)))
    inside: defaultdict[int, set[int]] = defaultdict(set, {cell: {cell} for cell in block_of})
    for meeting in meetings:
        blocks = sorted({block_of[cell] for cell in meeting})
        for other in blocks[1:]:
            moved = inside.pop(other)
            inside[blocks[0]] |= moved
            for cell in moved:
                block_of[cell] = blocks[0]
    members: defaultdict[int, list[tuple[Region, bool, frozenset[int]]]] = defaultdict(list)
    for (region, opened), meeting in zip(table.cells, meetings, strict=True):
        if meeting:
            members[block_of[min(meeting)]].append((region, opened, meeting))
    return [_Block(frozenset(inside[block]), tuple(found)) for block, found in members.items()]


def _meet(one: Region, other: Region) -> bool:
    return all(one[column] & other[column] for column in one.keys() & other.keys())


def _holds(outer: Region, inner: Region) -> bool:
    return all(column in inner and inner[column] <= levels for column, levels in outer.items())
