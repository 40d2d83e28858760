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

Not covered: totals that bound a table from above (an agency's own people where only another's are counted, or only those in both; counts
that open, for an agency that knows how many of its people have a value) or from below (an agency's own people where others' are counted
with them and no cells are theirs alone: what opened may leave some of them for a hidden cell); what is likely rather than possible;
agencies that pool what they know, where the pooled totals cross; an agency that answers falsely about its own total, which can learn of
its own people what the strike would have kept from it.
tests/unit/core/disclosure/totals tries every small table, and asks a solver about random ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tallystick.core.disclosure.totals.arrangement import Arrangement, arrange
from tallystick.core.disclosure.totals.design import TableDesign
from tallystick.core.disclosure.totals.pattern import Mark, Pattern, read_pattern
from tallystick.core.disclosure.totals.schedule import StagePlan, TotalsSchedule, owner_test, place_of, schedule_tests, tests_of
from tallystick.core.disclosure.totals.steps import Board, Step
from tallystick.core.disclosure.totals.sums import AnyTest, OwnerTest, SumTest
from tallystick.core.errors import Broken


@dataclass(frozen=True)
class TotalsState:
    """How far the tests of a table are. Begin with `begin_totals`, then `strike` once, then `answer` once for each stage.

    Attributes:
        design: the table.
        arrangement: of its numbers.
        schedule: of its tests.
        marks: of the numbers that are decided.
        stage: how many stages are over; None before `strike`.
    """

    design: TableDesign
    arrangement: Arrangement
    schedule: TotalsSchedule
    marks: tuple[Mark | None, ...] = ()
    stage: int | None = None
    _steps: tuple[Step, ...] = ()
    _struck: Mapping[int, bool] = field(default_factory=dict)

    @property
    def strikes(self) -> tuple[OwnerTest, ...]:
        """What agencies answer before the first stage, each from a total that it knows by itself."""
        return tuple(owner_test(total, self.design, self.arrangement) for total in self.schedule.owned)

    def asks_owner(self, agency: str) -> tuple[int, ...]:
        """Give which of `strikes` an agency answers."""
        return tuple(at for at, one in enumerate(self.strikes) if agency in one.known_to)

    def strike(self, bits: Sequence[bool]) -> TotalsState:
        """Give the state of the first stage.

        Args:
            bits: the answers to `strikes`, in order; True: the total is too low.

        Raises:
            Broken: `internal`: another number of answers, or not the first call.
        """
        if self.stage is not None or len(bits) != len(self.schedule.owned):
            raise Broken("internal", f"{len(bits)} answers about {len(self.schedule.owned)} own totals")
        struck = dict.fromkeys(self.schedule.too_wide, True) | dict(zip(self.schedule.owned, map(bool, bits), strict=True))
        board = self._board([None] * len(self.arrangement.numbers), struck)
        steps = [*(step for root in self.arrangement.roots for step in board.enter_root(root)), *board.enter_units()]
        return replace(self, marks=tuple(board.marks), stage=0, _steps=tuple(steps), _struck=struck)

    @property
    def stages(self) -> tuple[StagePlan, ...]:
        """This stage and all that come after it: how much is tested at most, whatever the answers are."""
        return self.schedule.stages[self.stage or 0 :]

    @property
    def tests(self) -> tuple[SumTest | AnyTest, ...]:
        """The tests of this stage; none of them depends on another."""
        return tuple(test for step in self._due() for test in tests_of(step, self.design, self.arrangement))

    def answer(self, bits: Sequence[bool]) -> TotalsState:
        """Give the state of the next stage.

        Args:
            bits: the answers to `tests`, in order; True: small.

        Raises:
            Broken: `internal`: another number of answers than of tests, or there is no stage.
        """
        if self.stage is None or not self.stages or len(bits) != len(self.tests):
            raise Broken("internal", f"{len(bits)} answers to {len(self.tests)} tests of totals")
        board, at, due = self._board(list(self.marks), self._struck), 0, self._due()
        steps = [step for step in self._steps if place_of(step, self.arrangement) != self.stages[0].place]
        for step in due:
            count = len(tests_of(step, self.design, self.arrangement))
            steps += board.apply(step, bits[at : at + count])
            at += count
        return replace(self, marks=tuple(board.marks), stage=self.stage + 1, _steps=tuple(steps))

    @property
    def finished(self) -> bool:
        """Whether everything is decided."""
        return self.stage is not None and not self.stages

    @property
    def pattern(self) -> Pattern:
        """What opens.

        Raises:
            Broken: `internal`: not everything is decided.
        """
        if not self.finished:
            raise Broken("internal", "a pattern was asked for before all tests of totals were answered")
        return read_pattern(self.design, self.arrangement, [Mark.WITHHELD if mark is None else mark for mark in self.marks])

    def _due(self) -> tuple[Step, ...]:
        if self.stage is None or not self.stages:
            return ()
        return tuple(step for step in self._steps if place_of(step, self.arrangement) == self.stages[0].place)

    def _board(self, marks: list[Mark | None], struck: Mapping[int, bool]) -> Board:
        return Board(self.arrangement, marks, struck, self.design.unit_tests)


def begin_totals(design: TableDesign) -> TotalsState:
    """Give the state before anything of a table is asked.

    Security: with every answer, everything that opens, one agency's own totals and earlier tables known, each hidden small count can still
    be every small value that was possible before. What is not covered stands at the head of this file.
    """
    arrangement = arrange(design)
    return TotalsState(design, arrangement, schedule_tests(design, arrangement))
