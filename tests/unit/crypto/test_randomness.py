"""Orders: what sorting 128-bit keys gives, also where their first halves are equal."""

from __future__ import annotations

import numpy as np
import pytest

from tallystick.crypto.randomness import SeededRandomness, permutation


class Repeating:
    """Keys whose first halves are a few values only."""

    def __init__(self, values: int) -> None:
        self._values = values
        self._stream = SeededRandomness(b"repeating")

    def take(self, length: int) -> bytes:
        """Give keys, the first half of each below `values`."""
        words = np.frombuffer(self._stream.take(length), dtype="<u8").copy()
        words[::2] %= self._values
        return words.tobytes()


@pytest.mark.parametrize("values", [1, 2, 7, 1 << 60])
def test_an_order_is_that_of_the_whole_keys(values: int) -> None:
    keys = np.frombuffer(Repeating(values).take(16 * 500), dtype=[("high", "<u8"), ("low", "<u8")])
    assert permutation(Repeating(values), 500).tolist() == np.argsort(keys, order=("high", "low")).tolist()


@pytest.mark.parametrize("count", [0, 1, 1000])
def test_an_order_holds_every_place_once(count: int) -> None:
    order = permutation(SeededRandomness(b"order"), count)
    assert order.dtype == np.int64
    assert sorted(order.tolist()) == list(range(count))
