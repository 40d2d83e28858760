"""What an agency holds while terms are computed, and how each exchange changes it.

An agency sends the `columns` of all exchanges that it encrypts as soon as it knows its slots; it answers an exchange that it multiplies in
when it holds the shares that it multiplies by. So all exchanges go on beside each other, in whatever order their messages come.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from tallystick.crypto import products
from tallystick.crypto.errors import LocalFault
from tallystick.crypto.expansion import exchange_key
from tallystick.crypto.flooding import MAX_ANSWERS, RING
from tallystick.crypto.layout import Layout
from tallystick.crypto.modulus import PRIMES, modulus
from tallystick.crypto.products import SecretKeys, encrypt_columns, new_keys, open_products
from tallystick.crypto.randomness import Randomness
from tallystick.crypto.slot_products import SlotShares, open_slot_products, slot_products
from tallystick.crypto.statistic.computation import Computation
from tallystick.crypto.statistic.term_plan import Chain, Multiplication
from tallystick.crypto.workers import Workers

Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Held:
    """What one agency holds of a computation.

    Attributes:
        computation: the same at all agencies.
        me: this agency.
        people: padded rows of all lists.
        columns: its own columns over slots, int64[columns, slots].
        pair_keys: by other agency, the key that the two alone hold.
        keys: its BFV keys, by exchange that it encrypts and that is not over.
        vectors: by chain, its shares at slots: (shares of an exchange, pair) to be added up.
        sums: by chain, its share of the sum over slots.
        done: numbers of the exchanges that are over for it.
    """

    computation: Computation
    me: str
    people: int
    columns: Int64s = field(repr=False)
    pair_keys: Mapping[str, bytes] = field(repr=False)
    keys: Mapping[int, SecretKeys] = field(repr=False, default_factory=dict)
    vectors: Mapping[Chain, tuple[tuple[SlotShares, int], ...]] = field(repr=False, default_factory=dict)
    sums: Mapping[Chain, int] = field(repr=False, default_factory=dict)
    done: frozenset[int] = frozenset()

    @property
    def due(self) -> tuple[Multiplication, ...]:
        """The exchanges of which this agency can take the next message: answers to it, and columns that it can multiply."""
        place = self.computation.agencies.index(self.me)
        term_plan = self.computation.term_plan
        return tuple(
            exchange
            for exchange in self.computation.multiplications_of(self.me)
            if exchange.number not in self.done
            and (exchange.encryptor == place or self.done.issuperset(term_plan.before(exchange)))
        )

    @property
    def over(self) -> bool:
        """Whether all of its exchanges are."""
        return len(self.done) == len(self.computation.multiplications_of(self.me))

    def shares(self) -> tuple[int, ...]:
        """Give its share of each term; 0 of those that it has no part in. Pre-condition: `over`."""
        return tuple(self.sums.get(chain, 0) for chain in self.computation.term_plan.chains)

    def layout(self, exchange: Multiplication) -> Layout:
        """Give the layout of one of its exchanges."""
        return self.computation.layout(exchange, self.people, self.columns.shape[1])

    def name(self, place: int) -> str:
        """Give the agency at a place."""
        return self.computation.agencies[place]


def encrypt_all(held: Held, randomness: Randomness, workers: Workers) -> tuple[Held, list[tuple[int, Iterator[bytes]]]]:
    """Give what this agency then holds, and the `columns` messages of all exchanges that it encrypts: their numbers and lazy chunks.

    Raises:
        LocalFault: `computation-malformed`: the job has more answers than `flooding.py` reckons with.
    """
    answers = sum(held.layout(one).returned_ciphertexts for one in held.computation.term_plan.multiplications)
    if held.computation.gate is not None:
        answers += len(held.computation.gate_exchanges) * -(-held.computation.gate_plan(held.people).slots // RING)
    if answers > MAX_ANSWERS:
        raise LocalFault("computation-malformed", f"a job of {answers} answers where {MAX_ANSWERS} are allowed")
    place = held.computation.agencies.index(held.me)
    keys: dict[int, SecretKeys] = {}
    sent = []
    for exchange in held.computation.multiplications_of(held.me):
        if exchange.encryptor != place:
            continue
        layout = held.layout(exchange)
        keys[exchange.number] = new_keys(layout.primes_used, randomness)
        columns = held.columns[list(exchange.columns)]
        chunks = encrypt_columns(keys[exchange.number], columns, layout, randomness, workers, key=_key(held, exchange))
        sent.append((exchange.number, chunks))
    return replace(held, keys=keys), sent


def multiply_columns(
    held: Held, number: int, chunks: Iterable[bytes], randomness: Randomness, workers: Workers
) -> tuple[Held, Iterable[bytes]]:
    """Answer a `columns` message: the chunks of `products`, lazily, and what this agency then holds.

    Raises:
        PeerFault: as `products.products`, here or while the chunks are read.
    """
    exchange = held.computation.term_plan.multiplications[number]
    layout, sender = held.layout(exchange), held.name(exchange.encryptor)
    vectors, key = _vectors(held, exchange, layout), _key(held, exchange)
    if exchange.at_slots:
        answer, shares = slot_products(chunks, vectors, layout, randomness, workers, key=key, sender=sender)
        return _with_slots(held, exchange, shares), answer
    back, sums = products.products(chunks, vectors, layout, randomness, workers, key=key, sender=sender)
    return _with_sums(held, exchange, layout, sums), back


def open_answer(held: Held, number: int, chunks: Iterable[bytes], workers: Workers) -> Held:
    """Take a `products` message: what this agency then holds; the exchange's BFV keys are gone.

    Raises:
        PeerFault: as `products.open_products`.
    """
    exchange = held.computation.term_plan.multiplications[number]
    layout, sender = held.layout(exchange), held.name(exchange.multiplier)
    keys, key = held.keys[exchange.number], _key(held, exchange)
    rest = replace(held, keys={other: one for other, one in held.keys.items() if other != number})
    if exchange.at_slots:
        return _with_slots(rest, exchange, open_slot_products(keys, chunks, layout, workers, key=key, sender=sender))
    return _with_sums(rest, exchange, layout, open_products(keys, chunks, layout, workers, key=key, sender=sender))


def _key(held: Held, exchange: Multiplication) -> bytes:
    encryptor, multiplier = held.name(exchange.encryptor), held.name(exchange.multiplier)
    other = multiplier if held.me == encryptor else encryptor
    return exchange_key(held.pair_keys[other], f"columns:{exchange.number}", encryptor=encryptor, multiplier=multiplier)


def _vectors(held: Held, exchange: Multiplication, layout: Layout) -> Int64s:
    """Give what the multiplier multiplies by: its own columns, and its shares of earlier products under each prime."""
    if all(len(vector) == 1 for vector in exchange.vectors):
        return held.columns[[vector[0][1] for vector in exchange.vectors]]
    stacked = np.zeros((layout.primes_used, layout.right, layout.slots), dtype=np.int64)
    for at, vector in enumerate(exchange.vectors):
        if len(vector) == 1:
            stacked[:, at] = held.columns[vector[0][1]]
            continue
        for shares, pair in held.vectors[vector]:
            for prime in range(layout.primes_used):
                stacked[prime, at] += shares[prime, pair]
                stacked[prime, at] %= PRIMES[prime]
    return stacked


def _with_slots(held: Held, exchange: Multiplication, shares: SlotShares) -> Held:
    vectors = dict(held.vectors)
    for pair, chain in enumerate(exchange.results):
        vectors[chain] = (*vectors.get(chain, ()), (shares, pair))
    return replace(held, vectors=vectors, done=held.done | {exchange.number})


def _with_sums(held: Held, exchange: Multiplication, layout: Layout, shares: list[int]) -> Held:
    sums = dict(held.sums)
    for chain, share, primes in zip(exchange.results, shares, layout.primes, strict=True):
        sums[chain] = (sums.get(chain, 0) + share) % modulus(primes)
    return replace(held, sums=sums, done=held.done | {exchange.number})
