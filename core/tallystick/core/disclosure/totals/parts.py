"""Counts that are parts of a table's cells: people with a value and without, ones and zeros, a cell and what it leaves of an own total.

Each whole is a known total of two parts once it has opened: where one part is small, neither opens, nor anything that rests on it. Chains
go from coarse to fine, one design after another: counts, then present values, then ones.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from tallystick.core.disclosure.totals.design import TableCell, TableDesign, TableTotal
from tallystick.core.disclosure.totals.pattern import Mark, Pattern
from tallystick.core.disclosure.totals.sums import Terms, add_terms


@dataclass(frozen=True)
class Split:
    """A count in two parts.

    Attributes:
        whole: the count, as a sum of the plan's cells.
        part: one part; the other is what it leaves.
        opened: the whole opened, or whoever is told the part knows it.
        rest_from_zero: that the part leaves nobody is disclosive, too.
    """

    whole: Terms
    part: Terms
    opened: bool
    rest_from_zero: bool = False


def split_design(
    splits: Sequence[Split],
    *,
    min_cell: int,
    zeros_disclosive: bool = False,
    own: Mapping[str, Collection[frozenset[int]]] | None = None,
    unit_tests: bool = True,
) -> TableDesign:
    """Give the design of the parts of a table's cells; its cells are part and rest of the first split, then of the second, and so on.

    Args:
        splits: in the order of the wholes in the plan.
        min_cell: counts below are small.
        zeros_disclosive: 0 is small.
        own: for an agency, the groups of splits of which it knows by itself how many people are in the parts together, and in the rests.
        unit_tests: as `TableDesign` has it.
    """
    cells = []
    for one in splits:
        rest = add_terms([one.whole, tuple((-coefficient, cell) for coefficient, cell in one.part)])
        cells.append(TableCell(one.part, hidden_before=not one.opened))
        cells.append(TableCell(rest, from_zero=one.rest_from_zero, hidden_before=not one.opened))
    totals = [TableTotal(frozenset({2 * at, 2 * at + 1}), earlier=True) for at, one in enumerate(splits) if one.opened]
    for agency, groups in sorted((own or {}).items()):
        for group in sorted(groups, key=sorted):
            totals += [TableTotal(frozenset(2 * at + side for at in group), known_to=frozenset({agency})) for side in (0, 1)]
    return TableDesign(min_cell, tuple(cells), tuple(totals), zeros_disclosive, unit_tests)


def find_open_splits(pattern: Pattern) -> tuple[bool, ...]:
    """Tell of each split whether its part opens, and with it all that rests on it.

    Args:
        pattern: of a `split_design`.
    """
    marks = pattern.cells
    return tuple(marks[at] is Mark.OPENED and marks[at + 1] is Mark.OPENED for at in range(0, len(marks), 2))


def sum_up(cells: int) -> tuple[TableTotal, ...]:
    """Give the totals of the first cell, the first two, and so on: numbers that a survival table or a histogram adds up.

    Args:
        cells: how many; periods or bins in their order.
    """
    return tuple(TableTotal(frozenset(range(at + 1)), asked=True, cumulative=True) for at in range(cells))
