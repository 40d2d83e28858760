"""Which anonymous rows are the same person: tags in, clusters out.

Rules that this file enforces (docs/protocol.md §6):

1. Passes go from strict to loose. A row is free towards an agency as long as its cluster has no row of that agency.
2. Within a pass, a tag links two agencies if exactly one row of each has it, among the rows that are free towards the other.
3. A tag that both have, and more than one free row of either, links nothing: a tie, counted.
4. A cluster has at most one row of each agency. Links of one pass that together would put two rows of an agency into one
   cluster are all refused, and counted as ties.
5. A pass whose accidental links do not fit the job's budget (`passes/budget.py`) is left out: it links nothing. Where one was left out
   that fits the links that were made in all, all passes are tried once more, from the beginning, with their number. Passes that a word of
   the agreement allows are tried again after all others.
6. A similarity pass comes last. A band coincides for two rows if they alone, of all rows of their lists, have its tag. Two free
   rows are linked if enough bands coincide and each is the other's only best (`banding.py`), in rounds that ask for fewer and
   fewer (`rounds.py`).

Every link of a pass, or of a round, is found before any is made, so the result depends neither on the order of rows nor of agencies.

Security: sees tags alone. The counts are exact and blurred only by the agencies' decoys. Of these counts only the links of each pass
leave the coordinator, for the desk (`report.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt

from tallystick.core.errors import Broken
from tallystick.core.linkage.matching.banding import coinciding, only_best
from tallystick.core.linkage.matching.clusters import Clusters
from tallystick.core.linkage.passes.budget import Budget, Spending
from tallystick.core.linkage.passes.rounds import RoundCounts, Rounds
from tallystick.crypto.order import alike

Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Tags = npt.NDArray[np.uint8]
Halves = npt.NDArray[np.uint64]

TAG_BYTES: Final = 16
FEWEST: Final = 2
"""Agencies in a match, and so rows in a cluster."""

_NONE = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Matches:
    """Which rows are one person.

    Attributes:
        cluster: per agency, the number of each row's cluster, -1 for a row without a match.
        clusters: how many clusters there are; each has rows of at least two agencies.
        links: per pass, the links between two rows that it made.
        ties: per pass, the tags (per pair of agencies) and links that were refused.
        fewest: bands that the last round of the similarity pass asked for; 0 without one.
        made: the exact passes that were made, in this order; others were left out.
    """

    cluster: tuple[Int64s, ...] = field(repr=False)
    clusters: int
    links: tuple[int, ...]
    ties: tuple[int, ...]
    fewest: int = 0
    made: tuple[int, ...] = ()

    def find_left_out(self, exact: int) -> Bools:
        """Tell which of so many exact passes were left out."""
        return np.asarray(~np.isin(np.arange(exact), self.made), dtype=np.bool_)

    def pairs(self, first: int, second: int) -> tuple[Int64s, Int64s]:
        """Give the rows of two agencies that share a cluster, in the order of the first one's rows."""
        where = np.full(self.clusters, -1, dtype=np.int64)
        theirs = self.cluster[second]
        where[theirs[theirs >= 0]] = np.flatnonzero(theirs >= 0)
        mine = np.flatnonzero(self.cluster[first] >= 0)
        partner = where[self.cluster[first][mine]]
        return mine[partner >= 0], partner[partner >= 0]


