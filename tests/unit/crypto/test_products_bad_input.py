"""What a peer sends instead of ciphertexts is refused, and is its fault alone (S-16)."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tallystick.crypto import product_work
from tallystick.crypto.bfv import DATA, Scheme, pack_residues, read_column
from tallystick.crypto.errors import CryptoError, LocalFault, PeerFault
from tallystick.crypto.expansion import exchange_key
from tallystick.crypto.flooding import MAX_PAIRS, RING
from tallystick.crypto.layout import MAX_SLOTS, Columns, Layout
from tallystick.crypto.modulus import PRIMES
from tallystick.crypto.products import SecretKeys, encrypt_columns, new_keys, open_products, products
from tallystick.crypto.residues import negate
from tests.products import KEY, RANDOM, SERIAL, keys, layout_of


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
    sent = tuple(encrypt_columns(keys(), a, layout, RANDOM, SERIAL, key=KEY))
    return Exchange(layout, b, sent, tuple(products(sent, b, layout, RANDOM, SERIAL, key=KEY, sender="labor")[0]))


def test_too_few_and_too_many_chunks_are_refused(exchange: Exchange) -> None:
    for bad in (exchange.sent[:1], exchange.sent[:2], exchange.sent[:-1], (*exchange.sent, exchange.sent[-1])):
        with pytest.raises(PeerFault) as refused:
            products(bad, exchange.b, exchange.layout, RANDOM, SERIAL, key=KEY, sender="labor")
        assert (refused.value.rule, refused.value.sender) == ("chunk-count", "labor")
    for bad in (exchange.back[:1], exchange.back[:-1], (*exchange.back, exchange.back[-1])):
        with pytest.raises(PeerFault) as refused:
            open_products(keys(), bad, exchange.layout, SERIAL, key=KEY, sender="housing")
        assert (refused.value.rule, refused.value.sender) == ("chunk-count", "housing")


def test_more_blocks_than_slots_are_too_many(exchange: Exchange) -> None:
    """The slots have one block; the sender has two."""
    more = layout_of(2, 2, RING + 1)
    a = np.full((2, RING + 1), 2, dtype=np.int64)
    sent = list(encrypt_columns(keys(), a, more, RANDOM, SERIAL, key=KEY))
    for bad, rule in ((sent, "exchange-differs"), ([exchange.sent[0], *sent[1:]], "chunk-count")):
        with pytest.raises(PeerFault) as refused:
            products(bad, exchange.b, exchange.layout, RANDOM, SERIAL, key=KEY, sender="labor")
        assert (refused.value.rule, refused.value.sender) == (rule, "labor")


def test_another_pair_key_or_layout_is_noticed_before_anything_is_multiplied(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the confirmation the products would be noise that nobody notices."""
    work: list[object] = []
    monkeypatch.setattr("tallystick.crypto.products.multiply", work.append)
    monkeypatch.setattr("tallystick.crypto.products.open_sum", work.append)
    others = [exchange_key(bytes(32), "columns", encryptor="housing", multiplier="labor")]
    others += [exchange_key(bytes(range(32)), "columns", encryptor="labor", multiplier="housing")]
    for key in others:
        with pytest.raises(PeerFault) as refused:
            products(exchange.sent, exchange.b, exchange.layout, RANDOM, SERIAL, key=key, sender="labor")
        assert (refused.value.rule, refused.value.sender) == ("exchange-differs", "labor")
        with pytest.raises(PeerFault) as refused:
            open_products(keys(), exchange.back, exchange.layout, SERIAL, key=key, sender="housing")
        assert (refused.value.rule, refused.value.sender) == ("exchange-differs", "housing")
    other = Layout(2, 2, exchange.layout.pairs, (2, 1, 1, 1), 50)
    for bad in ((), (b"",), exchange.sent[1:], exchange.back, (exchange.sent[0][:31], *exchange.sent[1:])):
        with pytest.raises(PeerFault) as refused:
            products(bad, exchange.b, exchange.layout, RANDOM, SERIAL, key=KEY, sender="labor")
        assert refused.value.rule == "exchange-differs"
    with pytest.raises(PeerFault) as refused:
        products(exchange.sent, exchange.b, other, RANDOM, SERIAL, key=KEY, sender="labor")
    assert refused.value.rule == "exchange-differs"
    for bad in ((), exchange.sent, exchange.back[1:]):
        with pytest.raises(PeerFault) as refused:
            open_products(keys(), bad, exchange.layout, SERIAL, key=KEY, sender="housing")
        assert refused.value.rule == "exchange-differs"
    assert work == []


