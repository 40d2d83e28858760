"""Masked powers: shares of r·rho^i that nobody knows, made before a count is there, by which its test is local sums.

Agency m draws, for each count that will be tested, a factor r_m uniform in [1, p) and a mask rho_m uniform mod p, p the first prime. With
r = Π r_m and rho = Σ rho_m the agencies take shares of w_i = r·rho^i/i! for i = 0…D. Later they open d = c + rho, which is uniform whatever c
is, and for every polynomial F of degree at most D each has its share of

    r·F(c) = r·F(d - rho) = Σ (-1)^i · F⁽ⁱ⁾(d) · w_i                                                     (Taylor, exact mod p as D < p)

by itself. F(x) = Π (x - j) over the small values gives z, which is 0 for a small count and uniform in [1, p) for any other; x·F(x) gives
t = z·c. A *pad* Λ = Σ λ_m, drawn beforehand by the agencies, gives shares of Λ·w_i in the same way, and so of z·Λ.

**Making them.** u_m(x) = r_m · Σ_{i<=D} (rho_m·x)^i / i! is agency m's own polynomial. The coefficients of Π u_m, up to x^D, are the w_i. Two
polynomials of degree D are multiplied by multiplying their values at 2D + 1 points, so one product of each slot of two columns
(`slot_products.py`) does it, 2D + 1 slots a count; what comes after (interpolating, cutting off above x^D, taking values again) is linear, so
each agency does it with its shares. A pad adds two such products, λ_m·u_m times the shares of w and u_m times the shares of Λ·w.

The sizes: c < p, or another number is tested. The factors are units mod p, so z = 0 exactly where c is a small value.

Security: to all agencies but one, what they see of a count is d, which the last one's rho_m makes uniform, and z, which its r_m makes uniform
in [1, p) unless it is 0. Their shares of w_i are uniform (`slot_products.py`). So they learn whether c is a small value, and nothing else.
That holds for agencies that follow the protocol: nothing here notices one that brings other columns, or another share of c
(docs/adr/0011-gate.md).

Reference: Bar-Ilan, Beaver, "Non-cryptographic fault-tolerant computing in constant number of rounds of interaction" (PODC 1989), for
polynomials of a shared number by prepared masks; Toom (1963) and Cook (1966), for products of polynomials by their values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from tallystick.crypto.modulus import PRIMES
from tallystick.crypto.randomness import Randomness, uniform_mod

P: Final = PRIMES[0]
"""The prime that counts are tested under: the product of two residues fits into int64."""

Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """Counts whose tests are of one degree, and how their values lie in a column.

    Attributes:
        size: how many counts.
        degree: D, of the greatest power.
        owners: the count of each pad.
    """

    size: int
    degree: int
    owners: tuple[int, ...] = field(repr=False, default=())

    @property
    def points(self) -> int:
        """At how many points polynomials are multiplied."""
        return 2 * self.degree + 1

    @property
    def slots(self) -> int:
        """Slots of a column: of a count its points, of a pad twice as many."""
        return self.points * (self.size + 2 * len(self.owners))


@dataclass(frozen=True)
class OwnMasks:
    """What one agency draws for a batch.

    Attributes:
        factors: r_m, int64[size] in [1, p).
        masks: rho_m, int64[size] in [0, p).
        pads: λ_m, int64[pads] in [0, p).
    """

    factors: Int64s = field(repr=False)
    masks: Int64s = field(repr=False)
    pads: Int64s = field(repr=False)


@dataclass(frozen=True)
class Powers:
    """Shares of masked powers, or one agency's own before they are multiplied.

    Attributes:
        plain: of w_i, int64[size, D + 1].
        padded: of Λ·w_i, int64[pads, D + 1].
    """

    plain: Int64s = field(repr=False)
    padded: Int64s = field(repr=False)


def draw_masks(batch: Batch, pads: Int64s, randomness: Randomness) -> OwnMasks:
    """Draw an agency's factors and masks.

    Args:
        batch: of the counts.
        pads: its pads, int64[pads], below p.
        randomness: a CSPRNG.
    """
    factors = uniform_mod(randomness, P - 1, batch.size).astype(np.int64) + 1
    return OwnMasks(factors, uniform_mod(randomness, P, batch.size).astype(np.int64), pads)


def own_powers(batch: Batch, own: OwnMasks) -> Powers:
    """Give the coefficients of an agency's own polynomials: r_m·rho_m^i/i!, and these times its pads."""
    plain = np.empty((batch.size, batch.degree + 1), dtype=np.int64)
    plain[:, 0] = own.factors
    for i in range(1, batch.degree + 1):
        plain[:, i] = plain[:, i - 1] * own.masks % P * pow(i, -1, P) % P
    return Powers(plain, plain[list(batch.owners)] * own.pads[:, None] % P)


