"""The plan, evaluated in the clear with numpy, against the oracle that never saw a plan."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.core.agreement.model import Agreement
from tallystick.core.errors import Broken, Invalid, Refused
from tallystick.core.job.model import Question
from tallystick.core.statistics.columns import (
    AgencyList,
    GroupMembers,
    PersonColumn,
    agency_columns,
    factor_column,
    over_slots,
    own_totals,
    usable_column,
)
from tallystick.core.statistics.computation import computation_of
from tallystick.core.statistics.consistency import check_consistent
from tallystick.core.statistics.keys import InRow
from tallystick.core.statistics.plan import Factor, Plan
from tallystick.core.statistics.planner import MAX_PRODUCTS, cell_prime_counts, plan
from tallystick.core.statistics.table import linkage_numbers, result_columns, table
from tallystick.crypto.flooding import MAX_PAIRS
from tallystick.crypto.modulus import modulus
from tests.oracle import expected_rows
from tests.plans import bounds_prime_counts

COLUMNS: dict[str, dict[str, Any]] = {
    "place": {"type": "category", "values": ["north", "south", "east"]},
    "trade": {"type": "category", "values": ["b", "a"]},
    "young": {"type": "boolean"},
    "children": {"type": "integer", "min": -1, "max": 2},
    "age": {"type": "integer", "min": -120, "max": 120},
    "paid": {"type": "decimal", "scale": 2, "min": "-500.00", "max": "99999.99"},
}
KEEP = {"inner": "l and r", "left": "l", "either": "l or r"}
BY = ("place", "trade", "young", "children")
OPERATIONS = ("sum", "mean", "variance", "sd")
VALUES = ("children", "age", "paid", "young")


def agreement(columns: Mapping[str, Any] = COLUMNS, **dataset: Any) -> Agreement:
    """Give an agreement over two agencies whose datasets have the same columns."""
    sets = {
        name: {"agency": agency, "columns": dict(columns), "identifiers": ["ssn"], **dataset}
        for name, agency in (("l_set", "one"), ("r_set", "two"))
    }
    return Agreement.read(
        {
            "agreement": "a",
            "valid_from": "2026-01-01T00:00:00Z",
            "valid_until": "2027-01-01T00:00:00Z",
            "parties": {"one": {"key": "11" * 32}, "two": {"key": "22" * 32}},
            "coordinator": {"key": "33" * 32, "sealing_key": "00" * 1216},
            "analysts": {"ann": {"key": "44" * 32}},
            "purposes": ["p"],
            "datasets": sets,
            "operations": ["count", *OPERATIONS],
            "joins": ["inner", "left", "any"],
            "link": ["ssn"],
            "disclosure": {"min_cell": 0},
            "release": {"mode": "desk", "desk": "one"},
        },
        what="agreement",
    )


AGREEMENT = agreement()


def question(kind: str = "inner", by: tuple[str, ...] = (), measures: tuple[Any, ...] = ("count",), **left: Any) -> Question:
    """Give a question over the groups l and r."""
    people = {"l": {"agency": "one", "dataset": "l_set", **left}, "r": {"agency": "two", "dataset": "r_set"}}
    value = {
        "agreement": "a",
        "purpose": "p",
        "people": people,
        "keep": KEEP[kind],
        "by": list(by),
        "measures": list(measures),
    }
    return Question.read(value, what="job")


def person_columns(frame: pd.DataFrame) -> dict[str, PersonColumn]:
    """Give a frame as a node would give it to the plan."""
    made = {"#usable": usable_column(np.ones(len(frame), dtype=np.bool_))}
    for name, kind in COLUMNS.items():
        cells = frame[name].tolist()
        missing = np.array([cell is None for cell in cells], dtype=np.bool_)
        levels = tuple(kind["values"]) if "values" in kind else None
        unit = Decimal(10) ** kind.get("scale", 0)
        # what stands where a value is missing must not matter
        coded = [7 if cell is None else levels.index(cell) if levels else int(cell * unit) for cell in cells]
        made[name] = PersonColumn(np.array(coded, dtype=np.int64), missing, levels)
    return made


def list_of(group: str, frame: pd.DataFrame) -> AgencyList:
    """Give a list of one group's people."""
    return AgencyList(len(frame), {group: GroupMembers(person_columns(frame))})


