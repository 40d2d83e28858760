"""What one agency does with its shares of counts and of masked powers: ask tests, hear their bits, and make what it seals.

Everything here is local arithmetic modulo the first prime. docs/protocol.md §8 has the messages; `crypto/powers.py` the equations.

Of a count that opens an agency seals its shares of z and t, the same z as was opened to the agencies as its test, and t that nobody has
seen. Of a cell that rests on it: its share plus its pad, and its shares of z times the sum of each limb of the pads. Of any other cell that
opens, its share. Of a cell that does not open it seals zeros, all under its shares of zero. So a cell stays closed as long as one agency keeps
to the pattern.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

import numpy as np

from tallystick.crypto.codec import digest
from tallystick.crypto.errors import LocalFault
from tallystick.crypto.modulus import modulus
from tallystick.crypto.powers import Int64s, P, polynomial_of
from tallystick.crypto.statistic.computation import Computation
from tallystick.crypto.statistic.gate import Fate, Gate, GatedCount, SharedTest, StagedTests
from tallystick.crypto.statistic.preparing import Preparation

Place = tuple[int, int]
"""Batch of powers, and place there."""

NO_STRIKES: Final[tuple[bool, ...]] = ()


@dataclass(frozen=True)
class Gating:
    """What an agency holds while tests go on.

    Attributes:
        computation: with a gate.
        people: padded rows of all lists.
        preparation: what it drew for the powers, and its shares of them.
        shares: its shares of all cells, each modulo the cell's modulus.
        rule: as far as it has got.
        stage: number of the stage.
        opened: d of the counts whose test was asked, by cell.
        passed: the counts that are not small.
        seen: a digest of all numbers that were opened so far.
    """

    computation: Computation
    people: int
    preparation: Preparation = field(repr=False)
    shares: tuple[int, ...] = field(repr=False)
    rule: StagedTests = field(repr=False)
    stage: int = 0
    opened: Mapping[int, int] = field(repr=False, default_factory=dict)
    passed: frozenset[int] = field(repr=False, default=frozenset())
    seen: bytes = field(repr=False, default=b"")

    @property
    def gate(self) -> Gate:
        """What is tested."""
        assert self.computation.gate is not None
        return self.computation.gate

    @property
    def finished(self) -> bool:
        """Whether all stages are over."""
        return not self.rule.stages

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Where the powers of each of this stage's tests lie.

        Raises:
            LocalFault: `tests-malformed`: the rule asks for what was not foreseen.
        """
        bound, sums = self.rule.stages[0], 0
        places = []
        for test in self.rule.tests:
            count = self._count(test)
            if count is not None:
                if count.test != test or count.cell in self.opened:
                    raise LocalFault(
                        "tests-malformed", "a count is tested twice, or by other small values than it is gated with"
                    )
                places.append(self.preparation.plan.counts[count.cell])
            else:
                if sums == bound.sums or len(test.small) > bound.small or not self._fits(test):
                    raise LocalFault("tests-malformed", "a stage tests more than it said, or larger numbers")
                places.append((self.preparation.plan.stages[self.stage], sums))
                sums += 1
        if len(places) > bound.tests or len(set(places)) != len(places):
            raise LocalFault("tests-malformed", "a stage has more tests than it said, or one of them twice")
        return tuple(places)

    def _count(self, test: SharedTest) -> GatedCount | None:
        """Give the gated count that a test is of, if it is of one alone."""
        if len(test.coefficients) != 1 or test.coefficients[0][0] != 1:
            return None
        count = self.gate.of_cell.get(test.coefficients[0][1])
        return count if count is not None and count.cell == test.coefficients[0][1] else None

    def _fits(self, test: SharedTest) -> bool:
        """Say whether a number cannot be as large as the prime."""
        cells = self.computation.cells
        return sum(abs(factor) * cells[cell].bound for factor, cell in test.coefficients) * self.people < P

    def masked(self) -> Int64s:
        """Give this agency's shares of d for each test of the stage, int64[tests]."""
        places = self.places
        values = [
            sum(factor * self.shares[cell] for factor, cell in test.coefficients) + int(self.preparation.own[batch].masks[at])
            for test, (batch, at) in zip(self.rule.tests, places, strict=True)
        ]
        return np.array([value % P for value in values], dtype=np.int64)

    def tested(self, opened: Int64s) -> Int64s:
        """Give this agency's shares of z for each test of the stage.

        Args:
            opened: d of each, int64[tests].
        """
        tests = self.rule.tests
        shares = np.zeros(len(tests), dtype=np.int64)
        for small in {test.small for test in tests}:
            asked = [at for at, test in enumerate(tests) if test.small == small]
            rows = self._rows([self.places[at] for at in asked], len(small) + 1)
            shares[asked] = polynomial_of(small, times_count=False).evaluate(opened[asked], rows)
        return shares

    def answered(self, opened: Int64s, tested: Int64s) -> Gating:
        """Give what is held once the tests of the stage are answered.

        Args:
            opened: d of each test.
            tested: z of each test, the sum of all agencies' shares.
        """
        small = tuple(bool(value == 0) for value in tested)
        counts = [self._count(test) for test in self.rule.tests]
        asked = {count.cell: int(d) for count, d in zip(counts, opened, strict=True) if count is not None}
        passed = {count.cell for count, bit in zip(counts, small, strict=True) if count is not None and not bit}
        return replace(
            self,
            rule=self.rule.answer(small),
            stage=self.stage + 1,
            opened={**self.opened, **asked},
            passed=self.passed | passed,
            seen=digest("gate opened", self.seen, opened.astype("<u4").tobytes(), tested.astype("<u4").tobytes()),
        )

    def fates(self) -> tuple[Fate, ...]:
        """Give what becomes of each cell. Pre-condition: `finished`.

        Raises:
            LocalFault: `tests-malformed`: the rule opens a gated cell whose count was not tested, or is small.
        """
        fates = self.rule.opened
        if len(fates) != len(self.computation.cells):
            raise LocalFault("tests-malformed", "a rule says of other cells than there are what opens")
        for cell, count in self.gate.of_cell.items():
            if fates[cell] == Fate.OPENED and (count.cell not in self.passed or fates[count.cell] != Fate.OPENED):
                raise LocalFault("tests-malformed", "a rule opens a cell whose count does not open")
        return fates

    def sealed(self) -> list[list[int]]:
        """Give what this agency seals of each cell, without its shares of zero: as many numbers as `sealed_moduli` says.

        Raises:
            LocalFault: `tests-malformed`.
        """
        fates = self.fates()
        gated = self._gated([count for count in self.gate.counts if fates[count.cell] == Fate.OPENED])
        made = []
        for cell, moduli in enumerate(sealed_moduli(self.computation, self.people)):
            if fates[cell] != Fate.OPENED:
                made.append([0] * len(moduli))
            elif cell in self.gate.of_cell:
                made.append(gated[cell])
            else:
                made.append([self.shares[cell]])
        return made

    def _gated(self, counts: Sequence[GatedCount]) -> dict[int, list[int]]:
        """Give what is sealed of counts that open, and of what rests on them."""
        made: dict[int, list[int]] = {}
        moduli = sealed_moduli(self.computation, self.people)
        for small in {count.test.small for count in counts}:
            alike = [count for count in counts if count.test.small == small]
            opened = np.array([self.opened[count.cell] for count in alike], dtype=np.int64)
            places = [self.preparation.plan.counts[count.cell] for count in alike]
            rows = self._rows(places, len(small) + 2)
            z, t = (polynomial_of(small, times_count=times).evaluate(opened, rows) for times in (False, True))
            made |= {count.cell: [int(a), int(b)] for count, a, b in zip(alike, z, t, strict=True)}
            limbs = [
                (at, cell, self.preparation.powers[batch].padded[pad])
                for at, (count, (batch, _)) in enumerate(zip(alike, places, strict=True))
                for cell in count.resting
                for pad in self.preparation.plan.pads[cell][1]
            ]
            if not limbs:
                continue
            padded = np.array([row for _, _, row in limbs])
            products = polynomial_of(small, times_count=False).evaluate(opened[[at for at, _, _ in limbs]], padded)
            for (_, cell, _), product in zip(limbs, products, strict=True):
                made.setdefault(cell, [(self.shares[cell] + self.preparation.pads[cell]) % moduli[cell][0]]).append(
                    int(product)
                )
        return made

    def _rows(self, places: Iterable[Place], powers: int) -> Int64s:
        rows = [self.preparation.powers[batch].plain[at, :powers] for batch, at in places]
        return np.array(rows, dtype=np.int64).reshape(len(rows), -1)


def sealed_moduli(computation: Computation, people: int) -> list[list[int]]:
    """Give the moduli of the numbers that are sealed of each cell.

    Without a gate a cell is its share, under its own modulus. A gated count is z and t. What rests on one is its share and pad, and z
    times the sum of each limb of the pads.
    """
    primes = computation.cell_primes(people)
    of_cell = {} if computation.gate is None else computation.gate.of_cell
    pads = {} if computation.gate is None else computation.gate_plan(people).pads
    made = []
    for cell, many in enumerate(primes):
        if cell not in of_cell:
            made.append([modulus(many)])
        elif of_cell[cell].cell == cell:
            made.append([P, P])
        else:
            made.append([modulus(many), *[P] * len(pads[cell][1])])
    return made
