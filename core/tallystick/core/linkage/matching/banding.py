"""Which rows of two lists are alike: in how many bands pairs coincide, and which are each other's only best."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

GATHERED: Final = 1 << 22
"""Coincidences that are held before equal ones are counted."""


def only_best(a: Int64s, b: Int64s, counts: Int64s) -> tuple[Bools, int]:
    """Tell which pairs of rows are each other's only best, and how many are refused as ties.

    A pair is taken if no other pair of either row has as many. A row whose two best partners are equally good is linked to
    neither: a tie.

    Args:
        a: rows of the first list.
        b: rows of the second; no pair twice.
        counts: in how many bands each pair coincides.
    """
    most, single = zip(*(_best(side, counts) for side in (a, b)), strict=True)
    both = most[0] & most[1]
    taken = both & single[0] & single[1]
    return taken, int(np.count_nonzero(both & ~taken))


def coinciding(bands: Iterable[tuple[Int64s, Int64s]], rows: int) -> tuple[Int64s, Int64s, Int64s]:
    """Give all pairs of rows of which a band coincides, and how many do: rows of the first list, rows of the second, counts.

    Args:
        bands: per band, rows of the first list and of the second whose tags coincide; a row at most once a band.
        rows: of the second list.
    """
    pairs, counts = _count_pairs(bands, max(rows, 1))
    a, b = np.divmod(pairs, max(rows, 1))
    return a, b, counts


def _count_pairs(coincidences: Iterable[tuple[Int64s, Int64s]], rows: int) -> tuple[Int64s, Int64s]:
    """Give each pair, as first row times `rows` plus second, and in how many bands it coincides."""
    pairs, counts = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    held: list[Int64s] = []
    waiting = 0
    for a, b in coincidences:
        held.append(a * rows + b)
        waiting += len(a)
        if waiting > GATHERED:
            pairs, counts = _add_counts(pairs, counts, held)
            held, waiting = [], 0
    return _add_counts(pairs, counts, held)


def _add_counts(pairs: Int64s, counts: Int64s, held: list[Int64s]) -> tuple[Int64s, Int64s]:
    found, index = np.unique(np.concatenate([pairs, *held]), return_inverse=True)
    weights = np.concatenate([counts, *(np.ones(len(more), dtype=np.int64) for more in held)])
    total = np.zeros(len(found), dtype=np.int64)
    np.add.at(total, index, weights)
    return found, total


def _best(row: Int64s, counts: Int64s) -> tuple[Bools, Bools]:
    """Tell which pairs have the largest count of their row, and which of these are the only one."""
    rows, index = np.unique(row, return_inverse=True)
    largest = np.zeros(len(rows), dtype=np.int64)
    np.maximum.at(largest, index, counts)
    most = counts == largest[index]
    number = np.bincount(index[most], minlength=len(rows))
    return most, number[index] == 1
