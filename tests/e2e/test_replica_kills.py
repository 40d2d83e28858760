"""Two coordinators on one PostgreSQL, killed while jobs run (S-34): every answer is right, none comes twice, nobody is left behind."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator

import pytest

from tests.e2e.network import COORDINATOR, check_released
from tests.e2e.replicas import SECOND, ReplicaNetwork
from tests.postgres import postgres

JOBS = 6


@pytest.fixture(name="network", scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplicaNetwork]:
    with postgres() as server, ReplicaNetwork(tmp_path_factory.mktemp("network"), server) as network:
        yield network


@pytest.mark.slow
def test_a_network_of_two_coordinators_answers(network: ReplicaNetwork) -> None:
    check_released(network, network.wait(network.submit()))


@pytest.mark.slow
@pytest.mark.parametrize("dead", [COORDINATOR, SECOND])
def test_s34_one_coordinator_alone_goes_on(network: ReplicaNetwork, dead: str) -> None:
    network.parties[dead].stop()
    check_released(network, network.wait(network.submit()))
    network.heal()


@pytest.mark.slow
def test_s34_coordinators_killed_at_random_lose_and_repeat_nothing(network: ReplicaNetwork) -> None:
    draw = random.Random(13)
    for _ in range(JOBS):
        job = network.submit()
        victim = draw.choice(network.replicas)
        killer = threading.Timer(draw.uniform(0.0, 4.0), victim.kill)
        killer.start()
        view = network.wait(job)
        killer.join()
        network.revive()
        check_released(network, view)