def opened(made: Plan, left: pd.DataFrame, right: pd.DataFrame, links: list[tuple[int, int]], seed: int) -> list[int]:
    """Evaluate a plan of two groups in the clear: the slots are random, and those of linked people equal."""
    size = len(left) + len(right)
    places = np.random.default_rng(seed).permutation(size)
    left_slots, right_slots = places[: len(left)].copy(), places[len(left) :].copy()
    for i, j in links:
        right_slots[j] = left_slots[i]
    lists = {"one": (list_of("l", left), left_slots), "two": (list_of("r", right), right_slots)}
    return evaluate(made, lists, size)


def evaluate(made: Plan, lists: Mapping[str, tuple[AgencyList, Any]], size: int) -> list[int]:
    """Evaluate a plan in the clear over a table of so many slots, with each agency's list and its slots."""
    columns = [agency_columns(made, agency, *lists[agency], size) for agency in made.agencies]
    terms = []
    for term in made.terms:
        factors = [columns[place][column] for place, column in term]
        exact = factors if len(factors) == 2 else [factor.astype(object) for factor in factors]  # three may leave 64 bits
        terms.append(int(exact[0] @ np.prod(exact[1:], axis=0)))
    own = [own_totals(made, agency, lists[agency][0]) for agency in made.agencies]
    sums = [sum(coefficient * terms[term] for coefficient, term in cell.terms) for cell in made.cells]
    return [int(total + sum(mine)) for total, *mine in zip(sums, *own, strict=True)]


def frames() -> st.SearchStrategy[pd.DataFrame]:
    """Give small tables of people with every type of column, negatives, zeros and missing values."""
    cents = st.integers(-50_000, 9_999_999).map(lambda value: Decimal(value).scaleb(-2))
    person = st.tuples(
        st.sampled_from(["north", "south", "east", None]),
        st.sampled_from(["a", "b", None]),
        st.sampled_from([True, False, None]),
        st.none() | st.integers(-1, 2),
        st.none() | st.integers(-120, 120),
        st.none() | cents,
    )
    people = st.lists(person, max_size=8)
    return people.map(lambda rows: pd.DataFrame(rows, columns=list(COLUMNS), dtype=object))


@st.composite
def cases(draw: st.DrawFn) -> tuple[Question, pd.DataFrame, pd.DataFrame, list[tuple[int, int]], int]:
    """Give a question, two groups of people, and who is whom."""
    references = [f"{group}.{name}" for group in "lr" for name in BY]
    by = tuple(draw(st.lists(st.sampled_from(references), max_size=3, unique=True)))
    measured = st.tuples(st.sampled_from(OPERATIONS), st.sampled_from([f"{g}.{name}" for g in "lr" for name in VALUES]))
    measures = ["count", *({operation: column} for operation, column in draw(st.lists(measured, max_size=3)))]
    left, right = draw(frames()), draw(frames())
    count = draw(st.integers(0, min(len(left), len(right))))
    mine, theirs = draw(st.permutations(range(len(left)))), draw(st.permutations(range(len(right))))
    links = list(zip(mine[:count], theirs[:count], strict=True))
    return question(draw(st.sampled_from(["inner", "left"])), by, tuple(measures)), left, right, links, draw(st.integers(0, 99))


def check_against_oracle(
    asked: Question, left: pd.DataFrame, right: pd.DataFrame, links: list[tuple[int, int]], seed: int
) -> None:
    made = plan(asked, AGREEMENT)
    values = opened(made, left, right, links, seed)
    rows = table(made, values)
    expected = expected_rows(asked, AGREEMENT, {"l": left, "r": right}, links)
    assert rows == expected
    assert [[type(value) for value in row.values()] for row in rows] == [[type(v) for v in row.values()] for row in expected]
    assert all([name for name in row if name != "undefined"] == result_columns(made) for row in rows)
    people = len(left) + len(right)
    sizes = {"l": len(left), "r": len(right)}
    assert linkage_numbers(made, values) == {"people": sizes, "usable": sizes, "matched": len(links)}
    check_consistent(made, values)
    # the planner's proof: no cell can reach half of its modulus
    for cell, value, primes in zip(made.cells, values, cell_prime_counts(made, people), strict=True):
        assert abs(value) <= cell.bound * people
        assert 2 * cell.bound * people < modulus(primes)


