"""Serves a result's page with its plots on the analyst's own machine, while a command runs.

Results are sealed to the analyst, and no server shows them: this one listens on loopback, for one result, until it is stopped.

Rules that this file enforces:

1. Only loopback is listened on, and only the names of loopback are answered to (`Host`).
2. Who asks must know the address's token, 32 random bytes: other users of the machine can reach the port, and get nothing.
3. Nothing is written, nothing is loaded from elsewhere, and no browser keeps a copy (`no-store`).
4. A result that does not verify has no page.
"""

from __future__ import annotations

import contextlib
import hmac
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from tallystick.client.annex.page import annex
from tallystick.client.annex.style import STYLE
from tallystick.client.answer import Answer
from tallystick.client.plots import SHARE, draw
from tallystick.core.errors import NotReady, TallyError
from tallystick.core.results import Check
from tallystick.crypto.randomness import Randomness

HOST: Final = "127.0.0.1"
TIMEOUT_S: Final = 30.0
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_HTML: Final = "text/html; charset=utf-8"


@dataclass
class ResultSite:
    """The pages of one result. Methods may be called from several threads.

    Attributes:
        answer: the result as people read it.
        checks: of the result; all of them passed.
    """

    answer: Answer
    checks: Sequence[Check]
    _drawn: dict[str, bytes | TallyError] = field(default_factory=dict)
    _drawing: threading.Lock = field(default_factory=threading.Lock)

    def find(self, path: str) -> tuple[str, bytes] | None:
        """Give the kind and the body of what a path below the token names; None where there is nothing.

        Args:
            path: "" is the result's page, `plots` its plots, `plot-N.svg` one of them, counted from 0.
        """
        if path == "":
            return _HTML, annex(self.answer, self.checks, links=(("plots", "All plots of this result"),)).encode()
        if path == "plots":
            return _HTML, self._write_plots().encode()
        for number, name in enumerate(self._names):
            if path == f"plot-{number}.svg":
                picture = self._draw(name)
                return ("image/svg+xml", picture) if isinstance(picture, bytes) else None
        return None

    @property
    def _names(self) -> list[str]:
        return [*self.answer.keys, SHARE]

    def _draw(self, name: str) -> bytes | TallyError:
        """Draw the plot of a measure once; give why there is none where there is none."""
        with self._drawing:  # what draws is not made for several threads
            if name not in self._drawn:
                try:
                    self._drawn[name] = draw(self.answer, "svg", measure=name)
                except TallyError as error:
                    self._drawn[name] = error
            return self._drawn[name]

    def _write_plots(self) -> str:
        title = escape(self.answer.title)
        parts = []
        for number, name in enumerate(self._names):
            heading = "Shares that were found" if name == SHARE else self.answer.number(name).heading
            picture = self._draw(name)
            if isinstance(picture, bytes):
                label = f"Plot of {heading}; its numbers stand in the tables of the result's page"
                shown = f'<img src="plot-{number}.svg" alt="{escape(label)}">'
            else:
                hint = f" What would help: {escape(picture.hint)}." if picture.hint else ""
                shown = f"<p>No plot: {escape(picture.message)}.{hint}</p>"
            parts.append(f"<section><h2>{escape(heading)}</h2>\n{shown}</section>")
        style = f"{STYLE} img {{ max-width: 100%; height: auto; }}"
        return (
            f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Plots: {title}</title>\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{style}</style>\n</head>\n<body>\n<main>\n'
            f'<p><a href="./">The result\'s page</a></p>\n<h1>{title}: plots</h1>\n'
            + "\n".join(parts)
            + "\n</main>\n</body>\n</html>\n"
        )


@contextlib.contextmanager
def serve_result(site: ResultSite, port: int, randomness: Randomness) -> Iterator[str]:
    """Serve a result's pages in a thread while the context lasts; give their address, which has the token in it.

    Args:
        site: the pages.
        port: 0 lets the system choose.
        randomness: of the token.

    Raises:
        NotReady: `unavailable`: the port is in use.
    """
    token = randomness.take(32).hex()

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
            found = self._find_body()
            kind, body = found or ("text/plain; charset=utf-8", b"There is nothing here.\n")
            self.send_response(200 if found else 404)
            for name, value in HEADERS.items():
                self.send_header(name, value)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815  # as the standard library calls it

        def _find_body(self) -> tuple[str, bytes] | None:
            if self.headers.get("host", "") not in {f"{HOST}:{bound}", f"localhost:{bound}"}:
                return None
            given, _, path = self.path.partition("?")[0].removeprefix("/").partition("/")
            is_right = hmac.compare_digest(given.encode("utf-8", "surrogatepass"), token.encode())
            return site.find(path) if is_right else None

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