def match_tags(tags: Sequence[Tags], rounds: Rounds | None = None, budget: Budget | None = None) -> Matches:
    """Resolve the tags of all agencies.

    Args:
        tags: per agency, shape (passes, rows, 16); the same passes at each.
        rounds: of the similarity pass whose bands come after the other passes; None without one.
        budget: which exact passes are made; None: all of them.

    Raises:
        Broken: `protocol-broken`: fewer than two lists, lists of different passes or of fewer than there are bands, or tags of
            another length.
    """
    if len(tags) < FEWEST or any(t.ndim != 3 or t.shape[2] != TAG_BYTES or t.shape[0] != tags[0].shape[0] for t in tags):
        raise Broken("protocol-broken", "lists of tags do not fit together")
    starts = np.cumsum([0, *(t.shape[1] for t in tags)])
    exact = len(tags[0]) - (0 if rounds is None else rounds.bands)
    if exact < 0:
        raise Broken("protocol-broken", "lists of tags have fewer passes than the similarity pass has bands")
    work = _Exact(tags, starts, budget)
    again = [step for step in range(exact) if not work.try_pass(step)]
    if work.too_early:
        work = _Exact(tags, starts, budget, work.in_all)
        again = [step for step in range(exact) if not work.try_pass(step)]
    if budget is not None and budget.again:
        for step in again:
            work.try_pass(step, again=True)
    state = work.state
    links, ties, fewest = (
        [work.links.get(step, 0) for step in range(exact)],
        [work.ties.get(step, 0) for step in range(exact)],
        0,
    )
    if rounds is not None:
        made, refused, fewest = _Similar(state, [t[exact:] for t in tags], starts, rounds).link(exact)
        links.append(made)
        ties.append(refused)
    numbers, count = state.number_rows()
    return Matches(tuple(np.split(numbers, starts[1:-1])), count, tuple(links), tuple(ties), fewest, tuple(work.made))


def _keys(tags: Tags) -> Halves:
    """See 16-byte tags as two 64-bit integers, shape (2, rows); only equality matters, so the byte order does not."""
    return np.ascontiguousarray(np.ascontiguousarray(tags).view("<u8").reshape(-1, 2).T)


def _at(keys: Halves, rows: Int64s) -> Halves:
    """Give the keys of some rows, in rising order; all of them without a copy."""
    return keys if len(rows) == keys.shape[1] else keys[:, rows]


def _link(a: Halves, b: Halves) -> tuple[Int64s, Int64s, int]:
    """Give (positions in a, positions in b, ties): where a tag is once in each, and the number of shared tags that are not."""
    split = a.shape[1]
    if not split or not b.shape[1]:
        return _NONE, _NONE, 0
    both = np.concatenate([a, b], axis=1)
    order, new = alike(both[0], both[1])
    first = np.flatnonzero(new)
    sizes = np.diff(np.append(first, len(order)))
    shared = sizes >= FEWEST
    first, sizes = first[shared], sizes[shared]
    if not len(first):
        return _NONE, _NONE, 0
    # of each run of equal tags, how many are of `a`
    in_a = np.diff(np.concatenate([[0], np.cumsum(order < split)])[np.stack([first, first + sizes])], axis=0)[0]
    single = (in_a == 1) & (sizes == FEWEST)
    ties = int(np.count_nonzero((in_a > 0) & (in_a < sizes) & ~single))
    ends = np.stack([order[first[single]], order[first[single] + 1]])
    return ends.min(axis=0), ends.max(axis=0) - split, ties


class _Exact:
    """The exact passes: what each would link, and whether it is made."""

    def __init__(self, tags: Sequence[Tags], starts: Int64s, budget: Budget | None, in_all: float = 0.0) -> None:
        self.state = Clusters(int(starts[-1]), np.repeat(np.arange(len(tags)), np.diff(starts)), len(tags))
        self._tags, self._starts = tags, starts
        self._spending = None if budget is None else Spending(budget, in_all)
        self._people = [] if budget is None else budget.most_people(np.diff(starts).tolist())
        self.made: list[int] = []
        self.links: dict[int, int] = {}
        self.ties: dict[int, int] = {}

    @property
    def too_early(self) -> bool:
        """Whether a pass was left out that fits the links made in all."""
        return self._spending is not None and self._spending.too_early

    @property
    def in_all(self) -> float:
        """How many links of people were made."""
        return 0.0 if self._spending is None else self._spending.links

    def try_pass(self, step: int, *, again: bool = False) -> bool:
        """Make a pass if the budget allows it; tell whether it did."""
        state, starts = self.state, self._starts
        keys = [_keys(t[step]) for t in self._tags]
        firsts, seconds, refused = [_NONE], [_NONE], 0
        pairs = list(combinations(range(len(keys)), 2))
        for a, b in pairs:
            free_a = state.free(int(starts[a]), int(starts[a + 1]), b)
            free_b = state.free(int(starts[b]), int(starts[b + 1]), a)
            at_a, at_b, tied = _link(_at(keys[a], free_a), _at(keys[b], free_b))
            firsts.append(free_a[at_a] + starts[a])
            seconds.append(free_b[at_b] + starts[b])
            refused += tied
        first, second = np.concatenate(firsts), np.concatenate(seconds)
        spending = self._spending
        if spending is not None and not spending.allows(step, len(first), [self._free(a, b) for a, b in pairs], again=again):
            return False
        self.links[step], conflicting = state.merge(first, second)
        self.ties[step] = refused + conflicting
        self.made.append(step)
        return True

    def _free(self, a: int, b: int) -> tuple[float, float]:
        """Give the people of two lists who are free towards each other: those that there are, less those who are linked."""
        assert self._spending is not None
        linked = self.state.count_linked(a, b) - self._spending.decoys
        one, other = (max(0.0, self._people[at] - max(0.0, linked)) for at in (a, b))
        return one, other


