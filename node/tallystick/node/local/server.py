"""What a node offers its own people: the Steward service on a Unix socket in the private state folder.

Who can open the socket is who can read the folder (0700): the node's own user. Nothing of it is reachable from a network.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, cast, get_args

import grpc
import grpc.aio

from tallystick.core.documents import decoded
from tallystick.core.errors import Invalid, TallyError
from tallystick.core.ids import resolved
from tallystick.core.job.approval import ReasonClass, required
from tallystick.core.job.leakage import leakage_statement
from tallystick.core.job.lifecycle import JobState
from tallystick.core.job.model import Job
from tallystick.core.net.channel import SERVER_OPTIONS
from tallystick.core.net.status import Faults
from tallystick.core.results import numbers
from tallystick.node.approvals import MAX_DEPOSITS, Approvals
from tallystick.node.jobs import Jobs
from tallystick.node.local.place import target
from tallystick.node.ports import JobRecord, Storage
from tallystick.v1.steward_pb2 import (
    DatasetsRequest,
    DatasetsResponse,
    DecideRequest,
    PendingRequest,
    PendingResponse,
    StatusRequest,
    StatusResponse,
    StewardJob,
    StewardJobRequest,
)
from tallystick.v1.steward_pb2_grpc import StewardServicer, add_StewardServicer_to_server

SHOWN_ROWS: Final = 2000
"""Rows of a candidate table that a report holds, so that it stays below a message's limit."""

GRACE_SECONDS: Final = 1.0

Context = grpc.aio.ServicerContext[Any, Any]
Report = Callable[[], dict[str, Any]]


class StewardService(StewardServicer):
    """Translates between the wire and `Jobs`."""

    # ruff: noqa: ARG002, N802 - names and arguments are gRPC's

    def __init__(
        self, agency: str, jobs: Jobs, approvals: Approvals, storage: Storage, *, status: Report, datasets: Report
    ) -> None:
        self._agency = agency
        self._jobs = jobs
        self._approvals = approvals
        self._storage = storage
        self._status = status
        self._datasets = datasets

    async def Status(self, request: StatusRequest, context: Context) -> StatusResponse:
        """Say how the node is."""
        report = self._status()
        return StatusResponse(agency=self._agency, connected=bool(report["connected"]), report=json.dumps(report))

    async def Pending(self, request: PendingRequest, context: Context) -> PendingResponse:
        """Give the jobs that wait for a decision of this agency."""
        records = await asyncio.to_thread(self._storage.jobs)
        return PendingResponse(jobs=[self._shown(record, full=False) for record in records if record.awaits])

    async def Show(self, request: StewardJobRequest, context: Context) -> StewardJob:
        """Give one job in full."""
        return await asyncio.to_thread(lambda: self._shown(self._record(request.job), full=True))

    async def Decide(self, request: DecideRequest, context: Context) -> StewardJob:
        """Take a decision."""
        digest = self._record(request.job).job
        if len(request.documents) > MAX_DEPOSITS:
            raise Invalid("document-invalid", f"at most {MAX_DEPOSITS} documents come with a decision")
        if request.approve:
            record = await self._jobs.approve(digest, list(request.documents))
        else:
            reason_class = request.reason_class or "steward"
            if reason_class not in get_args(ReasonClass):
                raise Invalid("document-invalid", f"a refusal's class is one of {', '.join(get_args(ReasonClass))}")
            record = await self._jobs.refuse(digest, cast("ReasonClass", reason_class), request.reason)
        return self._shown(record, full=False)

    async def Datasets(self, request: DatasetsRequest, context: Context) -> DatasetsResponse:
        """Check the datasets' sources."""
        return DatasetsResponse(report=json.dumps(await asyncio.to_thread(self._datasets)))

    def _record(self, name: bytes) -> JobRecord:
        digest = resolved(name.hex(), [record.job for record in self._storage.jobs()])
        record = self._storage.job(digest)
        if record is None:
            raise Invalid("job-unknown", "no job of that name is known here", hint="tally node pending")
        return record

    def _shown(self, record: JobRecord, *, full: bool) -> StewardJob:
        job = decoded(record.document, kind="job").read(Job)
        report: dict[str, Any] = {
            "job": record.job,
            "title": job.question.title,
            "analyst": job.analyst,
            "purpose": job.question.purpose,
            "agreement": job.agreement.model_dump(mode="json"),
            "deadline": job.deadline,
            "state": record.state,
            "awaits": record.awaits,
            "decision": record.decision,
            "reason_class": record.reason_class,
            "policy": record.verdict,
            "reasons": list(record.reasons),
        }
        if full:
            report["question"] = job.question.json_value()
            report |= self._under_agreement(job)
            report["candidate"] = _candidate(record)
        return StewardJob(job=bytes.fromhex(record.job), awaits=record.awaits, state=record.state, report=json.dumps(report))

    def _under_agreement(self, job: Job) -> dict[str, Any]:
        """Give what follows from the agreement, while it is in force here."""
        try:
            agreement, _ = self._approvals.agreements.of(job.agreement)
            need = required(job, agreement)
            return {
                "leakage": leakage_statement(job, agreement),
                "approvers": [*need.agencies, *need.approvers],
                "stewards": {name: {"need": count, "of": list(keys)} for name, count, keys in need.stewards},
            }
        except TallyError as error:
            return {"problem": error.message}


def _candidate(record: JobRecord) -> dict[str, Any] | None:
    """Give a candidate table for people, cut to what a message holds."""
    if record.candidate is None or JobState(record.state).final:
        return None
    body = json.loads(record.candidate)
    shown = {key: numbers(body[key]) for key in ("columns", "linkage", "disclosure")}
    return {**shown, "rows": numbers(body["rows"][:SHOWN_ROWS]), "rows_in_all": len(body["rows"])}


@asynccontextmanager
async def serving_local(socket: Path, service: StewardService) -> AsyncIterator[None]:
    """Serve on a Unix socket while the context lasts; a socket that a killed process left behind is replaced.

    Raises:
        Invalid: `file-permissions`: the folder is open to others.
    """
    folder = await asyncio.to_thread(os.stat, socket.parent)
    if folder.st_mode & 0o077:
        raise Invalid("file-permissions", f"{socket.parent} is open to others", hint=f"chmod 700 {socket.parent}")
    await asyncio.to_thread(socket.unlink, missing_ok=True)
    server = grpc.aio.server(interceptors=[Faults()], options=list(SERVER_OPTIONS))
    add_StewardServicer_to_server(service, server)
    with target(socket) as place:
        server.add_secure_port(place, grpc.local_server_credentials(grpc.LocalConnectionType.UDS))
        await server.start()
        try:
            yield
        finally:
            await server.stop(grace=GRACE_SECONDS)
            await asyncio.to_thread(socket.unlink, missing_ok=True)
