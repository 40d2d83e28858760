"""One rule book: what `plan_allowed_job` lets pass can be planned and laid out, whatever the agreement and the question are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallystick.core.agreement.model import Agreement
from tallystick.core.errors import TallyError
from tallystick.core.job.bounds import most_rows
from tallystick.core.job.model import Question
from tallystick.core.job.passes import passes_of
from tallystick.core.measure import load_measures
from tallystick.core.statistics.banded import BandedMeasure
from tallystick.core.statistics.computation import computation_of
from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.planner import MAX_PRODUCTS
from tallystick.core.statistics.rows import MAX_CELLS, MAX_ROWS
from tallystick.core.statistics.rulebook import plan_allowed_job, plan_job, problems
from tallystick.crypto.layout import MAX_SLOTS
from tallystick.crypto.modulus import modulus
from tallystick.crypto.packing import Packing
from tallystick.crypto.statistic.audit import audit_layout
from tests.governance import NOW, agreement, agreement_value, job, question_value
from tests.plans import bounds_prime_counts

OVER = [name for name, measure in load_measures().items() if measure.arity == 1 and not isinstance(measure, BandedMeasure)]
"""Measures over one column that need nothing else: bands have their own tests (`statistics/test_against_statistics.py`)."""
BOUND = 10**18


@st.composite
def columns(draw: st.DrawFn) -> dict[str, Any]:
    """Give declarations from nothing to the largest that an agreement can hold."""
    low, high = sorted(draw(st.tuples(*(2 * [st.integers(-BOUND, BOUND) | st.integers(-300, 300)]))))
    scale = draw(st.integers(0, 6))
    levels = draw(st.integers(1, 260))
    return {
        "group": {"type": "category", "values": [f"v{at}" for at in range(levels)]},
        "flag": {"type": "boolean"},
        "whole": {"type": "integer", "min": low, "max": high},
        "part": {"type": "decimal", "scale": scale, "min": min(low, BOUND - 1), "max": min(high, BOUND - 1)},
        "free": {"type": "integer"},
    }


@st.composite
def asked(draw: st.DrawFn) -> tuple[Agreement, Question]:
    """Give an agreement and a question that may ask too much of it."""
    link = draw(st.sampled_from(["default", "ssn+birth_date"]))  # planning a similarity pass takes long
    declared = agreement_value(operations=list(load_measures()), decoys=draw(st.sampled_from([0, 1024, 65_536])), link=[link])
    declared["joins"] = ["inner", "left", "any"]
    names = {"tanf": "human-services", "wages": "labor"}
    for name, agency in names.items():
        declared["datasets"][name] = {
            "agency": agency,
            "columns": draw(columns()),
            "identifiers": ["ssn", "birth_date", "first_name", "last_name"],
            "people": draw(st.integers(1, 200_000) | st.integers(1, 100_000_000)),
            "rows_per_person": draw(st.sampled_from([1, 20, 1000])),
        }
    derived = {"total": draw(st.sampled_from(["sum(whole)", "sum(part)", "count(*)", "max(part)"]))}
    people: dict[str, Any] = {name: {"agency": agency, "dataset": name, "derive": derived} for name, agency in names.items()}
    every = [f"{group}.{name}" for group in names for name in ("group", "flag", "whole", "part", "total", "free")]
    by = draw(st.lists(st.sampled_from(every[:3] + every[6:9]), max_size=4, unique=True))
    over = st.tuples(st.sampled_from(OVER), st.sampled_from(every[1:6] + every[7:]))
    measures = ["count", *({name: column} for name, column in draw(st.lists(over, max_size=6, unique=True)))]
    value = question_value(
        people=people, by=by, measures=measures, keep=draw(st.sampled_from(["tanf and wages", "tanf", "tanf or wages"]))
    )
    return Agreement.read(declared, what="agreement"), Question.read(value, what="job")


def lay_out(made: Plan, question: Question, terms: Agreement) -> None:
    """Lay out everything that a job of the longest lists needs, as the parties' machines do."""
    slots = sum(most_rows(question, terms).values())
    computation = computation_of(made)
    primes = computation.chain_primes(slots)
    assert tuple(primes[chain] for chain in computation.term_plan.chains) == bounds_prime_counts(made, slots)
    layouts = [computation.layout(one, slots, slots) for one in computation.term_plan.multiplications]
    assert all(layout.slots == slots <= MAX_SLOTS for layout in layouts)
    assert sum(len(layout.pairs) for layout in layouts) == len(made.terms)
    assert audit_layout(slots, len(passes_of(question, terms).exact) * terms.decoys).slots >= slots
    assert len(made.terms) <= MAX_PRODUCTS
    cells = computation.cell_primes(slots)
    for cell, count in zip(made.cells, cells, strict=True):
        assert 2 * cell.bound * slots < modulus(count)
    assert Packing(tuple(modulus(count).bit_length() for count in cells)).plaintexts > 0


def allowed(terms: Agreement, question: Question) -> Plan | TallyError:
    """Give the plan of a job that is allowed, or why it is not."""
    try:
        return plan_allowed_job(job(terms, question), terms, digest=terms.digest(), now=NOW)
    except TallyError as error:
        return error


