"""The server process: one port, the driver beside it, and an orderly stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Literal

import grpc.aio
import structlog

from tallystick.coordinator.admission import Admission
from tallystick.coordinator.authority import Authority
from tallystick.coordinator.driver import Driver
from tallystick.coordinator.jobs import Jobs
from tallystick.coordinator.ports import CoordinatorStorage, LostLease
from tallystick.coordinator.progress import Trouble
from tallystick.coordinator.records import JobRecord
from tallystick.coordinator.restoring import Restoring
from tallystick.coordinator.server.authorise import Authorise
from tallystick.coordinator.server.hub import Hub
from tallystick.coordinator.server.letters import LettersService
from tallystick.coordinator.server.local import serve_operator
from tallystick.coordinator.server.peers import NoPeers, Peers
from tallystick.coordinator.server.services import EnrolService, JobsService, RelayService
from tallystick.coordinator.stalls import Stalls
from tallystick.coordinator.watching import Watching
from tallystick.core.agreement.check import COORDINATOR
from tallystick.core.clock import Clock
from tallystick.core.errors import NotReady, Refused, TallyError
from tallystick.core.files import write_public
from tallystick.core.job.lifecycle import JobState
from tallystick.core.net.channel import SERVER_OPTIONS, server_credentials  # before grpc, for its environment
from tallystick.core.net.health import HealthService
from tallystick.core.net.status import Faults, origin, public
from tallystick.v1.enrol_pb2_grpc import add_EnrolServicer_to_server
from tallystick.v1.jobs_pb2_grpc import add_JobsServicer_to_server
from tallystick.v1.letters_pb2_grpc import add_LettersServicer_to_server
from tallystick.v1.relay_pb2_grpc import add_RelayServicer_to_server

GRACE_S: Final = 5.0
TICK_S: Final = 2.0
RETRY_S: Final = 5.0
PRESENCE_TICKS: Final = 2
QUEUE_TICKS: Final = 10
"""How often jobs that wait for their turn are looked at by every replica: the one that knew them may be gone."""
SWEEP_TICKS: Final = 1800
MAX_CALLS: Final = 4096
DRIVERS: Final = min(32, (os.cpu_count() or 1) + 4)
"""Jobs that are driven at the same moment; threads of their own, so that matching keeps no call waiting."""
ANSWERING: Final = 32
"""Threads that answer calls: they wait for the disk, and must not wait for each other."""
ADDRESS_FILE: Final = "address"
SERVICES: Final = ("tallystick.v1.Relay", "tallystick.v1.Jobs", "tallystick.v1.Enrol")
WAITS: Final = frozenset({JobState.SUBMITTED, JobState.APPROVING, JobState.RUNNING})
"""States in which a job waits for its turn, or holds a place."""


Role = Literal["all", "relay", "driver"]
"""What a process does: everything; only what others call; only what jobs need by themselves, without a port."""


class Server:
    """Everything that runs while the coordinator serves."""

    def __init__(
        self,
        *,
        authority: Authority,
        jobs: Jobs,
        storage: CoordinatorStorage,
        driver: Driver,
        admission: Admission,
        stalls: Stalls,
        hub: Hub,
        clock: Clock,
        services: tuple[EnrolService, RelayService, JobsService, LettersService],
        calls_per_second: int,
        peers: Peers | None = None,
        restoring: Restoring | None = None,
    ) -> None:
        """Take the rooms' parts as `app.py` made them."""
        self._authority = authority
        self._jobs = jobs
        self._storage = storage
        self._driver = driver
        self._admission = admission
        self._stalls = stalls
        self._hub = hub
        self._clock = clock
        self._services = services
        self._calls_per_second = calls_per_second
        self._peers = peers or NoPeers()
        self._restoring = restoring
        self._drives = True
        self.failed: asyncio.Future[None] | None = None
        self.health = HealthService(SERVICES)
        self._log = structlog.get_logger("server")
        self._wanted: dict[bytes, asyncio.Event] = {}
        self._advancing: set[bytes] = set()
        self._places: tuple[bytes, ...] = ()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._grpc: grpc.aio.Server | None = None
        self._stopping = False
        self._drivers = ThreadPoolExecutor(DRIVERS, thread_name_prefix="driver")

    async def start(self, listen: str, role: Role = "all") -> str:
        """Begin; where the role opens the port, give the address that was bound, else nothing.

        Raises:
            NotReady: `unavailable`: the address is in use, or not this machine's; or the database is away.
            Refused: `second-process`: another process serves as this replica.
        """
        self._hub.bind()
        self._loop = asyncio.get_running_loop()
        self.failed = self._loop.create_future()
        self._drives = role != "relay"
        self._loop.set_default_executor(ThreadPoolExecutor(ANSWERING, "calls"))
        self._jobs.listen(self._hub.publish)
        self._jobs.listen(self._notice)
        await asyncio.to_thread(self._peers.join, self._hear_hint)
        await asyncio.to_thread(self._jobs.sweep)
        address = await self._open(listen) if role != "driver" else ""
        for record in await asyncio.to_thread(self._storage.jobs, ended=False):
            self._want(record)
        self._spawn(self._ticking())
        return address

    async def _open(self, listen: str) -> str:
        interceptors = [
            Faults(),
            Authorise(self._authority, self._hub, self._clock, calls_per_second=self._calls_per_second),
        ]
        server = grpc.aio.server(interceptors=interceptors, options=list(SERVER_OPTIONS), maximum_concurrent_rpcs=MAX_CALLS)
        enrol, relay, jobs, letters = self._services
        add_EnrolServicer_to_server(enrol, server)
        add_RelayServicer_to_server(relay, server)
        add_JobsServicer_to_server(jobs, server)
        add_LettersServicer_to_server(letters, server)
        try:
            port = server.add_secure_port(listen, server_credentials(self._authority.serving))
        except RuntimeError as error:
            raise NotReady("unavailable", f"{listen} cannot be bound", hint="is another coordinator running there?") from error
        await server.start()
        self._grpc = server
        await self.health.tell(serves=True)
        return f"{listen.rpartition(':')[0]}:{port}"

    async def stop(self) -> None:
        """End every stream with a reason, let calls finish, and wait for the threads that drive jobs: none works on after this."""
        self._stopping = True
        self._hub.close()
        await self.health.tell(serves=False)
        if self._grpc is not None:
            await self._grpc.stop(GRACE_S)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        # a cancelled task leaves its thread at work, on a database that is about to be closed
        await asyncio.to_thread(self._drivers.shutdown, wait=True, cancel_futures=True)
        with contextlib.suppress(NotReady):  # the database is away: the leases end by themselves
            await asyncio.to_thread(self._peers.leave)

    def _notice(self, record: JobRecord) -> None:
        """Hear of a change, from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._want, record)

    def _want(self, record: JobRecord) -> None:
        """See to it that a job is looked at, once more if it is being looked at."""
        if self._stopping:
            return
        if record.state not in WAITS:
            self._spawn(self._take_turns())  # a place may have become free
        if record.ended is not None:
            self._admission.forget(record.job)
        event = self._wanted.get(record.job)
        if self._stopping or not self._drives or (event is None and record.ended is not None):
            return
        if event is None:
            event = self._wanted[record.job] = asyncio.Event()
            self._spawn(self._driving(record.job, event))
        event.set()

    def _hear_hint(self, job: bytes) -> None:
        """Hear of a change that another replica made, from its thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(lambda: self._spawn(self._look_at(job)))

    async def _look_at(self, *jobs: bytes) -> None:
        """Read jobs, tell who wants to know, and see whether something is due."""
        with contextlib.suppress(NotReady):  # a later tick finds it
            for job in jobs:
                record = await asyncio.to_thread(self._storage.job, job)
                if record is not None:
                    self._hub.publish(record)
                    self._want(record)

    def _advance(self, job: bytes) -> None:
        """Drive a job, if no other replica does."""
        lease = self._peers.leases.take(job)
        if lease is None:
            return
        try:
            self._driver.advance(job, lease)
        except LostLease:
            self._log.warning("lease lost", job=job.hex(), lease=lease)
        finally:
            self._peers.leases.give_back(job)

    async def _driving(self, job: bytes, wanted: asyncio.Event) -> None:
        """Advance one job whenever it changed; alone, so that nothing is done twice at once. Over when the job has ended."""
        try:
            while True:
                wanted.clear()
                self._advancing.add(job)
                try:
                    await asyncio.get_running_loop().run_in_executor(self._drivers, self._advance, job)
                except Exception as error:  # noqa: BLE001  # a full disk, or an agreement's file that is gone: tried again
                    self._log.error("cannot go on", job=job.hex(), error=type(error).__name__, where=origin(error))
                    self._show_trouble(job, public(error))
                    await asyncio.sleep(RETRY_S)
                    continue
                finally:
                    self._advancing.discard(job)
                self._show_trouble(job, None)
                record = await asyncio.to_thread(self._storage.job, job)
                if record is None or record.ended is not None:
                    return
                await wanted.wait()
        finally:
            self._wanted.pop(job, None)

    async def _ticking(self) -> None:
        """Do what time asks for: deadlines, revocations made by another process, presence, old files."""
        ticks = 0
        while True:
            await asyncio.sleep(TICK_S)
            ticks += 1
            try:
                self._hub.revoke(await asyncio.to_thread(self._authority.list_revoked))
                await asyncio.to_thread(self._jobs.expire)
                await self._meet()
                for record in await asyncio.to_thread(self._stalls.look, frozenset(self._advancing)):
                    self._hub.publish(record)
                if ticks % QUEUE_TICKS == 0:
                    await self._look_at_queue()
                await self._take_turns()
                if ticks % PRESENCE_TICKS == 0 and self._hub.here:
                    await asyncio.to_thread(self._storage.note_connected, self._hub.here, self._clock.now())
                if ticks % SWEEP_TICKS == 0:
                    await asyncio.to_thread(self._jobs.sweep)
                await self.health.tell(serves=True)
            except Exception as error:  # noqa: BLE001  # one bad tick is no reason to stop serving
                await self.health.tell(serves=False)
                self._log.error("tick failed", error=type(error).__name__, where=origin(error))

    async def _meet(self) -> None:
        """Stay one of the replicas; hear of what the others changed, and take over what the dead ones left."""
        try:
            await asyncio.to_thread(self._peers.leases.keep)
            if self._restoring is not None:
                await asyncio.to_thread(self._restoring.note)
        except Refused as error:
            if self.failed is not None and not self.failed.done():
                self.failed.set_exception(error)
            raise
        for record in await asyncio.to_thread(self._peers.look):
            self._hub.publish(record)
            self._want(record)
        await self._look_at(*await asyncio.to_thread(self._peers.leases.orphans))
        self._hub.elsewhere = await asyncio.to_thread(self._peers.find_connected)

    async def _look_at_queue(self) -> None:
        known = set(self._admission.places())
        for record in await asyncio.to_thread(self._storage.jobs, ended=False):
            if record.state == JobState.APPROVING and record.job not in known:
                self._want(record)

    async def _take_turns(self) -> None:
        """Look at the jobs whose turn has come; tell those who watch jobs that moved up."""
        for job in await asyncio.to_thread(self._admission.startable, self._clock.now()):
            event = self._wanted.get(job)
            if event is not None:
                event.set()
        before, self._places = self._places, self._admission.places()
        moved = {job for place, job in enumerate(self._places) if before[place : place + 1] != (job,)}
        if moved:
            for record in await asyncio.to_thread(self._storage.jobs, ended=False):
                if record.job in moved:
                    self._hub.publish(record)

    def _show_trouble(self, job: bytes, error: TallyError | None) -> None:
        """Show what keeps the coordinator itself from going on with a job, or that nothing does."""
        told = ("", "", "") if error is None else (error.code, error.message, error.hint)
        self._jobs.progress.keep(job, Trouble(COORDINATOR, *told, since=self._clock.now()))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def serve(server: Server, listen: str, state: Path, watching: Watching, role: Role = "all") -> None:
    """Serve until SIGTERM or SIGINT. While it runs, the state folder's `address` file says where, and the operator's socket answers.

    Raises:
        Refused: `second-process`: another process serves as this replica.
    """
    log = structlog.get_logger("server")
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    address = await server.start(listen, role)
    note = state / ADDRESS_FILE
    await asyncio.to_thread(_write_note, note, address)
    log.info("listening", address=address)
    try:
        async with serve_operator(state, watching, server.health, driver=role == "driver"):
            await _until_stopped(server, stopping)
    finally:
        log.info("stopping")
        with contextlib.suppress(FileNotFoundError):
            note.unlink()
        await server.stop()


async def _until_stopped(server: Server, stopping: asyncio.Event) -> None:
    """Wait until told to stop, or until another process took this one's place."""
    assert server.failed is not None
    stopped = asyncio.ensure_future(stopping.wait())
    waits: list[asyncio.Future[Any]] = [stopped, server.failed]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if server.failed.done():
        server.failed.result()


def _write_note(path: Path, text: str) -> None:
    write_public(path, text.encode("ascii"))
