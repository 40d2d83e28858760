"""The rule of totals: which cells and totals of a table open, decided by public answers of yes and no. Pure, and alike at every party.

What everybody, an agency, or an earlier result tells beside a hidden count turns each public answer into an equation. The rule
(k: the least count; small: 1 to k - 1, or 0 to k - 1 where zeros are disclosive):

a. *Known totals* are those opened now or earlier and those that an agency knows by itself (its own people, in a population that holds them
   all). Where something is hidden they form a tree: any two groups of cells are disjoint or one holds the other; the job names which.
b. *Coarse to fine.* An opened total is tested like a cell. What is small, hidden or struck strikes all its parts: they are neither tested
   nor opened.
c. *Strike.* A group of C cells whose known total is below k·C is struck before its cells are tested, by whoever knows the total.
d. *Cells.* The others are tested, and the small ones hidden. Where a group has m ≥ 1 of them, its first cell in the plan's order that is
   not small, zero or not (nobody asks), is hidden with them: the complement.
e. *One residual test* a group: are its small cells and that complement together below 2k + m - 1? Then the whole group is hidden. Never a
   second complement, never a second test.
f. *Every other total* (crossing margins, `matched`, groups of the linkage report, earlier or coarser tables) opens only if all its cells
   opened. Cumulative numbers are never tested either, and open only if all cells on one side of them opened.
g. *Crossing totals that are known anyway*: the table is one unit and one test, "is any cell small"; if so nothing of it opens.

A group's members are cells or smaller totals; `arrangement.py` says which totals form the tree, the units and the rest.

Proof, that each hidden small count s can still be every small value for who sees all answers and all that opens. A number that is not small
is 0 or at least k; at least k where 0 is small there.

*A group* of C members with known total N ≥ k·C, of which m ≥ 1 are small. Not all are: then N ≤ C(k - 1). Let v be the complement, and S the
sum of the small ones. Give s any small value and the other small ones 1.

- The residual test passed. Who sees the others open knows R = S + v ≥ 2k + m - 1, and nothing else of these. Take v = R - S: since
  S ≤ (k - 1) + (m - 1), v ≥ k + 1.
- It failed, so all members are hidden, and their sum is N. Take v = 0, or k where 0 is small there: S + v ≤ (k - 1) + (m - 1) + k < 2k + m - 1
  fails as well. There is another member that is not small: if m = C - 1, R = N ≥ k·C ≥ 2k + C - 2 had passed. What is left,
  N - S - v ≥ k·C - (2k + m - 2) ≥ (C - m - 1)k since (m - 1)k ≥ m - 2, makes each of the C - m - 1 ≥ 1 others k or more.

The answers to the group's tests, and its total, are the same. Groups side by side are disjoint, and what happens in one changes nothing
outside of it, so whole tables follow. The parts of a hidden total are struck: what is known of them is that total's mark. The members of a
struck group are known by their total alone: who knows it knew it before, or it opened and is 0 or at least k. What f opens is a sum of what
is open.

*A unit.* Every table with a small value in a cell looks the same: no knowledge of whatever kind loses a value by it.

*Who knows part of a tree.* An agency that knows all members of a group learns nothing from the group's tests; for who knows none of them the
proof holds. A group of which somebody knows some members and not all is never tested (it is of the rest, or a unit).

Not covered: totals that bound a table from above (an agency's own people where only another's are counted, or only those in both);
what is likely rather than possible; agencies that pool what they know, where the pooled totals cross.
tests/unit/core/disclosure/totals tries every small table, and asks a solver about random ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tallystick.core.disclosure.totals.arrangement import Arrangement, arrange
from tallystick.core.disclosure.totals.design import TableDesign
from tallystick.core.disclosure.totals.pattern import Mark, Pattern
from tallystick.core.disclosure.totals.steps import AskAlone, AskMembers, AskResidual, AskStrike, AskUnit, Board, Step
from tallystick.core.disclosure.totals.sums import SmallSum, SumTest, Terms, add_terms, residual_bound, strike_bound
from tallystick.core.errors import Broken


@dataclass(frozen=True)
class TotalsState:
    """How far the tests of a table are. Begin with `begin_totals`.

    Attributes:
        design: the table.
        arrangement: of its numbers.
        marks: of the numbers that are decided.
    """

    design: TableDesign
    arrangement: Arrangement
    marks: tuple[Mark | None, ...]
    _steps: tuple[Step, ...] = ()

    @property
    def tests(self) -> tuple[SumTest, ...]:
        """The tests whose answers are needed now, none of which depends on another."""
        return tuple(test for step in self._steps for test in self._tests_of(step))

    @property
    def finished(self) -> bool:
        """Whether everything is decided."""
        return not self._steps

    def asks_owner(self, agency: str) -> tuple[int, ...]:
        """Give which of `tests` an agency answers, from a total that it knows by itself."""
        return tuple(at for at, test in enumerate(self.tests) if test.owner == agency)

    def answer(self, bits: Sequence[bool]) -> TotalsState:
        """Give the next state.

        Args:
            bits: the answers to `tests`, in order; True: small.

        Raises:
            Broken: `internal`: another number of answers than of tests.
        """
        if len(bits) != len(self.tests):
            raise Broken("internal", f"{len(bits)} answers to {len(self.tests)} tests of totals")
        board, at = Board(self.arrangement, list(self.marks)), 0
        steps: list[Step] = []
        for step in self._steps:
            count = len(self._tests_of(step))
            steps += board.apply(step, bits[at : at + count])
            at += count
        return replace(self, marks=tuple(board.marks), _steps=tuple(steps))

    @property
    def pattern(self) -> Pattern:
        """What opens.

        Raises:
            Broken: `internal`: not everything is decided.
        """
        cells = [mark for mark in self.marks[: len(self.design.cells)] if mark is not None]
        if not self.finished or len(cells) != len(self.design.cells):
            raise Broken("internal", "a pattern was asked for before all tests of totals were answered")
        return Pattern(tuple(cells), tuple(self._mark_of(number, at) for at, number in enumerate(self.arrangement.at)))

    def _mark_of(self, number: int, at: int) -> Mark | None:
        one = self.arrangement.numbers[number]
        if number in self.arrangement.public:
            return Mark.OPENED
        if not self.design.totals[at].asked:
            return None
        if number not in self.arrangement.rest:
            return self.marks[number]
        wholes = self._open_totals() if one.cumulative else []
        sides = [one.cells, *(whole - one.cells for whole in wholes if whole > one.cells)]
        return Mark.OPENED if any(self._all_open(side) for side in sides) else Mark.WITHHELD

    def _all_open(self, cells: frozenset[int]) -> bool:
        """Tell whether cells that open, and totals of the tree that open, make up a sum."""
        shown = {cell for cell in cells if self.marks[cell] is Mark.OPENED}
        return shown.union(*(total for total in self._open_totals() if total <= cells)) >= cells

    def _open_totals(self) -> list[frozenset[int]]:
        """Give the cells of each total of the tree that opens, or did before."""
        found = []
        for total in sorted(self.arrangement.groups):
            one = self.arrangement.numbers[total]
            if total in self.arrangement.public or (one.asked and self.marks[total] is Mark.OPENED):
                found.append(one.cells)
        return found

    def _tests_of(self, step: Step) -> tuple[SumTest, ...]:
        k = self.design.min_cell
        match step:
            case AskAlone(number):
                return (self._test(number),)
            case AskUnit(cells):
                return (SumTest(tuple(self._small(cell) for cell in cells)),)
            case AskStrike(total):
                members = self.arrangement.members(total)
                return (SumTest((SmallSum(self._sum(members), strike_bound(k, len(members)), True),), self._owner(total)),)
            case AskMembers(total):
                return tuple(self._test(member) for member in self.arrangement.members(total))
            case AskResidual(_, small, complement):
                return (SumTest((SmallSum(self._sum((*small, complement)), residual_bound(k, len(small)), True),)),)

    def _sum(self, numbers: Iterable[int]) -> Terms:
        return add_terms(self.arrangement.net[number] for number in numbers)

    def _small(self, number: int) -> SmallSum:
        return SmallSum(self.arrangement.net[number], self.design.min_cell, self.arrangement.numbers[number].from_zero)

    def _test(self, number: int) -> SumTest:
        return SumTest((self._small(number),), self._owner(number))

    def _owner(self, number: int) -> str | None:
        """Give who knows what a number holds beside what is public."""
        one = self.arrangement.numbers[number]
        whole = number < len(self.design.cells) or self.arrangement.net[number] == add_terms(
            self.design.cells[cell].terms for cell in one.cells
        )
        return one.owner if whole else None


def begin_totals(design: TableDesign) -> TotalsState:
    """Give the state before any test of a table."""
    arrangement = arrange(design)
    board = Board(arrangement, [None] * len(arrangement.numbers))
    steps = [*(step for root in arrangement.roots for step in board.enter_root(root)), *board.enter_units()]
    return TotalsState(design, arrangement, tuple(board.marks), tuple(steps))
