"""Random jobs from question to released rows, through the real planner, tokens, machines, matching and encryption, against the oracle.

In memory; one Paillier key serves a run. A job takes half a second of a processor and more, so the thousands are slow, and a thousand jobs in
the clear stand in tests/unit/core/test_populations.py.
"""

from __future__ import annotations

import functools
from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tallystick.core.errors import Refused
from tallystick.core.job.model import Question
from tallystick.core.linkage.passes.recipes import parse_recipe
from tallystick.core.linkage.passes.tokens import token_columns, with_any_token
from tallystick.core.statistics.columns import AgencyList, GroupMembers, agency_columns, own_totals, usable_column
from tallystick.core.statistics.computation import computation_of
from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.planner import plan
from tallystick.core.statistics.table import linkage_numbers, table
from tallystick.crypto import paillier, signing
from tallystick.crypto.randomness import SystemRandomness
from tallystick.crypto.statistic import messages as kinds
from tallystick.crypto.statistic.computation import Computation
from tallystick.crypto.statistic.desk import DeskSetup, Opened
from tallystick.crypto.statistic.states import AgencySetup
from tallystick.crypto.workers import SerialWorkers
from tests.oracle import expected_rows, expected_rows_of
from tests.passes import ladder_of
from tests.populations import frame_of
from tests.protocol.bus import Bus
from tests.protocol.cases import JOB, identity, paillier_key, token_column
from tests.unit.core.test_planner import BY, KEEP, OPERATIONS, VALUES, agreement, frames, person_columns, question
from tests.unit.core.test_populations import QUICK, TERMS, People, cases, check_linkage, feasible, lists_of, question_over

RECIPE = "ssn+birth_date"
GROUPS = {"one": "l", "two": "r"}
SSNS = [None, "", "212-45-6701", "212456702", "000-00-0000", "212-45-6704", "212456705"]
DATES = [None, "1980-02-29", "02/29/1980", "1975-12-01", "1975-13-01"]
CANONICAL = {"212-45-6701": "212456701", "212-45-6704": "212456704", "000-00-0000": None, "": None}
CANONICAL_DATES = {"02/29/1980": "1980-02-29", "1975-13-01": None}


@st.composite
def jobs(draw: st.DrawFn) -> tuple[Question, pd.DataFrame, pd.DataFrame]:
    """Give a question and two tables of people with identifiers that repeat, are missing, denied or impossible."""
    references = [f"{group}.{name}" for group in "lr" for name in BY]
    by = tuple(draw(st.lists(st.sampled_from(references), max_size=2, unique=True)))
    measured = st.tuples(st.sampled_from(OPERATIONS), st.sampled_from([f"{g}.{name}" for g in "lr" for name in VALUES]))
    measures = ["count", *({operation: column} for operation, column in draw(st.lists(measured, max_size=1)))]
    tables = []
    for _ in range(2):
        table_ = draw(frames())
        table_["ssn"] = draw(st.lists(st.sampled_from(SSNS), min_size=len(table_), max_size=len(table_)))
        table_["birth_date"] = draw(st.lists(st.sampled_from(DATES), min_size=len(table_), max_size=len(table_)))
        tables.append(table_)
    return question(draw(st.sampled_from(list(KEEP))), by, tuple(measures)), tables[0], tables[1]


@pytest.fixture(autouse=True)
def _one_paillier_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paillier, "generate", paillier_key)


def check(asked: Question, left: pd.DataFrame, right: pd.DataFrame) -> None:
    """Run the job encrypted and compare with the clear."""
    made = plan(asked, agreement())
    opened = run(made, GROUPS, {"l": left, "r": right})
    links = links_in_the_clear(left, right)
    bare = [frame.drop(columns=["ssn", "birth_date"]) for frame in (left, right)]
    assert table(made, opened.values) == expected_rows(asked, agreement(), {"l": bare[0], "r": bare[1]}, links)
    assert linkage_numbers(made, opened.values) == {
        "people": {"l": len(left), "r": len(right)},
        "usable": {"l": sum(map(bool, tokens_in_the_clear(left))), "r": sum(map(bool, tokens_in_the_clear(right)))},
        "matched": len(links),
    }


def run(made: Plan, groups: dict[str, str], frames: dict[str, pd.DataFrame]) -> Opened:
    """Run a job of one group an agency, in memory."""
    computation = computation_of(made)
    setups = {agency: setup_of(made, computation, agency, group, frames[group]) for agency, group in groups.items()}
    keys = {name: signing.public_of(identity(name)) for name in setups}
    return Bus(setups, DeskSetup("one", computation.agencies, JOB, 1, keys, computation, SystemRandomness())).run()