def column_to_encrypt(batch: Batch, own: OwnMasks) -> Int64s:
    """Give what an agency encrypts to those before it: int64[slots]."""
    plain, padded = _at_points(batch, own_powers(batch, own))
    return np.concatenate([plain, padded, plain[list(batch.owners)]]).reshape(-1)


def column_to_multiply(batch: Batch, shares: Powers) -> Int64s:
    """Give what an agency multiplies that by: its shares of the powers of those before, int64[slots]."""
    plain, padded = _at_points(batch, shares)
    return np.concatenate([plain, plain[list(batch.owners)], padded]).reshape(-1)


def read_powers(batch: Batch, slots: Int64s) -> Powers:
    """Give shares of the powers of one agency more, from shares of the product at every slot, int64[slots]."""
    values = slots.reshape(-1, batch.points)
    pads = len(batch.owners)
    plain, one, other = values[: batch.size], values[batch.size : batch.size + pads], values[batch.size + pads :]
    back = _interpolation(batch.degree)
    return Powers(_times(plain, back), _times((one + other) % P, back))


@dataclass(frozen=True)
class Polynomial:
    """A test's polynomial, x^factor·Π (x - j) over its small values, as its derivatives.

    Attributes:
        derivatives: coefficients of F and of its derivatives, each from the constant one on.
    """

    derivatives: tuple[tuple[int, ...], ...] = field(repr=False)

    @property
    def degree(self) -> int:
        """The degree of F: how many powers an evaluation needs."""
        return len(self.derivatives) - 1

    def evaluate(self, opened: Int64s, powers: Int64s) -> Int64s:
        """Give shares of r·F(c), int64[counts].

        Args:
            opened: d = c + rho of each count, int64[counts] in [0, p).
            powers: shares of w_i, or of Λ·w_i, int64[counts, at least degree + 1].
        """
        total = np.zeros(len(opened), dtype=np.int64)
        for i, coefficients in enumerate(self.derivatives):
            value = np.zeros(len(opened), dtype=np.int64)
            for coefficient in reversed(coefficients):
                value = (value * opened + coefficient) % P
            total = (total + (-value if i % 2 else value) * powers[:, i]) % P
        return total


@lru_cache(256)
def polynomial_of(small: range, *, times_count: bool) -> Polynomial:
    """Give the polynomial of a test.

    Args:
        small: the values that it finds.
        times_count: whether it is multiplied by x, so that what comes out is t and not z.
    """
    coefficients = [1]
    for root in [*small, *([0] if times_count else [])]:
        shifted = [0, *coefficients]
        coefficients = [(low - root * high) % P for low, high in zip(shifted, [*coefficients, 0], strict=True)]
    derivatives = [tuple(coefficients)]
    while len(derivatives[-1]) > 1:
        derivatives.append(tuple(j * one % P for j, one in enumerate(derivatives[-1]))[1:])
    return Polynomial(tuple(derivatives))


def _at_points(batch: Batch, powers: Powers) -> tuple[Int64s, Int64s]:
    values = _evaluation(batch.degree)
    return _times(powers.plain, values), _times(powers.padded, values)


def _times(rows: Int64s, matrix: Int64s) -> Int64s:
    """Multiply rows mod p, int64[n, k], by a matrix int64[k, m], exactly: one term at a time."""
    total = np.zeros((len(rows), matrix.shape[1]), dtype=np.int64)
    for at in range(matrix.shape[0]):
        total += rows[:, at, None] * matrix[at] % P
    return total % P


@lru_cache(64)
def _evaluation(degree: int) -> Int64s:
    """Give the matrix from coefficients to values at 0…2D: int64[D + 1, 2D + 1]."""
    points = range(2 * degree + 1)
    return np.array([[pow(x, i, P) for x in points] for i in range(degree + 1)], dtype=np.int64)


@lru_cache(64)
def _interpolation(degree: int) -> Int64s:
    """Give the matrix from values at 0…2D to the coefficients up to x^D: int64[2D + 1, D + 1] (Lagrange)."""
    points = range(2 * degree + 1)
    whole = _from_roots(points)
    rows = []
    for x in points:
        quotient = _divide(whole, x)
        scale = pow(sum(one * pow(x, i, P) for i, one in enumerate(quotient)), -1, P)
        rows.append([one * scale % P for one in quotient[: degree + 1]])
    return np.array(rows, dtype=np.int64)


def _from_roots(roots: Sequence[int]) -> list[int]:
    return list(polynomial_of(range(roots[0], roots[-1] + 1), times_count=False).derivatives[0])


def _divide(coefficients: Sequence[int], root: int) -> list[int]:
    """Divide a polynomial by (x - root), which divides it."""
    quotient, carry = [0] * (len(coefficients) - 1), 0
    for i in range(len(coefficients) - 1, 0, -1):
        carry = (coefficients[i] + carry * root) % P
        quotient[i - 1] = carry
    return quotient
