"""The rows of a table: what each says of the groups, and what is left of the formula's polynomial there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from math import prod
from typing import Final

from tallystick.core.agreement.model import Agreement
from tallystick.core.errors import Invalid, Refused
from tallystick.core.job.bins import Range
from tallystick.core.job.columns import PRESENT, split
from tallystick.core.job.keep import Terms
from tallystick.core.job.model import SYSTEMS, Question
from tallystick.core.job.population import Population
from tallystick.core.job.since import PERIOD, FollowUp, Period
from tallystick.core.measure import Asked, list_columns
from tallystick.core.statistics.declared import find_column, integer_bounds, levels_by, ranges_by
from tallystick.core.statistics.plan import Factor, HomeColumn, Level, Levels, Quantity, put_ranges

MAX_ROWS: Final = 10_000
MAX_CELLS: Final = 20_000
"""Cells of the rows of a table."""
MAX_EXPANDED: Final = 8 * MAX_CELLS
"""The most products, those of one agency and those that fall together among them, that the cells of a table may be written out as."""

LIMITS: Final = {"cells": MAX_CELLS, "rows": MAX_ROWS, "products": MAX_EXPANDED}

Products = dict[HomeColumn, int]
"""Coefficient of each product of factors of different groups."""
Asks = Mapping[str, Levels | None]
"""What a row says of the groups of its columns: levels of people whom the group has, or None: the person is not in it."""


def count_products(population: Population, terms: Terms, fixed: Mapping[str, Factor | None]) -> Products:
    """Give what counts the people of a row, over the groups that agencies hold.

    A stacked group's people are those of its first, of its second who are not in the first, and so on: a sum of rows that say so.

    Args:
        population: whose groups may be stacked.
        terms: the polynomial of the people counted.
        fixed: as `restrict` takes it, by the groups that a job names.
    """
    worlds: list[dict[str, Factor | None]] = [{}]
    for group, factor in fixed.items():
        parts = population.parts_of(group)
        if factor is None:
            ways: list[dict[str, Factor | None]] = [dict.fromkeys(parts)]
        else:
            ways = [{**dict.fromkeys(parts[:at]), part: factor} for at, part in enumerate(parts)]
        worlds = [world | way for world in worlds for way in ways]
    found: Products = {}
    for world in worlds:
        for key, coefficient in restrict(terms, world).items():
            found[key] = found.get(key, 0) + coefficient
    return {key: coefficient for key, coefficient in found.items() if coefficient}


def restrict(terms: Terms, fixed: Mapping[str, Factor | None]) -> Products:
    """Give a polynomial of presences where some groups have people of given levels, and others do not have them.

    Args:
        terms: the polynomial.
        fixed: the factor of a group in which the people are; None for one in which they are not.
    """
    inside = {group: factor for group, factor in fixed.items() if factor is not None}
    found: Products = {}
    for monomial, coefficient in terms.items():
        if any(group in fixed and fixed[group] is None for group in monomial):
            continue
        factors = dict.fromkeys(monomial, Factor()) | inside
        key = tuple(sorted(factors.items(), key=lambda one: one[0]))
        found[key] = found.get(key, 0) + coefficient
    for group in (name for name, factor in fixed.items() if factor is None):
        for key, coefficient in list(found.items()):
            without = tuple(sorted((*key, (group, Factor())), key=lambda one: one[0]))
            found[without] = found.get(without, 0) - coefficient
    return {key: coefficient for key, coefficient in found.items() if coefficient}


def by_columns(question: Question, population: Population) -> tuple[str, ...]:
    """Give the columns that part the rows: those of `by`, and before a group's columns its presence, where somebody may not be in it.

    Before all of them stands `period`, where rows are of one.

    Raises:
        Invalid: `job-invalid`: a column that stands twice, or one of no group.
    """
    if len(set(question.by)) != len(question.by):
        raise Invalid("job-invalid", "a column is named twice in by", hint="name each column once")
    columns: dict[str, None] = {PERIOD: None} if question.since is not None else {}
    for reference in question.by:
        if reference == SYSTEMS:
            columns[reference] = None
            continue
        group = group_of(reference, question)
        if population.may_lack(group):
            columns[f"{group}.{PRESENT}"] = None
        columns[reference] = None
    return tuple(columns)


def table_rows(
    by: Sequence[str],
    question: Question,
    agreement: Agreement,
    population: Population,
    moments: int,
    follow: FollowUp | None = None,
) -> tuple[tuple[Level, ...], ...]:
    """Give the levels of each row of a table whose rows have so many moments each; rows that nobody can be in are left out."""
    levels: dict[str, Sequence[Level]] = {}
    for reference in by:
        group, name = split(reference)
        if reference == SYSTEMS:
            levels[reference] = tuple(population.systems)
        elif reference == PERIOD:
            levels[reference] = tuple(period.label for period in follow.periods) if follow is not None else ()
        elif name == PRESENT:
            levels[reference] = (True, False) if population.may_lack(group) else (True,)
        else:
            levels[reference] = (*levels_by(question, agreement, reference), None)
    for what, number in _needs(levels, population, moments, follow).items():
        if number > LIMITS[what]:
            raise Refused(
                "table-too-large",
                f"by: the table would have {number} {what}; {LIMITS[what]} are allowed",
                hint=_smaller(levels, population, moments, follow),
            )
    rows = (row for row in product(*levels.values()) if _together(by, row))
    ranges = {reference: ranges_by(question, agreement, reference) for reference in list_leveled(by)}

    def count(row: Sequence[Level]) -> Products:
        fixed = fix_factors(row_asks(by, row), ranges, follow)
        found = count_products(population, row_terms(population, by, row), fixed)
        return expand_row(found, by, row, follow, population)

    return tuple(row for row in rows if count(row))


def list_leveled(by: Sequence[str]) -> list[str]:
    """Give the columns of a table's rows that are columns of a dataset, or derived."""
    return [name for name in by if name not in {SYSTEMS, PERIOD} and split(name)[1] != PRESENT]