def setup_of(made: Plan, computation: Computation, me: str, group: str, frame: pd.DataFrame) -> AgencySetup:
    """Give an agency's setup as a node makes it."""
    passes = token_columns([parse_recipe(RECIPE)], {name: frame[name].tolist() for name in ("ssn", "birth_date")}, len(frame))
    members = person_columns(frame) | {"#usable": usable_column(with_any_token(passes, len(frame)))}
    people = AgencyList(len(frame), {group: GroupMembers(members)})

    def columns(slots: npt.NDArray[np.int64], table_size: int) -> npt.NDArray[np.int64]:
        return agency_columns(made, me, people, slots, table_size)

    return AgencySetup(
        me=me, agencies=computation.agencies, desk="one", job=JOB, attempt=1, passes=passes, ladder=ladder_of(list(passes)),
        people=len(frame), decoys=2,
        most_rows=dict.fromkeys(computation.agencies, kinds.MAX_ROWS),
        coin_key=identity(me + " coins"), columns=columns, own=own_totals(made, me, people),
        computation=computation, sign=functools.partial(signing.sign, identity(me)), randomness=SystemRandomness(),
        workers=SerialWorkers(), tell=lambda *_: None,
    )  # fmt: skip


def tokens_in_the_clear(frame: pd.DataFrame) -> list[tuple[str, str] | None]:
    """Give what each person is known by, written from the rules' meaning alone."""
    tokens: list[tuple[str, str] | None] = []
    for ssn, date in zip(frame["ssn"].tolist(), frame["birth_date"].tolist(), strict=True):
        known: tuple[Any, Any] = CANONICAL.get(ssn, ssn), CANONICAL_DATES.get(date, date)
        tokens.append(known if None not in known else None)
    return tokens


def links_in_the_clear(left: pd.DataFrame, right: pd.DataFrame) -> list[tuple[int, int]]:
    """Give who is whom: equal tokens that are one person's at each agency."""
    mine, theirs = tokens_in_the_clear(left), tokens_in_the_clear(right)
    return [
        (i, theirs.index(token))
        for i, token in enumerate(mine)
        if token is not None and mine.count(token) == 1 and theirs.count(token) == 1
    ]


SETTINGS = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]}


@settings(max_examples=25, **SETTINGS)  # type: ignore[arg-type]  # a mapping of mixed types
@given(jobs())
def test_s10_s11_random_jobs_equal_the_oracle(job: tuple[Question, pd.DataFrame, pd.DataFrame]) -> None:
    check(*job)


@pytest.mark.slow
@settings(max_examples=1000, **SETTINGS)  # type: ignore[arg-type]  # a mapping of mixed types
@given(jobs())
def test_s10_s11_a_thousand_random_jobs_equal_the_oracle(job: tuple[Question, pd.DataFrame, pd.DataFrame]) -> None:
    check(*job)


THREE = {"one": "a", "three": "c", "two": "b"}
FORMULAS = ("a and b and c", "a and not b and c", "(a or b) and c", "a or b or c", "c and not (a and b)", "b")


@st.composite
def jobs_of_three(draw: st.DrawFn) -> tuple[Question, People, dict[str, pd.DataFrame]]:
    """Give a question over three agencies' groups, who is in which of them, and what they say; everybody has a number of their own."""
    by = tuple(draw(st.lists(st.sampled_from([f"{group}.young" for group in "abc"]), max_size=2, unique=True)))
    measures = draw(st.sampled_from([("count",), ("count", {"mean": "c.age"}), ("count", {"sum": "b.young"})]))
    people = [frozenset(some) for some in draw(st.lists(st.sets(st.sampled_from("abc"), min_size=1), max_size=9))]
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    tables = {}
    for group in "abc":
        inside = [at for at, have in enumerate(people) if group in have]
        tables[group] = frame_of(len(inside), rng)
        tables[group]["ssn"] = [f"{212_456_701 + at}" for at in inside]
        tables[group]["birth_date"] = ["1980-02-29"] * len(inside)
    owners = {group: agency for agency, group in THREE.items()}
    return question_over(owners, draw(st.sampled_from(FORMULAS)), by, measures), people, tables


@settings(max_examples=8, **SETTINGS)  # type: ignore[arg-type]  # a mapping of mixed types
@given(jobs_of_three())
def test_s11_random_jobs_of_three_agencies_equal_the_oracle(job: tuple[Question, People, dict[str, pd.DataFrame]]) -> None:
    asked, people, tables = job
    made = plan(asked, TERMS)
    opened = run(made, THREE, tables)
    positions: Counter[str] = Counter()
    everybody = []
    for have in people:
        everybody.append({group: positions[group] for group in have})
        positions.update(have)
    bare = {group: table_.drop(columns=["ssn", "birth_date"]) for group, table_ in tables.items()}
    assert table(made, opened.values) == expected_rows_of(asked, TERMS, bare, everybody)
    check_linkage(made, list(opened.values), people)


