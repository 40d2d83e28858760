"""S-14: the noise of a returned product says nothing of the multiplier's values. Noise is measured exactly, by hand."""

from __future__ import annotations

from dataclasses import replace
from math import log2
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats
from tenseal import sealapi

from tallystick.crypto.bfv import COEFFICIENT_PRIMES, DATA_PRIMES, RETURNED_PRIMES, Scheme, packed, scheme, unpacked
from tallystick.crypto.flooding import (
    FLOOD_BITS,
    MAX_BLOCKS,
    NOISE_BITS,
    RING,
    Errors,
    added,
    errors,
    flooded,
    reduced_flood,
    reduced_small,
    small,
    ternary,
)
from tallystick.crypto.product_work import FinishTask, MultiplyTask, finish, hidden, multiply
from tallystick.crypto.randomness import SystemRandomness, uniform_mod
from tallystick.crypto.seal_bytes import Polynomials, load, new_plaintext, plaintext_bytes

RANDOM = SystemRandomness()
DATA = COEFFICIENT_PRIMES[:DATA_PRIMES]
Objects = npt.NDArray[np.object_]
OWN = scheme(0)


class Meter:
    """An encryptor that looks as closely as it can: it computes c0 + c1·s and takes the message off."""

    def __init__(self) -> None:
        self.own: Scheme = OWN
        self.secret = OWN.new_secret()
        self.encryptor = OWN.encryptor(self.secret)
        key = sealapi.SecretKey()
        load(key, OWN.context, self.secret)
        words = key.data()
        count = DATA_PRIMES * RING
        self.s = np.array([words[i] for i in range(count)], dtype=object).reshape(DATA_PRIMES, RING)  # in NTT form
        self.zero = self.encrypted(np.zeros(RING, dtype=np.int64))

    def encrypted(self, slots: npt.NDArray[np.int64]) -> bytes:
        ciphertext = sealapi.Ciphertext()
        self.encryptor.encrypt_symmetric(self.own.plaintext(slots), ciphertext)
        return packed(self.own.polynomials(ciphertext, DATA_PRIMES))

    def phase(self, coefficients: Polynomials) -> tuple[Objects, int]:
        """Give c0 + c1·s mod q as integers, and q."""
        level = coefficients.shape[1]
        primes = COEFFICIENT_PRIMES[:level]
        ciphertext = self.own.ciphertext(coefficients)
        self.own.evaluator.transform_to_ntt_inplace(ciphertext)
        c = self.own.polynomials(ciphertext, level, ntt=True)
        modulus = np.array(primes, dtype=object)[:, None]
        c[0] = ((c[0].astype(object) + c[1].astype(object) * self.s[:level]) % modulus).astype(np.uint64)
        back = self.own.ciphertext(c, ntt=True)
        self.own.evaluator.transform_from_ntt_inplace(back)
        residues = self.own.polynomials(back, level)[0].astype(object)
        q = 1
        for prime in primes:
            q *= prime
        value: Objects = np.zeros(RING, dtype=object)
        for residue, prime in zip(residues, primes, strict=True):
            value = value + residue * (q // prime) * pow(q // prime, -1, prime)
        return value % q, q

    def noise(self, coefficients: Polynomials) -> Objects:
        """Give the noise of every coefficient: phase minus round(q·m/t), m being the nearest message."""
        phase, q = self.phase(coefficients)
        t = self.own.plain
        scaled = phase * t
        message = (2 * scaled + q) // (2 * q)
        result: Objects = phase - (2 * q * message + t) // (2 * t)
        return result


@pytest.fixture(scope="module")
def meter() -> Meter:
    return Meter()


def largest(noise: Objects) -> int:
    return int(max(abs(value) for value in noise))


def accumulated(meter: Meter, values: npt.NDArray[np.int64]) -> Polynomials:
    """Multiply random columns by `values`, int64[blocks, N], as the multiplier does before anything is hidden."""
    left = uniform_mod(RANDOM, OWN.plain, values.size).astype(np.int64).reshape(values.shape)
    chunks = tuple((meter.encrypted(block),) for block in left)
    task = MultiplyTask(0, meter.zero, chunks, values[None], ((0, 0),), ternary(RANDOM), "labor")
    total: Polynomials = multiply(task)[0]
    return total


def coefficient_form(total: Polynomials) -> Polynomials:
    ciphertext = OWN.ciphertext(total, ntt=True)
    OWN.evaluator.transform_from_ntt_inplace(ciphertext)
    return OWN.polynomials(ciphertext, DATA_PRIMES)


def task_of(meter: Meter, total: Polynomials) -> FinishTask:
    return FinishTask(0, meter.zero, total, uniform_mod(RANDOM, OWN.plain, RING), errors(RANDOM), "labor")


def ones() -> npt.NDArray[np.int64]:
    return np.ones((1, RING), dtype=np.int64)


def huge(blocks: int = 4) -> npt.NDArray[np.int64]:
    return uniform_mod(RANDOM, OWN.plain, blocks * RING).astype(np.int64).reshape(blocks, RING)


# The bound


def test_s14_fresh_noise_is_at_most_21_and_a_rounding(meter: Meter) -> None:
    """The proof's first figure, and the meter itself: three standard deviations are about 10."""
    noise = meter.noise(unpacked(meter.encrypted(huge(1)[0]), DATA_PRIMES, sender="labor"))
    assert 8 < largest(noise) <= 21
    assert 2.9 < np.std(noise.astype(float)) < 3.6


@pytest.mark.parametrize("blocks", [1, 8])
def test_s14_accumulated_noise_is_below_the_proved_bound(meter: Meter, blocks: int) -> None:
    noise = meter.noise(coefficient_form(accumulated(meter, huge(blocks))))
    assert log2(largest(noise)) < log2(RING * 2**29 * 21.5 * blocks)
    assert log2(largest(noise)) > 36  # it does depend on the values: see the control below


def test_s14_the_worst_plaintext_stays_below_the_bound(meter: Meter) -> None:
    """Every coefficient of the multiplier's polynomial at ±t/2."""
    t = OWN.plain
    signs = uniform_mod(RANDOM, 2, RING).astype(bool)
    polynomial = np.where(signs, t // 2, t - t // 2).astype(np.uint64)
    ciphertext = sealapi.Ciphertext()
    meter.encryptor.encrypt_symmetric(OWN.plaintext(np.arange(RING)), ciphertext)
    plain = new_plaintext(OWN.context, plaintext_bytes(polynomial))
    OWN.evaluator.multiply_plain_inplace(ciphertext, plain)
    assert largest(meter.noise(OWN.polynomials(ciphertext, DATA_PRIMES))) < RING * 2**29 * 21.5


def test_s14_the_distance_is_below_two_to_the_minus_forty() -> None:
    """The docstring's arithmetic."""
    block = RING * 2**29 * 21.5
    bound = MAX_BLOCKS * block + (MAX_BLOCKS + 1) * RING * 21.5 + RING * 21 + 1
    assert log2(bound) < NOISE_BITS
    assert 13 + NOISE_BITS - (FLOOD_BITS + 1) <= -48.5
    half_scale = log2(DATA[0]) + log2(DATA[1]) + log2(DATA[2]) - 1 - log2(OWN.plain)
    assert half_scale > FLOOD_BITS + 12


# What the encryptor sees


def samples(meter: Meter, values: npt.NDArray[np.int64], count: int) -> list[npt.NDArray[np.float64]]:
    """Give the noise of `count` hidden products of the same values, in units of the flood."""
    total = accumulated(meter, values)
    return [(meter.noise(hidden(task_of(meter, total))) / 2**FLOOD_BITS).astype(float) for _ in range(count)]


def test_s14_noise_of_hidden_products_is_the_floods_for_any_values(meter: Meter) -> None:
    """S-14: two very different V, all coefficients pooled, against each other and against the uniform distribution."""
    one, other = (np.concatenate(samples(meter, values, 6)) for values in (ones(), huge()))
    assert stats.ks_2samp(one, other).pvalue > 1e-4
    for noise in (one, other):
        assert stats.kstest(noise, stats.uniform(-1, 2).cdf).pvalue > 1e-4
        assert noise.min() >= -1.0001
        assert noise.max() <= 1.0001


def test_s14_without_the_flood_the_noise_gives_the_values_away(meter: Meter, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: the same test rejects when nothing is added."""
    monkeypatch.setattr("tallystick.crypto.product_work.flooded", lambda polynomials, *_: polynomials)
    one, other = (np.concatenate(samples(meter, values, 1)) for values in (ones(), huge()))
    assert stats.ks_2samp(one, other).pvalue < 1e-9


def returned_noise(meter: Meter, total: Polynomials, count: int) -> list[Objects]:
    chunks = [finish(task_of(meter, total)) for _ in range(count)]
    return [meter.noise(unpacked(chunk, RETURNED_PRIMES, sender="housing")) for chunk in chunks]


def test_s14_noise_of_returned_chunks_is_the_same_for_any_values_and_decrypts(meter: Meter) -> None:
    """S-14 on the wire, after the modulus is dropped: 10 ciphertexts of each; the run of 2,000 is marked slow."""
    one, other = (returned_noise(meter, accumulated(meter, values), 10) for values in (ones(), huge()))
    pooled = [np.concatenate(part).astype(float) for part in (one, other)]
    assert stats.ks_2samp(*pooled).pvalue > 1e-4
    room = COEFFICIENT_PRIMES[0] / (2 * OWN.plain)
    assert max(map(largest, one + other)) < room / 2**11


@pytest.mark.slow
def test_s14_two_thousand_returned_chunks_of_two_values_cannot_be_told_apart(meter: Meter) -> None:
    """S-14: KS test at n = 2,000 ciphertexts, on one coefficient, on the largest and on the mean square (about two minutes)."""
    features: list[npt.NDArray[np.float64]] = []
    for values in (ones(), huge(8)):
        rows = []
        total = accumulated(meter, values)
        for _ in range(2000):
            noise = returned_noise(meter, total, 1)[0].astype(float)
            rows.append((noise[0], np.abs(noise).max(), np.mean(noise**2)))
        features.append(np.array(rows))
    for feature in range(3):
        assert stats.ks_2samp(features[0][:, feature], features[1][:, feature]).pvalue > 1e-3


def test_s14_c1_of_equal_products_is_fresh_each_time(meter: Meter) -> None:
    """The encryptor knows the c1 that it sent; what comes back in c1 must not be a function of it and of the values alone."""
    total = accumulated(meter, ones())
    task = task_of(meter, total)
    first, again = hidden(task), hidden(task)
    assert np.array_equal(first, again)
    other = hidden(replace(task, errors=errors(RANDOM)))
    assert not np.any(first[1] == coefficient_form(total)[1])
    assert not np.any(first[1] == other[1])
    bare = replace(task.errors, ternary=np.zeros(RING, dtype=np.int8))
    assert not np.array_equal(unmasked_c1(task, bare), first[1])


def unmasked_c1(task: FinishTask, bare: Errors) -> npt.NDArray[np.uint64]:
    """Give c1 with the small error alone."""
    limbs: npt.NDArray[np.uint64] = flooded(coefficient_form(task.total), bare, DATA)[1]
    return limbs


# The errors themselves


def crt(limbs: npt.NDArray[np.uint64], primes: Any = DATA) -> Objects:
    q = 1
    for prime in primes:
        q *= prime
    value: Objects = np.zeros(limbs.shape[1], dtype=object)
    for limb, prime in zip(limbs.astype(object), primes, strict=True):
        value = value + limb * (q // prime) * pow(q // prime, -1, prime)
    value = value % q
    return np.where(value > q // 2, value - q, value)


def test_the_flood_is_the_number_that_was_drawn_under_every_prime() -> None:
    flood = errors(RANDOM).flood.copy()
    flood[0], flood[1], flood[2] = 0, 255, [128] + [0] * 14
    values = crt(reduced_flood(flood, DATA))
    expected = [int.from_bytes(row.tobytes(), "big") - 2**FLOOD_BITS for row in flood]
    assert values.tolist() == expected
    assert expected[:3] == [-(2**119), 2**119 - 1, 0]


def test_small_errors_are_centred_binomial() -> None:
    values = np.concatenate([small(RANDOM) for _ in range(20)])
    assert np.abs(values).max() <= 21
    expected = stats.binom(42, 0.5).pmf(np.arange(43)) * len(values)
    seen = np.bincount(values.astype(int) + 21, minlength=43)
    inner = slice(11, 32)
    rest = [expected.sum() - expected[inner].sum()], [seen.sum() - seen[inner].sum()]
    assert stats.chisquare(np.append(seen[inner], rest[1]), np.append(expected[inner], rest[0])).pvalue > 1e-4
    assert crt(reduced_small(values[:RING], DATA)).tolist() == values[:RING].tolist()


def test_ternary_values_are_uniform() -> None:
    values = np.concatenate([ternary(RANDOM) for _ in range(10)])
    assert stats.chisquare(np.bincount(values.astype(int) + 1, minlength=3)).pvalue > 1e-4


def test_addition_wraps_at_the_prime() -> None:
    limits = np.array(DATA, dtype=np.uint64)[:, None]
    top = limits - np.uint64(1)
    one = np.ones_like(top)
    assert np.array_equal(added(top, one, DATA), np.zeros_like(top))
    assert np.array_equal(added(top, top, DATA), limits - np.uint64(2))
    assert np.array_equal(added(np.zeros_like(top), top, DATA), top)


def test_nothing_of_the_errors_is_shown() -> None:
    assert repr(errors(RANDOM)) == "Errors()"
