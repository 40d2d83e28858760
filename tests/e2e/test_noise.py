"""S-20: jobs with noise between processes: the error that stands beside a number, the budget, and nodes that die as they charge it."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from tallystick.core.agreement.model import Agreement
from tallystick.core.errors import Refused
from tallystick.core.released import Released
from tallystick.node.noise import Charge
from tests.e2e.network import Network, ended_everywhere
from tests.e2e.party import START_S
from tests.e2e.records import EXITS, WAGES, Records, question
from tests.e2e.test_kill import job_through

EPSILON, BUDGET = 2, 7
NOISE = {"min_cell": 5, "noise": {"epsilon": EPSILON, "budget": BUDGET}}
COUNTED = {"measures": ["count"], "by": ["exits.region"]}


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    records = Records(3, here=400, shared=300, disclosure=NOISE)
    with Network(tmp_path_factory.mktemp("network"), records=records) as running:
        yield running


def charged_at(network: Network, agency: str) -> Fraction:
    """Give what an agency's jobs cost, by what its node keeps."""
    path = network.parties[agency].state / "node.db"
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as database:
        kept = database.execute("SELECT shown FROM shown WHERE job LIKE '%#noise' AND length(shown) > 0").fetchall()
    return sum((Charge.read(bytes(one)).epsilon for (one,) in kept), Fraction(0))


def test_s20_noise_stands_beside_every_number_and_a_killed_node_charges_once(network: Network) -> None:
    network.heal()
    asked = question("killed", **COUNTED)
    view = job_through(network, {WAGES: "node-noise-charged"}, asked)
    assert view.state == "released", (view, network.told())
    network.until(lambda: ended_everywhere(network, view), START_S, "a node does not hear of the end")
    result = network.result(view.job)
    exact = {row["exits.region"]: row["count"] for row in network.records.expected(asked, network.document.read(Agreement))}
    rows = {row["exits.region"]: row for row in result.rows}
    assert rows.keys() == {"north", "south", None}
    for level, count in exact.items():
        beside = rows[level]["details"]["count"]
        assert (beside["low"], beside["high"]) == (
            rows[level]["count"] - beside["noise"],
            rows[level]["count"] + beside["noise"],
        )
        assert abs(rows[level]["count"] - count) < 20  # scale 2/epsilon each: 20 is farther than e^-18
    assert result.linkage == {"people": {}, "usable": {}, "matched": None}
    released = result.document.read(Released)
    sizes = {bytes.fromhex(one.statement) for one in released.shares.values()}
    assert len(sizes) == len(released.shares)
    assert {charged_at(network, agency) for agency in (EXITS, WAGES)} == {Fraction(EPSILON)}
    assert "±" in result.answer.rows[0].cells["count"].text


def test_s20_what_the_budget_does_not_hold_is_refused_by_each_node(network: Network) -> None:
    network.heal()
    views = [network.wait(network.submit(question(f"again {number}", **COUNTED))) for number in range(3)]
    assert [view.state for view in views] == ["released", "released", "failed"], network.told()
    assert {reason.code for reason in views[2].reasons} == {"budget-spent"}
    due = {Fraction(3 * EPSILON)}  # what a node refuses it forgets, if it came so far
    network.until(lambda: {charged_at(network, one) for one in (EXITS, WAGES)} == due, START_S, "another charge")


def test_s20_a_measure_without_a_known_sensitivity_is_refused_before_anything_is_asked(network: Network) -> None:
    network.heal()
    with pytest.raises(Refused, match="noise-unfit"):
        network.submit(question("median", measures=["count", {"sd": "exits.benefit"}], by=["exits.region"]))


def test_s20_sums_means_and_shares_have_their_error_too(tmp_path: Path) -> None:
    wide = {"min_cell": 5, "noise": {"epsilon": 50, "budget": 50}}
    records = Records(4, here=400, shared=300, disclosure=wide)
    measures = ["count", {"sum": "exits.benefit"}, {"mean": "exits.benefit"}, {"share": {"of": "exits.benefit >= 2500"}}]
    asked = question(measures=measures, by=[])
    with Network(tmp_path, records=records) as network:
        view = network.wait(network.submit(asked))
        assert view.state == "released", (view, network.told())
        result = network.result(view.job)
        (row,) = result.rows
        linked = set(zip(records.right["ssn"], records.right["dob"], strict=True))
        mine = [key in linked for key in zip(records.left["ssn"], records.left["dob"], strict=True)]
        benefit = records.left[mine]["benefit"].astype(float)
        told = row["details"]
        assert abs(row["sum(exits.benefit)"] - benefit.sum()) <= 5 * told["sum(exits.benefit)"]["noise"]
        for label, true in (
            ("mean(exits.benefit)", benefit.mean()),
            ("share(exits.benefit >= 2500)", (benefit >= 2500).mean()),
        ):
            low, high = told[label]["low"], told[label]["high"]
            assert low < row[label] < high
            assert low - 2 * (high - low) < true < high + 2 * (high - low)
        assert "noise" in result.methods()
