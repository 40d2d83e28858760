"""The three services: decode, call, encode. What is decided is decided elsewhere; what is raised becomes a status elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from tallystick.coordinator.admission import Admission
from tallystick.coordinator.authority import Authority
from tallystick.coordinator.hearing import hear_end, hear_trouble
from tallystick.coordinator.intake import Intake
from tallystick.coordinator.jobs import Jobs
from tallystick.coordinator.progress import Trouble
from tallystick.coordinator.records import FailureRecord, JobRecord
from tallystick.coordinator.relay import Relay
from tallystick.coordinator.server.authorise import Caller, caller
from tallystick.coordinator.server.convert import job_view_message
from tallystick.coordinator.server.hub import Hub, woken
from tallystick.coordinator.views import Views
from tallystick.coordinator.visibility import may_see
from tallystick.core.agreement.check import COORDINATOR
from tallystick.core.agreement.model import PROTOCOL
from tallystick.core.errors import Broken, Invalid, NotReady, Refused, TallyError
from tallystick.core.exhaustion import EXHAUSTED
from tallystick.core.net.chunks import JOB_BYTES, MessageName
from tallystick.core.net.status import Context, public
from tallystick.v1 import enrol_pb2, jobs_pb2, relay_pb2
from tallystick.v1 import types_pb2 as pb
from tallystick.v1.enrol_pb2_grpc import EnrolServicer
from tallystick.v1.jobs_pb2_grpc import JobsServicer
from tallystick.v1.relay_pb2_grpc import RelayServicer

WATCH_PAUSE_S: Final = 0.1
"""Shortest time between two views of one watched job."""

MAX_TOLD: Final = 4096
"""Jobs of which a stream remembers what it told; of one that it forgot, it may tell the same again."""

MAX_LIST_BYTES: Final = 960 * 1024

NOTICE_BYTES: Final = 256 * 1024
"""A notice holds a view of at most so many bytes, and as many of messages."""

PUSHED_BYTES: Final = 64 * 1024
"""The longest message that goes with a notice."""

T = TypeVar("T")


@dataclass
class _ToldJob:
    """What one stream of notices told of a job: its version, and which messages went along in this and earlier attempts."""

    version: int = 0
    pushed: set[bytes] = field(default_factory=set)


class EnrolService(EnrolServicer):
    """Joining, and staying."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority

    async def Join(self, request: enrol_pb2.JoinRequest, _: Context) -> enrol_pb2.JoinResponse:  # noqa: N802  # gRPC's name
        """Exchange an invitation for a certificate."""
        joined = await asyncio.to_thread(self._authority.join, caller().identity.name, request.csr)
        return enrol_pb2.JoinResponse(certificate_chain=joined.chain, role=joined.role, name=joined.name)

    async def Renew(self, request: enrol_pb2.RenewRequest, _: Context) -> enrol_pb2.RenewResponse:  # noqa: N802  # gRPC's name
        """Give a member a new certificate."""
        who = caller()
        chain = await asyncio.to_thread(self._authority.renew, who.identity, who.serial, request.csr)
        return enrol_pb2.RenewResponse(certificate_chain=chain)


class _Viewing:
    """What both other services do: show a job to whoever calls, and take approvals and hellos."""

    def __init__(self, jobs: Jobs, views: Views, hub: Hub, intake: Intake) -> None:
        self._jobs = jobs
        self._views = views
        self._hub = hub
        self._intake = intake

    async def _show(self, who: Caller, job: bytes) -> pb.JobView:
        connected = self._hub.connected

        def show() -> pb.JobView:
            record, contract = self._jobs.visible(who.identity, _check_digest(job))
            return job_view_message(self._views.of(who.identity, record, contract, connected))

        return await asyncio.to_thread(show)

    async def _build(self, who: Caller, record: JobRecord) -> pb.JobView:
        """Show a job that the caller may see, as it was when it changed."""
        connected = self._hub.connected
        return await asyncio.to_thread(
            lambda: job_view_message(self._views.of(who.identity, record, self._jobs.contract(record), connected))
        )

    def _may_see(self, who: Caller, record: JobRecord) -> bool:
        try:
            return may_see(who.identity, record, self._jobs.contract(record))
        except Refused:  # its agreement's file is gone
            return False

    async def _deposit(self, who: Caller, job: bytes, document: bytes) -> pb.JobView:
        try:
            await asyncio.to_thread(self._intake.deposit, who.identity, job, document)
        except (OSError, MemoryError, NotReady) as error:
            self._keep(job, error)
            raise
        self._keep(job, None)
        return await self._show(who, job)

    def _keep(self, job: bytes, error: Exception | None) -> None:
        """Show what keeps the coordinator itself from taking what belongs to a job, where it lacks room or memory; or that nothing does."""
        said = None if error is None else public(error)
        if said is None or said.code in EXHAUSTED:
            told = ("", "", "") if said is None else (said.code, said.message, said.hint)
            self._jobs.progress.keep(job, Trouble(COORDINATOR, *told, since=self._jobs.now()))


