"""What one agency does with its shares of counts and of masked powers: ask tests, hear their bits, and make what it seals.

Everything here is local arithmetic modulo the first prime. docs/protocol.md §8 has the messages; `crypto/powers.py` the equations.

Of a count that opens an agency seals its shares of z and t, the same z as was opened to the agencies as its test, and t that nobody has
seen. Of a cell that rests on it: its share plus its pad, and its shares of z times the sum of each limb of the pads. Of any other cell that
opens, its share. Of a cell that does not open it seals zeros, all under its shares of zero. So a cell stays closed as long as one agency keeps
to the pattern.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from tallystick.crypto.codec import digest
from tallystick.crypto.errors import LocalFault
from tallystick.crypto.modulus import modulus
from tallystick.crypto.powers import Int64s, P, polynomial_of
from tallystick.crypto.statistic.computation import Computation
from tallystick.crypto.statistic.gate import Fate, Gate, GatedCount, SharedSum, SharedTest, StagedTests
from tallystick.crypto.statistic.preparing import Preparation

Place = tuple[int, int]
"""Batch of powers, and place there."""
Factors = tuple[tuple[int, ...], ...]
"""By test, an agency's shares of numbers whose product is 0 if any of the test's numbers is small."""


@dataclass(frozen=True)
class Gating:
    """What an agency holds while tests go on.

    Attributes:
        computation: with a gate.
        people: padded rows of all lists.
        preparation: what it drew for the tests, and its shares of powers and triples.
        shares: its shares of all cells, each modulo the cell's modulus.
        knows: answers a test of a number that this agency knows by itself: whether it is small.
        rule: as far as it has got.
        stage: number of the stage.
        sums: how many powers for numbers that are no gated counts are used, by their places in the plan.
        opened: d of the counts whose test was asked, by cell.
        passed: the counts that are not small.
        triples: how many products of shares the stages before this one made.
        seen: a digest of all numbers that were opened so far.
    """

    computation: Computation
    people: int
    preparation: Preparation = field(repr=False)
    shares: tuple[int, ...] = field(repr=False)
    knows: Callable[[SharedTest], bool] = field(repr=False)
    rule: StagedTests = field(repr=False)
    stage: int = 0
    sums: frozenset[int] = frozenset()
    opened: Mapping[int, int] = field(repr=False, default_factory=dict)
    passed: frozenset[int] = field(repr=False, default=frozenset())
    triples: int = 0
    seen: bytes = field(repr=False, default=b"")

    @property
    def gate(self) -> Gate:
        """What is tested."""
        assert self.computation.gate is not None
        return self.computation.gate

    @property
    def finished(self) -> bool:
        """Whether all stages are over.

        Raises:
            LocalFault: `tests-malformed`: the rule needs more of them than it said.
        """
        if self.stage < self.gate.stages:
            return False
        if not self.rule.finished:
            raise LocalFault("tests-malformed", "a rule needs more stages than it said")
        return True

    @cached_property
    def tests(self) -> tuple[SharedTest, ...]:
        """The tests of this stage."""
        return () if self.rule.finished else self.rule.tests

    @cached_property
    def asked(self) -> tuple[SharedSum, ...]:
        """The numbers of this stage's tests on shares, test by test."""
        return tuple(one for test in self.tests if test.owner is None for one in test.any_of)

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Where the powers of each of `asked` lie.

        Raises:
            LocalFault: `tests-malformed`: the rule asks for what was not foreseen.
        """
        if not self._is_foreseen():
            raise LocalFault("tests-malformed", "a stage has more tests than it said, or more of several numbers")
        places: list[Place] = []
        plan, used = self.preparation.plan, set(self.sums)
        for one in self.asked:
            count = self._count(one)
            if count is not None:
                if count.sum != one or count.cell in self.opened:
                    raise LocalFault(
                        "tests-malformed", "a count is tested twice, or by other small values than it is gated with"
                    )
                places.append(plan.counts[count.cell])
                continue
            free = (at for at, (small, _, _) in enumerate(plan.sums) if at not in used and small >= len(one.small))
            at = next(free, None)
            if at is None or not self._fits(one):
                raise LocalFault("tests-malformed", "a rule has more tests than it said, or larger numbers")
            used.add(at)
            places.append(plan.sums[at][1:])
        if len(set(places)) != len(places):
            raise LocalFault("tests-malformed", "a stage has a test twice")
        return tuple(places)

    def _is_foreseen(self) -> bool:
        """Say whether a stage has no more tests than the gate says, and none of more numbers."""
        said = self.gate.begins
        if self.stage:
            said = self.gate.several[self.stage - 1] if self.stage <= len(self.gate.several) else ()
        several = sorted((len(test.any_of) for test in self.tests if len(test.any_of) != 1), reverse=True)
        small = len(several) <= len(said) and all(many <= most for many, most in zip(several, said, strict=False))
        return small and len(self.tests) <= (self.gate.tests if self.stage else len(said))

    def _count(self, one: SharedSum) -> GatedCount | None:
        """Give the gated count that a number is, if it is one."""
        if len(one.terms) != 1 or one.terms[0][1] != 1:
            return None
        cell = one.terms[0][0]
        count = self.gate.of_cell.get(cell)
        return count if count is not None and count.cell == cell else None

    def _fits(self, one: SharedSum) -> bool:
        """Say whether a number cannot be as large as the prime."""
        cells = self.computation.cells
        return sum(abs(factor) * cells[cell].bound for cell, factor in one.terms) * self.people < P

    def mask(self) -> Int64s:
        """Give this agency's shares of d for each of `asked`."""
        values = [
            sum(factor * self.shares[cell] for cell, factor in one.terms) + int(self.preparation.own[batch].masks[at])
            for one, (batch, at) in zip(self.asked, self.places, strict=True)
        ]
        return np.array([value % P for value in values], dtype=np.int64)

    def factors(self, opened: Int64s) -> Factors:
        """Give this agency's shares of z of the numbers of each test; of a test that an agency answers, its answer, and nothing at others.

        Args:
            opened: d of each of `asked`.
        """
        shares = np.zeros(len(self.asked), dtype=np.int64)
        for small in {one.small for one in self.asked}:
            alike = [at for at, one in enumerate(self.asked) if one.small == small]
            rows = self._rows([self.places[at] for at in alike], len(small) + 1)
            shares[alike] = polynomial_of(small, times_count=False).evaluate(opened[alike], rows)
        rest = iter(shares.tolist())
        return tuple(
            tuple(next(rest) for _ in test.any_of) if test.owner is None else (self._answer(test),) for test in self.tests
        )

    def _answer(self, test: SharedTest) -> int:
        """Give what stands for z in a test that one agency answers: 0 if its number is small."""
        return 0 if test.owner != self.preparation.me or self.knows(test) else 1

    def mask_factors(self, factors: Factors, used: int) -> Int64s:
        """Give this agency's shares of what is opened to multiply factors two by two: x - a of all pairs, then y - b.

        Args:
            factors: of each test.
            used: how many triples are.
        """
        pairs = np.array([pair for test in factors for pair in _pairs(test)], dtype=np.int64).reshape(-1, 2).T
        return ((pairs - self.preparation.triples[:2, used : used + pairs.shape[1]]) % P).reshape(-1)

    def multiply(self, factors: Factors, used: int, opened: Int64s) -> Factors:
        """Give this agency's shares of the products of factors, two by two.

        Args:
            factors: of each test.
            used: how many triples are.
            opened: x - a of all pairs, then y - b.
        """
        many = len(opened) // 2
        d, e = opened.reshape(2, -1)
        a, b, product = self.preparation.triples[:, used : used + many]
        total = (product + d * b % P + e * a % P) % P
        if self.preparation.me == self.computation.agencies[0]:
            total = (total + d * e) % P
        rest = iter(total.tolist())
        return tuple((*(next(rest) for _ in _pairs(test)), *(test[-1:] if len(test) % 2 else ())) for test in factors)

    def answer(self, opened: Int64s, tested: Int64s, used: int) -> Gating:
        """Give what is held once the tests of the stage are answered.

        Args:
            opened: d of each of `asked`.
            tested: the product of the factors of each test, the sum of all agencies' shares.
            used: how many triples are.
        """
        small = tuple(bool(value == 0) for value in tested)
        counts = [count for count in map(self._count, self.asked) if count is not None]
        asked = {
            count.cell: int(d) for one, d in zip(self.asked, opened, strict=True) if (count := self._count(one)) is not None
        }
        bits = {one: bit for test, bit in zip(self.tests, small, strict=True) for one in test.any_of if test.owner is None}
        passed = {count.cell for count in counts if not bits[count.sum]}
        sums = {at for at, (_, *place) in enumerate(self.preparation.plan.sums) if tuple(place) in self.places}
        return replace(
            self.look(tested),
            rule=self.rule if self.rule.finished else self.rule.answer(small),
            stage=self.stage + 1,
            sums=self.sums | sums,
            opened={**self.opened, **asked},
            passed=self.passed | passed,
            triples=used,
        )

    def look(self, opened: Int64s) -> Gating:
        """Give what is held once numbers were opened: the digest of all of them goes on."""
        return replace(self, seen=digest("gate opened", self.seen, opened.astype("<u4").tobytes()))

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

    def seal(self) -> list[list[int]]:
        """Give what this agency seals of each cell, without its shares of zero: as many numbers as `list_sealed_moduli` says.

        Raises:
            LocalFault: `tests-malformed`.
        """
        fates = self.fates()
        gated = self._seal_gated([count for count in self.gate.counts if fates[count.cell] == Fate.OPENED])
        made = []
        for cell, moduli in enumerate(list_sealed_moduli(self.computation, self.people)):
            if fates[cell] != Fate.OPENED:
                made.append([0] * len(moduli))
            elif cell in self.gate.of_cell:
                made.append(gated[cell])
            else:
                made.append([self.shares[cell]])
        return made

    def _seal_gated(self, counts: Sequence[GatedCount]) -> dict[int, list[int]]:
        """Give what is sealed of counts that open, and of what rests on them."""
        made: dict[int, list[int]] = {}
        moduli = list_sealed_moduli(self.computation, self.people)
        for small in {count.sum.small for count in counts}:
            alike = [count for count in counts if count.sum.small == small]
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


def _pairs(factors: Sequence[int]) -> list[tuple[int, int]]:
    return list(zip(factors[::2], factors[1::2], strict=False))


def list_sealed_moduli(computation: Computation, people: int) -> list[list[int]]:
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
