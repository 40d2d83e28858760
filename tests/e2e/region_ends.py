"""How a job over the region ends when an agency takes its yes back, or stays away: clearly, everywhere, with nothing released."""

from __future__ import annotations

from functools import partial

import pytest

from tallystick.core.errors import Refused
from tests.e2e.network import Network, ended_everywhere
from tests.e2e.party import START_S, Party, commands, state_at
from tests.e2e.test_kill import shares_of_job


def check_withdrawn(network: Network, job: str, agency: str, *, unsent: bool = False) -> None:
    """Let an agency take back its yes to a job that runs; see that the job ends at every node that runs, and then at those that were down.

    Args:
        network, job, agency: the job, and whose yes it was.
        unsent: every agency had sealed its share, and one died before it sent it.
    """
    folder = network.parties[agency].folder
    commands(folder, [["node", "refuse", job, "--class", "people", "--reason", "a person is known", "--config", "node.yaml"]])
    view = network.wait(job, revive=False)
    assert view.state == "refused"
    assert [(reason.party, reason.code) for reason in view.reasons] == [(agency, "steward-refuses")]
    check_nothing_came(network, job, unsent=unsent)
    network.until(lambda: ended_everywhere(network, view), START_S, "a node goes on")


def check_expired(network: Network, job: str, away: str) -> None:
    """See that a job whose agency stays away says so, and ends at its deadline at every node, with the name of whom it waited for."""
    view = network.wait(job, revive=False, within=300)
    assert (view.state, [reason.code for reason in view.reasons][-1:]) == ("expired", ["job-expired"])
    assert away in view.reasons[-1].message
    check_nothing_came(network, job)
    for node in network.nodes:
        if node.alive:
            network.until(partial(has_expired, node, job), START_S, f"{node.name} goes on")
    network.until(lambda: ended_everywhere(network, view), START_S, "a node does not hear of the end")


def has_expired(node: Party, job: str) -> bool:
    """Tell whether a node knows that a job's time is over."""
    return state_at(node, job) == "expired"


def check_nothing_came(network: Network, job: str, *, unsent: bool = False) -> None:
    """See that there is no result, and that not every agency sealed a share, or that all did and one is not sent."""
    with pytest.raises(Refused, match="job-state"):
        network.client.result(job)
    sealed = len(shares_of_job(network, job))
    assert (sealed == len(network.nodes)) if unsent else (sealed < len(network.nodes))
