"""Serves pages beside the process's other work, in its event loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager
from typing import Final

import uvicorn
from starlette.applications import Starlette

from tallystick.core.errors import NotReady
from tallystick.core.files import write_public
from tallystick.core.pages.linking import ADDRESS_FILE
from tallystick.core.pages.settings import PagePlace

CLOSE_S: Final = 2
MOST_CONNECTIONS: Final = 300


@asynccontextmanager
async def serve_pages(place: PagePlace, build: Callable[[frozenset[str], str], Starlette]) -> AsyncIterator[str]:
    """Serve pages while the context lasts; give their address.

    Args:
        place: where.
        build: gives the application, from the values of `Host` that are its own and its cookie's suffix.

    Raises:
        Invalid: `document-invalid`: they would be served in the clear.
        NotReady: `unavailable`: the address is in use, or not this machine's.
    """
    place.check()
    host, _, wanted = place.listen.rpartition(":")
    bare = host.strip("[]")
    family = socket.AF_INET6 if ":" in bare else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((bare, int(wanted)))
        listening.listen(64)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        raise NotReady(
            "unavailable", f"{place.listen} cannot be bound for pages", hint="name another address: pages"
        ) from error
    port = listening.getsockname()[1]
    names = {f"{host}:{port}", f"localhost:{port}"} | ({host, "localhost"} if port == (443 if place.secure else 80) else set())
    config = uvicorn.Config(
        build(frozenset(names), str(port)),
        access_log=False,
        log_config=None,
        lifespan="off",
        loop="none",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=CLOSE_S,
        limit_concurrency=MOST_CONNECTIONS,
        ssl_certfile=None if place.certificate is None else str(place.certificate),
        ssl_keyfile=None if place.key is None else str(place.key),
    )
    server = _Server(config)
    address = f"{'https' if place.secure else 'http'}://{host}:{port}"
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    note = place.state / ADDRESS_FILE
    try:
        await asyncio.to_thread(write_public, note, address.encode("ascii"))
        yield address
    finally:
        with contextlib.suppress(FileNotFoundError):
            note.unlink()
        server.should_exit = True
        await serving
        listening.close()


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the process has its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals alone."""
        yield
