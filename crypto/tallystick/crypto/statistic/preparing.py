"""How agencies make what a job's tests need: masked powers (`crypto/powers.py`), and triples for products of shares.

The exchanges know nothing of any count. A triple is shares of a, b and a·b, a and b uniform (Beaver, Crypto 1991).

Every agency but the first encrypts one column to all before it, at once; each of those answers when it holds its shares of what the agencies
before the newest one have made. The exchanges are named `gate0`, `gate1`, …: by the encryptor's place, then by the multiplier's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

import numpy as np

from tallystick.crypto.expansion import exchange_key
from tallystick.crypto.layout import Layout
from tallystick.crypto.modulus import modulus
from tallystick.crypto.powers import (
    Int64s,
    OwnMasks,
    P,
    Powers,
    column_to_encrypt,
    column_to_multiply,
    draw_masks,
    own_powers,
    read_powers,
)
from tallystick.crypto.products import SecretKeys, encrypt_columns, new_keys
from tallystick.crypto.randomness import Randomness, uniform_below, uniform_mod
from tallystick.crypto.slot_products import SlotShares, open_slot_products, slot_products
from tallystick.crypto.statistic.gate import GatePlan, cut_pad
from tallystick.crypto.statistic.rounds import Exchange
from tallystick.crypto.workers import Workers

NAME: Final = "gate"


def gate_exchanges(agencies: tuple[str, ...]) -> tuple[Exchange, ...]:
    """Give the exchanges that make the powers."""
    made: list[Exchange] = []
    for place in range(1, len(agencies)):
        for other in range(place):
            # what `other` holds of the powers so far: from all of its exchanges if it is the newest there, or else from one
            needs = tuple(
                one.number
                for one in made
                if (one.encryptor == agencies[other] if other == place - 1 else _is(one, agencies[place - 1], agencies[other]))
            )
            made.append(Exchange(agencies[place], agencies[other], f"{NAME}{len(made)}", needs))
    return tuple(made)


def _is(exchange: Exchange, encryptor: str, multiplier: str) -> bool:
    return (exchange.encryptor, exchange.multiplier) == (encryptor, multiplier)


@dataclass(frozen=True)
class Preparation:
    """What one agency holds of the powers.

    Attributes:
        agencies: in the order of their names.
        me: this one.
        plan: the same at all agencies.
        own: what this agency drew, by batch.
        factors: its shares of a and of b of each triple, int64[2, triples].
        pads: its pad of each cell that rests on a count, modulo the cell's modulus.
        pair_keys: by other agency, the key that the two alone hold.
        keys: its BFV keys, by number of an exchange that it encrypts and that is not over.
        parts: shares at slots that add up to this agency's share of the powers so far; none at the first agency as long as its own
            are all there is.
        crossed: shares at slots of all its exchanges, for the triples.
        done: numbers of the exchanges that are over for it.
    """

    agencies: tuple[str, ...]
    me: str
    plan: GatePlan
    own: tuple[OwnMasks, ...] = field(repr=False)
    factors: Int64s = field(repr=False)
    pads: Mapping[int, int] = field(repr=False)
    pair_keys: Mapping[str, bytes] = field(repr=False)
    keys: Mapping[str, SecretKeys] = field(repr=False, default_factory=dict)
    parts: tuple[SlotShares, ...] = field(repr=False, default=())
    crossed: tuple[SlotShares, ...] = field(repr=False, default=())
    done: frozenset[str] = frozenset()

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """Its exchanges."""
        return tuple(one for one in gate_exchanges(self.agencies) if self.me in (one.encryptor, one.multiplier))

    @property
    def due(self) -> set[str]:
        """The numbers of the exchanges of which it can take the next message."""
        return {
            one.number
            for one in self.exchanges
            if one.number not in self.done and (one.encryptor == self.me or self.done.issuperset(one.needs))
        }

    @property
    def over(self) -> bool:
        """Whether all of its exchanges are."""
        return len(self.done) == len(self.exchanges)

    @property
    def layout(self) -> Layout:
        """The layout of each exchange."""
        return gate_layout(self.plan)

    @cached_property
    def powers(self) -> tuple[Powers, ...]:
        """This agency's shares of the powers that there are so far, by batch. Pre-condition: its last answer has been read to its end."""
        if not self.parts:
            return tuple(own_powers(batch, own) for batch, own in zip(self.plan.batches, self.own, strict=True))
        slots: Int64s = np.stack([part[0, 0] for part in self.parts]).sum(axis=0) % P
        ends = np.cumsum([batch.slots for batch in self.plan.batches])
        return tuple(
            read_powers(batch, part) for batch, part in zip(self.plan.batches, np.split(slots, ends)[:-1], strict=True)
        )

    @cached_property
    def triples(self) -> Int64s:
        """This agency's shares of a, b and a·b of each triple, int64[3, triples]. Pre-condition: as `powers`."""
        many = self.plan.triples
        a, b = self.factors
        products = a * b % P
        for part in self.crossed:
            tail = part[0, 0, part.shape[2] - 2 * many :]
            products = (products + tail[:many] + tail[many:]) % P
        return np.stack([a, b, products])

    def exchange(self, number: str) -> Exchange:
        """Give the exchange of a number. Pre-condition: it is one of `exchanges`."""
        return next(one for one in self.exchanges if one.number == number)

    def _key(self, exchange: Exchange) -> bytes:
        other = exchange.multiplier if self.me == exchange.encryptor else exchange.encryptor
        name = f"columns:{exchange.number}"
        return exchange_key(self.pair_keys[other], name, encryptor=exchange.encryptor, multiplier=exchange.multiplier)

    def encrypt(self, randomness: Randomness, workers: Workers) -> tuple[Preparation, list[tuple[str, Iterator[bytes]]]]:
        """Give what is held then, and the `columns` messages of the exchanges that this agency encrypts: numbers and lazy chunks."""
        sent = []
        keys: dict[str, SecretKeys] = {}
        for exchange in self.exchanges:
            if exchange.encryptor == self.me:
                keys[exchange.number] = new_keys(1, randomness)
                batches = zip(self.plan.batches, self.own, strict=True)
                column = np.concatenate([*(column_to_encrypt(batch, own) for batch, own in batches), *self.factors])
                chunks = encrypt_columns(
                    keys[exchange.number], column[None], self.layout, randomness, workers, key=self._key(exchange)
                )
                sent.append((exchange.number, chunks))
        return replace(self, keys=keys), sent

    def multiply(
        self, number: str, chunks: Iterable[bytes], randomness: Randomness, workers: Workers
    ) -> tuple[Preparation, Iterator[bytes]]:
        """Answer a `columns` message: what is held once the answer's chunks have been read, and they, lazily.

        Raises:
            PeerFault: as `slot_products`, while the chunks are read.
        """
        exchange = self.exchange(number)
        batches = zip(self.plan.batches, self.powers, strict=True)
        column = np.concatenate([*(column_to_multiply(batch, shares) for batch, shares in batches), *self.factors[::-1]])
        answer, mine = slot_products(
            chunks, column[None], self.layout, randomness, workers, key=self._key(exchange), sender=exchange.encryptor
        )
        return replace(self, parts=(mine,), crossed=(*self.crossed, mine), done=self.done | {number}), answer

    def open(self, number: str, chunks: Iterable[bytes], workers: Workers) -> Preparation:
        """Take a `products` message; the exchange's BFV keys are gone then.

        Raises:
            PeerFault: as `open_slot_products`.
        """
        exchange = self.exchange(number)
        mine = open_slot_products(
            self.keys[number], chunks, self.layout, workers, key=self._key(exchange), sender=exchange.multiplier
        )
        rest = {other: one for other, one in self.keys.items() if other != number}
        return replace(self, keys=rest, parts=(*self.parts, mine), crossed=(*self.crossed, mine), done=self.done | {number})


