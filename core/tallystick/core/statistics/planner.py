"""From a question to its plan: which columns each side makes, which products, and how they add up to the cells.

inner: a row's cell is one product, (left: its levels, and the value if the measured column is the left's) · (right: the same).

left: everyone of the left group counts. Where a row has no level of a right column, its cell is the left's own total. Where it
has, the people without a match stand in the row whose right levels are all missing:

    cell(l, all missing) = Σ left(l)·right(all missing)  +  own left(l)  -  Σ left(l)·right(present)

and what is measured at the right is missing for them, so those sums are one product as in an inner join.

The linkage report has people, usable tokens and matches of both groups; where `by` has columns of the left group, its people and
matches for each combination of their levels; and of each pass what the two lists say of themselves.

Security: a plan depends on the question and the agreement alone, never on data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import Final

from tallystick.core.agreement.model import Agreement
from tallystick.core.errors import Invalid, Refused
from tallystick.core.job.columns import split
from tallystick.core.job.model import Join, Question, parse_join
from tallystick.core.linkage.quality.sharing import ListNumber
from tallystick.core.measure import Asked, columns_asked
from tallystick.core.moments import Count, Moment, Sum
from tallystick.core.statistics.columns import ENTRY, USABLE
from tallystick.core.statistics.declared import by_levels, find_column, integer_bounds
from tallystick.core.statistics.keys import GroupPeople, InGroup, InReport, InRow, Key, Matched, Number, OfList, Place, Usable
from tallystick.core.statistics.plan import Cell, Factor, Own, Plan, Population, Quantity, Side
from tallystick.crypto.errors import LocalFault
from tallystick.crypto.modulus import primes_needed

MAX_ROWS: Final = 10_000
MAX_CELLS: Final = 20_000
"""Cells of the rows of a table."""
MAX_GROUPS: Final = 100
"""Groups of which the linkage report tells the matches; a table with more of them tells the total alone."""
MAX_PRODUCTS: Final = 2 * MAX_CELLS + MAX_GROUPS + 1
"""The most products that a plan can have: two for a cell of the table, one for a group, one for the matches in all."""
MOST_ALIKE: Final = 63
"""Pairs of alike people that each person is in, at most, as `core/linkage/quality/estimates.py` counts them."""

Level = str | int | bool | None
Levels = tuple[tuple[str, Level], ...]


def plan(question: Question, agreement: Agreement, passes: Sequence[str] = ()) -> Plan:
    """Give the plan of a question under an agreement.

    Args:
        question: what is asked.
        agreement: declares levels and bounds.
        passes: the linkage passes' names, strict to loose, whose tokens the linkage report counts.

    Raises:
        Invalid: `job-invalid`: a join, column or measure that makes no sense.
        Refused: `sum-too-large`: a summed column without bounds, or a product of values that does not fit 64 bits; `table-too-large`:
            more rows or cells than a job may have.
    """
    join = parse_join(question)
    asked = tuple(measure.asked for measure in question.measures)
    builder = _Builder(join, _quantities(question, agreement, join, asked))
    moments: tuple[Moment, ...] = tuple(dict.fromkeys([Count(), *(moment for one in asked for moment in one.moments)]))
    rows = _rows(question, agreement, join, len(moments))
    for index, row in enumerate(rows):
        levels: dict[Side, Levels] = {
            "left": _side_levels(question.by, row, join.left),
            "right": _side_levels(question.by, row, join.right),
        }
        for moment in moments:
            builder.add(InRow(index), moment, levels)
    builder.add_linkage()
    group_by, groups = _groups(question, agreement, join)
    builder.add_groups(group_by, groups)
    builder.add_passes(passes)
    return Plan(
        population=Population(join.left, join.right, join.kind),
        left_columns=tuple(builder.columns["left"]),
        right_columns=tuple(builder.columns["right"]),
        products=tuple(builder.products),
        by=question.by,
        rows=rows,
        cells=tuple(builder.cells),
        asked=asked,
        quantities=tuple(builder.quantities.items()),
        group_by=group_by,
        groups=groups,
        passes=tuple(passes),
    )


def cell_prime_counts(plan: Plan, people: int) -> tuple[int, ...]:
    """Give, for each cell, how many primes its modulus needs so that no sum can wrap.

    Args:
        plan: the plan.
        people: at least the number of people of both lists together; the padded sizes, which everyone knows, will do.

    Raises:
        Refused: `sum-too-large`: even all primes together are too few.
    """
    counts = []
    for cell in plan.cells:
        try:
            counts.append(primes_needed(cell.bound * people))
        except LocalFault as fault:
            raise Refused(
                "sum-too-large",
                f"{cell.label} of {people} people could exceed what the encrypted computation holds",
                hint="declare narrower bounds or fewer digits after the point for the column",
            ) from fault
    return tuple(counts)


@dataclass
class _Builder:
    """Collects columns, products and cells; each of them once."""

    join: Join
    quantities: Mapping[str, Quantity]
    columns: dict[Side, dict[Factor, int]] = field(default_factory=lambda: {"left": {}, "right": {}})
    products: dict[tuple[int, int], int] = field(default_factory=dict)
    cells: list[Cell] = field(default_factory=list)

    def add(self, place: Place, moment: Moment, levels: dict[Side, Levels]) -> None:
        """Add a moment of the people of one row."""
        columns = () if isinstance(moment, Count) else moment.columns
        summed = isinstance(moment, Sum)
        mine, theirs = (self._factor(side, levels[side], columns, present=not summed) for side in ("left", "right"))
        products: tuple[tuple[int, int], ...]
        own: tuple[tuple[int, Own], ...] = ()
        unmatched_too = self.join.kind == "left" and not theirs.values and all(level is None for _, level in theirs.levels)
        if unmatched_too:
            own = ((1, Own("left", mine)),)
            products = ((1, self._product(mine, theirs)), (-1, self._product(mine, Factor()))) if theirs.levels else ()
        else:
            products = ((1, self._product(mine, theirs)),)
        bound, scale = self._reach(moment) if isinstance(moment, Sum) else (1, 0)
        self.cells.append(Cell(Key(place, moment), products, own, bound, scale))

    def add_linkage(self) -> None:
        """Add the numbers of the linkage report."""
        usable = Factor(levels=((USABLE, True),))
        for side, group in self._sides:
            self._count(InReport(), GroupPeople(group), own=Own(side, Factor()))
            self._count(InReport(), Usable(group), own=Own(side, usable))
        self._count(InReport(), Matched(), of=Factor())

    def add_groups(self, group_by: Sequence[str], groups: Sequence[tuple[Level, ...]]) -> None:
        """Add the left side's people and matches for each group of the linkage report."""
        for index, group in enumerate(groups):
            mine = Factor(levels=_side_levels(group_by, group, self.join.left))
            self._count(InGroup(index), GroupPeople(self.join.left), own=Own("left", mine))
            self._count(InGroup(index), Matched(), of=mine)

    def add_passes(self, passes: Sequence[str]) -> None:
        """Add what each list says of itself at each pass."""
        for name in passes:
            for side, group in self._sides:
                for number in (ListNumber("tokens", name), ListNumber("alike", name), ListNumber("doubtful", name)):
                    bound = 1 if number.what == "tokens" else MOST_ALIKE
                    self._count(InReport(), OfList(number, group), own=Own(side, counted=number), bound=bound)

    @property
    def _sides(self) -> tuple[tuple[Side, str], tuple[Side, str]]:
        return (("left", self.join.left), ("right", self.join.right))

    def _count(self, place: Place, number: Number, *, own: Own | None = None, of: Factor | None = None, bound: int = 1) -> None:
        """Add a number of the linkage report: one side's own, or the matched people of a column of the left side."""
        products = () if of is None else ((1, self._product(of, Factor())),)
        self.cells.append(Cell(Key(place, number), products, () if own is None else ((1, own),), bound))

    def _factor(self, side: Side, levels: Levels, columns: Sequence[str], *, present: bool) -> Factor:
        """Give a side's part of a moment. The square of 0 and of 1 is itself, so that no column is made twice."""
        mine = [column for column in columns if self.quantities[column].side == side]
        if present:
            mine = list(dict.fromkeys(mine))
        once = [column for at, column in enumerate(mine) if column not in mine[:at] or not self.quantities[column].flag]
        return Factor(levels, tuple(split(column)[1] for column in once), present and bool(once))

    def _reach(self, moment: Sum) -> tuple[int, int]:
        """Give how much a person adds at most, and the digits after the point.

        Raises:
            Refused: `sum-too-large`: one side's product of values does not fit its column.
        """
        largest = {column: self.quantities[column].bound for column in moment.columns}
        for side, _ in self._sides:
            mine = Sum(tuple(column for column in moment.columns if self.quantities[column].side == side))
            if len(mine.columns) > 1 and mine.bound(largest) > ENTRY:
                raise Refused(
                    "sum-too-large",
                    f"{moment.label}: a person's product of values could exceed 64 bits",
                    hint="declare narrower bounds or fewer digits after the point for the column",
                )
        return moment.bound(largest), moment.scale({column: self.quantities[column].scale for column in moment.columns})

    def _product(self, left: Factor, right: Factor) -> int:
        i = self.columns["left"].setdefault(left, len(self.columns["left"]))
        j = self.columns["right"].setdefault(right, len(self.columns["right"]))
        return self.products.setdefault((i, j), len(self.products))


