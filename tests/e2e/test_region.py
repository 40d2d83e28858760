"""S-11, S-19, S-34 on the region: five agencies as processes of their own, over mutual TLS; numbers against the joined files."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import pytest

from tallystick.core.agreement.model import Agreement
from tests.e2e.network import Network
from tests.e2e.region import ASKED, QUICK, InTheClear, RegionRecords, in_the_clear

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
    question = ASKED[name].question(name)
    view = network.wait(network.submit(question), within=600)
    assert view.state == "released", (view.reasons, network.told())
    result = network.result(view.job).json_value()
    clear = in_the_clear(network.folder, ASKED[name], question, network.document.read(Agreement))
    assert result["rows"] == clear.rows
    assert sum(row["count"] for row in clear.rows) >= least
    if len(ASKED[name].agencies) > 1:
        assert result["linkage"]["people"] == clear.people
        if len(clear.people) > 2:
            assert result["linkage"]["pairs"] == clear.pairs
    return clear


@pytest.mark.parametrize("name", QUICK)
def test_s11_every_number_of_a_small_region_is_that_of_the_joined_files(network: Network, name: str) -> None:
    check(network, name, least=1)


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
