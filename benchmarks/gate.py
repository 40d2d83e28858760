"""What it costs to test counts before anything is opened: preparation, one stage of tests, and what is sealed, of all agencies together.

usage: python -m benchmarks.gate
"""

from __future__ import annotations

import statistics
import time
from collections import deque
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

import numpy as np

from benchmarks.report import table, write_section
from tallystick.crypto.modulus import modulus
from tallystick.crypto.powers import P
from tallystick.crypto.randomness import SystemRandomness, uniform_below
from tallystick.crypto.statistic.computation import CellTerms, Computation
from tallystick.crypto.statistic.gate import Fate, Gate, GatedCount, SharedTest
from tallystick.crypto.statistic.gating import Gating
from tallystick.crypto.statistic.opening import open_sealed
from tallystick.crypto.statistic.preparing import Preparation, prepare
from tallystick.crypto.statistic.states import knows_nothing
from tallystick.crypto.workers import SerialWorkers

K: Final = 11
PEOPLE: Final = 1_000_000
TURNS: Final = 5
RANDOM, WORKERS = SystemRandomness(), SerialWorkers()
CASES: Final = ((2, 20, 0), (2, 20, 2), (2, 1000, 0), (2, 1000, 1), (3, 20, 0), (3, 1000, 0), (3, 1000, 1), (5, 1000, 0))
"""Agencies, counts, sums that rest on each."""


@dataclass(frozen=True)
class HideSmall:
    """Each count is hidden, with what rests on it, if it is small."""

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
        """What is not small."""
        assert self.small is not None
        fates = {
            cell: Fate.HIDDEN if small else Fate.OPENED
            for count, small in zip(self.counts, self.small, strict=True)
            for cell in (count.cell, *count.resting)
        }
        return tuple(fates[cell] for cell in sorted(fates))


def computation_of(agencies: int, counts: int, sums: int) -> Computation:
    """Give counts, each followed by the sums that rest on it, of two primes."""
    width = 1 + sums
    gated = tuple(GatedCount(at * width, K, resting=tuple(range(at * width + 1, (at + 1) * width))) for at in range(counts))
    cells = tuple(CellTerms((), 100_000 if cell % width else 1) for cell in range(counts * width))
    return Computation(tuple("abcde"[:agencies]), (1,) * agencies, (), cells, Gate(gated, HideSmall(gated), 1))


def carried_out(computation: Computation) -> tuple[list[Preparation], int]:
    """Let all agencies prepare; give what they hold, and the bytes that they sent."""
    names, primes, plan = computation.agencies, computation.cell_primes(PEOPLE), computation.gate_plan(PEOPLE)
    keys = {pair: RANDOM.take(32) for pair in combinations(names, 2)}
    held, mail, sent = {}, deque[tuple[str, str, str, list[bytes]]](), 0
    for me in names:
        mine = {name: keys[min(me, name), max(me, name)] for name in names if name != me}
        held[me], columns = prepare(names, me, plan, primes, mine, RANDOM).encrypt(RANDOM, WORKERS)
        mail.extend(("columns", held[me].exchange(number).multiplier, number, list(chunks)) for number, chunks in columns)
    while mail:
        kind, to, number, chunks = mail.popleft()
        if number not in held[to].due:
            mail.append((kind, to, number, chunks))
            continue
        sent += sum(map(len, chunks))
        if kind == "columns":
            held[to], answer = held[to].multiply(number, chunks, RANDOM, WORKERS)
            mail.append(("products", held[to].exchange(number).encryptor, number, list(answer)))
        else:
            held[to] = held[to].open(number, chunks, WORKERS)
    return list(held.values()), sent


def run(agencies: int, counts: int, sums: int) -> dict[str, float]:
    """Measure one case: processor seconds of all agencies, and bytes."""
    computation = computation_of(agencies, counts, sums)
    rng = np.random.default_rng(counts)
    truth = [
        int(rng.integers(-(10**10), 10**10))
        if cell % (1 + sums)
        else int(rng.choice([rng.integers(0, 30), rng.integers(0, PEOPLE)]))
        for cell in range(len(computation.cells))
    ]
    moduli = [modulus(primes) for primes in computation.cell_primes(PEOPLE)]
    shares = [[uniform_below(RANDOM, one) for one in moduli] for _ in range(agencies - 1)]
    shares.append([(value - sum(rest)) % one for value, one, *rest in zip(truth, moduli, *shares, strict=True)])
    start = time.process_time()
    held, sent = carried_out(computation)
    prepared = time.process_time()
    gate = computation.gate
    assert gate is not None
    gatings = [
        Gating(computation, PEOPLE, one, tuple(share), knows_nothing, gate.rule)
        for one, share in zip(held, shares, strict=True)
    ]
    opened = np.stack([one.mask() for one in gatings]).sum(axis=0) % P
    factors = np.stack([[own for (own,) in one.factors(opened)] for one in gatings]).sum(axis=0) % P
    gatings = [one.answer(opened, factors, 0) for one in gatings]
    sealed = [[number for of_cell in one.seal() for number in of_cell] for one in gatings]
    tested = time.process_time()
    values, hidden = open_sealed(computation, PEOPLE, gatings[0].fates(), [sum(each) for each in zip(*sealed, strict=True)])
    for cell, value in enumerate(truth):
        small = 1 <= truth[cell - cell % (1 + sums)] < K
        if (cell in hidden) != small or values[cell] != (0 if small else value):
            raise SystemExit("error: a cell is wrong")
    return {"prepare": prepared - start, "test": tested - prepared, "bytes": sent + 2 * 4 * counts * agencies * (agencies - 1)}


def main() -> None:
    """Measure and write the section."""
    rows = []
    run(2, 20, 0)
    base = 0.0
    for agencies, counts, sums in CASES:
        turns = [run(agencies, counts, sums) for _ in range(TURNS)]
        prepare_, test, sent = (statistics.median(turn[what] for turn in turns) for what in ("prepare", "test", "bytes"))
        if (agencies, counts, sums) == (2, 1000, 0):
            base = prepare_ + test
        rows.append((agencies, counts, sums, prepare_, test, sent))
    lines = [
        (agencies, f"{counts:,}", sums, f"{one:.3f}", f"{two:.3f}", f"{sent / 1e6:.2f}", f"{(one + two) / base:.2f}")
        for agencies, counts, sums, one, two, sent in rows
    ]
    head = ("agencies", "counts", "sums resting on each", "prepare, s", "test and seal, s", "MB sent", "÷ 1,000 counts of two")
    how = (
        f"Counts are small below {K}. Processor time of all agencies together in one process, the median of {TURNS} runs; every cell is "
        "checked. Sums have two primes. Encrypting what is sealed under the desk's key, as any job does, comes on top. A stage of tests takes "
        "two messages from each agency to each other."
    )
    text = table(head, lines)
    write_section("gate", "Testing counts before they are opened", f"{how}\n\n{text}")
    print(text)


if __name__ == "__main__":
    main()
