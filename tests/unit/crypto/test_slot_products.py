"""Products at every slot: exact, uniform, and made of shares of other products where three agencies multiply (S-11, S-12)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tallystick.crypto.errors import LocalFault, PeerFault
from tallystick.crypto.flooding import RING
from tallystick.crypto.layout import Columns, Layout
from tallystick.crypto.modulus import PRIMES
from tallystick.crypto.products import encrypt_columns, open_products, products
from tallystick.crypto.slot_products import SlotShares, open_slot_products, slot_products
from tests.products import KEY, RANDOM, SERIAL, all_pairs, keys


def slot_shares(a: Columns, b: Columns, layout: Layout) -> tuple[SlotShares, SlotShares]:
    """Run the whole exchange: (the encryptor's shares, the multiplier's)."""
    sent = encrypt_columns(keys(), a, layout, RANDOM, SERIAL, key=KEY)
    back, mine = slot_products(sent, b, layout, RANDOM, SERIAL, key=KEY, sender="labor")
    chunks = list(back)
    assert len(chunks) == 1 + layout.returned_ciphertexts
    return open_slot_products(keys(), chunks, layout, SERIAL, key=KEY, sender="housing"), mine


@settings(max_examples=8, deadline=None)
@given(st.data())
def test_s11_shares_at_slots_add_up_to_the_product(data: st.DataObject) -> None:
    left, right = data.draw(st.integers(1, 2)), data.draw(st.integers(1, 2))
    slots = data.draw(st.sampled_from([1, 100, RING, RING + 3]))
    pairs = tuple(data.draw(st.lists(st.sampled_from(all_pairs(left, right)), min_size=1, max_size=3)))
    primes = tuple(data.draw(st.integers(1, 3)) for _ in pairs)
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    a, b = rng.integers(-(2**40), 2**40, (left, slots)), rng.integers(-3, 4, (right, slots))
    layout = Layout(left, right, pairs, primes, slots, at_slots=True)
    mine, theirs = slot_shares(a, b, layout)
    for pair, (i, j) in enumerate(pairs):
        for prime in range(layout.primes_used):
            want = a[i].astype(object) * b[j] % PRIMES[prime] if prime < primes[pair] else np.zeros(slots, dtype=object)
            assert np.array_equal((mine[prime, pair] + theirs[prime, pair]) % PRIMES[prime], want.astype(np.int64))


def test_s11_three_agencies_multiply_their_columns() -> None:
    """A and B take shares of a·b at every slot; C encrypts c to each, and all three hold shares of the sum of a·b·c."""
    rng = np.random.default_rng(4)
    slots = RING + 70
    a, b, c = rng.integers(0, 2, (1, slots)), rng.integers(0, 2, (1, slots)), rng.integers(-5000, 5000, (1, slots))
    x, y = slot_shares(a, b, Layout(1, 1, ((0, 0),), (2,), slots, at_slots=True))
    layout = Layout(1, 1, ((0, 0),), (2,), slots)
    total = 0
    for vectors in (x, y):
        sent = encrypt_columns(keys(), c, layout, RANDOM, SERIAL, key=KEY)
        back, mine = products(sent, vectors, layout, RANDOM, SERIAL, key=KEY, sender="c")
        total += mine[0] + open_products(keys(), back, layout, SERIAL, key=KEY, sender="holder")[0]
    assert total % (PRIMES[0] * PRIMES[1]) == int((a * b * c).sum()) % (PRIMES[0] * PRIMES[1])


def test_s12_each_side_alone_holds_uniform_numbers() -> None:
    ones = np.ones((1, RING), dtype=np.int64)
    layout = Layout(1, 1, ((0, 0),), (1,), RING, at_slots=True)
    sides = [
        np.concatenate([part[0, 0] for part in parts])
        for parts in zip(*(slot_shares(ones, ones, layout) for _ in range(3)), strict=True)
    ]
    for side in sides:
        counts = np.bincount(side * 64 // PRIMES[0], minlength=64)
        assert stats.chisquare(counts).pvalue > 0.001
    assert np.array_equal(sum(sides) % PRIMES[0], np.ones(3 * RING, dtype=np.int64))


def test_a_layout_of_sums_and_one_of_slots_are_not_taken_for_each_other() -> None:
    ones = np.ones((1, 5), dtype=np.int64)
    slots, sums = Layout(1, 1, ((0, 0),), (1,), 5, at_slots=True), Layout(1, 1, ((0, 0),), (1,), 5)
    with pytest.raises(LocalFault):
        slot_products([], ones, sums, RANDOM, SERIAL, key=KEY, sender="a")
    with pytest.raises(LocalFault):
        products([], ones, slots, RANDOM, SERIAL, key=KEY, sender="a")
    sent = list(encrypt_columns(keys(), ones, slots, RANDOM, SERIAL, key=KEY))
    with pytest.raises(PeerFault) as caught:
        products(sent, ones, sums, RANDOM, SERIAL, key=KEY, sender="a")
    assert caught.value.rule == "exchange-differs"


def test_too_few_and_too_many_ciphertexts_are_the_senders_fault() -> None:
    ones = np.ones((1, RING + 1), dtype=np.int64)
    layout = Layout(1, 1, ((0, 0),), (1,), RING + 1, at_slots=True)
    sent = list(encrypt_columns(keys(), ones, layout, RANDOM, SERIAL, key=KEY))
    for wrong in (sent[:-1], [*sent, sent[-1]]):
        with pytest.raises(PeerFault) as caught:
            list(slot_products(wrong, ones, layout, RANDOM, SERIAL, key=KEY, sender="a")[0])
        assert (caught.value.rule, caught.value.sender) == ("chunk-count", "a")
    back = list(slot_products(sent, ones, layout, RANDOM, SERIAL, key=KEY, sender="a")[0])
    for wrong in (back[:-1], [*back, back[-1]]):
        with pytest.raises(PeerFault) as caught:
            open_slot_products(keys(), wrong, layout, SERIAL, key=KEY, sender="b")
        assert (caught.value.rule, caught.value.sender) == ("chunk-count", "b")
