"""Products of columns into shares: exact (S-11) and uniform (S-12), as a stream, in worker processes."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tallystick.crypto.bfv import ANSWER_BYTES, COLUMN_BYTES, DATA, read_answer, read_column, scheme
from tallystick.crypto.errors import PeerFault
from tallystick.crypto.expansion import column_c1, confirmation, zero_c1
from tallystick.crypto.flooding import RING, errors, ternary
from tallystick.crypto.layout import Columns, Layout
from tallystick.crypto.modulus import PRIMES, modulus, to_signed
from tallystick.crypto.product_work import (
    EncryptTask,
    FinishTask,
    MultiplyTask,
    OpenTask,
    encrypt,
    finish,
    multiply,
    open_sum,
)
from tallystick.crypto.products import encrypt_columns, open_products, products
from tallystick.crypto.randomness import SeededRandomness, uniform_mod
from tests.products import KEY, RANDOM, SERIAL, all_pairs, keys, layout_of, shares

A = TypeVar("A")
B = TypeVar("B")


def exact(a: Columns, b: Columns, layout: Layout) -> list[int]:
    """Compute in the clear, on Python's integers."""
    return [sum(x * y for x, y in zip(a[i].tolist(), b[j].tolist(), strict=True)) for i, j in layout.pairs]


def assert_exact(a: Columns, b: Columns, layout: Layout, workers: Any = SERIAL) -> None:
    left, right = shares(a, b, layout, workers)
    for mine, theirs, want, primes in zip(left, right, exact(a, b, layout), layout.primes, strict=True):
        total = modulus(primes)
        assert 0 <= mine < total
        assert 0 <= theirs < total
        assert (mine + theirs - want) % total == 0
        if 2 * abs(want) < total:
            assert to_signed(mine + theirs, primes) == want


@st.composite
def problems(draw: st.DrawFn) -> tuple[Columns, Columns, Layout]:
    left, right = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    slots = draw(st.sampled_from([1, 2, 100, RING - 1, RING, RING + 1]))
    pairs = tuple(draw(st.lists(st.sampled_from(all_pairs(left, right)), min_size=1, max_size=4)))
    primes = tuple(draw(st.integers(1, 4)) for _ in pairs)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))

    def columns(count: int) -> Columns:
        kinds = [draw(st.sampled_from(["zero", "ones", "indicator", "signed", "huge"])) for _ in range(count)]
        made: dict[str, Callable[[], Columns]] = {
            "zero": lambda: np.zeros(slots, dtype=np.int64),
            "ones": lambda: np.ones(slots, dtype=np.int64),
            "indicator": lambda: rng.integers(0, 2, slots),
            "signed": lambda: rng.integers(-1000, 1001, slots),
            "huge": lambda: rng.integers(-(2**62), 2**62, slots),
        }
        return np.stack([made[kind]() for kind in kinds])

    return columns(left), columns(right), Layout(left, right, pairs, primes, slots)


@settings(max_examples=25, deadline=None)
@given(problems())
def test_s11_shares_add_up_to_the_exact_sum(problem: tuple[Columns, Columns, Layout]) -> None:
    """S-11: negatives, zero columns, repeated pairs, part of the columns, one block and two, one prime to four."""
    assert_exact(*problem)


@pytest.mark.slow
@settings(max_examples=1000, deadline=None)
@given(problems())
def test_s11_a_thousand_random_problems(problem: tuple[Columns, Columns, Layout]) -> None:
    """S-11, the long run (about three minutes)."""
    assert_exact(*problem)


def test_s15_the_largest_sums_that_fit_are_exact_and_one_more_wraps() -> None:
    """S-15 at the boundary of one prime: the planner's bound is the right one."""
    half = (PRIMES[0] - 1) // 2
    layout = Layout(2, 1, ((0, 0), (1, 0)), (1, 1), 2)
    a = np.array([[half - 1, 1], [1 - half, -1]], dtype=np.int64)
    b = np.array([[1, 1]], dtype=np.int64)
    left, right = shares(a, b, layout)
    assert [to_signed(x + y, 1) for x, y in zip(left, right, strict=True)] == [half, -half]
    left, right = shares(a, np.array([[1, 2]], dtype=np.int64), layout)
    assert [to_signed(x + y, 1) for x, y in zip(left, right, strict=True)] == [-half, half]