class RelayService(_Viewing, RelayServicer):
    """What nodes call."""

    def __init__(self, jobs: Jobs, views: Views, hub: Hub, intake: Intake, relay: Relay, admission: Admission) -> None:
        super().__init__(jobs, views, hub, intake)
        self._relay = relay
        self._admission = admission

    async def Attend(self, request: relay_pb2.AttendRequest, context: Context) -> AsyncIterator[relay_pb2.Notice]:  # noqa: N802
        """Tell of every change of the caller's jobs."""
        if request.protocol != PROTOCOL:
            raise Refused("version-mismatch", f"this coordinator speaks {PROTOCOL}", hint="install the coordinator's version")
        who = caller()
        await asyncio.to_thread(self._admission.tell_bound, who.identity.name, request.jobs)
        self._hub.hear_software(who.identity.name, who.software)
        with self._hub.changes() as changes, self._hub.attending(who.identity.name, who.session, run=who.run, peer=who.peer):
            await context.send_initial_metadata(())  # now it is connected, though there may be no notice for a long time
            told: dict[bytes, _ToldJob] = {}
            news = list(await asyncio.to_thread(self._jobs.of, who.identity, ended=False))
            while True:
                for record in news:
                    before = told.get(record.job) or _ToldJob()
                    if before.version < record.version and await asyncio.to_thread(self._may_see, who, record):
                        told[record.job] = before
                        yield await self._notice(who, record, before)
                while len(told) > MAX_TOLD:
                    del told[next(iter(told))]
                await woken(who.session, changes)
                news = changes.take()

    async def _notice(self, who: Caller, record: JobRecord, told: _ToldJob) -> relay_pb2.Notice:
        """Tell of a job what Sync and Get would, where it is small: a round trip saved is one less for every message of a job."""
        notice = relay_pb2.Notice(job=record.job, version=record.version)
        try:
            view = await self._build(who, record)
        except TallyError:  # it may not be seen any more, or cannot be read now: Sync says so
            told.version = record.version
            return notice
        told.version = max(view.version, record.version)
        if view.ByteSize() <= NOTICE_BYTES:
            notice.version = told.version
            notice.view.CopyFrom(view)
            small = [one for one in view.inbox if one.bytes <= PUSHED_BYTES and one.ref.SerializeToString() not in told.pushed]
            if small:
                notice.envelopes.extend(await asyncio.to_thread(self._read_small, who, small, told.pushed))
        if view.ended:
            told.pushed = set()  # nothing of it comes any more
        return notice

    def _read_small(self, who: Caller, messages: Sequence[pb.MessageState], pushed: set[bytes]) -> list[pb.Envelope]:
        """Read complete messages for the caller, as many as one notice holds."""
        envelopes: list[pb.Envelope] = []
        room = NOTICE_BYTES
        for one in messages:
            room -= one.bytes
            if room < 0:
                break
            pushed.add(one.ref.SerializeToString())
            with contextlib.suppress(TallyError, OSError):  # the job ended, or began again: Get says what is wrong
                envelopes.extend(self._relay.read(who.identity, MessageName.read(one.ref), 0))
        return envelopes

    async def Sync(self, request: relay_pb2.SyncRequest, _: Context) -> pb.JobView:  # noqa: N802
        """Give one job as the caller may see it."""
        return await self._show(caller(), request.job)

    async def Deposit(self, request: relay_pb2.DepositRequest, _: Context) -> pb.JobView:  # noqa: N802
        """Take an approval or a hello."""
        return await self._deposit(caller(), _check_digest(request.job), request.document)

    async def Put(self, request_iterator: AsyncIterator[pb.Envelope], _: Context) -> pb.MessageState:  # noqa: N802
        """Take a message, or the rest of one."""
        who, name = caller(), None
        receiving = None
        try:
            async for envelope in request_iterator:
                who.session.check()
                if receiving is None:
                    name = MessageName.read(envelope.ref)
                    receiving = await asyncio.to_thread(self._relay.receive, who.identity, name)
                await asyncio.to_thread(receiving.take, envelope)
            if receiving is None:
                raise Broken("protocol-broken", "an upload without an envelope")
            state = await asyncio.to_thread(receiving.finish)
        except (OSError, MemoryError, NotReady) as error:  # nobody but the coordinator keeps the job now
            if name is not None:
                self._keep(name.job, error)
            raise
        finally:
            if receiving is not None:
                receiving.close()
        self._keep(receiving.name.job, None)
        return state

    async def Stat(self, request: pb.MessageRef, _: Context) -> pb.MessageState:  # noqa: N802
        """Say how much of a message is held."""
        return await asyncio.to_thread(self._relay.stat, caller().identity, MessageName.read(request))

    async def Get(self, request: relay_pb2.GetRequest, _: Context) -> AsyncIterator[pb.Envelope]:  # noqa: N802
        """Give a message that is addressed to the caller."""
        who = caller()
        name = MessageName.read(request.ref)
        envelopes = await asyncio.to_thread(self._relay.read, who.identity, name, request.from_sequence)
        async for envelope in _run_in_thread(envelopes):
            who.session.check()
            yield envelope

    async def Report(self, request: relay_pb2.ReportRequest, _: Context) -> pb.JobView:  # noqa: N802
        """Take a party's progress, or its failure."""
        who = caller()
        job = _check_digest(request.job)
        match request.WhichOneof("report"):
            case "progress":
                await asyncio.to_thread(self._progress, who, job, request)
            case "failure":
                said = request.failure
                failure = FailureRecord(request.attempt, who.identity.name, said.code, said.message, said.hint, said.retry)
                await asyncio.to_thread(self._jobs.report_failure, who.identity, job, request.attempt, failure)
            case "trouble":
                await asyncio.to_thread(self._trouble, who, job, request.trouble)
            case "ended":
                state = pb.JobState.Name(request.ended).removeprefix("JOB_STATE_").lower()
                await asyncio.to_thread(
                    hear_end, self._jobs, who.identity, job, state
                )  # no news: it would come back as a notice
            case _:
                raise Invalid("protocol-broken", "a report holds progress, trouble, a failure, or how the job ended")
        return await self._show(who, job)

    def _progress(self, who: Caller, job: bytes, request: relay_pb2.ReportRequest) -> None:
        record, _ = self._jobs.relaying(job, who.identity)
        if record.attempt == request.attempt:
            said = request.progress
            self._jobs.progress.report(job, who.identity.name, said.phase, said.done, said.total)
            self._hub.publish(record)

    def _trouble(self, who: Caller, job: bytes, said: pb.Failure) -> None:
        record = hear_trouble(self._jobs, who.identity, job, said.code, said.message, said.hint)
        if record is not None:
            self._hub.publish(record)