MOST_TERMS = 80
"""Of a job that is run encrypted; larger plans are evaluated in the clear alone (tests/unit/core/test_populations.py)."""


def check_any(asked: Question, people: People, tables: dict[str, pd.DataFrame]) -> None:
    """Run a job over any groups encrypted and compare with the clear: whoever is in several groups has one number everywhere."""
    assume(feasible(asked))
    try:
        made = plan(asked, TERMS)
    except Refused as error:
        assume(error.code != "table-too-large")
        raise
    assume(len(made.agencies) > 1)
    assume(len(made.terms) <= MOST_TERMS)
    computation = computation_of(made)
    setups = {}
    for agency, (mine, slots) in lists_of(asked, people, tables).items():
        numbers = token_column([f"person {at}" for at in slots])
        setups[agency] = AgencySetup(
            me=agency, agencies=computation.agencies, desk="board", job=JOB, attempt=1, passes={"number": numbers},
            ladder=ladder_of(["number"]), people=mine.n, decoys=2, most_rows=dict.fromkeys(computation.agencies, kinds.MAX_ROWS),
            coin_key=identity(agency + " coins"), columns=functools.partial(agency_columns, made, agency, mine),
            own=own_totals(made, agency, mine), computation=computation, sign=functools.partial(signing.sign, identity(agency)),
            randomness=SystemRandomness(), workers=SerialWorkers(), tell=lambda *_: None,
        )  # fmt: skip
    keys = {name: signing.public_of(identity(name)) for name in setups}
    opened = Bus(setups, DeskSetup("board", computation.agencies, JOB, 1, keys, computation, SystemRandomness())).run()
    positions: Counter[str] = Counter()
    everybody = []
    for have in people:
        everybody.append({group: positions[group] for group in have})
        positions.update(have)
    assert table(made, opened.values) == expected_rows_of(asked, TERMS, tables, everybody)
    check_linkage(made, list(opened.values), people)


@settings(max_examples=5, phases=QUICK, **SETTINGS)  # type: ignore[arg-type]  # a mapping of mixed types
@given(cases())
def test_s11_random_jobs_of_any_population_equal_the_oracle(case: tuple[Question, People, dict[str, pd.DataFrame]]) -> None:
    check_any(*case)


@pytest.mark.slow
@settings(max_examples=1000, phases=QUICK, **SETTINGS)  # type: ignore[arg-type]  # a mapping of mixed types
@given(cases())
def test_s11_a_thousand_random_jobs_of_any_population_equal_the_oracle(
    case: tuple[Question, People, dict[str, pd.DataFrame]],
) -> None:
    check_any(*case)


@pytest.mark.parametrize("keep", ["a", "a and not b"])
def test_s11_a_job_of_one_agency_alone_seals_its_own_totals(keep: str) -> None:
    """Nothing is linked, so no list leaves: the desk, another agency or the same, opens what the agency knows by itself."""
    people: People = [frozenset({"a"}), frozenset({"a", "b"}), frozenset({"b"}), frozenset({"a"})]
    groups = ("a", "b") if "b" in keep else ("a",)
    rng = np.random.default_rng(1)
    tables = {group: frame_of(sum(group in have for have in people), rng) for group in groups}
    asked = question_over(dict.fromkeys(groups, "one"), keep, ("a.young",), ("count", {"sum": "a.age"}))
    made = plan(asked, TERMS)
    alone = [have & set(groups) for have in people if have & set(groups)]
    mine = lists_of(asked, alone, tables)["one"][0]
    setup = AgencySetup(
        me="one", agencies=("one",), desk="two", job=JOB, attempt=1, passes={}, ladder=ladder_of([]), people=mine.n, decoys=2,
        most_rows={"one": kinds.MAX_ROWS}, coin_key=identity("coins"), columns=lambda *_: np.zeros((0, 0), dtype=np.int64),
        own=own_totals(made, "one", mine), computation=computation_of(made), sign=functools.partial(signing.sign, identity("one")),
        randomness=SystemRandomness(), workers=SerialWorkers(), tell=lambda *_: None,
    )  # fmt: skip
    keys = {"one": signing.public_of(identity("one"))}
    bus = Bus({"one": setup}, DeskSetup("two", ("one",), JOB, 1, keys, computation_of(made), SystemRandomness()))
    opened = bus.run()
    assert {ref.kind for ref in bus.transcript} == {kinds.RECIPIENT, kinds.SHARES, kinds.SEALED}
    positions: Counter[str] = Counter()
    everybody = []
    for have in alone:
        everybody.append({group: positions[group] for group in have})
        positions.update(have)
    assert table(made, opened.values) == expected_rows_of(asked, TERMS, tables, everybody)
