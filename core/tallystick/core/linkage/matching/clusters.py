"""Rows of all agencies and their clusters: at most one row of each agency in one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tallystick.core.linkage.matching.components import components

Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class Clusters:
    """Rows of all agencies under global numbers, each with its cluster's label: the smallest row number in it."""

    def __init__(self, rows: int, agency: Int64s, agencies: int) -> None:
        self.label: Int64s = np.arange(rows, dtype=np.int64)
        self.agency = agency
        self.has: Bools = agency[:, None] == np.arange(agencies)

    def free(self, start: int, end: int, other: int) -> Int64s:
        """Give, relative to `start`, which rows of [start, end) have no row of agency `other` in their cluster."""
        return np.flatnonzero(~self.has[self.label[start:end], other])

    def count_linked(self, one: int, other: int) -> int:
        """Give how many clusters have a row of both agencies."""
        return int(np.count_nonzero(self.has[:, one] & self.has[:, other] & (self.label == np.arange(len(self.label)))))

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

    def number_rows(self) -> tuple[Int64s, int]:
        """Give each row's cluster number, -1 for rows alone, and the number of clusters."""
        size = np.bincount(self.label, minlength=len(self.label))
        roots = np.flatnonzero(size > 1)
        number = np.full(len(self.label), -1, dtype=np.int64)
        number[roots] = np.arange(len(roots))
        return number[self.label], len(roots)
