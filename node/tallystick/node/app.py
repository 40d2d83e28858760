"""The composition root of a node: the one place that picks adapters, and the loop that keeps it going."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shutil
import signal
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import structlog

from tallystick.core.agreement.model import Agreement
from tallystick.core.clock import Clock, SystemClock
from tallystick.core.errors import NotReady, TallyError
from tallystick.core.job.model import Job
from tallystick.core.keyfile import IdentityKey, read_identity
from tallystick.core.net.tls import load_certificate
from tallystick.core.witness import Witness
from tallystick.crypto import kernel
from tallystick.crypto.randomness import SystemRandomness
from tallystick.crypto.workers import Workers
from tallystick.node.agreements import NodeAgreements
from tallystick.node.approvals import Approvals
from tallystick.node.config import NodeConfig
from tallystick.node.coordinator_client import GrpcCoordinatorClient
from tallystick.node.courier import FIRST_WAIT, LONGEST_WAIT
from tallystick.node.desk import Desk
from tallystick.node.housekeeping import forget_tables
from tallystick.node.jobs import JobFollower
from tallystick.node.joining import membership_of
from tallystick.node.local.server import StewardService, serve_local
from tallystick.node.policy.evaluate import Verdict, evaluate
from tallystick.node.policy.model import Policy, read_policy
from tallystick.node.ports import CoordinatorClient
from tallystick.node.preflight import check_datasets
from tallystick.node.prepare import prepare_records
from tallystick.node.renewing import Renewing
from tallystick.node.storage.sqlite import SqliteStorage
from tallystick.node.store import Store
from tallystick.node.surroundings import Surroundings
from tallystick.node.view_builders import build_health
from tallystick.node.views import Health
from tallystick.node.workers import ProcessWorkers

LOOK_AGAIN_SECONDS: Final = 20.0
"""How often unended jobs are asked after, should a notice have been lost."""
LATER_SECONDS: Final = 5.0
"""After how long a job is looked at again that could not be handled now."""
HOUSEKEEPING_SECONDS: Final = 3600.0
"""How often what may be forgotten is."""
DATABASE: Final = "node.db"
"""The file of the node's state, in the state folder."""
_LOG: Final = structlog.get_logger("node")


@dataclass
class Node:
    """A node's parts, put together; `attend` keeps them going."""

    config: NodeConfig
    jobs: JobFollower
    approvals: Approvals
    store: Store
    coordinator: CoordinatorClient
    clock: Clock
    connected: bool = False
    _due: set[bytes] = field(default_factory=set)
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    async def attend(self) -> None:
        """Hear the coordinator's notices and see to the jobs they name, for ever.

        Raises:
            Refused: `second-process`: another process of this agency connected since.
        """
        tasks = [asyncio.create_task(one) for one in (self._hear(), self._see_to(), self._look_again(), self._keep_house())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.jobs.close()

    def health(self) -> Health:
        """Say how the node is; reads files and the store, so in a thread."""
        certificate = self.config.path(self.config.file.coordinator.certificate)
        ends = None
        with contextlib.suppress(OSError, TallyError):
            ends = load_certificate(certificate.read_bytes()).not_valid_after_utc
        return build_health(
            self.config.agency,
            connected=self.connected,
            jobs=self.store.blocking.count_jobs(),
            agreements={name: document.read(Agreement) for name, document in self.approvals.agreements.all().items()},
            certificate_end=ends,
            now=self.clock.now(),
            kernel=kernel.choose_path(),
        )

    async def _hear(self) -> None:
        wait = FIRST_WAIT
        while True:
            try:
                async with self.coordinator.attend() as notices:
                    self._look_at(*await self.jobs.list_unended())
                    async for notice in notices:
                        self.connected, wait = True, FIRST_WAIT
                        self._look_at(notice.job)
            except TallyError as error:
                if error.code == "second-process":
                    raise
                _LOG.info("disconnected", code=error.code)
            self.connected = False
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)

    async def _see_to(self) -> None:
        running: dict[bytes, asyncio.Task[None]] = {}
        while True:
            await self._woken.wait()
            self._woken.clear()
            for job in [job for job in self._due if job not in running or running[job].done()]:
                self._due.discard(job)
                running[job] = asyncio.create_task(self._sync(job))
                running[job].add_done_callback(lambda _: self._woken.set())
            for job in [job for job, task in running.items() if task.done()]:
                del running[job]

    async def _sync(self, job: bytes) -> None:
        try:
            await self.jobs.sync(job)
        except TallyError as error:
            _LOG.info("later", job=job.hex()[:12], code=error.code)
            if (
                isinstance(error, NotReady) or error.code == "disk"
            ):  # it may not even be stored yet, so nothing else would look again
                asyncio.get_running_loop().call_later(LATER_SECONDS, self._look_at, job)

    async def _look_again(self) -> None:
        while True:
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
            with contextlib.suppress(TallyError):  # a disk that fails now is no reason to stop attending
                self._look_at(*await self.jobs.list_unended())

    async def _keep_house(self) -> None:
        while True:
            try:
                held = await asyncio.to_thread(self.approvals.agreements.all)
                agreements = [document.read(Agreement) for document in held.values()]
                await asyncio.to_thread(forget_tables, self.store.blocking, agreements, self.clock.now())
            except TallyError as error:  # next hour again
                _LOG.warning("housekeeping", code=error.code, detail=error.detail)
            await asyncio.sleep(HOUSEKEEPING_SECONDS)

    def _look_at(self, *jobs: bytes) -> None:
        self._due.update(jobs)
        self._woken.set()


