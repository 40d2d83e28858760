"""Jobs with a gate for the bus: agencies that share people by level, a rule that hides small levels, and what must come out."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, pairwise
from typing import Final

import numpy as np

from tallystick.crypto.randomness import SystemRandomness
from tallystick.crypto.statistic.computation import CellTerms, Computation
from tallystick.crypto.statistic.gate import Fate, Gate, GatedCount, GatePlan, SharedSum, SharedTest
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

    @property
    def finished(self) -> bool:
        """After one stage."""
        return self.small is not None

    @property
    def tests(self) -> tuple[SharedTest, ...]:
        """One a count."""
        return () if self.finished else tuple(SharedTest((count.sum,)) for count in self.counts)

    def answer(self, small: tuple[bool, ...]) -> HideSmall:
        """Keep what was found."""
        return replace(self, small=small)

    @property
    def opened(self) -> tuple[Fate, ...]:
        """Everything but what is small."""
        assert self.small is not None
        return fates_of(
            self.cells, self.counts, {count.cell for count, small in zip(self.counts, self.small, strict=True) if small}
        )


@dataclass(frozen=True)
class AllOrNothing:
    """A rule of one test: is any count of the table small? Then nothing of it opens. A count outside it is tested by itself."""

    cells: int
    counts: tuple[GatedCount, ...]
    outside: GatedCount
    small: tuple[bool, ...] | None = None

    @property
    def finished(self) -> bool:
        """After one stage."""
        return self.small is not None

    @property
    def tests(self) -> tuple[SharedTest, ...]:
        """Two."""
        if self.finished:
            return ()
        return SharedTest((self.outside.sum,)), SharedTest(tuple(count.sum for count in self.counts))

    def answer(self, small: tuple[bool, ...]) -> AllOrNothing:
        """Keep what was found."""
        return replace(self, small=small)

    @property
    def opened(self) -> tuple[Fate, ...]:
        """All of the table or nothing."""
        assert self.small is not None
        hidden = {count.cell for count in self.counts} if self.small[1] else set()
        return fates_of(self.cells, (*self.counts, self.outside), hidden | ({self.outside.cell} if self.small[0] else set()))


@dataclass(frozen=True)
class LaterUnits:
    """A rule of two stages: a count by itself, then of two tables each whether any count of it is small.

    Attributes:
        outside: the count by itself.
        tables: of the others.
        small: what was found, by stage.
    """

    cells: int
    outside: GatedCount
    tables: tuple[tuple[GatedCount, ...], ...]
    small: tuple[tuple[bool, ...], ...] = ()

    @property
    def finished(self) -> bool:
        """After two stages."""
        return len(self.small) == 2

    @property
    def tests(self) -> tuple[SharedTest, ...]:
        """The tests of this stage."""
        if self.finished:
            return ()
        of_tables = tuple(SharedTest(tuple(count.sum for count in table)) for table in self.tables)
        return of_tables if self.small else (SharedTest((self.outside.sum,)),)

    def answer(self, small: tuple[bool, ...]) -> LaterUnits:
        """Keep what was found."""
        return replace(self, small=(*self.small, small))

    @property
    def opened(self) -> tuple[Fate, ...]:
        """All of a table or nothing."""
        hidden = {count.cell for table, few in zip(self.tables, self.small[1], strict=True) if few for count in table}
        hidden |= {self.outside.cell} if self.small[0][0] else set()
        return fates_of(self.cells, (self.outside, *(count for table in self.tables for count in table)), hidden)


@dataclass(frozen=True)
class Complement:
    """A rule of three stages, for groups of counts.

    An agency that knows a group's total says whether it is too low; then the group is struck. Small counts are hidden with a first other
    one, and the whole group where these are few together.

    Attributes:
        groups: counts, by the cells that they are.
        knower: who knows their totals.
        struck: what it said, by group.
        small: what the second stage found, by cell.
        few: what the third found, by group that it asked of.
        asked: the tests of each stage, for who looks at it afterwards.
    """

    cells: int
    counts: tuple[GatedCount, ...]
    groups: tuple[tuple[int, ...], ...]
    knower: str = NAMES[1]
    struck: tuple[bool, ...] | None = None
    small: Mapping[int, bool] | None = None
    few: Mapping[int, bool] | None = None
    asked: list[tuple[SharedTest, ...]] = field(default_factory=list, compare=False)

    @property
    def finished(self) -> bool:
        """After three stages."""
        return self.few is not None

    @property
    def tests(self) -> tuple[SharedTest, ...]:
        """The tests of this stage."""
        if self.struck is None:
            return tuple(SharedTest((_sum(group, K * len(group)),), self.knower) for group in self.groups)
        if self.small is None:
            sums = {count.cell: count.sum for count in self.counts}
            return tuple(SharedTest((sums[cell],)) for group in self._left() for cell in self.groups[group])
        return (
            tuple(SharedTest((_sum(sorted(self._hidden(group)), 2 * K),)) for group in self._doubtful())
            if self.few is None
            else ()
        )

    def answer(self, small: tuple[bool, ...]) -> Complement:
        """Keep what was found."""
        self.asked.append(self.tests)
        if self.struck is None:
            return replace(self, struck=small)
        if self.small is None:
            cells = [test.any_of[0].terms[0][0] for test in self.tests]
            return replace(self, small=dict(zip(cells, small, strict=True)))
        return replace(self, few=dict(zip(self._doubtful(), small, strict=True)))

    @property
    def opened(self) -> tuple[Fate, ...]:
        """What is neither struck nor hidden."""
        assert self.struck is not None
        assert self.few is not None
        hidden: set[int] = set()
        for group in self._left():
            hidden |= set(self.groups[group]) if self.few.get(group) else self._hidden(group)
        struck = {cell for group, bit in enumerate(self.struck) if bit for cell in self.groups[group]}
        return fates_of(self.cells, self.counts, hidden, struck)

    def _left(self) -> list[int]:
        assert self.struck is not None
        return [group for group, struck in enumerate(self.struck) if not struck]

    def _doubtful(self) -> list[int]:
        return [group for group in self._left() if self._hidden(group)]

    def _hidden(self, group: int) -> set[int]:
        assert self.small is not None
        small = {cell for cell in self.groups[group] if self.small[cell]}
        others = [cell for cell in self.groups[group] if cell not in small]
        return small | set(others[:1]) if small else set()


def fates_of(
    cells: int, counts: Sequence[GatedCount], hidden: Collection[int], struck: Collection[int] = ()
) -> tuple[Fate, ...]:
    """Give what becomes of cells, where counts are hidden or struck; what rests on one goes with it."""
    fates = [Fate.OPENED] * cells
    for count in counts:
        fate = Fate.STRUCK if count.cell in struck else Fate.HIDDEN if count.cell in hidden else Fate.OPENED
        for cell in (count.cell, *count.resting):
            fates[cell] = fate
    return tuple(fates)


def _sum(cells: Sequence[int], below: int) -> SharedSum:
    return SharedSum(tuple((cell, 1) for cell in cells), below, from_zero=True)


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


def bus_of(levels: Levels, gate: Gate | None, *, desk: str = NAMES[0], decoys: int = 0) -> Bus:
    """Give a job over these people, in which every agency could answer any test by itself."""
    sides, computation, clear = levels.sides(), levels.computation(gate), levels.clear()

    def knows(test: SharedTest) -> bool:
        return any(sum(factor * clear[cell] for cell, factor in one.terms) in one.small for one in test.any_of)

    made = {name: replace(one, knows=knows) for name, one in setups(sides, computation, desk=desk, decoys=decoys).items()}
    return Bus(made, desk_setup(sides, computation, desk=desk))


def hide_small(levels: Levels, *, from_zero: bool = False) -> Gate:
    """Give a gate that hides small counts and what rests on them."""
    counts = levels.counts(from_zero=from_zero)
    return Gate(counts, HideSmall(2 * len(levels.sizes), counts), 1)


def hide_groups(levels: Levels, groups: tuple[tuple[int, ...], ...]) -> Gate:
    """Give a gate that hides counts with complements, group by group."""
    counts = levels.counts()
    rule = Complement(2 * len(levels.sizes), counts, groups)
    return Gate(counts, rule, 3, len(counts), (2 * K,) * len(groups))


def all_or_nothing(levels: Levels) -> Gate:
    """Give a gate under which the last count stands alone and all others open together or not at all."""
    *counts, outside = levels.counts()
    return Gate((*counts, outside), AllOrNothing(2 * len(levels.sizes), tuple(counts), outside), 1)


def later_units(levels: Levels, tables: tuple[tuple[int, ...], ...], several: tuple[int, ...]) -> Gate:
    """Give a gate that asks of tables in its second stage; the last count stands alone."""
    *counts, outside = levels.counts()
    rule = LaterUnits(2 * len(levels.sizes), outside, tuple(tuple(counts[at] for at in table) for table in tables))
    return Gate((*counts, outside), rule, 2, len(tables), (), (several,))


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
