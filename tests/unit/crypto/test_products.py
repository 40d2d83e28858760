"""Products of columns into shares: exact (S-11), uniform (S-12), and safe from what a peer sends (S-16)."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tallystick.crypto import product_work
from tallystick.crypto.bfv import DATA_PRIMES, RETURNED_PRIMES, chunk_bytes, packed, scheme, unpacked
from tallystick.crypto.errors import CryptoError, LocalFault, PeerFault
from tallystick.crypto.flooding import RING
from tallystick.crypto.modulus import PRIMES, modulus, signed
from tallystick.crypto.products import (
    MAX_SLOTS,
    Columns,
    Keys,
    Layout,
    encrypted_columns,
    new_keys,
    opened_products,
    products,
)
from tallystick.crypto.randomness import SeededRandomness, SystemRandomness
from tallystick.crypto.workers import SerialWorkers

RANDOM = SystemRandomness()
SERIAL = SerialWorkers()
A = TypeVar("A")
B = TypeVar("B")


@cache
def keys() -> Keys:
    """Give one set of keys for the whole run: they are not what is tested."""
    return new_keys(4)


def all_pairs(left: int, right: int) -> tuple[tuple[int, int], ...]:
    return tuple((i, j) for i in range(left) for j in range(right))


def layout_of(left: int, right: int, slots: int, primes: int = 1) -> Layout:
    return Layout(left, right, all_pairs(left, right), (primes,) * (left * right), slots)


def shares(a: Columns, b: Columns, layout: Layout, workers: Any = SERIAL) -> tuple[list[int], list[int]]:
    """Run the whole exchange: (the encryptor's shares, the multiplier's)."""
    sent = encrypted_columns(keys(), a, layout, workers)
    back, mine = products(sent, b, layout, RANDOM, workers, sender="labor")
    assert len(back) == layout.returned_chunks
    return opened_products(keys(), back, layout, workers, sender="housing"), mine


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
            assert signed(mine + theirs, primes) == want


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
    assert [signed(x + y, 1) for x, y in zip(left, right, strict=True)] == [half, -half]
    left, right = shares(a, np.array([[1, 2]], dtype=np.int64), layout)
    assert [signed(x + y, 1) for x, y in zip(left, right, strict=True)] == [-half, half]


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


# Uniformity


def test_s12_what_the_encryptor_decrypts_is_uniform_in_every_slot() -> None:
    """S-12: the same inputs again and again; also in the slots that the columns do not reach."""
    layout, one = layout_of(1, 1, 100), np.ones((1, 100), dtype=np.int64)
    sent = list(encrypted_columns(keys(), one, layout, SERIAL))
    own = scheme(0)
    decryptor = own.decryptor(keys().secrets[0])
    seen = []
    for _ in range(10):
        (back,), _ = products(iter(sent), one, layout, RANDOM, SERIAL, sender="labor")
        seen.append(own.slots(decryptor, own.ciphertext(unpacked(back, RETURNED_PRIMES, sender="housing"))))
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
    sent = list(encrypted_columns(keys(), a, layout, SERIAL))
    for _ in range(5):
        back, mine = products(iter(sent), b, layout, RANDOM, SERIAL, sender="labor")
        right += mine
        left += opened_products(keys(), back, layout, SERIAL, sender="housing")
    for side in (left, right):
        bins = np.bincount([share * 5 // modulus(primes) for share in side], minlength=5)
        assert stats.chisquare(bins).pvalue > 1e-3
        assert len(set(side)) == len(side)


# The stream


class Watching:
    """Serial workers that count the tasks that were drawn."""

    count = 2
    drawn = 0

    def map(self, function: Callable[[A], B], arguments: Iterable[A]) -> Iterator[B]:
        for argument in arguments:
            self.drawn += 1
            yield function(pickle.loads(pickle.dumps(argument)))


def test_ciphertexts_are_made_as_they_are_read_and_read_as_they_come() -> None:
    layout = layout_of(2, 2, 20 * RING)
    a = np.ones((2, layout.slots), dtype=np.int64)
    watching = Watching()
    sent = encrypted_columns(keys(), a, layout, watching)
    assert watching.drawn == 0
    next(sent)
    assert watching.drawn == 1  # one task: the encryption of zero
    next(sent)
    assert watching.drawn == 2
    assert len(list(sent)) == layout.sent_chunks - 2
    assert watching.drawn == 1 + 20 // 4


def test_every_chunk_has_its_place_and_size() -> None:
    """Block by block, prime by prime, column by column, a column only where a pair needs it."""
    layout = Layout(3, 2, ((0, 0), (2, 1), (0, 1)), (1, 2, 1), RING + 1)
    assert (layout.blocks, layout.primes_used) == (2, 2)
    assert [layout.left_under(p) for p in (0, 1)] == [(0, 2), (2,)]
    assert [layout.right_under(p) for p in (0, 1)] == [(0, 1), (1,)]
    assert [layout.pairs_under(p) for p in (0, 1)] == [(0, 1, 2), (1,)]
    assert (layout.sent_chunks, layout.returned_chunks) == (2 + 2 * 3, 4)
    a = np.arange(3 * (RING + 1), dtype=np.int64).reshape(3, RING + 1)
    sent = list(encrypted_columns(keys(), a, layout, SERIAL))
    assert [len(chunk) for chunk in sent] == [chunk_bytes(DATA_PRIMES)] * 8
    assert chunk_bytes(DATA_PRIMES) < 512 * 1024
    expected = [(0, 0, None), (1, 0, None), (0, 0, 0), (0, 0, 2), (1, 0, 2), (0, 1, 0), (0, 1, 2), (1, 1, 2)]
    for chunk, (prime, block, column) in zip(sent, expected, strict=True):
        own = scheme(prime)
        slots = own.slots(own.decryptor(keys().secrets[prime]), own.ciphertext(unpacked(chunk, DATA_PRIMES, sender="labor")))
        want = np.zeros(RING, dtype=np.uint64)
        if column is not None:
            part = a[column, block * RING : (block + 1) * RING]
            want[: len(part)] = part
        assert np.array_equal(slots, want)
    back, _ = products(iter(sent), a[:2], layout, RANDOM, SERIAL, sender="labor")
    assert [len(chunk) for chunk in back] == [chunk_bytes(RETURNED_PRIMES)] * 4


def test_the_multipliers_side_is_made_again_from_a_seed() -> None:
    layout, one = layout_of(2, 1, 10), np.ones((2, 10), dtype=np.int64)
    sent = list(encrypted_columns(keys(), one, layout, SERIAL))
    first, again, other = (
        products(iter(sent), one[:1], layout, SeededRandomness(seed), SERIAL, sender="labor") for seed in (b"1", b"1", b"2")
    )
    assert first == again
    assert set(first[0]).isdisjoint(other[0])


class Pool:
    """Two processes of their own, as a node has them."""

    count = 2

    def __init__(self, executor: ProcessPoolExecutor) -> None:
        self._executor = executor

    def map(self, function: Callable[[A], B], arguments: Iterable[A]) -> Iterator[B]:
        waiting = [self._executor.submit(function, argument) for argument in arguments]
        return (one.result() for one in waiting)


def test_everything_runs_in_worker_processes_and_faults_come_back_whole() -> None:
    layout = layout_of(2, 2, 3 * RING, primes=2)
    rng = np.random.default_rng(3)
    a, b = rng.integers(-9, 9, (2, layout.slots)), rng.integers(-9, 9, (2, layout.slots))
    with ProcessPoolExecutor(2, mp_context=get_context("forkserver")) as executor:
        pool = Pool(executor)
        assert_exact(a, b, layout, pool)
        sent = list(encrypted_columns(keys(), a, layout, pool))
        sent[3] = b"\xff" * len(sent[3])
        with pytest.raises(PeerFault) as refused:
            products(iter(sent), b, layout, RANDOM, pool, sender="labor")
        assert (refused.value.rule, refused.value.sender) == ("ciphertext-range", "labor")


# Bad input


@dataclass(frozen=True)
class Exchange:
    layout: Layout
    b: Columns
    sent: tuple[bytes, ...]
    back: tuple[bytes, ...]


@pytest.fixture(scope="module")
def exchange() -> Exchange:
    return exchange_of(2)


@pytest.fixture(scope="module")
def small_exchange() -> Exchange:
    """Give the cheapest exchange, for many attacks."""
    return exchange_of(1)


def exchange_of(columns: int) -> Exchange:
    layout = layout_of(columns, columns, 50)
    a, b = np.full((columns, 50), 2, dtype=np.int64), np.full((columns, 50), 3, dtype=np.int64)
    sent = tuple(encrypted_columns(keys(), a, layout, SERIAL))
    return Exchange(layout, b, sent, tuple(products(sent, b, layout, RANDOM, SERIAL, sender="labor")[0]))


def test_too_few_and_too_many_chunks_are_refused(exchange: Exchange) -> None:
    for bad in (exchange.sent[:0], exchange.sent[:1], exchange.sent[:-1], (*exchange.sent, exchange.sent[-1])):
        with pytest.raises(PeerFault) as refused:
            products(bad, exchange.b, exchange.layout, RANDOM, SERIAL, sender="labor")
        assert (refused.value.rule, refused.value.sender) == ("chunk-count", "labor")
    for bad in (exchange.back[:0], exchange.back[:-1], (*exchange.back, exchange.back[-1])):
        with pytest.raises(PeerFault) as refused:
            opened_products(keys(), bad, exchange.layout, SERIAL, sender="housing")
        assert (refused.value.rule, refused.value.sender) == ("chunk-count", "housing")


def test_s16_a_sum_that_a_peer_made_to_cancel_is_computed_all_the_same(exchange: Exchange) -> None:
    """Two blocks that are each other's negative: SEAL alone would refuse their sum, and so tell something of the values."""
    layout, own = layout_of(1, 1, 2 * RING), scheme(0)
    one = unpacked(exchange.sent[1], DATA_PRIMES, sender="labor")
    ciphertext = own.ciphertext(one)
    own.evaluator.multiply_plain_inplace(ciphertext, own.small_plaintext(np.array([-1], dtype=np.int8)))
    negative = own.polynomials(ciphertext, DATA_PRIMES)
    assert not np.array_equal(one, negative)
    chunks = [exchange.sent[0], exchange.sent[1], packed(negative)]
    b = np.ones((1, 2 * RING), dtype=np.int64)
    back, mine = products(chunks, b, layout, RANDOM, SERIAL, sender="labor")
    left = opened_products(keys(), back, layout, SERIAL, sender="housing")
    assert (left[0] + mine[0]) % own.plain == 0


