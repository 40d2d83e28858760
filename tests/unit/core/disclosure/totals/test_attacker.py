"""S-19: a solver that is given everything released, the rule, own totals and earlier tables finds every small value possible for every hidden
small count. Random tables, larger than can be enumerated.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace

import pytest

from tallystick.core.disclosure.totals import schedule
from tallystick.core.disclosure.totals.design import TableCell, TableDesign, TableTotal
from tallystick.core.disclosure.totals.earlier import Region, ReleasedTable, find_legacy
from tallystick.core.disclosure.totals.parts import Split, split_design
from tallystick.core.disclosure.totals.pattern import Mark, Pattern
from tallystick.core.disclosure.totals.sums import Terms, add_terms, residual_bound
from tests.totals_attacker import Attacker, Transcript, lost_values
from tests.worlds import grid, plain_design

A, B = frozenset({"a"}), frozenset({"b"})
Step = tuple[TableDesign, Pattern, Transcript]
"""A table, what opened, and what had been seen before."""


def count(source: random.Random, least: int) -> int:
    """Give a count that is small about half of the time."""
    kinds = (
        0,
        source.randint(1, least - 1),
        source.randint(1, least),
        source.randint(least, 3 * least),
        source.randint(least, 15 * least),
    )
    return source.choice(kinds)


def terms_of(design: TableDesign, cells: Iterable[int]) -> Terms:
    return add_terms(design.cells[cell].terms for cell in cells)


def found(transcript: Transcript, steps: list[Step], least: int) -> list[str]:
    """Give what is lost at the end, to the outside and to each agency, of what was possible before each table was begun."""
    told = []
    room = 4 * least * len(transcript.counts)
    for who in ("", "a", "b"):
        own = [terms_of(design, total.cells) for design, _, _ in steps for total in design.totals if who in total.known_to]
        seen = Attacker.who_sees(transcript, own, room=room)
        for design, pattern, earlier in steps:
            before = Attacker.who_sees(earlier, own, room=room)
            told += [f"{who or 'outside'}: {lost}" for lost in lost_values(design, pattern, seen, before, transcript.counts)]
    return told


def run(transcript: Transcript, design: TableDesign) -> Step:
    earlier = replace(transcript, answers=list(transcript.answers), sums=list(transcript.sums))
    return design, transcript.run(design), earlier


def one_table(source: random.Random, transcript: Transcript, rows: int, columns: int, least: int) -> list[Step]:
    """One table, with totals asked and known in some way."""
    by_row, by_column = grid(rows, columns)
    grand = frozenset(range(rows * columns))
    totals = source.choice(
        [
            [TableTotal(one, asked=True) for one in (*by_row, *by_column, grand)],
            [TableTotal(one, asked=True) for one in (grand, *by_row)],
            [TableTotal(one, known_to=A) for one in by_row] + [TableTotal(one, asked=True) for one in (*by_column, grand)],
            [TableTotal(one, known_to=A) for one in by_row] + [TableTotal(one, known_to=B) for one in by_column],
            [TableTotal(by_row[0], known_to=A), *(TableTotal(one, asked=True) for one in (grand, *by_row))],
        ]
    )
    design = plain_design(rows * columns, totals, min_cell=least, zeros_disclosive=source.random() < 0.3)
    return [run(transcript, design)]


def split_table(source: random.Random, transcript: Transcript, rows: int, columns: int, least: int) -> list[Step]:
    """Counts, then who has a value among each; the agency of the rows may know its values' totals."""
    count_of = [((1, 2 * cell), (1, 2 * cell + 1)) for cell in range(rows * columns)]
    by_row, _ = grid(rows, columns)
    known = source.choice([A, frozenset[str]()])
    totals = tuple(TableTotal(row, asked=not known, known_to=known) for row in by_row)
    design = TableDesign(least, tuple(TableCell(terms) for terms in count_of), totals)
    first = run(transcript, design)
    splits = [Split(terms, terms[:1], mark is Mark.OPENED) for terms, mark in zip(count_of, first[1].cells, strict=True)]
    parts = split_design(splits, min_cell=least, own={"a": by_row} if known and source.random() < 0.7 else None)
    return [first, run(transcript, parts)]


def region(**levels: int) -> Region:
    return {column: frozenset({level}) for column, level in levels.items()}


