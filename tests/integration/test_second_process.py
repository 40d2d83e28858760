"""Two processes of one agency (S-37): the earlier is told, and ends; a node that only dials again is left alone."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tallystick.core.errors import Refused
from tests import governance
from tests.integration.nodes import in_loop, make_agency, signed_terms, terms, write_sources
from tests.integration.served import serving
from tests.integration.test_node_jobs import until
from tests.town import OTHER, Town


@in_loop
async def test_s37_a_second_process_of_one_agency_is_recognised_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(governance, "signed_agreement", signed_terms)
    write_sources(tmp_path)
    town = Town(tmp_path, terms=terms())
    async with serving(town) as address:
        agency = make_agency(town, OTHER, address, tmp_path)
        copy = replace(agency, folder=tmp_path / "copy")
        shutil.copytree(agency.folder, copy.folder)  # a machine that was cloned: its keys, its certificate
        first, second = agency.node(), copy.node()
        hub = town.at.server._hub
        one = asyncio.create_task(first.attend())
        await until(lambda: OTHER in hub.connected)
        two = asyncio.create_task(second.attend())
        try:
            with pytest.raises(Refused, match=rf"another process of {OTHER} connected from ipv4.*second-process"):
                await asyncio.wait_for(one, 30)
            await asyncio.sleep(0.3)
            assert not two.done()
            assert hub.connected == {OTHER}
        finally:
            two.cancel()
            await asyncio.gather(one, two, return_exceptions=True)


@in_loop
async def test_s37_a_node_that_dials_again_is_no_second_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(governance, "signed_agreement", signed_terms)
    write_sources(tmp_path)
    town = Town(tmp_path, terms=terms())
    async with serving(town) as address:
        node = make_agency(town, OTHER, address, tmp_path).node()
        async with node.coordinator.attend() as left_behind:  # a stream that a lost connection leaves
            following = asyncio.create_task(_follow(left_behind))
            await until(lambda: OTHER in town.at.server._hub.connected)
            one = asyncio.create_task(node.attend())
            await asyncio.sleep(1.0)
            assert not one.done()
            assert not following.done()
            for task in (one, following):
                task.cancel()
            await asyncio.gather(one, following, return_exceptions=True)


async def _follow(notices: object) -> None:
    async for _ in notices:  # type: ignore[attr-defined]  # a stream
        pass
