"""Products for tests: one set of keys, layouts of any shape, and both sides of an exchange."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from tallystick.crypto.expansion import exchange_key
from tallystick.crypto.layout import Columns, Layout
from tallystick.crypto.products import SecretKeys, encrypt_columns, new_keys, open_products, products
from tallystick.crypto.randomness import SystemRandomness
from tallystick.crypto.workers import SerialWorkers

RANDOM: Final = SystemRandomness()
SERIAL: Final = SerialWorkers()
KEY: Final = exchange_key(bytes(range(32)), "columns", encryptor="housing", multiplier="labor")
"""An exchange's key; with the one set of `keys` it encrypts many columns, which no job may do."""


@cache
def keys() -> SecretKeys:
    """Give one set of keys for the whole run: they are not what is tested."""
    return new_keys(4, RANDOM)


def all_pairs(left: int, right: int) -> tuple[tuple[int, int], ...]:
    """Give every column of the left with every one of the right."""
    return tuple((i, j) for i in range(left) for j in range(right))


def layout_of(left: int, right: int, slots: int, primes: int = 1) -> Layout:
    """Give a layout of all pairs."""
    return Layout(left, right, all_pairs(left, right), (primes,) * (left * right), slots)


def shares(a: Columns, b: Columns, layout: Layout, workers: Any = SERIAL) -> tuple[list[int], list[int]]:
    """Run the whole exchange: (the encryptor's shares, the multiplier's)."""
    sent = encrypt_columns(keys(), a, layout, RANDOM, workers, key=KEY)
    back, mine = products(sent, b, layout, RANDOM, workers, key=KEY, sender="labor")
    assert len(back) == 1 + layout.returned_ciphertexts
    return open_products(keys(), back, layout, workers, key=KEY, sender="housing"), mine
