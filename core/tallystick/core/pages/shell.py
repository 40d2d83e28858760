"""What the pages of every role share: logging in and out, forms, errors, live updates. A role adds its own routes.

A view is a function of a request and a session; a change is one of a session and a form whose token was checked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

import structlog
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from tallystick.core.clock import Clock
from tallystick.core.errors import Invalid, NotReady, Refused, TallyError
from tallystick.core.net.status import origin
from tallystick.core.pages.accounts import Accounts
from tallystick.core.pages.guarding import PageGuard, address_of, read_form
from tallystick.core.pages.live import LOOK_S, Live
from tallystick.core.pages.locks import COST
from tallystick.core.pages.login import Login, Noting
from tallystick.core.pages.rendering import build_environment
from tallystick.core.pages.sessions import PageSession, Sessions, is_same
from tallystick.core.pages.settings import ProviderPlace
from tallystick.crypto.randomness import Randomness

FRESH_S: Final = 1.0
"""How old a part of a page may be that several readers ask for."""
_LOG: Final = structlog.get_logger("pages")

View = Callable[[Request, PageSession], Awaitable[Response]]
Change = Callable[[Request, PageSession, Mapping[str, str]], Awaitable[Response]]
EMPTY: Final[Mapping[str, View]] = MappingProxyType({})


@dataclass(frozen=True)
class PageSettings:
    """What differs between the roles.

    Attributes:
        role: `coordinator` or `node`; part of the cookie's name.
        title: of every page.
        package: whose folder `templates` has the role's own.
        menu: (path, text).
        keeps_keys: whether people sign here, so that an account holds a key.
        folder: where accounts and links lie.
        hosts: the values of `Host` that are these pages' own.
        secure: reached over TLS.
        cookie: the cookie's name; of two processes on one machine they differ.
        provider: where people may sign in; None for nowhere else than here.
        analysts: whether analysts are let in, to their own jobs.
        analyst_menu: their menu; its first page is their first page.
    """

    role: str
    title: str
    package: str
    menu: tuple[tuple[str, str], ...]
    keeps_keys: bool
    folder: Path
    hosts: Collection[str]
    secure: bool
    cookie: str
    provider: ProviderPlace | None = None
    analysts: bool = False
    analyst_menu: tuple[tuple[str, str], ...] = ()


@dataclass
class Shell:
    """Builds a role's application.

    Attributes:
        settings: of the role.
        look: gives a value that differs whenever the pages would.
        note: notes logins.
        look_s: how often open pages look for changes.
        fresh_s: how old a part of a page may be.
        lock_cost: of new accounts' locks.
    """

    settings: PageSettings
    clock: Clock
    randomness: Randomness
    look: Callable[[], Awaitable[Hashable]]
    note: Noting
    look_s: float = LOOK_S
    fresh_s: float = FRESH_S
    lock_cost: int = COST
    _parts: dict[str, tuple[float, int, Markup]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make what is kept while the process runs."""
        self.sessions = Sessions(self.clock, self.randomness)
        self.accounts = Accounts(self.settings.folder, self.clock, self.randomness)
        place = self.settings.provider
        self.login = Login(
            self.accounts,
            self.sessions,
            self.randomness,
            self.render,
            self.note,
            self.settings.cookie,
            self.settings.keeps_keys,
            self.lock_cost,
            self.settings.analysts,
            place is None or not place.keys.only,
            "" if place is None else urlsplit(place.keys.issuer).netloc,
        )
        self.live = Live(self.look, self.look_s)
        self.templates = build_environment(self.settings.package)
        self.templates.globals |= {"settings": self.settings}

    def build(
        self, views: Mapping[str, View], changes: Mapping[str, Change], analyst_views: Mapping[str, View] = EMPTY
    ) -> Starlette:
        """Give the application.

        Args:
            views: pages by path; for people who are logged in and no analysts.
            changes: forms by path; for the same.
            analyst_views: pages by path; for analysts who are logged in, and for nobody else.
        """
        login = self.login
        routes = [
            Route("/login", login.show, methods=["GET"]),
            Route("/login", login.take, methods=["POST"]),
            Route("/link", login.show_link, methods=["GET"]),
            Route("/link", login.take_link, methods=["POST"]),
            Route("/passphrase", self.guard_view(login.show_choice, choosing=True), methods=["GET"]),
            Route("/passphrase", self.guard_change(login.take_choice, choosing=True), methods=["POST"]),
            Route("/logout", self.guard_change(login.end, choosing=True), methods=["POST"]),
            Route("/live", self._stream, methods=["GET"]),
            *self._build_provider_routes(),
            *(Route(path, self.guard_view(view), methods=["GET"]) for path, view in views.items()),
            *(Route(path, self.guard_view(view, analysts=True), methods=["GET"]) for path, view in analyst_views.items()),
            *(Route(path, self.guard_change(change), methods=["POST"]) for path, change in changes.items()),
            Mount("/static", StaticFiles(directory=str(files("tallystick.core.pages") / "static"))),
        ]
        return Starlette(
            routes=routes,
            middleware=[Middleware(PageGuard, hosts=self.settings.hosts, secure=self.settings.secure)],
            exception_handlers={TallyError: self._show_error, 404: self._show_missing, Exception: self._show_fault},
        )

    def _build_provider_routes(self) -> list[Route]:
        place = self.settings.provider
        if place is None:
            return []
        from tallystick.core.pages.provider import IdentityProvider
        from tallystick.core.pages.provider_login import BACK, ProviderLogin

        provider = IdentityProvider(place.keys, place.read_secret(), self.clock)
        pages = ProviderLogin(place.keys, provider, self.login, self.clock, self.settings.secure)
        return [Route("/provider", pages.begin, methods=["GET"]), Route(BACK, pages.finish, methods=["GET"])]

    def guard_view(
        self, view: View, *, choosing: bool = False, analysts: bool = False
    ) -> Callable[[Request], Awaitable[Response]]:
        """Give a view to people who are logged in; others are led to the login.

        Args:
            view: the page.
            choosing: whether it is for those who have no passphrase yet, too.
            analysts: whether it is for analysts, and nobody else.
        """

        async def show(request: Request) -> Response:
            session = self.find_session(request, by_itself="x-tally-live" in request.headers)
            if session is None:
                return RedirectResponse("/login", 303)
            if session.choosing and not choosing:
                return RedirectResponse("/passphrase", 303)
            if not choosing and session.analyst != analysts:
                if session.analyst and request.url.path == "/":
                    return RedirectResponse(self.settings.analyst_menu[0][0], 303)
                raise Refused("not-allowed", "this page is not for you", hint="the menu has yours")
            return await view(request, session)

        return show

    def guard_change(self, change: Change, *, choosing: bool = False) -> Callable[[Request], Awaitable[Response]]:
        """Let people who are logged in send a form that a page of their own session gave them."""

        async def take(request: Request) -> Response:
            form = await read_form(request)
            session = self.find_session(request)
            if session is None or (session.choosing and not choosing):
                return RedirectResponse("/login", 303)
            if not is_same(session.form_token, form.get("token", "")):
                raise Refused("not-allowed", "this form is not of your session", hint="load its page again")
            if session.analyst and not choosing:
                raise Refused("not-allowed", "this form is not for you", hint="the menu has your pages")
            self._parts.clear()
            return await change(request, session, form)

        return take

    def find_session(self, request: Request, *, by_itself: bool = False) -> PageSession | None:
        """Give the session that a request belongs to."""
        cookie = request.cookies.get(self.settings.cookie, "")
        return self.sessions.find(cookie, address_of(request), by_itself=by_itself) if cookie else None

    def render(
        self, request: Request, template: str, session: PageSession | None = None, *, status: int = 200, **values: Any
    ) -> HTMLResponse:
        """Give a page."""
        shown = {"session": session, "path": request.url.path, "error": None, **values}
        return HTMLResponse(self.templates.get_template(template).render(shown), status)

    async def render_part(self, key: str, template: str, build: Callable[[], Mapping[str, Any]]) -> Markup:
        """Give a part of a page that is the same for everybody: made once, for all who ask within a second.

        Args:
            key: what names the part.
            template: of it.
            build: gives what it shows; called in a thread.
        """
        made, count, text = self._parts.get(key, (float("-inf"), 0, Markup()))
        if count == self.live.count and time.monotonic() - made < self.fresh_s:
            return text
        made, count = time.monotonic(), self.live.count

        def render() -> Markup:
            return Markup(self.templates.get_template(template).render(build()))  # noqa: S704  # a template's own output

        text = await asyncio.to_thread(render)
        while len(self._parts) > len(self.settings.menu) + 50:
            del self._parts[next(iter(self._parts))]
        self._parts[key] = (made, count, text)
        return text

    async def _stream(self, request: Request) -> Response:
        session = self.find_session(request, by_itself=True)
        if (
            session is None or session.choosing or session.analyst
        ):  # of changes of others' jobs, an analyst learns not even when
            return Response(status_code=403)
        events = self.live.follow(lambda: self.sessions.is_open(session))
        return StreamingResponse(events, media_type="text/event-stream")

    async def _show_error(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, TallyError)
        return self.render(request, "error.html", self.find_session(request), status=status_of(error), error=error)

    async def _show_missing(self, request: Request, _: Exception) -> Response:
        error = Invalid("not-allowed", "there is no such page")
        return self.render(request, "error.html", self.find_session(request), status=404, error=error)

    async def _show_fault(self, request: Request, error: Exception) -> Response:
        _LOG.error("page failed", error=type(error).__name__, where=origin(error))
        fault = NotReady("internal", "this page could not be made", hint="the process's log says where")
        return self.render(request, "error.html", status=500, error=fault)


def status_of(error: TallyError) -> int:
    """Give the HTTP status of an error."""
    match error:
        case Invalid(code="job-unknown"):
            return 404
        case Invalid(code="too-large"):
            return 413
        case Invalid(code="job-state"):
            return 409
        case Invalid():
            return 400
        case Refused():
            return 403
        case NotReady(code="busy"):
            return 429
        case NotReady():
            return 503
        case _:
            return 500
