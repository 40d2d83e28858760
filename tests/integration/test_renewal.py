"""Certificates that change all the time fail no job (S-33)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tallystick.core.clock import SystemClock
from tallystick.core.net import tls
from tallystick.node.app import Node
from tallystick.node.coordinator_client import GrpcCoordinatorClient
from tallystick.node.joining import membership_of
from tallystick.node.renewing import Renewing
from tests import governance
from tests.integration.nodes import Agency, expected, found, in_loop, make_agency, released, signed_terms, terms, write_sources
from tests.integration.served import serving
from tests.town import DESK, OTHER, Town, member

PAUSE_S = 0.05
SECONDS = 90.0


def always_due(agency: Agency, node: Node, monkeypatch: pytest.MonkeyPatch) -> Renewing:
    """Give what renews a node's certificate at every look."""
    assert isinstance(node.coordinator, GrpcCoordinatorClient)
    files = membership_of(agency.config)
    monkeypatch.setattr(type(files), "due", lambda *_: True)
    return Renewing(files, agency.config.file.coordinator.address, node.coordinator, SystemClock())


@in_loop
async def test_s33_a_job_runs_while_both_nodes_renew_at_every_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(governance, "signed_agreement", signed_terms)
    write_sources(tmp_path)
    town = Town(tmp_path, terms=terms())
    async with serving(town) as address:
        agencies = [make_agency(town, name, address, tmp_path) for name in (DESK, OTHER)]
        nodes = [agency.node() for agency in agencies]
        first = [tls.serial_of(membership_of(agency.config).credentials().chain) for agency in agencies]
        renewing = [always_due(agency, node, monkeypatch) for agency, node in zip(agencies, nodes, strict=True)]
        tasks = [asyncio.create_task(node.attend()) for node in nodes]
        try:
            town.at.jobs.submit(member("ana"), town.document())
            async with asyncio.timeout(SECONDS):
                while town.state not in {"released", "failed", "refused", "expired"}:
                    for one in renewing:
                        await one.look()
                    await asyncio.sleep(PAUSE_S)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for node in nodes:
                assert isinstance(node.coordinator, GrpcCoordinatorClient)
                await node.coordinator.close()
    assert town.state == "released"
    assert found(released(town)[0]) == expected()
    record = town.at.storage.job(town.digest)
    assert record is not None
    assert record.attempt == 1
    serials = [certificate.serial for certificate in town.at.storage.certificates()]
    assert len(serials) > 2 * len(nodes)
    assert set(first) < set(serials)
