"""What a cell is: its place in the result, and which number it is there.

| place | number |
|---|---|
| `InRow(i)`: row i of the table | `Count`, `Present(columns)`, `Sum(columns)` (`core/moments.py`) |
| `InGroup(i)`: group i of the linkage report | `GroupPeople(left group)`, `Matched` |
| `InReport`: all people of the job | `GroupPeople(group)`, `Usable(group)`, `Matched`, `OfList(number, group)` |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from tallystick.core.linkage.quality.sharing import ListNumber
from tallystick.core.moments import Moment


@dataclass(frozen=True)
class InRow:
    """Row `index` of the table (`Plan.rows`)."""

    index: int


@dataclass(frozen=True)
class InGroup:
    """Group `index` of the linkage report (`Plan.groups`)."""

    index: int


@dataclass(frozen=True)
class InReport:
    """The linkage report as a whole."""


@dataclass(frozen=True)
class GroupPeople:
    """How many people a group of the job has."""

    group: str

    @property
    def label(self) -> str:
        """Write it for people."""
        return f"people({self.group})"


@dataclass(frozen=True)
class Usable:
    """How many people of a group have a token for at least one linkage pass."""

    group: str

    @property
    def label(self) -> str:
        """Write it for people."""
        return f"usable({self.group})"


@dataclass(frozen=True)
class Matched:
    """How many people matched."""

    @property
    def label(self) -> str:
        """Write it for people."""
        return "matched"


@dataclass(frozen=True)
class OfList:
    """What a group's list says of itself at a linkage pass."""

    number: ListNumber
    group: str

    @property
    def label(self) -> str:
        """Write it for people."""
        return f"{self.number.label} {self.group}"


Place: TypeAlias = InRow | InGroup | InReport
Number: TypeAlias = Moment | GroupPeople | Usable | Matched | OfList


@dataclass(frozen=True)
class Key:
    """One cell: a number at a place."""

    place: Place
    number: Number