class _Similar:
    """A similarity pass: which rows coincide in how many bands, and the rounds that link them."""

    def __init__(self, state: Clusters, bands: Sequence[Tags], starts: Int64s, rounds: Rounds) -> None:
        self._state, self._rounds = state, rounds
        self._alike = []
        """For each two agencies: their numbers, the rows of each, and in how many bands these coincide."""
        for a, b in combinations(range(len(bands)), 2):
            found = (_link(_keys(one), _keys(two))[:2] for one, two in zip(bands[a], bands[b], strict=True))
            first, second, counts = coinciding(found, bands[b].shape[1])
            self._alike.append((a, b, first + starts[a], second + starts[b], counts))

    def link(self, passes: int) -> tuple[int, int, int]:
        """Link what is alike, after some exact passes; give (links made, links refused, bands that the last round asked for)."""
        total, ties, fewest, spent = 0, 0, self._rounds.need, 0.0
        for number in self._rounds.numbers:
            first, second, refused = self._propose(number)
            if number < self._rounds.need:
                if not len(first):
                    continue
                seen = self._count_round(number, len(first), passes)
                if not seen.allows(spent):
                    break
                spent += seen.accidental
            while True:  # a link may leave others as the only best
                made, conflicting = self._state.merge(first, second)
                total += made
                if not made:
                    break
                first, second, refused = self._propose(number)
                fewest = number
            ties = refused + conflicting
        return total, ties, fewest

    def _propose(self, number: int) -> tuple[Int64s, Int64s, int]:
        """Give the free rows that coincide in so many bands or more, each the other's only best, and the ties."""
        firsts, seconds, refused = [_NONE], [_NONE], 0
        for a, b, first, second, counts in self._alike:
            able = counts >= number
            able[able] = self._free(first[able], b) & self._free(second[able], a)
            taken, tied = only_best(first[able], second[able], counts[able])
            firsts.append(first[able][taken])
            seconds.append(second[able][taken])
            refused += tied
        return np.concatenate(firsts), np.concatenate(seconds), refused

    def _count_round(self, number: int, proposed: int, passes: int) -> RoundCounts:
        apart_enough = apart_fewer = free_fewer = 0
        links = 0.0
        for a, b, first, second, counts in self._alike:
            free = self._free(first, b) & self._free(second, a)
            apart = ~free & (self._state.label[first] != self._state.label[second])
            enough = counts >= number
            apart_enough += int(np.count_nonzero(apart & enough))
            apart_fewer += int(np.count_nonzero(apart & ~enough))
            free_fewer += int(np.count_nonzero(free & ~enough))
            links += self._state.count_linked(a, b) - self._rounds.decoy_links(passes + 1)
        return RoundCounts(apart_enough, apart_fewer, free_fewer, proposed - len(self._alike) * self._rounds.decoys_each, links)

    def _free(self, rows: Int64s, other: int) -> Bools:
        free: Bools = ~self._state.has[self._state.label[rows], other]
        return free
