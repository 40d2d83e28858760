"""The gRPC client to the coordinator. It dials out, resumes what was cut off, and turns statuses into this project's errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, TypeVar

import grpc
import grpc.aio

from tallystick.core.agreement.model import PROTOCOL
from tallystick.core.errors import Broken
from tallystick.core.net import channel as channels
from tallystick.core.net.channel import CALL_SECONDS, STREAM_SECONDS
from tallystick.core.net.chunks import MessageName, check_shape
from tallystick.core.net.spoolfile import SpoolFile, read_spool
from tallystick.core.net.status import raised
from tallystick.core.net.tls import Credentials
from tallystick.v1.relay_pb2 import AttendRequest, DepositRequest, GetRequest, Notice, ReportRequest, SyncRequest
from tallystick.v1.relay_pb2_grpc import RelayStub
from tallystick.v1.types_pb2 import Envelope, Failure, JobView, MessageState, Progress

SYNC_EVERY: Final = 16
"""Downloaded envelopes (8 MiB) between two syncs to disk."""

OLD_SECONDS: Final = 3600.0
"""How long calls over a certificate that was renewed may go on."""

T = TypeVar("T")


class GrpcLink:
    """Implements `Link` over one channel."""

    def __init__(self, address: str, credentials: Credentials) -> None:
        """Prepare to dial; nothing is sent before the first call."""
        self._address = address
        self._closing: set[asyncio.Task[None]] = set()
        self._channel = channels.channel(address, credentials)
        self._relay = RelayStub(self._channel)

    def use(self, credentials: Credentials) -> None:
        """Show another certificate from the next call on; calls that are open end over the old one, or after an hour."""
        before, self._channel = self._channel, channels.channel(self._address, credentials)
        self._relay = RelayStub(self._channel)
        closing = asyncio.get_running_loop().create_task(before.close(OLD_SECONDS))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    @asynccontextmanager
    async def attend(self) -> AsyncIterator[_Notices]:
        """Open the stream of notices; it ends with the context."""
        call = self._relay.Attend(AttendRequest(protocol=PROTOCOL), wait_for_ready=False)
        try:
            yield _Notices(call)
        finally:
            call.cancel()

    async def sync(self, job: bytes) -> JobView:
        """Give all that this agency may know of a job."""
        return await _answered(self._relay.Sync(SyncRequest(job=job), timeout=CALL_SECONDS))

    async def deposit(self, job: bytes, document: bytes) -> JobView:
        """Hand in a signed document."""
        return await _answered(self._relay.Deposit(DepositRequest(job=job, document=document), timeout=CALL_SECONDS))

    async def put(self, name: MessageName, spool: Path) -> MessageState:
        """Upload what is missing of a message that lies complete in a spool file."""
        state = await _answered(self._relay.Stat(name.wire(), timeout=CALL_SECONDS))
        if state.complete:
            return state
        return await _answered(self._relay.Put(_from_disk(spool, state.next_sequence), timeout=STREAM_SECONDS))

    async def get(self, name: MessageName, spool: Path) -> None:
        """Download what is missing of a message into a spool file; return when it is whole.

        Raises:
            Broken: `protocol-broken`: what came is not the next envelope of this message.
        """
        held = await asyncio.to_thread(SpoolFile, spool)
        try:
            if held.ended:
                return
            call = self._relay.Get(GetRequest(ref=name.wire(), from_sequence=held.count), timeout=STREAM_SECONDS)
            try:
                async for envelope in call:
                    check_shape(envelope)
                    if envelope.ref != name.wire():
                        raise Broken("protocol-broken", "the coordinator sent an envelope of another message")
                    await asyncio.to_thread(_append, held, envelope)
            except grpc.RpcError as error:
                raise raised(error) from error
            finally:
                call.cancel()
                await asyncio.to_thread(held.sync)
            if not held.ended:
                raise Broken("protocol-broken", "the coordinator ended a message before its last envelope")
        finally:
            await asyncio.to_thread(held.close)

    async def report_progress(self, job: bytes, attempt: int, progress: Progress) -> None:
        """Say how far this agency is."""
        await _answered(self._relay.Report(ReportRequest(job=job, attempt=attempt, progress=progress), timeout=CALL_SECONDS))

    async def report_failure(self, job: bytes, attempt: int, failure: Failure) -> None:
        """Say that this agency cannot go on."""
        await _answered(self._relay.Report(ReportRequest(job=job, attempt=attempt, failure=failure), timeout=CALL_SECONDS))

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
            raise raised(error) from error


async def _answered(call: Awaitable[T]) -> T:
    try:
        return await call
    except grpc.RpcError as error:
        raise raised(error) from error


async def _from_disk(spool: Path, start: int) -> AsyncIterator[Envelope]:
    envelopes = read_spool(spool, start)
    while (envelope := await asyncio.to_thread(_next, envelopes)) is not None:
        yield envelope


def _next(envelopes: Iterator[Envelope]) -> Envelope | None:
    return next(envelopes, None)


def _append(held: SpoolFile, envelope: Envelope) -> None:
    held.append(envelope)
    if held.count % SYNC_EVERY == 0:
        held.sync()
