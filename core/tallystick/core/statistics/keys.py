"""What a cell is: its place in the result, and which number it is there.

| place | number |
|---|---|
| `InRow(i)`: row i of the table | `Count`, `Present(columns)`, `Sum(columns)` (`core/moments.py`) |
| `InMargin(i)`: total i of the table | `Count` |
| `InGroup(i)`: group i of the linkage report | `GroupPeople(first group)`, `Matched` |
| `InReport`: all people of the job | `GroupPeople(group)`, `Usable(group)`, `Matched(pair)`, `InAll(groups)`, `InSystems(k)`, |
| | `OfList(number, list)` |
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
class InMargin:
    """Total `index` of the table (`Plan.margins`)."""

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
    """How many people two groups both have.

    Attributes:
        pair: the groups; empty where the job has these two alone.
    """

    pair: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Write it for people."""
        return f"matched({', '.join(self.pair)})" if self.pair else "matched"


@dataclass(frozen=True)
class InAll:
    """How many people three groups or more all have; tested with a gate, and never opened."""

    groups: tuple[str, ...]

    @property
    def label(self) -> str:
        """Write it for people."""
        return f"people in {' and '.join(self.groups)}"


@dataclass(frozen=True)
class InSystems:
    """How many people just so many of the job's groups have, counted or not."""

    groups: int

    @property
    def label(self) -> str:
        """Write it for people."""
        return f"people in {self.groups}"


@dataclass(frozen=True)
class OfList:
    """What a list says of itself at a linkage pass."""

    number: ListNumber
    list: str

    @property
    def label(self) -> str:
        """Write it for people."""
        return f"{self.number.label} {self.list}"


Place: TypeAlias = InRow | InMargin | InGroup | InReport
Number: TypeAlias = Moment | GroupPeople | Usable | Matched | InAll | InSystems | OfList


@dataclass(frozen=True)
class Key:
    """One cell: a number at a place."""

    place: Place
    number: Number
