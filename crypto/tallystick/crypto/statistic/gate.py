"""What a job tests before anything is opened: which counts, what rests on them, and the rule that says what is tested next.

Nothing here knows why something is tested. The rule is a frozen state that the room above brings; every agency has the same one and gives it
the same public bits, so all of them know alike which test comes next and what opens in the end. How much there is to test at most in each
stage is known before: messages have that length whatever was found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Final, Protocol

from tallystick.crypto.codec import digest
from tallystick.crypto.errors import LocalFault
from tallystick.crypto.modulus import modulus
from tallystick.crypto.powers import Batch

LIMB_BITS: Final = 27
"""Of what a pad of a wider modulus is cut into: seven agencies' limbs together are below the first prime."""
MAX_TESTS: Final = 1 << 16
"""Of a stage."""
MAX_SMALL: Final = 1 << 10
"""Small values of a test."""


class Fate(IntEnum):
    """What becomes of a cell."""

    OPENED = 0
    HIDDEN = 1
    STRUCK = 2
    """Neither tested nor opened, because something that it is a part of is not."""


@dataclass(frozen=True)
class SharedTest:
    """One question that is answered on shares, with one bit: is this number small?

    Attributes:
        coefficients: (coefficient, cell) of the number's parts.
        below: the small numbers are below this,
        from_zero: and begin with 0, or else with 1.
    """

    coefficients: tuple[tuple[int, int], ...]
    below: int
    from_zero: bool = False

    @property
    def small(self) -> range:
        """The small numbers."""
        return range(0 if self.from_zero else 1, self.below)


@dataclass(frozen=True)
class StageBound:
    """How much a stage tests at most.

    Attributes:
        tests: how many tests.
        sums: how many of them are not of a single gated count.
        small: how many small numbers such a sum has.
    """

    tests: int
    sums: int = 0
    small: int = 0


class StagedTests(Protocol):
    """A rule, as far as it has got. Frozen; pure; the same at all agencies.

    It goes `strike`, then `answer` once for each stage, also where a stage has no test, then `opened`.
    """

    @property
    def strikes(self) -> int:
        """How many groups an agency may strike by what it knows for itself."""
        ...

    def strike(self, struck: tuple[bool, ...]) -> StagedTests:
        """Give the rule once the groups that any agency struck are known. Called once, before the first stage."""
        ...

    @property
    def stages(self) -> tuple[StageBound, ...]:
        """The bounds of this stage and all that come after it; none when it is finished. They do not depend on answers."""
        ...

    @property
    def tests(self) -> tuple[SharedTest, ...]:
        """The tests of this stage."""
        ...

    def answer(self, small: tuple[bool, ...]) -> StagedTests:
        """Give the rule after this stage: for each of `tests`, whether its number is small."""
        ...

    @property
    def opened(self) -> tuple[Fate, ...]:
        """What becomes of each cell. Pre-condition: it is finished."""
        ...


@dataclass(frozen=True)
class GatedCount:
    """A count that opens only if it is not small.

    Attributes:
        cell: its index.
        below, from_zero: as in `SharedTest`; its test has just these.
        resting: cells that open only together with it: sums over the same people.
    """

    cell: int
    below: int
    from_zero: bool = False
    resting: tuple[int, ...] = ()

    @property
    def test(self) -> SharedTest:
        """Its test."""
        return SharedTest(((1, self.cell),), self.below, self.from_zero)


