"""Which exchanges compute the terms of a job: a pure function that every party works out alike (docs/adr/0010-terms-and-exchanges.md).

A term is a product of columns of two or more agencies, summed over slots. It is computed along a *chain* of its agencies:

- Two agencies: one exchange of sums. The one with fewer columns encrypts.
- Three and more: the first two take shares of their product at every slot; each agency after them encrypts its column to all that
  come before it, who multiply it by their shares of the product so far. The last one's exchanges give sums.

The two agencies that begin are those whose distinct pairs of columns are fewest, because only their columns are multiplied out slot by
slot; the others follow in the order of how many columns they bring. Equal counts go by the agencies' order. Products at slots that several
terms begin with are computed once.

Correctness: let x_i be agency i's share of a product at a slot, x_1 + … + x_m = a·b·… there. Agency m + 1 encrypts c to each i, and the
exchange leaves shares of c·x_i; agency m + 1 adds up its shares over i. All shares together are c·(x_1 + … + x_m), at the slot or summed.

Security: every exchange's shares are uniform (crypto/products.py), so a multiplier's vector in the next exchange is uniform too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from tallystick.crypto.errors import LocalFault

Factor = tuple[int, int]
"""(place of the agency among all, its column)."""
Term = tuple[Factor, ...]
"""Factors of two or more agencies, at most one each, in the agencies' order."""
Chain = tuple[Factor, ...]
"""The factors of a term, or of what its first agencies have multiplied, in the order in which they are multiplied."""

PAIR: Final = 2


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
    chains = _chains(terms)
    columns: dict[int, set[int]] = defaultdict(set)
    for term in terms:
        for place, column in term:
            columns[place].add(column)
    parts: dict[tuple[int, int, int, bool], list[tuple[int, Chain, Chain]]] = defaultdict(list)
    sums = dict.fromkeys(chains)
    slots = dict.fromkeys(chain[:length] for chain in sums for length in range(PAIR, len(chain)))
    for made, at_slots in ((slots, True), (sums, False)):
        for chain in made:
            for encryptor, multiplier, column, vector in _steps(chain, columns):
                parts[len(chain), encryptor, multiplier, at_slots].append((column, vector, chain))
    ordered = sorted(parts, key=lambda key: (key[0], not key[3], key[1], key[2]))
    return TermPlan(tuple(_exchange(number, key, parts[key]) for number, key in enumerate(ordered)), tuple(chains))


def _chains(terms: Sequence[Term]) -> list[Chain]:
    """Order the factors of each term; terms of the same agencies are ordered alike, so that they share what they begin with."""
    alike: dict[tuple[int, ...], list[Term]] = defaultdict(list)
    for term in terms:
        alike[tuple(place for place, _ in term)].append(term)
    orders = {places: _order(places, of) for places, of in alike.items()}
    chains = []
    for term in terms:
        order = orders[tuple(place for place, _ in term)]
        factors = dict(term)
        chains.append(tuple((place, factors[place]) for place in order))
    return chains


def _order(places: tuple[int, ...], terms: Iterable[Term]) -> tuple[int, ...]:
    """Give the order in which the agencies of these terms are multiplied."""
    by_term = [dict(term) for term in terms]

    def distinct(*of: int) -> int:
        return len({tuple(factors[place] for place in of) for factors in by_term})

    first, second = min(
        ((a, b) for at, a in enumerate(places) for b in places[at + 1 :]), key=lambda pair: (distinct(*pair), pair)
    )
    rest = sorted((place for place in places if place not in (first, second)), key=lambda place: (distinct(place), place))
    return (first, second, *rest)


def _steps(chain: Chain, columns: dict[int, set[int]]) -> Iterable[tuple[int, int, int, Chain]]:
    """Give (encryptor, multiplier, the encryptor's column, the multiplier's vector) of a chain's last multiplication."""
    if len(chain) > PAIR:
        place, column = chain[-1]
        for holder, _ in chain[:-1]:
            yield place, holder, column, chain[:-1]
        return
    (one, mine), (other, theirs) = sorted(chain)
    if len(columns[one]) <= len(columns[other]):
        yield one, other, mine, ((other, theirs),)
    else:
        yield other, one, theirs, ((one, mine),)


def _exchange(number: int, key: tuple[int, int, int, bool], parts: Sequence[tuple[int, Chain, Chain]]) -> Multiplication:
    _, encryptor, multiplier, at_slots = key
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
