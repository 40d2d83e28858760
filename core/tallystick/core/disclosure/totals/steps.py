"""The steps of the rule of totals: which numbers are tested next, and what an answer marks.

`state.py` has the rule and its proof.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tallystick.core.disclosure.totals.arrangement import Arrangement
from tallystick.core.disclosure.totals.pattern import Mark


@dataclass(frozen=True)
class AskAlone:
    """Is a number of no group small?"""

    number: int


@dataclass(frozen=True)
class AskUnit:
    """Is any cell of a table small?"""

    cells: tuple[int, ...]


@dataclass(frozen=True)
class AskStrike:
    """Is a group's total too low?"""

    total: int


@dataclass(frozen=True)
class AskMembers:
    """Which members of a group are small?"""

    total: int


@dataclass(frozen=True)
class AskResidual:
    """Are a group's small members and its complement too few together?"""

    total: int
    small: tuple[int, ...]
    complement: int


Step: TypeAlias = AskAlone | AskUnit | AskStrike | AskMembers | AskResidual


@dataclass(frozen=True)
class Board:
    """Marks while answers are taken in.

    Attributes:
        arrangement: of the table's numbers.
        marks: of each.
        struck: the groups that are not tested for being struck, and whether they are: their owners said so, or they cannot be tested.
        unit_tests: as `TableDesign` has it.
    """

    arrangement: Arrangement
    marks: list[Mark | None]
    struck: Mapping[int, bool]
    unit_tests: bool

    def enter_root(self, number: int) -> Iterator[Step]:
        """Begin with a number that is in no group and no unit."""
        one = self.arrangement.numbers[number]
        if number in self.arrangement.public:
            yield from self.open(number)
        elif number in self.arrangement.groups and not one.asked:
            yield from self.enter(number)  # who knows it knows it; nobody else is told
        elif one.hidden and number not in self.arrangement.groups:
            self.strike(number)
        else:
            yield AskAlone(number)

    def enter_units(self) -> Iterator[Step]:
        """Begin with the tables that are one unit each."""
        for unit in self.arrangement.units:
            self._put(unit, Mark.UNIT)
            self._put(self.arrangement.public.intersection(unit), Mark.OPENED)
        if self.unit_tests:
            yield from (AskUnit(unit) for unit in self.arrangement.tested_units)

    def apply(self, step: Step, bits: Sequence[bool]) -> Iterator[Step]:
        """Mark what the answers of a step decide, and give the steps that follow."""
        match step:
            case AskAlone(number):
                if bits[0]:
                    self.hide(number, Mark.SMALL)
                else:
                    yield from self.open(number)
            case AskUnit(cells):
                self._put(cells, Mark.UNIT if bits[0] else Mark.OPENED)
            case AskStrike(total):
                yield from self.after_strike(total, struck=bits[0])
            case AskMembers(total):
                yield from self._members(total, bits)
            case AskResidual(total, small, complement):
                for member in self.arrangement.members(total):
                    if member in small or member == complement:
                        continue
                    if bits[0]:
                        self.hide(member, Mark.RESIDUAL)
                    else:
                        yield from self.open(member)

    def _members(self, total: int, bits: Sequence[bool]) -> Iterator[Step]:
        members = self.arrangement.members(total)
        small = tuple(member for member, bit in zip(members, bits, strict=True) if bit)
        others = [member for member, bit in zip(members, bits, strict=True) if not bit]
        for member in small:
            self.hide(member, Mark.SMALL)
        if not small:
            for member in others:
                yield from self.open(member)
        elif others:
            self.hide(others[0], Mark.COMPLEMENT)
            if others[1:]:
                yield AskResidual(total, small, others[0])

    def open(self, number: int) -> Iterator[Step]:
        """Mark a number as one that opens, and go on to its parts."""
        self.marks[number] = Mark.OPENED
        if number in self.arrangement.groups:
            yield from self.enter(number)

    def enter(self, total: int) -> Iterator[Step]:
        """Go on to the parts of a total that somebody knows."""
        for part in self.arrangement.parts[total]:
            if part in self.arrangement.public:
                yield from self.open(part)
        members = self.arrangement.members(total)
        if any(self.arrangement.numbers[member].hidden for member in members):
            self.strike_members(total)
        elif total in self.struck:
            yield from self.after_strike(total, struck=self.struck[total])
        elif len(members) == 1 and self.arrangement.is_tested(total):  # the total is the member
            yield from self.open(members[0])
        elif len(members) == 1:
            yield AskMembers(total)
        elif members:
            yield AskStrike(total)

    def after_strike(self, total: int, *, struck: bool) -> Iterator[Step]:
        """Go on to the members of a group that is not struck."""
        if struck:
            self.strike_members(total)
        else:
            yield AskMembers(total)

    def strike_members(self, total: int) -> None:
        """Strike a group."""
        for member in self.arrangement.members(total):
            self.strike(member)

    def hide(self, number: int, mark: Mark) -> None:
        """Mark a number as hidden; its parts are struck."""
        self.strike(number)
        self.marks[number] = mark

    def strike(self, number: int) -> None:
        """Strike a number and its parts; what everybody knows stays open."""
        public = number in self.arrangement.public
        self.marks[number] = Mark.OPENED if public else Mark.STRUCK
        for part in self.arrangement.parts.get(number, ()):
            self.strike(part)

    def _put(self, cells: Iterable[int], mark: Mark) -> None:
        for cell in cells:
            self.marks[cell] = mark
