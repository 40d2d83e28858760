"""The standard health service (grpc.health.v1), which load balancers and orchestrators ask."""

from __future__ import annotations

from collections.abc import Sequence

import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc


class HealthService:
    """Says whether this party serves; before the first word, that it does not.

    Attributes:
        serves: the same, for who does not ask by gRPC; from any thread.
    """

    def __init__(self, services: Sequence[str]) -> None:
        """Take the names of the services that one answer is for, beside the server as a whole."""
        self._services = ("", *services)
        self._servicer = health.aio.HealthServicer()
        self.serves = False

    async def tell(self, *, serves: bool) -> None:
        """Say whether it serves."""
        self.serves = serves
        status = health_pb2.HealthCheckResponse.SERVING if serves else health_pb2.HealthCheckResponse.NOT_SERVING
        for service in self._services:
            await self._servicer.set(service, status)

    def add_to(self, server: grpc.aio.Server) -> None:
        """Answer on a server."""
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)
