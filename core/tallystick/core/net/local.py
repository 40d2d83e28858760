"""A gRPC server on a Unix socket of a private folder: who can open the socket is who can read the folder (0700)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import grpc
import grpc.aio

from tallystick.core.errors import Invalid
from tallystick.core.net.channel import Option
from tallystick.core.net.place import target
from tallystick.core.net.status import Faults

GRACE_SECONDS: Final = 1.0


@asynccontextmanager
async def serve_socket(socket: Path, options: Sequence[Option], add: Callable[[grpc.aio.Server], None]) -> AsyncIterator[None]:
    """Serve on a Unix socket while the context lasts; a socket that a killed process left behind is replaced.

    Args:
        socket: its path.
        options: of the server.
        add: puts the services in.

    Raises:
        Invalid: `file-permissions`: the folder is open to others.
    """
    folder = await asyncio.to_thread(os.stat, socket.parent)
    if folder.st_mode & 0o077:
        raise Invalid("file-permissions", f"{socket.parent} is open to others", hint=f"chmod 700 {socket.parent}")
    await asyncio.to_thread(socket.unlink, missing_ok=True)
    server = grpc.aio.server(interceptors=[Faults()], options=list(options))
    add(server)
    with target(socket) as place:
        server.add_secure_port(place, grpc.local_server_credentials(grpc.LocalConnectionType.UDS))
        await server.start()
        try:
            yield
        finally:
            await server.stop(grace=GRACE_SECONDS)
            await asyncio.to_thread(socket.unlink, missing_ok=True)
