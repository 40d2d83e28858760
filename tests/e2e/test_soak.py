"""Faults at random, for a long time: kills (S-34), bad links (S-35), full disks (S-36), certificates that change (S-33).

`python -m benchmarks.reliability soak --minutes 240` is the same for four hours; docs/reliability.md has the figures.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e import brief
from tests.e2e.breaker import EVERY, KILL
from tests.e2e.replicas import ReplicaNetwork
from tests.e2e.soak import LIMITS, Soak
from tests.postgres import postgres

SEED = 13


@pytest.mark.slow
def test_s34_five_hundred_kills_at_random_moments(tmp_path: Path) -> None:
    with postgres() as server, ReplicaNetwork(tmp_path, server, limits=LIMITS) as network:
        told = Soak(network, KILL, gap=0.7, seed=SEED, storm=40).run(lambda told: told.kills.total() >= 500)
    assert told.faultless(), told
    assert told.ends["released"] > 0


@pytest.mark.slow
def test_s35_half_an_hour_of_every_fault(tmp_path: Path) -> None:
    with postgres() as server, ReplicaNetwork(tmp_path, server, limits=LIMITS) as network:
        told = Soak(network, EVERY, gap=15.0, seed=SEED).run(lambda told: told.seconds >= 1800)
    assert told.faultless(), told
    assert set(told.faults) == set(EVERY)
    assert told.ends["released"] > 0


@pytest.mark.slow
def test_s33_certificates_change_each_minute_for_ten_minutes_and_no_job_fails(tmp_path: Path) -> None:
    command = [*brief.COMMAND, "55"]
    with postgres() as server, ReplicaNetwork(tmp_path, server, command=command, limits=LIMITS) as network:
        told = Soak(network, (), gap=1.0, seed=SEED, fresh=55.0).run(lambda told: told.seconds >= 600)
        renewed = [node.log().count("renewed") for node in network.nodes]
    assert told.faultless(), told
    assert set(told.ends) == {"released"}
    assert set(told.attempts) == {1}
    assert min(renewed) >= 7
