"""An encryptor that looks as closely as it can: it computes c0 + c1·s of what comes back, exactly, and takes the message off."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tallystick.crypto.bfv import COEFFICIENT_PRIMES, DATA, DATA_PRIMES, Scheme, pack_residues, scheme
from tallystick.crypto.expansion import column_c1, zero_c1
from tallystick.crypto.flooding import RING, errors, ternary
from tallystick.crypto.ntt import encode_slots, transform
from tallystick.crypto.product_work import FinishTask, MultiplyTask, multiply
from tallystick.crypto.randomness import Randomness, SystemRandomness, uniform_mod
from tallystick.crypto.residues import Residues, add
from tallystick.crypto.seal_bytes import Polynomials
from tests.products import KEY

SYSTEM: Final = SystemRandomness()
Objects = npt.NDArray[np.object_]


def crt(limbs: Residues, primes: Sequence[int]) -> Objects:
    """Give the integers in (-q/2, q/2) with these residues, uint64[primes, N]."""
    q = prod(primes)
    value: Objects = np.zeros(limbs.shape[1], dtype=object)
    for limb, prime in zip(limbs.astype(object), primes, strict=True):
        value = value + limb * (q // prime * pow(q // prime, -1, prime))
    value = value % q
    return np.where(value > q // 2, value - q, value)


def residues(values: Any, primes: Sequence[int] = DATA) -> Residues:
    """Give integers, of any size, modulo each prime: uint64[primes, N]."""
    return np.stack([(np.asarray(values, dtype=object) % prime).astype(np.uint64) for prime in primes])


class Meter:
    """One encryptor under one plaintext prime, and what it sends and sees.

    Attributes:
        randomness: where everything is drawn from, at both sides.
        own: its scheme.
        secret: its key.
        small_key: the key's coefficients, int64[N] in {-1, 0, 1}.
        left: the columns that `accumulated` encrypted last, int64[blocks, N].
    """

    def __init__(self, prime: int = 0, randomness: Randomness = SYSTEM) -> None:
        self.randomness = randomness
        self.own: Scheme = scheme(prime)
        self.secret = self.own.new_secret(self.randomness)
        self.s = np.frombuffer(self.secret, dtype="<u8").reshape(-1, RING)
        self.zero = self.encrypted(None)
        back = self.own.ciphertext(np.stack([self.s[:DATA_PRIMES]] * 2), ntt=True)
        self.own.evaluator.transform_from_ntt_inplace(back)
        self.small_key = crt(self.own.polynomials(back, DATA_PRIMES)[0], DATA).astype(np.int64)
        self.left: npt.NDArray[np.int64] = np.zeros((0, RING), dtype=np.int64)

    def c1(self, block: int | None) -> Residues:
        """Give c1 of a block of column 0, or of the encryption of zero, in NTT form."""
        if block is None:
            return zero_c1(KEY, self.own.index, DATA, RING)
        return column_c1(KEY, self.own.index, block, 0, DATA, RING)

    def encrypted(self, slots: npt.NDArray[np.int64] | None, block: int | None = None, error: Any = None) -> bytes:
        """Encrypt a block, or zero, with an error of the encryptor's choice (integers, N) beside the honest one."""
        c0 = self.own.encrypt(self.secret, [(self.c1(block), slots)], self.randomness)[0]
        if error is not None:
            c0 = add(c0, transform(residues(error), DATA), DATA)
        return pack_residues(c0)

    def whole(self, c0: Residues, block: int | None) -> Polynomials:
        """Give a sent c0 with its c1, in coefficient form."""
        return self.coefficients(np.stack([c0, self.c1(block)]))

    def coefficients(self, ntt: Polynomials) -> Polynomials:
        """Give a data-level ciphertext in coefficient form."""
        ciphertext = self.own.ciphertext(ntt, ntt=True)
        self.own.evaluator.transform_from_ntt_inplace(ciphertext)
        return self.own.polynomials(ciphertext, DATA_PRIMES)

    def phase(self, coefficients: Polynomials) -> tuple[Objects, int]:
        """Give c0 + c1·s mod q as integers, and q."""
        level = coefficients.shape[1]
        primes = COEFFICIENT_PRIMES[:level]
        ciphertext = self.own.ciphertext(coefficients)
        self.own.evaluator.transform_to_ntt_inplace(ciphertext)
        c = self.own.polynomials(ciphertext, level, ntt=True)
        modulus = np.array(primes, dtype=object)[:, None]
        c[0] = ((c[0].astype(object) + c[1].astype(object) * self.s[:level].astype(object)) % modulus).astype(np.uint64)
        back = self.own.ciphertext(c, ntt=True)
        self.own.evaluator.transform_from_ntt_inplace(back)
        q = prod(primes)
        return crt(self.own.polynomials(back, level)[0], primes) % q, q

    def noise(self, coefficients: Polynomials) -> Objects:
        """Give the noise of every coefficient: phase minus round(q·m/t), m being the nearest message."""
        phase, q = self.phase(coefficients)
        t = self.own.plain
        message = (2 * phase * t + q) // (2 * q)
        result: Objects = phase - (2 * q * message + t) // (2 * t)
        return result

    def shifted(self, coefficients: Polynomials, by: int) -> Polynomials:
        """Add a number to every coefficient of c0."""
        moved = coefficients.copy()
        moved[0] = add(moved[0], residues([by] * RING), DATA)
        return moved

    def accumulated(self, values: npt.NDArray[np.int64]) -> Polynomials:
        """Multiply a random column by `values`, int64[blocks, N], as the multiplier does before anything is hidden."""
        self.left = uniform_mod(self.randomness, self.own.plain, values.size).astype(np.int64).reshape(values.shape)
        return self.multiplied([self.encrypted(block, at) for at, block in enumerate(self.left)], values)

    def multiplied(self, chunks: Sequence[bytes], values: npt.NDArray[np.int64], zero: bytes | None = None) -> Polynomials:
        """Multiply the blocks that an encryptor sent, whatever they are, by `values`, int64[blocks, N]."""
        each = tuple((chunk,) for chunk in chunks)
        task = MultiplyTask(
            self.own.index, KEY, zero or self.zero, each, 0, (0,), values[None], ((0, 0),), ternary(self.randomness), "labor"
        )
        total: Polynomials = multiply(task)[0]
        return total

    def task_of(self, total: Polynomials, zero: bytes | None = None) -> FinishTask:
        """Give the task that hides a sum, with a fresh mask and fresh errors."""
        drawn = errors(self.randomness, self.own.flood_width)
        mask = uniform_mod(self.randomness, self.own.plain, RING)
        return FinishTask(self.own.index, KEY, zero or self.zero, total, mask, drawn, "labor")

    def polynomial(self, slots: npt.NDArray[Any]) -> npt.NDArray[np.uint64]:
        """Give the coefficients, below t, of the plaintext with these slots."""
        return encode_slots(slots, self.own.plain)

    def differing_coefficients(self, one: npt.NDArray[np.uint64], other: npt.NDArray[np.uint64]) -> int:
        """Count the coefficients in which two plaintexts differ."""
        return int(np.count_nonzero(self.polynomial(one) != self.polynomial(other)))
