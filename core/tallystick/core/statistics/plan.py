"""What a job computes, as numbers: columns at agencies, terms (products of columns of different agencies), and cells that are sums of terms.

All agencies and the desk make the same plan from the same job and agreement; nobody sends it. A term is Σ over slots of a product of
columns, at most one of each agency. A cell is Σ coefficient·term, plus what single agencies know by themselves (`own`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from tallystick.core.job.bins import Range
from tallystick.core.job.columns import PRESENT, split
from tallystick.core.job.model import SYSTEMS, Totals
from tallystick.core.job.population import Population
from tallystick.core.job.since import PERIOD, FollowUp
from tallystick.core.linkage.quality.sharing import ListNumber
from tallystick.core.measure import Asked
from tallystick.core.moments import Count, EmployersOf, HouseholdsOf, Moment, Present
from tallystick.core.statistics.keys import Key
from tallystick.core.statistics.margins import Margin
from tallystick.crypto.noise import compute_room

Level = str | int | bool | None
Levels = tuple[tuple[str, Level | Range], ...]


def put_ranges(ranges: Mapping[str, Mapping[str, Range]], group: str, levels: Levels) -> Levels:
    """Give levels of a group's columns with ranges in place of what bins, months and quarters are called."""
    named = {name: ranges.get(f"{group}.{name}", {}) for name, _ in levels}
    return tuple((name, named[name].get(level, level) if isinstance(level, str) else level) for name, level in levels)


@dataclass(frozen=True)
class Factor:
    """One column over the people of a group: 1 where the levels match, times values.

    A person's entry is Π over `levels` [person's column == level] × Π over `values` (the person's value, as an integer at its scale), and
    0 where one of these is missing, or one of `given`. With `present` it is 1 in place of the product of the values.

    Attributes:
        levels: (column, level) pairs; a level is text, an integer, a boolean, a range of a number, or None for missing.
        values: numeric columns; one that stands twice is squared; none for the constant 1.
        present: take whether all of `values` are present instead of their product.
        at: take the person's rows of this part of the calendar alone (`core/job/since.py`); 0 for a person who has none there.
        given: further columns of which the person must have a value.
    """

    levels: Levels = ()
    values: tuple[str, ...] = ()
    present: bool = False
    at: Range | None = None
    given: tuple[str, ...] = ()


HomeColumn = tuple[tuple[str, Factor], ...]
"""A column over an agency's list: the product of (group, factor) over some of its groups, in the order of their names. It is 0 for a
person whom one of these groups does not have."""


@dataclass(frozen=True)
class Own:
    """What one agency adds to a cell by itself: the sum of a column over its whole list.

    Attributes:
        counted: in place of a sum over people, a number of the whole list (`core/linkage/quality/sharing.py`).
    """

    agency: str
    column: HomeColumn = ()
    counted: ListNumber | None = None


@dataclass(frozen=True)
class Cell:
    """One number of the result.

    Attributes:
        key: which number it is, and where.
        terms: (coefficient, index of a term) pairs.
        own: (coefficient, what) pairs.
        bound: |cell| <= bound × (people of all lists together); the proof that no sum can wrap starts here.
        scale: digits after the point.
    """

    key: Key
    terms: tuple[tuple[int, int], ...]
    own: tuple[tuple[int, Own], ...]
    bound: int
    scale: int = 0

    @property
    def label(self) -> str:
        """What the number is called, for people."""
        return self.key.number.label


@dataclass(frozen=True)
class Quantity:
    """A column that is measured, as the agreement declares it.

    Attributes:
        group: whose it is.
        low, high: the least and the largest value, as integers at the column's scale.
        scale: digits after the point.
    """

    group: str
    low: int
    high: int
    scale: int = 0

    @property
    def bound(self) -> int:
        """The largest absolute value, at least 1."""
        return max(abs(self.low), abs(self.high), 1)

    @property
    def flag(self) -> bool:
        """Whether its values are 0 and 1, which are their own squares."""
        return (self.low, self.high, self.scale) == (0, 1, 0)

    @property
    def binary(self) -> bool:
        """Whether its values are 0 and 1, or -1, so that the disclosure rules take its sums to be counts of people."""
        return (self.bound, self.scale) == (1, 0)


