"""Serves pages on this machine alone, while a command runs.

Rules that this file enforces:

1. Only loopback is listened on, and only the names of loopback are answered to (`Host`).
2. Who asks must know the address's token, 32 random bytes: other users of the machine can reach the port, and get nothing.
3. Nothing is written, nothing is loaded from elsewhere, and no browser keeps a copy (`no-store`).
4. What changes something is a form of at most `MOST_BYTES` from a page of the same address (`Sec-Fetch-Site`, where the browser says it).
"""

from __future__ import annotations

import contextlib
import hmac
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, Protocol
from urllib.parse import parse_qs

from tallystick.core.errors import NotReady
from tallystick.crypto.randomness import Randomness

HOST: Final = "127.0.0.1"
TIMEOUT_S: Final = 30.0
MOST_BYTES: Final = 16 * 1024
MOST_FIELDS: Final = 100
HTML: Final = "text/html; charset=utf-8"
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_POLICY: Final = (
    "default-src 'none'; img-src 'self'; style-src {style}; base-uri 'none'; form-action {forms}; frame-ancestors 'none'"
)
Form = Mapping[str, list[str]]


@dataclass(frozen=True)
class Reply:
    """What is answered.

    Attributes:
        body: of the page.
        kind: its type.
        status: of HTTP.
        to: the path below the token that a browser is led to; "" for none.
    """

    body: bytes = b""
    kind: str = HTML
    status: int = 200
    to: str = ""


class LoopbackSite(Protocol):
    """Pages below the token. Methods may be called from several threads."""

    def find(self, path: str) -> tuple[str, bytes] | None:
        """Give the kind and the body of what a path below the token names; None where there is nothing."""
        ...

    def take(self, path: str, form: Form) -> Reply | None:
        """Take a form; None where there is none."""
        ...


def list_headers(*, forms: bool) -> dict[str, str]:
    """Give the headers of every answer of a site.

    Args:
        forms: whether it has forms, and a style sheet beside its pages; else style stands in the pages.
    """
    policy = _POLICY.format(style="'self'" if forms else "'unsafe-inline'", forms="'self'" if forms else "'none'")
    return {"Content-Security-Policy": policy, **_HEADERS}


@contextlib.contextmanager
def serve_site(site: LoopbackSite, port: int, randomness: Randomness, *, forms: bool) -> Iterator[str]:
    """Serve a site's pages in threads while the context lasts; give their address, which has the token in it.

    Args:
        site: the pages.
        port: 0 lets the system choose.
        randomness: of the token.
        forms: as `list_headers` takes it; without it there is no POST.

    Raises:
        NotReady: `unavailable`: the port is in use.
    """
    token = randomness.take(32).hex()
    headers = list_headers(forms=forms)

    class Handler(BaseHTTPRequestHandler):
        """Answers for this site."""

        timeout = TIMEOUT_S
        server_version = "tally"
        sys_version = ""

        def do_GET(self) -> None:  # as the standard library calls it
            """Answer with a page."""
            if self.path == "/favicon.ico":  # browsers ask by themselves, without the token; there is none
                self.send_response(204)
                self.end_headers()
                return
            path = self._find_path()
            found = None if path is None else site.find(path)
            self._send(None if found is None else Reply(found[1], found[0]))

        do_HEAD = do_GET  # noqa: N815  # as the standard library calls it

        def do_POST(self) -> None:  # as the standard library calls it
            """Take a form."""
            path = self._find_path() if forms else None
            form = None if path is None else self._read_form()
            self.close_connection = True
            self._send(None if path is None or form is None else site.take(path, form))

        def _find_path(self) -> str | None:
            """Give the path below the token; None where `Host` or token are not ours."""
            if self.headers.get("host", "") not in {f"{HOST}:{bound}", f"localhost:{bound}"}:
                return None
            given, _, path = self.path.partition("?")[0].removeprefix("/").partition("/")
            is_right = hmac.compare_digest(given.encode("utf-8", "surrogatepass"), token.encode())
            return path if is_right else None

        def _read_form(self) -> dict[str, list[str]] | None:
            if self.headers.get("sec-fetch-site", "same-origin") != "same-origin":
                return None
            kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
            length = self.headers.get("content-length", "")
            if kind != "application/x-www-form-urlencoded" or not length.isdecimal() or not int(length[:8]) <= MOST_BYTES:
                return None
            try:
                text = self.rfile.read(int(length[:8])).decode()
                return parse_qs(text, keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
            except ValueError:
                return None

        def _send(self, reply: Reply | None) -> None:
            said = reply or Reply(b"There is nothing here.\n", "text/plain; charset=utf-8", 404)
            self.send_response(303 if said.to else said.status)
            for name, value in headers.items():
                self.send_header(name, value)
            if said.to:
                self.send_header("Location", f"/{token}/{said.to}")
            self.send_header("Content-Type", said.kind)
            self.send_header("Content-Length", str(len(said.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(said.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as the standard library calls it
            """Write nothing: the address has the token in it."""

    try:
        server = ThreadingHTTPServer((HOST, port), Handler)
    except OSError as error:
        raise NotReady("unavailable", f"port {port} cannot be bound", hint="leave out --port, or name another one") from error
    bound = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{bound}/{token}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
