"""What a job tests before anything is opened: which counts, what rests on them, and the rule that says what is tested next.

Nothing here knows why something is tested. The rule is a frozen state that the room above brings; every agency has the same one and gives it
the same public bits, so all of them know alike which test comes next and what opens in the end. How much there is to test at most is known
before: there are as many messages, as long, whatever was found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
MAX_STAGES: Final = 1 << 6
MAX_SMALL: Final = 1 << 10
"""Small values of a test."""


class Fate(IntEnum):
    """What becomes of a cell."""

    OPENED = 0
    HIDDEN = 1
    STRUCK = 2
    """Neither tested nor opened, because something that it is a part of is not."""


@dataclass(frozen=True)
class SharedSum:
    """A number that is looked at, and the values that it may not be seen to have.

    Attributes:
        terms: (cell, coefficient) of its parts.
        below: the small values are below this,
        from_zero: and begin with 0, or else with 1.
    """

    terms: tuple[tuple[int, int], ...]
    below: int
    from_zero: bool = False

    @property
    def small(self) -> range:
        """The small values."""
        return range(0 if self.from_zero else 1, self.below)


@dataclass(frozen=True)
class SharedTest:
    """One question, answered by one bit: is any of these numbers small? Which of them is not answered.

    Attributes:
        any_of: the numbers.
        owner: the agency that knows the number by itself, and answers; None: the test is on shares.
    """

    any_of: tuple[SharedSum, ...]
    owner: str | None = None


class StagedTests(Protocol):
    """A rule, as far as it has got. Frozen; pure; the same at all agencies."""

    @property
    def finished(self) -> bool:
        """Whether everything is decided."""
        ...

    @property
    def tests(self) -> tuple[SharedTest, ...]:
        """The tests of this stage, none of which depends on another; none when it is finished."""
        ...

    def answer(self, small: tuple[bool, ...]) -> StagedTests:
        """Give the rule after this stage: for each of `tests`, whether any of its numbers is small."""
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
        below, from_zero: as in `SharedSum`; it is tested by just these.
        resting: cells that open only together with it: sums over the same people.
    """

    cell: int
    below: int
    from_zero: bool = False
    resting: tuple[int, ...] = ()

    @property
    def sum(self) -> SharedSum:
        """What is asked of it."""
        return SharedSum(((self.cell, 1),), self.below, self.from_zero)


