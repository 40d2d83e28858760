"""Employers as a protected unit: from a dataset's column and a job file to the rows that are hidden."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tallystick.core.agreement.model import Agreement
from tallystick.core.disclosure.employers import find_few_employers
from tallystick.core.disclosure.leakage import leakage_statement
from tallystick.core.disclosure.profiles import profile_of
from tallystick.core.disclosure.rules.small_cells import suppress
from tallystick.core.errors import Invalid
from tallystick.core.job.check import question_problems
from tallystick.core.job.columns import operations_by_column
from tallystick.core.moments import EmployersOf
from tallystick.core.statistics.table import linkage_numbers, row_moments, table
from tests.clear import ask, open_in_clear, terms_of

TRADES = ["shop", "farm", "care", "food"]
COLUMNS: dict[str, dict[str, Any]] = {
    "tanf": {"age": {"type": "integer", "min": 0, "max": 99}, "left": {"type": "quarter", "min": "2024-Q1", "max": "2024-Q2"}},
    "wages": {
        "trade": {"type": "category", "values": TRADES},
        "employer": {"type": "category"},
        "quarter": {"type": "quarter", "min": "2024-Q1", "max": "2024-Q4"},
    },
}
EMPLOYERS = {"wages": "employer"}
ADRF = {"disclosure": {"profile": "adrf"}}


def terms(**changes: Any) -> Agreement:
    return terms_of(COLUMNS, EMPLOYERS, **(ADRF | changes))


def work(*cells: tuple[str, int, list[str | None]]) -> dict[str, pd.DataFrame]:
    """Give so many people of each trade, whose employers come by turns."""
    rows = [(trade, employers[at % len(employers)]) for trade, many, employers in cells for at in range(many)]
    ids = [f"p{at:04d}" for at in range(len(rows))]
    wages = pd.DataFrame({"id": ids, "trade": [one for one, _ in rows], "employer": [one for _, one in rows]})
    wages["quarter"] = "2024-Q2"
    return {"tanf": pd.DataFrame({"id": ids, "age": 30, "left": "2024-Q1"}), "wages": wages}


def released(frames: dict[str, pd.DataFrame], folder: Path, **changes: Any) -> tuple[dict[Any, Any], dict[str, Any]]:
    """Give why each row is hidden, by its last level, and what the rules tell."""
    agreed = terms()
    plan, opened = open_in_clear(ask(**({"by": ["wages.trade"]} | changes)), agreed, COLUMNS, frames, folder)
    rows = table(plan, opened, keep_empty=True)
    out, _, told = suppress(rows, linkage_numbers(plan, opened), profile_of(agreed.disclosure), plan, row_moments(plan, opened))
    return {row[plan.by[-1]]: row["suppressed"] for row in out}, dict(told)


def test_three_employers_of_adrf_are_shown_and_two_are_not(tmp_path: Path) -> None:
    many: list[str | None] = ["a", "b", "c", "d"]
    frames = work(("shop", 40, many), ("farm", 40, many), ("care", 10, ["a", "b", "c"]), ("food", 30, ["a", "b"]))
    why, told = released(frames, tmp_path)
    assert why == {"shop": "complementary", "farm": None, "care": None, "food": "few-employers", None: "small-cell"}
    assert told["rows_hidden"] == {"small-cell": 1, "complementary": 1, "few-employers": 1}


def test_who_has_no_employer_has_none_of_a_number(tmp_path: Path) -> None:
    frames = work(
        ("shop", 40, ["a", "b", "c"]), ("farm", 40, ["a", "b", "c"]), ("care", 30, ["a", "b", None]), ("food", 30, [None])
    )
    why, _ = released(frames, tmp_path)
    assert [why[name] for name in ("farm", "care", "food")] == [None, "few-employers", "few-employers"]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_numbers_never_say_more_employers_than_there_are(seed: int, tmp_path: Path) -> None:
    """Of people with several rows, too; and just as many, where there are no more employers than numbers."""
    random = np.random.default_rng(seed)
    most = [5, 8, 60][seed - 1]
    people = pd.DataFrame({"id": [f"p{at:03d}" for at in range(120)], "trade": random.choice(TRADES, 120)})
    wages = people.loc[random.integers(0, 120, 300)].assign(
        employer=[f"e{at}" for at in random.integers(0, most, 300)], quarter="2024-Q1"
    )
    frames = {"tanf": people[["id"]].assign(age=30, left="2024-Q1"), "wages": wages}
    plan, opened = open_in_clear(ask(by=["wages.trade"]), terms(), COLUMNS, frames, tmp_path)
    for levels, counts in zip(plan.rows, row_moments(plan, opened), strict=True):
        there = wages[wages.trade == levels[0]]
        numbers = [counts[one] for one in plan.employers]
        assert sum(number > 0 for number in numbers) <= there.employer.nunique()
        assert (sum(number > 0 for number in numbers) == there.employer.nunique()) or most > 8
        assert max(numbers) <= there.id.nunique()


def test_in_a_period_the_employers_of_its_rows_count(tmp_path: Path) -> None:
    """All have three employers in the second quarter, and two of them in the third."""
    frames = work(("shop", 60, ["a", "b", "c"]))
    later = frames["wages"].assign(quarter="2024-Q3", employer=["a", "b"] * 30)
    frames["wages"] = pd.concat([frames["wages"], later])
    since = {"event": "tanf.left", "of": "wages.quarter", "periods": [1, 2]}
    plan, opened = open_in_clear(ask(by=[], since=since), terms(), COLUMNS, frames, tmp_path)
    counted = [sum(counts[one] > 0 for one in plan.employers) for counts in row_moments(plan, opened)]
    assert counted == [3, 2]


def test_rows_of_nobody_at_work_need_no_employers(tmp_path: Path) -> None:
    frames = work(("shop", 40, ["a", "b"]), ("farm", 40, ["a", "b", "c"]))
    frames["tanf"] = pd.concat(
        [frames["tanf"], pd.DataFrame({"id": [f"q{at:03d}" for at in range(50)], "age": 30, "left": "2024-Q1"})]
    )
    gone, _ = released(frames, tmp_path, by=["tanf.left"], keep="tanf and not wages")
    assert gone == {"2024-Q1": "complementary", "2024-Q2": "small-cell", None: "small-cell"}  # beside rows of nobody
    plan, opened = open_in_clear(ask(by=["wages.trade"], keep="tanf"), terms(), COLUMNS, frames, tmp_path)
    rows = table(plan, opened, keep_empty=True)
    few = find_few_employers(plan, rows, row_moments(plan, opened), 3)
    assert [rows[index]["wages.trade"] for index in few if rows[index]["count"]] == ["shop"]
    assert [row["count"] for row in rows if not row["wages.present"]] == [50]


def test_nothing_is_counted_under_other_profiles_or_of_datasets_that_name_no_employers(tmp_path: Path) -> None:
    frames = work(("shop", 40, ["a"]))
    for agreed in (terms(disclosure={"profile": "cms"}), terms_of(COLUMNS, **ADRF)):
        plan, _ = open_in_clear(ask(by=["wages.trade"]), agreed, COLUMNS, frames, tmp_path)
        assert plan.employers == ()
    plan, _ = open_in_clear(ask(by=["wages.trade"]), terms(), COLUMNS, frames, tmp_path)
    assert plan.employers == tuple(EmployersOf("wages", number) for number in range(8))


def test_what_is_read_is_told() -> None:
    asked = ask(by=["wages.trade"])
    assert operations_by_column(asked, "wages", terms().datasets["wages"], employers=True)["employer"] == {"count"}
    assert "employer" not in operations_by_column(asked, "wages", terms().datasets["wages"])
    said = leakage_statement(asked, terms())["human-services"]
    assert any(one.endswith("how many of its people of wages have an employer of each of 8 numbers") for one in said)


def test_what_cannot_be_tested_is_refused() -> None:
    gated = terms(disclosure={"profile": "adrf", "gate": True})
    (problem,) = [one for one in question_problems(ask(by=["wages.trade"]), gated, "ana") if "gate" in one.message]
    assert (problem.code, problem.hint) == ("job-not-allowed", "ask under an agreement without gate")


@pytest.mark.parametrize("column", ["boss", "quarter"])
def test_employers_are_named_by_a_declared_column(column: str) -> None:
    with pytest.raises(Invalid) as refused:
        terms_of(COLUMNS, {"wages": column})
    assert refused.value.code == "document-invalid"
    assert f"employers: {column} is no category or integer column" in refused.value.message
