"""Sorting rows by 128-bit keys, each two words of 64 bits, the first of which decides almost always.

A row's number takes the place of the last bits of its first word: then one sort of plain words, which takes a fraction of the time
of finding an order, gives the rows as well. Rows that agree in the bits that are left are put right by their whole keys.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
Int64s = npt.NDArray[np.int64]


def order_of(high: Words, low: Words) -> Int64s:
    """Give the rows in the order of their keys `high`, then `low`; equal ones in the order of their numbers."""
    words, number = _number_words(high)
    rows = (words & number).astype(np.int64)
    crowd = _in_runs(_near(words, number), len(words))
    if crowd.any():
        some = rows[crowd]
        rows[crowd] = some[np.lexsort((some, low[some], high[some]))]
    return rows


def alike(high: Words, low: Words) -> tuple[Int64s, npt.NDArray[np.bool_]]:
    """Give all rows whose key another row has too, and maybe some others: equal keys one after another.

    Returns:
        The rows, and for each whether its key is another one than that of the row before it (the first one's always is).
    """
    words, number = _number_words(high)
    words = words[_in_runs(_near(words, number), len(words))]
    rows = (words & number).astype(np.int64)
    if not len(rows):
        return rows, np.zeros(0, dtype=np.bool_)
    near = _near(words, number)
    new = _new(high[rows], low[rows])
    apart = near & new[1:]
    if apart.any():  # other keys may lie between equal ones: seldom by chance, but keys may be a peer's
        run = np.cumsum(np.concatenate([[False], ~near]))
        mixed = np.isin(run, run[1:][apart])
        some = rows[mixed]
        rows[mixed] = some[np.lexsort((low[some], high[some]))]
        new = _new(high[rows], low[rows])
    return rows, new


def _number_words(high: Words) -> tuple[Words, np.uint64]:
    """Give the first words, their last bits replaced by the rows' numbers, in order; and the mask of these bits."""
    number = np.uint64((1 << max(len(high) - 1, 0).bit_length()) - 1)
    words = (high & ~number) | np.arange(len(high), dtype=np.uint64)
    words.sort()
    return words, number


def _near(words: Words, number: np.uint64) -> npt.NDArray[np.bool_]:
    """Tell of each two neighbours whether they agree in all bits but the number's."""
    return (words[1:] ^ words[:-1]) <= number


def _in_runs(near: npt.NDArray[np.bool_], count: int) -> npt.NDArray[np.bool_]:
    """Tell which of `count` rows agree with a neighbour."""
    found = np.zeros(count, dtype=np.bool_)
    found[1:] = near
    found[:-1] |= near
    return found


def _new(high: Words, low: Words) -> npt.NDArray[np.bool_]:
    return np.concatenate([[True], (high[1:] != high[:-1]) | (low[1:] != low[:-1])])
