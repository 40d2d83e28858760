"""One scenario, two transports: in one process over memory, and between processes over gRPC with mutual TLS. Equal answers.

Over memory run the real machines, matching and encryption, with a bus in place of the network (`tests/protocol/bus.py`); the people are
read from the same files by the node's own code.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from tallystick.client.asking import new_job
from tallystick.core.agreement.model import Agreement
from tallystick.core.contract import Contract
from tallystick.core.disclosure.profiles import profile_of
from tallystick.core.disclosure.rules.linkage_report import linkage_report
from tallystick.core.job.model import Job, Question
from tallystick.core.linkage.matching.matching import Matches
from tallystick.core.linkage.quality.report import count_links, encode_report, read_seen
from tallystick.core.statistics.table import linkage_numbers, table
from tallystick.crypto.randomness import SystemRandomness
from tallystick.crypto.statistic.desk import DeskSetup
from tallystick.crypto.statistic.states import AgencySetup
from tallystick.crypto.workers import SerialWorkers
from tallystick.node.assignment import Assignment
from tallystick.node.config import read_config
from tallystick.node.prepare import prepare_records
from tallystick.node.storage.memory import MemoryNodeStorage
from tests.e2e.network import Network
from tests.e2e.records import EXITS, WAGES, question, sorted_rows
from tests.protocol.bus import Bus

SCENARIOS = {
    "inner, by both": question("inner"),
    "left, by both": question("left", keep="exits"),
    "left, from the other side": question("from the other side", keep="wages"),
    "inner, by nothing": question("by nothing", by=[], measures=["count", {"sum": "wages.wage"}]),
    "some of them": question(
        "some of them",
        people={
            "exits": {"agency": EXITS, "dataset": "exits", "where": "region = 'north' and benefit > 100"},
            "wages": {"agency": WAGES, "dataset": "wages"},
        },
        by=["wages.industry"],
    ),
}


@dataclass(frozen=True)
class Answer:
    """What a job gives, however its messages travel."""

    rows: list[dict[str, Any]]
    linkage: dict[str, Any]


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    with Network(tmp_path_factory.mktemp("network")) as running:
        yield running


def over_grpc(network: Network, asked: Question) -> Answer:
    """Ask the network."""
    view = network.wait(network.submit(asked))
    assert view.state == "released", (view, network.told())
    result = network.result(view.job)
    return Answer([dict(row) for row in result.rows], dict(result.linkage))


def over_memory(network: Network, asked: Question) -> Answer:
    """Run the same job, under the same agreement and over the same files, with everybody in this process."""
    agreement = network.document.read(Agreement)
    job, _ = new_job(asked, agreement, network.document.digest, network.keys.analyst, now=datetime.now(UTC))
    contract = Contract(job.read(Job), job, agreement, network.document)
    setups = {name: setup(network, Assignment(name, contract)) for name in (EXITS, WAGES)}
    keys = {name: bytes.fromhex(agreement.parties[name].key) for name in setups}
    desk = DeskSetup(contract.desk, contract.agencies, contract.digest, 1, keys, contract.computation, SystemRandomness())

    def report(tags: list[Any], matches: Matches) -> bytes:
        part = count_links(tags, matches, contract.passes.exact, agreement.decoys, contract.passes.rounds(agreement.decoys))
        return encode_report(part, job=contract.digest, attempt=1, passes=contract.passes.digest)

    opened = Bus(setups, desk, report=report, rounds=contract.passes.rounds(agreement.decoys)).run()
    rows = table(contract.plan, opened.values)
    part = read_seen(
        opened.report, job=contract.digest, attempt=1, passes=contract.passes.digest, count=len(contract.passes.told)
    )
    linkage = linkage_report(
        contract.plan, opened.values, (rows, rows), linkage_numbers(contract.plan, opened.values), part,
        decoys=agreement.decoys, exact=len(contract.passes.exact), profile=profile_of(agreement.disclosure),
    )  # fmt: skip
    return Answer(rows, linkage)


def setup(network: Network, assignment: Assignment) -> AgencySetup:
    """Give an agency's machine what its node would."""
    config, storage = read_config(network.folder / assignment.me / "node.yaml"), MemoryNodeStorage()
    people, contract = prepare_records(assignment, config, storage), assignment.contract
    return AgencySetup(
        me=assignment.me,
        agencies=contract.agencies,
        desk=contract.desk,
        job=contract.digest,
        attempt=1,
        passes=people.passes,
        bands_of=people.bands_of,
        ladder=contract.passes.ladder,
        people=people.people,
        decoys=contract.agreement.decoys,
        most_rows=contract.most_rows,
        coin_key=storage.secret(),
        columns=people.over_slots,
        own=people.own,
        computation=contract.computation,
        sign=network.keys.agencies[assignment.me].sign,
        randomness=SystemRandomness(),
        workers=SerialWorkers(),
        tell=lambda *_: None,
        knows=people.knows,
    )


@pytest.mark.parametrize("name", SCENARIOS)
def test_both_transports_give_the_same_answer(network: Network, name: str) -> None:
    asked = SCENARIOS[name]
    here, there = over_memory(network, asked), over_grpc(network, asked)
    assert in_order(here.rows) == in_order(there.rows)
    assert apart_from_noise(here.linkage) == apart_from_noise(there.linkage)
    assert any(row["count"] for row in there.rows)


def apart_from_noise(linkage: dict[str, Any]) -> dict[str, Any]:
    """Give a linkage report without what decoys blur: their coins are each network's own."""
    for one in linkage["passes"]:
        assert abs(one["matches"] - linkage["matched"]) <= 4  # one pass, and as many decoys
    kept = {key: value for key, value in linkage.items() if key != "quality"}
    return kept | {"passes": [{**one, "matches": None} for one in linkage["passes"]]}


def test_the_linkage_report_is_that_of_the_records_in_the_clear(network: Network) -> None:
    asked = SCENARIOS["inner, by both"]
    linkage, agreement = over_memory(network, asked).linkage, network.document.read(Agreement)
    sides = ("exits", "wages")
    everyone = question("all", by=[], measures=["count"])
    (whole,) = network.records.expected(everyone, agreement)
    assert linkage["matched"] == whole["count"]
    (one,) = linkage["passes"]
    assert one["tokens"] == linkage["usable"]
    assert [linkage["rates"]["overall"][side]["value"] for side in sides] == [
        round(whole["count"] / linkage["people"][side], 4) for side in sides
    ]
    by_left = {"by": [name for name in asked.by if name.startswith("exits.")]}
    matched = {row[by_left["by"][0]]: row["count"] for row in network.records.expected(question("m", **by_left), agreement)}
    left = question("l", keep="exits", **by_left)
    people = {row[by_left["by"][0]]: row["count"] for row in network.records.expected(left, agreement)}
    told = {group[by_left["by"][0]]: (group["people"], group["matched"]) for group in linkage["rates"]["groups"]}
    assert {level: pair for level, pair in told.items() if pair[0]} == {
        level: (count, matched.get(level, 0)) for level, count in people.items()
    }
    assert sum(pair[1] for pair in told.values()) == linkage["matched"]


def in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the rows that somebody is in, every column, in one order."""
    return sorted((row for row in rows if row["count"]), key=lambda row: str(sorted(row.items(), key=str)))


def test_the_answer_is_that_of_the_records_in_the_clear(network: Network) -> None:
    asked = SCENARIOS["inner, by both"]
    answer = network.records.expected(asked, network.document.read(Agreement))
    assert sorted_rows(over_memory(network, asked).rows) == sorted_rows(answer)