class JobsService(_Viewing, JobsServicer):
    """What analysts and approvers call."""

    def __init__(self, jobs: Jobs, views: Views, hub: Hub, intake: Intake) -> None:
        super().__init__(jobs, views, hub, intake)

    async def Submit(self, request: jobs_pb2.SubmitRequest, _: Context) -> pb.JobView:  # noqa: N802
        """Take a job in."""
        who = caller()
        record = await asyncio.to_thread(self._jobs.submit, who.identity, request.document)
        return await self._show(who, record.job)

    async def List(self, request: jobs_pb2.ListRequest, _: Context) -> jobs_pb2.ListResponse:  # noqa: N802
        """Give the caller's jobs, oldest first: as many of the newest as one message holds."""
        who, connected = caller(), self._hub.connected

        def list_views() -> jobs_pb2.ListResponse:
            views: list[pb.JobView] = []
            room = MAX_LIST_BYTES
            for record in reversed(self._jobs.of(who.identity, ended=request.all)):
                view = job_view_message(self._views.of(who.identity, record, self._jobs.contract(record), connected))
                room -= view.ByteSize() + 16
                if room < 0:
                    break
                views.append(view)
            return jobs_pb2.ListResponse(jobs=reversed(views))

        return await asyncio.to_thread(list_views)

    async def Show(self, request: jobs_pb2.ShowRequest, _: Context) -> pb.JobView:  # noqa: N802
        """Give one job."""
        return await self._show(caller(), request.job)

    async def Watch(self, request: jobs_pb2.ShowRequest, _: Context) -> AsyncIterator[pb.JobView]:  # noqa: N802
        """Give one job at each change, until it ends."""
        who = caller()
        with self._hub.changes() as changes:
            while True:
                view = await self._show(who, request.job)
                yield view
                if view.ended:
                    return
                await asyncio.sleep(WATCH_PAUSE_S)
                while not any(record.job == request.job for record in changes.take()):
                    await woken(who.session, changes)

    async def Cancel(self, request: jobs_pb2.ShowRequest, _: Context) -> pb.JobView:  # noqa: N802
        """End a job."""
        who = caller()
        await asyncio.to_thread(self._jobs.cancel, who.identity, _check_digest(request.job))
        return await self._show(who, request.job)

    async def Result(self, request: jobs_pb2.ShowRequest, _: Context) -> AsyncIterator[jobs_pb2.ResultPiece]:  # noqa: N802
        """Give the released result."""
        who = caller()
        pieces = await asyncio.to_thread(self._jobs.result, who.identity, _check_digest(request.job))
        async for piece in _run_in_thread(pieces):
            who.session.check()
            yield jobs_pb2.ResultPiece(data=piece)

    async def Approve(self, request: jobs_pb2.ApproveRequest, _: Context) -> pb.JobView:  # noqa: N802
        """Take an approver's approval."""
        return await self._deposit(caller(), _check_digest(request.job), request.document)


def _check_digest(job: bytes) -> bytes:
    if len(job) != JOB_BYTES:
        raise Invalid("document-invalid", "a job's digest is 32 bytes")
    return job


async def _run_in_thread(source: Iterator[T]) -> AsyncIterator[T]:
    """Give what an iterator gives, drawing each item in a thread."""
    end: Any = object()
    while (item := await asyncio.to_thread(next, source, end)) is not end:
        yield item