def later_table(source: random.Random, transcript: Transcript, rows: int, columns: int, least: int) -> list[Step]:
    """A table, and one or two more of the same people: finer, coarser, or crossing. An agency may know a row, if every table parts it."""
    by_row, by_column = grid(rows, columns)
    shapes: dict[str, list[tuple[Region, frozenset[int]]]] = {
        "row": [(region(row=n), cells) for n, cells in enumerate(by_row)],
        "column": [(region(column=n), cells) for n, cells in enumerate(by_column)],
        "both": [(region(row=n // columns, column=n % columns), frozenset({n})) for n in range(rows * columns)],
    }
    order = source.sample(sorted(shapes), source.choice([2, 3]))
    own = TableTotal(by_row[0], known_to=A) if "column" not in order and source.random() < 0.5 else None
    steps: list[Step] = []
    done: list[ReleasedTable] = []
    for shape in order:
        cells = shapes[shape]
        legacy = find_legacy([where for where, _ in cells], done)
        asked = [TableTotal(frozenset(range(len(cells))), asked=True)] if source.random() < 0.5 else []
        if shape == "both":
            asked += [TableTotal(row, asked=True) for row in by_row] if source.random() < 0.5 else []
            asked += [own] if own else []
        elif shape == "row" and own:
            asked.append(TableTotal(frozenset({0}), known_to=A))
        made = tuple(
            TableCell(tuple((1, cell) for cell in sorted(inside)), hidden_before=at in legacy.hidden)
            for at, (_, inside) in enumerate(cells)
        )
        design = TableDesign(least, made, (*legacy.totals, *asked))
        steps.append(run(transcript, design))
        pattern = steps[-1][1]
        whole: list[Region] = [{}] if any(len(design.totals[n].cells) == len(cells) for n in pattern.opened_totals) else []
        rows_open = [
            region(row=n)
            for n, row in enumerate(by_row)
            if shape == "both" and any(design.totals[total].cells == row for total in pattern.opened_totals)
        ]
        done.append(
            ReleasedTable(
                tuple((where, mark is Mark.OPENED) for (where, _), mark in zip(cells, pattern.cells, strict=True)),
                (*whole, *rows_open),
            )
        )
    return steps


KINDS = (one_table, split_table, later_table)


def check(seed: int) -> None:
    source = random.Random(seed)
    make = KINDS[seed % len(KINDS)]
    rows, columns, least = source.randint(1, 3), source.randint(2, 4), source.choice([3, 3, 4, 5, 11])
    if make is later_table:
        rows = max(rows, 2)
    transcript = Transcript([count(source, least) for _ in range(rows * columns * (2 if make is split_table else 1))])
    steps = make(source, transcript, rows, columns, least)
    assert not found(transcript, steps, least), (seed, make.__name__, transcript.counts)


@pytest.mark.parametrize("seed", range(60))
def test_every_small_value_stays_possible(seed: int) -> None:
    check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(1000, 11000, 250))
def test_every_small_value_stays_possible_in_ten_thousand_tables(start: int) -> None:
    for seed in range(start, start + 250):
        check(seed)


def test_the_attacker_finds_what_a_weaker_rule_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    design = plain_design(4, [TableTotal(frozenset(range(4)), asked=True)], min_cell=5)
    transcript = Transcript([1, 5, 20, 30])
    assert not found(transcript, [run(transcript, design)], 5)
    monkeypatch.setattr(schedule, "residual_bound", lambda least, few: residual_bound(least, few) - 5)
    weak = Transcript([1, 5, 20, 30])
    assert "outside: (0, 4)" in found(weak, [run(weak, design)], 5)


def test_limit_who_knows_of_some_who_are_counted_how_many_they_are_bounds_a_hidden_count_from_below() -> None:
    """A table by columns; an agency has 52 of its people, whom no column has alone, and 49 people stand in the columns that opened."""
    rows, columns = grid(2, 3)
    transcript = Transcript([6, 28, 18, 2, 0, 3])
    design = TableDesign(11, tuple(TableCell(tuple((1, cell) for cell in sorted(column))) for column in columns))
    pattern = transcript.run(design)
    assert pattern.cells == (Mark.SMALL, Mark.OPENED, Mark.OPENED)
    known = [tuple((1, cell) for cell in sorted(rows[0]))]
    seen, before = Attacker.who_sees(transcript, known, room=200), Attacker.who_knows(transcript.counts, known, room=200)
    assert lost_values(design, pattern, seen, before, transcript.counts) == [(0, 1), (0, 2)]
    assert not lost_values(design, pattern, Attacker.who_sees(transcript, [], room=200), before, transcript.counts)


def test_the_attacker_finds_a_count_that_its_own_columns_give_away() -> None:
    rows, columns = grid(2, 2)
    design = plain_design(4, [TableTotal(row, known_to=A) for row in rows], min_cell=3)
    transcript = Transcript([1, 9, 7, 8])
    pattern = transcript.run(design)
    assert pattern.cells == (Mark.SMALL, Mark.COMPLEMENT, Mark.OPENED, Mark.OPENED)
    known = [terms_of(design, column) for column in columns]
    seen, before = (
        make for make in (Attacker.who_sees(transcript, known, room=40), Attacker.who_knows(transcript.counts, known, room=40))
    )
    assert lost_values(design, pattern, seen, before, transcript.counts) == [(0, 2)]
