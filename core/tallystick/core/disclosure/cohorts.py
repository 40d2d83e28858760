"""Whom jobs select at one agency, as vectors over its people, and whether a new selection isolates few of them beside earlier ones.

A selection is too close if a sum of multiples of earlier ones, added to it, leaves fewer than `least` people, none included: who adds and
subtracts the jobs' numbers alike gets a number about these. That is so of two selections that differ by few, of trackers, of nested halves,
and of any other way of adding and subtracting. A selection that is written as an earlier one is asked again, and is never too close.

How it is told. People whom every selection treats alike are one atom. A combination that leaves few people is 0 on each atom of `least`
people or more, so linear elimination over those atoms gives all such combinations: one of them, and the space of those of earlier selections
alone. Atoms in which that space is not 0 everywhere may cancel and count as nobody; the others cannot. If those that cannot cancel have
`least` people, the selection passes. So the rule never lets through what isolates few, and refuses more only beside such spaces.

Numbers are taken modulo a prime of 31 bits that only the node knows. A combination that isolates few over the fractions does so modulo the
prime, unless the prime divides a determinant of the selections: of m selections with 0 and 1 it is at most m^(m/2), so it has fewer than
m·log2(m)/60 prime factors of that size, of 5·10^7 primes that may be drawn.

Security: the answer is about people of this agency alone. How many of k of them are matched at other agencies, it does not say
(docs/adr/0017-cohorts.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from tallystick.core.agreement.model import Agreement
from tallystick.core.canonical import digest_of
from tallystick.core.disclosure.families import describe_people
from tallystick.core.job.model import Question
from tallystick.core.job.population import population_of

Uint64s = npt.NDArray[np.uint64]
Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_LOW: Final = 1 << 30
"""Primes are above it, and below twice it, so that a product of two residues fits 64 bits."""


@dataclass(frozen=True)
class Selection:
    """People of one agency whom a job selects.

    Attributes:
        name: what it is, 64 hexadecimal digits, whatever the job calls it.
        people: (n,) names of people, ascending, each once.
        weights: (n,) how often the job's formula counts each of them; none is 0.
    """

    name: str
    people: Uint64s = field(repr=False)
    weights: Int64s = field(repr=False)


def list_selections(question: Question, agreement: Agreement, members: Mapping[str, Uint64s]) -> tuple[Selection, ...]:
    """Give an agency's selections of a job: each of its groups, and what the formula makes of them beside each set of others' groups.

    Args:
        question: one that the agreement allows.
        agreement: it.
        members: of each of the agency's groups, the names of its people, ascending.
    """
    called = {group: digest_of({"group": describe_people(group, question, agreement)}) for group in members}
    made = {
        called[group]: Selection(called[group], people, np.ones(len(people), dtype=np.int64))
        for group, people in members.items()
    }
    beside: dict[tuple[str, ...], Counter[tuple[str, ...]]] = {}
    for groups, coefficient in population_of(question).keep.terms.items():
        own, others = (tuple(sorted(one for one in groups if (one in members) is mine)) for mine in (True, False))
        if own:
            beside.setdefault(others, Counter())[_leave_out_whole(own, question)] += coefficient
    for counted in beside.values():
        terms = {own: times for own, times in counted.items() if times}
        if all(len(own) == 1 for own in terms):
            continue  # a sum of groups, which are there already
        name = digest_of({"sum": sorted([*sorted(called[group] for group in own), str(times)] for own, times in terms.items())})
        made.setdefault(name, _add_terms(name, terms, members))
    return tuple(made.values())


def _leave_out_whole(own: tuple[str, ...], question: Question) -> tuple[str, ...]:
    """Leave out of groups that a person is in all of those that are whole datasets, where another of the dataset says it already."""
    people = question.people
    of_dataset = Counter(people[group].dataset for group in own)
    left = list(own)
    for group in own:
        if people[group].where is None and of_dataset[people[group].dataset] > 1:
            of_dataset[people[group].dataset] -= 1
            left.remove(group)
    return tuple(left)


def _add_terms(name: str, terms: Mapping[tuple[str, ...], int], members: Mapping[str, Uint64s]) -> Selection:
    everybody = np.unique(np.concatenate([members[group] for own in terms for group in own]))
    weights = np.zeros(len(everybody), dtype=np.int64)
    for own, times in terms.items():
        there = np.full(len(everybody), fill_value=True)
        for group in own:
            there &= np.isin(everybody, members[group], assume_unique=True)
        weights += times * there
    counted = weights != 0
    return Selection(name, everybody[counted], weights[counted])


def find_close(new: Sequence[Selection], earlier: Iterable[Selection], *, least: int, prime: int) -> Selection | None:
    """Give the first of a job's selections that isolates few people beside earlier ones and those before it; None if none does.

    Args:
        new: the job's.
        earlier: of other jobs.
        least: the fewest people that a combination may leave.
        prime: as `draw_prime` gives it; only who compares may know it.
    """
    kept = list(earlier)
    every = [*kept, *new]
    if not every:
        return None
    sizes, rows = _part_people(every)
    basis = _Basis(sizes, least, prime)
    names = {one.name for one in kept}
    for row in rows[: len(kept)]:
        basis.add(row)
    for one, row in zip(new, rows[len(kept) :], strict=True):
        if one.name not in names and basis.isolates(row, least):
            return one
        basis.add(row)
        names.add(one.name)
    return None


def _part_people(selections: Sequence[Selection]) -> tuple[Int64s, list[Int64s]]:
    """Part people into those whom every selection treats alike: give how many each part has, and of each selection its weight in each."""
    everybody = np.unique(np.concatenate([one.people for one in selections]))
    atoms = np.zeros(len(everybody), dtype=np.int64)
    weights = []
    for one in selections:
        weight = np.zeros(len(everybody), dtype=np.int64)
        weight[np.searchsorted(everybody, one.people)] = one.weights
        weights.append(weight)
        low = int(weight.min(initial=0))
        code = atoms * (int(weight.max(initial=0)) - low + 1) + (weight - low)
        used = np.zeros(int(code.max(initial=0)) + 1, dtype=np.bool_)
        used[code] = True
        atoms = (np.cumsum(used) - 1)[code]
    sizes = np.bincount(atoms)
    first = np.zeros(len(sizes), dtype=np.int64)
    first[atoms] = np.arange(len(everybody))
    return sizes, [weight[first] for weight in weights]


class _Basis:
    """The space of combinations of selections, by elimination over the large atoms."""

    def __init__(self, sizes: Int64s, least: int, prime: int) -> None:
        self._sizes = sizes
        self._large = np.flatnonzero(sizes >= least)
        self._prime = prime
        self._pivots: list[tuple[int, Int64s]] = []
        self._free: Bools = np.zeros(len(sizes), dtype=np.bool_)
        """Small atoms in which a combination of selections, which is 0 in all large ones, is not 0."""

    def _reduce(self, row: Int64s) -> Int64s:
        row = row % self._prime
        for at, pivot in self._pivots:
            if row[at]:
                row = (row - row[at] * pivot) % self._prime
        return row

    def add(self, row: Int64s) -> None:
        """Take a selection into the space."""
        row = self._reduce(row)
        left = np.flatnonzero(row[self._large])
        if len(left):
            at = int(self._large[left[0]])
            self._pivots.append((at, row * pow(int(row[at]), -1, self._prime) % self._prime))
        else:
            self._free |= row != 0

    def isolates(self, row: Int64s, least: int) -> bool:
        """Tell whether a combination with a selection may leave fewer than `least` people."""
        row = self._reduce(row)
        if row[self._large].any():
            return False
        return int(self._sizes[(row != 0) & ~self._free].sum()) < least


def draw_prime(seed: bytes) -> int:
    """Give the first prime from a place on, between 2^30 and 2^31.

    Args:
        seed: 8 bytes or more, uniform; the place.
    """
    at = _LOW + int.from_bytes(seed[:8], "big") % (_LOW - 1024) | 1
    while not _is_prime(at):
        at += 2
    return at


def _is_prime(number: int) -> bool:
    factors = np.arange(3, int(number**0.5) + 2, 2)
    return bool(np.all(number % factors))
