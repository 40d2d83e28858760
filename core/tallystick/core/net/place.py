"""Where the Unix socket is, as gRPC wants it named."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

MAX_PATH: Final = 100
"""Bytes of a socket's path; the system allows 107."""


@contextmanager
def target(socket: Path) -> Iterator[str]:
    """Give the socket's target for as long as the context lasts; a path that is too long is named through its open folder."""
    if len(os.fsencode(socket)) <= MAX_PATH:
        yield f"unix:{socket}"
        return
    folder = os.open(socket.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"unix:/proc/self/fd/{folder}/{socket.name}"
    finally:
        os.close(folder)
