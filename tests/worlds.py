"""Every small table, through the engine's rule of totals: which tables look the same to whom, and which hidden small values that rules out.

`walk` asks the rule once for each public transcript, not once a table: all tables that give the same answers stay together.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tallystick.core.disclosure.totals.design import TableCell, TableDesign, TableTotal
from tallystick.core.disclosure.totals.state import TotalsState, begin_totals
from tallystick.core.disclosure.totals.sums import AnyTest, SumTest, Terms

Tables = NDArray[np.int64]
"""Tables × cells."""
Groups = Collection[Collection[int]]
Bits = NDArray[np.bool_]


def tables_up_to(cells: int, total: int) -> Tables:
    """Give all tables of so many cells that add up to at most `total`."""
    found = np.zeros((1, 0), np.int64)
    for _ in range(cells):
        room = total - found.sum(1)
        repeat = np.repeat(np.arange(len(found)), room + 1)
        fresh = np.concatenate([np.arange(one + 1) for one in room])
        found = np.concatenate([found[repeat], fresh[:, None]], axis=1)
    return found


def plain_design(
    cells: int, totals: Collection[TableTotal] = (), *, min_cell: int = 11, zeros_disclosive: bool = False
) -> TableDesign:
    """Give the design of a table whose cells are the plan's first ones.

    Args:
        cells: how many.
        totals: over them.
        min_cell: counts below are small.
        zeros_disclosive: 0 is small.
    """
    return TableDesign(min_cell, tuple(TableCell(((1, cell),)) for cell in range(cells)), tuple(totals), zeros_disclosive)


def grid(rows: int, columns: int) -> tuple[list[frozenset[int]], list[frozenset[int]]]:
    """Give the cells of each row, and of each column."""
    by_row = [frozenset(range(row * columns, (row + 1) * columns)) for row in range(rows)]
    return by_row, [frozenset(range(column, rows * columns, columns)) for column in range(columns)]


def add(tables: Tables, terms: Terms) -> NDArray[np.int64]:
    """Give a sum of each table's cells."""
    return sum((coefficient * tables[:, cell] for coefficient, cell in terms), np.zeros(len(tables), np.int64))


def ask(test: SumTest | AnyTest, tables: Tables) -> Bits:
    """Answer a test for each table."""
    found = np.zeros(len(tables), np.bool_)
    for one in test.any_of if isinstance(test, AnyTest) else (test,):
        value = add(tables, one.coefficients)
        found |= (value >= one.small.start) & (value < one.small.stop)
    return found


def number_of(columns: Sequence[NDArray[np.int64]], length: int) -> NDArray[np.int64]:
    """Give each row of columns the number of the rows that are equal."""
    if not columns:
        return np.zeros(length, np.int64)
    return np.unique(np.stack(columns, axis=1), axis=0, return_inverse=True)[1].reshape(-1)


def walk(
    state: TotalsState, tables: Tables, rows: NDArray[np.int64] | None = None
) -> Iterator[tuple[TotalsState, NDArray[np.int64]]]:
    """Give each end that the rule comes to, and which tables come to it."""
    rows = np.arange(len(tables)) if rows is None else rows
    if state.finished:
        yield state, rows
        return
    tests = state.tests if state.stage is not None else tuple(one.test for one in state.strikes)
    bits = np.stack([ask(test, tables[rows]) for test in tests], axis=1) if tests else np.zeros((len(rows), 0), np.bool_)
    answers, at = np.unique(bits, axis=0, return_inverse=True)
    for index, answer in enumerate(answers):
        taken = state.strike if state.stage is None else state.answer
        yield from walk(taken(answer.tolist()), tables, rows[at.reshape(-1) == index])


def sums_of(tables: Tables, groups: Groups) -> list[NDArray[np.int64]]:
    """Give the sum of each group of cells."""
    return [tables[:, sorted(group)].sum(1) for group in groups]


def small_cells(design: TableDesign) -> list[range]:
    """Give the small values of each cell."""
    return [range(0 if design.zeros_disclosive or cell.from_zero else 1, design.min_cell) for cell in design.cells]


