"""What the rule of totals is told of a table before anything is opened: its cells, and which of their sums are known, and to whom.

A design holds no counts. It is public: every party makes the same one of the same job, agreement and earlier patterns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tallystick.core.disclosure.totals.sums import Terms
from tallystick.core.errors import Broken

LEAST_MIN_CELL: Final = 3
"""With 2, a hidden cell could only be 1."""


@dataclass(frozen=True)
class TableCell:
    """One count of a table; every person of the table's population is in exactly one.

    Attributes:
        terms: the count as a sum of the plan's cells: itself, or what a part leaves of a whole.
        from_zero: 0 is small here, too: what a shown count leaves of an agency's own total.
        hidden_before: an earlier result hid this count, or one that holds a part of it or is a part of it.
        opens: cells of the plan that open with it: numbers of which it is what another open number leaves.
    """

    terms: Terms
    from_zero: bool = False
    hidden_before: bool = False
    opens: tuple[int, ...] = ()


@dataclass(frozen=True)
class TableTotal:
    """A sum of cells, and what is known of it.

    Attributes:
        cells: indices of the design's cells.
        asked: it is to be opened: if it passes its tests, or if all its cells do.
        known_to: the agencies that know it by themselves.
        earlier: it was opened before.
        untested: it opens only if all its cells do: margins that the job did not name, `matched`, groups of the linkage report.
        cumulative: it is one of a row of sums each of which holds the one before (survival, histograms): it is never tested, and opens
            only if all cells on one side of it do.
        cell: the plan's cell that it is, if it is one.
        opens: as of a cell.
    """

    cells: frozenset[int]
    asked: bool = False
    known_to: frozenset[str] = frozenset()
    earlier: bool = False
    untested: bool = False
    cumulative: bool = False
    cell: int | None = None
    opens: tuple[int, ...] = ()


@dataclass(frozen=True)
class TableDesign:
    """A table before anything of it is opened.

    Attributes:
        min_cell: counts below are small.
        cells: in the plan's order: small levels first and the level of who is outside last, since what hides beside a small cell is
            the first of its group that is not small.
        totals: in any order, but of two asked ones that cross the first keeps its test.
        zeros_disclosive: 0 is small in every cell and total.
        unit_tests: the parties can answer by one bit whether any of many cells is small. If not, a table that is one unit stays closed.
        widest_test: how many small values a test on shares may have, at most; a group that needs more is not tested.
        one_unit: the cells are one unit, whoever knows what of them: they open together or not at all.
    """

    min_cell: int
    cells: tuple[TableCell, ...]
    totals: tuple[TableTotal, ...] = ()
    zeros_disclosive: bool = False
    unit_tests: bool = True
    widest_test: int | None = None
    one_unit: bool = False

    def __post_init__(self) -> None:
        """Check it.

        Raises:
            Broken: `internal`: a least count below `LEAST_MIN_CELL`, or a total of no cell or of cells that there are not.
        """
        if self.min_cell < LEAST_MIN_CELL:
            raise Broken("internal", f"a table is tested with a least count of {LEAST_MIN_CELL} or more, not {self.min_cell}")
        for total in self.totals:
            if not total.cells or min(total.cells) < 0 or max(total.cells) >= len(self.cells):
                raise Broken("internal", f"a total of a table of {len(self.cells)} cells is over {sorted(total.cells)}")