@dataclass(frozen=True)
class Gate:
    """What is tested in a job. A cell that is no gated count, and rests on none, opens if the rule says so, and by no test of its own.

    Attributes:
        counts: each cell is in one of them at most.
        rule: at its beginning.
        stages: how many stages of tests it takes at most. That many take place, whatever is found.
        tests: how many tests there are at most in a stage after the first.
        sums: of each number that is tested and is not a gated count, in all stages together, how many small values it has at most.
        several: of each stage after the first, how many numbers each of its tests of several is of at most, the largest first.
        first: of how many numbers each test of the first stage is at most, the largest first; None: as the rule begins.

    Raises:
        LocalFault: `gate-malformed`.
    """

    counts: tuple[GatedCount, ...]
    rule: StagedTests = field(repr=False)
    stages: int
    tests: int = 0
    sums: tuple[int, ...] = ()
    several: tuple[tuple[int, ...], ...] = ()
    first: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        """Check that each cell is gated once, and that nothing is too large."""
        cells = [cell for count in self.counts for cell in (count.cell, *count.resting)]
        good = len(set(cells)) == len(cells) and all(len(count.sum.small) <= MAX_SMALL for count in self.counts)
        good &= (
            1 <= self.stages <= MAX_STAGES and 0 <= self.tests <= MAX_TESTS and all(0 <= one <= MAX_SMALL for one in self.sums)
        )
        good &= sum(self.begins) <= MAX_TESTS and len(self.sums) <= MAX_TESTS
        good &= all(len(test.any_of) == 1 or (test.any_of and test.owner is None) for test in self.rule.tests)
        good &= len(self.several) < self.stages and sum(map(sum, self.several)) <= MAX_TESTS
        good &= all(len(some) <= self.tests and list(some) == sorted(some, reverse=True) for some in self.several)
        good &= all(many > 1 for some in self.several for many in some)
        if not good or not (self.counts or self.sums):
            raise LocalFault("gate-malformed", "a cell is gated twice, or there is nothing, or too much, to test")

    @cached_property
    def of_cell(self) -> Mapping[int, GatedCount]:
        """The count of each cell that is one, or that rests on one."""
        return {cell: count for count in self.counts for cell in (count.cell, *count.resting)}

    @cached_property
    def begins(self) -> tuple[int, ...]:
        """Of how many numbers each test of the first stage is at most, the largest first."""
        if self.first is not None:
            return self.first
        return tuple(sorted((len(test.any_of) for test in self.rule.tests), reverse=True))

    @cached_property
    def products(self) -> tuple[tuple[int, ...], ...]:
        """How many products of shares each step of each stage makes at most, to multiply the numbers of one test together."""
        later = (*self.several, *((),) * (self.stages - 1 - len(self.several)))
        return tuple(_count_products(some) for some in (self.begins, *later))

    @cached_property
    def lengths(self) -> tuple[tuple[int, ...], ...]:
        """How many numbers each agency sends, by stage and step: masked numbers, factors of products, what the tests give."""
        numbers = [sum(self.begins), *(self.tests + sum(some) - len(some) for some in self.several)]
        numbers += [self.tests] * (self.stages - len(numbers))
        last = (len(self.begins), *(self.tests,) * (self.stages - 1))
        return tuple(
            (first, *(2 * many for many in products), end)
            for first, products, end in zip(numbers, self.products, last, strict=True)
        )

    @property
    def steps(self) -> tuple[int, ...]:
        """How many steps each stage has."""
        return tuple(map(len, self.lengths))

    def digest(self) -> bytes:
        """Give 32 bytes that name what is tested, as far as it can be known beforehand."""
        numbers = [self.stages, self.tests, *self.sums]
        for some in self.several:
            numbers += [-4, *some]
        numbers += [-3, *self.begins]
        for count in self.counts:
            numbers += [-1, count.cell, count.below, int(count.from_zero), *count.resting]
        return digest("gate", ",".join(map(str, numbers)).encode())


@dataclass(frozen=True)
class GatePlan:
    """Where what is prepared for each test lies.

    Attributes:
        batches: of masked powers of one degree.
        counts: by cell of a count, its batch and its place there.
        pads: by cell that rests on a count, the batch of the count and which of the pads there are its limbs.
        sums: for tests of other numbers, smallest first: how many small values, batch, and place there.
        triples: how many products of shares there are.
    """

    batches: tuple[Batch, ...]
    counts: Mapping[int, tuple[int, int]] = field(repr=False, default_factory=dict)
    pads: Mapping[int, tuple[int, range]] = field(repr=False, default_factory=dict)
    sums: tuple[tuple[int, int, int], ...] = field(repr=False, default=())
    triples: int = 0

    @property
    def slots(self) -> int:
        """Slots of the column that each agency brings."""
        return sum(batch.slots for batch in self.batches) + 2 * self.triples


def plan_gate(gate: Gate, cell_primes: tuple[int, ...]) -> GatePlan:
    """Lay out what is prepared for a job's tests.

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
        by_degree.setdefault(len(count.sum.small) + 1, []).append(count)
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
    sums: list[tuple[int, int, int]] = []
    for small in sorted(set(gate.sums)):
        many = gate.sums.count(small)
        sums += [(small, len(batches), place) for place in range(many)]
        batches.append(Batch(many, small))
    return GatePlan(tuple(batches), counts, pads, tuple(sums), sum(map(sum, gate.products)))


def _count_products(factors: Sequence[int]) -> tuple[int, ...]:
    """Give how many products each step makes that multiplies tests' numbers two by two, until each has one left."""
    left, made = list(factors), []
    while any(many > 1 for many in left):
        made.append(sum(many // 2 for many in left))
        left = [many - many // 2 for many in left]
    return tuple(made)


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
