"""S-19, S-34, S-41: direct results between processes: the analyst opens, desk and coordinator read nothing, and nodes die in between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tallystick.client.results import load_result
from tallystick.core.documents import sign_document
from tallystick.core.errors import Refused
from tallystick.core.failpoint import KILLED
from tallystick.core.released import Released
from tests.e2e.network import ENDS_S, Network, check_gated, check_released
from tests.e2e.records import BOARD, EXITS, WAGES, Records, question
from tests.e2e.test_gate import GATED, K, found_at, planted
from tests.e2e.test_kill import job_through

DIRECT = {**GATED, "cohorts": True}
OPEN = {"min_cell": 0}
"""Rules that hide nothing, so that the same people may be asked about again."""
LABELS = (
    "node-recipient-taken", "node-share-stored", "node-before-share-sent", "node-shares-sent",
    "node-shares-taken", "node-candidate-stored", "node-before-release", "node-kept-release-sent",
)  # fmt: skip
"""Of the desk, which brings data."""


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    with Network(tmp_path_factory.mktemp("open"), records=Records(2, disclosure=OPEN, mode="direct")) as running:
        yield running


@pytest.mark.parametrize("third", [False, True], ids=["desk-brings-data", "desk-brings-none"])
def test_s19_a_direct_result_has_what_passed_and_shows_itself_and_of_its_people_there_is_no_second(
    tmp_path: Path, *, third: bool
) -> None:
    records = Records(2, here=60, shared=40, disclosure=DIRECT, mode="direct")
    with Network(tmp_path, records=records, third=third) as network:
        job = network.submit()
        view = network.wait(job)
        check_gated(network, view, K)
        result = network.result(job)
        assert result.linkage["passes"][0]["matches"] is None
        (tmp_path / "result.json").write_bytes(result.encode())
        assert load_result(tmp_path / "result.json").rows == result.rows
        released = result.document.read(Released)
        value = released.json_value()
        value["rows"][0]["count"] = (value["rows"][0]["count"] or 0) + 1
        forged = sign_document("result", value, "analyst", network.client.profile.identity)
        (tmp_path / "forged.json").write_bytes(json.dumps(json.loads(forged.encode())).encode())
        with pytest.raises(Refused, match="the rows shown are not those"):
            load_result(tmp_path / "forged.json")
        for asked in (question(by=["exits.region"]), question(release="desk", title="at the desk")):
            again = network.wait(network.submit(asked))
            assert {reason.code for reason in again.reasons} == {"asked-before"}, again.reasons


def test_s19_a_desk_that_hands_on_has_no_cell_in_memory_or_files(tmp_path: Path) -> None:
    """It is killed when it has all; nobody but the analyst ever has the sum of a cell, a large one included."""
    asked = question(by=["exits.region"], measures=["count", {"sum": "exits.benefit"}])
    records = planted()
    records.mode, records.disclosure = "direct", DIRECT
    with Network(tmp_path, third=True, records=records) as network:
        network.restart({BOARD: "node-candidate-stored"})
        job = network.submit(asked)
        network.until(lambda: network.parties[BOARD].code == KILLED, ENDS_S, "the desk hands nothing on")
        assert not any(found_at(party) for party in network.parties.values())
        view = network.wait(job)
        assert view.state == "released", (view, network.told())
        rows = {row["exits.region"]: row for row in network.result(view.job).rows}
        assert rows["south"]["count"] is None
        assert rows["north"]["count"] == 37


def test_s34_nodes_die_on_the_way_of_a_direct_result(network: Network) -> None:
    network.heal()
    check_released(network, job_through(network, {WAGES: "node-share-stored", EXITS: "node-shares-taken"}))
    network.heal()
    check_released(network, job_through(network, {WAGES: "node-before-share-sent", EXITS: "node-candidate-stored"}))


@pytest.mark.slow
@pytest.mark.parametrize("label", LABELS)
def test_s34_the_desk_dies_at_one_place_of_a_direct_result(network: Network, label: str) -> None:
    network.heal()
    check_released(network, job_through(network, {EXITS: label}))


@pytest.mark.slow
@pytest.mark.parametrize("label", LABELS[:4])
def test_s34_another_agency_dies_at_one_place_of_a_direct_result(network: Network, label: str) -> None:
    network.heal()
    check_released(network, job_through(network, {WAGES: label}))


@pytest.mark.slow
@pytest.mark.parametrize("label", ["put-recorded:4", "seal-recorded", "result-stored", "release-recorded"])
def test_s34_the_coordinator_dies_at_one_place_of_a_direct_result(network: Network, label: str) -> None:
    network.heal()
    check_released(network, job_through(network, {"coordinator": label}))
