"""A job's tables as the rule that drives the gate on shares (`crypto/statistic/gate.py`): stage by stage, table beside table, coarse to fine.

A job has layers of tables: the rows' counts first, then what is part of them, whose design depends on what opened before. All tables of a
layer are tested side by side. What agencies answer from totals of their own goes with the first tests of a layer. How many stages a layer
has, how many tests and of what size, follows from the layers as they are if everything opens: nothing that is hidden adds a test, and a
layer that is decided early waits for its last stage, so that a test of several numbers comes in the stage that has steps for it.
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
        beside: cells of the linkage report: not tested, they are struck.
    """

    count: int
    resting: Mapping[int, tuple[int, ...]]
    free: frozenset[int] = frozenset()
    beside: frozenset[int] = frozenset()


@dataclass(frozen=True)
class GatedTables:
    """How far the tests of a job's tables are (a `StagedTests`). Begin with `gate_of`.

    Attributes:
        cells: of the plan.
        counts: by cell, how it is gated.
        layers: those that have not begun.
        stages: how many stages each of these has.
        left: how many stages are left of the layer that is tested.
        states: of its tables.
        done: tables of the layers that are over, with what opens of them.
    """

    cells: PlanCells
    counts: Mapping[int, SumTest]
    layers: tuple[Layer, ...]
    stages: tuple[int, ...] = ()
    left: int = 0
    states: tuple[TotalsState, ...] = ()
    done: tuple[tuple[TableDesign, Pattern], ...] = ()

    @property
    def finished(self) -> bool:
        """Whether everything is decided."""
        return not self.states and not self.layers and not self.left

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
        return replace(self, states=tuple(states), left=max(0, self.left - 1)).go_on()

    def go_on(self) -> GatedTables:
        """Give the rule at the next layer, once all tables of this one are decided and its stages are over."""
        rule = self
        while not rule.left and all(state.finished for state in rule.states):
            done = (*rule.done, *((state.design, state.pattern) for state in rule.states))
            if not rule.layers:
                return replace(rule, states=(), done=done)
            designs = rule.layers[0]([pattern for _, pattern in done])
            states = tuple(_begin(design) for design in designs)
            left = rule.stages[0] if rule.stages else 0
            rule = replace(rule, layers=rule.layers[1:], stages=rule.stages[1:], left=left, states=states, done=done)
        return rule

    @property
    def opened(self) -> tuple[Fate, ...]:
        """What becomes of each cell of the plan; a cell of no table, which rests on none and opens with none, opens only if it is free.

        Raises:
            Broken: `internal`: not everything is decided.
        """
        if not self.finished:
            raise Broken("internal", "what opens was asked for before all tests of totals were answered")
        fates = [Fate.STRUCK if cell in self.cells.beside else Fate.HIDDEN for cell in range(self.cells.count)]
        for cell in self.cells.free:
            fates[cell] = Fate.OPENED
        for design, pattern in self.done:
            for cell, mark in mark_cells(design, pattern).items():
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


def mark_cells(design: TableDesign, pattern: Pattern) -> dict[int, Mark]:
    """Give what becomes of the plan's cells that a table is of, and of those that open with its numbers."""
    marks: dict[int, Mark] = {}
    for cell, mark in zip(design.cells, pattern.cells, strict=True):
        own = (cell.terms[0][1],) if _is_cell(cell.terms) else ()
        marks |= dict.fromkeys((*own, *cell.opens), mark)
    for total, found in zip(design.totals, pattern.totals, strict=True):
        if found is not None:
            marks |= dict.fromkeys((*(() if total.cell is None else (total.cell,)), *total.opens), found)
    return marks


def gate_of(layers: Sequence[Layer], cells: PlanCells, restricted: Sequence[Layer] | None = None) -> Gate:
    """Give what is tested before a job's cells are opened.

    Args:
        layers: the job's tables, coarse to fine.
        cells: of the plan.
        restricted: the same tables as earlier ones leave them: fewer tests, each number of the first table by itself. What is foreseen does
            not depend on them.

    Raises:
        LocalFault: `gate-malformed`: there is nothing to test, or too much.
    """
    stages: list[StagePlan] = []
    of_layer: list[int] = []
    rows = 0
    patterns: list[Pattern] = []
    for layer in layers:
        designs = layer(patterns)
        rows = rows or sum(len(design.cells) for design in designs)
        found = [_merge(some) for some in zip_longest(*(_stages_of(design) for design in designs))]
        stages += found
        of_layer.append(len(found))
        patterns += [_all_open(design) for design in designs]
    plain = {one.coefficients[0][1]: one for stage in stages for one in stage.plain}
    counts = tuple(
        GatedCount(cell, one.below, one.from_zero, tuple(cells.resting.get(cell, ()))) for cell, one in sorted(plain.items())
    )
    rule = GatedTables(cells, plain, tuple(layers), tuple(of_layer)).go_on()
    first = sorted((len(test.any_of) for test in rule.tests), reverse=True)
    sums = tuple(sorted(size for stage in stages for size in stage.sums))
    several = tuple(tuple(sorted(stage.several, reverse=True)) for stage in stages[1:])
    most = max((stage.tests for stage in stages[1:]), default=0)
    if restricted is not None:
        rule = GatedTables(cells, plain, *_wait_for_members(restricted, of_layer)).go_on()
    if (
        of_layer[0] > 1
    ):  # where earlier tables leave some, each number of the first table is tested by itself, in one of its stages
        most = max(most, rows)
    else:
        first += [1] * (rows - len(first))
    return Gate(counts, rule, max(len(stages), 1), most, sums, several, tuple(first))


def _wait_for_members(layers: Sequence[Layer], stages: Sequence[int]) -> tuple[tuple[Layer, ...], tuple[int, ...]]:
    """Give layers whose first is tested in the second of its stages, where it has more: members of groups are tested no earlier."""
    if stages[0] < 2:
        return tuple(layers), tuple(stages)
    return (_test_nothing, *layers), (1, stages[0] - 1, *stages[1:])


def _test_nothing(_: Sequence[Pattern]) -> Sequence[TableDesign]:
    return ()


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
    several = tuple(many for stage in found for many in stage.several)
    return StagePlan((0, ALONE), sum(stage.tests for stage in found), plain, sums, several)


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
    return Fate.STRUCK if mark in {Mark.STRUCK, Mark.WITHHELD} else Fate.HIDDEN