def fix_factors(
    asks: Asks, ranges: Mapping[str, Mapping[str, Range]], follow: FollowUp | None = None
) -> dict[str, Factor | None]:
    """Give the factors of what a row says of groups, with the event of those who are counted where rows are of a period."""
    fixed = {group: None if levels is None else Factor(put_ranges(ranges, group, levels)) for group, levels in asks.items()}
    if follow is None:
        return fixed
    group, name = split(follow.event)
    factor = fixed.get(group) or Factor()
    return fixed | {group: Factor((*factor.levels, (name, follow.events)))}


def expand_row(
    products: Products, by: Sequence[str], row: Sequence[Level], follow: FollowUp | None, population: Population
) -> Products:
    """Give a row's products over the calendar, where it is of a period; else as they are."""
    if follow is None:
        return products
    return expand_calendar(products, follow, follow.period(row[list(by).index(PERIOD)]), population)


def expand_calendar(products: Products, follow: FollowUp, period: Period, population: Population) -> Products:
    """Give products in which a group is taken in a period since an event, as a sum over the units of the event.

    A product without the group stays one: of events in all units. Of one with it each unit is a product of its own: the event in this unit,
    times what the group says of the unit's period. Products that are 0 whatever the records are, such as of the events of two quarters, are
    left out.

    Args:
        products: each has the event of those who are counted in a factor (`fix_factors`).
        follow: what is asked.
        period: of the row.
        population: whose groups may be stacked.
    """
    events, rows_of = (set(population.parts_of(split(reference)[0])) for reference in (follow.event, follow.of))
    name, made = split(follow.event)[1], split(follow.of)[1]
    found: Products = {}
    for key, coefficient in products.items():
        dated = {group for group, factor in key if group in events and (name, follow.events) in factor.levels}
        if any(level is None for group, factor in key if group in dated for asked, level in factor.levels if asked == name):
            continue
        if not any(group in rows_of for group, _ in key):
            found[key] = found.get(key, 0) + coefficient
            continue
        for unit in follow.calendar:
            inside, window = follow.event_in(unit), follow.window(unit, period)
            if any(not _may_be(factor, name, inside) for group, factor in key if group in dated):
                continue
            placed = tuple(
                (group, _put(factor, (name, follow.events), (name, inside)))
                if group in dated
                else (group, _take_window(factor, made, window, by_rows=follow.by_rows))
                if group in rows_of
                else (group, factor)
                for group, factor in key
            )
            found[placed] = found.get(placed, 0) + coefficient
    return {key: coefficient for key, coefficient in found.items() if coefficient}


def _may_be(factor: Factor, name: str, inside: Range) -> bool:
    """Tell whether all that a factor asks of a column can be so of a value in a range."""
    assert inside.low is not None
    assert inside.high is not None
    asked = (level for column, level in factor.levels if column == name and isinstance(level, Range))
    return all((one.low is None or one.low < inside.high) and (one.high is None or inside.low < one.high) for one in asked)


