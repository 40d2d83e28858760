"""What a node offers its own people: the Steward service on a Unix socket in the private state folder.

Who can open the socket is who can read the folder (0700): the node's own user. Nothing of it is reachable from a network.

A method decodes, calls and encodes: what is shown is built by `view_builders.py` and translated by `convert.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import grpc
import grpc.aio

from tallystick.core.agreement.model import Agreement
from tallystick.core.documents import decode_document
from tallystick.core.errors import Invalid, TallyError
from tallystick.core.ids import resolve_digest
from tallystick.core.job.model import Job
from tallystick.core.net.channel import SERVER_OPTIONS
from tallystick.core.net.health import HealthService
from tallystick.core.net.local import serve_socket
from tallystick.node.approvals import MAX_DEPOSITS, Approvals
from tallystick.node.asking import describe_job
from tallystick.node.jobs import JobFollower
from tallystick.node.local.codes import REASON_CLASSES
from tallystick.node.local.convert import (
    DATASET_CHECK,
    HEALTH,
    JOB_DETAIL,
    JOB_SUMMARY,
    LOG_ENTRY,
    NOISE_ACCOUNT,
    REVIEW_STATE,
    TOLD_HEAD,
)
from tallystick.node.local.requests import RequestsService
from tallystick.node.noise import list_accounts
from tallystick.node.past import find_past, read_jobs
from tallystick.node.ports import KeptJob, NodeStorage
from tallystick.node.storage.rules import job_unknown
from tallystick.node.store import Store
from tallystick.node.view_builders import build_job_detail, build_job_summary, build_log_entry, build_told_head
from tallystick.node.views import Health, LogEntry, ReviewState, ToldHead
from tallystick.records.survey import DatasetCheck
from tallystick.v1 import steward_pb2 as pb
from tallystick.v1.requests_pb2_grpc import add_RequestsServicer_to_server
from tallystick.v1.steward_pb2_grpc import StewardServicer, add_StewardServicer_to_server

LOG_PAGE: Final = 1000
"""Entries of the log that are read at once."""

JOBS_PAGE: Final = 100
"""Jobs that are read at once."""


Context = grpc.aio.ServicerContext[Any, Any]


class StewardService(StewardServicer):
    """Translates between the wire and what a node's people may see and decide."""

    # ruff: noqa: ARG002, N802 - names and arguments are gRPC's

    def __init__(
        self,
        jobs: JobFollower,
        approvals: Approvals,
        store: Store,
        *,
        health: Callable[[], Health],
        datasets: Callable[[], Iterable[DatasetCheck]],
    ) -> None:
        """Take what it serves; `health` and `datasets` are called in a thread."""
        self._jobs = jobs
        self._approvals = approvals
        self._store = store
        self._storage = store.blocking
        self._health = health
        self._datasets = datasets

    async def Status(self, request: pb.StatusRequest, context: Context) -> pb.Health:
        """Say how the node is."""
        return HEALTH.to_message(await asyncio.to_thread(self._health))

    async def Pending(self, request: pb.PendingRequest, context: Context) -> AsyncIterator[pb.JobSummary]:
        """Give the jobs that wait for a decision of this agency."""
        page: Sequence[KeptJob] = ()
        while page := await self._store.run(partial(_awaiting, after=page[-1] if page else None)):
            for record in page:
                yield JOB_SUMMARY.to_message(build_job_summary(record))

    async def Show(self, request: pb.JobRequest, context: Context) -> pb.JobDetail:
        """Give one job in full."""
        return await asyncio.to_thread(self._detail, request.job)

    async def Decide(self, request: pb.DecideRequest, context: Context) -> pb.JobSummary:
        """Take a decision."""
        digest = (await asyncio.to_thread(self._record, request.job)).job
        match request.WhichOneof("decision"):
            case "approve":
                documents = list(request.approve.documents)
                if len(documents) > MAX_DEPOSITS:
                    raise Invalid("document-invalid", f"at most {MAX_DEPOSITS} documents come with a decision")
                record = await self._jobs.approve(digest, documents)
            case "refuse":
                reason_class = REASON_CLASSES.value(request.refuse.reason_class)
                if not reason_class:
                    raise Invalid("document-invalid", "a refusal names the class of its reason")
                record = await self._jobs.refuse(digest, reason_class, request.refuse.reason)
            case _:
                raise Invalid("document-invalid", "a decision approves or refuses")
        return JOB_SUMMARY.to_message(build_job_summary(record))

    async def Review(self, request: pb.ReviewRequest, context: Context) -> pb.ReviewState:
        """Tell how a review stands, and take what is given to it."""
        if len(request.words) > MAX_DEPOSITS:
            raise Invalid("document-invalid", f"at most {MAX_DEPOSITS} documents come with a review")
        return REVIEW_STATE.to_message(await asyncio.to_thread(self._review, request.job, request.begin, list(request.words)))

    async def Datasets(self, request: pb.DatasetsRequest, context: Context) -> AsyncIterator[pb.DatasetCheck]:
        """Check the datasets' sources."""
        for check in await asyncio.to_thread(lambda: list(self._datasets())):
            yield DATASET_CHECK.to_message(check)

    async def Log(self, request: pb.LogRequest, context: Context) -> AsyncIterator[pb.LogEntry]:
        """Give entries of the log, whose chain is checked page by page."""
        if request.limit == 0:
            raise Invalid("document-invalid", "at least one entry is asked for")
        pages = log_pages(self._storage, request.after, request.limit)
        while (page := await asyncio.to_thread(next, pages, None)) is not None:
            for entry in page:
                yield LOG_ENTRY.to_message(entry)

    async def Heads(self, request: pb.HeadsRequest, context: Context) -> AsyncIterator[pb.LogHead]:
        """Give the head of the log, then those that others told of theirs."""
        own = await self._store.run(lambda storage: storage.log_head())
        yield TOLD_HEAD.to_message(ToldHead("", own.size, own.head))
        pages = head_pages(self._storage)
        while (page := await asyncio.to_thread(next, pages, None)) is not None:
            for head in page:
                yield TOLD_HEAD.to_message(head)

    async def Noise(self, request: pb.NoiseRequest, context: Context) -> AsyncIterator[pb.NoiseAccount]:
        """Give what jobs with noise cost so far."""
        agreements = (one.read(Agreement) for one in self._approvals.agreements.all().values())
        for one in await self._store.run(partial(list_accounts, agreements=tuple(agreements))):
            yield NOISE_ACCOUNT.to_message(one)

    def _detail(self, name: bytes) -> pb.JobDetail:
        record = self._record(name)
        job = decode_document(record.document, kind="job").read(Job)
        agreement: Agreement | str
        try:
            agreement, _ = self._approvals.agreements.of(job.agreement)
        except TallyError as error:
            agreement = error.message
        agency = self._approvals.config.agency
        try:
            asked = None if isinstance(agreement, str) else describe_job(job, agreement, agency).here
        except TallyError:
            asked = None  # the agreement does not allow it now; its terms say so
        past = tuple(find_past(self._store.submit(read_jobs).result(), record, agency))
        return JOB_DETAIL.to_message(replace(build_job_detail(record, agreement), asked=asked, past=past))

    def _review(self, name: bytes, begin: bool, words: Sequence[bytes]) -> ReviewState:
        job, reviews = self._record(name).job, self._approvals.reviews
        if begin:
            reviews.begin(job)
        if words:
            reviews.add(job, words)
        record = self._record(bytes.fromhex(job))
        return ReviewState(b"" if record.review_begun is None else reviews.copy_of(record).encode(), record.reviews)

    def _record(self, name: bytes) -> KeptJob:
        digest = resolve_digest(name.hex(), self._storage.find_jobs(name.hex(), JOBS_PAGE))
        record = self._storage.job(digest)
        if record is None:
            raise job_unknown()
        return record


