"""Random jobs from question to released rows, through the real planner, tokens, machines, matching and encryption, against the oracle.

In memory; one Paillier key serves a run. The slow variant is the thousand of docs/benchmarks.md and the foundation issue.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallystick.core.job.model import Question
from tallystick.core.linkage.passes.recipes import parse_recipe
from tallystick.core.linkage.passes.tokens import token_columns, with_any_token
from tallystick.core.statistics.columns import own_totals, side_columns, usable_column
from tallystick.core.statistics.computation import computation_of
from tallystick.core.statistics.plan import Plan, Side
from tallystick.core.statistics.planner import plan
from tallystick.core.statistics.table import linkage_numbers, table
from tallystick.crypto import paillier, signing
from tallystick.crypto.randomness import SystemRandomness
from tallystick.crypto.statistic import messages as kinds
from tallystick.crypto.statistic.computation import Computation
from tallystick.crypto.statistic.desk import DeskSetup
from tallystick.crypto.statistic.states import AgencySetup
from tallystick.crypto.workers import SerialWorkers
from tests.oracle import expected_rows
from tests.passes import ladder_of
from tests.protocol.bus import Bus
from tests.protocol.cases import JOB, identity, paillier_key
from tests.unit.core.test_planner import BY, OPERATIONS, VALUES, agreement, frames, person_columns, question

RECIPE = "ssn+birth_date"
AGENCIES: dict[Side, str] = {"left": "one", "right": "two"}
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
    return question(draw(st.sampled_from(["inner", "left"])), by, tuple(measures)), tables[0], tables[1]


@pytest.fixture(autouse=True)
def _one_paillier_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paillier, "generate", paillier_key)


def check(asked: Question, left: pd.DataFrame, right: pd.DataFrame) -> None:
    """Run the job encrypted and compare with the clear."""
    made = plan(asked, agreement())
    computation = computation_of(made, AGENCIES)
    tables: dict[Side, pd.DataFrame] = {"left": left, "right": right}
    setups = {AGENCIES[side]: setup_of(made, computation, side, frame) for side, frame in tables.items()}
    keys = {name: signing.public_of(identity(name)) for name in setups}
    opened = Bus(setups, DeskSetup("one", ("one", "two"), JOB, 1, keys, computation, SystemRandomness())).run()
    links = links_in_the_clear(left, right)
    bare = [frame.drop(columns=["ssn", "birth_date"]) for frame in (left, right)]
    assert table(made, opened.values) == expected_rows(asked, agreement(), {"l": bare[0], "r": bare[1]}, links)
    assert linkage_numbers(made, opened.values) == {
        "people": {"l": len(left), "r": len(right)},
        "usable": {"l": sum(map(bool, tokens_in_the_clear(left))), "r": sum(map(bool, tokens_in_the_clear(right)))},
        "matched": len(links),
    }


def setup_of(made: Plan, computation: Computation, side: Side, frame: pd.DataFrame) -> AgencySetup:
    """Give an agency's setup as a node makes it."""
    passes = token_columns([parse_recipe(RECIPE)], {name: frame[name].tolist() for name in ("ssn", "birth_date")}, len(frame))
    people = person_columns(frame) | {"#usable": usable_column(with_any_token(passes, len(frame)))}

    def columns(slots: npt.NDArray[np.int64], table_size: int) -> npt.NDArray[np.int64]:
        return side_columns(made, side, people, slots, table_size)

    me = AGENCIES[side]
    return AgencySetup(
        me=me, agencies=("one", "two"), desk="one", job=JOB, attempt=1, passes=passes, ladder=ladder_of(list(passes)),
        people=len(frame), decoys=2,
        most_rows=dict.fromkeys(("one", "two"), kinds.MAX_ROWS),
        coin_key=identity(me + " coins"), columns=columns, own=tuple(own_totals(made, side, people, len(frame))),
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
