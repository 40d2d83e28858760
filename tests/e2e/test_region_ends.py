"""S-19, S-34: five agencies of the region under a gate: any dies in any round, two die in one job, one withdraws or stays away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tallystick.client.views import JobProgress
from tallystick.core.agreement.model import Agreement
from tallystick.core.failpoint import KILLED
from tests.e2e.county import ONE
from tests.e2e.network import Network, ended_everywhere
from tests.e2e.party import START_S
from tests.e2e.region import EAST, HOUSING, LABOR, SCHOOLS, WEST, Asked, Group, RegionRecords, in_the_clear
from tests.e2e.region_ends import check_expired, check_withdrawn
from tests.e2e.test_kill import job_through

pytestmark = pytest.mark.slow

K = 5
PEOPLE = 1500
LONG_S = 900.0
ROUNDS = (
    (EAST, "node-points-sent"),
    (WEST, "node-tags-sent"),
    (LABOR, "node-correction-sent"),
    (HOUSING, "node-slots-taken"),
    (SCHOOLS, "node-audit-sent"),
    (EAST, "node-columns-sent"),
    (WEST, "node-columns-taken"),
    (LABOR, "node-products-sent"),
    (HOUSING, "node-products-taken"),
    (SCHOOLS, "node-gate-sent"),
    (EAST, "node-gate-taken"),
    (WEST, "node-pattern-sent"),
    (LABOR, "node-pattern-taken"),
    (HOUSING, "node-recipient-taken"),
    (SCHOOLS, "node-before-share-sent"),
)
"""Each round of a job over five agencies with a gate, and who dies in it; every agency dies in three."""
TOGETHER = (
    {EAST: "node-gate-taken", SCHOOLS: "node-gate-sent"},
    {WEST: "node-columns-taken", LABOR: "node-pattern-sent"},
    {HOUSING: "node-products-taken", LABOR: "node-tags-sent"},
    {EAST: "node-pattern-taken", WEST: "node-before-share-sent"},
)
ASKED = Asked(
    {
        "east": Group(("tanf_east",), summary={"area": ("area", ONE)}),
        "west": Group(("tanf_west",)),
        "wages": Group(("ui_wages",)),
        "stays": Group(("hmis_stays",)),
        "pupils": Group(("pupils",)),
    },
    {
        "keep": "(east or west) and (wages or stays or pupils)",
        "measures": ["count"],
        "by": ["east.area"],
    },
)


@pytest.fixture(scope="module", name="network")
def run_gated_region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    records = RegionRecords(PEOPLE, {"min_cell": K, "gate": True})
    with Network(tmp_path_factory.mktemp("region"), records=records) as running:
        yield running


def check_table(network: Network, view: JobProgress) -> None:
    """Check that what opened is exact, that nothing small did, and that every node knows the end."""
    assert view.state == "released", (view.reasons, network.told())
    result: list[dict[str, Any]] = network.result(view.job).json_value()["rows"]
    clear = in_the_clear(network.folder, ASKED, ASKED.question("clear"), network.document.read(Agreement)).rows
    assert len(result) == len(clear)
    assert any(1 <= row["count"] < K for row in clear), "something is small"
    for shown, row in zip(result, clear, strict=True):
        assert shown["count"] in {None, row["count"]}
        assert shown["count"] is None or not 1 <= row["count"] < K
    assert any(row["count"] for row in result)
    network.until(lambda: ended_everywhere(network, view), START_S, "a node does not hear of the end")


@pytest.mark.parametrize(("party", "label"), ROUNDS, ids=lambda text: text)
def test_s34_one_of_five_dies_in_a_round(network: Network, party: str, label: str) -> None:
    network.heal()
    check_table(network, job_through(network, {party: label}, ASKED.question(f"{party} {label}"), within=LONG_S))


@pytest.mark.parametrize("labels", TOGETHER, ids=lambda labels: "+".join(labels.values()))
def test_s34_two_of_five_die_in_one_job(network: Network, labels: dict[str, str]) -> None:
    network.heal()
    check_table(network, job_through(network, labels, ASKED.question("+".join(labels.values())), within=LONG_S))


@pytest.mark.parametrize(("party", "label"), ROUNDS, ids=lambda text: text)
def test_one_of_five_is_down_in_a_round_and_another_withdraws(network: Network, party: str, label: str) -> None:
    network.heal()
    network.restart({party: label})
    job = network.submit(ASKED.question(f"down {party} {label}"))
    network.until(lambda: network.parties[party].code == KILLED, LONG_S, "nobody died")
    check_withdrawn(network, job, LABOR if party != LABOR else EAST, unsent=label == "node-before-share-sent")


@pytest.mark.parametrize(("party", "label"), [(SCHOOLS, "node-gate-sent"), (EAST, "node-columns-sent")], ids=lambda text: text)
def test_one_of_five_stays_away_until_the_deadline(network: Network, party: str, label: str) -> None:
    network.heal()
    network.restart({party: label})
    job = network.submit(ASKED.question(f"away {party} {label}"), deadline=timedelta(seconds=150))
    network.until(lambda: network.parties[party].code == KILLED, LONG_S, "nobody died")
    check_expired(network, job, party)
