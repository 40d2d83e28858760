"""What a node offers its own people about requests for clients' fields, on its Unix socket."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tallystick.core.errors import Invalid
from tallystick.core.ids import is_name
from tallystick.core.net.status import Context
from tallystick.node.disclosures import KeptRequest
from tallystick.node.requests.answering import Answering
from tallystick.node.requests.deciding import DecidedRequest
from tallystick.node.store import Store
from tallystick.v1 import requests_pb2 as pb
from tallystick.v1.requests_pb2_grpc import RequestsServicer

MOST: int = 1000


class RequestsService(RequestsServicer):
    """Lists requests, and takes a steward's decisions."""

    def __init__(self, store: Store, answering: Answering) -> None:
        self._store = store
        self._answering = answering

    async def List(self, request: pb.RequestsQuery, _: Context) -> pb.RequestsList:  # noqa: N802  # gRPC's name
        """Give requests, the newest first."""
        if request.waiting:
            return _write([_show_waiting(one) for one in self._answering.waiting()])
        if request.request:
            return _write([await self._find(request.request)])
        kept = await self._store.run(lambda storage: storage.list_requests(request.person, MOST))
        return _write([show_request(one) for one in kept])

    async def Decide(self, request: pb.RequestDecision, _: Context) -> pb.RequestsList:  # noqa: N802
        """Take a yes or no."""
        _check_name(request.request)
        return _write([_show_waiting(self._answering.decide(request.request, allow=request.allow))])

    async def _find(self, prefix: str) -> dict[str, Any]:
        """Give one request with its papers."""
        _check_name(prefix)
        found = await self._store.run(lambda storage: storage.find_requests(prefix))
        if len(found) != 1:
            raise Invalid("job-unknown", "no request, or not one alone, has that name", hint="tally node disclosures")
        papers = json.loads(found[0].evidence) if found[0].evidence else None
        return show_request(found[0]) | {"papers": papers}


def _check_name(request: str) -> None:
    if not is_name(request):
        raise Invalid("job-unknown", "that is not the name of a request", hint="tally node requests")


def show_request(kept: KeptRequest) -> dict[str, Any]:
    """Give what the agency's own people see of a request."""
    return {
        "request": kept.digest,
        "side": kept.side,
        "at": kept.at.isoformat(),
        "worker": kept.worker,
        "role": kept.role,
        "agency": kept.agency,
        "owner": kept.owner,
        "dataset": kept.dataset,
        "purpose": kept.purpose,
        "fields": list(kept.fields),
        "consent": kept.consent,
        "person": kept.person,
        "state": kept.state,
        "outcome": kept.outcome,
        "reason": kept.reason,
        "by": kept.by,
        "receipt": json.loads(kept.receipt) if kept.receipt else None,
    }


def _show_waiting(decided: DecidedRequest) -> dict[str, Any]:
    request = decided.pending.request
    return {
        "request": decided.pending.digest,
        "worker": request.worker,
        "role": request.role,
        "agency": request.agency,
        "dataset": request.dataset,
        "purpose": request.purpose,
        "fields": list(request.fields),
        "person": decided.person,
        "due": decided.pending.due,
        "steward": decided.steward,
    }


def _write(requests: Sequence[dict[str, Any]]) -> pb.RequestsList:
    return pb.RequestsList(requests=json.dumps(requests).encode())
