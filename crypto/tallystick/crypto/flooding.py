"""Errors added to a product before it is returned: what the encryptor decrypts then says nothing of the other's values.

The encryptor knows its secret key s and every ciphertext that it sent. Of a returned (c0, c1) it can compute two things: c1
itself, and the noise n = c0 + c1·s - round(q·m/t), m being uniform (a mask in every slot). Unprotected, c1 = Σ c1_i·v_i is
linear in the values v, and so is n. The multiplier adds to the accumulated sum

    u·(p0, p1) + (flood, e),    (p0, p1) the encryptor's encryption of zero, which is a public key

with u uniform ternary, e centred binomial, and flood uniform in [-F, F)^N, F = 2^FLOOD_BITS.

**n**. Let E bound |n| before the flood. Shifting a uniform error of width 2F by at most E moves it by a statistical distance
of at most E / 2F a coefficient, N·E / 2F for all. For N = 2^13, t < 2^30, ‖v‖∞ < t/2 < 2^29 (SEAL lifts plaintexts to (-t/2,
t/2)), fresh noise at most 21 (centred binomial of 42 bits) and a rounding of q·m/t of at most 1/2, one block adds at most N ·
2^29 · 21.5 < 2^46.43, in the worst case: no tail, no assumption about the values. MAX_BLOCKS = 2^12 blocks add less than
2^58.43; the encryptions of zero, at most 2^12 + 1 of N·21.5, and e·s, the mask's rounding, less than 2^30. So E < 2^58.5 and,
with F = 2^119,

    distance <= 2^13 · 2^58.5 / 2^120 = 2^-48.5 for each ciphertext, hence below 2^-40 for up to 360 ciphertexts together.

(The standard high-probability bound, tail 2^-80, is E < 2^53.1: the rounding alone, which does not average out, plus 12 ·
3.24 · 2^29 · sqrt(2^13 · 2^12) = 2^46.8. Measured, the largest of 8192 coefficients: fresh 2^3.7; one block of uniform values
2^38.4; 64 blocks 2^41.3; returned, after the drop below, 2^11.0.)

**c1**. Given n, which now depends neither on u nor on e nor on v but by that distance, c1 = Σ c1_i·v_i + u·p1 + e, and u·p1 +
e is a ring-LWE sample (N = 8192, log q = 163 < 218, ternary secret u): it hides the sum by the same assumption, with a wider
margin, that protects the ciphertexts. So privacy towards the encryptor is statistical in the noise, and computational in c1.

**Decryption**. q/2t is 2^132 at the data level leaves 2^13 over the flood. Dropping to one 55-bit prime divides the noise by
about 2^108, to 2^11, and adds a rounding of at most (1 + ‖s‖₁)/2 <= 2^12.01; q/2t is then 2^24.

Reference: Gentry, "A fully homomorphic encryption scheme" (2009), §5.2 (flooding); Asharov, Jain, López-Alt, Tromer,
Vaikuntanathan, Wichs, eprint 2011/613 (the smudging lemma).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from tallystick.crypto.randomness import Randomness, uniform_mod

RING: Final = 8192
FLOOD_BITS: Final = 119
MAX_BLOCKS: Final = 4096
NOISE_BITS: Final = 58.5
"""log2 of the bound E on the noise accumulated over `MAX_BLOCKS` blocks."""

_FLOOD_BYTES: Final = 15
_HALF: Final = 21
_MASK21: Final = np.uint64((1 << _HALF) - 1)


@dataclass(frozen=True)
class Errors:
    """What hides one returned ciphertext, besides its mask.

    Attributes:
        ternary: u, int8[N] in {-1, 0, 1}.
        small: e, int8[N] in [-21, 21].
        flood: F + flood, as uint8[N, 15], big-endian.
    """

    ternary: npt.NDArray[np.int8] = field(repr=False)
    small: npt.NDArray[np.int8] = field(repr=False)
    flood: npt.NDArray[np.uint8] = field(repr=False)


def ternary(randomness: Randomness) -> npt.NDArray[np.int8]:
    """Give N uniform values of -1, 0, 1."""
    return uniform_mod(randomness, 3, RING).astype(np.int8) - np.int8(1)


def small(randomness: Randomness) -> npt.NDArray[np.int8]:
    """Give N values of the centred binomial distribution of 2·21 bits (standard deviation 3.24), SEAL's own error."""
    drawn = np.frombuffer(randomness.take(8 * RING), dtype="<u8")
    ones = np.bitwise_count(drawn & _MASK21)
    others = np.bitwise_count((drawn >> np.uint64(_HALF)) & _MASK21)
    values: npt.NDArray[np.int8] = ones.astype(np.int8) - others.astype(np.int8)
    return values


def errors(randomness: Randomness) -> Errors:
    """Draw the errors of one returned ciphertext (about 250 KiB of randomness)."""
    flood = np.frombuffer(randomness.take(_FLOOD_BYTES * RING), dtype=np.uint8).reshape(RING, _FLOOD_BYTES)
    return Errors(ternary(randomness), small(randomness), flood)


def reduced_small(values: npt.NDArray[np.int8], primes: Sequence[int]) -> npt.NDArray[np.uint64]:
    """Give small signed values modulo each prime: uint64[primes, N]."""
    wide = values.astype(np.int64)
    return np.stack([np.where(wide < 0, wide + prime, wide).astype(np.uint64) for prime in primes])


def reduced_flood(flood: npt.NDArray[np.uint8], primes: Sequence[int]) -> npt.NDArray[np.uint64]:
    """Give the flood, uniform in [-2^119, 2^119), modulo each prime: uint64[primes, N].

    Pre-condition: primes below 2^56, so that eight more bits fit into a word.
    """
    limbs = []
    for prime in primes:
        value = np.zeros(len(flood), dtype=np.uint64)
        for column in flood.T:
            value = ((value << np.uint64(8)) | column) % np.uint64(prime)
        limbs.append((value + np.uint64(prime - (1 << FLOOD_BITS) % prime)) % np.uint64(prime))
    return np.stack(limbs)


def added(left: npt.NDArray[np.uint64], right: npt.NDArray[np.uint64], primes: Sequence[int]) -> npt.NDArray[np.uint64]:
    """Add [..., primes, N] arrays of residues."""
    modulus = np.array(primes, dtype=np.uint64)[:, None]
    total = left + right
    reduced: npt.NDArray[np.uint64] = np.minimum(total, total - modulus)  # a negative difference wraps to something huge
    return reduced


def flooded(polynomials: npt.NDArray[np.uint64], drawn: Errors, primes: Sequence[int]) -> npt.NDArray[np.uint64]:
    """Add the flood to c0 and the small error to c1, both in coefficient form: uint64[2, primes, N]."""
    error = np.stack([reduced_flood(drawn.flood, primes), reduced_small(drawn.small, primes)])
    return added(polynomials, error, primes)