def check(terms: Agreement, question: Question) -> bool:
    """Hold the property; give whether the question was allowed."""
    found = problems(question, terms, "ana")
    made = allowed(terms, question)
    if isinstance(made, TallyError):
        assert any((one.code, one.message) == (made.code, made.message) for one in found)
        return False
    assert found == []
    lay_out(made, question, terms)
    return True


SETTINGS = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}


@settings(max_examples=100, **SETTINGS)  # type: ignore[arg-type]  # a mapping of mixed types
@given(asked())
def test_s15_what_is_allowed_can_be_planned_and_laid_out(case: tuple[Agreement, Question]) -> None:
    check(*case)


@pytest.mark.slow
@settings(max_examples=2000, **SETTINGS)  # type: ignore[arg-type]  # a mapping of mixed types
@given(asked())
def test_s15_two_thousand_questions_that_are_allowed_can_be_planned_and_laid_out(case: tuple[Agreement, Question]) -> None:
    check(*case)


# --- each limit, on both sides -----------------------------------------------------------------------------------------------------


def terms_of(columns_: dict[str, Any], **dataset: Any) -> Agreement:
    value = agreement_value(operations=list(load_measures()), decoys=0)
    for name in ("tanf", "wages"):
        value["datasets"][name] |= {"columns": columns_, **dataset}
    return Agreement.read(value, what="agreement")


def question_of(by: list[str], *measures: Any) -> Question:
    people = {"tanf": {"agency": "human-services", "dataset": "tanf"}, "wages": {"agency": "labor", "dataset": "wages"}}
    keep = "tanf" if any(name.startswith("wages.") for name in by) else "tanf and wages"
    return Question.read(question_value(people=people, keep=keep, by=by, measures=["count", *measures]), what="job")


def category(levels: int) -> dict[str, Any]:
    return {"type": "category", "values": [f"v{at}" for at in range(levels)]}


@pytest.mark.parametrize(
    ("levels", "measures", "said"),
    [
        ((99, 98), [], None),  # 100 × 100 rows: of missing levels, and of people who are not in wages
        ((99, 99), [], f"10100 rows; {MAX_ROWS} are allowed"),
        ((99, 48), [{"sum": "tanf.n"}], None),  # 5,000 rows of 3 cells
        ((99, 48), [{"variance": "tanf.n"}], None),  # of 4
        ((99, 49), [{"variance": "tanf.n"}], f"20400 cells; {MAX_CELLS} are allowed"),
        ((99, 65), [{"mean": "tanf.n"}, {"sum": "tanf.n"}], f"20100 cells; {MAX_CELLS} are allowed"),
    ],
)
def test_the_largest_tables_pass_and_one_more_level_does_not(
    levels: tuple[int, int], measures: list[Any], said: str | None
) -> None:
    terms = terms_of({"a": category(levels[0]), "b": category(levels[1]), "n": {"type": "integer", "min": 0, "max": 9}})
    question = question_of(["tanf.a", "wages.b"], *measures)
    assert check(terms, question) is (said is None)
    if said is not None:
        (problem,) = problems(question, terms, "ana")
        assert (problem.code, problem.message) == ("table-too-large", f"by: the table would have {said}")
        assert (
            problem.hint
            == f"leave out a column such as {min(zip(levels, question.by, strict=True))[1]}, or use one with fewer levels"
        )


def test_lists_of_the_declared_people_must_fit_the_slots() -> None:
    flag = {"flag": {"type": "boolean"}}
    half = MAX_SLOTS // 2  # a Padmé size
    assert check(terms_of(flag, people=half), question_of(["tanf.flag"]))
    terms = terms_of(flag, people=half + 1)
    (problem,) = problems(question_of(["tanf.flag"]), terms, "ana")
    assert (problem.code, problem.hint) == ("table-too-large", "declare fewer people for tanf and wages")
    assert not check(terms, question_of(["tanf.flag"]))


def test_s15_a_sum_must_fit_for_the_declared_people_and_not_for_those_that_come() -> None:
    """Σx² of 64-bit values fits for few people and not for many, so it depends on what is declared, which all parties know."""
    terms = {
        people: terms_of({"n": {"type": "decimal", "scale": 6, "min": 0, "max": BOUND - 1}}, people=people)
        for people in (1, 10_000_000)
    }
    asked_for = question_of([], {"sum": "tanf.n"})
    assert all(check(one, asked_for) for one in terms.values())
    squares = question_of([], {"sd": "tanf.n"})
    (problem,) = problems(squares, terms[1], "ana")
    assert (problem.code, "narrower bounds" in problem.hint) == ("sum-too-large", True)
    wide = {
        people: terms_of({"n": {"type": "integer", "min": 0, "max": 1 << 100}}, people=people) for people in (100, 10_000_000)
    }
    assert check(wide[100], asked_for)
    (problem,) = problems(asked_for, wide[10_000_000], "ana")
    assert (problem.code, "narrower bounds" in problem.hint) == ("sum-too-large", True)


def test_the_example_is_allowed_by_the_same_plan_that_its_parties_make() -> None:
    terms = agreement()
    contract = job(terms)
    assert plan_allowed_job(contract, terms, digest=terms.digest(), now=NOW) == plan_job(contract.question, terms)
