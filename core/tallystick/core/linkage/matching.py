"""Which anonymous rows are the same person: tags in, clusters out.

Rules that this file enforces (DESIGN §6.6):

1. Passes go from strict to loose. A row is free towards an agency as long as its cluster has no row of that agency.
2. Within a pass, a tag links two agencies if exactly one row of each has it, among the rows that are free towards the other.
3. A tag that both have, and more than one free row of either, links nothing: a tie, counted.
4. A cluster has at most one row of each agency. Links of one pass that together would put two rows of an agency into one
   cluster are all refused, and counted as ties.
5. A similarity pass comes last: two free rows are linked if enough of its bands coincide and each is the other's only best
   (`banding.py`); a band links as rule 2 has it.

Every link of a pass is found before any is made, so the result depends neither on the order of rows nor of agencies.

Security: sees tags alone. The counts are exact and blurred only by the agencies' decoys, so they stay with the coordinator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt

from tallystick.core.errors import Broken
from tallystick.core.linkage.banding import best_pairs
from tallystick.core.linkage.components import components
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
    """

    cluster: tuple[Int64s, ...] = field(repr=False)
    clusters: int
    links: tuple[int, ...]
    ties: tuple[int, ...]

    def pairs(self, first: int, second: int) -> tuple[Int64s, Int64s]:
        """Give the rows of two agencies that share a cluster, in the order of the first one's rows."""
        where = np.full(self.clusters, -1, dtype=np.int64)
        theirs = self.cluster[second]
        where[theirs[theirs >= 0]] = np.flatnonzero(theirs >= 0)
        mine = np.flatnonzero(self.cluster[first] >= 0)
        partner = where[self.cluster[first][mine]]
        return mine[partner >= 0], partner[partner >= 0]


def matched(tags: Sequence[Tags], *, bands: int = 0, need: int = 0) -> Matches:
    """Resolve the tags of all agencies.

    Args:
        tags: per agency, shape (passes, rows, 16); the same passes at each.
        bands: how many of the last passes are bands of one similarity pass; it comes after the others.
        need: bands in which two rows must coincide to be linked.

    Raises:
        Broken: `protocol-broken`: fewer than two lists, lists of different passes, or tags of another length.
    """
    if len(tags) < FEWEST or any(t.ndim != 3 or t.shape[2] != TAG_BYTES or t.shape[0] != tags[0].shape[0] for t in tags):
        raise Broken("protocol-broken", "lists of tags do not fit together")
    starts = np.cumsum([0, *(t.shape[1] for t in tags)])
    state = _Clusters(int(starts[-1]), np.repeat(np.arange(len(tags)), np.diff(starts)), len(tags))
    links, ties = [], []
    if not 0 <= bands <= len(tags[0]) or not 0 <= need <= bands or (bands and not need):
        raise Broken("protocol-broken", "a similarity pass needs bands, and some of them to coincide")
    exact = len(tags[0]) - bands
    for step in range(exact):
        keys = [_keys(t[step]) for t in tags]
        firsts, seconds, refused = [_NONE], [_NONE], 0
        for a, b in combinations(range(len(tags)), 2):
            free_a = state.free(int(starts[a]), int(starts[a + 1]), b)
            free_b = state.free(int(starts[b]), int(starts[b + 1]), a)
            at_a, at_b, tied = _linked(_at(keys[a], free_a), _at(keys[b], free_b))
            firsts.append(free_a[at_a] + starts[a])
            seconds.append(free_b[at_b] + starts[b])
            refused += tied
        made, conflicting = state.merge(np.concatenate(firsts), np.concatenate(seconds))
        links.append(made)
        ties.append(refused + conflicting)
    if bands:
        made, refused = _similar(state, [t[exact:] for t in tags], starts, need)
        links.append(made)
        ties.append(refused)
    numbers, count = state.numbered()
    return Matches(tuple(np.split(numbers, starts[1:-1])), count, tuple(links), tuple(ties))


