"""Transforms, slots and products of polynomials, against Microsoft SEAL's, bit by bit, with the native kernel and without it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tenseal import sealapi

from tallystick.crypto import ntt, residues, seal_bytes
from tallystick.crypto.bfv import DATA, DATA_PRIMES, RETURNED_PRIMES, Scheme, drop_prime, scheme
from tallystick.crypto.flooding import RING
from tallystick.crypto.kernel import PORTABLE, native
from tallystick.crypto.modulus import PRIMES
from tallystick.crypto.ntt import ROOTS, encode_slots, lift, transform, transform_back
from tallystick.crypto.residues import Residues, add_products, multiply

WORDS = DATA_PRIMES * RING
RNG = np.random.default_rng(20261201)


@pytest.fixture(params=["native", PORTABLE], autouse=True)
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == PORTABLE:
        for module in (ntt, residues):
            monkeypatch.setattr(module, "choose_path", lambda: PORTABLE)
    elif native is None:
        pytest.skip("the native kernel is not built here")


@pytest.fixture(name="own", params=range(len(PRIMES)))
def own_scheme(request: pytest.FixtureRequest) -> Scheme:
    return scheme(request.param)


def random_residues(*shape: int) -> Residues:
    return np.stack([RNG.integers(0, prime, (*shape, RING), dtype=np.uint64) for prime in DATA], axis=-2)


def encoded(own: Scheme, slots: npt.NDArray[Any]) -> Any:
    plaintext = sealapi.Plaintext()
    own.encoder.encode((slots % own.plain).tolist(), plaintext)
    return plaintext


def in_ntt_form(own: Scheme, plaintext: Any) -> Any:
    transformed = sealapi.Plaintext()
    own.evaluator.transform_to_ntt(plaintext, own.parms_ids[DATA_PRIMES], transformed)
    return transformed


@pytest.mark.parametrize("count", [0, 1, 4097, RING])
def test_slots_are_encoded_and_transformed_as_seal_does(own: Scheme, count: int) -> None:
    slots = RNG.integers(-(2**40), 2**40, count)
    coefficients, theirs = encode_slots(slots, own.plain), encoded(own, slots)
    assert np.array_equal(coefficients, seal_bytes.plaintext_words(theirs, seal_bytes.NO_LEVEL, RING))
    if count:  # SEAL refuses zero
        words = seal_bytes.plaintext_words(in_ntt_form(own, theirs), own.parms_ids[DATA_PRIMES], WORDS)
        assert np.array_equal(own.transform_slots(slots), words.reshape(DATA_PRIMES, RING))
    assert not encode_slots(np.zeros(count, dtype=np.int64), own.plain).any()


def test_a_transform_back_undoes_it_and_takes_many_at_once() -> None:
    rows = random_residues(2, 3)
    there = transform(rows, DATA)
    assert np.array_equal(transform_back(there, DATA), rows)
    assert np.array_equal(there[1, 2], transform(rows[1, 2], DATA))
    edges = np.stack([np.full(RING, prime - 1, dtype=np.uint64) for prime in DATA])
    assert np.array_equal(transform_back(transform(edges, DATA), DATA), edges)


def test_lifting_is_to_the_integers_around_zero(own: Scheme) -> None:
    half = own.plain // 2
    lifted = lift(np.array([0, 1, half, half + 1, own.plain - 1], dtype=np.uint64), own.plain, DATA)
    assert lifted.tolist() == [[0, 1, half, prime - half, prime - 1] for prime in DATA]


@pytest.mark.parametrize("prime", [*DATA, *PRIMES])
def test_roots_are_the_smallest(prime: int) -> None:
    root = ROOTS[prime]
    assert pow(root, RING, prime) == prime - 1
    assert root == min(pow(root, odd, prime) for odd in range(1, 2 * RING, 2))


def test_sums_of_products_are_seals(own: Scheme) -> None:
    blocks, lefts, rights, pairs = 3, 2, 2, ((0, 0), (1, 0), (1, 1))
    left, slots, start = random_residues(blocks, lefts, 2), RNG.integers(1, 2**30, (blocks, rights, 40)), random_residues(3, 2)
    sums = start.copy()
    add_products(sums, left, np.array([[own.transform_slots(row) for row in block] for block in slots]), pairs, DATA)
    for (i, j), first, total in zip(pairs, start, sums, strict=True):
        theirs = own.ciphertext(first, ntt=True)
        for block in range(blocks):
            product = own.ciphertext(left[block, i], ntt=True)
            own.evaluator.multiply_plain_inplace(product, in_ntt_form(own, encoded(own, slots[block, j])))
            own.evaluator.add_inplace(theirs, product)
        assert np.array_equal(total, own.polynomials(theirs, DATA_PRIMES, ntt=True))


def test_a_block_of_zeros_adds_nothing_and_no_block_changes_nothing(own: Scheme) -> None:
    left, start = random_residues(1, 1, 2), random_residues(1, 2)
    sums = start.copy()
    add_products(sums, left, own.transform_slots(np.zeros(5, dtype=np.int64))[None, None], ((0, 0),), DATA)
    add_products(sums, left[:0], random_residues(0, 1), ((0, 0),), DATA)
    assert np.array_equal(sums, start)


def test_many_of_the_largest_products_add_up_exactly(request: pytest.FixtureRequest) -> None:
    """The sum of a tile is reduced once: 300 blocks of the largest residues."""
    top = np.array(DATA, dtype=np.uint64)[:, None] - np.uint64(1) + np.zeros((1, RING), dtype=np.uint64)
    sums = np.stack([top, top])[None].copy()
    blocks = 3 if request.node.callspec.params["path"] == PORTABLE else 300
    add_products(
        sums, np.broadcast_to(top, (blocks, 1, 2, *top.shape)), np.broadcast_to(top, (blocks, 1, *top.shape)), ((0, 0),), DATA
    )
    assert np.array_equal(sums[0, 0, :, 0], np.array([(blocks - 1) % prime for prime in DATA], dtype=np.uint64))


def test_a_mask_is_added_and_a_prime_dropped_as_seal_does(own: Scheme) -> None:
    product, mask = random_residues(2), RNG.integers(0, own.plain, RING, dtype=np.uint64)
    theirs = own.ciphertext(product)
    own.evaluator.add_plain_inplace(theirs, encoded(own, mask))
    masked = product.copy()
    masked[0] = residues.add(masked[0], own.scale(mask), DATA)
    assert np.array_equal(masked, own.polynomials(theirs, DATA_PRIMES))
    own.evaluator.mod_switch_to_next_inplace(theirs)
    assert np.array_equal(drop_prime(masked), own.polynomials(theirs, RETURNED_PRIMES))


def test_products_of_whole_rows_are_those_of_broadcast_ones() -> None:
    left, right = random_residues(4), random_residues(4)
    assert np.array_equal(multiply(left, right, DATA), multiply(left[:, None], right[:, None], DATA)[:, 0])
    assert np.array_equal(multiply(left, right, DATA)[0], multiply(left[0], np.array(right[0]), DATA))


@pytest.mark.skipif(native is None, reason="the native kernel is not built here")
def test_the_kernel_refuses_what_does_not_fit() -> None:
    words, moduli = np.zeros((1, 1, 2, 3, 8), dtype=np.uint64), np.array(DATA, dtype=np.uint64)
    pairs, sums, right = (
        np.zeros((1, 2), dtype=np.uint32),
        np.zeros((1, 2, 3, 8), dtype=np.uint64),
        np.zeros((1, 1, 3, 8), dtype=np.uint64),
    )
    native.add_products(words, right, pairs, moduli, sums, 1)
    big = np.array([*DATA[:2], 1 << 55], dtype=np.uint64)
    for bad in (
        (words, right, pairs, moduli, sums, 0),
        (words, right, pairs, moduli, sums, -1),
        (words, right, pairs, moduli, sums, 1 << 62),
        (words[..., :4].copy(), right, pairs, moduli, sums, 1),
        (words, right[..., :4].copy(), pairs, moduli, sums, 1),
        (words, right, pairs + np.uint32(1), moduli, sums, 1),
        (words, right, pairs, big, sums, 1),
        (words, right, pairs, moduli[:0], sums, 1),
        (words, right, pairs[:0], moduli, sums, 1),
    ):
        with pytest.raises(ValueError, match="add_products"):
            native.add_products(*bad)
    row = np.zeros(8, dtype=np.uint64)
    for roots, shoups, prime in (
        (row[:6], row[:6], 97),
        (row, row[:4], 97),
        (row, row, 1 << 61),
        (row, row, 1),
        (row[:0], row[:0], 97),
    ):
        with pytest.raises(ValueError, match="transform"):
            native.transform(row.copy(), roots.copy(), shoups.copy(), prime, False)
    for left, moduli_, ring in ((row, moduli[:1], 0), (row, moduli[:1], 3), (row[:4].copy(), moduli[:1], 8), (row, big[2:], 8)):
        with pytest.raises(ValueError, match="multiply_residues"):
            native.multiply_residues(left, row.copy(), moduli_, row.copy(), ring)
