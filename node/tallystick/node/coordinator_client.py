"""The gRPC client to the coordinator. It dials out, resumes what was cut off, and turns statuses into this project's errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any, Final, TypeVar

import grpc
import grpc.aio

from tallystick.core.agreement.model import PROTOCOL
from tallystick.core.errors import Broken, NotReady, TallyError
from tallystick.core.job.lifecycle import JobState
from tallystick.core.net import channel as channels
from tallystick.core.net.channel import CALL_SECONDS, STREAM_SECONDS
from tallystick.core.net.chunks import MessageName, check_shape
from tallystick.core.net.status import read_error
from tallystick.core.net.tls import Credentials
from tallystick.crypto.randomness import SystemRandomness
from tallystick.node.ports import EnvelopeSource, Sink
from tallystick.v1.relay_pb2 import AttendRequest, DepositRequest, GetRequest, Notice, ReportRequest, SyncRequest
from tallystick.v1.relay_pb2_grpc import RelayStub
from tallystick.v1.types_pb2 import Envelope, Failure, JobView, MessageState, Progress
from tallystick.v1.types_pb2 import JobState as WireState

OLD_SECONDS: Final = 3600.0
"""How long calls over a certificate that was renewed may go on."""

T = TypeVar("T")


class GrpcCoordinatorClient:
    """Implements `CoordinatorClient` over one channel."""

    def __init__(self, address: str, credentials: Credentials, *, jobs: int = 0) -> None:
        """Prepare to dial; nothing is sent before the first call.

        Args:
            address: `host:port`.
            credentials: what is shown.
            jobs: how many jobs this node takes part in at once, as the coordinator is told; 0 tells it nothing.
        """
        self._run = SystemRandomness().take(8).hex()
        self._address = address
        self._jobs = jobs
        self._begun: set[MessageName] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._channel = channels.channel(address, credentials)
        self._relay = RelayStub(self._channel)

    def use(self, credentials: Credentials) -> None:
        """Show another certificate from the next call on; calls that are open end over the old one, or after an hour."""
        self._change(credentials, OLD_SECONDS)

    def dial(self, address: str, credentials: Credentials) -> None:
        """Dial another address from the next call on, and hang up at the one before: what was under way is tried again."""
        self._address = address
        self._change(credentials, None)

    @property
    def channel(self) -> grpc.aio.Channel:
        """The channel of the moment."""
        return self._channel

    def _change(self, credentials: Credentials, grace: float | None) -> None:
        before, self._channel = self._channel, channels.channel(self._address, credentials)
        self._relay = RelayStub(self._channel)
        closing = asyncio.get_running_loop().create_task(before.close(grace))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    @asynccontextmanager
    async def attend(self) -> AsyncIterator[_Notices]:
        """Open the stream of notices; it ends with the context, and begins when the coordinator has answered.

        Raises:
            TallyError: it cannot be reached, or says no.
        """
        request = AttendRequest(protocol=PROTOCOL, jobs=self._jobs)
        call = self._relay.Attend(
            request, wait_for_ready=False, metadata=((channels.RUN, self._run), (channels.SOFTWARE, version("tallystick")))
        )
        try:
            async with asyncio.timeout(CALL_SECONDS):
                await call.initial_metadata()
            if call.done():  # it ended before it began
                await _await_answer(_raise_end(call))
            yield _Notices(call)
        except TimeoutError as error:
            raise NotReady("unavailable", "the coordinator did not answer in time", hint="try again") from error
        finally:
            call.cancel()

    async def sync(self, job: bytes) -> JobView:
        """Give all that this agency may know of a job."""
        return await _await_answer(self._relay.Sync(SyncRequest(job=job), timeout=CALL_SECONDS))

    async def deposit(self, job: bytes, document: bytes) -> JobView:
        """Hand in a signed document."""
        return await _await_answer(self._relay.Deposit(DepositRequest(job=job, document=document), timeout=CALL_SECONDS))

    async def put(self, name: MessageName, source: EnvelopeSource) -> MessageState:
        """Upload what the coordinator lacks of a message; return when it holds all of it.

        Raises:
            What the source raises; what was sent before stays a part of a message, which counts for nothing.
        """
        start = 0
        if name in self._begun:  # of a message that was never begun here the coordinator need not be asked
            state = await _await_answer(self._relay.Stat(name.wire(), timeout=CALL_SECONDS))
            if state.complete:
                self._begun.discard(name)
                return state
            start = state.next_sequence
        self._begun.add(name)
        upload = _Upload(source(start))
        try:
            state = await _await_answer(self._relay.Put(upload.envelopes(), timeout=STREAM_SECONDS))
        except TallyError as error:  # an upload without an envelope is refused, say
            if upload.error is None:
                raise
            raise upload.error from error
        if upload.error is not None:
            raise upload.error
        self._begun.discard(name)
        return state

    async def get(self, name: MessageName, sink: Sink) -> None:
        """Download what is missing of a message; return when it is whole.

        Raises:
            Broken: `protocol-broken`: what came is not the next envelope of this message.
        """
        if sink.ended:
            return
        call = self._relay.Get(GetRequest(ref=name.wire(), from_sequence=sink.count), timeout=STREAM_SECONDS)
        try:
            async for envelope in call:
                check_shape(envelope)
                if envelope.ref != name.wire():
                    raise Broken("protocol-broken", "the coordinator sent an envelope of another message")
                await asyncio.to_thread(sink.append, envelope)
        except grpc.RpcError as error:
            raise read_error(error) from error
        finally:
            call.cancel()
        if not sink.ended:
            raise Broken("protocol-broken", "the coordinator ended a message before its last envelope")

    async def report_progress(self, job: bytes, attempt: int, progress: Progress) -> None:
        """Say how far this agency is."""
        await _await_answer(
            self._relay.Report(ReportRequest(job=job, attempt=attempt, progress=progress), timeout=CALL_SECONDS)
        )

    async def report_failure(self, job: bytes, attempt: int, failure: Failure) -> None:
        """Say that this agency cannot go on."""
        await _await_answer(self._relay.Report(ReportRequest(job=job, attempt=attempt, failure=failure), timeout=CALL_SECONDS))

    async def report_ended(self, job: bytes, state: JobState) -> None:
        """Say that this agency knows how a job ended."""
        ended = WireState.Value(f"JOB_STATE_{state.upper()}")
        await _await_answer(self._relay.Report(ReportRequest(job=job, ended=ended), timeout=CALL_SECONDS))

    async def report_trouble(self, job: bytes, trouble: Failure) -> None:
        """Say what keeps this agency for now."""
        await _await_answer(self._relay.Report(ReportRequest(job=job, trouble=trouble), timeout=CALL_SECONDS))

    async def close(self) -> None:
        """Hang up."""
        for closing in self._closing:
            closing.cancel()
        await asyncio.gather(*self._closing, return_exceptions=True)
        await self._channel.close(grace=None)


class _Notices:
    """Notices of one Attend call."""

    def __init__(self, call: AsyncIterable[Notice]) -> None:
        self._source = call.__aiter__()

    def __aiter__(self) -> _Notices:
        return self

    async def __anext__(self) -> Notice:
        try:
            return await self._source.__anext__()
        except grpc.RpcError as error:
            raise read_error(error) from error


async def _raise_end(call: Any) -> None:
    """Raise what a call ended with."""
    raise grpc.aio.AioRpcError(
        await call.code(),
        grpc.aio.Metadata(*(await call.initial_metadata() or ())),
        grpc.aio.Metadata(*(await call.trailing_metadata() or ())),
        details=await call.details(),
    )


async def _await_answer(call: Awaitable[T]) -> T:
    try:
        return await call
    except grpc.RpcError as error:
        raise read_error(error) from error


class _Upload:
    """Envelopes for gRPC, which would take an error of their source for the caller's wish to hang up: it is kept, and the stream ends."""

    def __init__(self, source: AsyncIterator[Envelope]) -> None:
        self._source = source
        self.error: Exception | None = None

    async def envelopes(self) -> AsyncIterator[Envelope]:
        try:
            async for envelope in self._source:
                yield envelope
        except Exception as error:  # noqa: BLE001  # whatever it is, `put` raises it
            self.error = error