def _put(factor: Factor, old: tuple[str, Range], new: tuple[str, Range]) -> Factor:
    return replace(factor, levels=tuple(new if one == old else one for one in factor.levels))


def _take_window(factor: Factor, name: str, window: Range, *, by_rows: bool) -> Factor:
    return replace(factor, at=window) if by_rows else replace(factor, levels=(*factor.levels, (name, window)))


def _needs(
    levels: Mapping[str, Sequence[Level]], population: Population, moments: int, follow: FollowUp | None
) -> dict[str, int]:
    """Give how many cells, rows and products a table by these levels has. That nobody is in a group is one level, of two products."""
    sizes: dict[str, int] = {}
    terms, systems = len(population.keep.terms), len(levels.get(SYSTEMS, (None,))) * len(levels.get(PERIOD, (None,)))
    if SYSTEMS in levels:
        terms = sum(map(len, population.systems.values()))
    for reference, some in levels.items():
        if reference in {SYSTEMS, PERIOD}:
            continue
        group, name = split(reference)
        sizes[group] = sizes.get(group, 1) * (1 if name == PRESENT else len(some))
    # of a stacked group of m, its people are 1 + 2 + 4 + … products, and those not in it 2^m
    ways = {group: 2 ** len(population.parts_of(group)) for group in sizes}
    rows = systems * prod(size + population.may_lack(group) for group, size in sizes.items())
    products = prod((ways[group] - 1) * size + ways[group] * population.may_lack(group) for group, size in sizes.items())
    times = 1 if follow is None else len(follow.periods) * len(follow.calendar)
    return {"cells": rows * moments, "rows": rows, "products": products * moments * terms * times}


def _together(by: Sequence[str], row: Sequence[Level]) -> bool:
    """Tell whether a row says nothing of people of a group in which it says that they are not."""
    absent = {split(name)[0] for name, level in zip(by, row, strict=True) if split(name)[1] == PRESENT and level is False}
    return all(
        level is None or split(name)[0] not in absent or split(name)[1] == PRESENT for name, level in zip(by, row, strict=True)
    )


def row_terms(population: Population, by: Sequence[str], row: Sequence[Level]) -> Terms:
    """Give the polynomial of the people counted of a row: those of its number of groups, where it says one."""
    for reference, level in zip(by, row, strict=True):
        if reference == SYSTEMS and isinstance(level, int):
            return population.systems[level]
    return dict(population.keep.terms)


def row_asks(by: Sequence[str], row: Sequence[Level]) -> dict[str, Levels | None]:
    """Give what a row says of each group of its columns."""
    asks: dict[str, Levels | None] = {}
    for reference, level in zip(by, row, strict=True):
        group, name = split(reference)
        if reference in {SYSTEMS, PERIOD}:
            continue
        if name == PRESENT:
            asks[group] = asks.get(group, ()) if level else None
        elif asks.setdefault(group, ()) is not None:
            asks[group] = (*(asks[group] or ()), (name, level))
    return asks


def _smaller(levels: Mapping[str, Sequence[Level]], population: Population, moments: int, follow: FollowUp | None) -> str:
    """Give the smallest change to `by` that would pass: the column with the fewest levels without which the table is small enough."""

    def fits(left_out: str) -> bool:
        rest = {name: some for name, some in levels.items() if name != left_out}
        return all(number <= LIMITS[what] for what, number in _needs(rest, population, moments, follow).items())

    columns = [name for name in levels if name != PERIOD and split(name)[1] != PRESENT and fits(name)]
    if not columns and follow is not None:
        return "ask for fewer periods, or count in longer units"
    least = min(columns, key=lambda name: len(levels[name]), default=None)
    of = "" if least is None else f" such as {least}"
    return f"leave out a column{of}, or use one with fewer levels"


def group_of(reference: str, question: Question) -> str:
    """Give the group of a column.

    Raises:
        Invalid: `job-invalid`: there is none.
    """
    group, _ = split(reference)
    if group not in question.groups:
        raise Invalid("job-invalid", f"{reference} names no group of people", hint=f"people has: {', '.join(question.groups)}")
    return group


def list_quantities(question: Question, agreement: Agreement, asked: Sequence[Asked]) -> dict[str, Quantity]:
    """Give the columns that are measured, each once: a sum and a mean of one column share their cells."""
    quantities = {}
    for reference in list_columns(asked):
        group = group_of(reference, question)
        column = find_column(question, agreement, reference)
        low, high = integer_bounds(column, reference)
        quantities[reference] = Quantity(group, low, high, column.scale or 0)
    return quantities