class Sight:
    """What one attacker sees of all tables, and what it knew of each before.

    Attributes:
        tables: all that there are.
        hidden: (tables × cells) what did not open.
        seen: of each table, a number for all that look the same.
        known: of each table, a number for all that the attacker could not tell apart beforehand.
    """

    def __init__(self, tables: Tables, hidden: Bits, seen: NDArray[np.int64], known: NDArray[np.int64]) -> None:
        self.tables, self.hidden, self.seen, self.known = tables, hidden, seen, known

    def leaks(self, small: Sequence[range]) -> Bits:
        """Tell of each table whether a hidden small count lost a small value that was possible before."""
        bad = np.zeros(len(self.tables), bool)
        for cell, values in enumerate(small):
            column = self.tables[:, cell]
            target = self.hidden[:, cell] & np.isin(column, values)
            for value in values:
                at = column == value
                there = np.zeros(self.seen.max() + 1, bool)
                there[self.seen[at]] = True
                could = np.zeros(self.known.max() + 1, bool)
                could[self.known[at]] = True
                bad |= target & could[self.known] & ~there[self.seen]
        return bad


def look(design: TableDesign, tables: Tables, agency: str | None = None, more: Groups = ()) -> Sight:
    """Give what an attacker sees of a table under the rule.

    Args:
        design: of it.
        tables: every table that there is.
        agency: who looks, with its own totals known; None for somebody outside.
        more: further sums that it knows, and that the design does not mention.
    """
    seen, opened = np.zeros(len(tables), np.int64), np.zeros(tables.shape, bool)
    own = [*(total.cells for total in design.totals if total.earlier or agency in total.known_to), *more]
    for state, rows in walk(begin_totals(design), tables):
        pattern, here = state.pattern, tables[rows]
        shown = [*({cell} for cell in pattern.opened), *(design.totals[total].cells for total in pattern.opened_totals)]
        seen[rows] = seen.max() + 1 + number_of(sums_of(here, [*shown, *own]), len(here))
        opened[np.ix_(rows, np.array(pattern.opened, np.int64))] = True
        for cell in pattern.opened:
            assert_not_small(design, cell, here)
        for total in pattern.opened_totals:
            if not design.totals[total].earlier:
                value = here[:, sorted(design.totals[total].cells)].sum(1)
                assert not ((value >= 1) & (value < design.min_cell)).any()
    return Sight(tables, ~opened, seen, number_of(sums_of(tables, own), len(tables)))


def assert_not_small(design: TableDesign, cell: int, tables: Tables) -> None:
    """Check that a cell that opens is not small, unless it was open before."""
    if any(total.earlier and total.cells == {cell} for total in design.totals):
        return
    assert not np.isin(tables[:, cell], small_cells(design)[cell]).any()


def look_at(rule: Callable[[Tables], tuple[Bits, list[NDArray[np.int64]]]], tables: Tables, own: Groups = ()) -> Sight:
    """Give what an attacker sees under another rule.

    Args:
        rule: gives which cells open, and whatever else is seen.
        tables: every table that there is.
        own: the sums that the attacker knows.
    """
    opened, told = rule(tables)
    columns = [np.where(opened, tables, -1), *(one[:, None] for one in (*told, *sums_of(tables, own)))]
    seen = np.unique(np.concatenate(columns, axis=1), axis=0, return_inverse=True)[1].reshape(-1)
    return Sight(tables, ~opened, seen, number_of(sums_of(tables, own), len(tables)))


def opened_before(design: TableDesign, tables: Tables) -> Tables:
    """Give the tables of which the design's earlier totals could have been opened."""
    least = 0 if design.zeros_disclosive else 1
    earlier = sums_of(tables, [total.cells for total in design.totals if total.earlier])
    return tables[
        np.logical_and.reduce([np.ones(len(tables), bool), *(~((one >= least) & (one < design.min_cell)) for one in earlier)])
    ]
