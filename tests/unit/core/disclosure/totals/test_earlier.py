"""S-19: what an earlier table of the same people opened or hid counts for a later one, finer, coarser or crossing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray

from tallystick.core.disclosure.totals.design import TableCell, TableDesign, TableTotal
from tallystick.core.disclosure.totals.earlier import Legacy, Region, ReleasedTable, find_legacy
from tallystick.core.disclosure.totals.state import begin_totals
from tests.worlds import Bits, Sight, Tables, add, grid, number_of, tables_up_to, walk

Shape = Sequence[tuple[Region, frozenset[int]]]
"""A table's cells: their regions, and which cells of the finest table each holds."""


def region(**levels: object) -> Region:
    """Give a region of one level a column, or of several in a tuple."""
    return {column: frozenset(value if isinstance(value, tuple) else (value,)) for column, value in levels.items()}


def opened(*regions: Region) -> ReleasedTable:
    return ReleasedTable(tuple((one, True) for one in regions))


COUNTY: Final = [region(county=n) for n in (1, 2)]
CELLS: Final = [region(county=n, program=p) for n in (1, 2) for p in "xy"]


def test_a_finer_table_knows_the_totals_that_opened_and_keeps_hidden_what_was_hidden() -> None:
    earlier = ReleasedTable(((COUNTY[0], True), (COUNTY[1], False)))
    assert find_legacy(CELLS, [earlier]) == Legacy((TableTotal(frozenset({0, 1}), earlier=True),), frozenset({2, 3}))


def test_a_coarser_table_opens_only_sums_of_what_opened() -> None:
    earlier = ReleasedTable(tuple((cell, at != 1) for at, cell in enumerate(CELLS)))
    assert find_legacy(COUNTY, [earlier]) == Legacy((TableTotal(frozenset({1}), earlier=True),), frozenset({0}))


def test_a_total_that_opened_is_open_although_a_part_is_hidden() -> None:
    earlier = ReleasedTable(tuple((cell, at != 1) for at, cell in enumerate(CELLS)), (COUNTY[0],))
    assert find_legacy(COUNTY, [earlier]) == Legacy(
        (TableTotal(frozenset({1}), earlier=True), TableTotal(frozenset({0}), earlier=True)), frozenset({0})
    )


def test_a_table_that_crosses_knows_the_sums_of_shared_levels() -> None:
    sexes = [region(county=n, sex=s) for n in (1, 2) for s in "fm"]
    assert find_legacy(CELLS, [opened(*sexes)]) == Legacy(
        (TableTotal(frozenset({0, 1}), earlier=True), TableTotal(frozenset({2, 3}), earlier=True)), frozenset()
    )
    one_hidden = ReleasedTable(tuple((cell, at != 3) for at, cell in enumerate(sexes)))
    assert find_legacy(CELLS, [one_hidden]) == Legacy((TableTotal(frozenset({0, 1}), earlier=True),), frozenset({2, 3}))


def test_levels_that_overlap_stay_hidden_because_their_difference_is_no_cell() -> None:
    bins = [region(age=("0-17",)), region(age=("18-20", "21+"))]
    others = [region(age=("0-17", "18-20")), region(age=("21+",))]
    assert find_legacy(bins, [opened(*others)]) == Legacy((), frozenset({0, 1}))
    finer = [region(age=("0-17",)), region(age=("18-20",)), region(age=("21+",))]
    assert find_legacy(finer, [opened(*others)]) == Legacy(
        (TableTotal(frozenset({0, 1}), earlier=True), TableTotal(frozenset({2}), earlier=True)), frozenset()
    )


def test_a_table_of_nobody_leaves_nothing() -> None:
    assert find_legacy([], [opened(*CELLS)]) == Legacy((), frozenset())
    assert find_legacy(CELLS, []) == Legacy((), frozenset())


# --- every small table, in every order of asking ---


