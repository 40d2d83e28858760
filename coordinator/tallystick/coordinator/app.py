"""The composition root: the only place that picks adapters and puts the coordinator together."""

from __future__ import annotations

import asyncio
import socket
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlalchemy as sa
import structlog

from tallystick.coordinator.admission import Admission
from tallystick.coordinator.agreements import AgreementFiles
from tallystick.coordinator.authority import Authority, create_issuer, read_issuer
from tallystick.coordinator.config import Settings
from tallystick.coordinator.driver import Driver
from tallystick.coordinator.intake import Intake
from tallystick.coordinator.jobs import Jobs
from tallystick.coordinator.letters import Boxes, OwnBoxes, PostOffice
from tallystick.coordinator.ports import CoordinatorStorage, Spool
from tallystick.coordinator.relay import Relay
from tallystick.coordinator.restoring import Restoring
from tallystick.coordinator.s3 import open_spool
from tallystick.coordinator.server.hub import Hub
from tallystick.coordinator.server.letters import LettersService
from tallystick.coordinator.server.peers import NoPeers, Peers, SqlPeers
from tallystick.coordinator.server.run import Role, Server, serve
from tallystick.coordinator.server.services import EnrolService, JobsService, RelayService
from tallystick.coordinator.stalls import Stalls
from tallystick.coordinator.storage.hints import Hints
from tallystick.coordinator.storage.leases import SqlLeases
from tallystick.coordinator.storage.letters import SharedBoxes
from tallystick.coordinator.storage.opening import open_engine, read_parameters
from tallystick.coordinator.storage.sql import SqlStorage
from tallystick.coordinator.views import Views
from tallystick.coordinator.watching import Watching
from tallystick.core.clock import Clock, SystemClock
from tallystick.core.errors import Broken, Invalid
from tallystick.core.files import hold_folder
from tallystick.core.keyfile import (
    IdentityKey,
    new_identity,
    read_identity,
    read_sealing_key,
    write_identity,
    write_sealing_key,
)
from tallystick.core.logs import configure_logs
from tallystick.core.metrics import serve_metrics
from tallystick.core.pages.settings import explain_missing, find_place
from tallystick.core.witness import Witness
from tallystick.crypto.envelope import SealingKey
from tallystick.crypto.randomness import Randomness, SystemRandomness

IDENTITY: Final = "identity.key"
SEALING: Final = "sealing.key"


@dataclass(frozen=True)
class Coordinator:
    """A coordinator that is put together but does not serve yet; what commands and tests work with."""

    settings: Settings
    storage: CoordinatorStorage
    spool: Spool
    authority: Authority
    jobs: Jobs
    intake: Intake
    relay: Relay
    driver: Driver
    agreements: AgreementFiles
    admission: Admission
    server: Server
    watching: Watching
    restoring: Restoring

    def close(self) -> None:
        """Close what is open: the database. The server must have stopped."""
        self.storage.close()


def initialise(settings: Settings, clock: Clock | None = None) -> None:
    """Make the state folder: certificate authority, identity key, sealing key.

    Raises:
        Invalid: `file-exists`: there is one already; nothing is replaced.
    """
    state = settings.state
    if (state / IDENTITY).exists():
        raise Invalid("file-exists", f"{state} is a coordinator's state already", hint="name another folder")
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        state.chmod(0o700)
    except OSError as error:
        raise Broken("disk", f"{state} cannot be made", hint="check the path", detail=str(error.errno)) from error
    create_issuer(state, settings.config.network, (clock or SystemClock()).now())
    write_sealing_key(state / SEALING, SealingKey.generate())
    write_identity(state / IDENTITY, new_identity())


def keys(settings: Settings) -> tuple[IdentityKey, SealingKey]:
    """Give the coordinator's keys.

    Raises:
        Invalid: `file-missing`, `file-permissions`, `file-format`.
    """
    return read_identity(settings.state / IDENTITY), read_sealing_key(settings.state / SEALING)


