"""A job's tables as the rule that drives the gate on shares (`crypto/statistic/gate.py`): stage by stage, table beside table, coarse to fine.

A job has layers of tables: the rows' counts first, then what is part of them, whose design depends on what opened before. All tables of a
layer are tested side by side. What agencies answer from totals of their own goes with the first tests of a layer. How many stages there
are, how many tests and of what size, follows from the layers as they are if everything opens: nothing that is hidden adds a test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TypeAlias

from tallystick.core.disclosure.totals.arrangement import arrange
from tallystick.core.disclosure.totals.design import TableDesign
from tallystick.core.disclosure.totals.pattern import Mark, Pattern
from tallystick.core.disclosure.totals.schedule import ALONE, StagePlan, schedule_tests
from tallystick.core.disclosure.totals.state import TotalsState, begin_totals
from tallystick.core.disclosure.totals.sums import AnyTest, OwnerTest, SumTest
from tallystick.core.errors import Broken
from tallystick.crypto.statistic.gate import Fate, Gate, GatedCount, SharedSum, SharedTest

Layer: TypeAlias = Callable[[Sequence[Pattern]], Sequence[TableDesign]]
"""Gives a layer's tables from the patterns of all tables before it, in order. If those hide more, its tables have no more to test."""


@dataclass(frozen=True)
class PlanCells:
    """What the plan's cells are.

    Attributes:
        count: how many cells the plan has.
        resting: for a cell that is a count, the cells that open only together with it: sums over the same people.
        free: cells that open whatever is found.
    """

    count: int
    resting: Mapping[int, tuple[int, ...]]
    free: frozenset[int] = frozenset()


@dataclass(frozen=True)
class GatedTables:
    """How far the tests of a job's tables are (a `StagedTests`). Begin with `gate_of`.

    Attributes:
        cells: of the plan.
        counts: by cell, how it is gated.
        layers: those that have not begun.
        states: of the layer that is tested.
        done: tables of the layers that are over, with what opens of them.
    """

    cells: PlanCells
    counts: Mapping[int, SumTest]
    layers: tuple[Layer, ...]
    states: tuple[TotalsState, ...] = ()
    done: tuple[tuple[TableDesign, Pattern], ...] = ()

    @property
    def finished(self) -> bool:
        """Whether everything is decided."""
        return not self.states and not self.layers

    @property
    def tests(self) -> tuple[SharedTest, ...]:
        """The tests of this stage, none of which depends on another; none when it is finished."""
        return tuple(self._share_test(test) for state in self.states for test in _tests_of(state))

    def answer(self, small: tuple[bool, ...]) -> GatedTables:
        """Give the rule after this stage: for each of `tests`, whether any of its numbers is small.

        Raises:
            Broken: `internal`: another number of answers than of tests.
        """
        if len(small) != len(self.tests):
            raise Broken("internal", f"{len(small)} answers to {len(self.tests)} tests of totals")
        at, states = 0, []
        for state in self.states:
            count = len(_tests_of(state))
            states.append(_answer(state, small[at : at + count]))
            at += count
        return replace(self, states=tuple(states)).go_on()

    def go_on(self) -> GatedTables:
        """Give the rule at the next layer, once all tables of this one are decided."""
        rule = self
        while all(state.finished for state in rule.states):
            done = (*rule.done, *((state.design, state.pattern) for state in rule.states))
            if not rule.layers:
                return replace(rule, states=(), done=done)
            designs = rule.layers[0]([pattern for _, pattern in done])
            states = tuple(_begin(design) for design in designs)
            rule = replace(rule, layers=rule.layers[1:], states=states, done=done)
        return rule

    @property
    def opened(self) -> tuple[Fate, ...]:
        """What becomes of each cell of the plan; a cell of no table, which rests on none, opens only if it is free.

        Raises:
            Broken: `internal`: not everything is decided.
        """
        if not self.finished:
            raise Broken("internal", "what opens was asked for before all tests of totals were answered")
        fates = [Fate.OPENED if cell in self.cells.free else Fate.HIDDEN for cell in range(self.cells.count)]
        for design, pattern in self.done:
            marks = [
                (one.terms[0][1], mark) for one, mark in zip(design.cells, pattern.cells, strict=True) if _is_cell(one.terms)
            ]
            marks += [
                (one.cell, mark)
                for one, mark in zip(design.totals, pattern.totals, strict=True)
                if one.cell is not None and mark is not None
            ]
            for cell, mark in marks:
                for each in (cell, *self.cells.resting.get(cell, ())):
                    fates[each] = _fate(mark)
        return tuple(fates)

    def _share_test(self, test: SumTest | AnyTest | OwnerTest) -> SharedTest:
        if isinstance(test, OwnerTest):
            return SharedTest((self._sum(test.test),), min(test.known_to))
        return SharedTest(tuple(self._sum(one) for one in (test.any_of if isinstance(test, AnyTest) else (test,))))

    def _sum(self, one: SumTest) -> SharedSum:
        terms = tuple((cell, coefficient) for coefficient, cell in one.coefficients)
        if _is_cell(one.coefficients) and self.counts.get(terms[0][0], one) != one:
            terms = (*terms, (terms[0][0], 0))  # another question than its own, so not answered by what gates it
        return SharedSum(terms, one.below, one.from_zero)


