"""The password of a database's role, from a file that is closed to others."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tallystick.core.errors import Invalid
from tallystick.core.keyfile import read_closed

MOST_BYTES: Final = 4096


def read_password(path: Path) -> str:
    """Read a password: the file's one line.

    Raises:
        Invalid: `file-missing`, `file-permissions`; `file-format`: not one line of text.
    """
    data = read_closed(path, MOST_BYTES, what="password file")
    try:
        text = data.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        text = ""  # what is raised must not hold the bytes
    if not text or len(data) > MOST_BYTES or not text.isprintable():
        raise Invalid("file-format", f"{path} does not hold a password", hint="one line of text, and nothing else")
    return text
