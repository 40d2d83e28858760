"""The numbers of a linkage report as tables for the rule of totals: which of them open beside a job's rows.

A number of the report opens only with what it leaves of others that are known: matches with who of either group did not match, usable
people with who has no token and who has one and did not match. So layers follow those of the rows, and each tests what is left of what
opened before:

1. *People and matches.* Of `keep: a and b`, and of `keep: a` by b's presence, rows that all opened say the matches. What the matches leave
   of either group is tested by itself (its agency knows it then). By levels of a it is a table whose sum is what they leave in all. Of
   `keep: a` without b's presence, the matches, who of a did not match, and for each count of values of b who matched and has no
   value, open together or not at all. Of any other formula so do the people of each set of groups who are in no other group (with those
   of whom a row has some, and who have no value): pairs, clusters and people of groups are sums of these.
2. *By levels*, of `keep: a` without b's presence: the same as in 1, for each level together.
3. *Usable people*: what no number above says of who did not match is in two parts, with a token and without.

Where a row is hidden, or a count of values, nothing that would bound it is tested: its number of the report is struck.

Proof. Rows and parts that opened are equations that everybody has, and hidden ones are in no test here: what is tested has only cells that
opened, and people who are in no row. What a test is of is known to one agency exactly (its people less what opened), who learns nothing, or is
in no sum that anybody knows. Units and groups are as the rule has them (`state.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from tallystick.core.disclosure.blocks import block_of
from tallystick.core.disclosure.rule import DisclosureProfile
from tallystick.core.disclosure.totals.design import TableCell, TableDesign, TableTotal
from tallystick.core.disclosure.totals.parts import Split, split_design
from tallystick.core.disclosure.totals.sums import Terms, add_terms
from tallystick.core.job.population import PAIR
from tallystick.core.moments import Count, Present
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
    Usable,
)
from tallystick.core.statistics.plan import Plan

WIDEST: int = 1 << 10
"""Small values that one test on shares may have, as the gate takes them."""


@dataclass(frozen=True)
class Shown:
    """What opened of a job's rows.

    Attributes:
        rows: of each row, whether it did.
        parts: whether all counts of values did, of all rows.
        cells: numbers of the report that did.
    """

    rows: tuple[bool, ...]
    parts: bool
    cells: frozenset[int]

    @property
    def whole(self) -> bool:
        """Whether nothing of the table is hidden."""
        return all(self.rows) and self.parts


@dataclass(frozen=True)
class ReportTables:
    """The tables of a plan's linkage report.

    Attributes:
        plan: the job's.
        profile: the agreement's; it hides something.
        closed: cells that stay closed because of earlier tables: a table with one of them is not tested.
    """

    plan: Plan
    profile: DisclosureProfile
    closed: frozenset[int] = frozenset()

    @property
    def cells(self) -> frozenset[int]:
        """The plan's cells that are numbers of the report, or that they are worked out from."""
        return frozenset(at for key, at in self._at.items() if not isinstance(key.place, InRow | InMargin))

    # --- people and matches ---

    def design_totals(self, shown: Shown) -> list[TableDesign]:
        """Give the tables of people and matches in all, and of them by level where the rows say the matches."""
        if not self.plan.lists or self.plan.follow is not None:  # whose rows are part of no such number
            return []
        shape, population = self.plan.population.shape, self.plan.population
        if shape == "other":
            return self._design_sets(shown)
        if self._rows_say_matches:
            second = self._design(
                [self._rest(Key(InReport(), GroupPeople(population.second)))] if self._matched in shown.cells else []
            )
            return [
                *(self._design_unmatched(shown) if shape == "both" and self.plan.by else []),
                *(second if self.plan.by else []),
            ]
        return self._design_matches([InReport()]) if shown.whole else []

    def design_levels(self, opened: bool, shown: Shown) -> list[TableDesign]:
        """Give the tables that come after: the second group's people, and people and matches by level, of `keep: a` without b's presence.

        Args:
            opened: all tables of `design_totals` opened, and there was one.
            shown: of the rows.
        """
        if self.plan.population.shape != "first" or self._rows_say_matches or not (opened and shown.whole):
            return []
        second = self._design([self._rest(Key(InReport(), GroupPeople(self.plan.population.second)))])
        groups = [InGroup(index) for index in range(len(self.plan.groups))]
        return [*second, *(self._design_matches(groups) if groups else [])]

    @cached_property
    def _rows_say_matches(self) -> bool:
        """Whether the matches are a sum of rows."""
        population = self.plan.population
        return population.shape == "both" or (population.shape == "first" and f"{population.second}.present" in self.plan.by)

    def _design_unmatched(self, shown: Shown) -> list[TableDesign]:
        """Give the tables of who of the first group of `a and b` did not match, in all and by level."""
        everybody = Key(InReport(), GroupPeople(self.plan.population.first))
        groups = range(len(self.plan.groups))
        told = [index for index in groups if self._at[Key(InGroup(index), Matched())] in shown.cells]
        levels = [self._rest(Key(InGroup(index), GroupPeople(self.plan.population.first))) for index in told]
        if self._matched not in shown.cells:
            return self._design(levels)
        if not levels or len(told) < len(groups):
            return self._design([self._rest(everybody)])
        total = TableTotal(frozenset(range(len(levels))), asked=True, opens=(self._at[everybody],))
        return self._design(levels, [total])

    def _rest(self, people: Key) -> TableCell:
        """Give who of some people of a group did not match; these people's number opens with it."""
        matched = self._at[Key(people.place, Matched())]
        return TableCell(add_terms([((1, self._at[people]),), ((-1, matched),)]), opens=(self._at[people],))

    def _design_matches(self, places: Sequence[InReport | InGroup]) -> list[TableDesign]:
        """Give the unit of the matches at some places, of who did not match there, and of who matched and has no value."""
        population, cells = self.plan.population, []
        for place in places:
            matched = ((1, self._at[Key(place, Matched())]),)
            people = ((1, self._at[Key(place, GroupPeople(population.first))]),)
            cells += [TableCell(matched), TableCell(add_terms([people, _minus(matched)]))]
            rows = self._rows_at(place)
            for present in self._presents_of([population.second]):
                cells.append(TableCell(add_terms([matched, _minus(self._sum_rows(rows, present))])))
        return self._design(cells, one_unit=True)

    def _rows_at(self, place: InReport | InGroup) -> list[int]:
        """Give the rows of a group of the report; of the report, all."""
        rows = range(len(self.plan.rows))
        if isinstance(place, InReport):
            return list(rows)
        at = [self.plan.by.index(name) for name in self.plan.group_by]
        return [row for row in rows if tuple(self.plan.rows[row][one] for one in at) == self.plan.groups[place.index]]

    # --- sets of groups ---

    def _design_sets(self, shown: Shown) -> list[TableDesign]:
        """Give the unit of the people of each set of groups who are in no other; none where the plan does not multiply these."""
        if not shown.whole or any(self._in_all(some) is None for some in self._sets):
            return []
        cells = [TableCell(self._only_in(some)) for some in self._sets]
        for block, sets in self._blocks.items():
            rows = [row for row in range(len(self.plan.rows)) if self._block_at(row) == block]
            for present in self._presents:
                groups = set(self.plan.groups_of(present))
                inside = [
                    some for some in sets if all(set(self.plan.population.parts_of(group)) & set(some) for group in groups)
                ]
                if 0 < len(inside) < len(sets):
                    terms = add_terms([*map(self._only_in, inside), _minus(self._sum_rows(rows, present))])
                    cells.append(TableCell(terms))
        report = [key for key in self._at if isinstance(key.place, InReport)]
        numbers = tuple(self._at[key] for key in report if isinstance(key.number, GroupPeople | Matched | InSystems))
        tested = {one.terms[0][1] for one in cells if len(one.terms) == 1}
        opens = tuple(number for number in numbers if number not in tested)
        first = TableCell(cells[0].terms, opens=opens)
        return self._design([first, *cells[1:]], one_unit=True)

    @cached_property
    def _sets(self) -> tuple[tuple[str, ...], ...]:
        groups = self.plan.population.groups
        return tuple(some for size in range(1, len(groups) + 1) for some in combinations(groups, size))

    @cached_property
    def _blocks(self) -> Mapping[tuple[object, ...], tuple[tuple[str, ...], ...]]:
        """The sets of groups whose people each block of rows has: rows that say the same of who is in which group."""
        population, plan = self.plan.population, self.plan
        kept = [some for some in self._sets if population.keep.holds(some)]
        blocks = dict.fromkeys(map(self._block_at, range(len(plan.rows))))
        return {block: tuple(some for some in kept if self._says(some) == block) for block in blocks}

    def _block_at(self, row: int) -> tuple[object, ...]:
        return block_of(dict(zip(self.plan.by, self.plan.rows[row], strict=True)), self.plan)

    def _says(self, some: Sequence[str]) -> tuple[object, ...]:
        """Give what rows say of people whom just these groups have."""
        population = self.plan.population
        return tuple(
            population.count_systems(some)
            if "." not in name
            else bool(set(population.parts_of(name.rpartition(".")[0])) & set(some))
            for name in self.plan.presences
        )

    def _only_in(self, some: Sequence[str]) -> Terms:
        """Give the people of a set of groups who are in no other group."""
        parts = []
        for more in self._sets:
            if set(more) >= set(some):
                terms = self._in_all(more)
                assert terms is not None
                parts.append(terms if (len(more) - len(some)) % 2 == 0 else _minus(terms))
        return add_terms(parts)

    def _in_all(self, some: Sequence[str]) -> Terms | None:
        """Give the people whom some groups all have; None if the plan does not count them."""
        groups = len(self.plan.population.groups)
        pair = next((one for one in self.plan.pairs if set(one) == set(some)), ())
        if len(some) == 1:
            key = Key(InReport(), GroupPeople(some[0]))
        elif len(some) == PAIR:
            key = Key(InReport(), Matched(pair if groups > PAIR else ()))
        else:
            key = Key(InReport(), InAll(tuple(some)))
        return ((1, self._at[key]),) if key in self._at else None

    # --- usable people ---

    def design_usable(self, opened: frozenset[int]) -> list[TableDesign]:
        """Give the tables of who did not match, of each group, with a token and without.

        Args:
            opened: the plan's cells that have opened so far.
        """
        if not self.plan.lists or self.plan.follow is not None:
            return []
        population, splits, numbers = self.plan.population, [], []
        for group in population.groups:
            others = [one for one in population.groups if population.agency_of[one] != population.agency_of[group]]
            sets = [(group, *more) for size in range(len(others) + 1) for more in combinations(others, size)]
            terms = [self._in_all(tuple(sorted(some))) for some in sets]
            if any(one is None for one in terms):
                continue
            alone = add_terms(
                one if len(some) % 2 else _minus(one) for one, some in zip(terms, sets, strict=True) if one is not None
            )
            people, usable = self._at[Key(InReport(), GroupPeople(group))], self._at[Key(InReport(), Usable(group))]
            told = (
                usable not in self.closed and people in opened and all(cell in opened for cell in self._pairs_of(group, others))
            )
            splits.append(Split(alone, add_terms([((1, people),), ((-1, usable),)]), told))
            numbers.append(usable)
        if not splits:
            return []
        design = split_design(splits, min_cell=self.profile.min_cell, zeros_disclosive=self.profile.zeros_disclosive)
        cells = [
            TableCell(one.terms, one.from_zero, one.hidden_before, (numbers[at // 2],) if at % 2 == 0 else ())
            for at, one in enumerate(design.cells)
        ]
        return [TableDesign(design.min_cell, tuple(cells), design.totals, design.zeros_disclosive, widest_test=WIDEST)]

    def _pairs_of(self, group: str, others: Sequence[str]) -> Iterator[int]:
        """Give the matches of a group with those of other agencies."""
        for pair in self.plan.pairs:
            if group in pair and set(pair) & set(others):
                yield self._at[Key(InReport(), Matched(pair if len(self.plan.population.groups) > PAIR else ()))]

    # --- what is in the plan ---

    @cached_property
    def _at(self) -> Mapping[Key, int]:
        return {cell.key: at for at, cell in enumerate(self.plan.cells)}

    @property
    def _matched(self) -> int:
        return self._at[Key(InReport(), Matched())]

    @property
    def _presents(self) -> tuple[Present, ...]:
        return self.plan.present

    def _presents_of(self, groups: Sequence[str]) -> list[Present]:
        """Give the counts of values that people have only if some groups have them."""
        return [one for one in self._presents if set(self.plan.groups_of(one)) & set(groups)]

    def _sum_rows(self, rows: Sequence[int], number: Present | Count) -> Terms:
        keys = [Key(InRow(row), number) for row in rows]
        return tuple((1, self._at[key]) for key in keys if key in self._at)

    def _design(
        self, cells: Sequence[TableCell], totals: Sequence[TableTotal] = (), *, one_unit: bool = False
    ) -> list[TableDesign]:
        """Give a table of cells, if there are any."""
        profile = self.profile
        shown = {one.terms[0][1] for one in cells if len(one.terms) == 1}
        shown.update(*(cell.opens for cell in cells), *(total.opens for total in totals))
        if not cells or shown & self.closed:
            return []
        return [
            TableDesign(
                profile.min_cell,
                tuple(cells),
                tuple(totals),
                profile.zeros_disclosive,
                widest_test=WIDEST,
                one_unit=one_unit,
            )
        ]


def _minus(terms: Terms) -> Terms:
    return tuple((-coefficient, cell) for coefficient, cell in terms)
