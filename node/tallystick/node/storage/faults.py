"""What a node's store cannot do, and why: a full disk, one that became read-only, a file that is broken."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from tallystick.core.errors import Broken
from tallystick.core.exhaustion import explain_exhaustion


@contextmanager
def tell_faults() -> Iterator[None]:
    """Tell what SQLite or the disk says no to in the catalogue's words."""
    try:
        yield
    except sqlite3.ProgrammingError:  # another thread, or after the end: nothing is wrong with the file
        raise
    except (sqlite3.OperationalError, OSError) as error:
        raise cannot_write(error) from error
    except sqlite3.DatabaseError as error:
        raise Broken(
            "state-corrupt", "the node's state cannot be read", hint="restore the state folder", detail=type(error).__name__
        ) from error


def cannot_write(error: sqlite3.OperationalError | OSError) -> Broken:
    """Give why the state cannot be written: a full disk, one that became read-only, or another fault of it."""
    result = getattr(error, "sqlite_errorcode", None)
    known = {sqlite3.SQLITE_FULL: errno.ENOSPC, sqlite3.SQLITE_READONLY: errno.EROFS, sqlite3.SQLITE_NOMEM: errno.ENOMEM}
    number = known.get(result & 0xFF) if isinstance(result, int) else getattr(error, "errno", None)
    if number is not None:
        code, message, hint = explain_exhaustion(OSError(number, ""), "the agency's node")
        return Broken(code, message, hint=hint, detail=type(error).__name__)
    told = "the node's state cannot be written"
    return Broken("disk", told, hint="its IT checks the disk and the state folder", detail=type(error).__name__)
