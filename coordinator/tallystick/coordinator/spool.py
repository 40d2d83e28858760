"""The spool on disk: one file per message under `JOB/ATTEMPT/`, and one per released result under `results/`.

Replicas that share the folder write files of their own (`MESSAGE@STORE`), so two that receive one message do not write into each other's.

Everything here is sealed to somebody else, or to the coordinator's key; results are sealed to their analyst.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from tallystick.coordinator.records import MessageRecord
from tallystick.core.errors import Broken
from tallystick.core.files import sync_folder
from tallystick.core.net.chunks import MessageName
from tallystick.core.net.spoolfile import SpoolFile, read_spool, write_spool
from tallystick.crypto.envelope import CHUNK
from tallystick.v1.types_pb2 import Envelope

RESULTS: Final = "results"
JOB_DIGITS: Final = 64


class DiskSpool:
    """See `ports.Spool`."""

    def __init__(self, root: Path) -> None:
        """Use a folder; it is made, closed to others, where it is missing."""
        self._root = root
        self.store = ""
        _make(root)
        _make(root / RESULTS)

    def path(self, name: MessageName) -> Path:
        """Give where this process keeps a message."""
        return self._path(name, self.store)

    def upload(self, name: MessageName) -> SpoolFile:
        """Open a message for appending."""
        path = self._path(name, self.store)
        _make(path.parent.parent)
        _make(path.parent)
        return SpoolFile(path)

    def has(self, name: MessageName) -> bool:
        """Say whether anything of a message is held."""
        return self._path(name, self.store).exists()

    def write(self, name: MessageName, envelopes: Iterator[Envelope]) -> MessageRecord:
        """Write a whole message, replacing what is there."""
        path = self._path(name, self.store)
        _make(path.parent.parent)
        _make(path.parent)
        count, length = write_spool(path, envelopes)
        return MessageRecord(name, count, length, self.store)

    def read(self, message: MessageRecord, start: int = 0) -> Iterator[Envelope]:
        """Give the envelopes of a complete message from number `start` on."""
        return read_spool(self._path(message.name, message.store), start)

    def drop(self, job: bytes, *, before: int | None = None) -> None:
        """Delete a job's messages: of the attempts before one, or all."""
        folder = self._root / job.hex()
        attempts = [] if before is None else [folder / str(attempt) for attempt in range(1, before)]
        for doomed in [folder] if before is None else attempts:
            shutil.rmtree(doomed, ignore_errors=True)

    def store_result(self, job: bytes, chunks: Iterable[bytes]) -> int:
        """Keep a result; give its length."""
        path = self._result(job)
        draft = path.with_suffix(f".new{self.store}")
        length = 0
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
            for chunk in chunks:
                length += file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        sync_folder(path.parent)
        return length

    def result(self, job: bytes) -> Iterator[bytes]:
        """Give a stored result in pieces of at most 512 KiB.

        Raises:
            Broken: `state-corrupt`: it is gone.
        """
        try:
            file = self._result(job).open("rb")
        except OSError as error:
            raise Broken("state-corrupt", "a stored result is gone", detail=str(error.errno)) from error
        with file:
            while piece := file.read(CHUNK):
                yield piece

    def drop_result(self, job: bytes) -> None:
        """Delete a result, if there is one."""
        self._result(job).unlink(missing_ok=True)

    def list_jobs(self) -> frozenset[bytes]:
        """List the jobs of which messages are held."""
        names = (path.name for path in self._root.iterdir() if path.is_dir())
        return frozenset(bytes.fromhex(name) for name in names if len(name) == JOB_DIGITS)

    def _path(self, name: MessageName, store: str) -> Path:
        """Give a message's place. Its names were checked against the job's rounds, so they hold no separator."""
        ref = name.ref
        file = f"{ref.round.replace(':', '+')}.{ref.sender}.{ref.receiver}{f'@{store}' if store else ''}"
        return self._root / name.job.hex() / str(name.attempt) / file

    def _result(self, job: bytes) -> Path:
        return self._root / RESULTS / f"{job.hex()}.sealed"


def _make(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(folder.parent)
