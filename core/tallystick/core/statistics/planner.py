"""From a question to its plan: which columns each agency makes, which terms, and how they add up to the cells.

Presence p of a group is 1 for its people and 0 for others, so `keep` is a polynomial of presences (`core/job/keep.py`). In a row of the
table a group is one of three things: its people have given levels, where p is 1 and their indicator is a factor; the row says that the
person is not in it, where p is 0 and 1 - p is a factor; or nothing is said of it, and p stands as it is. What is measured is a factor of
its group. What is left is a sum of products with whole coefficients. Of each product the factors of one agency's groups are one column
of its list, multiplied at home; a product of one agency alone is that agency's own total, and one of more is a term.

    keep: a          by a's and b's levels     a(l)·b(m), one term, as for `a and b`
                     not in b                  a(l) - a(l)·p_b, an own total and a term

Rows by `systems`, the number of groups that have a person, take in place of that polynomial the one of the people counted whom so many
groups have (`Population.systems`).

A stacked group's row is a sum of rows over its parts: people of the first, people of the second who are not in the first, and so on.

A row of a period since an event is a sum over the calendar (`core/job/since.py`): of a product that has the group of `since`'s `of`, each unit
of the event is a term of its own, and the terms of all units add up to the row's cells.

The linkage report has people and usable tokens of each group and the matches of each two; of two groups of two agencies, where one or
both are kept (`Population.shape`), people and matches by the levels of the first one's columns among `by`; people by how many groups
have them, where the table needs all the products for that, or where an agreement's gate tests them (of five groups at most); of each pass
what the lists say of themselves; and how many people of each list have an identifier that was not read, or denied.

Security: a plan depends on the question and the agreement alone, never on data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from math import comb, prod
from typing import Final

from tallystick.core.agreement.model import Agreement
from tallystick.core.errors import Refused
from tallystick.core.job.bins import Range
from tallystick.core.job.columns import PRESENT, split
from tallystick.core.job.keep import Terms
from tallystick.core.job.model import Question
from tallystick.core.job.population import Population, population_of
from tallystick.core.job.since import PERIOD, FollowUp, Period, find_follow_up
from tallystick.core.moments import Count, Moment, Sum
from tallystick.core.statistics.columns import ENTRY, USABLE
from tallystick.core.statistics.declared import levels_by, ranges_by
from tallystick.core.statistics.keys import (
    GroupPeople,
    InAll,
    InGroup,
    InReport,
    InRow,
    InSystems,
    Key,
    Matched,
    Place,
    Usable,
)
from tallystick.core.statistics.list_cells import build_list_cells
from tallystick.core.statistics.plan import Cell, Factor, HomeColumn, Level, Levels, Own, Plan, Quantity, put_ranges
from tallystick.core.statistics.rows import (
    MAX_CELLS,
    Asks,
    Products,
    by_columns,
    count_products,
    expand_calendar,
    fix_factors,
    list_leveled,
    list_quantities,
    row_asks,
    row_terms,
    table_rows,
)
from tallystick.core.statistics.table import LIST
from tallystick.crypto.errors import LocalFault
from tallystick.crypto.modulus import count_primes

MAX_GROUPS: Final = 100
"""Groups of which the linkage report tells the matches; a table with more of them tells the total alone."""
MAX_PRODUCTS: Final = 2 * MAX_CELLS + MAX_GROUPS + 1
"""The most terms that a plan may have: two for a cell of a table of two agencies, one for a group, one for the matches in all."""
MOST_SETS: Final = 5
"""Groups of which a gate tests who is in each set of them: 16 products of three groups and more."""


def plan(
    question: Question, agreement: Agreement, passes: Sequence[str] = (), identifiers: Mapping[str, Sequence[str]] | None = None
) -> Plan:
    """Give the plan of a question under an agreement.

    Args:
        question: what is asked.
        agreement: declares levels and bounds.
        passes: the linkage passes' names, strict to loose, whose tokens the linkage report counts.
        identifiers: by agency, those of its list whose unread and denied values the linkage report counts.

    Raises:
        Invalid: `job-invalid`: a formula, column or measure that makes no sense.
        Refused: `sum-too-large`: a summed column without bounds, or a product of values that does not fit 64 bits; `table-too-large`:
            more rows, cells or products than a job may have.
    """
    population = population_of(question)
    asked = tuple(measure.asked for measure in question.measures)
    follow, by = find_follow_up(question, agreement), by_columns(question, population)
    ranges = {reference: ranges_by(question, agreement, reference) for reference in list_leveled(by)}
    builder = _Builder(population, list_quantities(question, agreement, asked), ranges, follow)
    moments: tuple[Moment, ...] = tuple(dict.fromkeys([Count(), *(moment for one in asked for moment in one.moments)]))
    rows = table_rows(by, question, agreement, population, len(moments), follow)
    for index, row in enumerate(rows):
        period = None if follow is None else follow.period(row[by.index(PERIOD)])
        for moment in moments:
            builder.add(InRow(index), moment, row_terms(population, by, row), row_asks(by, row), period)
    group_by, groups = _groups(question, agreement, population)
    builder.add_linkage(gated=bool(agreement.disclosure.gate))
    builder.add_groups(group_by, groups)
    told = tuple((called, tuple((identifiers or {}).get(agency, ()))) for called, agency in builder.lists)
    builder.cells += build_list_cells(builder.lists, passes, dict(told))
    if len(builder.terms) > MAX_PRODUCTS:
        raise Refused(
            "table-too-large",
            f"the table needs {len(builder.terms)} products of columns of different agencies; {MAX_PRODUCTS} are allowed",
            hint="ask by fewer columns or levels, or a keep of fewer groups",
        )
    return Plan(
        population=population,
        columns=tuple((agency, tuple(columns)) for agency, columns in builder.columns.items()),
        terms=tuple(builder.terms),
        by=by,
        rows=rows,
        cells=tuple(builder.cells),
        asked=asked,
        quantities=tuple(builder.quantities.items()),
        lists=builder.lists,
        group_by=group_by,
        groups=groups,
        pairs=builder.pairs,
        clusters=builder.clusters,
        passes=tuple(passes),
        ranges=tuple((reference, tuple(some.items())) for reference, some in ranges.items() if some),
        follow=follow,
        identifiers=told,
    )


def cell_prime_counts(plan: Plan, people: int) -> tuple[int, ...]:
    """Give, for each cell, how many primes its modulus needs so that no sum can wrap.

    Args:
        plan: the plan.
        people: at least the number of people of all lists together; the padded sizes, which everyone knows, will do.

    Raises:
        Refused: `sum-too-large`: even all primes together are too few.
    """
    counts = []
    for cell in plan.cells:
        try:
            counts.append(count_primes(cell.bound * people))
        except LocalFault as fault:
            raise Refused(
                "sum-too-large",
                f"{cell.label} of {people} people could exceed what the encrypted computation holds",
                hint="declare narrower bounds or fewer digits after the point for the column",
            ) from fault
    return tuple(counts)


@dataclass
class _Builder:
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
        measured = {self.quantities[column].group for column in columns}
        if any(asks.get(group, ()) is None for group in measured):
            return
        said = fix_factors({group: asks.get(group, ()) for group in sorted({*asks, *measured})}, self.ranges, self.follow)
        fixed = {
            group: None if factor is None else self._measure(group, factor, columns, present=not isinstance(moment, Sum))
            for group, factor in said.items()
        }
        bound, scale = self._reach(moment) if isinstance(moment, Sum) else (1, 0)
        products = count_products(self.population, terms, fixed)
        if self.follow is not None and period is not None:
            products = expand_calendar(products, self.follow, period, self.population)
        self._cell(Key(place, moment), products, bound, scale)

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

    def _measure(self, group: str, factor: Factor, columns: Sequence[str], *, present: bool) -> Factor:
        """Give a group's part of a moment. The square of 0 and of 1 is itself, so that no column is made twice."""
        mine = [column for column in columns if self.quantities[column].group == group]
        if present:
            mine = list(dict.fromkeys(mine))
        once = [column for at, column in enumerate(mine) if column not in mine[:at] or not self.quantities[column].flag]
        return Factor(factor.levels, tuple(split(column)[1] for column in once), present and bool(once))

    def _reach(self, moment: Sum) -> tuple[int, int]:
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


def _present(groups: Sequence[str]) -> HomeColumn:
    """Give the product of the presences of groups."""
    return tuple((group, Factor()) for group in sorted(groups))


def _groups(
    question: Question, agreement: Agreement, population: Population
) -> tuple[tuple[str, ...], tuple[tuple[Level, ...], ...]]:
    """Give the first group's columns of `by` and all combinations of their levels; nothing where there are too many or none."""
    if population.shape == "other":
        return (), ()
    names = tuple(name for name in question.by if split(name)[0] == population.first and split(name)[1] != PRESENT)
    levels = [(*levels_by(question, agreement, name), None) for name in names]
    if not names or prod(map(len, levels)) > MAX_GROUPS:
        return (), ()
    return names, tuple(product(*levels))


def _levels_of(by: Sequence[str], row: Sequence[Level], group: str) -> Levels:
    return tuple((split(ref)[1], level) for ref, level in zip(by, row, strict=True) if split(ref)[0] == group)