@dataclass(frozen=True)
class Plan:
    """The whole computation.

    Attributes:
        population: who is counted.
        columns: (agency, its columns over slots), in the order of the agencies' names.
        terms: (place of the agency in `columns`, its column) pairs, of two or more agencies in their order.
        by: the columns that part the rows. Where a row's people may not be in a group of theirs, its `GROUP.present` stands before them.
        rows: the level of each `by` column, for each row of the result. All columns of a group are None where `GROUP.present` is False.
        margins: the totals of the rows that the job asks for, with others that follow from them.
        tested: which of these may open beside rows that do not.
        cells: all numbers that are opened at the desk, in the order of the sealed shares. What is nothing whatever the records are, such
            as the earnings of people who are not in the group, has none.
        asked: the measures of each row, in the order of the job file.
        quantities: the columns that they are over, by reference.
        lists: (name, agency) of each list that is linked; none where there is one agency alone.
        group_by: of a pair (`Population.shape`), the first group's columns among `by`, if the linkage report tells how many matched by
            their levels.
        groups: the level of each of these, for each group of the linkage report.
        pairs: the two groups whose matches the report counts, each pair of groups once.
        clusters: whether the report counts people by how many groups have them.
        passes: the linkage passes of which the report counts tokens.
        ranges: of columns of `by` whose levels are ranges of numbers, the range of each level.
        follow: what periods are since; None where rows are of no period.
        identifiers: by list, those of which the report counts unread and denied values.
        employers: what is counted of employers in each row, where these are protected.
        households: what is summed of households in each row, where these are protected.
        noise: the scale of each agency's noise in each cell (`core/statistics/noise.py`); empty without noise.
    """

    population: Population
    columns: tuple[tuple[str, tuple[HomeColumn, ...]], ...]
    terms: tuple[tuple[tuple[int, int], ...], ...]
    by: tuple[str, ...]
    rows: tuple[tuple[Level, ...], ...]
    cells: tuple[Cell, ...]
    asked: tuple[Asked, ...]
    quantities: tuple[tuple[str, Quantity], ...]
    lists: tuple[tuple[str, str], ...] = ()
    group_by: tuple[str, ...] = ()
    groups: tuple[tuple[Level, ...], ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    clusters: bool = False
    passes: tuple[str, ...] = ()
    ranges: tuple[tuple[str, tuple[tuple[str, Range], ...]], ...] = ()
    follow: FollowUp | None = None
    identifiers: tuple[tuple[str, tuple[str, ...]], ...] = ()
    margins: tuple[Margin, ...] = ()
    tested: Totals | None = None
    employers: tuple[EmployersOf, ...] = ()
    households: tuple[HouseholdsOf, ...] = ()
    noise: tuple[Fraction, ...] = ()

    @property
    def rooms(self) -> tuple[int, ...]:
        """How far the noise of all agencies may take each cell beyond its bound, but for a chance below 2^-64."""
        return tuple(compute_room(scale, len(self.agencies)) for scale in self.noise) or (0,) * len(self.cells)

    @property
    def agencies(self) -> tuple[str, ...]:
        """The agencies, in the order of their names."""
        return tuple(agency for agency, _ in self.columns)

    def columns_of(self, agency: str) -> tuple[HomeColumn, ...]:
        """Give an agency's columns."""
        return dict(self.columns)[agency]

    @cached_property
    def moments(self) -> tuple[Moment, ...]:
        """The moments of each row, in the order of its cells."""
        return tuple(
            dict.fromkeys(
                [Count(), *(moment for one in self.asked for moment in one.moments), *self.employers, *self.households]
            )
        )

    @cached_property
    def binary(self) -> frozenset[str]:
        """The measured columns whose sums the disclosure rules take to be counts of people."""
        return frozenset(reference for reference, quantity in self.quantities if quantity.binary)

    @cached_property
    def present(self) -> tuple[Present, ...]:
        """The counts that measures rest on beside a row's count, each once."""
        return tuple(dict.fromkeys(one.rests_on for one in self.asked if isinstance(one.rests_on, Present)))

    def over(self, present: Present) -> tuple[Asked, ...]:
        """Give the measures that rest on a count."""
        return tuple(one for one in self.asked if one.rests_on == present)

    def groups_of(self, present: Present) -> tuple[str, ...]:
        """Give the groups whose columns a count is of, each once."""
        quantities = dict(self.quantities)
        return tuple(dict.fromkeys(quantities[column].group for column in present.columns))

    @cached_property
    def presences(self) -> tuple[str, ...]:
        """The columns among `by` that say in which groups, or in how many, a person is (`GROUP.present`, `systems`), and when (`period`)."""
        return tuple(name for name in self.by if name in {SYSTEMS, PERIOD} or split(name)[1] == PRESENT)

    @cached_property
    def level_ranges(self) -> Mapping[str, Mapping[str, Range]]:
        """Of columns of `by` whose levels are ranges of numbers, the range of each level."""
        return {reference: dict(some) for reference, some in self.ranges}

    def by_of(self, group: str) -> tuple[str, ...]:
        """Give a group's columns among `by`."""
        return tuple(name for name in self.by if split(name)[0] == group)
