"""Rows by the time since an event, over memory and between processes over gRPC: quarters after exit, read from files of wages by quarter."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tallystick.core.agreement.model import Agreement
from tallystick.core.disclosure.closed import ClosedCells, close_rows
from tallystick.core.job.model import Question
from tallystick.core.statistics.table import table
from tallystick.crypto.statistic.gate import Fate
from tallystick.lab.network.model import Lab, read_lab
from tests.e2e.network import Network
from tests.e2e.records import EXITS, LAB, WAGES, Records, question
from tests.follow import Case, expected_periods, period_of
from tests.integration.test_gated_jobs import contract_of, over_memory
from tests.protocol.test_gated_tables import drive

K = 5
EXIT = {"type": "quarter", "min": "2022-Q1", "max": "2023-Q2"}
QUARTER = {"type": "quarter", "min": "2021-Q4", "max": "2023-Q3"}


class Histories(Records):
    """People who left in a quarter, or of whom none is known, and what they were paid, several rows a quarter among them."""

    def __init__(self) -> None:
        super().__init__(3, here=70, shared=50, disclosure={"min_cell": K, "gate": True})
        source = random.Random(3)
        quarters = [str(one) for one in pd.period_range("2022Q1", "2023Q2", freq="Q")]
        self.left["exit_quarter"] = [source.choice([*quarters, *quarters, ""]) for _ in range(len(self.left))]
        rows = []
        for person in self.right.to_dict("records"):
            for when in pd.period_range("2021Q4", "2023Q3", freq="Q"):
                rows += [
                    {**person, "quarter": str(when), "wage": source.randint(100, 900)}
                    for _ in range(source.choice([0, 1, 1, 2]))
                ]
        self.right = pd.DataFrame(rows)

    def written(self, folder: Path, *, third: bool = False) -> Lab:
        """Write the files, and a lab file about them."""
        self.left.to_csv(folder / "exits.csv", index=False)
        self.right.to_csv(folder / "wages.csv", index=False)
        value = deepcopy(LAB)
        value["agencies"][EXITS]["datasets"]["exits"]["columns"]["exit_quarter"] = EXIT
        wages = value["agencies"][WAGES]["datasets"]["wages"]
        wages |= {"rows_per_person": 20}
        wages["columns"] |= {"quarter": QUARTER, "wage": {"type": "integer", "min": 0, "max": 1000}}
        value["agreement"]["disclosure"] = dict(self.disclosure)
        (folder / "lab.yaml").write_text(json.dumps(value), encoding="utf-8")
        return read_lab(folder / "lab.yaml")

    def case(self, asked: Question, agreement: Agreement) -> Case:
        """Give a question with everybody's records in one room."""
        people: dict[tuple[str, str], dict[str, Any]] = {}
        for row in self.left.to_dict("records"):
            when = period_of(row["exit_quarter"], "quarter") if row["exit_quarter"] else None
            own = {"exit_quarter": when, "region": row["region"], "benefit": row["benefit"]}
            people.setdefault((row["ssn"], row["dob"]), {})["exits"] = [own]
        for row in self.right.to_dict("records"):
            own = {name: row[name] for name in ("industry", "wage")} | {"quarter": period_of(row["quarter"], "quarter")}
            people.setdefault((row["ssn"], row["dob"]), {}).setdefault("wages", []).append(own)
        return Case(asked, agreement, list(people.values()))


def after_exit(title: str, periods: list[Any], **changes: Any) -> Question:
    """Ask who was paid, and how much, so long after they left."""
    people = {
        "exits": {"agency": EXITS, "dataset": "exits"},
        "wages": {"agency": WAGES, "dataset": "wages", "derive": {"earned": "sum(wage)"}},
    }
    since = {"event": "exits.exit_quarter", "of": "wages.quarter", "periods": periods}
    asked: dict[str, Any] = {
        "people": people, "keep": "exits", "by": ["wages.present"], "measures": ["count", {"mean": "wages.earned"}], "since": since,
    }  # fmt: skip
    return question(title, **{**asked, **changes})


SCENARIOS = {
    "employed one and two quarters after exit": after_exit("one and two", [1, 2]),
    "by region, before and after": after_exit("by region", [-1, [1, 2]], by=["exits.region", "wages.present"]),
    "who is paid at all": after_exit(
        "paid", [0, 1], keep="exits and wages", by=[], measures=["count", {"sum": "wages.earned"}]
    ),
}


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    with Network(tmp_path_factory.mktemp("network"), records=Histories()) as running:
        yield running


@pytest.mark.parametrize("name", SCENARIOS)
def test_s11_s19_what_opens_is_what_the_records_in_the_clear_say(network: Network, name: str) -> None:
    """Without the gate every number is the oracle's; with it, what the rule opens of them, and no more."""
    contract = contract_of(network, SCENARIOS[name])
    computation, plan = contract.computation, contract.plan
    assert isinstance(network.records, Histories)
    expected = expected_periods(network.records.case(SCENARIOS[name], contract.agreement))
    clear = over_memory(network, contract, replace(computation, gate=None)).values
    assert table(plan, clear) == expected
    assert sum(row["count"] for row in expected) > 40
    assert computation.gate is not None
    fates = drive(computation.gate, clear)
    opened = over_memory(network, contract, computation)
    assert dict(opened.hidden) == {cell: fate for cell, fate in enumerate(fates) if fate != Fate.OPENED}
    assert all(opened.values[cell] == clear[cell] for cell, fate in enumerate(fates) if fate == Fate.OPENED)


def test_s19_another_since_of_the_same_people_is_not_opened(network: Network) -> None:
    first = SCENARIOS["employed one and two quarters after exit"]
    asked = [first, after_exit("one alone", [1]), after_exit("one and two again", [1, 2])]
    views = [network.wait(network.submit(one)) for one in asked]
    assert [view.state for view in views] == ["released", "failed", "released"], (views, network.told())
    assert {reason.code for reason in views[1].reasons} == {"table-overlaps"}
    result = network.result(views[0].job)
    contract = contract_of(network, first)
    opened = over_memory(network, contract, contract.computation)
    _, rows = close_rows(ClosedCells(contract.plan, opened.hidden), opened.values, keep_empty=False)
    assert [dict(row) for row in result.rows] == rows
    assert result.columns[:2] == ["period", "wages.present"]
    assert {row["period"] for row in result.rows} == {1, 2}
    assert any(row["count"] for row in result.rows)
    assert set(result.linkage["people"].values()) == {None}
