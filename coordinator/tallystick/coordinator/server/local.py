"""What a coordinator offers its own operator and the machine it runs on: status and the standard health service, on a Unix socket.

Who can open the socket is who can read the state folder (0700): the coordinator's own user. Nothing of it is reachable from a network.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import grpc
import grpc.aio

from tallystick.coordinator.watching import Watching
from tallystick.core.errors import Invalid
from tallystick.core.net.channel import LOCAL_OPTIONS
from tallystick.core.net.health import HealthService
from tallystick.core.net.place import target
from tallystick.core.net.status import Faults
from tallystick.v1 import operator_pb2 as pb
from tallystick.v1.operator_pb2_grpc import OperatorServicer, add_OperatorServicer_to_server

SOCKET: Final = "operator.sock"
DRIVER_SOCKET: Final = "operator-driver.sock"
GRACE_S: Final = 1.0

Context = grpc.aio.ServicerContext[Any, Any]


class OperatorService(OperatorServicer):
    """Tells the operator how the coordinator is."""

    def __init__(self, watching: Watching) -> None:
        self._watching = watching

    async def Status(self, request: pb.OperatorStatusRequest, _: Context) -> pb.OperatorStatus:  # noqa: N802  # gRPC's name
        """Say how the coordinator is."""
        status = await asyncio.to_thread(self._watching.status, ended=request.all)
        return pb.OperatorStatus(status=json.dumps(status, sort_keys=True).encode())


@asynccontextmanager
async def serve_operator(state: Path, watching: Watching, told: HealthService, *, driver: bool = False) -> AsyncIterator[None]:
    """Serve the operator while the context lasts; a socket that a killed process left behind is replaced.

    Args:
        state: the state folder.
        watching: what people are told.
        told: what machines are told.
        driver: whether this process only drives jobs: one that answers calls may share its folder.

    Raises:
        Invalid: `file-permissions`: the state folder is open to others.
    """
    socket = state / (DRIVER_SOCKET if driver else SOCKET)
    if (await asyncio.to_thread(os.stat, state)).st_mode & 0o077:
        raise Invalid("file-permissions", f"{state} is open to others", hint=f"chmod 700 {state}")
    await asyncio.to_thread(socket.unlink, missing_ok=True)
    server = grpc.aio.server(interceptors=[Faults()], options=list(LOCAL_OPTIONS))
    add_OperatorServicer_to_server(OperatorService(watching), server)
    told.add_to(server)
    with target(socket) as place:
        server.add_secure_port(place, grpc.local_server_credentials(grpc.LocalConnectionType.UDS))
        await server.start()
        try:
            yield
        finally:
            await server.stop(grace=GRACE_S)
            await asyncio.to_thread(socket.unlink, missing_ok=True)