def test_sums_of_cents_need_two_primes_and_are_exact() -> None:
    rng = np.random.default_rng(1)
    wages = rng.integers(0, 10_000_000, (1, 20_000))
    present = rng.integers(0, 2, (2, 20_000))
    layout = layout_of(2, 1, 20_000, primes=2)
    assert exact(present, wages, layout)[0] > PRIMES[0]
    assert_exact(present, wages, layout)


def test_no_pairs_no_products() -> None:
    layout = Layout(1, 1, (), (), 10)
    ten = np.ones((1, 10), dtype=np.int64)
    assert shares(ten, ten, layout) == ([], [])


# How many are wrong


def wrong_products(per_prime: int, seed: int) -> tuple[int, int]:
    """Multiply ciphertexts at the largest values that there are, under each of three primes; give (products, wrong ones).

    Columns hold any integers below t, one block each; every product of every pair is compared, in all its slots together.
    """
    rng = np.random.default_rng(seed)
    left, right, blocks, done, wrong = 5, 20, 1, 0, 0
    for prime in range(3):
        own = scheme(prime)
        for _ in range(-(-per_prime // (left * right))):
            a, b = (rng.integers(-(own.plain // 2), own.plain // 2 + 1, (n, blocks * RING)) for n in (left, right))
            signs = rng.integers(0, 2, (1, blocks * RING)) * (own.plain - 1) - own.plain // 2
            a[0], b[0] = signs, -signs  # the largest of all
            layout = Layout(left, right, all_pairs(left, right), (prime + 1,) * (left * right), blocks * RING)
            x, y = under_one_prime(a, b, layout, prime)
            for one, other, (i, j) in zip(x, y, layout.pairs, strict=True):
                products_of_slots = (a[i] % own.plain).astype(np.uint64) * (b[j] % own.plain).astype(np.uint64)
                exact = int((products_of_slots % np.uint64(own.plain)).sum()) % own.plain
                wrong += (one + other - exact) % own.plain != 0
                done += 1
    return done, wrong


def under_one_prime(a: Columns, b: Columns, layout: Layout, prime: int) -> tuple[list[int], list[int]]:
    """Run the tasks of one plaintext prime alone: the shares modulo that prime, of the encryptor and of the multiplier."""
    own, secret, blocks = scheme(prime), keys().secrets[prime], layout.blocks
    which = tuple(range(layout.left))
    cut = (a.reshape(layout.left, blocks, RING), b.reshape(layout.right, blocks, RING))
    zero, *sent = encrypt(EncryptTask(((prime, secret, which),), cut[0], 0, True, KEY, RANDOM.take(32)))
    each = tuple(tuple(sent[block * layout.left : (block + 1) * layout.left]) for block in range(blocks))
    task = MultiplyTask(prime, KEY, zero, each, 0, which, cut[1], layout.pairs, ternary(RANDOM), "labor")
    mine, theirs = [], []
    for total in multiply(task):
        mask = uniform_mod(RANDOM, own.plain, RING)
        back = finish(FinishTask(prime, KEY, zero, total, mask, errors(RANDOM, own.flood_width), "labor"))
        theirs.append(-int(mask.sum()) % own.plain)
        mine.append(open_sum(OpenTask(prime, secret, back, "labor")))
    return mine, theirs


def test_s11_no_product_of_some_hundreds_is_wrong() -> None:
    """S-11, S-42: largest values, three primes; the run of 10,000 is marked slow."""
    assert wrong_products(100, 1) == (300, 0)


@pytest.mark.slow
def test_s11_no_product_of_ten_thousand_is_wrong() -> None:
    """S-11, S-42: 0 of 10,200 at three primes and the largest values (about five minutes)."""
    assert wrong_products(3400, 2) == (10_200, 0)


# Uniformity


def test_s12_what_the_encryptor_decrypts_is_uniform_in_every_slot() -> None:
    """S-12: the same inputs again and again; also in the slots that the columns do not reach."""
    layout, one = layout_of(1, 1, 100), np.ones((1, 100), dtype=np.int64)
    sent = list(encrypt_columns(keys(), one, layout, RANDOM, SERIAL, key=KEY))
    own = scheme(0)
    decryptor = own.decryptor(keys().secrets[0])
    seen = []
    for _ in range(10):
        (_, back), _ = products(iter(sent), one, layout, RANDOM, SERIAL, key=KEY, sender="labor")
        seen.append(own.slots(decryptor, own.ciphertext(read_answer(back, sender="housing"))))
    slots = np.stack(seen)
    for part in (slots[:, :100], slots[:, 100:]):
        bins = np.bincount((part.ravel() * np.uint64(50) // np.uint64(own.plain)).astype(int), minlength=50)
        assert stats.chisquare(bins).pvalue > 1e-3
    assert len(np.unique(slots[:, 0])) == 10


@pytest.mark.parametrize("primes", [1, 2])
def test_s12_each_sides_shares_are_uniform(primes: int) -> None:
    """S-12: chi-square over T of 100 shares of each side, the inputs always the same."""
    layout = layout_of(5, 4, 10, primes)
    a, b = np.full((5, 10), 3, dtype=np.int64), np.full((4, 10), 2, dtype=np.int64)
    left: list[int] = []
    right: list[int] = []
    sent = list(encrypt_columns(keys(), a, layout, RANDOM, SERIAL, key=KEY))
    for _ in range(5):
        back, mine = products(iter(sent), b, layout, RANDOM, SERIAL, key=KEY, sender="labor")
        right += mine
        left += open_products(keys(), back, layout, SERIAL, key=KEY, sender="housing")
    for side in (left, right):
        bins = np.bincount([share * 5 // modulus(primes) for share in side], minlength=5)
        assert stats.chisquare(bins).pvalue > 1e-3
        assert len(set(side)) == len(side)


# The stream


class Watching:
    """Serial workers that count the tasks that were drawn."""

    count = 2
    far = False
    drawn = 0

    def map(self, function: Callable[[A], B], arguments: Iterable[A]) -> Iterator[B]:
        for argument in arguments:
            self.drawn += 1
            yield function(pickle.loads(pickle.dumps(argument)))

    def make_ready(self, function: Callable[[], object]) -> None:
        """Nothing takes time to start here."""


def test_ciphertexts_are_made_as_they_are_read_and_read_as_they_come() -> None:
    layout = layout_of(2, 2, 20 * RING)
    a = np.ones((2, layout.slots), dtype=np.int64)
    watching = Watching()
    sent = encrypt_columns(keys(), a, layout, RANDOM, watching, key=KEY)
    assert watching.drawn == 0
    next(sent)
    assert watching.drawn == 0  # the confirmation
    next(sent)
    assert watching.drawn == 1  # one task: the encryption of zero
    next(sent)
    assert watching.drawn == 2
    assert len(list(sent)) == layout.sent_ciphertexts - 2
    assert watching.drawn == 1 + 20 // 4


def test_every_chunk_has_its_place_and_size() -> None:
    """Block by block, prime by prime, column by column, a column only where a pair needs it."""
    layout = Layout(3, 2, ((0, 0), (2, 1), (0, 1)), (1, 2, 1), RING + 1)
    assert (layout.blocks, layout.primes_used) == (2, 2)
    assert [layout.list_left(p) for p in (0, 1)] == [(0, 2), (2,)]
    assert [layout.right_under(p) for p in (0, 1)] == [(0, 1), (1,)]
    assert [layout.pairs_under(p) for p in (0, 1)] == [(0, 1, 2), (1,)]
    assert (layout.sent_ciphertexts, layout.returned_ciphertexts) == (2 + 2 * 3, 4)
    a = np.arange(3 * (RING + 1), dtype=np.int64).reshape(3, RING + 1)
    sent = list(encrypt_columns(keys(), a, layout, RANDOM, SERIAL, key=KEY))
    assert sent[0] == confirmation(KEY, "columns", layout.digest())
    assert [len(chunk) for chunk in sent[1:]] == [COLUMN_BYTES] * 8
    expected = [(0, 0, None), (1, 0, None), (0, 0, 0), (0, 0, 2), (1, 0, 2), (0, 1, 0), (0, 1, 2), (1, 1, 2)]
    for chunk, (prime, block, column) in zip(sent[1:], expected, strict=True):
        own = scheme(prime)
        c1 = zero_c1(KEY, prime, DATA, RING) if column is None else column_c1(KEY, prime, block, column, DATA, RING)
        ciphertext = own.ciphertext(np.stack([read_column(chunk, sender="labor"), c1]), ntt=True)
        own.evaluator.transform_from_ntt_inplace(ciphertext)
        slots = own.slots(own.decryptor(keys().secrets[prime]), ciphertext)
        want = np.zeros(RING, dtype=np.uint64)
        if column is not None:
            part = a[column, block * RING : (block + 1) * RING]
            want[: len(part)] = part
        assert np.array_equal(slots, want)
    back, _ = products(iter(sent), a[:2], layout, RANDOM, SERIAL, key=KEY, sender="labor")
    assert back[0] == confirmation(KEY, "products", layout.digest())
    assert [len(chunk) for chunk in back[1:]] == [ANSWER_BYTES] * 4


def test_uploads_are_half_of_what_a_whole_ciphertext_has() -> None:
    assert COLUMN_BYTES == 2 * 3 * RING * 7 // 2 == 172_032
    assert max(COLUMN_BYTES, ANSWER_BYTES) < 512 * 1024


@pytest.mark.parametrize(
    "other",
    [
        Layout(2, 1, ((0, 0),), (1,), 10),
        Layout(1, 2, ((0, 0),), (1,), 10),
        Layout(1, 1, ((0, 0),), (2,), 10),
        Layout(1, 1, ((0, 0),), (1,), 11),
        Layout(1, 1, ((0, 0), (0, 0)), (1, 1), 10),
        Layout(1, 1, (), (), 10),
    ],
)
def test_layouts_that_differ_in_anything_have_other_digests(other: Layout) -> None:
    assert other.digest() != Layout(1, 1, ((0, 0),), (1,), 10).digest()


def test_the_multipliers_side_is_made_again_from_a_seed() -> None:
    layout, one = layout_of(2, 1, 10), np.ones((2, 10), dtype=np.int64)
    sent = list(encrypt_columns(keys(), one, layout, RANDOM, SERIAL, key=KEY))
    first, again, other = (
        products(iter(sent), one[:1], layout, SeededRandomness(seed), SERIAL, key=KEY, sender="labor")
        for seed in (b"1", b"1", b"2")
    )
    assert first == again
    assert set(first[0][1:]).isdisjoint(other[0][1:])


def test_the_encryptors_side_is_made_again_from_a_seed() -> None:
    layout, one = layout_of(2, 1, RING + 1), np.ones((2, RING + 1), dtype=np.int64)
    first, again, other = (
        list(encrypt_columns(keys(), one, layout, SeededRandomness(seed), SERIAL, key=KEY)) for seed in (b"1", b"1", b"2")
    )
    assert first == again
    assert first[0] == other[0]
    assert set(first[1:]).isdisjoint(other[1:])


class Pool:
    """Two processes of their own, as a node has them."""

    count = 2
    far = False

    def __init__(self, executor: ProcessPoolExecutor) -> None:
        self._executor = executor

    def map(self, function: Callable[[A], B], arguments: Iterable[A]) -> Iterator[B]:
        waiting = [self._executor.submit(function, argument) for argument in arguments]
        return (one.result() for one in waiting)

    def make_ready(self, function: Callable[[], object]) -> None:
        for one in [self._executor.submit(function) for _ in range(self.count)]:
            one.result()


def test_everything_runs_in_worker_processes_and_faults_come_back_whole() -> None:
    layout = layout_of(2, 2, 3 * RING, primes=2)
    rng = np.random.default_rng(3)
    a, b = rng.integers(-9, 9, (2, layout.slots)), rng.integers(-9, 9, (2, layout.slots))
    with ProcessPoolExecutor(2, mp_context=get_context("forkserver")) as executor:
        pool = Pool(executor)
        assert_exact(a, b, layout, pool)
        sent = list(encrypt_columns(keys(), a, layout, RANDOM, pool, key=KEY))
        sent[3] = b"\xff" * len(sent[3])
        with pytest.raises(PeerFault) as refused:
            products(iter(sent), b, layout, RANDOM, pool, key=KEY, sender="labor")
        assert (refused.value.rule, refused.value.sender) == ("ciphertext-range", "labor")
