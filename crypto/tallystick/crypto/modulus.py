"""The modulus T of shares: a product of one to four 30-bit primes, put together by the Chinese remainder theorem.

Each prime is ≡ 1 mod 2·8192, so that BFV packs 8192 values into a plaintext (`bfv.py`). Thirty bits keep the product of two
residues below 2^60, exact in numpy's uint64, and leave room for the flood (`flooding.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Final

from tallystick.crypto.errors import LocalFault

PRIMES: Final = (1073692673, 1073643521, 1073479681, 1073430529)
"""The four largest primes below 2^30 that are ≡ 1 mod 16384."""


def modulus(count: int) -> int:
    """Give T, the product of the first `count` primes.

    Raises:
        LocalFault: `prime-count`: not one to four.
    """
    if not 1 <= count <= len(PRIMES):
        raise LocalFault("prime-count", f"a modulus has one to {len(PRIMES)} primes")
    return prod(PRIMES[:count])


def count_primes(bound: int) -> int:
    """Give the smallest count with 2·bound < T, so that every integer in [-bound, bound] has its own residue.

    Raises:
        LocalFault: `sum-too-large`: four primes are not enough. `bound-negative`: no sum has such a bound.
    """
    if bound < 0:
        raise LocalFault("bound-negative", "a bound is zero or more")
    for count in range(1, len(PRIMES) + 1):
        if 2 * bound < modulus(count):
            return count
    raise LocalFault(
        "sum-too-large", f"a sum may need {bound.bit_length() + 1} bits; shares have {modulus(len(PRIMES)).bit_length() - 1}"
    )


def crt(residues: Sequence[int]) -> int:
    """Give the one value in [0, T) that is residues[i] mod PRIMES[i], where T = modulus(len(residues)).

    Raises:
        LocalFault: `prime-count`: not one to four residues. `residue-range`: one is not in [0, prime).
    """
    total = modulus(len(residues))
    value = 0
    for residue, prime in zip(residues, PRIMES, strict=False):
        if not 0 <= residue < prime:
            raise LocalFault("residue-range", "a residue is not below its prime")
        others = total // prime
        value += residue * others * pow(others, -1, prime)
    return value % total


def to_signed(value: int, primes: int) -> int:
    """Give the integer in (-T/2, T/2) that is `value` mod T = modulus(primes). T is odd, so there is exactly one."""
    total = modulus(primes)
    residue = value % total
    return residue - total if 2 * residue > total else residue