@settings(max_examples=400, deadline=None)
@given(cases())
def test_s11_a_plan_in_the_clear_equals_the_oracle(case: tuple[Any, ...]) -> None:
    check_against_oracle(*case)


@pytest.mark.slow
@settings(max_examples=10_000, deadline=None)
@given(cases())
def test_s11_ten_thousand_plans_in_the_clear_equal_the_oracle(case: tuple[Any, ...]) -> None:
    check_against_oracle(*case)


def test_columns_and_products_are_made_once() -> None:
    made = plan(question("left", ("l.place", "r.trade"), ("count", {"mean": "r.paid"}, {"sum": "r.paid"})), agreement())
    assert all(len(set(columns)) == len(columns) for _, columns in made.columns)
    assert len(set(made.terms)) == len(made.terms)
    labels = [cell.key for cell in made.cells]
    assert len(set(labels)) == len(labels)
    # 4 × 3 rows of count, sum, count(paid), 4 of people who are not in r, whose paid is nothing, five numbers of the linkage report, and
    # two for each of its 4 groups
    assert len(made.cells) == 12 * 3 + 4 + 5 + 4 * 2
    assert made.by == ("l.place", "r.present", "r.trade")
    assert made.rows[0] == ("north", True, "b")
    assert made.rows[-2:] == ((None, True, None), (None, False, None))


def test_a_plan_is_made_of_question_agreement_and_names_alone() -> None:
    assert list(inspect.signature(plan).parameters) == ["question", "agreement", "passes", "identifiers"]
    assert plan(question(by=("l.place",)), agreement(), ["ssn"]) == plan(question(by=("l.place",)), agreement(), ["ssn"])


def test_the_encryptor_has_fewer_columns() -> None:
    for by, encryptor in (("l.place", "two"), ("r.place", "one")):
        made = plan(question(by=(by,)), agreement())
        (exchange,) = computation_of(made).exchanges
        assert exchange.encryptor == encryptor


def test_left_join_by_left_columns_alone_needs_no_product_for_its_counts() -> None:
    made = plan(question("left", ("l.place",)), agreement())
    assert all(not cell.terms for cell in made.cells if isinstance(cell.key.place, InRow))
    # all who matched, and of each of 4 groups
    assert len(made.terms) == 1 + 4


def test_a_derived_column_is_bounded_by_rows_per_person() -> None:
    asked = question(measures=({"sum": "l.total"},), derive={"total": "sum(paid)"})
    made = plan(asked, agreement(rows_per_person=4))
    (cell,) = [cell for cell in made.cells if cell.label == "sum(l.total)"]
    assert (cell.bound, cell.scale) == (4 * 9_999_999, 2)


@pytest.mark.parametrize("primes", [1, 2, 3, 4])
def test_s15_a_sum_fits_up_to_half_of_the_modulus_and_one_more_needs_another_prime(primes: int) -> None:
    bound = (modulus(primes) - 1) // 2
    people = 1
    column = {"age": {"type": "integer", "min": -5, "max": bound}}
    made = plan(question(measures=({"sum": "l.age"},)), agreement(column))
    (at,) = [index for index, cell in enumerate(made.cells) if cell.label == "sum(l.age)"]
    (product,) = [index for _, index in made.cells[at].terms]
    assert cell_prime_counts(made, people)[at] == primes
    assert bounds_prime_counts(made, people)[product] == primes

    wider = plan(question(measures=({"sum": "l.age"},)), agreement({"age": {"type": "integer", "min": -bound - 1, "max": 5}}))
    if primes == 4:
        with pytest.raises(Refused) as refusal:
            bounds_prime_counts(wider, people)
        assert refusal.value.code == "sum-too-large"
        assert "narrower bounds" in refusal.value.hint
    else:
        assert bounds_prime_counts(wider, people)[product] == primes + 1