def shapes(rows: int, columns: int) -> dict[str, Shape]:
    by_row, by_column = grid(rows, columns)
    return {
        "rows": [(region(row=n), cells) for n, cells in enumerate(by_row)],
        "columns": [(region(column=n), cells) for n, cells in enumerate(by_column)],
        "cells": [(region(row=n // columns, column=n % columns), frozenset({n})) for n in range(rows * columns)],
    }


class Asking:
    """Tables of the same people, asked one after the other."""

    def __init__(self, order: Sequence[Shape], tables: Tables, *, totals: bool, least: int = 3) -> None:
        self.order, self.tables, self.totals, self.least = order, tables, totals, least
        self.seen = [np.zeros(len(tables), np.int64) for _ in range(len(order) + 1)]
        self.hidden: list[Bits] = [np.ones((len(tables), len(shape)), bool) for shape in order]
        self._ask(0, np.arange(len(tables)), [])

    def leaks(self) -> int:
        """Count the tables that lose a value, of what was possible before each was asked."""
        bad = np.zeros(len(self.tables), bool)
        for at, shape in enumerate(self.order):
            values = np.stack([add(self.tables, [(1, c) for c in sorted(cells)]) for _, cells in shape], axis=1)  # type: ignore[arg-type]
            bad |= Sight(values, self.hidden[at], self.seen[-1], self.seen[at]).leaks([range(1, self.least)] * len(shape))
        return int((bad & (self.tables.sum(1) <= self.tables.sum(1).max() - 3)).sum())

    def _ask(self, at: int, rows: NDArray[np.int64], done: list[ReleasedTable]) -> None:
        if at == len(self.order):
            return
        shape = self.order[at]
        legacy = find_legacy([where for where, _ in shape], done)
        cells = tuple(
            TableCell(tuple((1, one) for one in sorted(inside)), hidden_before=n in legacy.hidden)
            for n, (_, inside) in enumerate(shape)
        )
        asked = (TableTotal(frozenset(range(len(shape))), asked=True),) if self.totals else ()
        design = TableDesign(self.least, cells, (*legacy.totals, *asked))
        for state, inner in walk(begin_totals(design), self.tables[rows]):
            here, pattern = rows[inner], state.pattern
            shown = [design.cells[cell].terms for cell in pattern.opened]
            shown += [tuple((1, one) for c in design.totals[n].cells for one in shape[c][1]) for n in pattern.opened_totals]
            columns = [add(self.tables[here], terms) for terms in shown]
            number = number_of([self.seen[at][here], *columns], len(here))
            for later in self.seen[at + 1 :]:
                later[here] = self.seen[at + 1].max() + 1 + number
            self.hidden[at][np.ix_(here, np.array(pattern.opened, np.int64))] = False
            whole: list[Region] = [{}] if any(len(design.totals[n].cells) == len(shape) for n in pattern.opened_totals) else []
            table = ReleasedTable(tuple((where, n in pattern.opened) for n, (where, _) in enumerate(shape)), tuple(whole))
            self._ask(at + 1, here, [*done, table])


ORDERS: Final = [order for size in (2, 3) for order in permutations(["rows", "columns", "cells"], size)]


@pytest.mark.parametrize("totals", [False, True])
def test_no_value_is_lost_in_any_order_of_asking(*, totals: bool) -> None:
    tables = tables_up_to(4, 15)
    for order in ORDERS:
        asking = Asking([shapes(2, 2)[name] for name in order], tables, totals=totals)
        assert asking.leaks() == 0, order


@pytest.mark.slow
@pytest.mark.parametrize("totals", [False, True])
@pytest.mark.parametrize("order", ORDERS)
def test_no_value_is_lost_in_any_order_of_asking_larger_tables(order: tuple[str, ...], *, totals: bool) -> None:
    tables = tables_up_to(6, 17)
    assert Asking([shapes(2, 3)[name] for name in order], tables, totals=totals).leaks() == 0


def test_forgetting_what_was_hidden_loses_values(monkeypatch: pytest.MonkeyPatch) -> None:
    def forget(cells: Sequence[Region], tables: Sequence[ReleasedTable]) -> Legacy:
        return Legacy(find(cells, tables).totals, frozenset())

    find = find_legacy
    monkeypatch.setitem(globals(), "find_legacy", forget)
    assert Asking([shapes(2, 2)[name] for name in ("cells", "rows")], tables_up_to(4, 15), totals=False).leaks()