def test_without_the_confirmation_another_pair_key_would_give_wrong_products(exchange: Exchange) -> None:
    """The control: the same bytes under another key, with a confirmation that fits, are multiplied to noise."""
    key = exchange_key(bytes(32), "columns", encryptor="housing", multiplier="labor")
    layout = exchange.layout
    sent = [next(encrypt_columns(keys(), exchange.b, layout, RANDOM, SERIAL, key=key)), *exchange.sent[1:]]
    back, mine = products(sent, exchange.b, layout, RANDOM, SERIAL, key=key, sender="labor")
    left = open_products(keys(), back, layout, SERIAL, key=key, sender="housing")
    assert all((x + y - 300) % PRIMES[0] for x, y in zip(left, mine, strict=True))


def test_s16_a_sum_that_a_peer_made_to_cancel_is_computed_all_the_same(exchange: Exchange) -> None:
    """Two blocks whose c0 are each other's negative, and two of zeros: what SEAL would refuse depends on c1 alone."""
    layout = layout_of(1, 1, 2 * RING)
    head = next(encrypt_columns(keys(), np.zeros((1, 2 * RING), dtype=np.int64), layout, RANDOM, SERIAL, key=KEY))
    one = read_column(exchange.sent[2], sender="labor")
    nothing = pack_residues(np.zeros_like(one))
    for zero, c0, other in (
        (exchange.sent[1], pack_residues(one), pack_residues(negate(one, DATA))),
        (nothing, nothing, nothing),
    ):
        for values in (np.ones((1, 2 * RING), dtype=np.int64), np.zeros((1, 2 * RING), dtype=np.int64)):
            back, mine = products([head, zero, c0, other], values, layout, RANDOM, SERIAL, key=KEY, sender="labor")
            assert len(back) == 2
            assert len(open_products(keys(), back, layout, SERIAL, key=KEY, sender="housing")) == len(mine) == 1


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
                products(bad, exchange.b, exchange.layout, RANDOM, SERIAL, key=KEY, sender="labor")
            else:
                bad = list(exchange.back)
                place = int(rng.integers(0, len(bad)))
                bad[place] = mutated(bad[place], rng)
                open_products(keys(), bad, exchange.layout, SERIAL, key=KEY, sender="labor")
            outcome = "answered"
        except PeerFault as fault:
            outcome = f"{fault.sender}: {fault.rule}"
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    return outcomes


def test_s16_mutated_blobs_never_crash(small_exchange: Exchange) -> None:
    """S-16; the run of 10^5 is marked slow."""
    outcomes = attack(small_exchange, 1000, 1)
    rules = ("ciphertext-length", "ciphertext-range", "ciphertext-transparent", "exchange-differs")
    assert set(outcomes) == {"answered", *(f"labor: {rule}" for rule in rules)}


@pytest.mark.slow
def test_s16_a_hundred_thousand_mutated_blobs_never_crash(small_exchange: Exchange) -> None:
    """S-16: 0 crashes of 10^5 (about ten minutes)."""
    assert sum(attack(small_exchange, 100_000, 2).values()) == 100_000


def test_what_seal_refuses_is_the_peers_fault(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("result ciphertext is transparent")

    monkeypatch.setattr(Scheme, "slots", refuse)
    with pytest.raises(PeerFault) as refused:
        open_products(keys(), exchange.back, exchange.layout, SERIAL, key=KEY, sender="housing")
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
        (1, 1, ((0, 0),) * (MAX_PAIRS + 1), (1,) * (MAX_PAIRS + 1), 10),
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
            encrypt_columns(keys(), columns, exchange.layout, RANDOM, SERIAL, key=KEY)
        with pytest.raises(LocalFault):
            products(exchange.sent, columns, exchange.layout, RANDOM, SERIAL, key=KEY, sender="labor")


def test_keys_are_for_one_to_four_primes_and_enough_of_them() -> None:
    for bad in (0, 5):
        with pytest.raises(LocalFault):
            new_keys(bad, RANDOM)
    few = SecretKeys(keys().secrets[:1])
    with pytest.raises(LocalFault) as refused:
        encrypt_columns(few, np.ones((1, 1), dtype=np.int64), layout_of(1, 1, 1, primes=2), RANDOM, SERIAL, key=KEY)
    assert refused.value.rule == "keys-missing"


def test_secrets_and_values_are_not_shown() -> None:
    assert repr(keys()) == "SecretKeys()"
    task = product_work.OpenTask(0, keys().secrets[0], b"chunk", "labor")
    assert "secret" not in repr(task)
    assert "chunk" not in repr(task)


@pytest.mark.parametrize("error", [PeerFault("rule", "what", sender="labor"), LocalFault("rule", "what")])
def test_errors_survive_the_way_back_from_a_worker(error: CryptoError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert again.__dict__ == error.__dict__