def _similar(state: _Clusters, bands: Sequence[Tags], starts: Int64s, need: int) -> tuple[int, int]:
    """Link rows that are free and alike; give (links made, pairs refused)."""
    firsts, seconds, refused = [_NONE], [_NONE], 0
    for a, b in combinations(range(len(bands)), 2):
        free_a = state.free(int(starts[a]), int(starts[a + 1]), b)
        free_b = state.free(int(starts[b]), int(starts[b + 1]), a)
        found = (
            _linked(_at(_keys(one), free_a), _at(_keys(two), free_b))[:2] for one, two in zip(bands[a], bands[b], strict=True)
        )
        at_a, at_b, tied = best_pairs(found, len(free_b), need)
        firsts.append(free_a[at_a] + starts[a])
        seconds.append(free_b[at_b] + starts[b])
        refused += tied
    made, conflicting = state.merge(np.concatenate(firsts), np.concatenate(seconds))
    return made, refused + conflicting


def _keys(tags: Tags) -> Halves:
    """See 16-byte tags as two 64-bit integers, shape (2, rows); only equality matters, so the byte order does not."""
    return np.ascontiguousarray(np.ascontiguousarray(tags).view("<u8").reshape(-1, 2).T)


def _at(keys: Halves, rows: Int64s) -> Halves:
    """Give the keys of some rows, in rising order; all of them without a copy."""
    return keys if len(rows) == keys.shape[1] else keys[:, rows]


def _linked(a: Halves, b: Halves) -> tuple[Int64s, Int64s, int]:
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


class _Clusters:
    """Rows of all agencies under global numbers, each with its cluster's label: the smallest row number in it."""

    def __init__(self, rows: int, agency: Int64s, agencies: int) -> None:
        self.label: Int64s = np.arange(rows, dtype=np.int64)
        self.agency = agency
        self.has: Bools = agency[:, None] == np.arange(agencies)

    def free(self, start: int, end: int, other: int) -> Int64s:
        """Give, relative to `start`, which rows of [start, end) have no row of agency `other` in their cluster."""
        return np.flatnonzero(~self.has[self.label[start:end], other])

    def merge(self, a: Int64s, b: Int64s) -> tuple[int, int]:
        """Link rows a[i] with b[i] unless a cluster would get two rows of one agency; give (links made, links refused)."""
        if not len(a):
            return 0, 0
        ends = np.stack([self.label[a], self.label[b]])
        if np.bincount(ends.reshape(-1)).max() <= 1:
            return self._merge_pairs(ends)
        nodes, at = np.unique(ends, return_inverse=True)
        at = at.reshape(ends.shape)
        component = components(len(nodes), at[0], at[1])
        rows_of = np.zeros((len(nodes), self.has.shape[1]), dtype=np.int64)
        np.add.at(rows_of, component, self.has[nodes].astype(np.int64))
        good = rows_of.max(axis=1) <= 1
        kept = good[component[at[0]]]
        target = np.where(good[component], nodes[component], nodes)
        whole = np.arange(len(self.label), dtype=np.int64)
        whole[nodes] = target
        self.label = whole[self.label]
        has = self.has[nodes]
        for agency in range(self.has.shape[1]):
            self.has[target[has[:, agency]], agency] = True
        return int(np.count_nonzero(kept)), int(np.count_nonzero(~kept))

    def _merge_pairs(self, ends: Int64s) -> tuple[int, int]:
        """Link clusters that each have one link: what `merge` does, without looking for longer chains."""
        root, other = ends.min(axis=0), ends.max(axis=0)
        good = ~(self.has[root] & self.has[other]).any(axis=1)
        root, other = root[good], other[good]
        whole = np.arange(len(self.label), dtype=np.int64)
        whole[other] = root
        self.label = whole[self.label]
        self.has[root] |= self.has[other]
        return len(root), int(np.count_nonzero(~good))

    def numbered(self) -> tuple[Int64s, int]:
        """Give each row's cluster number, -1 for rows alone, and the number of clusters."""
        size = np.bincount(self.label, minlength=len(self.label))
        roots = np.flatnonzero(size > 1)
        number = np.full(len(self.label), -1, dtype=np.int64)
        number[roots] = np.arange(len(roots))
        return number[self.label], len(roots)
