"""Files that are written whole or not at all, and closed to others where they hold a secret."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from tallystick.core.errors import Broken, Invalid, Refused
from tallystick.crypto.randomness import SystemRandomness

_PRIVATE_FOLDER: Final = 0o700
_PRIVATE: Final = 0o600
_PUBLIC: Final = 0o666
"""As far as the umask lets it."""


def make_private(folder: Path) -> None:
    """Make a folder that only its owner can enter.

    Raises:
        Broken: `disk`.
    """
    try:
        folder.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
    except OSError as error:
        raise Broken("disk", f"{folder} cannot be made", hint="check the disk and the folder's permissions") from error


@contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """Hold a state folder: one process works with it. The lock ends with the process, however that ends.

    Raises:
        Refused: `second-process`: another process holds it; it is named. Broken: `disk`.
    """
    try:
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Broken(
            "disk", f"{folder} cannot be used", hint="check the path and its owner", detail=str(error.errno)
        ) from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(lock, 20, 0).decode("ascii", errors="replace").strip()
            raise Refused(
                "second-process", f"process {holder or 'another'} works with {folder}", hint="end it first, or wait for it"
            ) from error
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(lock)


def copy_database(database: Path, copy: Path) -> None:
    """Copy a SQLite database that others may be writing to: the copy is of one moment, and closed to others.

    Raises:
        Invalid: `file-missing`: there is none; `file-exists`: the copy is there already. Broken: `disk`.
    """
    if not database.is_file():
        raise Invalid("file-missing", f"{database} does not exist", hint="check the configuration")
    if copy.exists():
        raise Invalid("file-exists", f"{copy} exists", hint="name another file")
    try:
        os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE))
        with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        sync_folder(copy.parent)
    except (OSError, sqlite3.Error) as error:
        copy.unlink(missing_ok=True)
        raise Broken(
            "disk", f"{database} cannot be copied to {copy}", hint="check the disk and the folder", detail=type(error).__name__
        ) from error


def write_new_private(path: Path, data: bytes, *, hint: str = "it is never overwritten: choose another name") -> None:
    """Write a new file that only its owner can read.

    Args:
        path: where; its folder exists.
        data: the whole file.
        hint: what to do where the file exists.

    Raises:
        Invalid: `file-exists`; `file-missing`: no such folder.
        Broken: `disk`.
    """
    try:
        draft = _write_draft(path, data, _PRIVATE)
        try:
            os.link(draft, path)  # unlike a rename, refuses to replace a file
        finally:
            draft.unlink()
        sync_folder(path.parent)
    except FileExistsError as error:
        raise Invalid("file-exists", f"{path} exists", hint=hint) from error
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Invalid("file-missing", f"the folder of {path} does not exist", hint="make the folder first") from error
    except OSError as error:
        raise _cannot_be_written(path, error) from error


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read; a file of that name is replaced.

    Raises:
        Broken: `disk`.
    """
    _replace(path, data, _PRIVATE)


def write_public(path: Path, data: bytes) -> None:
    """Write a file as readable as the umask lets it be; a file of that name is replaced.

    Raises:
        Broken: `disk`.
    """
    _replace(path, data, _PUBLIC)


def check_can_write(path: Path) -> None:
    """Check that `write_public` could write a file, before work is done whose outcome it would hold. Nothing is left behind.

    Raises:
        Invalid: `file-missing`: its folder does not exist.
        Broken: `disk`: it may not be written there, or the name is a folder's.
    """
    if not path.absolute().parent.is_dir():
        raise Invalid("file-missing", f"the folder of {path} does not exist", hint="make the folder first")
    if path.is_dir():
        raise Broken("disk", f"{path} is a folder", hint="name a file")
    try:
        _write_draft(path, b"", _PRIVATE).unlink()
    except OSError as error:
        raise _cannot_be_written(path, error) from error


def sync_folder(folder: Path) -> None:
    """Return when the names in a folder are durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_at_most(path: Path, most: int, *, hint: str) -> bytes:
    """Read a file; of a longer one `most` + 1 bytes, so that the caller sees that it is too long.

    Raises:
        Invalid: `file-missing`.
    """
    try:
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError as error:
        raise Invalid("file-missing", f"{path} cannot be read", hint=hint, detail=str(error.errno)) from error


def _replace(path: Path, data: bytes, mode: int) -> None:
    try:
        draft = _write_draft(path, data, mode)
        try:
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        raise _cannot_be_written(path, error) from error


def _write_draft(path: Path, data: bytes, mode: int) -> Path:
    """Write a draft beside a file and give its path; what cannot be written whole is not left."""
    draft = path.with_name(f".{path.name}.{SystemRandomness().take(8).hex()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            if mode == _PRIVATE:
                os.fchmod(file.fileno(), mode)  # whatever the umask
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return draft


def _cannot_be_written(path: Path, error: OSError) -> Broken:
    return Broken(
        "disk", f"{path} cannot be written", hint="check the disk and the folder's permissions", detail=str(error.errno)
    )