def _rows(question: Question, agreement: Agreement, join: Join, moments: int) -> tuple[tuple[Level, ...], ...]:
    """Give the levels of each row of a table whose rows have so many moments each."""
    if len(set(question.by)) != len(question.by):
        raise Invalid("job-invalid", "a column is named twice in by", hint="name each column once")
    levels: dict[str, Sequence[Level]] = {}
    for reference in question.by:
        _side_of(reference, join)
        levels[reference] = (*by_levels(find_column(question, agreement, reference), reference), None)
    sizes = {reference: len(some) for reference, some in levels.items()}
    for what, each, most in (("cells", moments, MAX_CELLS), ("rows", 1, MAX_ROWS)):
        if prod(sizes.values()) * each > most:
            raise Refused(
                "table-too-large",
                f"by: the table would have {prod(sizes.values()) * each} {what}; {most} are allowed",
                hint=_smaller(sizes, moments),
            )
    return tuple(product(*levels.values()))


def _smaller(sizes: Mapping[str, int], moments: int) -> str:
    """Give the smallest change to `by` that would pass: the column with the fewest levels without which the table is small enough."""
    rows = prod(sizes.values())
    fits = [name for name in sizes if rows // sizes[name] <= min(MAX_ROWS, MAX_CELLS // moments)]
    least = min(fits, key=lambda name: sizes[name], default=None)
    of = "" if least is None else f" such as {least}"
    return f"leave out a column{of}, or use one with fewer levels"


def _groups(question: Question, agreement: Agreement, join: Join) -> tuple[tuple[str, ...], tuple[tuple[Level, ...], ...]]:
    """Give the left side's columns of `by` and all combinations of their levels; nothing where there are too many or none."""
    names = tuple(name for name in question.by if _side_of(name, join) == "left")
    levels = [(*by_levels(find_column(question, agreement, name), name), None) for name in names]
    if not names or prod(map(len, levels)) > MAX_GROUPS:
        return (), ()
    return names, tuple(product(*levels))


def _quantities(question: Question, agreement: Agreement, join: Join, asked: Sequence[Asked]) -> dict[str, Quantity]:
    """Give the columns that are measured, each once: a sum and a mean of one column share their cells."""
    quantities = {}
    for reference in columns_asked(asked):
        side = _side_of(reference, join)
        column = find_column(question, agreement, reference)
        low, high = integer_bounds(column, reference)
        quantities[reference] = Quantity(side, low, high, column.scale or 0)
    return quantities


def _side_of(reference: str, join: Join) -> Side:
    group, _ = split(reference)
    if group not in {join.left, join.right}:
        raise Invalid(
            "job-invalid", f"{reference} names no group of the join", hint=f"the join has {join.left} and {join.right}"
        )
    return "left" if group == join.left else "right"


def _side_levels(by: Sequence[str], row: Sequence[Level], group: str) -> Levels:
    return tuple((split(ref)[1], level) for ref, level in zip(by, row, strict=True) if split(ref)[0] == group)
