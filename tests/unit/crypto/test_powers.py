"""Masked powers: right for any number of agencies, uniform to all but one, and tests on them exact (S-12, S-19)."""

from __future__ import annotations

from itertools import combinations
from math import comb, factorial, prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tallystick.crypto.modulus import PRIMES, modulus
from tallystick.crypto.powers import (
    Batch,
    Int64s,
    P,
    column_to_encrypt,
    column_to_multiply,
    draw_masks,
    own_powers,
    polynomial_of,
    read_powers,
)
from tallystick.crypto.randomness import SeededRandomness, SystemRandomness
from tallystick.crypto.statistic.gate import GatePlan, cut_pad, join_pads, limbs_of
from tallystick.crypto.statistic.preparing import Preparation
from tests.protocol.gates import make_powers

RANDOM = SystemRandomness()


def pads(*values: int) -> Int64s:
    return np.array(values, dtype=np.int64)


def summed(held: list[Preparation], batch: int, what: str) -> Int64s:
    total: Int64s = sum(getattr(one.powers[batch], what) for one in held) % P
    return total


@pytest.mark.parametrize("agencies", [1, 2, 3, 5])
def test_s11_all_shares_together_are_powers_pads_times_them_and_triples(agencies: int) -> None:
    batches = (Batch(5, 4, (0, 3, 3, 3)), Batch(2, 7))
    plan = GatePlan(batches, {}, {9: (0, range(1)), 10: (0, range(1, 4))}, triples=3)
    held = make_powers(agencies, plan, (1,) * 10 + (2,))
    for at, batch in enumerate(batches):
        factors = np.array([prod(int(one.own[at].factors[count]) for one in held) % P for count in range(batch.size)])
        masks = np.stack([one.own[at].masks for one in held]).sum(axis=0) % P
        want = [
            [int(r) * pow(int(rho), i, P) * pow(factorial(i), -1, P) % P for i in range(batch.degree + 1)]
            for r, rho in zip(factors, masks, strict=True)
        ]
        assert summed(held, at, "plain").tolist() == want
        limbs = np.stack([one.own[at].pads for one in held]).sum(axis=0) % P
        times = [[int(limbs[pad]) * one % P for one in want[owner]] for pad, owner in enumerate(batch.owners)]
        assert summed(held, at, "padded").tolist() == times
    a, b, products = np.stack([one.triples for one in held]).sum(axis=0) % P
    assert np.array_equal(products, a * b % P)
    assert len(set(a.tolist() + b.tolist())) == 6


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_s19_a_test_is_zero_for_small_numbers_and_for_no_others(data: st.DataObject) -> None:
    """Local arithmetic alone: shares of powers that one agency holds."""
    small = range(data.draw(st.integers(0, 1)), data.draw(st.integers(1, 30)))
    counts = np.array([*data.draw(st.lists(st.integers(0, 1 << 29), max_size=20)), 0, *small, small.stop])
    batch = Batch(len(counts), len(small) + 1 + data.draw(st.integers(0, 3)))
    own = draw_masks(batch, pads(), SeededRandomness(data.draw(st.binary(min_size=4, max_size=4))))
    opened, powers = (counts + own.masks) % P, own_powers(batch, own).plain
    z = polynomial_of(small, times_count=False).evaluate(opened, powers)
    t = polynomial_of(small, times_count=True).evaluate(opened, powers)
    for count, factor, one, other in zip(counts.tolist(), own.factors.tolist(), z.tolist(), t.tolist(), strict=True):
        assert one == factor * prod(count - j for j in small) % P
        assert other == one * count % P
        assert (one == 0) == (count in small)


def test_a_known_test() -> None:
    """(x - 1)(x - 2) = 2 - 3x + x², and its derivatives."""
    assert polynomial_of(range(1, 3), times_count=False).derivatives == ((2, P - 3, 1), (P - 3, 2), (2,))
    assert polynomial_of(range(1, 1), times_count=True).derivatives == ((0, 1), (1,))
    assert polynomial_of(range(4), times_count=True).degree == 5


def test_columns_are_values_of_the_own_polynomial_at_the_first_whole_numbers() -> None:
    batch = Batch(1, 2, (0,))
    own = draw_masks(batch, pads(7), SeededRandomness(b"seed"))
    r, rho = int(own.factors[0]), int(own.masks[0])
    values = [r * (1 + rho * x + rho * rho * x * x * pow(2, -1, P)) % P for x in range(5)]
    times = [7 * one % P for one in values]
    assert column_to_encrypt(batch, own).tolist() == values + times + values
    assert column_to_multiply(batch, own_powers(batch, own)).tolist() == values + values + times
    assert (r, rho) == (121356845, 490045334)


def test_products_of_values_are_read_as_products_of_polynomials() -> None:
    batch = Batch(2, 3)
    own, other = (draw_masks(batch, pads(), RANDOM) for _ in range(2))
    product = column_to_encrypt(batch, own) * column_to_multiply(batch, own_powers(batch, other)) % P
    read = read_powers(batch, product).plain
    for row in range(2):
        for i in range(4):
            masks = int(own.masks[row]), int(other.masks[row])
            binomial = sum(comb(i, j) * pow(masks[0], j, P) * pow(masks[1], i - j, P) for j in range(i + 1))
            assert read[row, i] == int(own.factors[row]) * int(other.factors[row]) * binomial * pow(factorial(i), -1, P) % P


def test_s12_all_agencies_but_one_see_uniform_numbers_whatever_the_count_is() -> None:
    """Shares of powers of any two of three, what the third adds to a masked count, and z of a count that is not small."""
    size, small = 700, range(1, 11)
    batch = Batch(size, len(small) + 1, tuple(range(size)))
    held = make_powers(3, GatePlan((batch,), {}, {at: (0, range(at, at + 1)) for at in range(size)}), (1,) * size)
    samples: list[Int64s] = []
    for one in held:
        samples += [one.powers[0].plain.reshape(-1), one.powers[0].padded.reshape(-1), one.own[0].masks]
    samples += [(one.powers[0].plain + other.powers[0].plain).reshape(-1) % P for one, other in combinations(held, 2)]
    masks = np.stack([one.own[0].masks for one in held]).sum(axis=0)
    for count in (3, 9, 12):
        opened = (masks + count) % P
        shares = [polynomial_of(small, times_count=False).evaluate(opened, one.powers[0].plain) for one in held]
        z = np.stack(shares).sum(axis=0) % P
        assert (not z.any()) == (count in small)
        samples += [opened, *shares, *([] if count in small else [z])]
    for sample in samples:
        bins = 16 if len(sample) < 5000 else 64
        assert stats.chisquare(np.bincount(sample * bins // P, minlength=bins)).pvalue > 1e-4


@pytest.mark.parametrize("primes", [1, 2, 3, 4])
@pytest.mark.parametrize("agencies", [2, 5])
def test_pads_of_all_agencies_are_read_from_their_limbs(primes: int, agencies: int) -> None:
    total = modulus(primes)
    for drawn in ([total - 1] * agencies, [0] * agencies, list(range(agencies)), [total // 2 + at for at in range(agencies)]):
        cut = [cut_pad(pad, primes) for pad in drawn]
        assert {len(one) for one in cut} == {limbs_of(primes)}
        limbs = [sum(each) for each in zip(*cut, strict=True)]
        assert primes == 1 or max(limbs) < PRIMES[0]
        assert join_pads([limb % P for limb in limbs], primes) == sum(drawn) % total
