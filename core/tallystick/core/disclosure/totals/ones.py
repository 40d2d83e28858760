"""Counts that are parts of who of a row has a value, as tables for the rule of totals: ones, ways to have two of them, and bands.

`planned.py` says what is tested when.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from tallystick.core.disclosure.rule import DisclosureProfile
from tallystick.core.disclosure.totals.design import TableCell, TableDesign, TableTotal
from tallystick.core.disclosure.totals.ledger import Restriction
from tallystick.core.disclosure.totals.parts import Split, split_design
from tallystick.core.disclosure.totals.pattern import Mark, Pattern
from tallystick.core.disclosure.totals.report import WIDEST
from tallystick.core.disclosure.totals.rows import TableRows, find_own_totals
from tallystick.core.disclosure.totals.sums import Terms
from tallystick.core.job.columns import split
from tallystick.core.moments import Banded, Count, Moment, Present, Sum
from tallystick.core.statistics.keys import InRow, Key
from tallystick.core.statistics.plan import Plan


@dataclass(frozen=True)
class OnesTables:
    """The tables of a plan's ones and bands.

    Attributes:
        plan: the job's.
        profile: the agreement's; it hides something.
        earlier: what tables before it leave closed; None if there are none. Ways to have two columns, and bands, stay closed then.
    """

    plan: Plan
    profile: DisclosureProfile
    earlier: Restriction | None = None

    def _list_hidden(self, part: Present | Sum) -> frozenset[int]:
        """Give the rows in which an earlier table leaves a part closed."""
        return self.earlier.parts.get(part, frozenset()) if self.earlier is not None else frozenset()

    # --- layers ---

    @cached_property
    def rows(self) -> TableRows:
        """The rows of the table."""
        population = self.plan.population
        return TableRows(self.plan.by, self.plan.rows, population.agency_of, population.keep.holds)

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
            designs += [self._pair_design(pair, present, shown) for pair in self._list_pairs(present)]
            designs += [self._band_design(bands, present, shown) for bands in self._list_bands(present)]
        return designs

    def _split_design(self, splits: Sequence[Split], own: Mapping[str, list[frozenset[int]]]) -> TableDesign:
        """Give the design of parts."""
        profile = self.profile
        return split_design(splits, min_cell=profile.min_cell, zeros_disclosive=profile.zeros_disclosive, own=own)

    def _pair_design(self, pair: Sum, present: Present, shown: Sequence[bool]) -> TableDesign:
        """Give the design of two columns of 0 and 1 together: of each row both, the first alone, the second alone, neither."""
        cells: list[TableCell] = []
        totals: list[TableTotal] = []
        first, second = (Sum((column,), pair.among) for column in dict.fromkeys(pair.columns))
        for place, (row, _) in enumerate(self._splits(present)):
            whole, both, one, other = (self._at[Key(InRow(row), moment)] for moment in (present, pair, first, second))
            ways = (
                ((1, both),),
                ((1, one), (-1, both)),
                ((1, other), (-1, both)),
                ((1, whole), (-1, one), (-1, other), (1, both)),
            )
            at = len(cells)
            cells += [TableCell(terms, hidden_before=not shown[place] or self.earlier is not None) for terms in ways]
            totals += [TableTotal(frozenset(range(at, at + len(ways))), earlier=True)] if shown[place] else []
            totals.append(TableTotal(frozenset({at, at + 1}), asked=True, untested=True, cell=one))
            totals.append(TableTotal(frozenset({at, at + 2}), asked=True, untested=True, cell=other))
        return self._close_design(cells, totals, present, 4)

    def _band_design(self, bands: Sequence[Banded], present: Present, shown: Sequence[bool]) -> TableDesign:
        """Give the design of a column's bands: of each row the people of each, or those of each who have an event and those who have none."""
        cells: list[TableCell] = []
        totals: list[TableTotal] = []
        events = {one.counted: one for one in self._list_banded(present) if one.of is not None and self._is_flag(one.of)}
        wide = 2 if events else 1
        for place, (row, _) in enumerate(self._splits(present)):
            begin = len(cells)
            for band in bands:
                whole = self._at[Key(InRow(row), band)]
                ways: list[Terms] = [((1, whole),)]
                if events:
                    came = self._at[Key(InRow(row), events[band])]
                    totals.append(TableTotal(frozenset({len(cells), len(cells) + 1}), asked=True, untested=True, cell=whole))
                    ways = [((1, came),), ((1, whole), (-1, came))]
                cells += [TableCell(terms, hidden_before=not shown[place] or self.earlier is not None) for terms in ways]
            if shown[place]:
                totals.append(TableTotal(frozenset(range(begin, len(cells))), earlier=True))
        return self._close_design(cells, totals, present, wide * len(bands))

    def _close_design(
        self, cells: Sequence[TableCell], totals: Sequence[TableTotal], present: Present, wide: int
    ) -> TableDesign:
        """Give a design of so many cells a row, with what agencies know of them by themselves."""
        own = [
            TableTotal(frozenset(wide * place + way for place in group), known_to=frozenset({agency}))
            for agency, groups in sorted(self._own_parts(present).items())
            for group in sorted(groups, key=sorted)
            for way in range(wide)
        ]
        profile = self.profile
        return TableDesign(profile.min_cell, tuple(cells), (*totals, *own), profile.zeros_disclosive, widest_test=WIDEST)

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
        """Give the sums that count ones among who has a value: of one column of 0 and 1, once, which is in no pair."""
        columns = dict(self.plan.quantities)
        paired = {column for pair in self._list_pairs(present) for column in pair.columns}
        return sorted(
            (
                one
                for one in self._sums_over(present)
                if len(one.columns) == 1 and columns[one.columns[0]].flag and one.columns[0] not in paired
            ),
            key=lambda one: one.columns,
        )

    def _list_pairs(self, present: Present) -> list[Sum]:
        """Give the products of two columns of 0 and 1 that are summed over who has a value, if no column is in two of them."""
        columns, sums = dict(self.plan.quantities), self._sums_over(present)
        pairs = sorted(
            (
                one
                for one in sums
                if len(set(one.columns)) == len(one.columns) == 2 and all(columns[c].flag for c in one.columns)
            ),
            key=lambda one: one.columns,
        )
        many = Counter(column for pair in pairs for column in pair.columns)
        return [
            pair for pair in pairs if all(many[column] == 1 and Sum((column,), pair.among) in sums for column in pair.columns)
        ]

    def _list_bands(self, present: Present) -> list[tuple[Banded, ...]]:
        """Give the bands of each column that is banded over who has a value."""
        bands: defaultdict[str, dict[Banded, None]] = defaultdict(dict)
        for one in self._list_banded(present):
            bands[one.column][one.counted] = None
        return [tuple(found) for _, found in sorted(bands.items())]

    def _list_banded(self, present: Present) -> list[Banded]:
        moments = (moment for one in self.plan.over(present) for moment in one.moments)
        return [moment for moment in dict.fromkeys(moments) if isinstance(moment, Banded) and moment.people == present]

    def _is_flag(self, column: str) -> bool:
        return dict(self.plan.quantities)[column].flag

    def _sums_over(self, present: Present) -> set[Sum]:
        """Give the sums that are over who has a value."""
        moments = (moment for one in self.plan.over(present) for moment in one.moments)
        return {moment for moment in moments if isinstance(moment, Sum) and moment.people == present}

    @property
    def _resting(self) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Give the cells that open only together with a count: sums of its people's values, and what is the same number."""
        resting: defaultdict[int, list[int]] = defaultdict(list)
        for row in range(len(self.plan.rows)):
            for moment in self.plan.moments:
                if moment in self._bases and Key(InRow(row), moment) in self._at:
                    base = self._bases[moment]
                    if base is not None and base != moment and Key(InRow(row), base) in self._at:
                        resting[self._at[Key(InRow(row), base)]].append(self._at[Key(InRow(row), moment)])
        yield from ((count, tuple(cells)) for count, cells in sorted(resting.items()))

    @cached_property
    def _bases(self) -> Mapping[Moment, Moment | None]:
        """Give what each sum rests on; itself, if it is a count; None if it stays closed."""
        sums: dict[Moment, Moment | None] = {one: self._find_base(one) for one in self.plan.moments if isinstance(one, Sum)}
        columns = dict(self.plan.quantities)
        for moment in self.plan.moments:
            if isinstance(moment, Banded) and moment.of is not None and not columns[moment.of].binary:
                sums[moment] = moment.counted
        return sums

    def _find_base(self, moment: Sum) -> Moment | None:
        columns, once = dict(self.plan.quantities), tuple(dict.fromkeys(moment.columns))
        if any(columns[column].binary and not columns[column].flag for column in once):
            return None
        flags = tuple(column for column in once if columns[column].flag)
        match len(flags):
            case 0:
                return moment.people
            case 1:
                return Sum(flags, moment.among)
            case 2:
                pairs = (pair for pair in self._list_pairs(moment.people) if set(pair.columns) == set(flags))
                return next(pairs, None)
            case _:
                return None