def gate_layout(plan: GatePlan) -> Layout:
    """Give the layout of each exchange that makes the powers."""
    return Layout(left=1, right=1, pairs=((0, 0),), primes=(1,), slots=plan.slots, at_slots=True)


def prepare(
    agencies: tuple[str, ...],
    me: str,
    plan: GatePlan,
    cell_primes: tuple[int, ...],
    pair_keys: Mapping[str, bytes],
    randomness: Randomness,
) -> Preparation:
    """Draw an agency's masks, pads and factors.

    Args:
        agencies: in the order of their names.
        me: this agency.
        plan: of the job's gate.
        cell_primes: the number of primes of each cell's modulus.
        pair_keys: by other agency.
        randomness: a CSPRNG.
    """
    pads = {cell: uniform_below(randomness, modulus(cell_primes[cell])) for cell in plan.pads}
    limbs = [np.zeros(len(batch.owners), dtype=np.int64) for batch in plan.batches]
    for cell, (batch, pads_there) in plan.pads.items():
        limbs[batch][pads_there.start : pads_there.stop] = cut_pad(pads[cell], cell_primes[cell])
    own = tuple(draw_masks(batch, part, randomness) for batch, part in zip(plan.batches, limbs, strict=True))
    factors = uniform_mod(randomness, P, 2 * plan.triples).astype(np.int64).reshape(2, plan.triples)
    return Preparation(agencies, me, plan, own, factors, pads, pair_keys)
