"""The composition root of a node: the one place that picks adapters, and the loop that keeps it going."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import structlog

from tallystick.core.agreement.model import Agreement
from tallystick.core.clock import Clock, SystemClock
from tallystick.core.errors import NotReady, TallyError
from tallystick.core.job.model import Job
from tallystick.core.keyfile import IdentityKey, read_identity
from tallystick.core.metrics import Figure, serve_metrics
from tallystick.core.net.health import HealthService
from tallystick.core.net.status import origin
from tallystick.core.net.tls import load_certificate
from tallystick.core.net.walk import HOPELESS
from tallystick.core.witness import Witness
from tallystick.crypto import kernel
from tallystick.crypto.randomness import SystemRandomness
from tallystick.node.agreements import NodeAgreements
from tallystick.node.approvals import Approvals
from tallystick.node.config import NodeConfig
from tallystick.node.coordinator_client import GrpcCoordinatorClient
from tallystick.node.courier import FIRST_WAIT, LONGEST_WAIT, add_jitter
from tallystick.node.desk import Desk
from tallystick.node.dialing import read_address
from tallystick.node.failures import build_outward_error
from tallystick.node.figures import build_figures
from tallystick.node.housekeeping import forget_tables
from tallystick.node.jobs import JobFollower
from tallystick.node.joining import membership_of
from tallystick.node.link import LinkState
from tallystick.node.local.requests import RequestsService
from tallystick.node.local.server import StewardService, serve_local
from tallystick.node.pages.opening import open_desk
from tallystick.node.policy.evaluate import Verdict, evaluate
from tallystick.node.policy.model import Policy, read_policy
from tallystick.node.ports import CoordinatorClient
from tallystick.node.preflight import check_datasets
from tallystick.node.prepare import prepare_records
from tallystick.node.reaching import check_identity, find_problem
from tallystick.node.renewing import Renewing
from tallystick.node.requests.service import open_requests
from tallystick.node.saying import describe_start
from tallystick.node.seats import Seats
from tallystick.node.storage.sqlite import SqliteStorage
from tallystick.node.store import Store
from tallystick.node.surroundings import Surroundings
from tallystick.node.suspending import watch_suspensions
from tallystick.node.tasks import meanwhile, until_stopped
from tallystick.node.view_builders import build_health
from tallystick.node.views import Health
from tallystick.node.workers import NodeWorkers
from tallystick.node.workplace import start_workers

LONG_SECONDS: Final = 60.0
"""The longest time after which a job is looked at again that was refused."""
LOOK_AGAIN_SECONDS: Final = 20.0
"""How often unended jobs are asked after, should a notice have been lost."""
LATER_SECONDS: Final = 3.0
"""After how long a job is looked at again that could not be handled now."""
WALK_SECONDS: Final = 30.0
"""How often, while the coordinator is not reached, each hop to it is tried."""
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
    link: LinkState
    told: HealthService | None = None
    find_problem: Callable[[], TallyError | None] | None = None
    _looked: float = float("-inf")
    _due: set[bytes] = field(default_factory=set)
    _woken: asyncio.Event = field(default_factory=asyncio.Event)
    _again: dict[bytes, int] = field(default_factory=dict)

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
            jobs=self.store.blocking.count_jobs(),
            agreements={name: document.read(Agreement) for name, document in self.approvals.agreements.all().items()},
            certificate_end=ends,
            now=self.clock.now(),
            kernel=kernel.choose_path(),
            link=self.link,
            most_jobs=self.jobs.seats.most,
            sessions=self.jobs.sessions(),
        )

    def figures(self) -> list[Figure]:
        """Give what monitoring sees."""
        return build_figures(self.health(), self.jobs.around.counts)

    async def _hear(self) -> None:
        wait = FIRST_WAIT
        while True:
            try:
                async with self.coordinator.attend() as notices:
                    wait = FIRST_WAIT
                    self.link.open()
                    await self._tell_health()
                    self.jobs.troubles.tell_again()
                    self.look_at(*await self.jobs.list_unended())
                    async for notice in notices:
                        self.link.hear()
                        self.jobs.hear(notice)
                        self.look_at(notice.job)
                await self._lose(NotReady("unavailable", "the coordinator ended the connection"))
            except TallyError as error:
                if error.code == "second-process":
                    raise
                await self._lose(error)
            await self._tell_health()
            await asyncio.sleep(add_jitter(wait))
            wait = min(2 * wait, LONGEST_WAIT)

    async def _lose(self, error: TallyError) -> None:
        """Find out why the coordinator is not reached; the first time, what no waiting mends ends the node.

        Raises:
            TallyError: such a cause.
        """
        loop = asyncio.get_running_loop()
        if error.code == "unavailable" and self.find_problem is not None:
            if self.link.connected or loop.time() - self._looked >= WALK_SECONDS:
                self._looked = loop.time()
                cause: TallyError | None = await asyncio.to_thread(self.find_problem)
                error = cause or error
            elif self.link.error is not None:
                error = self.link.error
        if error.code in HOPELESS and self.link.heard is None:
            raise error
        self.link.lose(error)

    async def _tell_health(self) -> None:
        if self.told is not None:
            await self.told.tell(serves=self.link.connected)

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
        """Look at a job; whatever stands in the way, it is looked at again: it may not even be stored yet."""
        error: Exception | None
        try:
            error = await self.jobs.sync(job)
        except Exception as raised:  # noqa: BLE001  # a fault with one job must neither end the node nor leave the job alone
            error = raised
        if error is None:
            self.link.hear()
            self._again.pop(job, None)
            return
        told = build_outward_error(error)
        _LOG.info("later", job=job.hex()[:12], code=told.code, error=type(error).__name__, where=origin(error))
        again = self._again[job] = self._again.get(job, 0) + 1
        most = LATER_SECONDS if isinstance(error, NotReady) else LONG_SECONDS  # an answer that is no may change, but not soon
        wait = add_jitter(min(LATER_SECONDS * 2.0 ** min(again - 1, 10), most))
        asyncio.get_running_loop().call_later(wait, self.look_at, job)
        await self.jobs.troubles.tell(job, told)

    async def _look_again(self) -> None:
        while True:
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
            with contextlib.suppress(TallyError):  # a disk that fails now is no reason to stop attending
                self.look_at(*await self.jobs.list_unended())

    async def _keep_house(self) -> None:
        while True:
            try:
                held = await asyncio.to_thread(self.approvals.agreements.all)
                agreements = [document.read(Agreement) for document in held.values()]
                await asyncio.to_thread(forget_tables, self.store.blocking, agreements, self.clock.now())
            except TallyError as error:  # next hour again
                _LOG.warning("housekeeping", code=error.code, detail=error.detail)
            await asyncio.sleep(HOUSEKEEPING_SECONDS)

    def look_at(self, *jobs: bytes) -> None:
        """Have jobs looked at soon."""
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
    workers: NodeWorkers,
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
        prepare=lambda assignment: prepare_records(assignment, config, storage, clock),
        state=config.state,
    )
    desk = Desk(config.agency, identity, storage, clock, config.file.desk)
    follower = JobFollower(around, approvals, desk, Seats(config.jobs_at_once))
    link = LinkState(config.file.coordinator.address, clock)
    node = Node(config, follower, approvals, store, coordinator, clock, link)
    follower.seats.look = node.look_at
    return node


@contextlib.contextmanager
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
        TallyError: it cannot start: its key, certificate, state or log.
    """
    identity = await asyncio.to_thread(read_identity, config.path(config.file.identity))
    membership = membership_of(config)
    credentials, address = await asyncio.to_thread(membership.credentials), config.file.coordinator.address
    check_identity(credentials, config.agency)
    stopped = stop or _on_signals()
    with hold_state(config.state), contextlib.ExitStack() as stack:
        store = await asyncio.to_thread(
            Store, lambda: SqliteStorage(config.state / DATABASE, witness=Witness(config.path(config.file.witness)))
        )
        coordinator = GrpcCoordinatorClient(address, credentials, jobs=config.jobs_at_once)
        workers = await asyncio.to_thread(start_workers, config, membership.authority)
        node = build_node(config, identity, store, coordinator, workers)
        renewing = Renewing(
            membership, address, coordinator, node.clock, credentials, lambda: read_address(config), node.link.move
        )
        requests = open_requests(config, identity, store, node.approvals.agreements, coordinator, node.clock)
        node.told = told = HealthService(("tallystick.v1.Steward",))
        node.find_problem = lambda: find_problem(membership, node.link.address, config.agency, node.clock)
        count = partial(check_datasets, config)
        service = StewardService(node.jobs, node.approvals, store, health=node.health, datasets=count)
        pages = open_desk(config, node.jobs, node.approvals, store, node.clock, node.health, count, requests.answering)
        try:
            begun = describe_start(config, await asyncio.to_thread(node.approvals.agreements.all))
            figures = serve_metrics(config.file.metrics, node.figures, lambda: told.serves)
            async with (
                serve_local(config.socket, service, told, RequestsService(store, requests.answering)),
                pages,
                meanwhile(renewing.attend(), requests.attend(), watch_suspensions(config, store, node.clock, node.jobs.refuse)),
            ):
                await told.tell(serves=False)
                stack.enter_context(figures)
                await store.run(lambda storage: storage.log("started", node.clock.now(), "", **begun))
                await until_stopped(stopped, node.attend())
        finally:
            await coordinator.close()
            workers.close()
            await asyncio.to_thread(store.close)


def _on_signals() -> asyncio.Event:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return stopped
