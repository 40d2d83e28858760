"""What a job computes, as numbers: columns at two agencies, products of columns, and cells that are sums of products.

Both agencies and the desk make the same plan from the same job and agreement; nobody sends it. Product p is Σ over slots of
(left column i)·(right column j). A cell is Σ coefficient·product, plus what one agency knows by itself (`own`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from tallystick.core.job.columns import split
from tallystick.core.linkage.quality.sharing import ListNumber
from tallystick.core.measure import Asked
from tallystick.core.moments import Present
from tallystick.core.statistics.keys import Key

Side = Literal["left", "right"]


@dataclass(frozen=True)
class Factor:
    """One column over people: 1 where the levels match, times values.

    A person's entry is Π over `levels` [person's column == level] × Π over `values` (the person's value, as an integer at its scale), and
    0 where one of these is missing. With `present` it is 1 in place of the product of the values.

    Attributes:
        levels: (column, level) pairs; a level is text, an integer, a boolean, or None for missing.
        values: numeric columns; one that stands twice is squared; none for the constant 1.
        present: take whether all of `values` are present instead of their product.
    """

    levels: tuple[tuple[str, str | int | bool | None], ...] = ()
    values: tuple[str, ...] = ()
    present: bool = False


@dataclass(frozen=True)
class Own:
    """What one side adds to a cell by itself: the sum of a factor over all its people (left join remainders, cohort sizes).

    Attributes:
        counted: in place of a sum over people, a number of the side's whole list (`core/linkage/quality/sharing.py`).
    """

    side: Side
    factor: Factor = Factor()
    counted: ListNumber | None = None


@dataclass(frozen=True)
class Cell:
    """One number of the result.

    Attributes:
        key: which number it is, and where.
        products: (coefficient, product index) pairs.
        own: (coefficient, what) pairs.
        bound: |cell| <= bound × (people of both lists together); the proof that no sum can wrap starts here.
        scale: digits after the point.
    """

    key: Key
    products: tuple[tuple[int, int], ...]
    own: tuple[tuple[int, Own], ...]
    bound: int
    scale: int = 0

    @property
    def label(self) -> str:
        """What the number is called, for people."""
        return self.key.number.label


@dataclass(frozen=True)
class Population:
    """Who is counted.

    Attributes:
        left, right: the names of the two groups of people.
        kind: `inner`: people who matched; `left`: all people of the left group, with what is known at the right of those who matched.
    """

    left: str
    right: str
    kind: Literal["inner", "left"]

    @property
    def inner(self) -> bool:
        """Whether people who matched are counted, and no others."""
        return self.kind == "inner"


@dataclass(frozen=True)
class Quantity:
    """A column that is measured, as the agreement declares it.

    Attributes:
        side: whose it is.
        low, high: the least and the largest value, as integers at the column's scale.
        scale: digits after the point.
    """

    side: Side
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
        left_columns, right_columns: factors over slots.
        products: (index into left_columns, index into right_columns).
        rows: the level of each `by` column, for each row of the result.
        cells: all numbers that are opened at the desk, in the order of the sealed shares.
        asked: the measures of each row, in the order of the job file.
        quantities: the columns that they are over, by reference.
        group_by: the left side's columns among `by`, if the linkage report tells how many matched by their levels.
        groups: the level of each of these, for each group of the linkage report.
        passes: the linkage passes of which the report counts tokens.
    """

    population: Population
    left_columns: tuple[Factor, ...]
    right_columns: tuple[Factor, ...]
    products: tuple[tuple[int, int], ...]
    by: tuple[str, ...]
    rows: tuple[tuple[str | int | bool | None, ...], ...]
    cells: tuple[Cell, ...]
    asked: tuple[Asked, ...]
    quantities: tuple[tuple[str, Quantity], ...]
    group_by: tuple[str, ...] = ()
    groups: tuple[tuple[str | int | bool | None, ...], ...] = ()
    passes: tuple[str, ...] = ()

    @property
    def left(self) -> str:
        """The group of the left side."""
        return self.population.left

    @property
    def right(self) -> str:
        """The group of the right side."""
        return self.population.right

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
        sides = dict(self.quantities)
        return tuple(dict.fromkeys(self.left if sides[column].side == "left" else self.right for column in present.columns))

    @cached_property
    def right_by(self) -> tuple[str, ...]:
        """The right side's columns among `by`."""
        return tuple(name for name in self.by if name not in self.left_by)

    @cached_property
    def left_by(self) -> tuple[str, ...]:
        """The left side's columns among `by`."""
        return tuple(name for name in self.by if split(name)[0] == self.left)
