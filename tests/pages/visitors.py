"""People who visit pages without a browser: one Starlette test client each, with an address of its own."""

from __future__ import annotations

import html
import json
import re
from typing import Any

from httpx import ASGITransport, AsyncClient, Response
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tallystick.core.keyfile import IdentityKey
from tallystick.core.pages.accounts import Accounts

HOST = "desk.example:7790"
HOSTS = frozenset({HOST})
QUICK = 1 << 10
"""scrypt's N where nothing depends on it."""
PASSPHRASE = "correct horse battery staple"


class Visitor:
    """Somebody with a browser, as far as requests go."""

    def __init__(self, app: Starlette, address: str = "127.0.0.1") -> None:
        self.http = TestClient(app, base_url=f"https://{HOST}", client=(address, 40000), follow_redirects=False)
        self.token = ""

    def get(self, path: str, **more: Any) -> Response:
        """Ask for a page; the token of its forms is kept."""
        answer: Response = self.http.get(path, **more)
        found = re.search(r'name="token" value="([0-9a-f]+)"', answer.text)
        self.token = found.group(1) if found else self.token
        return answer

    def post(self, path: str, fields: dict[str, str] | None = None, **more: Any) -> Response:
        """Send a form with the token."""
        answer: Response = self.http.post(path, data={"token": self.token, **(fields or {})}, **more)
        return answer

    def enter(self, accounts: Accounts, name: str, passphrase: str = PASSPHRASE, key: str = "") -> None:
        """Log in by a link, and choose a passphrase."""
        token = accounts.make_link(name)
        assert self.post("/link", {"link": token}).headers["location"] == "/passphrase"
        assert self.get("/passphrase").status_code == 200
        chosen = self.post("/passphrase", {"passphrase": passphrase, "again": passphrase, "key": key})
        assert (chosen.status_code, chosen.headers.get("location")) == (303, "/"), chosen.text

    def login(self, name: str, passphrase: str = PASSPHRASE) -> Response:
        """Log in by a passphrase."""
        return self.post("/login", {"name": name, "passphrase": passphrase})


def text_of(answer: Response) -> str:
    """Give what a page says, without markup, in one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


class DeskVisitor:
    """Somebody with a browser in the node's own event loop."""

    def __init__(self, app: Starlette, address: str = "127.0.0.1") -> None:
        transport = ASGITransport(app=app, client=(address, 40000))
        self.http = AsyncClient(transport=transport, base_url=f"https://{HOST}", follow_redirects=False)
        self.token = ""
        self.seen = ""

    async def get(self, path: str) -> Response:
        """Ask for a page; what its forms carry is kept."""
        answer = await self.http.get(path)
        found = re.search(r'name="token" value="([0-9a-f]+)"', answer.text)
        self.token = found.group(1) if found else self.token
        found = re.search(r'name="seen" value="([^"]+)"', answer.text)
        self.seen = found.group(1) if found else self.seen
        return answer

    async def post(self, path: str, fields: dict[str, str] | None = None) -> Response:
        """Send a form with what its page carried."""
        return await self.http.post(path, data={"token": self.token, "seen": self.seen, **(fields or {})})

    async def enter(self, accounts: Accounts, name: str, key: IdentityKey | None = None) -> None:
        """Log in by a link, and choose a passphrase."""
        text = "" if key is None else json.dumps({"kind": "identity", "private": key.private.hex(), "public": key.key})
        await self.post("/link", {"link": accounts.make_link(name)})
        await self.get("/passphrase")
        chosen = await self.post("/passphrase", {"passphrase": PASSPHRASE, "again": PASSPHRASE, "key": text})
        assert (chosen.status_code, chosen.headers.get("location")) == (303, "/"), chosen.text
        await self.get("/")
