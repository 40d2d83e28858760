"""The negacyclic number-theoretic transform, and how slots lie in a plaintext: what `bfv.py` needs of polynomials mod x^8192 + 1.

Values and their order are those of `bfv.py` (NTT form) and of SEAL, whose answers the tests compare bit by bit. With the native kernel a
transform takes about 0.15 ms; without it numpy's takes some milliseconds.

Reference: Longa, Naehrig, eprint 2016/504 (algorithms 1 and 2); slots: Microsoft SEAL 4.3, `native/src/seal/batchencoder.cpp`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tallystick.crypto.flooding import RING
from tallystick.crypto.kernel import PORTABLE, choose_path, native
from tallystick.crypto.residues import Residues, add, multiply, negate

_SHOUP_BITS: Final = 64
_GENERATOR: Final = 3
"""Slots are the polynomial's values at powers of ψ to the powers of 3, and at their inverses."""

ROOTS: Final[Mapping[int, int]] = {
    36028797017571329: 3055459936772,
    18014398508138497: 365254547778,
    18014398508400641: 1991035980967,
    1073692673: 52921,
    1073643521: 97548,
    1073479681: 32138,
    1073430529: 170252,
}
"""ψ, the smallest primitive 2N-th root of unity, of each data prime and each plaintext prime."""


class Transform:
    """The transform under one of the primes of `ROOTS`."""

    def __init__(self, prime: int) -> None:
        root = ROOTS[prime]
        powers = [1]
        for _ in range(2 * RING - 1):
            powers.append(powers[-1] * root % prime)
        order = reverse_bits(np.arange(RING)).tolist()
        self.prime = prime
        self._forward = _table([powers[k] for k in order], prime)
        self._inverse = _table([pow(RING, -1, prime), *(powers[-k % (2 * RING)] for k in order[1:])], prime)

    def forward(self, polynomials: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
        """Give the values of polynomials, uint64[…, N] below the prime, in NTT form."""
        return self._run(polynomials, inverse=False)

    def inverse(self, values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
        """Give the coefficients of polynomials in NTT form, uint64[…, N]."""
        return self._run(values, inverse=True)

    def _run(self, rows: npt.NDArray[np.uint64], *, inverse: bool) -> npt.NDArray[np.uint64]:
        made = np.array(rows, dtype=np.uint64, order="C")  # a copy
        roots, shoups = self._inverse if inverse else self._forward
        if choose_path() != PORTABLE:
            native.transform(made, roots, shoups, self.prime, inverse)
            return made
        flat = made.reshape(-1, RING)
        for row in flat:
            (_invert_row if inverse else _transform_row)(row, roots, self.prime)
        return made


@lru_cache(maxsize=8)
def transform_under(prime: int) -> Transform:
    """Give the transform under a prime; the first call takes about 10 ms."""
    return Transform(prime)


def transform(polynomials: Residues, primes: Sequence[int]) -> Residues:
    """Give polynomials, uint64[…, primes, N], in NTT form."""
    return np.stack([transform_under(prime).forward(polynomials[..., at, :]) for at, prime in enumerate(primes)], axis=-2)


def transform_back(values: Residues, primes: Sequence[int]) -> Residues:
    """Give the coefficients of polynomials in NTT form, uint64[…, primes, N]."""
    return np.stack([transform_under(prime).inverse(values[..., at, :]) for at, prime in enumerate(primes)], axis=-2)


def encode_slots(slots: npt.NDArray[np.integer[Any]], plain: int) -> npt.NDArray[np.uint64]:
    """Give the plaintext polynomial with these values, any integers taken mod t, in its slots; missing slots are zero.

    Args:
        slots: int[up to N].
        plain: t.

    Returns:
        Coefficients below t: uint64[N].
    """
    values = np.zeros(RING, dtype=np.uint64)
    values[slot_places()[: len(slots)]] = slots % plain
    return transform_under(plain).inverse(values)


def lift(coefficients: npt.NDArray[np.uint64], plain: int, primes: Sequence[int]) -> Residues:
    """Give a plaintext, coefficients below t, as the integers between -t/2 and t/2, modulo each prime: uint64[primes, N]."""
    upper = (coefficients > np.uint64(plain // 2)).astype(np.uint64)
    lifted: Residues = coefficients + upper * np.array([[prime - plain] for prime in primes], dtype=np.uint64)
    return lifted


@lru_cache(maxsize=1)
def slot_places() -> npt.NDArray[np.int64]:
    """Give of each slot the index of its value in NTT form: int64[N]."""
    powers = np.array([pow(_GENERATOR, i, 2 * RING) for i in range(RING // 2)], dtype=np.int64)
    return reverse_bits(np.concatenate([(powers - 1) >> 1, (2 * RING - powers - 1) >> 1]))


def reverse_bits(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Reverse the bits of numbers below N."""
    reversed_ = np.zeros_like(numbers)
    for bit in range(RING.bit_length() - 1):
        reversed_ |= (numbers >> bit & 1) << (RING.bit_length() - 2 - bit)
    return reversed_


def _table(roots: list[int], prime: int) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Give roots, and what the kernel multiplies by beside them."""
    return np.array(roots, dtype=np.uint64), np.array([(root << _SHOUP_BITS) // prime for root in roots], dtype=np.uint64)


def _transform_row(row: npt.NDArray[np.uint64], roots: npt.NDArray[np.uint64], prime: int) -> None:
    groups, span = 1, RING // 2
    while span:
        pairs = row.reshape(groups, 2, span)
        turned = multiply(pairs[:, 1].reshape(1, -1), np.repeat(roots[groups : 2 * groups], span)[None], (prime,))
        kept = pairs[:, 0].reshape(1, -1)
        both = add(kept, turned, (prime,)), add(kept, negate(turned, (prime,)), (prime,))
        pairs[:, 0], pairs[:, 1] = (half.reshape(groups, span) for half in both)
        groups, span = 2 * groups, span // 2


def _invert_row(row: npt.NDArray[np.uint64], roots: npt.NDArray[np.uint64], prime: int) -> None:
    groups, span = RING // 2, 1
    while groups:
        pairs = row.reshape(groups, 2, span)
        low, high = pairs[:, 0].reshape(1, -1), pairs[:, 1].reshape(1, -1)
        turned = np.repeat(roots[groups : 2 * groups], span)[None]
        both = add(low, high, (prime,)), multiply(add(low, negate(high, (prime,)), (prime,)), turned, (prime,))
        pairs[:, 0], pairs[:, 1] = (half.reshape(groups, span) for half in both)
        groups, span = groups // 2, 2 * span
    row[:] = multiply(row[None], roots[None, :1], (prime,))[0]
