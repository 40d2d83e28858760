"""Arithmetic on residues, against Python's integers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.crypto.bfv import DATA
from tallystick.crypto.residues import Residues, add, multiply, negate, reduce_small

PRIMES = (*DATA, 2**55 - 55, 97, 2**54 + 159)


def edges(prime: int) -> list[int]:
    return [
        x % prime for x in (0, 1, 2, prime - 1, prime - 2, prime // 2, prime // 2 + 1, 1 << 53, (1 << 53) + 1, (1 << 52) - 1)
    ]


def test_products_are_exact_at_the_edges() -> None:
    """Every pair of edges under every prime: where a double rounds up, down, and to a tie."""
    for prime in PRIMES:
        some = edges(prime)
        left, right = np.array([np.repeat(some, len(some))], dtype=np.uint64), np.array([some * len(some)], dtype=np.uint64)
        want = [x * y % prime for x, y in zip(left[0].tolist(), right[0].tolist(), strict=True)]
        assert multiply(left, right, [prime])[0].tolist() == want


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_products_sums_and_negatives_are_exact(seed: int) -> None:
    rng = np.random.default_rng(seed)
    limits = np.array(PRIMES, dtype=np.uint64)[:, None]
    left, right = (rng.integers(0, limits, (len(PRIMES), 500), dtype=np.uint64) for _ in range(2))
    x, y, p = left.astype(object), right.astype(object), limits.astype(object)
    assert (multiply(left, right, PRIMES) == x * y % p).all()
    assert (add(left, right, PRIMES) == (x + y) % p).all()
    assert (negate(left, PRIMES) == -x % p).all()


def test_shapes_broadcast() -> None:
    left: Residues = np.arange(5, dtype=np.uint64)[None]
    weight: Residues = np.array([[prime - 1] for prime in DATA], dtype=np.uint64)
    assert multiply(left, weight, DATA).tolist() == [[-x % prime for x in range(5)] for prime in DATA]


@pytest.mark.parametrize("prime", DATA)
def test_addition_wraps_at_the_prime(prime: int) -> None:
    top = np.array([[prime - 1, prime - 1, 0, 0]], dtype=np.uint64)
    more = np.array([[1, prime - 1, prime - 1, 0]], dtype=np.uint64)
    assert add(top, more, [prime]).tolist() == [[0, prime - 2, prime - 1, 0]]
    assert negate(np.array([[0, 1]], dtype=np.uint64), [prime]).tolist() == [[0, prime - 1]]


def test_small_values_are_taken_modulo_each_prime() -> None:
    assert reduce_small(np.array([-21, 0, 21], dtype=np.int8), DATA).tolist() == [[prime - 21, 0, 21] for prime in DATA]
