"""What a job computes, as numbers: columns at two agencies, products of columns, and cells that are sums of products.

Both agencies and the desk make the same plan from the same job and agreement; nobody sends it. Product p is Σ over slots of
(left column i)·(right column j). A cell is Σ coefficient·product, plus what one agency knows by itself (`own`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Side = Literal["left", "right"]


@dataclass(frozen=True)
class Factor:
    """One column over people: 1 where the levels match, times a value.

    A person's entry is Π over `levels` [person's column == level] × (1, or the value of `value`, 0 where it is missing;
    with `present`, 1 where the value is not missing).

    Attributes:
        levels: (column, level) pairs; a level is text, an integer, a boolean, or None for missing.
        value: a numeric column, as an integer at its scale; None for the constant 1.
        present: take whether `value` is present instead of the value.
    """

    levels: tuple[tuple[str, str | int | bool | None], ...] = ()
    value: str | None = None
    present: bool = False


@dataclass(frozen=True)
class Own:
    """What one side adds to a cell by itself: the sum of a factor over all its people (left join remainders, cohort sizes).

    Attributes:
        counted: in place of a sum over people, a number of the side's whole list: `tokens(PASS)`, `alike(PASS)`, `doubtful(PASS)`
            (`core/linkage/sharing.py`).
    """

    side: Side
    factor: Factor = Factor()
    counted: str | None = None


@dataclass(frozen=True)
class Cell:
    """One number of the result.

    Attributes:
        row: index into `Plan.rows`; -1 for the linkage report, -2 - i for group i of it.
        label: `count`, `sum(x)`, `count(x)`; in the linkage report `people(tanf)`, `usable(tanf)`, `matched`, and
            `tokens(PASS) tanf`, `alike(PASS) tanf`, `doubtful(PASS) tanf`; in a group of it `people`, `matched`.
        products: (coefficient, product index) pairs.
        own: (coefficient, what) pairs.
        bound: |cell| <= bound × (people of both lists together); the proof that no sum can wrap starts here.
        scale: digits after the point.
    """

    row: int
    label: str
    products: tuple[tuple[int, int], ...]
    own: tuple[tuple[int, Own], ...]
    bound: int
    scale: int = 0


@dataclass(frozen=True)
class Plan:
    """The whole computation.

    Attributes:
        left, right: the group names of the two sides.
        left_columns, right_columns: factors over slots.
        products: (index into left_columns, index into right_columns).
        rows: the level of each `by` column, for each row of the result.
        cells: all numbers that are opened at the desk, in the order of the sealed shares.
        group_by: the left side's columns among `by`, if the linkage report tells how many matched by their levels.
        groups: the level of each of these, for each group of the linkage report.
        passes: the linkage passes of which the report counts tokens.
    """

    left: str
    right: str
    left_columns: tuple[Factor, ...]
    right_columns: tuple[Factor, ...]
    products: tuple[tuple[int, int], ...]
    by: tuple[str, ...]
    rows: tuple[tuple[str | int | bool | None, ...], ...]
    cells: tuple[Cell, ...]
    group_by: tuple[str, ...] = ()
    groups: tuple[tuple[str | int | bool | None, ...], ...] = ()
    passes: tuple[str, ...] = ()

    @property
    def encryptor(self) -> Side:
        """The side with fewer columns; it encrypts (the left one when they are equal)."""
        return "left" if len(self.left_columns) <= len(self.right_columns) else "right"
