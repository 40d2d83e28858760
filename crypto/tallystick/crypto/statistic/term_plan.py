"""Which exchanges compute the terms of a job: a pure function that every party works out alike (docs/adr/0010-terms-and-exchanges.md).

A term is a product of columns of two or more agencies, summed over slots. It is computed along a *chain* of its agencies:

- Two agencies: an exchange of sums. The one that has fewer columns to encrypt for it does so.
- Three and more: the first two take shares of their product at every slot; each agency after them encrypts its column to all that
  come before it, who multiply it by their shares of the product so far. The last one's exchanges give sums.

The chains of all terms follow one order of the agencies, so that terms share what they begin with, and so that between two agencies there
is one exchange at slots and one of sums, whatever the lengths of the chains: each exchange costs messages, and messages cost more than
products where lists are short. Of all orders the one is taken that leaves least to do: fewest products at slots, because an answer of each
block comes back for them, then fewest columns to encrypt.

Correctness: let x_i be agency i's share of a product at a slot, x_1 + … + x_m = a·b·… there. Agency m + 1 encrypts c to each i, and the
exchange leaves shares of c·x_i; agency m + 1 adds up its shares over i. All shares together are c·(x_1 + … + x_m), at the slot or summed.

Security: every exchange's shares are uniform (crypto/products.py), so a multiplier's vector in the next exchange is uniform too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations, permutations
from typing import Final

from tallystick.crypto.errors import LocalFault

Factor = tuple[int, int]
"""(place of the agency among all, its column)."""
Term = tuple[Factor, ...]
"""Factors of two or more agencies, at most one each, in the agencies' order."""
Chain = tuple[Factor, ...]
"""The factors of a term, or of what its first agencies have multiplied, in the order in which they are multiplied."""

PAIR: Final = 2
_ANSWER: Final = 4
"""What a block of an answer at slots costs, in encryptions of a block."""


@dataclass(frozen=True)
class Multiplication:
    """What two agencies do once: the encryptor sends columns of its own, the multiplier answers, both keep shares.

    Attributes:
        number: its place in the plan; names its messages.
        encryptor, multiplier: places of the agencies.
        columns: the encryptor's columns that it sends.
        vectors: what the multiplier multiplies by: a chain of one factor is a column of its own; a longer one its share of a product.
        pairs: (index into `columns`, index into `vectors`), in the order of `results`.
        results: the chain that each pair computes, or a part of it.
        at_slots: whether shares are of each slot or of the sum over slots.
    """

    number: int
    encryptor: int
    multiplier: int
    columns: tuple[int, ...]
    vectors: tuple[Chain, ...]
    pairs: tuple[tuple[int, int], ...]
    results: tuple[Chain, ...]
    at_slots: bool


@dataclass(frozen=True)
class TermPlan:
    """All multiplications, each after those that it needs, and the chain that computes each term.

    Attributes:
        multiplications: in the order of their numbers.
        chains: by term, in the order of the terms given.
    """

    multiplications: tuple[Multiplication, ...]
    chains: tuple[Chain, ...] = field(repr=False)

    def before(self, exchange: Multiplication) -> tuple[int, ...]:
        """Give the numbers of the exchanges whose shares its multiplier needs."""
        wanted = {chain for chain in exchange.vectors if len(chain) >= PAIR}
        return tuple(
            other.number
            for other in self.multiplications
            if exchange.multiplier in (other.encryptor, other.multiplier)
            and other.at_slots
            and wanted.intersection(other.results)
        )


