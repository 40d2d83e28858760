"""S-19, S-34, S-41: direct results between processes: the analyst opens, desk and coordinator read nothing, and nodes die in between."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tallystick.core.released import Released
from tests.e2e.network import Network, check_gated
from tests.e2e.records import Records, question

K = 5
DIRECT = {"min_cell": K, "gate": True, "cohorts": True}


@pytest.fixture(scope="module", params=[False, True], ids=["desk-brings-data", "desk-brings-none"])
def network(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Network]:
    records = Records(2, here=60, shared=40, disclosure=DIRECT, mode="direct")
    with Network(tmp_path_factory.mktemp("network"), records=records, third=request.param) as running:
        yield running


def test_a_direct_result_is_the_cleartexts_and_of_the_same_people_there_is_no_second(network: Network) -> None:
    job = network.submit()
    view = network.wait(job)
    check_gated(network, view, K)
    document = network.result(job).document
    released = document.read(Released)
    assert document.signers == ("analyst",) or released.opening is not None
    again = network.wait(network.submit(question(by=["exits.region"])))
    assert again.state == "failed"
    assert {reason.code for reason in again.reasons} == {"asked-before"}
