"""S-19: every small table, every attacker: no hidden small count loses a small value by what opens, what is answered, and what is known.

Rules that look simpler are held beside it and lose values, so the check can fail.
"""

from __future__ import annotations

import random
from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray

from tallystick.core.disclosure.totals import schedule
from tallystick.core.disclosure.totals.design import TableCell, TableDesign, TableTotal
from tallystick.core.disclosure.totals.sums import residual_bound, strike_bound
from tests.worlds import Bits, Tables, grid, look, look_at, opened_before, plain_design, small_cells, sums_of, tables_up_to

A, B = frozenset({"a"}), frozenset({"b"})
EVERYBODY: Final = (None, "a", "b")


def asked(*groups: frozenset[int]) -> list[TableTotal]:
    return [TableTotal(group, asked=True) for group in groups]


def own(agency: frozenset[str], *groups: frozenset[int]) -> list[TableTotal]:
    return [TableTotal(group, known_to=agency) for group in groups]


def earlier(*groups: frozenset[int]) -> list[TableTotal]:
    return [TableTotal(group, earlier=True) for group in groups]


def cases(rows: int, columns: int) -> dict[str, list[TableTotal]]:
    by_row, by_column = grid(rows, columns)
    grand = frozenset(range(rows * columns))
    found = {"rows opened": asked(*by_row), "own rows": own(A, *by_row), "none": []}
    if rows > 1:
        found |= {
            "rows opened, columns and all of the rest": asked(*by_row, *by_column, grand),
            "rows opened, margins untested": asked(*by_row)
            + [TableTotal(group, asked=True, untested=True) for group in (*by_column, grand)],
            "all, then rows": asked(grand, *by_row),
            "own rows, columns of the rest": own(A, *by_row) + asked(*by_column),
            "own rows, all opened": own(A, *by_row) + asked(grand),
            "own rows, all opened before": own(A, *by_row) + earlier(grand),
            "own rows | own columns": own(A, *by_row) + own(B, *by_column),
            "rows and columns opened before": earlier(*by_row, *by_column),
            "own rows, columns opened before": own(A, *by_row) + earlier(*by_column),
            "one row known, all opened": own(A, by_row[0]) + asked(grand),
            "one row and all known": own(A, by_row[0], grand),
            "one row opened before, all now": earlier(by_row[0]) + asked(grand),
            "sums up to each cell": [TableTotal(frozenset(range(n + 1)), asked=True, cumulative=True) for n in sorted(grand)]
            + asked(grand),
        }
    return found


def leaking(
    design: TableDesign, tables: Tables, who: str | None = None, *, edge: int = 0, more: list[frozenset[int]] | None = None
) -> int:
    """Count the tables that lose a value; those at the edge of what is enumerated do not count."""
    worlds = opened_before(design, tables)
    inside = worlds.sum(1) <= tables.sum(1).max() - edge
    return int((look(design, worlds, who, more or ()).leaks(small_cells(design)) & inside).sum())


SMALL_SHAPES: Final = [(1, 2, 16), (1, 3, 16), (2, 2, 16)]


@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize(("rows", "columns", "most"), SMALL_SHAPES)
def test_no_value_is_lost(rows: int, columns: int, most: int, *, zeros: bool) -> None:
    tables = tables_up_to(rows * columns, most)
    for name, totals in cases(rows, columns).items():
        design = plain_design(rows * columns, totals, min_cell=3, zeros_disclosive=zeros)
        for who in EVERYBODY:
            assert not leaking(design, tables, who, edge=3), (name, who)


@pytest.mark.slow
@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize(
    ("rows", "columns", "most", "least"),
    [
        (1, 2, 24, 4),
        (1, 3, 22, 4),
        (1, 4, 20, 3),
        (1, 4, 22, 4),
        (2, 2, 24, 4),
        (1, 5, 18, 3),
        (2, 3, 20, 3),
        (3, 2, 20, 3),
        (1, 3, 24, 5),
    ],
)
def test_no_value_is_lost_in_larger_tables(rows: int, columns: int, most: int, least: int, *, zeros: bool) -> None:
    tables = tables_up_to(rows * columns, most)
    for name, totals in cases(rows, columns).items():
        design = plain_design(rows * columns, totals, min_cell=least, zeros_disclosive=zeros)
        for who in EVERYBODY:
            assert not leaking(design, tables, who, edge=least), (name, who)


def random_design(seed: int) -> TableDesign:
    """Give a table of three or four cells, of which any sums are known to anybody, and perhaps a cell hidden before."""
    source = random.Random(seed)
    count = source.choice([3, 4, 4])
    cells = tuple(TableCell(((1, n),), source.random() < 0.15, source.random() < 0.1) for n in range(count))
    totals = []
    for _ in range(source.randint(1, 5)):
        first = source.randint(0, count - 1)
        run = frozenset(range(first, source.randint(first + 1, count)))
        group = run if source.random() < 0.6 else frozenset(source.sample(range(count), source.randint(1, count)))
        agencies = source.choice([A, B, A | B, frozenset(), frozenset(), frozenset()])
        totals.append(
            TableTotal(
                group,
                asked=source.random() < 0.5,
                known_to=agencies,
                earlier=source.random() < 0.2,
                untested=source.random() < 0.1,
                cumulative=source.random() < 0.1,
            )
        )
    return TableDesign(3, cells, tuple(totals), source.random() < 0.2)


