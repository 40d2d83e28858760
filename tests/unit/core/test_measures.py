"""Measures worked out from moments: exact, rounded once, and with a reason where they cannot be."""

from __future__ import annotations

import statistics
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.core.errors import Broken, Refused
from tallystick.core.measure import Asked, Exact, Undefined, load_measures
from tallystick.core.moments import Banded, Count, Moment, Present, Sum
from tallystick.core.statistics.consistency import check_consistent
from tallystick.core.statistics.plan import Factor
from tallystick.core.statistics.planner import cell_prime_counts, plan
from tallystick.core.statistics.table import table
from tallystick.crypto.modulus import modulus
from tests.cells import names
from tests.unit.core.test_planner import agreement, question

X = ("l.paid",)


def moments(values: list[Fraction], scale: int = 2) -> dict[Moment, Exact]:
    """Give the moments of a column's values, as `table` does."""
    total, squares = sum(values, Fraction(0)), sum((value * value for value in values), Fraction(0))
    exact: dict[Moment, Exact] = {Count(): len(values), Present(X): len(values)}
    return exact | ({Sum(X): total, Sum(X * 2): squares} if scale else {Sum(X): int(total), Sum(X * 2): int(squares)})


VALUES = st.lists(st.integers(-(10**12), 10**12).map(lambda value: Fraction(value, 100)), min_size=2, max_size=30)


@given(VALUES)
def test_variance_and_sd_are_the_doubles_nearest_to_the_exact_ones(values: list[Fraction]) -> None:
    variance = Asked("variance", X).value(moments(values))
    assert variance == statistics.variance(values)
    sd = Asked("sd", X).value(moments(values))
    assert isinstance(sd, float)
    with localcontext() as context:
        context.prec = 80
        assert sd == float((Decimal(variance.numerator) / Decimal(variance.denominator)).sqrt())  # type: ignore[union-attr]  # a fraction
    assert sd == statistics.stdev(values)


@given(VALUES)
def test_numpy_agrees_as_far_as_floats_do(values: list[Fraction]) -> None:
    floats = np.array([float(value) for value in values])
    reach = max(1.0, float(np.abs(floats).max())) ** 2 * 1e-9
    variance = Asked("variance", X).value(moments(values))
    assert float(variance) == pytest.approx(float(np.var(floats, ddof=1)), rel=1e-9, abs=reach)  # type: ignore[arg-type]  # a number


def test_a_variance_that_cancels_in_floating_point_is_exact() -> None:
    values = [Fraction(10**9 + at) for at in (4, 7, 13, 16)]
    assert Asked("variance", X).value(moments(values, scale=0)) == 30
    assert Asked("variance", X).value(moments([Fraction(5)] * 3)) == 0
    assert Asked("sd", X).value(moments([Fraction(5)] * 3)) == 0.0


@pytest.mark.parametrize("name", ["variance", "sd"])
@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_values_have_none_and_the_row_says_why(name: str, n: int) -> None:
    assert Asked(name, X).value(moments([Fraction(7)] * n)) == Undefined("fewer than two values")
    asked = question(measures=({name: "l.paid"}, {"mean": "l.paid"}))
    made = plan(asked, agreement())
    values = {(0, "count"): 5, (0, "count(l.paid)"): n, (0, "sum(l.paid)"): 7 * n, (0, "sum(l.paid * l.paid)"): 49 * n}
    (row,) = table(made, [values.get(cell, 0) for cell in names(made)])
    assert (row[f"{name}(l.paid)"], row["count(l.paid)"]) == (None, n)
    assert row["undefined"] == {f"{name}(l.paid)": "fewer than two values"}
    assert row["mean(l.paid)"] == (0.07 if n else None)


