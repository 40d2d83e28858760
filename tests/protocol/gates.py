"""Jobs with a gate for the bus: agencies that share people by level, a rule that hides small levels, and what must come out."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, pairwise
from typing import Final

import numpy as np

from tallystick.crypto.randomness import SystemRandomness
from tallystick.crypto.statistic.computation import CellTerms, Computation
from tallystick.crypto.statistic.gate import Fate, Gate, GatedCount, GatePlan, SharedTest, StageBound
from tallystick.crypto.statistic.preparing import Preparation, prepare
from tallystick.crypto.statistic.term_plan import Term
from tallystick.crypto.workers import SerialWorkers
from tests.protocol.bus import Bus
from tests.protocol.cases import Side, desk_setup, setups

NAMES: Final = ("courts", "housing", "labor", "schools", "wages")
K: Final = 11
MOST: Final = 100_000_000
"""Of a value, so that sums need two primes."""


@dataclass(frozen=True)
class HideSmall:
    """The simplest rule: a count is a group by itself, and it and what rests on it are hidden if it is small."""

    cells: int
    counts: tuple[GatedCount, ...]
    small: tuple[bool, ...] | None = None
    strikes: int = 0

    def strike(self, struck: tuple[bool, ...]) -> HideSmall:
        """Nothing can be struck."""
        assert struck == ()
        return self

    @property
    def stages(self) -> tuple[StageBound, ...]:
        """One."""
        return (StageBound(len(self.counts)),) if self.small is None else ()

    @property
    def tests(self) -> tuple[SharedTest, ...]:
        """All counts."""
        return tuple(count.test for count in self.counts)

    def answer(self, small: tuple[bool, ...]) -> HideSmall:
        """Keep what was found."""
        return replace(self, small=small)

    @property
    def opened(self) -> tuple[Fate, ...]:
        """Everything but what is small."""
        assert self.small is not None
        fates = [Fate.OPENED] * self.cells
        for count, small in zip(self.counts, self.small, strict=True):
            for cell in (count.cell, *count.resting):
                fates[cell] = Fate.HIDDEN if small else Fate.OPENED
        return tuple(fates)


@dataclass(frozen=True)
class Complement:
    """A rule of two stages: small counts of a group are hidden with a first other one, and the group with them where these are few together.

    Attributes:
        groups: counts, by the cells that they are; an agency may strike any.
        small: what the first stage found, by cell.
        few: what the second found, by group that it asked of.
        struck: by group.
    """

    cells: int
    counts: tuple[GatedCount, ...]
    groups: tuple[tuple[int, ...], ...]
    struck: tuple[bool, ...] | None = None
    small: Mapping[int, bool] | None = None
    few: Mapping[int, bool] | None = None
    asked: list[tuple[SharedTest, ...]] = field(default_factory=list, compare=False)

    @property
    def strikes(self) -> int:
        """Every group may be struck."""
        return len(self.groups)

    def strike(self, struck: tuple[bool, ...]) -> Complement:
        """Keep what was struck."""
        return replace(self, struck=struck)

    @property
    def stages(self) -> tuple[StageBound, ...]:
        """Counts, then one sum a group."""
        bounds = (StageBound(len(self.counts)), StageBound(len(self.groups), len(self.groups), 2 * K))
        return bounds[(self.small is not None) + (self.few is not None) :]

    @property
    def tests(self) -> tuple[SharedTest, ...]:
        """The tests of this stage."""
        if self.small is None:
            tests = {count.cell: count.test for count in self.counts}
            return tuple(tests[cell] for group in self._left() for cell in self.groups[group])
        return tuple(
            SharedTest(tuple((1, cell) for cell in sorted(self._hidden(group))), 2 * K, from_zero=True)
            for group in self._doubtful()
        )

    def answer(self, small: tuple[bool, ...]) -> Complement:
        """Keep what was found."""
        self.asked.append(self.tests)
        if self.small is None:
            return replace(self, small={test.coefficients[0][1]: bit for test, bit in zip(self.tests, small, strict=True)})
        return replace(self, few=dict(zip(self._doubtful(), small, strict=True)))

    @property
    def opened(self) -> tuple[Fate, ...]:
        """What is neither struck nor hidden."""
        assert self.struck is not None
        assert self.few is not None
        fates = {}
        for group, cells in enumerate(self.groups):
            hidden = self._hidden(group) if group in self._left() else set()
            for cell in cells:
                fates[cell] = (
                    Fate.STRUCK if self.struck[group] else Fate.HIDDEN if cell in hidden or self.few.get(group) else Fate.OPENED
                )
        resting = {cell: count.cell for count in self.counts for cell in count.resting}
        return tuple(fates.get(resting.get(cell, cell), Fate.OPENED) for cell in range(self.cells))

    def _left(self) -> list[int]:
        assert self.struck is not None
        return [group for group, struck in enumerate(self.struck) if not struck]

    def _doubtful(self) -> list[int]:
        assert self.small is not None
        return [group for group in self._left() if any(self.small[cell] for cell in self.groups[group])]

    def _hidden(self, group: int) -> set[int]:
        assert self.small is not None
        small = {cell for cell in self.groups[group] if self.small[cell]}
        others = [cell for cell in self.groups[group] if cell not in small]
        return small | set(others[:1]) if small else set()


@dataclass(frozen=True)
class Levels:
    """People whom all agencies have, each in one level; the second agency knows a value of each.

    Attributes:
        sizes: people of each level.
        agencies: how many.
    """

    sizes: tuple[int, ...]
    agencies: int = 2

    @property
    def names(self) -> tuple[str, ...]:
        """The agencies."""
        return NAMES[: self.agencies]

    @property
    def people(self) -> int:
        """How many people."""
        return sum(self.sizes)

    @property
    def values(self) -> list[int]:
        """The value of each person."""
        return [int(value) for value in np.random.default_rng(self.people).integers(-MOST, MOST, self.people)]

    def sides(self) -> dict[str, Side]:
        """The first brings a column a level, the second ones and values, all others ones."""
        level = np.repeat(np.arange(len(self.sizes)), self.sizes)
        tokens = {"strict": [f"person {at}" for at in range(self.people)]}
        ones = np.ones(self.people, dtype=np.int64)
        columns = [
            np.stack([(level == at).astype(np.int64) for at in range(len(self.sizes))]),
            np.stack([ones, np.array(self.values)]),
        ]
        columns += [ones[None]] * (self.agencies - 2)
        return {name: Side(tokens, column) for name, column in zip(self.names, columns, strict=True)}

    def counts(self, *, from_zero: bool = False) -> tuple[GatedCount, ...]:
        """A count a level, with the sum of values resting on it."""
        levels = range(len(self.sizes))
        return tuple(GatedCount(at, K, from_zero, (len(self.sizes) + at,)) for at in levels)

    def computation(self, gate: Gate | None) -> Computation:
        """Counts of all levels, then sums of all levels."""
        others: Term = tuple((place, 0) for place in range(2, self.agencies))
        terms: list[Term] = [((0, at), (1, column), *others) for column in (0, 1) for at in range(len(self.sizes))]
        cells = [CellTerms(((1, term),), 1 if term < len(self.sizes) else MOST) for term in range(len(terms))]
        columns = (len(self.sizes), 2, *[1] * (self.agencies - 2))
        return Computation(self.names, columns, tuple(terms), tuple(cells), gate)

    def clear(self) -> tuple[int, ...]:
        """What the cells are."""
        ends = np.cumsum([0, *self.sizes])
        sums = [sum(self.values[start:stop]) for start, stop in pairwise(ends)]
        return (*self.sizes, *sums)


def bus_of(
    levels: Levels,
    gate: Gate | None,
    *,
    desk: str = NAMES[0],
    decoys: int = 0,
    struck: Mapping[str, Sequence[bool]] | None = None,
) -> Bus:
    """Give a job over these people."""
    sides, computation = levels.sides(), levels.computation(gate)
    made = setups(sides, computation, desk=desk, decoys=decoys)
    if gate is not None:
        nothing = (False,) * gate.rule.strikes
        made = {name: replace(one, strikes=tuple((struck or {}).get(name, nothing))) for name, one in made.items()}
    return Bus(made, desk_setup(sides, computation, desk=desk))


def hide_small(levels: Levels, *, from_zero: bool = False) -> Gate:
    """Give a gate that hides small counts and what rests on them."""
    counts = levels.counts(from_zero=from_zero)
    return Gate(counts, HideSmall(2 * len(levels.sizes), counts))


def make_powers(agencies: int, plan: GatePlan, cell_primes: tuple[int, ...]) -> list[Preparation]:
    """Let agencies make the powers of a plan among themselves, without a job around it."""
    names, randomness, workers = NAMES[:agencies], SystemRandomness(), SerialWorkers()
    keys = {pair: randomness.take(32) for pair in combinations(names, 2)}
    held, mail = {}, deque[tuple[str, str, str, list[bytes]]]()
    for me in names:
        mine = {name: keys[min(me, name), max(me, name)] for name in names if name != me}
        held[me], sent = prepare(names, me, plan, cell_primes, mine, randomness).encrypt(randomness, workers)
        mail.extend(("columns", held[me].exchange(number).multiplier, number, list(chunks)) for number, chunks in sent)
    while mail:
        kind, to, number, chunks = mail.popleft()
        if number not in held[to].due:
            mail.append((kind, to, number, chunks))
        elif kind == "columns":
            held[to], answer = held[to].multiply(number, chunks, randomness, workers)
            mail.append(("products", held[to].exchange(number).encryptor, number, list(answer)))
        else:
            held[to] = held[to].open(number, chunks, workers)
    assert all(one.over and not one.keys for one in held.values())
    return list(held.values())
