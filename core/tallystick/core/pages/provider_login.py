"""Signing in at the agency's provider: the pages that lead there and back.

Rules that this file enforces:

1. What a sign-in needs to end is kept here, under a cookie of the browser that began it; it counts for ten minutes and once.
2. Who comes back is let in only under a name that the settings give to them.
3. A sign-in begins a session and does nothing else: it opens no key. A steward who has no passphrase yet has to choose one, because
   their key lies under it; decisions ask for it as ever.

The session's cookie is `SameSite=Strict`, and a browser does not send such a cookie along a way that began at the provider. So the last
step is a page of our own that leads to the first page.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tallystick.core.clock import Clock
from tallystick.core.errors import Refused, TallyError
from tallystick.core.pages.login import Login
from tallystick.core.pages.provider import IdentityProvider, SignIn
from tallystick.core.pages.sessions import is_same
from tallystick.core.pages.settings import ProviderKeys

LASTS: Final = timedelta(minutes=10)
MOST_BEGUN: Final = 200
BACK: Final = "/provider/back"


@dataclass
class ProviderLogin:
    """The two pages of signing in at a provider.

    Attributes:
        keys: the settings.
        provider: of them.
        login: begins sessions.
        clock: of what has begun.
        secure: whether these pages are reached over TLS.
    """

    keys: ProviderKeys
    provider: IdentityProvider
    login: Login
    clock: Clock
    secure: bool
    _begun: dict[str, tuple[datetime, SignIn]] = field(default_factory=dict)

    @property
    def cookie(self) -> str:
        """The name of the cookie under which a sign-in is kept."""
        return f"{self.login.cookie}-provider"

    async def begin(self, request: Request) -> Response:
        """Lead the browser to the provider."""
        back = f"{'https' if self.secure else 'http'}://{request.headers['host']}{BACK}"  # the guard has checked the host
        sign_in = await self.provider.begin(back, self.login.randomness)
        cookie, now = self.login.randomness.take(32).hex(), self.clock.now()
        self._begun[_digest(cookie)] = (now + LASTS, sign_in)
        while len(self._begun) > MOST_BEGUN:
            self._begun.pop(next(iter(self._begun)))
        response = RedirectResponse(sign_in.url, 303)
        response.set_cookie(
            self.cookie, cookie, max_age=int(LASTS.total_seconds()), path="/", secure=True, httponly=True, samesite="lax"
        )
        return response

    async def finish(self, request: Request) -> Response:
        """Begin a session for somebody whom the provider knows, and the settings too."""
        sign_in = self._take(request)
        try:
            value = await self.provider.finish(sign_in, dict(request.query_params))
            name, analyst = self._find_name(value)
            account = await asyncio.to_thread(self.login.accounts.find, name)
            if account is not None and account.is_analyst != analyst:
                raise Refused("not-allowed", "this name is somebody else's here", hint="ask whoever runs this machine")
        except TallyError:
            await self.login.note("login-refused", "")
            raise
        await self.login.note("provider-login", name)
        choosing = self.login.keeps_keys and account is None
        response = self.login.render(request, "provided.html", name=name, to="/passphrase" if choosing else "/")
        self.login.begin(response, request, name, choosing=choosing, analyst=analyst)
        response.delete_cookie(self.cookie, path="/", secure=True, httponly=True, samesite="lax")
        return response

    def _take(self, request: Request) -> SignIn:
        """Give the sign-in that this browser began, once (rule 1)."""
        until, sign_in = self._begun.pop(_digest(request.cookies.get(self.cookie, "")), (None, None))
        state = request.query_params.get("state", "")
        if until is None or sign_in is None or self.clock.now() >= until or not is_same(sign_in.state, state):
            raise Refused("not-allowed", "this browser did not begin this sign-in, or its time is over", hint="sign in again")
        return sign_in

    def _find_name(self, value: str) -> tuple[str, bool]:
        """Give the name of somebody, and whether it is an analyst's (rule 2)."""
        if value in self.keys.people:
            return self.keys.people[value], False
        if value in self.keys.analysts and self.login.analysts:
            return self.keys.analysts[value], True
        raise Refused(
            "not-allowed", "the provider knows you, but you have no name at these pages", hint="ask whoever runs this machine"
        )


def _digest(cookie: str) -> str:
    return hashlib.sha256(cookie.encode("utf-8", "surrogatepass")).hexdigest()
