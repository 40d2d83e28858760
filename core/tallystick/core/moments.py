"""What measures are worked out from: numbers of the people of one place, each opened as one cell.

A moment is a value that names itself; `label` writes it for people and for the files of results, and nothing reads it back.
Columns are references (`wages.earnings`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import TypeAlias


@dataclass(frozen=True)
class Count:
    """How many people there are."""

    @property
    def label(self) -> str:
        """Write it for people."""
        return "count"


@dataclass(frozen=True)
class Present:
    """How many people have a value in every one of these columns.

    Attributes:
        columns: each once.
    """

    columns: tuple[str, ...]

    @property
    def label(self) -> str:
        """Write it for people."""
        return f"count({', '.join(self.columns)})"


@dataclass(frozen=True)
class Sum:
    """The sum, over people who have a value in every one of these columns, of the product of the values.

    `Sum(("a.x",))` is Σx, `Sum(("a.x", "a.x"))` is Σx², `Sum(("a.x", "b.y"))` is Σxy.

    Attributes:
        columns: one that stands twice is squared.
    """

    columns: tuple[str, ...]

    @property
    def label(self) -> str:
        """Write it for people."""
        return f"sum({' * '.join(self.columns)})"

    def bound(self, largest: Mapping[str, int]) -> int:
        """Give the largest absolute value that one person adds, from that of each column."""
        return prod(largest[column] for column in self.columns)

    def scale(self, scales: Mapping[str, int]) -> int:
        """Give the sum's digits after the point, from those of each column."""
        return sum(scales[column] for column in self.columns)


Moment: TypeAlias = Count | Present | Sum
