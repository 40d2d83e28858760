"""Logging in: by a one-time link the first time, by a passphrase of one's own after that."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tallystick.core.errors import Invalid, NotReady, Refused, TallyError
from tallystick.core.keyfile import IdentityKey, new_identity
from tallystick.core.pages.accounts import Account, Accounts
from tallystick.core.pages.guarding import address_of, read_form
from tallystick.core.pages.locks import check_passphrase, lock_secret, unlock_secret
from tallystick.core.pages.sessions import PageSession, Sessions
from tallystick.crypto.errors import LocalFault
from tallystick.crypto.randomness import Randomness

Noting = Callable[[str, str], Awaitable[None]]
"""Notes an event (`login`, `login-refused`, `link`, `passphrase`) of a name, before it takes effect; "" is a name that nobody has."""


class Render(Protocol):
    """Gives a page."""

    def __call__(
        self, request: Request, template: str, session: PageSession | None = None, *, status: int = 200, **values: Any
    ) -> Response:
        """Give the page of a template."""
        ...


@dataclass(frozen=True)
class Login:
    """The pages before a session, and the one where a passphrase is chosen.

    Attributes:
        cookie: the session cookie's name.
        analysts: whether analysts are let in, to their own jobs.
        by_passphrase: whether name and passphrase begin a session.
        provider: what the link to the agency's provider says; "" where there is none.
        keeps_keys: whether an account holds its person's identity key.
        lock_cost: of a new account's lock.
        note: notes what happens.
    """

    accounts: Accounts
    sessions: Sessions
    randomness: Randomness
    render: Render
    note: Noting
    cookie: str
    keeps_keys: bool
    lock_cost: int
    analysts: bool = False
    by_passphrase: bool = True
    provider: str = ""

    async def show(self, request: Request) -> Response:
        """Show the form of name and passphrase."""
        return self._show_login(request)

    async def take(self, request: Request) -> Response:
        """Begin a session for somebody who knows their passphrase."""
        form = await read_form(request)
        name, passphrase = form.get("name", "").strip()[:64], form.get("passphrase", "")
        try:
            analyst = await self._check_entry(name, passphrase)
        except (Refused, NotReady) as error:
            await self.note("login-refused", name if self._knows(name) else "")
            status = 429 if isinstance(error, NotReady) else 403
            return self._show_login(request, status=status, error=error, name=name)
        await self.note("login", name)
        return self.begin(RedirectResponse("/", 303), request, name, analyst=analyst)

    async def _check_entry(self, name: str, passphrase: str) -> bool:
        """Check that a name and a passphrase begin a session; tell whether it is an analyst's."""
        if not self.by_passphrase:
            raise Refused("not-allowed", "names and passphrases begin no session here", hint="sign in at the provider")
        await self.unlock(name, passphrase)
        account = await asyncio.to_thread(self.accounts.find, name)
        analyst = account is not None and account.is_analyst
        if analyst and not self.analysts:
            raise _refuse_analyst()
        return analyst

    async def unlock(self, name: str, passphrase: str) -> bytes:
        """Give what an account locks.

        Raises:
            Refused: `not-allowed`: unknown, or another passphrase. NotReady: `busy`: too many guesses.
        """
        self.sessions.check_guess(name)
        account = await asyncio.to_thread(self.accounts.find, name)
        if account is None:
            self.sessions.note_guess(name, right=False)
            raise Refused("not-allowed", "the name or the passphrase is wrong")
        try:
            secret = await asyncio.to_thread(unlock_secret, account.locked, passphrase)
        except Refused:
            self.sessions.note_guess(name, right=False)
            raise
        self.sessions.note_guess(name, right=True)
        return secret

    async def show_link(self, request: Request) -> Response:
        """Show whose link it is; what looks ahead at links takes none."""
        token = request.query_params.get("token", "")
        link = await asyncio.to_thread(self.accounts.check_link, token)
        return self.render(request, "link.html", name=link.name, link=token)

    async def take_link(self, request: Request) -> Response:
        """Take a link, and have its person choose a passphrase."""
        form = await read_form(request)
        link = await asyncio.to_thread(self.accounts.take_link, form.get("link", ""))
        if link.is_analyst and not self.analysts:
            raise _refuse_analyst()
        await self.note("link", link.name)
        self.sessions.end_all_of(link.name)
        to_choice = RedirectResponse("/passphrase", 303)
        return self.begin(to_choice, request, link.name, choosing=True, analyst=link.is_analyst)

    async def show_choice(self, request: Request, session: PageSession) -> Response:
        """Show the form of a new passphrase."""
        if not session.choosing:
            return RedirectResponse("/", 303)
        return self.render(request, "passphrase.html", session)

    async def take_choice(self, request: Request, session: PageSession, form: Mapping[str, str]) -> Response:
        """Keep a new account, and begin another session with it."""
        if not session.choosing:
            raise Invalid("job-state", "your passphrase is chosen", hint="ask for a login link to choose another one")
        passphrase = form.get("passphrase", "")
        try:
            check_passphrase(passphrase)
            if passphrase != form.get("again", ""):
                raise Invalid("document-invalid", "the two passphrases differ", hint="type both again")
            await asyncio.to_thread(lambda: self.accounts.check_kind(session.name, analyst=session.analyst))
            account = await asyncio.to_thread(self._make_account, session, passphrase, form.get("key", ""))
        except TallyError as error:
            return self.render(request, "passphrase.html", session, status=400, error=error)
        await asyncio.to_thread(self.accounts.keep, account)
        self.sessions.end_all_of(session.name)
        await self.note("passphrase", session.name)
        return self.begin(RedirectResponse("/", 303), request, session.name, analyst=session.analyst)

    async def end(self, request: Request, _: PageSession, __: Mapping[str, str]) -> Response:
        """End the session."""
        self.sessions.end(request.cookies.get(self.cookie, ""))
        response = RedirectResponse("/login", 303)
        response.delete_cookie(self.cookie, secure=True, httponly=True, samesite="strict")
        return response

    def _show_login(self, request: Request, *, status: int = 200, **values: Any) -> Response:
        shown = {"name": "", "by_passphrase": self.by_passphrase, "provider": self.provider, **values}
        return self.render(request, "login.html", status=status, **shown)

    def _knows(self, name: str) -> bool:
        return self.accounts.find(name) is not None

    def _make_account(self, session: PageSession, passphrase: str, key_text: str) -> Account:
        randomness, name = self.randomness, session.name
        if not self.keeps_keys:
            locked = lock_secret(randomness.take(32), passphrase, randomness, self.lock_cost)
            return Account(name=name, locked=locked, analyst=True if session.analyst else None)
        identity = read_key_text(key_text) if key_text.strip() else new_identity(randomness)
        return Account(
            name=name, key=identity.key, locked=lock_secret(identity.private, passphrase, randomness, self.lock_cost)
        )

    def begin(
        self, response: Response, request: Request, name: str, *, choosing: bool = False, analyst: bool = False
    ) -> Response:
        """Begin a session, and give its cookie along with a response.

        Args:
            response: what the browser is answered.
            request: of the browser.
            name: whose session it is.
            choosing: as `PageSession` has it.
            analyst: the same.
        """
        cookie = self.sessions.begin(name, address_of(request), choosing=choosing, analyst=analyst)
        response.set_cookie(self.cookie, cookie, path="/", secure=True, httponly=True, samesite="strict")
        return response


def _refuse_analyst() -> Refused:
    return Refused("not-allowed", "analysts have no pages here", hint="tally job list shows your jobs")


def read_key_text(text: str) -> IdentityKey:
    """Read an identity key as its file writes it.

    Raises:
        Invalid: `file-format`.
    """
    fault = Invalid("file-format", "this is not the text of an identity key's file", hint="paste the whole file")
    try:
        value = json.loads(text)
        if value["kind"] != "identity":
            raise fault
        identity = IdentityKey(bytes.fromhex(value["private"]))
        if identity.key != value["public"]:
            raise fault
    except (ValueError, TypeError, KeyError, RecursionError, LocalFault):
        raise fault from None  # without its cause: a parser's message may quote the key
    return identity
