"""An attacker with an integer programming solver (HiGHS): which values may a hidden count still have, given all that is public and own totals?

The rule is known, so each public answer is an inequality or a choice of two. What opens is an equation. `Transcript` collects both from the
engine's own states; `Attacker` asks the solver.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp

from tallystick.core.disclosure.totals.design import TableDesign
from tallystick.core.disclosure.totals.pattern import Pattern
from tallystick.core.disclosure.totals.state import begin_totals
from tallystick.core.disclosure.totals.sums import AnyTest, SumTest, Terms, add_terms


@dataclass
class Transcript:
    """What everybody sees of a table, or of several of the same people.

    Attributes:
        counts: of the plan's cells; the attacker does not get these.
        answers: tests and their answers.
        sums: sums that opened, and their values.
    """

    counts: Sequence[int]
    answers: list[tuple[SumTest | AnyTest, bool]] = field(default_factory=list)
    sums: list[tuple[Terms, int]] = field(default_factory=list)

    def run(self, design: TableDesign) -> Pattern:
        """Run the rule over a table, and note all that is seen."""
        state = begin_totals(design)
        owned = [(one.test, one.test.holds(self.counts)) for one in state.strikes]
        self.answers += owned
        state = state.strike([bit for _, bit in owned])
        while not state.finished:
            bits = [test.holds(self.counts) for test in state.tests]
            self.answers += zip(state.tests, bits, strict=True)
            state = state.answer(bits)
        pattern = state.pattern
        for cell in pattern.opened:
            self.tell(design.cells[cell].terms)
        for total in pattern.opened_totals:
            self.tell(add_terms(design.cells[cell].terms for cell in design.totals[total].cells))
        return pattern

    def tell(self, terms: Terms) -> None:
        """Note a sum that opened."""
        self.sums.append((terms, sum(coefficient * self.counts[cell] for coefficient, cell in terms)))


class Attacker:
    """All tables that fit what somebody sees and knows."""

    def __init__(self, cells: int, most: int) -> None:
        self.cells, self.most, self.integers = cells, most, cells
        self.rows: list[tuple[dict[int, int], float, float]] = []

    @classmethod
    def who_sees(cls, transcript: Transcript, known: Iterable[Terms], *, room: int) -> Attacker:
        """Give who sees a transcript and knows some sums.

        Args:
            transcript: what is seen.
            known: sums whose values are known without it.
            room: how far counts above the true ones are looked at.
        """
        found = cls.who_knows(transcript.counts, known, room=room)
        for test, bit in transcript.answers:
            found._take(test, bit)
        for terms, value in transcript.sums:
            found._row(_by_cell(terms), value, value)
        return found

    @classmethod
    def who_knows(cls, counts: Sequence[int], known: Iterable[Terms], *, room: int) -> Attacker:
        """Give who knows some sums of true counts, and has seen nothing yet."""
        found = cls(len(counts), sum(counts) + room)
        for terms in known:
            value = sum(coefficient * counts[cell] for coefficient, cell in terms)
            found._row(_by_cell(terms), value, value)
        return found

    def example(self, terms: Terms, value: int) -> NDArray[np.int64] | None:
        """Give counts with which a sum has a value, and everything else is as it is seen; None if there are none."""
        rows = [*self.rows, (_by_cell(terms), value, value)]
        matrix = np.zeros((len(rows), self.integers))
        for at, (coefficients, _, _) in enumerate(rows):
            for column, coefficient in coefficients.items():
                matrix[at, column] = coefficient
        limits = LinearConstraint(matrix, [low for _, low, _ in rows], [high for _, _, high in rows])
        upper = np.array([self.most] * self.cells + [1] * (self.integers - self.cells))
        whole = np.ones(self.integers)
        found = milp(0 * whole, integrality=whole, bounds=Bounds(0 * whole, upper), constraints=limits)
        assert found.status in {0, 2}, found.message
        return None if found.status == 2 else np.rint(found.x[: self.cells]).astype(np.int64)

    def _row(self, coefficients: dict[int, int], low: float, high: float) -> None:
        self.rows.append((coefficients, low, high))

    def _choice(self) -> int:
        self.integers += 1
        return self.integers - 1

    def _take(self, test: SumTest | AnyTest, bit: bool) -> None:
        sums = test.any_of if isinstance(test, AnyTest) else (test,)
        if not bit:
            for one in sums:
                self._not_small(one)
        elif len(sums) == 1:
            self._row(_by_cell(sums[0].coefficients), sums[0].small.start, sums[0].small.stop - 1)
        else:
            chosen = [self._choice() for _ in sums]
            self._row(dict.fromkeys(chosen, 1), 1, np.inf)
            far = self.most * self.cells
            for one, choice in zip(sums, chosen, strict=True):
                self._row(_by_cell(one.coefficients) | {choice: -one.small.start}, 0, np.inf)
                self._row(_by_cell(one.coefficients) | {choice: far}, -np.inf, one.small.stop - 1 + far)

    def _not_small(self, one: SumTest) -> None:
        if one.from_zero:
            self._row(_by_cell(one.coefficients), one.below, np.inf)
        else:
            choice = self._choice()
            self._row(_by_cell(one.coefficients) | {choice: -one.below}, 0, np.inf)
            self._row(_by_cell(one.coefficients) | {choice: -self.most * self.cells}, -np.inf, 0)


def _by_cell(terms: Terms) -> dict[int, int]:
    return {cell: coefficient for coefficient, cell in terms}


def lost_values(
    design: TableDesign, pattern: Pattern, seen: Attacker, before: Attacker, counts: Sequence[int]
) -> list[tuple[int, int]]:
    """Give (cell, value) for each small value that a hidden small cell can no longer have, and could have before.

    Args:
        design: the table.
        pattern: what opened of it.
        seen: who saw it.
        before: the same attacker, who has not seen it.
        counts: the true ones, of the plan's cells.
    """
    wanted: dict[tuple[int, int], Terms] = {}
    for at, cell in enumerate(design.cells):
        small = SumTest(cell.terms, design.min_cell, design.zeros_disclosive or cell.from_zero)
        if at not in pattern.opened and small.holds(counts):
            wanted |= {(at, value): cell.terms for value in small.small}
    lost = []
    while wanted:
        (at, value), terms = next(iter(wanted.items()))
        example = seen.example(terms, value)
        if example is None:
            del wanted[at, value]
            lost += [(at, value)] if before.example(terms, value) is not None else []
        else:  # it may show other values of other cells, too
            wanted = {
                key: one
                for key, one in wanted.items()
                if sum(coefficient * example[cell] for coefficient, cell in one) != key[1]
            }
    return lost
