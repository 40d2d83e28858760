"""S-11, S-19, S-34 on the region: five agencies as processes of their own, over mutual TLS; numbers against the joined files."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import pytest

from tallystick.client.views import JobProgress
from tallystick.core.agreement.model import Agreement
from tallystick.core.failpoint import KILLED
from tests.e2e.network import ENDS_S, Network
from tests.e2e.region import ASKED, HOUSING, LABOR, QUICK, SCHOOLS, InTheClear, RegionRecords, in_the_clear
from tests.e2e.region_ends import check_withdrawn
from tests.e2e.test_kill import job_through

FEW = 400
MANY = 6_000


@pytest.fixture(scope="module", name="network")
def run_region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    with Network(tmp_path_factory.mktemp("region"), records=RegionRecords(FEW, {"min_cell": 0})) as running:
        yield running


@pytest.fixture(scope="module", name="large")
def run_large_region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    with Network(tmp_path_factory.mktemp("region"), records=RegionRecords(MANY, {"min_cell": 0}, decoys=64)) as running:
        yield running


def check(network: Network, name: str, *, least: int) -> InTheClear:
    """Ask a job and compare all of its numbers; give what it must be in the clear."""
    clear = compare(network, name, network.wait(network.submit(ASKED[name].question(name)), within=600))
    assert sum(row["count"] for row in clear.rows) >= least
    return clear


def compare(network: Network, name: str, view: JobProgress) -> InTheClear:
    """Compare a job's numbers with the clear."""
    assert view.state == "released", (view.reasons, network.told())
    result = network.result(view.job).json_value()
    question = ASKED[name].question(name)
    clear = in_the_clear(network.folder, ASKED[name], question, network.document.read(Agreement))
    assert result["rows"] == clear.rows
    if len(ASKED[name].agencies) > 1:
        assert result["linkage"]["people"] == clear.people
        if len(clear.people) > 2:
            assert result["linkage"]["pairs"] == clear.pairs
    return clear


@pytest.mark.parametrize("name", QUICK)
def test_s11_every_number_of_a_small_region_is_that_of_the_joined_files(network: Network, name: str) -> None:
    check(network, name, least=1)


@pytest.mark.slow
def test_s34_two_of_five_agencies_die_in_one_job(network: Network) -> None:
    network.heal()
    name = "five agencies"
    view = job_through(network, {SCHOOLS: "node-columns-taken", LABOR: "node-products-taken"}, ASKED[name].question("two die"))
    compare(network, name, view)


def test_an_agency_takes_its_yes_back_while_another_is_down_and_nothing_is_released(network: Network) -> None:
    network.heal()
    network.restart({SCHOOLS: "node-tags-sent"})
    job = network.submit(ASKED["five agencies"].question("taken back"))
    network.until(lambda: network.parties[SCHOOLS].code == KILLED, ENDS_S, "nobody died")
    check_withdrawn(network, job, HOUSING)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(ASKED))
def test_s11_every_number_of_a_region_is_that_of_the_joined_files(large: Network, name: str) -> None:
    clear = check(large, name, least=30)
    assert not clear.pairs or min(clear.pairs.values()) > 0


def test_the_region_asks_of_one_to_five_agencies_and_of_people_who_moved(network: Network) -> None:
    """Else equality would prove little."""
    assert {len(one.agencies) for one in ASKED.values()} == {1, 2, 3, 4, 5}
    truth = pd.read_csv(network.folder / "truth.csv", dtype=str)
    east, west = (set(truth.person[truth.dataset == f"tanf_{side}"]) for side in ("east", "west"))
    assert east & west