def check_random_design(seed: int) -> None:
    design = random_design(seed)
    tables = tables_up_to(len(design.cells), 20 if len(design.cells) == 3 else 17)
    for who in EVERYBODY:
        assert not leaking(design, tables, who, edge=4), (seed, who)


@pytest.mark.parametrize("seed", range(25))
def test_no_value_is_lost_whatever_is_known(seed: int) -> None:
    check_random_design(seed)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(1000, 3000, 100))
def test_no_value_is_lost_whatever_is_known_in_many_designs(start: int) -> None:
    for seed in range(start, start + 100):
        check_random_design(seed)


# --- controls: rules that lose values ---


def small(tables: Tables, least: int = 3) -> Bits:
    return (tables >= 1) & (tables < least)


def small_alone(tables: Tables) -> tuple[Bits, list[NDArray[np.int64]]]:
    return ~small(tables), []


def test_small_cells_hidden_alone_are_worked_out_from_a_known_total() -> None:
    tables = tables_up_to(3, 16)
    assert look_at(small_alone, tables, [range(3)]).leaks([range(1, 3)] * 3).any()
    assert not (look_at(small_alone, tables).leaks([range(1, 3)] * 3) & (tables.sum(1) <= 13)).any()


def one_residual(tables: Tables, *, tries: int, groups: list[list[int]]) -> tuple[Bits, list[NDArray[np.int64]]]:
    """Open a total if the hidden cells have room; else hide the next large cell, so many times; else keep the total shut."""
    hidden = small(tables)
    told = []
    for group in groups:
        for _ in range(tries):
            few, more = (hidden & small(tables))[:, group].sum(1), (hidden & ~small(tables))[:, group].sum(1)
            room = np.where(hidden, tables, 0)[:, group].sum(1) >= more * 3 + 2 + few - 1
            failing = hidden[:, group].any(1) & ~((more > 0) & room)
            can = ~hidden[:, group] & (tables[:, group] >= 3)
            at = np.flatnonzero(failing & can.any(1))
            hidden[at, np.array(group)[can[at].argmax(1)]] = True
        few, more = (hidden & small(tables))[:, group].sum(1), (hidden & ~small(tables))[:, group].sum(1)
        opens = ~hidden[:, group].any(1) | (
            (more > 0) & (np.where(hidden, tables, 0)[:, group].sum(1) >= more * 3 + 2 + few - 1)
        )
        told.append(np.where(opens, tables[:, group].sum(1), -1))
    return ~hidden, [*told, *np.where(hidden & small(tables), 1, 0).T]


@pytest.mark.parametrize(
    ("cells", "groups", "tries"),
    [
        (2, [[0, 1]], 1),  # that a total stays shut says that its residual was low
        (3, [[0, 1, 2]], 2),  # a second complement says that the first was not enough
        (4, [[0, 1], [2, 3], [0, 2], [1, 3]], 2),  # totals that pass one by one determine cells together
    ],
)
def test_residual_tests_whose_answer_crosses_a_total_lose_values(cells: int, groups: list[list[int]], tries: int) -> None:
    tables = tables_up_to(cells, 18)
    sight = look_at(lambda every: one_residual(every, tries=tries, groups=groups), tables)
    assert (sight.leaks([range(1, 3)] * cells) & (tables.sum(1) <= 10)).any()


@pytest.mark.parametrize(
    ("zeros", "cells", "strike", "residual"), [(False, 3, 0, 2), (False, 3, 3, 0), (True, 3, 2, 0), (True, 3, 0, 1)]
)
def test_lower_bounds_lose_values(
    monkeypatch: pytest.MonkeyPatch, cells: int, strike: int, residual: int, *, zeros: bool
) -> None:
    monkeypatch.setattr(schedule, "strike_bound", lambda least, members: strike_bound(least, members) - strike)
    monkeypatch.setattr(schedule, "residual_bound", lambda least, few: residual_bound(least, few) - residual)
    design = plain_design(cells, own(A, frozenset(range(cells))), min_cell=3, zeros_disclosive=zeros)
    assert leaking(design, tables_up_to(cells, 16), "a")


def test_complements_by_row_lose_values_to_who_knows_the_columns() -> None:
    rows, columns = grid(2, 2)
    design = plain_design(4, own(A, *rows), min_cell=3)
    assert leaking(design, tables_up_to(4, 18), more=columns, edge=6)


def test_rows_as_units_lose_values_to_who_knows_the_columns() -> None:
    rows, columns = grid(2, 2)

    def units(tables: Tables) -> tuple[Bits, list[NDArray[np.int64]]]:
        shut = np.zeros(tables.shape, bool)
        for row in rows:
            shut[:, sorted(row)] = small(tables[:, sorted(row)]).any(1, keepdims=True)
        return ~shut, []

    tables = tables_up_to(4, 18)
    assert (look_at(units, tables, columns).leaks([range(1, 3)] * 4) & (tables.sum(1) <= 12)).any()
    assert not (look_at(units, tables, rows).leaks([range(1, 3)] * 4) & (tables.sum(1) <= 12)).any()


def test_the_enumeration_is_of_all_tables() -> None:
    tables = tables_up_to(3, 5)
    assert len(tables) == 56  # 8 over 3
    assert len({tuple(row) for row in tables.tolist()}) == 56
    assert sums_of(tables, [range(3)])[0].max() == 5
