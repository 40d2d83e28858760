"""What every request must pass, and what every answer carries.

Rules that this file enforces:

1. The name by which the pages are asked for must be theirs (`Host`): a page elsewhere that points a name of its own at this machine gets
   nothing.
2. What changes something is a POST from these pages: `Origin` and `Sec-Fetch-Site`, where the browser sends them, must say so. A
   session's forms carry its token besides (`shell.py`).
3. No answer is kept by a browser or proxy, framed, or sniffed; nothing is loaded from anywhere else; no script or style stands in a page.
4. A body is a form of at most `MOST_BYTES`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tallystick.core.errors import Invalid

MOST_BYTES: Final = 256 * 1024
MOST_FIELDS: Final = 50
HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_SAFE: Final = frozenset({"GET", "HEAD"})


class PageGuard:
    """Lets requests through to an application, or answers them itself."""

    def __init__(self, app: ASGIApp, *, hosts: Collection[str], secure: bool) -> None:
        """Take the application, the values of `Host` that are its own, and whether it is reached over TLS."""
        self._app = app
        self._hosts = frozenset(hosts)
        self._scheme = "https" if secure else "http"
        self._secure = secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                if self._secure:
                    headers["strict-transport-security"] = "max-age=31536000"
            await send(message)

        problem = self._find_problem(scope)
        if problem:
            await PlainTextResponse(problem, status_code=403)(scope, receive, send_with_headers)
            return
        await self._app(scope, receive, send_with_headers)

    def _find_problem(self, scope: Scope) -> str:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if host not in self._hosts:
            return "These pages are not reached by this name.\n"
        if scope["method"] in _SAFE:
            return ""
        if headers.get("origin", f"{self._scheme}://{host}") != f"{self._scheme}://{host}":
            return "This form was sent from another site.\n"
        if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            return "This form was sent from another site.\n"
        return ""


async def read_form(request: Request) -> dict[str, str]:
    """Give the fields of a form; of a repeated one the last.

    Raises:
        Invalid: `too-large`; `document-invalid`: it is no form.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise Invalid("too-large", f"a form is longer than {MOST_BYTES} bytes")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and kind != "application/x-www-form-urlencoded":
        raise Invalid("document-invalid", "a form is sent as application/x-www-form-urlencoded")
    try:
        fields = parse_qs(bytes(body).decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError:
        raise Invalid("document-invalid", "the form cannot be read") from None
    return {name: values[-1] for name, values in fields.items()}


def address_of(request: Request) -> str:
    """Give the address that a request comes from."""
    return request.client.host if request.client is not None else ""
