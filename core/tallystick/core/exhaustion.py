"""What a machine ran out of, in the catalogue's words: room on its disk, the right to write, descriptors, memory."""

from __future__ import annotations

import errno
from typing import Final

EXHAUSTED: Final = frozenset({"disk", "read-only", "descriptors", "memory"})
"""Codes of what passes when somebody makes room; nobody else's fault."""

_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_CLOSED: Final = {errno.EROFS, errno.EACCES, errno.EPERM}
_FILES: Final = {errno.EMFILE, errno.ENFILE}


def explain_exhaustion(error: OSError | MemoryError, whose: str) -> tuple[str, str, str]:
    """Give code, message and hint of what an operating system said no to.

    Args:
        error: as it was raised; its text, which may name files, is not used.
        whose: such as `the coordinator` or an agency's name.
    """
    number = error.errno if isinstance(error, OSError) else errno.ENOMEM
    if number in _FULL:
        return "disk", f"the disk of {whose} is full", "its IT makes room, or a larger disk"
    if number in _CLOSED:
        return (
            "read-only",
            f"{whose} cannot write to its own files",
            "its IT looks whether the disk became read-only, and whose files they are",
        )
    if number in _FILES:
        return (
            "descriptors",
            f"{whose} has no file descriptors left",
            "its IT raises the limit (ulimit -n), or lets fewer jobs run at once",
        )
    if number == errno.ENOMEM:
        return (
            "memory",
            f"{whose} has no memory left",
            "its IT gives it more, or lets fewer jobs run at once (docs/configuration.md)",
        )
    return "disk", f"the disk of {whose} failed", "its IT checks the disk"