def test_every_measure_says_what_the_tables_and_pages_need() -> None:
    for name, measure in load_measures().items():
        columns = tuple(f"l.c{at}" for at in range(measure.arity))
        assert measure.name == name
        assert measure.meaning
        assert measure.note
        assert measure.__class__.__doc__
        wanted = measure.moments(columns)
        assert len(set(wanted)) == len(wanted)
        assert measure.rests_on(columns) in wanted
        bands = tuple(one for one in wanted if isinstance(one, Banded) and one.of is None)
        assert measure.counts(columns, frozenset()) == bands
        assert set(measure.counts(columns, frozenset(columns))) == {one for one in wanted if isinstance(one, (Sum, Banded))}
        value = measure.value(columns, dict.fromkeys(wanted, 0))
        assert isinstance(value, (int, Fraction, float, Undefined))
    values = {"mean": 1234.5, "sum": 1234, "sd": None}
    assert [load_measures()[name].format_value(value) for name, value in values.items()] == ["1,234.50", "1,234", ""]


# --- bounds ----------------------------------------------------------------------------------------------------------------------


def bounded(low: int, high: int) -> Any:
    return agreement({"age": {"type": "integer", "min": low, "max": high}})


@pytest.mark.parametrize("low", [-7, 0])
def test_s15_the_bound_of_a_sum_of_squares_is_reached_and_never_passed(low: int) -> None:
    made = plan(question(measures=({"variance": "l.age"},)), bounded(low, 5))
    (cell,) = [cell for cell in made.cells if cell.key.number == Sum(("l.age", "l.age"))]
    assert cell.bound == max(low * low, 25)
    people = (modulus(1) - 1) // 2 // cell.bound
    at = made.cells.index(cell)
    assert cell_prime_counts(made, people)[at] == 1
    assert cell_prime_counts(made, people + 1)[at] == 2


def test_a_square_that_does_not_fit_its_column_is_refused_where_the_sum_is_not() -> None:
    largest = 3_037_000_499  # its square is the last below 2^63
    assert plan(question(measures=({"variance": "l.age"},)), bounded(0, largest)).cells
    with pytest.raises(Refused) as refusal:
        plan(question(measures=({"sd": "l.age"},)), bounded(-largest - 1, 0))
    assert refusal.value.code == "sum-too-large"
    assert "narrower bounds" in refusal.value.hint
    assert plan(question(measures=({"sum": "l.age"},)), bounded(-largest - 1, 0)).cells


def test_zeros_and_ones_are_their_own_squares_and_make_no_second_column() -> None:
    with_mean = plan(question(measures=({"mean": "l.young"},)), agreement())
    made = plan(question(measures=({"mean": "l.young"}, {"variance": "l.young"})), agreement())
    assert (made.columns, made.terms) == (with_mean.columns, with_mean.terms)
    assert (("l", Factor(values=("age", "age"))),) in plan(question(measures=({"sd": "l.age"},)), agreement()).columns_of("one")


# --- numbers that cannot be true ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("total", "squares", "told"),
    [
        (100, 1000, None),
        (100, 999, "a sum of squares of l.age that does not go with its sum"),  # Cauchy and Schwarz: 100² <= 10·Σx²
        (5, 4, "a sum of squares of l.age that does not go with its sum"),  # whole numbers
        (0, 12_000, None),
        (0, 144_001, "a sum of products of l.age beyond their declared bounds"),
        (1200, 143_999, "a sum of squares of l.age that does not go with its sum"),  # all are at their bound
        (1201, 144_000, "a sum of l.age beyond its declared bounds"),
        (0, -1, "a sum of squares of l.age that does not go with its sum"),
    ],
)  # fmt: skip
def test_s40_a_sum_of_squares_that_no_values_have_is_named(total: int, squares: int, told: str | None) -> None:
    made = plan(question(measures=({"variance": "l.age"},)), agreement())
    values = {(0, "count"): 10, (0, "count(l.age)"): 10, (0, "sum(l.age)"): total, (0, "sum(l.age * l.age)"): squares}
    values |= {(-1, "matched"): 10} | {(-1, f"{what}({group})"): 10 for what in ("people", "usable") for group in ("l", "r")}
    opened = [values.get(cell, 0) for cell in names(made)]
    if told is None:
        check_consistent(made, opened)
        return
    with pytest.raises(Broken) as refused:
        check_consistent(made, opened)
    assert (refused.value.code, refused.value.message.partition(": ")[2]) == ("cells-contradict", told)
