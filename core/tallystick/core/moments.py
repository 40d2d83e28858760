"""What measures are worked out from: numbers of the people of one place, each opened as one cell.

A moment is a value that names itself; `label` writes it for people and for the files of results, and nothing reads it back.
Columns are references (`wages.earnings`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import ClassVar, TypeAlias


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
        among: if there are any, the sum is over people who have a value in every one of these; each once, the ones of `columns` among them.
    """

    columns: tuple[str, ...]
    among: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Write it for people."""
        of = f" of {', '.join(self.among)}" if self.among else ""
        return f"sum({' * '.join(self.columns)}{of})"

    @property
    def people(self) -> Present:
        """How many people it is over."""
        return Present(self.among or tuple(dict.fromkeys(self.columns)))

    def bound(self, largest: Mapping[str, int]) -> int:
        """Give the largest absolute value that one person adds, from that of each column."""
        return prod(largest[column] for column in self.columns)

    def scale(self, scales: Mapping[str, int]) -> int:
        """Give the sum's digits after the point, from those of each column."""
        return sum(scales[column] for column in self.columns)


@dataclass(frozen=True)
class Banded:
    """How many people have a value of a column in a band, from `low` to below `high`; or of these the sum of another column's values.

    Attributes:
        column: whose values are banded.
        low, high: the band's ends, as text of a number; None where it has no end.
        of: a column whose values are summed; None for how many people.
        among: the people have a value in every one of these; each once, `column` and `of` among them.
    """

    column: str
    low: str | None
    high: str | None
    of: str | None
    among: tuple[str, ...]

    @property
    def label(self) -> str:
        """Write it for people."""
        what = f"count({self.column}" if self.of is None else f"sum({self.of} of {self.column}"
        return f"{what} {format_band(self.low, self.high)} of {', '.join(self.among)})"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns whose values are summed."""
        return () if self.of is None else (self.of,)

    @property
    def people(self) -> Present:
        """Those of whom it takes some."""
        return Present(self.among)

    @property
    def counted(self) -> Banded:
        """How many people the band has."""
        return Banded(self.column, self.low, self.high, None, self.among)

    def bound(self, largest: Mapping[str, int]) -> int:
        """Give the largest absolute value that one person adds, from that of each column."""
        return 1 if self.of is None else largest[self.of]

    def scale(self, scales: Mapping[str, int]) -> int:
        """Give its digits after the point, from those of each column."""
        return 0 if self.of is None else scales[self.of]


@dataclass(frozen=True)
class EmployersOf:
    """How many people of a group have an employer of a number (`core/job/units.py`).

    Attributes:
        group: whose employers.
        number: of employers; several may share one.
    """

    group: str
    number: int
    columns: ClassVar[tuple[str, ...]] = ()

    @property
    def label(self) -> str:
        """Write it for people."""
        return f"people({self.group}) with employers {self.number}"


@dataclass(frozen=True)
class HouseholdsOf:
    """The parts of households that people of a group make up, in parts of `WHOLE` (`core/job/units.py`).

    Attributes:
        group: whose households.
    """

    group: str
    columns: ClassVar[tuple[str, ...]] = ()

    @property
    def label(self) -> str:
        """Write it for people."""
        return f"parts of households of {self.group}"


def format_band(low: str | None, high: str | None) -> str:
    """Write a band for people: `under 10`, `10 to under 20`, `20 or over`."""
    if low is None:
        return f"under {high}"
    return f"{low} or over" if high is None else f"{low} to under {high}"


Moment: TypeAlias = Count | Present | Sum | Banded | EmployersOf | HouseholdsOf
