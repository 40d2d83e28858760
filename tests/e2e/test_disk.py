"""A disk that is full for a while (S-36): nothing is lost, nothing is wrong, and what ends says why.

The limit on the size of files stands for the disk: from then on nothing grows, neither rows nor messages nor the log.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tallystick.core.errors import NotReady
from tests.e2e.network import Network, check_released
from tests.e2e.party import Party
from tests.e2e.records import WAGES, question

FULL_S = 3.0
"""Longer than the coordinator's tick: what ticks meets the full disk too."""


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    with Network(tmp_path_factory.mktemp("network")) as running:
        yield running


def fill(party: Party) -> None:
    """Leave a party no room."""
    _limit(party, 0)


def make_room(party: Party) -> None:
    """Give the room back."""
    _limit(party, resource.RLIM_INFINITY)


def _limit(party: Party, length: int) -> None:
    resource.prlimit(party.pid, resource.RLIMIT_FSIZE, (length, resource.RLIM_INFINITY))


def test_s36_a_full_disk_at_the_coordinator_is_waited_out(network: Network) -> None:
    fill(network.coordinator)
    with pytest.raises(NotReady, match="disk is full"):
        network.client.submit(question(), network.document)
    make_room(network.coordinator)
    (job,) = network.client.profile.jobs()
    network.client.resubmit(job)
    network.wait(job, "running")
    fill(network.coordinator)
    time.sleep(FULL_S)
    view = network.view(job)
    assert view is not None
    assert not view.over
    make_room(network.coordinator)
    check_released(network, network.wait(job))
    assert Path(network.coordinator.folder / "log").stat().st_size > 0


def test_s36_a_node_with_a_full_disk_says_so_and_serves_the_next_job(network: Network) -> None:
    node = network.parties[WAGES]
    fill(node)
    job = network.submit(question("no room"))
    time.sleep(FULL_S)
    view = network.view(job)
    assert view is not None
    if not view.over:  # it could not even write its approval: the job waits for it by name
        assert WAGES in {wait.party for wait in view.waiting}
    make_room(node)
    view = network.wait(job)
    assert view.state == "released" or [(reason.party, reason.code) for reason in view.reasons] == [(WAGES, "disk")]
    again = network.wait(network.submit(question("room again")))
    check_released(network, again)