def compose(
    settings: Settings,
    *,
    clock: Clock | None = None,
    storage: CoordinatorStorage | None = None,
    spool: Spool | None = None,
    randomness: Randomness | None = None,
) -> Coordinator:
    """Put a coordinator together from its state folder; tests may bring their own adapters.

    Raises:
        Invalid: `file-missing`: not initialised, `state-version`, …. Broken: `state-corrupt`. NotReady: `unavailable`: the database.
    """
    identity, sealing = keys(settings)
    clock = clock or SystemClock()
    limits = settings.config.limits
    spool = spool or open_spool(settings)
    peers: Peers = NoPeers()
    boxes: Boxes = OwnBoxes(PostOffice(clock))
    if storage is None:
        engine = open_engine(settings)
        storage = SqlStorage(engine)
        if settings.config.database is not None:
            peers = _peers(settings, engine, storage, spool, clock)
            boxes = SharedBoxes(engine, clock)
    authority = Authority(
        read_issuer(settings.state, settings.config.network),
        storage,
        clock,
        certificates=settings.certificate_lifetime,
        invitations=settings.invitation_lifetime,
    )
    agreements = AgreementFiles(settings.agreements, identity.key)
    jobs = Jobs(storage, spool, agreements, clock, limits)
    admission = Admission(storage, settings.running_jobs)
    driver = Driver(
        jobs, storage, spool, admission, identity=identity, sealing=sealing, randomness=randomness or SystemRandomness()
    )
    hub, views, intake = Hub(), Views(storage, jobs.rows, jobs.progress, admission), Intake(jobs, storage)
    relay = Relay(storage, jobs.rows, spool, limits, jobs.relaying, jobs.announce, clock.now, jobs.progress)
    restoring = Restoring(storage, Witness(settings.witness), clock, shared=settings.config.database is not None)
    server = Server(
        authority=authority,
        jobs=jobs,
        storage=storage,
        driver=driver,
        admission=admission,
        stalls=Stalls(jobs, storage, limits, lambda: hub.connected),
        hub=hub,
        clock=clock,
        services=(
            EnrolService(authority),
            RelayService(jobs, views, hub, intake, relay, admission),
            JobsService(jobs, views, hub, intake),
            LettersService(boxes),
        ),
        calls_per_second=limits.calls_per_second,
        peers=peers,
        restoring=restoring,
    )
    watching = Watching(
        settings.config.network, jobs, storage, views, admission, hub, lambda: authority.serving().chain, clock.now()
    )
    return Coordinator(
        settings, storage, spool, authority, jobs, intake, relay, driver, agreements, admission, server, watching, restoring
    )


def _peers(settings: Settings, engine: sa.Engine, storage: SqlStorage, spool: Spool, clock: Clock) -> Peers:
    """Give what a replica on PostgreSQL knows of the others."""
    parameters = read_parameters(settings)
    leases = SqlLeases(engine, settings.config.replica or socket.gethostname(), SystemRandomness().take(16).hex())
    return SqlPeers(leases, storage, spool, lambda word, heard: Hints(parameters, word, heard), clock)


def run(settings: Settings, role: Role = "all") -> None:
    """Serve until told to stop.

    Raises:
        TallyError: it cannot start; or another process took its place.
    """
    configure_logs()
    with hold_folder(settings.state):
        _run(compose(settings), settings, role)


def open_pages(coordinator: Coordinator, settings: Settings) -> AbstractAsyncContextManager[None]:
    """Give what serves the operator's pages while it is entered; nothing where the configuration names no place for them.

    Raises:
        NotReady: `unavailable`: what draws pages is not installed.
    """
    place = find_place(settings.config, settings.folder, settings.state)
    if place is None:
        return nullcontext()
    with explain_missing():
        from tallystick.coordinator.pages.app import serve_operator_pages
        from tallystick.coordinator.pages.reading import Reading

        reading = Reading(coordinator.watching, coordinator.agreements, settings.state)
        return serve_operator_pages(place, reading, SystemClock(), SystemRandomness(), analysts=settings.config.pages_analysts)


async def _serve_beside(
    pages: AbstractAsyncContextManager[None], coordinator: Coordinator, settings: Settings, role: Role
) -> None:
    async with pages:
        await serve(coordinator.server, settings.config.listen, settings.state, coordinator.watching, role)


def _run(coordinator: Coordinator, settings: Settings, role: Role) -> None:
    try:
        coordinator.restoring.check()
        for path, problem in coordinator.agreements.problems().items():
            structlog.get_logger("server").warning("no agreement", file=Path(path).name, problem=problem)
        health = coordinator.server.health
        with serve_metrics(settings.config.metrics, coordinator.watching.figures, lambda: health.serves) as port:
            if port:
                structlog.get_logger("server").info("metrics", port=port)
            pages = open_pages(coordinator, settings)
            asyncio.run(_serve_beside(pages, coordinator, settings, role))
    finally:
        coordinator.close()
