"""S-19: jobs under an agreement that closes small cells on shares, over memory and between processes: what opens is what the rule opens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tallystick.client.asking import new_job
from tallystick.core.agreement.model import Agreement
from tallystick.core.contract import Contract
from tallystick.core.disclosure.closed import ClosedCells, close_rows
from tallystick.core.job.model import Job, Question
from tallystick.crypto.randomness import SystemRandomness
from tallystick.crypto.statistic.computation import Computation
from tallystick.crypto.statistic.desk import DeskSetup, Opened
from tallystick.crypto.statistic.gate import Fate
from tallystick.node.assignment import Assignment
from tests.e2e.network import Network
from tests.e2e.records import EXITS, WAGES, Records, question
from tests.integration.test_same_scenario import setup
from tests.protocol.bus import Bus
from tests.protocol.test_gated_tables import drive

K = 5
SCENARIOS = {
    "who both have": question("both"),
    "people of the desk's agency": question("of exits", keep="exits", measures=["count", {"mean": "exits.benefit"}]),
    "people of the other": question("of wages", keep="wages", by=["wages.industry", "exits.region"]),
    "by nothing": question(
        "by nothing",
        people={
            "exits": {"agency": EXITS, "dataset": "exits", "where": "benefit > 500"},
            "wages": {"agency": WAGES, "dataset": "wages"},
        },
        by=[],
        measures=["count", {"sum": "wages.wage"}],
    ),
    "all small": question(
        "few",
        people={
            "exits": {"agency": EXITS, "dataset": "exits", "where": "benefit > 4600"},
            "wages": {"agency": WAGES, "dataset": "wages"},
        },
    ),
}


OVER_GRPC = ("who both have", "people of the desk's agency")
"""The scenarios that also run between processes, which takes longer."""


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    records = Records(2, here=60, shared=40, disclosure={"min_cell": K, "gate": True})
    with Network(tmp_path_factory.mktemp("network"), records=records) as running:
        yield running


def contract_of(network: Network, asked: Question) -> Contract:
    agreement = network.document.read(Agreement)
    job, _ = new_job(asked, agreement, network.document.digest, network.keys.analyst, now=datetime.now(UTC))
    return Contract(job.read(Job), job, agreement, network.document)


def over_memory(network: Network, contract: Contract, computation: Computation) -> Opened:
    """Run a job's machines with everybody in this process."""
    setups = {name: setup(network, Assignment(name, contract)) for name in (EXITS, WAGES)}
    setups = {name: replace(one, computation=computation) for name, one in setups.items()}
    keys = {name: bytes.fromhex(contract.agreement.parties[name].key) for name in setups}
    desk = DeskSetup(contract.desk, contract.agencies, contract.digest, 1, keys, computation, SystemRandomness())
    return Bus(setups, desk, rounds=contract.passes.rounds(contract.agreement.decoys)).run()


def rows_in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted((dict(row) for row in rows), key=lambda row: str(sorted(row.items(), key=str)))


@pytest.mark.parametrize("name", SCENARIOS)
def test_s19_what_opens_is_what_the_rule_opens_over_both_transports(network: Network, name: str) -> None:
    rows = check_opened(network, SCENARIOS[name])
    if name not in OVER_GRPC:
        return
    view = network.wait(network.submit(SCENARIOS[name]))
    assert view.state == "released", (view, network.told())
    assert rows_in_order(network.result(view.job).rows) == rows_in_order(rows)


@pytest.mark.parametrize("size", [1, K - 1, K])
def test_s19_lists_of_few_people_open_no_small_count(network: Network, size: int) -> None:
    least = sorted(map(float, network.records.left["benefit"]))[-size]
    people = {
        "exits": {"agency": EXITS, "dataset": "exits", "where": f"benefit >= {least:.2f}"},
        "wages": {"agency": WAGES, "dataset": "wages"},
    }
    rows = check_opened(network, question("few", people=people, keep="exits", by=["exits.region"]))
    assert all(row["count"] in {None, 0, K} for row in rows)


def check_opened(network: Network, asked: Question) -> list[dict[str, Any]]:
    """Run a job in memory, hold what opened against the rule over the numbers in the clear, and give the rows."""
    contract = contract_of(network, asked)
    computation, plan = contract.computation, contract.plan
    assert computation.gate is not None
    clear = over_memory(network, contract, replace(computation, gate=None)).values
    fates = drive(computation.gate, clear)
    opened = over_memory(network, contract, computation)
    assert dict(opened.hidden) == {cell: fate for cell, fate in enumerate(fates) if fate != Fate.OPENED}
    assert all(opened.values[cell] == clear[cell] for cell, fate in enumerate(fates) if fate == Fate.OPENED)
    _, rows = close_rows(ClosedCells(plan, opened.hidden), opened.values, keep_empty=False)
    assert not any(row["count"] in range(1, K) for row in rows)
    return rows


def test_s47_a_second_table_of_the_same_people_is_a_sum_of_the_first_or_is_not_opened(network: Network) -> None:
    asked = [
        question("finest"),
        question("coarser", by=["exits.region"]),
        question("again", measures=["count"]),
        question("others", by=["exits.region", {"bin": "exits.benefit", "at": [2000]}]),
    ]
    views = [network.wait(network.submit(one)) for one in asked]
    assert [view.state for view in views] == ["released", "released", "released", "failed"], (views, network.told())
    assert {reason.code for reason in views[3].reasons} == {"table-overlaps"}
    first, coarser, again = (network.result(view.job) for view in views[:3])
    assert [row["count"] for row in first.rows] == [row["count"] for row in again.rows]
    for row in coarser.rows:
        parts = [one["count"] for one in first.rows if one["exits.region"] == row["exits.region"]]
        assert row["count"] == (None if None in parts else sum(parts))
