"""A served job in which messages go, each agency's stub, and how a call is refused."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from tallystick.core.net.status import read_error
from tallystick.v1.relay_pb2_grpc import RelayStub
from tallystick.v1.types_pb2 import Envelope
from tests.integration.served import connected, serving
from tests.town import AGENCIES, Town

LIMIT = 10.0


def together(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run an async test in a loop of its own, for a minute at most."""

    def run(tmp_path: Path) -> None:
        asyncio.run(asyncio.wait_for(test(Town(tmp_path)), 60))

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


@contextlib.asynccontextmanager
async def relays(town: Town) -> AsyncIterator[dict[str, Any]]:
    """Serve a job in which messages go; give each agency's stub."""
    town.running()
    async with contextlib.AsyncExitStack() as stack:
        address = await stack.enter_async_context(serving(town))
        channels = {name: await stack.enter_async_context(connected(town, address, name)) for name in AGENCIES}
        yield {name: RelayStub(opened) for name, opened in channels.items()}


async def stream(items: Iterable[Envelope]) -> AsyncIterator[Envelope]:
    for item in items:
        yield item


async def refusal(call: Awaitable[Any]) -> tuple[str, grpc.StatusCode]:
    """Give the code and status with which a call is refused."""
    with pytest.raises(grpc.RpcError) as caught:
        await asyncio.wait_for(call, LIMIT + 5)
    return read_error(caught.value).code, caught.value.code()
