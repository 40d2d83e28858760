"""The operator's pages: routes, and how they are served beside the coordinator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from typing import Final

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from tallystick.coordinator.pages.commands import FOLDER
from tallystick.coordinator.pages.lines import EVENT_WORDS
from tallystick.coordinator.pages.reading import Reading
from tallystick.core.clock import Clock
from tallystick.core.pages.locks import COST
from tallystick.core.pages.serving import serve_pages
from tallystick.core.pages.sessions import PageSession
from tallystick.core.pages.settings import PagePlace
from tallystick.core.pages.shell import FRESH_S, PageSettings, Shell
from tallystick.crypto.randomness import Randomness

MENU: Final = (("/", "Jobs"), ("/agencies", "Agencies"), ("/agreements", "Agreements"))
ANALYST_MENU: Final = (("/own", "Your jobs"),)


class OperatorPages:
    """Pages by path."""

    def __init__(self, reading: Reading, shell: Shell) -> None:
        """Take what reads the coordinator, and what all pages share."""
        self._reading = reading
        self._shell = shell

    def build(self) -> Starlette:
        """Give the application."""
        views = {"/": self._jobs, "/jobs/{job}": self._job, "/agencies": self._agencies, "/agreements": self._agreements}
        own = {"/own": self._own_jobs, "/own/{job}": self._own_job} if self._shell.settings.analysts else {}
        return self._shell.build(views, {}, own)

    async def _jobs(self, request: Request, session: PageSession) -> Response:
        part = await self._shell.render_part("jobs", "jobs_part.html", self._reading.list_jobs)
        return self._shell.render(request, "jobs.html", session, part=part)

    async def _job(self, request: Request, session: PageSession) -> Response:
        name = request.path_params["job"]
        part = await self._shell.render_part(
            f"job {name}", "job_part.html", lambda: {"page": self._reading.show_job(name), "words": EVENT_WORDS}
        )
        return self._shell.render(request, "job.html", session, part=part, job=name)

    async def _agencies(self, request: Request, session: PageSession) -> Response:
        part = await self._shell.render_part(
            "agencies", "agencies_part.html", lambda: {"agencies": self._reading.list_agencies()}
        )
        return self._shell.render(request, "agencies.html", session, part=part)

    async def _agreements(self, request: Request, session: PageSession) -> Response:
        agreements = await asyncio.to_thread(self._reading.list_agreements)
        return self._shell.render(request, "agreements.html", session, agreements=agreements)

    async def _own_jobs(self, request: Request, session: PageSession) -> Response:
        lines = await asyncio.to_thread(self._reading.list_own_jobs, session.name)
        return self._shell.render(request, "own_jobs.html", session, jobs=lines)

    async def _own_job(self, request: Request, session: PageSession) -> Response:
        line, view = await asyncio.to_thread(self._reading.show_own_job, session.name, request.path_params["job"])
        moments = [one for one in view.timeline if one.what in EVENT_WORDS]
        return self._shell.render(request, "own_job.html", session, line=line, view=view, moments=moments, words=EVENT_WORDS)


def build_operator_pages(
    reading: Reading,
    settings: PageSettings,
    clock: Clock,
    randomness: Randomness,
    *,
    fresh_s: float = FRESH_S,
    lock_cost: int = COST,
) -> Starlette:
    """Give the operator's application.

    Args:
        reading: of the coordinator.
        settings: as `page_settings` gives them.
        clock: of sessions.
        randomness: of cookies.
        fresh_s: as `Shell` takes it.
        lock_cost: as `Shell` takes it.
    """
    log = structlog.get_logger("pages")

    async def look() -> Hashable:
        return await asyncio.to_thread(reading.look)

    async def note(event: str, name: str) -> None:
        log.info(event, name=name)

    return OperatorPages(reading, Shell(settings, clock, randomness, look, note, fresh_s=fresh_s, lock_cost=lock_cost)).build()


def page_settings(
    place: PagePlace, network: str, hosts: frozenset[str], suffix: str, *, analysts: bool = False
) -> PageSettings:
    """Give the settings of the operator's pages."""
    return PageSettings(
        role="coordinator",
        title=f"Coordinator of {network}",
        package="tallystick.coordinator.pages",
        menu=MENU,
        keeps_keys=False,
        folder=place.state / FOLDER,
        hosts=hosts,
        secure=place.secure,
        provider=place.provider,
        analysts=analysts,
        analyst_menu=ANALYST_MENU,
        cookie=f"__Host-tally-coordinator-{suffix}",
    )


@asynccontextmanager
async def serve_operator_pages(
    place: PagePlace, reading: Reading, clock: Clock, randomness: Randomness, *, analysts: bool = False
) -> AsyncIterator[None]:
    """Serve the operator's pages while the context lasts.

    Args:
        place: where.
        reading: of the coordinator.
        clock: of sessions.
        randomness: of cookies.
        analysts: whether analysts may see their own jobs.

    Raises:
        Invalid, NotReady: as `serve_pages`.
    """

    def build(hosts: frozenset[str], suffix: str) -> Starlette:
        settings = page_settings(place, reading.watching.network, hosts, suffix, analysts=analysts)
        return build_operator_pages(reading, settings, clock, randomness)

    async with serve_pages(place, build) as address:
        structlog.get_logger("server").info("pages", address=address)
        yield
