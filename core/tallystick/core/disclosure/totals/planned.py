"""A plan's tables, as the rule of totals takes them: rows, and what is part of them.

Layers, coarse to fine:

1. *Rows*: a cell each row's count. Known totals are those that an agency knows by itself (`rows.py`), and asked ones those of the job's
   `totals`. Numbers of the linkage report that are sums of rows (`matched` of `keep: a and b`, people of a of `keep: a`, and both by level)
   open only if these rows do. Of `keep: a and b` by no column, who matched and who of either group did not are one table of three cells; its
   sums are the groups' people, which their agencies know, and which cross, so it is one unit.
2. *Present*: who of a row has a value, and who has none.
3. *Ones* of columns of 0 and 1, among those who have a value. Of two such columns whose product is summed, the four ways to have them are
   one table; the sum of each column opens only if all its cells do.

   Bands of a column are one table whose total is who has a value, too.
4. *The linkage report*, beside 3 and after it (`report.py`).

A sum of products of one column of 0 and 1 and of others rests on the ones. Everything else that a plan has stays closed. Of three columns of
0 and 1 and more, multiplied two by two, the products are counts whose tables cross; sums of a column of -1, 0 and 1 may be counts.

Rows come with the levels in the agreement's order, and missing and absent last; so an agreement lists small levels first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from tallystick.core.disclosure.totals.design import TableCell, TableDesign, TableTotal
from tallystick.core.disclosure.totals.gated import Layer, PlanCells, mark_cells
from tallystick.core.disclosure.totals.ones import OnesTables
from tallystick.core.disclosure.totals.parts import Split
from tallystick.core.disclosure.totals.pattern import Mark, Pattern
from tallystick.core.disclosure.totals.report import WIDEST, ReportTables, Shown
from tallystick.core.disclosure.totals.rows import find_margins, find_own_totals
from tallystick.core.disclosure.totals.sums import add_terms
from tallystick.core.moments import Count
from tallystick.core.statistics.keys import GroupPeople, InGroup, InMargin, InReport, InRow, Key, Matched


@dataclass(frozen=True)
class PlannedTables(OnesTables):
    """The tables of a plan."""

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers, for `gate_of`."""
        return (self._counts, self._parts, self._ones_and_totals, self._levels, self._usable)

    @property
    def cells(self) -> PlanCells:
        """What the plan's cells are."""
        return PlanCells(len(self.plan.cells), dict(self._resting), beside=self._report.cells)

    @cached_property
    def _report(self) -> ReportTables:
        return ReportTables(self.plan, self.profile, self.earlier.report if self.earlier is not None else frozenset())

    def _counts(self, _: Sequence[Pattern]) -> list[TableDesign]:
        hidden = self.earlier.rows if self.earlier is not None else frozenset()
        cells = [
            TableCell(((1, self._at[Key(InRow(row), Count())]),), hidden_before=row in hidden)
            for row in range(len(self.plan.rows))
        ]
        known = find_own_totals(self.rows) if self.earlier is None else ()  # what is not hidden is known to everybody
        totals = [*known, *self._sums_of_rows(), *(self._margins() if self.earlier is None else ())]
        if not self.plan.by and self.plan.population.shape == "both" and self.earlier is None:
            for group, agency in self.plan.population.members:
                people = self._at[Key(InReport(), GroupPeople(group))]
                cells.append(TableCell(add_terms([((1, people),), tuple((-1, cell) for _, cell in cells[0].terms)])))
                totals.append(TableTotal(frozenset({0, len(cells) - 1}), asked=True, known_to=frozenset({agency}), cell=people))
        profile = self.profile
        return [TableDesign(profile.min_cell, tuple(cells), tuple(totals), profile.zeros_disclosive, widest_test=WIDEST)]

    def _parts(self, patterns: Sequence[Pattern]) -> list[TableDesign]:
        opened = self._list_opened_rows(patterns)
        designs = []
        for present in self.plan.present:
            splits = [
                Split(
                    ((1, count),),
                    ((1, self._at[Key(InRow(row), present)]),),
                    opened[row] and row not in self._list_hidden(present),
                )
                for row, count in self._splits(present)
            ]
            designs.append(self._split_design(splits, self._own_parts(present)))
        return designs

    def _ones_and_totals(self, patterns: Sequence[Pattern]) -> list[TableDesign]:
        return [*self._ones(patterns), *self._report.design_totals(self._show(patterns))]

    def _levels(self, patterns: Sequence[Pattern]) -> list[TableDesign]:
        shown = self._show(patterns)
        totals = patterns[self._before_totals(patterns) :][: len(self._report.design_totals(shown))]
        opened = bool(totals) and all(mark is Mark.OPENED for table in totals for mark in table.cells)
        return self._report.design_levels(opened, shown)

    def _usable(self, patterns: Sequence[Pattern]) -> list[TableDesign]:
        shown = self._show(patterns)
        designs = [*self._report.design_totals(shown), *self._levels(patterns)]
        opened = set(shown.cells)
        for design, pattern in zip(designs, patterns[self._before_totals(patterns) :], strict=True):
            opened |= {cell for cell, mark in mark_cells(design, pattern).items() if mark is Mark.OPENED}
        return self._report.design_usable(frozenset(opened))

    def _before_totals(self, patterns: Sequence[Pattern]) -> int:
        """Give how many tables come before those of the report."""
        return 1 + len(self.plan.present) + len(self._ones(patterns))

    def _show(self, patterns: Sequence[Pattern]) -> Shown:
        """Give what opened of the rows."""
        rows, parts = patterns[0], patterns[1 : 1 + len(self.plan.present)]
        told = mark_cells(self._counts(())[0], rows)
        opened = tuple(self._list_opened_rows(patterns)[: len(self.plan.rows)])
        whole = all(mark is Mark.OPENED for pattern in parts for mark in pattern.cells)
        return Shown(opened, whole, frozenset(cell for cell, mark in told.items() if mark is Mark.OPENED))

    # --- tables ---

    def _sums_of_rows(self) -> Iterator[TableTotal]:
        """Give the numbers of the report that rows add up to; they are never tested here. Rows of periods add up to none of them."""
        if self.plan.follow is not None:
            return
        everybody = frozenset(range(len(self.plan.rows)))
        population = self.plan.population
        for key, cell in self._at.items():
            found: frozenset[int] | None = None
            match key.place, key.number:
                case InReport(), GroupPeople(group) if population.keep.always == (group,) and len(population.keep.terms) == 1:
                    found = everybody
                case InReport(), Matched():
                    found = self._list_matched_rows(everybody)
                case InGroup(index), GroupPeople() if population.shape == "first":
                    found = self._rows_of_group(index, everybody)
                case InGroup(index), Matched():
                    matched = self._list_matched_rows(everybody)
                    found = None if matched is None else self._rows_of_group(index, matched)
            if found:
                yield TableTotal(found, asked=True, untested=True, cell=cell)

    def _margins(self) -> Iterator[TableTotal]:
        """Give the totals that the job asks for; the others are never tested."""
        cells = [self._at[Key(InMargin(index), Count())] for index in range(len(self.plan.margins))]
        found = find_margins(self.rows, self.plan.tested or "none")
        yield from (replace(total, cell=cell) for total, cell in zip(found, cells, strict=True))

    def _list_matched_rows(self, everybody: frozenset[int]) -> frozenset[int] | None:
        """Give the rows of who is in both of two groups; None if rows do not say so."""
        population = self.plan.population
        if population.shape == "both":
            return everybody
        second = f"{population.second}.present" if population.shape == "first" else ""
        if second not in self.plan.by:
            return None
        at = self.plan.by.index(second)
        return frozenset(row for row in everybody if self.plan.rows[row][at] is True)

    def _rows_of_group(self, index: int, among: frozenset[int]) -> frozenset[int]:
        places = [self.plan.by.index(name) for name in self.plan.group_by]
        return frozenset(row for row in among if tuple(self.plan.rows[row][at] for at in places) == self.plan.groups[index])