def gate_of(layers: Sequence[Layer], cells: PlanCells) -> Gate:
    """Give what is tested before a job's cells are opened.

    Args:
        layers: the job's tables, coarse to fine. A table of a later layer that is one unit must not ask for its one test.
        cells: of the plan.

    Raises:
        LocalFault: `gate-malformed`: there is nothing to test, or too much.
    """
    stages: list[StagePlan] = []
    patterns: list[Pattern] = []
    for layer in layers:
        designs = layer(patterns)
        plans = [_stages_of(design) for design in designs]
        stages += [_merge(some) for some in zip_longest(*plans)]
        patterns += [_all_open(design) for design in designs]
    plain = {one.coefficients[0][1]: one for stage in stages for one in stage.plain}
    counts = tuple(
        GatedCount(cell, one.below, one.from_zero, tuple(cells.resting.get(cell, ()))) for cell, one in sorted(plain.items())
    )
    rule = GatedTables(cells, plain, tuple(layers)).go_on()
    sums = tuple(sorted(size for stage in stages for size in stage.sums))
    return Gate(counts, rule, max(len(stages), 1), max((stage.tests for stage in stages[1:]), default=0), sums)


def _stages_of(design: TableDesign) -> list[StagePlan]:
    """Give a table's stages with what its owners answer, which goes with the first."""
    schedule = schedule_tests(design, arrange(design))
    stages = list(schedule.stages)
    if not schedule.owned:
        return stages
    owned = len(schedule.owned)
    if stages and stages[0].place == (0, ALONE):
        return [replace(stages[0], tests=stages[0].tests + owned), *stages[1:]]
    return [StagePlan((0, ALONE), owned, (), ()), *stages]


def _merge(stages: Sequence[StagePlan | None]) -> StagePlan:
    found = [stage for stage in stages if stage is not None]
    plain = tuple(one for stage in found for one in stage.plain)
    sums = tuple(size for stage in found for size in stage.sums)
    return StagePlan((0, ALONE), sum(stage.tests for stage in found), plain, sums)


def _all_open(design: TableDesign) -> Pattern:
    return Pattern((Mark.OPENED,) * len(design.cells), tuple(Mark.OPENED if one.asked else None for one in design.totals))


def _begin(design: TableDesign) -> TotalsState:
    state = begin_totals(design)
    return state if state.strikes else state.strike(())


def _alone(state: TotalsState) -> tuple[SumTest | AnyTest, ...]:
    """Give the tests that go with the owners' answers, and do not depend on them."""
    if not state.stages or state.stages[0].place != (0, ALONE):
        return ()
    return state.strike([False] * len(state.strikes)).tests


def _tests_of(state: TotalsState) -> tuple[SumTest | AnyTest | OwnerTest, ...]:
    return state.tests if state.stage is not None else (*state.strikes, *_alone(state))


def _answer(state: TotalsState, bits: Sequence[bool]) -> TotalsState:
    if state.finished:
        return state
    if state.stage is not None:
        return state.answer(bits)
    owned = len(state.strikes)
    first = state.strike(bits[:owned])
    return first.answer(bits[owned:]) if _alone(state) else first


def _is_cell(terms: Sequence[tuple[int, int]]) -> bool:
    return len(terms) == 1 and terms[0][0] == 1


def _fate(mark: Mark) -> Fate:
    if mark is Mark.OPENED:
        return Fate.OPENED
    return Fate.STRUCK if mark is Mark.STRUCK else Fate.HIDDEN