def test_s15_a_shared_product_takes_the_primes_of_its_neediest_cell() -> None:
    made = plan(question(measures=({"mean": "l.paid"},)), agreement())
    needed = dict(zip([cell.label for cell in made.cells], cell_prime_counts(made, 1_000_000), strict=True))
    assert needed["sum(l.paid)"] == 2
    assert needed["count"] == needed["matched"] == 1


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (question(by=("l.place", "l.place")), "job-invalid"),
        (question(by=("l.nowhere",)), "job-invalid"),
        (question(by=("l.age", "l.paid")), "job-invalid"),
        (question(by=("x.place",)), "job-invalid"),
        (question(measures=({"sum": "l.place"},)), "job-invalid"),
        (question(measures=({"sum": "x.age"},)), "job-invalid"),
    ],
)
def test_what_makes_no_sense_is_refused(asked: Question, code: str) -> None:
    with pytest.raises((Invalid, Refused)) as refusal:
        plan(asked, agreement())
    assert refusal.value.code == code


def test_a_sum_without_bounds_is_refused_with_what_would_pass() -> None:
    with pytest.raises(Refused) as refusal:
        plan(question(measures=({"mean": "r.age"},)), agreement({"age": {"type": "integer"}}))
    assert refusal.value.code == "sum-too-large"
    assert "min and max" in refusal.value.hint


def test_a_table_too_large_is_refused() -> None:
    wide = {name: {"type": "category", "values": [f"v{i}" for i in range(40)]} for name in ("a", "b", "c")}
    with pytest.raises(Refused) as refusal:
        plan(question(by=("l.a", "l.b", "r.c")), agreement(wide))
    assert refusal.value.code == "table-too-large"


def test_slots_must_be_one_place_each() -> None:
    column = np.array([3, -4], dtype=np.int64)
    assert over_slots(column, np.array([2, 0], dtype=np.uint32), 4).tolist() == [-4, 0, 3, 0]
    for slots in ([0, 0], [0, 4], [-1, 0], [0], [0, 1, 2]):
        with pytest.raises(Broken):
            over_slots(column, np.array(slots, dtype=np.int64), 4)


def test_own_totals_do_not_overflow() -> None:
    largest = np.full(5, 2**62, dtype=np.int64)
    people = {"age": PersonColumn(largest, np.zeros(5, dtype=np.bool_)), "#usable": usable_column(np.ones(5, dtype=np.bool_))}
    mine = AgencyList(5, {"l": GroupMembers(people)})
    made = plan(
        question("left", measures=({"sum": "l.age"},)), agreement({"age": {"type": "integer", "min": 0, "max": 10**18}})
    )
    assert max(own_totals(made, "one", mine)) == 5 * 2**62
    people["age"] = PersonColumn(-largest, np.zeros(5, dtype=np.bool_))
    assert min(own_totals(made, "one", mine)) == -5 * 2**62


def test_a_factor_over_an_unknown_column_or_level_is_refused() -> None:
    people = {"place": PersonColumn(np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.bool_), ("north",))}
    for factor in (Factor(levels=(("place", "west"),)), Factor(levels=(("other", "x"),)), Factor(values=("other",))):
        with pytest.raises(Invalid):
            factor_column(factor, people, 1)


def test_a_table_of_another_plan_is_refused() -> None:
    asked = question()
    with pytest.raises(Broken):
        table(plan(asked, agreement()), [1, 2])


def test_numbers_are_exact() -> None:
    asked = question(measures=({"sum": "l.paid"}, {"mean": "l.paid"}, {"sum": "l.age"}))
    made = plan(asked, agreement())
    values = {"count": 3, "sum(l.paid)": 10, "count(l.paid)": 3, "sum(l.age)": 2**70, "count(l.age)": 1}
    (row,) = table(made, [values.get(cell.label, 0) for cell in made.cells])
    assert row["sum(l.paid)"] == 0.1
    assert row["mean(l.paid)"] == 1 / 30
    assert row["sum(l.age)"] == 2**70
    assert isinstance(row["sum(l.age)"], int)


def test_s42_no_plan_has_more_products_than_the_proof_is_for() -> None:
    """crypto/flooding.py counts the answers of the largest job by `MAX_PAIRS`."""
    assert MAX_PRODUCTS <= MAX_PAIRS
