"""What a multiplier adds to a product before it returns it, and why the answer then says nothing of its columns.

**The answer.** N = 2^13; q is the product of the three data primes, 2^162 < q < 2^163; t is a plaintext prime, 2^29 < t < 2^30. Write W
= floor(q/t) > 2^133. The encryptor sent c0 polynomials d_k and a "zero" p0: to this proof any polynomials whatever, for it may deviate.
Their other halves a_k and p1 come from `expansion.py`: both sides know them, neither chose them. With its own plaintext
polynomials v_k the multiplier returns, dropped to two primes,

    c0 = Σ d_k·v_k + u·p0 + round(q·m/t) + f
    c1 = Σ a_k·v_k + u·p1 + e

where, fresh for every answer, m has coefficients uniform below t (a mask uniform in every slot; slots and coefficients are a
bijection), f is uniform over the W integers from -floor(W/2) on, u is uniform ternary, e centered binomial of 42 bits. (u is the sum of
the ternary polynomials that `products.py` draws for an answer; the one drawn last is the answer's own, and it alone is used below.)

**c0 is uniform, whatever was sent.** The t numbers round(q·m/t) lie W or W + 1 apart, around the circle Z_q. So round(q·m/t) + f
takes each of t·W residues equally often and the other q - t·W < t never: its distance from uniform is below t/q < 2^-132 a
coefficient, 2^-119 an answer. m and f are independent of v_k, u and e, and adding anything independent of them keeps the distance. So
the pair (c0, c1) is within 2^-119 of (uniform, c1) with the two halves independent: c0, and all that can be computed of it with
any secret key, tells nothing. There is no bound on d_k or p0 in this, nor on how many products, blocks or noise: a malformed zero,
a large error, another secret key, no key at all make no difference. The multiplier's refusals cannot tell either: it looks at
lengths and ranges only, and its SEAL sees no sum that a peer's c0 could make transparent, since that depends on c1 alone.

**c1 is pseudorandom.** It is independent of d_k and p0. p1 is the output of a random oracle; u is secret, ternary and used once;
so (p1, u·p1 + e) is a ring-LWE sample with ternary secret (N = 2^13, log q < 163, where the table for 128 bits allows 218), and adding
Σ a_k·v_k to what looks uniform leaves it looking uniform. Answers share p1 and each has its own u: n answers under a prime cost a
factor n by the usual hybrid argument. An encryptor that tries Q pair keys (`expansion.py`) picks one of Q random p1, a
factor Q in the reduction; no ring-LWE attack is known that so weak a choice would help. This is the one computational assumption, the
same as hides the encryptor's columns, with a wider margin. Dropping the modulus is a function of each half alone and changes none of
this. A job has at most MAX_ANSWERS = 2^18 answers, and one of each audit: all together their c0 are within 2^-100 of uniform.

**An honest answer decrypts** to Σ a·b + m in every slot unless some coefficient of f, moved by the noise, leaves its interval:
chance (|noise| + 2)/W for a coefficient with that noise, for f is uniform over W numbers. Three things move it:

1. Noise of the product. ‖v‖∞ < t/2 < 2^29, fresh noise at most 21 and a rounding of at most 1/2: one block adds at most N · 2^29
   · 21.5 < 2^46.43, MAX_BLOCKS = 2^12 blocks less than 2^58.43; the zeros at most (2^12 + 1) · N · 21.5, and e·s less than 2^18.
   In all E < 2^58.5, in the worst case: no tail, no assumption about values. N·(E + 2)/W < 2^-61.
2. Dropping to two primes (q₂ > 2^108.9) rounds each half by at most 1/2: at most (1 + ‖s‖₁)/2 <= 2^12.01 beside q₂/t > 2^78.9:
   N · 2^12.01 / 2^78.9 < 2^-53.9. (About sqrt((1 + 2N/3)/12) = 21 is usual.) One prime would leave 2^25 beside it: about one
   ciphertext in 240 would be wrong.
3. SEAL's decryption rounds by way of an auxiliary prime g of 61 bits: the phase appears moved by at most 2/g of W (two being the primes
   of the level). N·2/g < 2^-46.9: the largest of the three.

So an honest answer is wrong with chance below 2^-46.8, and some answer of the largest job with chance below 2^18 · 2^-46.8 =
2^-28.8 (an audit's apart). A wrong answer is a wrong residue mod t; nothing notices it but the desk's tests of the opened cells.

**What this does not do.** A multiplier that deviates may return any (c0, c1); what the encryptor decrypts is then a function of its
secret key. Of the exchange of columns it sends none of that to the multiplier, but adds it to the cells (SECURITY.md, "A malicious
multiplier"); of the audit, which has a key of its own, it sends it, as its share (`statistic/audit.py`).

Reference: Gentry, "A fully homomorphic encryption scheme" (2009), §5.2 (flooding); Lyubashevsky, Peikert, Regev, eprint 2012/230
(ring-LWE); Bajard, Eynard, Hasan, Zucca, eprint 2016/510, §3 (decryption in residues; g is its gamma).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from tallystick.crypto.errors import LocalFault
from tallystick.crypto.randomness import Randomness, uniform_mod
from tallystick.crypto.residues import Residues, add, multiply, negate, reduce_small

RING: Final = 8192
MAX_BLOCKS: Final = 4096
MAX_PAIRS: Final = 1 << 16
MAX_ANSWERS: Final = 1 << 18
NOISE_BITS: Final = 58.5
"""log2 of the bound E on the noise accumulated over `MAX_BLOCKS` blocks."""
FAILURE_BITS: Final = -46.8
"""log2 of the chance that an honest answer decrypts wrongly."""

_HALF: Final = 21
_MASK21: Final = np.uint64((1 << _HALF) - 1)
_WORD: Final = 64
_MASK64: Final = (1 << _WORD) - 1

Wide = npt.NDArray[np.uint64]
"""Integers below 2^191 as uint64[3, N]: bits 128 and up, 64 to 127, 0 to 63."""


@dataclass(frozen=True)
class Errors:
    """What hides one answer, besides its mask.

    Attributes:
        ternary: u, int8[N] in {-1, 0, 1}.
        small: e, int8[N] in [-21, 21].
        flood: f + floor(W/2), uniform in [0, W), as uint64[3, N].
    """

    ternary: npt.NDArray[np.int8] = field(repr=False)
    small: npt.NDArray[np.int8] = field(repr=False)
    flood: Wide = field(repr=False)


def ternary(randomness: Randomness) -> npt.NDArray[np.int8]:
    """Give N uniform values of -1, 0, 1."""
    return uniform_mod(randomness, 3, RING).astype(np.int8) - np.int8(1)


def small(randomness: Randomness) -> npt.NDArray[np.int8]:
    """Give N values of the centered binomial distribution of 2·21 bits (standard deviation 3.24)."""
    drawn = np.frombuffer(randomness.take(8 * RING), dtype="<u8")
    ones = np.bitwise_count(drawn & _MASK21)
    others = np.bitwise_count((drawn >> np.uint64(_HALF)) & _MASK21)
    values: npt.NDArray[np.int8] = ones.astype(np.int8) - others.astype(np.int8)
    return values


def uniform_wide(randomness: Randomness, bound: int, count: int) -> Wide:
    """Give `count` integers uniform in [0, bound), exactly, by rejection: uint64[3, count].

    Raises:
        LocalFault: `flood-width`: `bound` is not from 2^128 up to 2^191.
    """
    if not 1 << (2 * _WORD) <= bound < 1 << (3 * _WORD - 1):
        raise LocalFault("flood-width", "a flood is 129 to 191 bits wide")
    high, middle, low = (np.uint64(bound >> shift & _MASK64) for shift in (2 * _WORD, _WORD, 0))
    kept: list[Wide] = []
    missing = count
    while missing > 0:
        first = uniform_mod(randomness, int(high) + 1, missing)
        rest = np.frombuffer(randomness.take(2 * 8 * missing), dtype="<u8").astype(np.uint64, copy=False).reshape(2, missing)
        below = (first < high) | (rest[0] < middle) | ((rest[0] == middle) & (rest[1] < low))
        kept.append(np.vstack([first, rest])[:, below])
        missing -= int(below.sum())
    return np.concatenate(kept, axis=1) if kept else np.empty((3, 0), dtype=np.uint64)


def errors(randomness: Randomness, width: int) -> Errors:
    """Draw the errors of one answer, the flood `width` integers wide (about 320 KiB of randomness)."""
    return Errors(ternary(randomness), small(randomness), uniform_wide(randomness, width, RING))


def reduce_flood(flood: Wide, width: int, primes: Sequence[int]) -> Residues:
    """Give the flood, uniform over the `width` integers from -floor(width/2) on, modulo each prime: uint64[primes, N]."""
    modulus = np.array(primes, dtype=np.uint64)[:, None]
    total = negate(np.array([[width // 2 % prime] for prime in primes], dtype=np.uint64), primes)
    for words, shift in zip(flood, (2 * _WORD, _WORD, 0), strict=True):
        weight = np.array([[(1 << shift) % prime] for prime in primes], dtype=np.uint64)
        part = words % modulus
        total = add(total, multiply(part, weight, primes) if shift else part, primes)
    return total


def add_flood(polynomials: Residues, drawn: Errors, width: int, primes: Sequence[int]) -> Residues:
    """Add the flood to c0 and the small error to c1, both in coefficient form: uint64[2, primes, N]."""
    error = np.stack([reduce_flood(drawn.flood, width, primes), reduce_small(drawn.small, primes)])
    return add(polynomials, error, primes)