def plan_terms(terms: Sequence[Term]) -> TermPlan:
    """Work out the exchanges of a job.

    Args:
        terms: each once.

    Raises:
        LocalFault: `computation-malformed`: a term of fewer than two agencies, of one agency twice, or out of order.
    """
    for term in terms:
        places = [place for place, _ in term]
        if len(places) < PAIR or places != sorted(set(places)):
            raise LocalFault("computation-malformed", "a term is no product of columns of two or more agencies in their order")
    order = _order(terms)
    chains = tuple(tuple(sorted(term, key=lambda factor: order[factor[0]])) for term in terms)
    sums = dict.fromkeys(chains)
    slots = dict.fromkeys(chain[:length] for chain in sums for length in range(PAIR, len(chain)))
    parts: dict[tuple[int, int, bool], list[tuple[int, Chain, Chain]]] = defaultdict(list)
    for made, at_slots in ((slots, True), (sums, False)):
        for encryptor, multiplier, column, vector, chain in _steps(made):
            parts[encryptor, multiplier, at_slots].append((column, vector, chain))
    # what an exchange needs ends before the later of its two agencies, so those of earlier agencies come first
    ordered = sorted(parts, key=lambda key: (max(order[key[0]], order[key[1]]), not key[2], key[0], key[1]))
    return TermPlan(tuple(_exchange(number, key, parts[key]) for number, key in enumerate(ordered)), chains)


def _order(terms: Sequence[Term]) -> dict[int, int]:
    """Give each agency's place in the order in which factors are multiplied."""
    columns: dict[int, set[int]] = defaultdict(set)
    alike: dict[tuple[int, ...], list[dict[int, int]]] = defaultdict(list)
    for term in terms:
        alike[tuple(place for place, _ in term)].append(dict(term))
        for place, column in term:
            columns[place].add(column)
    # of the terms of each set of agencies: how many different products each part of the set has
    distinct = {
        places: {
            part: len({tuple(factors[place] for place in part) for factors in of})
            for length in range(PAIR, len(places))
            for part in combinations(places, length)
        }
        for places, of in alike.items()
    }

    def cost(order: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
        at_slots: dict[tuple[int, ...], int] = {}
        for places, parts in distinct.items():
            chain = [place for place in order if place in places]
            for length in range(PAIR, len(chain)):
                part = tuple(sorted(chain[:length]))
                at_slots[part] = max(at_slots.get(part, 0), parts[part])
        answers = sum((len(part) - 1) * many for part, many in at_slots.items())
        return _ANSWER * answers + sum(at * len(columns[place]) for at, place in enumerate(order)), order

    best = min(permutations(sorted(columns)), key=cost)
    return {place: at for at, place in enumerate(best)}


def _steps(chains: Iterable[Chain]) -> Iterable[tuple[int, int, int, Chain, Chain]]:
    """Give (encryptor, multiplier, the encryptor's column, the multiplier's vector, chain) of each chain's last multiplication."""
    sent: dict[tuple[int, int], set[int]] = defaultdict(set)
    pairs: dict[tuple[int, int], list[Chain]] = defaultdict(list)
    for chain in chains:
        place, column = chain[-1]
        if len(chain) == PAIR:
            pairs[chain[0][0], place].append(chain)
            continue
        for holder, _ in chain[:-1]:
            sent[place, holder].add(column)
            yield place, holder, column, chain[:-1], chain
    for (first, second), two in pairs.items():
        # the later one of the order sends the same columns for longer chains, perhaps
        earlier, later = {chain[0][1] for chain in two}, {chain[1][1] for chain in two} - sent[second, first]
        for chain in two:
            (one, mine), (other, theirs) = chain
            if (len(later), second) < (len(earlier), first):
                yield other, one, theirs, ((one, mine),), chain
            else:
                yield one, other, mine, ((other, theirs),), chain


def _exchange(number: int, key: tuple[int, int, bool], parts: Sequence[tuple[int, Chain, Chain]]) -> Multiplication:
    encryptor, multiplier, at_slots = key
    columns = {column: at for at, column in enumerate(sorted({column for column, _, _ in parts}))}
    vectors = {vector: at for at, vector in enumerate(dict.fromkeys(vector for _, vector, _ in parts))}
    return Multiplication(
        number=number,
        encryptor=encryptor,
        multiplier=multiplier,
        columns=tuple(columns),
        vectors=tuple(vectors),
        pairs=tuple((columns[column], vectors[vector]) for column, vector, _ in parts),
        results=tuple(chain for _, _, chain in parts),
        at_slots=at_slots,
    )
