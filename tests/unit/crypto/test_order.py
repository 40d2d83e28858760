"""Rows in the order of 128-bit keys, and rows that share one: the same as numpy's slow ways find, also among crowded keys."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.crypto.order import Words, alike, order_of

SPREADS = (1, 3, 1 << 9, 1 << 60)


def keys(seed: int, count: int, values: int, shift: int) -> tuple[Words, Words]:
    """Give keys whose first words differ only from bit `shift` on, so that few bits beside a row's number tell them apart."""
    source = np.random.default_rng(seed)
    high, low = source.integers(0, values, (2, count), dtype=np.uint64)
    return high << np.uint64(shift), low


@given(st.integers(0, 99), st.integers(0, 60), st.sampled_from(SPREADS), st.sampled_from([0, 2, 58]))
def test_order(seed: int, count: int, values: int, shift: int) -> None:
    high, low = keys(seed, count, values, shift)
    assert order_of(high, low).tolist() == np.lexsort((low, high)).tolist()


@given(st.integers(0, 99), st.integers(0, 60), st.sampled_from(SPREADS), st.sampled_from([0, 2, 58]))
def test_rows_with_a_key_of_their_own_may_be_left_out_and_no_others(seed: int, count: int, values: int, shift: int) -> None:
    high, low = keys(seed, count, values, shift)
    rows, new = alike(high, low)
    runs = [sorted(run.tolist()) for run in np.split(rows, np.flatnonzero(new)[1:])] if len(rows) else []
    held: dict[tuple[int, int], list[int]] = {}
    for row, key in enumerate(zip(high.tolist(), low.tolist(), strict=True)):
        held.setdefault(key, []).append(row)
    assert sorted(run for run in runs if len(run) > 1) == sorted(run for run in held.values() if len(run) > 1)
    assert sum(map(len, runs)) == len(rows) == len(set(rows.tolist()))


@pytest.mark.parametrize("swapped", [False, True])
def test_equal_keys_with_another_between_them_are_found(swapped: bool) -> None:
    high = np.array(
        [1, 0, 1, 0, 7 << 40], dtype=np.uint64
    )  # the last bits, where row numbers go, part rows 0 and 2 from 1 and 3
    low = np.array([5, 5, 5, 5, 5], dtype=np.uint64)
    rows, new = alike(high[::-1] if swapped else high, low)
    expected = [[1, 3], [2, 4]] if swapped else [[1, 3], [0, 2]]
    assert sorted(sorted(run.tolist()) for run in np.split(rows, np.flatnonzero(new)[1:])) == sorted(expected)