@dataclass(frozen=True)
class Gate:
    """What is tested in a job. A cell that is no gated count, and rests on none, opens if the rule says so, and by no test of its own.

    Attributes:
        counts: each cell is in one of them at most.
        rule: at its beginning.

    Raises:
        LocalFault: `gate-malformed`.
    """

    counts: tuple[GatedCount, ...]
    rule: StagedTests = field(repr=False)

    def __post_init__(self) -> None:
        """Check that each cell is gated once, and that nothing is too large."""
        cells = [cell for count in self.counts for cell in (count.cell, *count.resting)]
        bounds = self.rule.stages
        good = len(set(cells)) == len(cells) and all(len(count.test.small) <= MAX_SMALL for count in self.counts)
        good &= all(0 <= bound.sums <= bound.tests <= MAX_TESTS and 0 <= bound.small <= MAX_SMALL for bound in bounds)
        good &= bool(self.counts) or any(bound.sums for bound in bounds)
        if not good or not bounds:
            raise LocalFault("gate-malformed", "a cell is gated twice, or there is nothing, or too much, to test")

    @cached_property
    def of_cell(self) -> Mapping[int, GatedCount]:
        """The count of each cell that is one, or that rests on one."""
        return {cell: count for count in self.counts for cell in (count.cell, *count.resting)}

    def digest(self) -> bytes:
        """Give 32 bytes that name what is tested, as far as it can be known beforehand."""
        numbers = [self.rule.strikes]
        for count in self.counts:
            numbers += [-1, count.cell, count.below, int(count.from_zero), *count.resting]
        for bound in self.rule.stages:
            numbers += [-2, bound.tests, bound.sums, bound.small]
        return digest("gate", ",".join(map(str, numbers)).encode())


@dataclass(frozen=True)
class GatePlan:
    """Where the powers of each count and test lie.

    Attributes:
        batches: of counts of one degree, then one for each stage that tests sums.
        counts: by cell of a count, its batch and its place there.
        pads: by cell that rests on a count, the batch of the count and which of the pads there are its limbs.
        stages: by stage that tests sums, their batch.
    """

    batches: tuple[Batch, ...]
    counts: Mapping[int, tuple[int, int]] = field(repr=False)
    pads: Mapping[int, tuple[int, range]] = field(repr=False)
    stages: Mapping[int, int] = field(repr=False)

    @property
    def slots(self) -> int:
        """Slots of the column that each agency brings."""
        return sum(batch.slots for batch in self.batches)


def plan_gate(gate: Gate, cell_primes: tuple[int, ...]) -> GatePlan:
    """Lay out the powers of a job's tests.

    Args:
        gate: what is tested.
        cell_primes: the number of primes of each cell's modulus.

    Raises:
        LocalFault: `gate-malformed`: a gated count has more than one prime.
    """
    if any(cell_primes[count.cell] != 1 for count in gate.counts):
        raise LocalFault("gate-malformed", "a gated count may be as large as the first prime")
    by_degree: dict[int, list[GatedCount]] = {}
    for count in gate.counts:
        by_degree.setdefault(len(count.test.small) + 1, []).append(count)
    batches: list[Batch] = []
    counts: dict[int, tuple[int, int]] = {}
    pads: dict[int, tuple[int, range]] = {}
    for degree in sorted(by_degree):
        owners: list[int] = []
        for place, count in enumerate(by_degree[degree]):
            counts[count.cell] = len(batches), place
            for cell in count.resting:
                limbs = limbs_of(cell_primes[cell])
                pads[cell] = len(batches), range(len(owners), len(owners) + limbs)
                owners += [place] * limbs
        batches.append(Batch(len(by_degree[degree]), degree, tuple(owners)))
    stages: dict[int, int] = {}
    for stage, bound in enumerate(gate.rule.stages):
        if bound.sums:
            stages[stage] = len(batches)
            batches.append(Batch(bound.sums, bound.small))
    return GatePlan(tuple(batches), counts, pads, stages)


def limbs_of(primes: int) -> int:
    """Give how many numbers below the first prime carry the sum of all agencies' pads of a modulus.

    Of one prime it is the pad itself: pads are added modulo that prime then.
    """
    return 1 if primes == 1 else -(-modulus(primes).bit_length() // LIMB_BITS)


def cut_pad(pad: int, primes: int) -> list[int]:
    """Cut one agency's pad into limbs."""
    if primes == 1:
        return [pad]
    return [pad >> (LIMB_BITS * limb) & ((1 << LIMB_BITS) - 1) for limb in range(limbs_of(primes))]


def join_pads(limbs: list[int], primes: int) -> int:
    """Give the sum of all agencies' pads from the sums of their limbs, modulo the cell's modulus."""
    return sum(limb << (LIMB_BITS * at) for at, limb in enumerate(limbs)) % modulus(primes)
