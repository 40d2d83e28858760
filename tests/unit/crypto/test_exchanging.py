"""Terms of one to five agencies, computed as the machines do, under encryption: exact, and each agency's shares uniform (S-11, S-12)."""

from __future__ import annotations

from collections import deque
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from tallystick.crypto.modulus import PRIMES
from tallystick.crypto.randomness import SystemRandomness
from tallystick.crypto.statistic.computation import CellTerms, Computation
from tallystick.crypto.statistic.exchanging import Held, encrypt_all, multiply_columns, open_answer
from tallystick.crypto.statistic.term_plan import Multiplication, Term
from tallystick.crypto.workers import SerialWorkers

RANDOM, SERIAL = SystemRandomness(), SerialWorkers()


def carried_out(computation: Computation, columns: list[np.ndarray], people: int) -> list[Held]:
    """Let all agencies exchange until nothing is due."""
    keys = {pair: RANDOM.take(32) for pair in combinations(computation.agencies, 2)}
    plan = computation.term_plan.multiplications
    held, mail = {}, deque[tuple[str, str, Multiplication, list[bytes]]]()
    for place, me in enumerate(computation.agencies):
        pair_keys = {name: keys[min(me, name), max(me, name)] for name in computation.agencies if name != me}
        held[me], sent = encrypt_all(Held(computation, me, people, columns[place], pair_keys), RANDOM, SERIAL)
        mail.extend(
            ("columns", computation.agencies[plan[number].multiplier], plan[number], list(chunks)) for number, chunks in sent
        )
    while mail:
        kind, to, exchange, chunks = mail.popleft()
        if exchange not in held[to].due:
            mail.append((kind, to, exchange, chunks))
        elif kind == "columns":
            held[to], answer = multiply_columns(held[to], exchange.number, chunks, RANDOM, SERIAL)
            mail.append(("products", computation.agencies[exchange.encryptor], exchange, list(answer)))
        else:
            held[to] = open_answer(held[to], exchange.number, chunks, SERIAL)
    assert all(one.over and not one.keys for one in held.values())
    return list(held.values())


def opened(held: list[Held], people: int) -> list[int]:
    computation = held[0].computation
    needed = computation.chain_primes(people)
    values = []
    for term, chain in enumerate(computation.term_plan.chains):
        total = int(np.prod([int(p) for p in PRIMES[: needed[chain]]], dtype=object))
        value = sum(one.shares()[term] for one in held) % total
        values.append(value if value <= total // 2 else value - total)
    return values


@pytest.mark.parametrize("agencies", [2, 3, 4, 5])
def test_s11_terms_of_any_agencies_are_exact(agencies: int) -> None:
    rng = np.random.default_rng(agencies)
    names = tuple("abcde"[:agencies])
    counts = [2 if place < 3 else 1 for place in range(agencies)]
    columns = [rng.integers(-2, 3, (count, 50)) for count in counts]
    columns[0][1] = rng.integers(-100_000, 100_000, 50)
    everybody: Term = tuple((place, 0) for place in range(agencies))
    terms: set[Term] = {everybody, ((0, 1), (1, 1)), ((0, 1), *everybody[1:])}
    if agencies > 2:
        terms |= {((0, 0), (2, 1)), ((0, 1), (1, 1), (2, 1)), ((0, 0), (1, 0), (2, 1))}
    ordered = tuple(sorted(terms))
    bound = 100_000 * 2 ** (agencies - 1)
    cells = tuple(CellTerms(((1, term),), bound) for term in range(len(ordered)))
    held = carried_out(Computation(names, tuple(counts), ordered, cells), columns, 50)
    want = [int(np.prod([columns[place][column].astype(object) for place, column in term], axis=0).sum()) for term in ordered]
    assert opened(held, 50) == want


def test_an_agency_without_terms_has_nothing_to_exchange() -> None:
    cells = (CellTerms(((1, 0),), 1),)
    ones = [np.ones((1, 3), dtype=np.int64)] * 3
    held = carried_out(Computation(("a", "b", "c"), (1, 1, 1), (((0, 0), (2, 0)),), cells), ones, 3)
    assert opened(held, 3) == [3]
    assert held[1].shares() == (0,)
    alone = carried_out(Computation(("a",), (1,), (), (CellTerms((), 1),)), ones[:1], 3)
    assert alone[0].shares() == ()


def test_s12_shares_of_all_agencies_but_one_are_uniform() -> None:
    term: Term = ((0, 0), (1, 0), (2, 0))
    computation = Computation(("a", "b", "c"), (1, 1, 1), (term,), (CellTerms(((1, 0),), 1),))
    ones = [np.ones((1, 4), dtype=np.int64)] * 3
    drawn = np.array([[one.shares()[0] for one in carried_out(computation, ones, 4)] for _ in range(60)], dtype=object)
    for two in combinations(range(3), 2):
        for share in (drawn[:, two[0]], drawn[:, two[1]], (drawn[:, two[0]] + drawn[:, two[1]]) % PRIMES[0]):
            assert stats.kstest((share / PRIMES[0]).astype(float), "uniform").pvalue > 0.001
    assert set(drawn.sum(axis=1) % PRIMES[0]) == {4}