def judge_of(config: NodeConfig) -> Any:
    """Give the local policy as a function; it is read afresh for every job, and one that cannot be read allows nothing."""

    def judge(job: Job, agreement: Agreement) -> Verdict:
        policy = Policy() if config.file.policy is None else read_policy(config.path(config.file.policy))
        return evaluate(policy, job, agreement, config.agency)

    return judge


def build_node(
    config: NodeConfig,
    identity: IdentityKey,
    store: Store,
    coordinator: CoordinatorClient,
    workers: Workers,
    clock: Clock | None = None,
) -> Node:
    """Put a node together from its parts."""
    clock = clock or SystemClock()
    storage = store.blocking
    agreements = NodeAgreements(config, identity, storage, clock)
    approvals = Approvals(config, identity, agreements, storage, clock, judge_of(config))
    around = Surroundings(
        agency=config.agency,
        identity=identity,
        store=store,
        coordinator=coordinator,
        clock=clock,
        workers=workers,
        randomness=SystemRandomness(),
        prepare=lambda assignment: prepare_records(assignment, config, storage),
        state=config.state,
    )
    desk = Desk(config.agency, identity, storage, clock, config.file.desk)
    return Node(config, JobFollower(around, approvals, desk), approvals, store, coordinator, clock)


@contextmanager
def hold_state(folder: Path) -> Iterator[None]:
    """Hold the state folder: closed to others, used by one process, and without what a killed one left in its spool.

    Raises:
        NotReady: `unavailable`: another node uses it.
    """
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise NotReady("unavailable", f"another node uses {folder}", hint="stop it first") from error
        shutil.rmtree(folder / "spool", ignore_errors=True)
        yield
    finally:
        os.close(lock)


async def run(config: NodeConfig, stop: asyncio.Event | None = None) -> None:
    """Run a node until it is told to stop.

    Raises:
        TallyError: it cannot start: its key, certificate or state.
    """
    identity = await asyncio.to_thread(read_identity, config.path(config.file.identity))
    membership = membership_of(config)
    credentials = await asyncio.to_thread(membership.credentials)
    stopped = stop or _on_signals()
    with hold_state(config.state):
        store = await asyncio.to_thread(
            Store, lambda: SqliteStorage(config.state / DATABASE, witness=Witness(config.path(config.file.witness)))
        )
        coordinator = GrpcCoordinatorClient(config.file.coordinator.address, credentials)
        workers = ProcessWorkers(config.file.workers)
        node = build_node(config, identity, store, coordinator, workers)
        renewing = Renewing(membership, config.file.coordinator.address, coordinator, node.clock)
        service = StewardService(node.jobs, node.approvals, store, health=node.health, datasets=lambda: check_datasets(config))
        try:
            names, now = sorted(await asyncio.to_thread(node.approvals.agreements.all)), node.clock.now()
            async with serve_local(config.socket, service), _meanwhile(renewing.attend()):
                await store.run(lambda storage: storage.log("started", now, agreements=[*names]))
                await _until(stopped, node.attend())
        finally:
            await coordinator.close()
            workers.close()
            await asyncio.to_thread(store.close)


@asynccontextmanager
async def _meanwhile(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Do something for as long as the context lasts."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _until(stopped: asyncio.Event, work: Coroutine[None, None, None]) -> None:
    """Do the work until it ends, or until told to stop."""
    tasks = asyncio.create_task(work), asyncio.create_task(stopped.wait())
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if tasks[0].done():
            tasks[0].result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _on_signals() -> asyncio.Event:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return stopped
