"""A connection on which nothing is said stays: gRPC's server counts pings that come too soon, and cuts off who pings so (S-35)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from tallystick.coordinator.server import run
from tallystick.core.net import channel
from tallystick.core.net.channel import CLIENT_OPTIONS, SERVER_OPTIONS, Option
from tallystick.node.coordinator_client import GrpcCoordinatorClient
from tests.integration.nodes import in_loop
from tests.integration.served import credentials, serving
from tests.town import OTHER, Town

INTERVAL = "grpc.http2.min_ping_interval_without_data_ms"
PING_MS = 1000
"""gRPC sends no two pings within a second."""


def faster(options: Sequence[Option], **changed: int) -> tuple[Option, ...]:
    """Give options with shorter times; none is added or left out."""
    short = {"grpc.keepalive_time_ms": PING_MS, INTERVAL: PING_MS // 2}
    return tuple((name, short.get(name, value)) for name, value in options)


async def cut_off(town: Town, seconds: float) -> bool:
    """Attend without a notice for a while; say whether the stream was cut off."""
    async with serving(town) as address:
        link = GrpcCoordinatorClient(address, credentials(town, "agency", OTHER))
        try:
            async with link.attend() as notices:
                first = asyncio.ensure_future(notices.__anext__())
                while True:
                    done, _ = await asyncio.wait([first], timeout=seconds)
                    if not done:
                        first.cancel()
                        return False
                    if first.exception() is not None:
                        return True
                    first = asyncio.ensure_future(notices.__anext__())
        finally:
            await link.close()


@in_loop
async def test_s35_an_idle_node_is_not_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The node's times a twentieth as long: some eight pings without anything else, where three too soon would be too many."""
    monkeypatch.setattr(channel, "CLIENT_OPTIONS", faster(CLIENT_OPTIONS))
    monkeypatch.setattr(run, "SERVER_OPTIONS", faster(SERVER_OPTIONS))
    assert not await cut_off(Town(tmp_path), 8 * PING_MS / 1000)


@in_loop
async def test_s35_the_same_node_is_cut_off_where_the_servers_option_is_misspelt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the test above would find."""
    misspelt = tuple((name.replace("min_ping", "min_recv_ping"), value) for name, value in faster(SERVER_OPTIONS))
    monkeypatch.setattr(channel, "CLIENT_OPTIONS", faster(CLIENT_OPTIONS))
    monkeypatch.setattr(run, "SERVER_OPTIONS", misspelt)
    assert await cut_off(Town(tmp_path), 8 * PING_MS / 1000)


@pytest.mark.slow
@in_loop
async def test_s35_an_idle_node_stays_for_three_minutes(tmp_path: Path) -> None:
    assert not await cut_off(Town(tmp_path), 180)
