"""What a coordinator offers its own operator and the machine it runs on: status and the standard health service, on a Unix socket.

Who can open the socket is who can read the state folder (0700): the coordinator's own user. Nothing of it is reachable from a network.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import grpc
import grpc.aio

from tallystick.coordinator.watching import Watching
from tallystick.core.net.channel import LOCAL_OPTIONS
from tallystick.core.net.health import HealthService
from tallystick.core.net.local import serve_socket
from tallystick.v1 import operator_pb2 as pb
from tallystick.v1.operator_pb2_grpc import OperatorServicer, add_OperatorServicer_to_server

SOCKET: Final = "operator.sock"
DRIVER_SOCKET: Final = "operator-driver.sock"

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

    def add(server: grpc.aio.Server) -> None:
        add_OperatorServicer_to_server(OperatorService(watching), server)
        told.add_to(server)

    async with serve_socket(state / (DRIVER_SOCKET if driver else SOCKET), LOCAL_OPTIONS, add):
        yield
