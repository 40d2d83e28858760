"""One agency suspends an agreement, or withdraws a dataset, while a job runs between processes: the job ends, and no other begins."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tallystick.core.failpoint import KILLED
from tests.e2e.network import ENDS_S, Network, check_released
from tests.e2e.party import START_S, commands
from tests.e2e.records import AGREEMENT, EXITS, WAGES, question

IN_A_ROUND = "node-share-stored"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    with Network(tmp_path_factory.mktemp("network")) as running:
        yield running


def tally(network: Network, verb: str, *options: str) -> dict[str, dict[str, object]]:
    """Type a command at the agency with the exits."""
    folder = network.parties[EXITS].folder
    (printed,) = commands(folder, [["node", verb, *options, "--config", str(folder / "node.yaml"), "--format", "json"]])
    return dict(json.loads(printed))


@pytest.mark.parametrize("what", [("--agreement", AGREEMENT), pytest.param(("--dataset", "exits"), marks=pytest.mark.slow)])
def test_a_job_that_runs_ends_and_no_other_begins(network: Network, what: tuple[str, str]) -> None:
    network.heal()
    network.restart({WAGES: IN_A_ROUND})
    job = network.submit(question(f"the middle of {what[1]}"))
    network.until(lambda: network.parties[WAGES].code == KILLED, ENDS_S, "the job does not run")
    held = tally(network, "suspend", *what, "--reason", "a breach is looked into")
    assert any(what[1] in names for names in held.values())
    view = network.wait(job, revive=False)
    assert view.state == "refused"
    assert [reason.party for reason in view.reasons] == [EXITS]
    network.heal()
    later = network.wait(network.submit(question(f"after {what[1]}")))
    assert later.state == "refused", "what is suspended stays so"
    assert tally(network, "resume", *what) == {"agreements": {}, "datasets": {}}
    check_released(network, network.wait(network.submit(question(f"again {what[1]}"))))


def test_what_is_suspended_while_the_node_is_down_ends_when_it_is_back(network: Network) -> None:
    network.heal()
    network.restart({WAGES: IN_A_ROUND})
    job = network.submit(question("down"))
    network.until(lambda: network.parties[WAGES].code == KILLED, ENDS_S, "the job does not run")
    network.parties[EXITS].stop()
    tally(network, "suspend", "--agreement", AGREEMENT)
    network.parties[EXITS].start()
    view = network.wait(job, revive=False, within=START_S)
    # which word of the node comes first, that it was restarted or that it is suspended, is a matter of moments: one fails a job, one refuses it
    assert view.state in {"refused", "failed"}, (view.state, view.reasons)
    assert EXITS in {reason.party for reason in view.reasons}, view.reasons
    assert network.wait(network.submit(question("down again"))).state == "refused", "what is suspended stays so"
    tally(network, "resume", "--agreement", AGREEMENT)
    folder: Path = network.parties[EXITS].folder
    (printed,) = commands(folder, [["node", "log", "--config", str(folder / "node.yaml"), "--format", "json"]])
    assert "suspended" in printed
