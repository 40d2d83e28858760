"""Arithmetic on arrays of residues, prime by prime, exact in 64-bit words.

Everything here takes and gives uint64[..., primes, N], each row below its prime; primes are below 2^55.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tallystick.crypto.kernel import PORTABLE, choose_path, native

Residues = npt.NDArray[np.uint64]
"""uint64[..., primes, N], each row below its prime."""


def add(left: Residues, right: Residues, primes: Sequence[int]) -> Residues:
    """Add residues."""
    modulus = np.array(primes, dtype=np.uint64)[:, None]
    total = left + right
    reduced: Residues = np.minimum(total, total - modulus)  # a negative difference wraps to something huge
    return reduced


def negate(values: Residues, primes: Sequence[int]) -> Residues:
    """Give the residues whose sum with `values` is zero."""
    modulus = np.array(primes, dtype=np.uint64)[:, None]
    reduced: Residues = np.where(values == 0, values, modulus - values)
    return reduced


def multiply(left: Residues, right: Residues, primes: Sequence[int]) -> Residues:
    """Multiply residues value by value; shapes may broadcast. Pre-condition: primes below 2^55.

    Without the native kernel, or where shapes differ, the quotient is estimated in double precision. Four roundings of at most 2^-53 each
    leave it within 16 of the true one, so left·right - estimate·prime lies within 17·2^55 < 2^60 of zero and is exact in wrapping 64-bit
    words; one remainder ends it.
    """
    modulus = np.array(primes, dtype=np.uint64)[:, None]
    if left.shape == right.shape and left.flags.c_contiguous and right.flags.c_contiguous and choose_path() != PORTABLE:
        made = np.empty_like(left)
        native.multiply_residues(left, right, modulus, made, left.shape[-1])
        return made
    estimate = left.astype(np.float64)
    estimate = estimate * right.astype(np.float64)
    estimate /= modulus.astype(np.float64)
    rest = left * right
    rest -= estimate.astype(np.uint64) * modulus
    reduced: Residues = (rest.view(np.int64) % modulus.view(np.int64)).view(np.uint64)
    return reduced


def reduce_small(values: npt.NDArray[np.int8], primes: Sequence[int]) -> Residues:
    """Give small signed values, int8[N], modulo each prime: uint64[primes, N]."""
    wide = values.astype(np.int64)
    return np.stack([np.where(wide < 0, wide + prime, wide).astype(np.uint64) for prime in primes])


def add_products(
    sums: Residues, left: Residues, right: Residues, pairs: Sequence[tuple[int, int]], primes: Sequence[int]
) -> None:
    """Add to each pair's sum, in place, Σ over blocks of left·right, value by value. Pre-condition: primes below 2^55.

    Args:
        sums: uint64[pairs, 2, primes, N], contiguous.
        left: uint64[blocks, lefts, 2, primes, N], ciphertexts in NTT form.
        right: uint64[blocks, rights, primes, N], plaintexts in NTT form.
        pairs: for each sum: which left, which right.
        primes: of the residues.
    """
    if not len(left) or not len(pairs):
        return
    if choose_path() != PORTABLE:
        which, moduli = np.array(pairs, dtype=np.uint32), np.array(primes, dtype=np.uint64)
        native.add_products(np.ascontiguousarray(left), np.ascontiguousarray(right), which, moduli, sums, len(left))
        return
    for lefts, rights in zip(left, right, strict=True):
        for (i, j), total in zip(pairs, sums, strict=True):
            total[:] = add(total, multiply(lefts[i], rights[j], primes), primes)