def _awaiting(storage: NodeStorage, after: KeptJob | None) -> Sequence[KeptJob]:
    return storage.awaiting(after, JOBS_PAGE)


def log_pages(storage: NodeStorage, after: int, limit: int) -> Iterator[list[LogEntry]]:
    """Read entries of a node's log, oldest first, `LOG_PAGE` at a time.

    Args:
        storage: the node's.
        after: entries after this number; 0 for all.
        limit: at most so many.

    Raises:
        Broken: `state-corrupt`: an entry was changed, left out or put in.
    """
    while limit > 0 and (events := storage.events(after, min(limit, LOG_PAGE))):
        yield [build_log_entry(event) for event in events]
        after, limit = events[-1].number, limit - len(events)


def head_pages(storage: NodeStorage) -> Iterator[list[ToldHead]]:
    """Read what other agencies told of their logs, in the order in which it came, `LOG_PAGE` at a time."""
    after = 0
    while heads := storage.heads(after, LOG_PAGE):
        yield [build_told_head(head) for head in heads]
        after += len(heads)


@asynccontextmanager
async def serve_local(
    socket: Path, service: StewardService, told: HealthService | None = None, requests: RequestsService | None = None
) -> AsyncIterator[None]:
    """Serve on a Unix socket while the context lasts; a socket that a killed process left behind is replaced.

    Args:
        socket: its path.
        service: what people are answered by.
        told: what machines are answered by.
        requests: what people are answered by about requests for clients' fields.

    Raises:
        Invalid: `file-permissions`: the folder is open to others.
    """

    def add(server: grpc.aio.Server) -> None:
        add_StewardServicer_to_server(service, server)
        if told is not None:
            told.add_to(server)
        if requests is not None:
            add_RequestsServicer_to_server(requests, server)

    async with serve_socket(socket, SERVER_OPTIONS, add):
        yield
