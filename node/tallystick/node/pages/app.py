"""The steward's desk as pages: routes, and how they are served beside the node.

Rules that this file enforces:

1. Every decision asks for the passphrase again, or takes a signed document that was made elsewhere: who has a session alone decides nothing.
2. A yes is signed with the key of a steward (`collecting.py`): the passphrase opens it for the moment of signing. The agency's identity key
   is no part of these pages: the node signs with it, by its own rules, once enough people have.
3. What was decided, and by whom, is in the node's log before it takes effect (S-29).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Hashable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, cast, get_args

import structlog
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from tallystick.core.canonical import Json
from tallystick.core.clock import Clock
from tallystick.core.errors import Invalid, TallyError
from tallystick.core.job.approval import ReasonClass
from tallystick.core.keyfile import IdentityKey
from tallystick.core.pages.locks import COST
from tallystick.core.pages.serving import serve_pages
from tallystick.core.pages.sessions import PageSession
from tallystick.core.pages.settings import PagePlace
from tallystick.core.pages.shell import FRESH_S, PageSettings, Shell
from tallystick.crypto.randomness import Randomness
from tallystick.node.jobs import JobFollower
from tallystick.node.pages.collecting import check_signature, find_signers, read_pasted
from tallystick.node.pages.commands import FOLDER
from tallystick.node.pages.offering import find_offer
from tallystick.node.pages.reading import DeskReading
from tallystick.node.pages.requesting import RequestPages
from tallystick.node.pages.words import FILTERS, TESTS
from tallystick.node.requests.answering import Answering
from tallystick.node.signing import sign_decision

MENU: Final = (("/", "Jobs"), ("/requests", "Requests"), ("/consents", "Consents"), ("/key", "Your key"), ("/log", "Log"))
MOST_REASON: Final = 2000
CLASSES: Final = {
    "steward": "the steward decided so",
    "agreement": "the agreement does not cover it",
    "policy": "the agency's policy",
    "people": "too few people",
    "data": "the data",
    "other": "another reason",
}


@dataclass
class DeskPages:
    """Pages and forms by path."""

    reading: DeskReading
    jobs: JobFollower
    shell: Shell
    requests: RequestPages
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    def build(self) -> Starlette:
        """Give the application."""
        views = {
            "/": self._jobs,
            "/jobs/{job}": self._job,
            "/jobs/{job}/offer/{offer}": self._offer,
            "/key": self._key,
            "/log": self._log,
        }
        changes = {
            "/jobs/{job}/approve": self._approve,
            "/jobs/{job}/refuse": self._refuse,
            "/jobs/{job}/count": self._count,
            "/log": self._check_log,
        }
        return self.shell.build({**views, **self.requests.list_views()}, {**changes, **self.requests.list_changes()})

    async def _jobs(self, request: Request, session: PageSession) -> Response:
        part = await self.shell.render_part("jobs", "desk_jobs_part.html", self.reading.list_jobs)
        return self.shell.render(request, "desk_jobs.html", session, part=part)

    async def _job(self, request: Request, session: PageSession) -> Response:
        return await self._show(request, session)

    async def _show(self, request: Request, session: PageSession, error: TallyError | None = None, **typed: str) -> Response:
        page = await asyncio.to_thread(self.reading.show_job, request.path_params["job"])
        shown = {"page": page, "agency": self.reading.agency, "classes": CLASSES, "typed": typed, "shown_error": error}
        return self.shell.render(request, "desk_job.html", session, status=400 if error else 200, **shown)

    async def _offer(self, request: Request, _: PageSession) -> Response:
        page = await asyncio.to_thread(self.reading.show_job, request.path_params["job"])
        offer = find_offer(page.offers, request.path_params["offer"])
        return PlainTextResponse(yaml.safe_dump(offer.question.json_value(), sort_keys=False))

    async def _key(self, request: Request, session: PageSession) -> Response:
        account = await asyncio.to_thread(self.shell.accounts.find, session.name)
        held = await asyncio.to_thread(self.reading.approvals.agreements.all)
        return self.shell.render(
            request,
            "desk_key.html",
            session,
            key=account.key if account else None,
            agreements=sorted(held),
            agency=self.reading.agency,
        )

    async def _log(self, request: Request, session: PageSession) -> Response:
        return self.shell.render(request, "desk_log.html", session, log=await asyncio.to_thread(self.reading.read_log))

    async def _check_log(self, request: Request, session: PageSession, _: Mapping[str, str]) -> Response:
        log = await asyncio.to_thread(lambda: self.reading.read_log(whole=True))
        return self.shell.render(request, "desk_log.html", session, log=log)

    async def _count(self, request: Request, session: PageSession, _: Mapping[str, str]) -> Response:
        await self._note("desk-count", "", by=session.name)
        await asyncio.to_thread(self.reading.count_people)
        return RedirectResponse(f"/jobs/{request.path_params['job']}#people", 303)

    async def _approve(self, request: Request, session: PageSession, form: Mapping[str, str]) -> Response:
        try:
            async with self._one_at_a_time:  # of two signatures at once, neither is lost
                await self._sign(request.path_params["job"], session, form)
        except TallyError as error:
            return await self._show(request, session, error)
        return RedirectResponse(f"/jobs/{request.path_params['job']}", 303)

    async def _sign(self, name: str, session: PageSession, form: Mapping[str, str]) -> None:
        """Take a yes; where it was the last that is needed, the job is approved, or its candidate goes out."""
        reading = self.reading
        page = await asyncio.to_thread(reading.show_job, name)
        detail, awaits, digest = page.detail, page.detail.summary.awaits, page.detail.summary.job
        if form.get("seen") != self.name_seen(page):
            raise Invalid("job-state", "what is to be decided changed since you looked", hint="look at it, and decide again")
        if form.get("document", "").strip():
            document = read_pasted(form["document"], awaits)
        else:
            key = IdentityKey(await self.shell.login.unlock(session.name, form.get("passphrase", "")))
            document = sign_decision(detail, reading.agency, session.name, key, reading.clock.now())
        agreement = await asyncio.to_thread(reading.read_agreement, page.job)
        signers = find_signers(agreement, reading.agency, await asyncio.to_thread(reading.accounts))
        signer = check_signature(document, detail, page.job, agreement, signers, reading.agency, reading.clock.now())
        before = await asyncio.to_thread(reading.list_signed, detail, page.job, agreement, signers)
        await self._note("desk-signed", digest, by=session.name, signer=signer, awaits=awaits, document=document.digest)
        signed = await asyncio.to_thread(reading.collected.add, digest, awaits, document, before)
        if len({one.signers[0] for one in signed}) >= signers.need:
            documents = [one.encode() for one in signed] if signers.by_agreement else []
            await self.jobs.approve(digest, documents)
            if page.rates:
                await asyncio.to_thread(reading.kept_rates.keep, digest, page.rates)
            await asyncio.to_thread(reading.collected.drop, digest)

    async def _refuse(self, request: Request, session: PageSession, form: Mapping[str, str]) -> Response:
        reason, reason_class = form.get("reason", "").strip(), form.get("class", "")
        try:
            page = await asyncio.to_thread(self.reading.show_job, request.path_params["job"])
            if reason_class not in get_args(ReasonClass):
                raise Invalid("document-invalid", "a refusal names the class of its reason")
            if not 1 <= len(reason) <= MOST_REASON:
                raise Invalid("document-invalid", f"write why, in at most {MOST_REASON} characters: it stays at this agency")
            offered = form.get("offer", "")
            instead = find_offer(page.offers, offered).question if offered else None
            await self.shell.login.unlock(session.name, form.get("passphrase", ""))
            digest = page.detail.summary.job
            await self._note("desk-refused", digest, by=session.name, reason=reason_class, offers=offered)
            await self.jobs.refuse(digest, cast("ReasonClass", reason_class), f"{session.name}: {reason}", instead)
            await asyncio.to_thread(self.reading.collected.drop, digest)
        except TallyError as error:
            return await self._show(request, session, error, reason=reason, reason_class=reason_class)
        return RedirectResponse(f"/jobs/{request.path_params['job']}", 303)

    @staticmethod
    def name_seen(page: Any) -> str:
        """Give what names that which a steward looks at: the job, or the candidate."""
        detail = page.detail
        return f"{detail.summary.awaits} {detail.candidate.digest if detail.candidate else detail.summary.job}"

    async def _note(self, event: str, job: str, **details: Json) -> None:
        now = self.reading.clock.now()
        await self.reading.store.run(lambda storage: storage.log(event, now, job, **details))


def build_desk_pages(
    reading: DeskReading,
    jobs: JobFollower,
    answering: Answering,
    settings: PageSettings,
    clock: Clock,
    randomness: Randomness,
    *,
    fresh_s: float = FRESH_S,
    lock_cost: int = COST,
) -> Starlette:
    """Give the desk's application.

    Args:
        reading: of the node.
        jobs: takes decisions.
        answering: takes those about requests for clients' fields.
        settings: as `page_settings` gives them.
        clock: of sessions.
        randomness: of cookies and keys.
        fresh_s: as `Shell` takes it.
        lock_cost: as `Shell` takes it.
    """

    async def look() -> Hashable:
        return await asyncio.to_thread(reading.look), pages.requests.look()

    async def note(event: str, name: str) -> None:
        now = reading.clock.now()
        await reading.store.run(lambda storage: storage.log(f"desk-{event}", now, by=name))

    shell = Shell(settings, clock, randomness, look, note, fresh_s=fresh_s, lock_cost=lock_cost)
    pages = DeskPages(reading, jobs, shell, RequestPages(reading, answering, shell))
    shell.templates.globals |= {"name_seen": pages.name_seen}
    shell.templates.filters |= FILTERS
    shell.templates.tests |= TESTS
    return pages.build()


def page_settings(place: PagePlace, agency: str, hosts: frozenset[str], suffix: str) -> PageSettings:
    """Give the settings of the desk's pages."""
    return PageSettings(
        role="node",
        title=f"Desk of {agency}",
        package="tallystick.node.pages",
        menu=MENU,
        keeps_keys=True,
        folder=place.state / FOLDER,
        hosts=hosts,
        secure=place.secure,
        provider=place.provider,
        cookie=f"__Host-tally-desk-{suffix}",
    )


@asynccontextmanager
async def serve_desk(
    place: PagePlace, reading: DeskReading, jobs: JobFollower, answering: Answering, clock: Clock, randomness: Randomness
) -> AsyncIterator[None]:
    """Serve the desk's pages while the context lasts.

    Raises:
        Invalid, NotReady: as `serve_pages`.
    """

    def build(hosts: frozenset[str], suffix: str) -> Starlette:
        settings = page_settings(place, reading.agency, hosts, suffix)
        return build_desk_pages(reading, jobs, answering, settings, clock, randomness)

    async with serve_pages(place, build) as address:
        structlog.get_logger("node").info("pages", address=address)
        yield
