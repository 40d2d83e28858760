"""Households as a protected unit: from a dataset's column and an agreement's word to the rows that are hidden."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tallystick.core.agreement.model import Agreement
from tallystick.core.disclosure.leakage import leakage_statement
from tallystick.core.disclosure.profiles import profile_of
from tallystick.core.disclosure.rules.small_cells import suppress
from tallystick.core.errors import Invalid
from tallystick.core.job.check import question_problems
from tallystick.core.job.derive import WHOLE
from tallystick.core.moments import HouseholdsOf
from tallystick.core.statistics.consistency import check_consistent
from tallystick.core.statistics.table import linkage_numbers, row_moments, table
from tests.clear import ask, open_in_clear, terms_of

TOWNS = ["north", "south", "west"]
COLUMNS: dict[str, dict[str, Any]] = {
    "tanf": {
        "town": {"type": "category", "values": TOWNS},
        "home": {"type": "category"},
        "age": {"type": "integer", "min": 0, "max": 99},
    },
    "wages": {"trade": {"type": "category", "values": ["shop", "farm"]}},
}
LEAST = 3
PROTECTED = {"disclosure": {"min_cell": 5, "households": LEAST}}


def terms(**changes: Any) -> Agreement:
    return terms_of(COLUMNS, households={"tanf": "home"}, **(PROTECTED | changes))


def live(*rows: tuple[str, str | None]) -> dict[str, pd.DataFrame]:
    """Give people by town and home."""
    ids = [f"p{at:04d}" for at in range(len(rows))]
    tanf = pd.DataFrame({"id": ids, "town": [town for town, _ in rows], "home": [home for _, home in rows], "age": 30})
    return {"tanf": tanf, "wages": pd.DataFrame({"id": ids, "trade": "shop"})}


def work_out(
    frames: dict[str, pd.DataFrame], folder: Path, **changes: Any
) -> tuple[dict[Any, Any], dict[Any, int], dict[str, Any]]:
    """Give why each row is hidden, its parts of households, and what the rules tell."""
    agreed = terms()
    plan, opened = open_in_clear(ask(**({"by": ["tanf.town"]} | changes)), agreed, COLUMNS, frames, folder)
    check_consistent(plan, opened)
    rows, moments = table(plan, opened, keep_empty=True), row_moments(plan, opened)
    out, _, told = suppress(rows, linkage_numbers(plan, opened), profile_of(agreed.disclosure), plan, moments)
    sums = {levels[-1]: sums[HouseholdsOf("tanf")] for levels, sums in zip(plan.rows, moments, strict=True)}
    return {row[plan.by[-1]]: row["suppressed"] for row in out}, sums, dict(told)


def test_rows_of_three_households_are_shown_and_of_two_are_not(tmp_path: Path) -> None:
    north = [("north", f"a{at % 3}") for at in range(9)]
    south = [("south", f"b{at % 2}") for at in range(9)]
    west = [("west", f"c{at}") for at in range(9)]
    why, sums, told = work_out(live(*north, *south, *west), tmp_path)
    assert why["south"] == "few-households"
    assert (sums["north"], sums["west"]) == (3 * WHOLE, 9 * WHOLE)
    assert sums["south"] == 2 * WHOLE
    assert told["rows_hidden"]["few-households"] >= 1
    assert "few-households" not in (why["north"], why["west"])


def test_no_row_of_fewer_households_is_ever_shown(tmp_path: Path) -> None:
    """Whoever is in a row, and however homes are spread over rows, the parts are never more than the households that are there."""
    source = random.Random(3)
    for case in range(6):
        people: list[tuple[str, str | None]] = [
            (source.choice(TOWNS), source.choice([None, *(f"h{at}" for at in range(source.randint(2, 12)))])) for _ in range(60)
        ]
        folder = tmp_path / str(case)
        folder.mkdir()
        why, sums, _ = work_out(live(*people), folder)
        for town in TOWNS:
            there = len({home for where, home in people if where == town and home is not None})
            assert sums[town] <= there * WHOLE
            if there < LEAST:
                assert why[town] is not None


@pytest.mark.parametrize("more", [{"gate": True}, {"noise": {"epsilon": 1, "budget": 2}}])
def test_a_gate_and_noise_do_not_go_with_households(more: dict[str, Any]) -> None:
    rules = {"disclosure": {"min_cell": 5, "households": LEAST} | more}
    if "noise" in more:
        with pytest.raises(Invalid, match="noise goes with none"):
            terms(**rules)
        return
    found = [one.message for one in question_problems(ask(by=["tanf.town"]), terms(**rules), "ana")]
    assert any("how many households" in one for one in found)


def test_the_leakage_statement_says_that_a_desk_sees_parts_of_households() -> None:
    told = leakage_statement(ask(by=["tanf.town"]), terms())
    assert any("parts of households" in line for lines in told.values() for line in lines)
    assert any("fewer than 3 households" in line for line in told["analyst"])
