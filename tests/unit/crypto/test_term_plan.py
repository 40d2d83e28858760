"""Exchanges compute every term, whatever its agencies are; carried out here in the clear, on shares mod one prime."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.crypto.errors import LocalFault
from tallystick.crypto.modulus import PRIMES
from tallystick.crypto.statistic.term_plan import Chain, Term, TermPlan, plan_terms

P = PRIMES[0]
SLOTS = 7
Int64s = npt.NDArray[np.int64]


def computed(term_plan: TermPlan, columns: list[Int64s], draw: np.random.Generator) -> list[int]:
    """Carry the exchanges out, each party with what it holds alone; give the opened sum of each term."""
    vectors: list[dict[Chain, Int64s]] = [{} for _ in columns]
    totals: list[dict[Chain, int]] = [{} for _ in columns]
    for exchange in term_plan.multiplications:
        for (i, j), chain in zip(exchange.pairs, exchange.results, strict=True):
            mine, vector = columns[exchange.encryptor][exchange.columns[i]], exchange.vectors[j]
            holder = exchange.multiplier
            theirs = columns[holder][vector[0][1]] if len(vector) == 1 else vectors[holder][vector]
            product = mine.astype(object) * theirs.astype(object) % P
            mask = draw.integers(0, P, SLOTS)
            if exchange.at_slots:
                for place, part in ((exchange.encryptor, product + mask), (holder, -mask)):
                    held = vectors[place].get(chain, np.zeros(SLOTS, dtype=np.int64))
                    vectors[place][chain] = ((held + part) % P).astype(np.int64)
            else:
                for place, part in ((exchange.encryptor, int(product.sum()) + int(mask[0])), (holder, -int(mask[0]))):
                    totals[place][chain] = (totals[place].get(chain, 0) + part) % P
    return [sum(one.get(chain, 0) for one in totals) % P for chain in term_plan.chains]


def truth(term: Term, columns: list[Int64s]) -> int:
    product = np.ones(SLOTS, dtype=object)
    for place, column in term:
        product = product * columns[place][column].astype(object)
    return int(product.sum() % P)


@st.composite
def problems(draw: st.DrawFn) -> tuple[list[Term], list[int]]:
    counts = draw(st.lists(st.integers(1, 4), min_size=2, max_size=5))
    term = st.sets(st.integers(0, len(counts) - 1), min_size=2).flatmap(
        lambda places: st.tuples(*(st.tuples(st.just(p), st.integers(0, counts[p] - 1)) for p in sorted(places)))
    )
    return draw(st.lists(term, min_size=1, max_size=12, unique=True)), counts


@given(problems(), st.integers(0, 2**32))
def test_every_term_is_computed(problem: tuple[list[Term], list[int]], seed: int) -> None:
    terms, counts = problem
    draw = np.random.default_rng(seed)
    columns = [draw.integers(-1000, 1000, (count, SLOTS)) for count in counts]
    term_plan = plan_terms(terms)
    assert computed(term_plan, columns, draw) == [truth(term, columns) for term in terms]
    for exchange in term_plan.multiplications:
        assert exchange.encryptor != exchange.multiplier
        assert all(number < exchange.number for number in term_plan.before(exchange))
        assert all(vector[0][0] == exchange.multiplier for vector in exchange.vectors if len(vector) == 1)
    assert term_plan == plan_terms(list(terms))


def test_two_agencies_are_one_exchange_and_the_one_with_fewer_columns_encrypts() -> None:
    (only,) = plan_terms([((0, 0), (1, 0)), ((0, 1), (1, 0)), ((0, 2), (1, 0))]).multiplications
    assert (only.encryptor, only.multiplier, only.columns, only.at_slots) == (1, 0, (0,), False)
    assert len(only.pairs) == 3


def test_the_two_narrowest_begin_and_share_what_they_multiply() -> None:
    terms = [((0, a), (1, b), (2, c)) for a in range(5) for b in range(2) for c in range(2)]
    term_plan = plan_terms(terms)
    (slots,) = [one for one in term_plan.multiplications if one.at_slots]
    assert {slots.encryptor, slots.multiplier} == {1, 2}
    assert len(slots.pairs) == 4  # not twenty: the five columns of the widest agency come last, and encrypted once a holder
    assert [(one.encryptor, one.multiplier) for one in term_plan.multiplications if not one.at_slots] == [(0, 1), (0, 2)]


def test_terms_of_every_set_of_five_agencies_share_an_exchange_between_two_of_them() -> None:
    """What five agencies' tables and their linkage report need: each exchange costs messages, however little is in it."""
    widths = (7, 6, 1, 1, 1)
    sets = [part for length in range(2, 6) for part in combinations(range(5), length)]
    terms = [tuple((place, 0) for place in part) for part in sets]
    terms += [((0, a), (1, b), (2, 0), (3, 0), (4, 0)) for a in range(1, widths[0]) for b in range(1, widths[1])]
    exchanges = plan_terms(terms).multiplications
    between = [(one.encryptor, one.multiplier, one.at_slots) for one in exchanges]
    assert len(set(between)) == len(between) == 16
    widest = [one for one in exchanges if one.encryptor == 0]
    assert [len(one.columns) for one in widest] == [7] * 4
    assert not any(one.at_slots for one in widest)  # it comes last, so nothing of it is multiplied out slot by slot


def test_no_terms_need_no_exchange() -> None:
    assert plan_terms([]).multiplications == ()


@pytest.mark.parametrize("term", [(), ((0, 0),), ((0, 0), (0, 1)), ((1, 0), (0, 0))])
def test_what_is_no_term_is_refused(term: Term) -> None:
    with pytest.raises(LocalFault) as caught:
        plan_terms([term])
    assert caught.value.rule == "computation-malformed"
