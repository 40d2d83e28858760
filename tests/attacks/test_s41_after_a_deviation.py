"""S-41, S-45: an agency that found that another party broke the protocol goes into no other attempt of that job.

Else a coordinator that does not pass on what it hears has three tries at one job, over slots of its own making, and none of them counts.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tallystick.coordinator import driver
from tallystick.coordinator.jobs import Jobs
from tallystick.coordinator.slots import assign_slots
from tests import governance
from tests.integration.nodes import in_loop, signed_terms, stored, terms, write_sources
from tests.integration.served import serving
from tests.integration.test_node_jobs import attending, both, until
from tests.town import Town, member


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Town:
    monkeypatch.setattr(governance, "signed_agreement", signed_terms)
    write_sources(tmp_path)
    return Town(tmp_path, terms=terms(decoys=64))


@in_loop
async def test_s45_after_altered_links_no_agency_goes_into_another_attempt(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """The coordinator parts all links but one, hears that it was noticed, tells nobody, and begins attempt 2 with honest slots."""
    honest, deviating = assign_slots, [True]

    def crafted(matches: Any, sizes: Any, table: Any) -> Any:
        if not deviating[0]:
            return honest(matches, sizes, table)
        cluster = tuple(np.where(one == 0, 0, -1) for one in matches.cluster)
        return honest(dataclasses.replace(matches, cluster=cluster, clusters=1), sizes, table)

    heard: list[tuple[int, str, str]] = []
    failing = Jobs._failing

    def deaf(self: Jobs, record: Any, failure: Any) -> Any:
        heard.append((record.attempt, failure.party, failure.code))
        if heard[-1][2] == "links-altered":
            deviating[0] = False
            failure = dataclasses.replace(failure, retry=True)
        return failing(self, record, failure)

    monkeypatch.setattr(driver, "assign_slots", crafted)
    monkeypatch.setattr(Jobs, "_failing", deaf)
    async with serving(town) as address:
        agencies = both(town, address)
        nodes = [agencies.desk.node(), agencies.other.node()]
        async with attending(*nodes):
            town.at.jobs.submit(member("ana"), town.document())
            await until(lambda: town.state in {"released", "failed"})
            assert town.state == "failed", heard
            await until(lambda: all(stored(node).jobs()[0].state == "failed" for node in nodes))
        assert [stored(node).share(town.job.digest(), attempt) for node in nodes for attempt in (1, 2, 3)] == [None] * 6
    assert "links-altered" in {code for _, _, code in heard}
    assert "job-state" in {code for attempt, _, code in heard if attempt == 2}
