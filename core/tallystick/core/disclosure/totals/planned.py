"""A plan's tables, as the rule of totals takes them: rows, and what is part of them.

Layers, coarse to fine:

1. *Rows*: a cell each row's count. Known totals are those that an agency knows by itself (`rows.py`). Numbers of the linkage report that
   are sums of rows (`matched` of `keep: a and b`, people of a of `keep: a`, and both by level) open only if these rows do. Of `keep: a and
   b` by no column, who matched and who of either group did not are one table of three cells; its sums are the groups' people, which their
   agencies know, and which cross, so it is one unit.
2. *Present*: who of a row has a value, and who has none.
3. *Ones* of columns of 0 and 1, among those who have a value.
4. *The linkage report*, beside 3 and after it (`report.py`).

Everything else that a plan has stays closed. Sums of products of two columns of 0 and 1 are counts whose other parts are no cells; sums
of a column of -1, 0 and 1 may be counts.

Rows come with the levels in the agreement's order, and missing and absent last; so an agreement lists small levels first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from tallystick.core.disclosure.rule import DisclosureProfile
from tallystick.core.disclosure.totals.design import TableCell, TableDesign, TableTotal
from tallystick.core.disclosure.totals.gated import Layer, PlanCells, mark_cells
from tallystick.core.disclosure.totals.ledger import Restriction
from tallystick.core.disclosure.totals.parts import Split, split_design
from tallystick.core.disclosure.totals.pattern import Mark, Pattern
from tallystick.core.disclosure.totals.report import WIDEST, ReportTables, Shown
from tallystick.core.disclosure.totals.rows import TableRows, find_own_totals
from tallystick.core.disclosure.totals.sums import add_terms
from tallystick.core.job.columns import split
from tallystick.core.moments import Count, Moment, Present, Sum
from tallystick.core.statistics.keys import GroupPeople, InGroup, InReport, InRow, Key, Matched
from tallystick.core.statistics.plan import Plan


@dataclass(frozen=True)
class PlannedTables:
    """The tables of a plan.

    Attributes:
        plan: the job's.
        profile: the agreement's; it hides something.
        earlier: what tables before it leave closed; None if there are none.
    """

    plan: Plan
    profile: DisclosureProfile
    earlier: Restriction | None = None

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

    def _list_hidden(self, part: Present | Sum) -> frozenset[int]:
        """Give the rows in which an earlier table leaves a part closed."""
        return self.earlier.parts.get(part, frozenset()) if self.earlier is not None else frozenset()

    @cached_property
    def rows(self) -> TableRows:
        """The rows of the table."""
        population = self.plan.population
        return TableRows(self.plan.by, self.plan.rows, population.agency_of, population.keep.holds)

    # --- layers ---

    def _counts(self, _: Sequence[Pattern]) -> list[TableDesign]:
        hidden = self.earlier.rows if self.earlier is not None else frozenset()
        cells = [
            TableCell(((1, self._at[Key(InRow(row), Count())]),), hidden_before=row in hidden)
            for row in range(len(self.plan.rows))
        ]
        known = find_own_totals(self.rows) if self.earlier is None else ()  # what is not hidden is known to everybody
        totals = [*known, *self._sums_of_rows()]
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

    def _ones(self, patterns: Sequence[Pattern]) -> list[TableDesign]:
        opened = self._list_opened_rows(patterns)
        designs = []
        for at, present in enumerate(self.plan.present):
            marks = patterns[1 + at].cells
            shown = [opened[row] and marks[2 * place] is Mark.OPENED for place, (row, _) in enumerate(self._splits(present))]
            for ones in self._list_counting_sums(present):
                hidden = self._list_hidden(ones)
                splits = [
                    Split(
                        ((1, self._at[Key(InRow(row), present)]),),
                        ((1, self._at[Key(InRow(row), ones)]),),
                        shown[place] and row not in hidden,
                    )
                    for place, (row, _) in enumerate(self._splits(present))
                ]
                designs.append(self._split_design(splits, self._own_parts(present)))
        return designs

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

    def _split_design(self, splits: Sequence[Split], own: Mapping[str, list[frozenset[int]]]) -> TableDesign:
        """Give the design of parts."""
        profile = self.profile
        return split_design(splits, min_cell=profile.min_cell, zeros_disclosive=profile.zeros_disclosive, own=own)

    # --- what is in the plan ---

    @cached_property
    def _at(self) -> Mapping[Key, int]:
        return {cell.key: at for at, cell in enumerate(self.plan.cells)}

    def _splits(self, present: Present) -> list[tuple[int, int]]:
        """Give the rows that have a count of who has a value, and the cell of the row's count."""
        rows = range(len(self.plan.rows))
        return [(row, self._at[Key(InRow(row), Count())]) for row in rows if Key(InRow(row), present) in self._at]

    def _list_opened_rows(self, patterns: Sequence[Pattern]) -> list[bool]:
        return [mark is Mark.OPENED for mark in patterns[0].cells]

    def _own_parts(self, present: Present) -> dict[str, list[frozenset[int]]]:
        """Give, for the agency of all columns of a count, the rows (by their places among the splits) of which it knows the sums."""
        of, parts = self.plan.population.agency_of, self.plan.population.parts_of
        agencies = {of[part] for column in present.columns for part in parts(split(column)[0])}
        if len(agencies) != 1:
            return {}
        place = {row: at for at, (row, _) in enumerate(self._splits(present))}
        found = [
            frozenset(place[row] for row in total.cells if row in place)
            for total in find_own_totals(self.rows)
            if total.known_to == agencies
        ]
        return {agency: [one for one in found if one] for agency in agencies}

    def _list_counting_sums(self, present: Present) -> list[Sum]:
        """Give the sums that count ones among who has a value: of one column of 0 and 1, once."""
        columns = dict(self.plan.quantities)
        asked = {sum_ for one in self.plan.over(present) for sum_ in one.moments if isinstance(sum_, Sum)}
        return sorted(
            (one for one in asked if len(one.columns) == 1 and columns[one.columns[0]].flag), key=lambda one: one.columns
        )

    @property
    def _resting(self) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Give the cells that open only together with a count: sums of its people's values, and what is the same number."""
        resting: defaultdict[int, list[int]] = defaultdict(list)
        columns = dict(self.plan.quantities)
        for row in range(len(self.plan.rows)):
            for moment in self.plan.moments:
                if isinstance(moment, Sum) and Key(InRow(row), moment) in self._at:
                    signed = any(columns[column].binary and not columns[column].flag for column in moment.columns)
                    flags = [columns[column].flag for column in moment.columns]
                    base = None if signed else self._base(moment, flags=flags)
                    if base is not None and base != moment and Key(InRow(row), base) in self._at:
                        resting[self._at[Key(InRow(row), base)]].append(self._at[Key(InRow(row), moment)])
        yield from ((count, tuple(cells)) for count, cells in sorted(resting.items()))

    def _base(self, moment: Sum, flags: Sequence[bool]) -> Moment | None:
        """Give what a sum rests on; itself, if it is a count; None if it stays closed."""
        once = tuple(dict.fromkeys(moment.columns))
        if all(flags):
            return Sum(once) if len(once) == 1 else None
        return Present(once)
