"""The running node's service about requests, as its commands reach it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tallystick.node.local.client import open_socket
from tallystick.v1 import requests_pb2 as pb
from tallystick.v1.requests_pb2_grpc import RequestsStub

SECONDS: Final = 30.0


class NodeRequests:
    """Requests as the running node tells of them: JSON values."""

    def __init__(self, stub: RequestsStub) -> None:
        self._stub = stub

    def list(self, person: str = "", *, waiting: bool = False) -> list[dict[str, Any]]:
        """Give requests, the newest first."""
        return _read(self._stub.List(pb.RequestsQuery(person=person, waiting=waiting), timeout=SECONDS))

    def find(self, request: str) -> dict[str, Any]:
        """Give one request with the signed papers on which it was answered."""
        [found] = _read(self._stub.List(pb.RequestsQuery(request=request), timeout=SECONDS))
        return found

    def decide(self, request: str, *, allow: bool) -> dict[str, Any]:
        """Say yes or no to a request that waits."""
        [decided] = _read(self._stub.Decide(pb.RequestDecision(request=request, allow=allow), timeout=SECONDS))
        return decided


@contextmanager
def node_requests(socket: Path) -> Iterator[NodeRequests]:
    """Give the running node's service.

    Raises:
        NotReady: `unavailable`: the node does not run.
        TallyError: what the node refused.
    """
    with open_socket(socket) as channel:
        yield NodeRequests(RequestsStub(channel))


def _read(message: pb.RequestsList) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(message.requests)
    return found
