"""Collects the columns, terms and cells of a plan, each of them once; `planner.py` says which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations
from math import comb
from typing import Final, TypeVar

from tallystick.core.errors import Refused
from tallystick.core.job.bins import Range
from tallystick.core.job.columns import split
from tallystick.core.job.derive import WHOLE
from tallystick.core.job.keep import Terms
from tallystick.core.job.population import Population
from tallystick.core.job.since import FollowUp, Period
from tallystick.core.job.units import HOUSEHOLD, write_number_column
from tallystick.core.moments import Banded, Count, EmployersOf, HouseholdsOf, Moment, Sum
from tallystick.core.statistics.columns import ENTRY, USABLE
from tallystick.core.statistics.keys import (
    GroupPeople,
    InAll,
    InGroup,
    InMargin,
    InReport,
    InRow,
    InSystems,
    Key,
    Matched,
    Place,
    Usable,
)
from tallystick.core.statistics.margins import Margin
from tallystick.core.statistics.plan import Cell, Factor, HomeColumn, Level, Levels, Own, Quantity, put_ranges
from tallystick.core.statistics.rows import (
    Asks,
    Products,
    count_products,
    expand_calendar,
    fix_factors,
)
from tallystick.core.statistics.table import LIST

T = TypeVar("T")


MOST_SETS: Final = 5
"""Groups of which a gate tests who is in each set of them: 16 products of three groups and more."""


@dataclass
class PlanBuilder:
    """Collects columns, terms and cells; each of them once."""

    population: Population
    quantities: Mapping[str, Quantity]
    ranges: Mapping[str, Mapping[str, Range]] = field(default_factory=dict)
    follow: FollowUp | None = None
    columns: dict[str, dict[HomeColumn, int]] = field(init=False)
    terms: dict[tuple[tuple[int, int], ...], int] = field(default_factory=dict)
    cells: list[Cell] = field(default_factory=list)
    clusters: bool = False

    def __post_init__(self) -> None:
        self.columns = {agency: {} for agency in self.population.agencies}

    @property
    def lists(self) -> tuple[tuple[str, str], ...]:
        """The lists that are linked: named as their group, or as their groups together."""
        agencies = self.population.agencies
        if len(agencies) == 1:
            return ()
        of = self.population.agency_of
        order = dict.fromkeys(of[group] for group in self._in_order())
        return tuple((LIST.join(group for group in self.population.groups if of[group] == agency), agency) for agency in order)

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Each two groups, once."""
        return tuple(combinations(self._in_order(), 2))

    def _in_order(self) -> tuple[str, ...]:
        """Give the groups: those that the formula names first, in its order."""
        return tuple(dict.fromkeys((*self.population.keep.named, *self.population.groups)))

    def add(self, place: Place, moment: Moment, terms: Terms, asks: Asks, period: Period | None) -> None:
        """Add a moment of the people of one row, whom `terms` counts, unless it is nothing whatever the records are."""
        columns = () if isinstance(moment, Count) else moment.columns
        given = moment.people.columns if isinstance(moment, (Sum, Banded)) else columns
        measured = {self.quantities[column].group for column in given}
        measured |= {moment.group} if isinstance(moment, EmployersOf | HouseholdsOf) else set()
        if any(asks.get(group, ()) is None for group in measured):
            return
        said = fix_factors({group: asks.get(group, ()) for group in sorted({*asks, *measured})}, self.ranges, self.follow)
        fixed = {
            group: None if factor is None else self._measure(group, factor, moment, given) for group, factor in said.items()
        }
        bound, scale = self._reach(moment) if isinstance(moment, (Sum, Banded)) else (1, 0)
        bound = WHOLE if isinstance(moment, HouseholdsOf) else bound
        products = count_products(self.population, terms, fixed)
        if self.follow is not None and period is not None:
            products = expand_calendar(products, self.follow, period, self.population)
        self._cell(Key(place, moment), products, bound, scale)

    def add_margins(self, margins: Sequence[Margin]) -> None:
        """Add how many people each total has: what its rows' counts are made of, added up."""
        counts = {cell.key.place: cell for cell in self.cells if cell.key.number == Count()}
        for index, margin in enumerate(margins):
            terms: Counter[int] = Counter()
            own: Counter[Own] = Counter()
            for row in sorted(margin.rows):
                cell = counts[InRow(row)]
                terms.update({term: coefficient for coefficient, term in cell.terms})
                own.update({one: coefficient for coefficient, one in cell.own})
            self.cells.append(Cell(Key(InMargin(index), Count()), _with_coefficients(terms), _with_coefficients(own), 1))

    def add_linkage(self, *, gated: bool) -> None:
        """Add the numbers of the linkage report; with a gate also the products that its tests need, of `MOST_SETS` groups at most."""
        for group in self._in_order():
            self._cell(Key(InReport(), GroupPeople(group)), {((group, Factor()),): 1})
            if self.lists:
                self._cell(Key(InReport(), Usable(group)), {((group, Factor(levels=((USABLE, True),))),): 1})
        needed = set(self.terms)
        for pair in self.pairs:
            self._cell(Key(InReport(), Matched(pair if len(self.population.groups) > 2 else ())), {_present(pair): 1})
        tested = gated and bool(self.lists) and len(self.population.groups) <= MOST_SETS and self.follow is None
        self._add_clusters(needed, tested=tested)

    def _add_clusters(self, needed: set[tuple[tuple[int, int], ...]], *, tested: bool) -> None:
        """Add how many people just k groups have: Σ over sets S of k groups or more of (-1)^(|S| - k)·C(|S|, k)·(who is in all of S)."""
        groups = self.population.groups
        sets = [_present(some) for size in range(1, len(groups) + 1) for some in combinations(groups, size)]
        more = [one for one in sets if len(one) > 2]
        terms = (self._term(one) for one in more if len(self._agencies(one)) > 1)
        if len(groups) < 3 or not (tested or all(term in needed for term in terms)):
            return
        self.clusters = True
        for one in more if tested else ():
            self._cell(Key(InReport(), InAll(tuple(group for group, _ in one))), {one: 1})
        for k in range(1, len(groups) + 1):
            products = {one: (-1) ** (len(one) - k) * comb(len(one), k) for one in sets if len(one) >= k}
            self._cell(Key(InReport(), InSystems(k)), products)

    def add_groups(self, group_by: Sequence[str], groups: Sequence[tuple[Level, ...]]) -> None:
        """Add the first group's people and matches for each group of the linkage report."""
        for index, levels in enumerate(groups):
            first, second = self.population.first, self.population.second
            mine = (first, Factor(levels=put_ranges(self.ranges, first, _levels_of(group_by, levels, first))))
            self._cell(Key(InGroup(index), GroupPeople(first)), {(mine,): 1})
            self._cell(Key(InGroup(index), Matched()), {tuple(sorted((mine, (second, Factor())), key=lambda one: one[0])): 1})

    def _cell(self, key: Key, products: Products, bound: int = 1, scale: int = 0) -> None:
        """Add a cell, unless it is nothing."""
        terms: list[tuple[int, int]] = []
        own: list[tuple[int, Own]] = []
        for factors, coefficient in products.items():
            agencies = self._agencies(factors)
            if len(agencies) == 1:
                own.append((coefficient, Own(next(iter(agencies)), factors)))
            else:
                term = tuple(
                    (at, self._column(agency, agencies[agency])) for at, agency in self._places() if agency in agencies
                )
                terms.append((coefficient, self.terms.setdefault(term, len(self.terms))))
        if terms or own:
            self.cells.append(Cell(key, tuple(terms), tuple(own), bound, scale))

    def _places(self) -> Sequence[tuple[int, str]]:
        return tuple(enumerate(self.columns))

    def _agencies(self, factors: HomeColumn) -> dict[str, HomeColumn]:
        """Give the part of a product that each agency multiplies at home."""
        parts: dict[str, list[tuple[str, Factor]]] = {}
        for group, factor in factors:
            parts.setdefault(self.population.agency_of[group], []).append((group, factor))
        return {agency: tuple(part) for agency, part in parts.items()}

    def _column(self, agency: str, column: HomeColumn) -> int:
        return self.columns[agency].setdefault(column, len(self.columns[agency]))

    def _term(self, factors: HomeColumn) -> tuple[tuple[int, int], ...] | None:
        """Give the term of a product, if its columns are there already."""
        agencies = self._agencies(factors)
        if any(part not in self.columns[agency] for agency, part in agencies.items()):
            return None
        return tuple((at, self._column(agency, agencies[agency])) for at, agency in self._places() if agency in agencies)

    def _measure(self, group: str, factor: Factor, moment: Moment, given: Sequence[str]) -> Factor:
        """Give a group's part of a moment. The square of 0 and of 1 is itself, so that no column is made twice.

        Args:
            group: which.
            factor: of its people's levels.
            moment: of its columns those of this group are multiplied.
            given: columns of which the people must have a value.
        """
        values = moment.columns if isinstance(moment, (Sum, Banded)) else ()
        mine = [column for column in values if self.quantities[column].group == group]
        once = [column for at, column in enumerate(mine) if column not in mine[:at] or not self.quantities[column].flag]
        there = [column for column in dict.fromkeys(given) if self.quantities[column].group == group and column not in mine]
        needed, levels = tuple(split(column)[1] for column in there), factor.levels
        if isinstance(moment, Banded) and self.quantities[moment.column].group == group:
            levels = (*levels, (split(moment.column)[1], self._find_range(moment)))
        if isinstance(moment, EmployersOf) and moment.group == group:
            levels = (*levels, (write_number_column(moment.number), True))
        if isinstance(moment, HouseholdsOf) and moment.group == group:
            return Factor(levels, (HOUSEHOLD,))
        if not once:
            return Factor(levels, needed, bool(needed))
        return Factor(levels, tuple(split(column)[1] for column in once), False, given=needed)

    def _find_range(self, band: Banded) -> Range:
        """Give a band as integers at its column's scale."""
        unit = 10 ** self.quantities[band.column].scale
        low, high = (None if end is None else int(Fraction(end) * unit) for end in (band.low, band.high))
        return Range(low, high)

    def _reach(self, moment: Sum | Banded) -> tuple[int, int]:
        """Give how much a person adds at most, and the digits after the point.

        Raises:
            Refused: `sum-too-large`: one agency's product of values does not fit its column.
        """
        largest = {column: self.quantities[column].bound for column in moment.columns}
        for agency in self.population.agencies:
            of, parts = self.population.agency_of, self.population.parts_of
            mine = Sum(tuple(c for c in moment.columns if agency in {of[part] for part in parts(self.quantities[c].group)}))
            if len(mine.columns) > 1 and mine.bound(largest) > ENTRY:
                raise Refused(
                    "sum-too-large",
                    f"{moment.label}: a person's product of values could exceed 64 bits",
                    hint="declare narrower bounds or fewer digits after the point for the column",
                )
        return moment.bound(largest), moment.scale({column: self.quantities[column].scale for column in moment.columns})


def _with_coefficients(sums: Mapping[T, int]) -> tuple[tuple[int, T], ...]:
    return tuple((coefficient, one) for one, coefficient in sums.items() if coefficient)


def _present(groups: Sequence[str]) -> HomeColumn:
    """Give the product of the presences of groups."""
    return tuple((group, Factor()) for group in sorted(groups))


def _levels_of(by: Sequence[str], row: Sequence[Level], group: str) -> Levels:
    return tuple((split(ref)[1], level) for ref, level in zip(by, row, strict=True) if split(ref)[0] == group)
