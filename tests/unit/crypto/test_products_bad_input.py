"""What a peer sends instead of ciphertexts is refused, and is its fault alone (S-16)."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tallystick.crypto import product_work
from tallystick.crypto.bfv import DATA_PRIMES, packed, scheme, unpacked
from tallystick.crypto.errors import CryptoError, LocalFault, PeerFault
from tallystick.crypto.flooding import RING
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
from tests.products import RANDOM, SERIAL, keys, layout_of


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