def mutated(chunk: bytes, rng: np.random.Generator) -> bytes:
    """Give a chunk with one thing wrong, or changed: length, range, transparency, or only other coefficients."""
    kind = rng.integers(0, 8)
    blob = bytearray(chunk)
    place = int(rng.integers(0, len(blob)))
    if kind == 0:
        return bytes(blob[:place])
    if kind == 1:
        return bytes(blob) + rng.bytes(int(rng.integers(1, 200)))
    if kind == 2:
        blob[place] ^= 1 << int(rng.integers(0, 8))
    elif kind == 3:
        return rng.bytes(len(blob))
    elif kind == 4:
        return bytes(len(blob))
    elif kind == 5:
        blob[len(blob) // 2 :] = bytes(len(blob) - len(blob) // 2)
    elif kind == 6:
        blob[:place], blob[place:] = blob[len(blob) - place :], blob[: len(blob) - place]
    else:
        length = int(rng.integers(1, 100))
        blob[place : place + length] = rng.bytes(len(blob[place : place + length]))
    return bytes(blob)


def attack(exchange: Exchange, count: int, seed: int) -> dict[str, int]:
    """Feed mutated blobs to every place where a peer's bytes are parsed; anything but an answer or a `PeerFault` is a failure."""
    rng = np.random.default_rng(seed)
    outcomes: dict[str, int] = {}
    for _ in range(count):
        try:
            if rng.integers(0, 3):
                bad = list(exchange.sent)
                place = int(rng.integers(0, len(bad)))
                bad[place] = mutated(bad[place], rng)
                products(bad, exchange.b, exchange.layout, RANDOM, SERIAL, sender="labor")
            else:
                bad = list(exchange.back)
                place = int(rng.integers(0, len(bad)))
                bad[place] = mutated(bad[place], rng)
                opened_products(keys(), bad, exchange.layout, SERIAL, sender="labor")
            outcome = "answered"
        except PeerFault as fault:
            outcome = f"{fault.sender}: {fault.rule}"
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    return outcomes


def test_s16_mutated_blobs_never_crash(small_exchange: Exchange) -> None:
    """S-16; the run of 10^5 is marked slow."""
    outcomes = attack(small_exchange, 1000, 1)
    rules = ("ciphertext-length", "ciphertext-range", "ciphertext-transparent")
    assert set(outcomes) == {"answered", *(f"labor: {rule}" for rule in rules)}


@pytest.mark.slow
def test_s16_a_hundred_thousand_mutated_blobs_never_crash(small_exchange: Exchange) -> None:
    """S-16: 0 crashes of 10^5 (about ten minutes)."""
    assert sum(attack(small_exchange, 100_000, 2).values()) == 100_000


def test_what_seal_refuses_is_the_peers_fault(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("result ciphertext is transparent")

    monkeypatch.setattr(product_work, "_multiplied", refuse)
    with pytest.raises(PeerFault) as refused:
        products(exchange.sent, exchange.b, exchange.layout, RANDOM, SERIAL, sender="labor")
    assert refused.value.rule == "ciphertext-refused"
    assert "transparent" not in str(refused.value)


@pytest.mark.parametrize(
    ("left", "right", "pairs", "primes", "slots"),
    [
        (1, 1, ((0, 1),), (1,), 10),
        (1, 1, ((1, 0),), (1,), 10),
        (1, 1, ((-1, 0),), (1,), 10),
        (1, 1, ((0, 0),), (), 10),
        (1, 1, ((0, 0),), (0,), 10),
        (1, 1, ((0, 0),), (5,), 10),
        (1, 1, ((0, 0),), (1,), 0),
        (1, 1, ((0, 0),), (1,), MAX_SLOTS + 1),
    ],
)
def test_layouts_that_do_not_fit_together_are_refused(
    left: int, right: int, pairs: tuple[tuple[int, int], ...], primes: tuple[int, ...], slots: int
) -> None:
    with pytest.raises(LocalFault) as refused:
        Layout(left, right, pairs, primes, slots)
    assert refused.value.rule == "layout-malformed"


def test_columns_of_another_shape_or_type_are_refused(exchange: Exchange) -> None:
    good = np.ones((2, 50), dtype=np.int64)
    bad: list[npt.NDArray[Any]] = [good[:1], good[:, :49], good.astype(np.float64), good.astype(np.int32), good[0]]
    for columns in bad:
        with pytest.raises(LocalFault):
            encrypted_columns(keys(), columns, exchange.layout, SERIAL)
        with pytest.raises(LocalFault):
            products(exchange.sent, columns, exchange.layout, RANDOM, SERIAL, sender="labor")


def test_keys_are_for_one_to_four_primes_and_enough_of_them() -> None:
    for bad in (0, 5):
        with pytest.raises(LocalFault):
            new_keys(bad)
    with pytest.raises(LocalFault) as refused:
        encrypted_columns(Keys(keys().secrets[:1]), np.ones((1, 1), dtype=np.int64), layout_of(1, 1, 1, primes=2), SERIAL)
    assert refused.value.rule == "keys-missing"


def test_secrets_and_values_are_not_shown() -> None:
    assert repr(keys()) == "Keys()"
    task = product_work.OpenTask(0, keys().secrets[0], b"chunk", "labor")
    assert "secret" not in repr(task)
    assert "chunk" not in repr(task)


@pytest.mark.parametrize("error", [PeerFault("rule", "what", sender="labor"), LocalFault("rule", "what")])
def test_errors_survive_the_way_back_from_a_worker(error: CryptoError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert again.__dict__ == error.__dict__
