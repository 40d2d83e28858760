"""One message on disk: its envelopes one after another, so that an upload or download can go on where it was cut.

Record: length (4 bytes, big-endian) ‖ CRC-32 of the envelope (4 bytes) ‖ the envelope as it travels. A tail that a crash tore
is recognised by its length or checksum and cut off when the file is opened again; what was synced before is kept.
The checksum finds accidents; forgery is what the envelope's own signature is for.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from google.protobuf.message import DecodeError

from tallystick.core.errors import Broken
from tallystick.core.files import sync_folder
from tallystick.core.net.channel import MAX_MESSAGE_BYTES
from tallystick.v1.types_pb2 import Envelope

_PREFIX: Final = 8
_WORD: Final = 4


class SpoolFile:
    """A message that is being written, open for appending.

    Attributes:
        count: envelopes held.
        bytes: length of the file.
        ended: whether the last envelope of the message is held.
    """

    def __init__(self, path: Path, *, durable: bool = True) -> None:
        """Open or make the file, and cut off a torn tail. The folder must exist.

        Where it need not outlast this process, `durable` is false: then its name is not synced either.
        """
        new = not path.exists()
        self._path = path
        self._file: BinaryIO = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b")
        self._offsets: list[int] = []
        self.bytes = 0
        self.ended = False
        for offset, envelope in _records(self._file):
            if envelope.sequence != len(self._offsets) or self.ended:
                break
            self._offsets.append(offset)
            self.bytes = self._file.tell()
            self.ended = envelope.last
        self._file.truncate(self.bytes)
        self._file.seek(self.bytes)
        if new and durable:
            sync_folder(path.parent)

    @property
    def count(self) -> int:
        """How many envelopes are held; the sequence number of the next one."""
        return len(self._offsets)

    def append(self, envelope: Envelope) -> None:
        """Add the next envelope. It is durable after `sync`.

        Raises:
            Broken: `protocol-broken`: not the next one, or after the last.
        """
        if self.ended or envelope.sequence != self.count:
            raise Broken("protocol-broken", f"envelope {self.count} is due, not {envelope.sequence}")
        record = envelope.SerializeToString(deterministic=True)
        self._file.seek(self.bytes)
        self._file.write(len(record).to_bytes(_WORD, "big") + zlib.crc32(record).to_bytes(_WORD, "big") + record)
        self._offsets.append(self.bytes)
        self.bytes += _PREFIX + len(record)
        self.ended = envelope.last

    def read_envelope(self, sequence: int) -> Envelope:
        """Read an envelope that is held. Pre-condition: sequence < count."""
        self._file.seek(self._offsets[sequence])
        found = next((envelope for _, envelope in _records(self._file)), None)
        if found is None:
            raise Broken("state-corrupt", "a stored envelope cannot be read")
        return found

    def sync(self) -> None:
        """Return when everything appended is durable."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file; what was appended stays."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def read_spool(path: Path, start: int = 0) -> Iterator[Envelope]:
    """Give the envelopes of a complete message from number `start` on.

    Raises:
        Broken: `state-corrupt`: the file is gone, torn, or ends before the message's last envelope.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise Broken("state-corrupt", "a stored message is gone", detail=type(error).__name__) from error
    with file:
        yield from read_spooled(file, start)


def read_spooled(file: BinaryIO, start: int = 0) -> Iterator[Envelope]:
    """Give the envelopes of a complete message that is open for reading from number `start` on.

    Raises:
        Broken: `state-corrupt`: it is torn, or ends before the message's last envelope.
    """
    for _ in range(start):
        prefix = file.read(_PREFIX)
        file.seek(int.from_bytes(prefix[:_WORD], "big"), os.SEEK_CUR)
    expected, ended = start, False
    for _, envelope in _records(file):
        if ended or envelope.sequence != expected:
            break
        yield envelope
        expected, ended = expected + 1, envelope.last
    if not ended:
        raise Broken("state-corrupt", "a stored message ends before its last envelope")


def write_spool(path: Path, envelopes: Iterator[Envelope]) -> tuple[int, int]:
    """Write a whole message at once and return when it is durable: (envelopes, bytes). A file of that name is replaced."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    with SpoolFile(temporary) as spool:
        for envelope in envelopes:
            spool.append(envelope)
        spool.sync()
        written = (spool.count, spool.bytes)
    temporary.replace(path)
    sync_folder(path.parent)
    return written


def _records(file: BinaryIO) -> Iterator[tuple[int, Envelope]]:
    """Give (offset, envelope) from the file's position on, up to the first record that is not whole."""
    while True:
        offset = file.tell()
        prefix = file.read(_PREFIX)
        length = int.from_bytes(prefix[:_WORD], "big")
        if len(prefix) < _PREFIX or not 0 < length <= MAX_MESSAGE_BYTES:
            return
        record = file.read(length)
        if len(record) < length or zlib.crc32(record).to_bytes(_WORD, "big") != prefix[_WORD:]:
            return
        try:
            envelope = Envelope.FromString(record)
        except DecodeError:
            return
        yield offset, envelope
