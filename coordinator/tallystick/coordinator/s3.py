"""The spool in an S3 bucket: one object per message, one per result; they are whole or not there.

A message is received in a file of the state folder and becomes an object when its last envelope is there: one that another replica had
begun is sent again. Which object is the message, the row says. Everything in the bucket is sealed to somebody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast
from urllib.parse import urlsplit

from tallystick.coordinator.config import Settings
from tallystick.coordinator.ports import Spool, Upload
from tallystick.coordinator.records import MessageRecord
from tallystick.coordinator.spool import JOB_DIGITS, RESULTS, DiskSpool
from tallystick.core.errors import Broken, Invalid, NotReady
from tallystick.core.keyfile import read_closed
from tallystick.core.net.chunks import MessageName
from tallystick.core.net.spoolfile import SpoolFile, read_spooled
from tallystick.crypto.envelope import CHUNK
from tallystick.v1.types_pb2 import Envelope

if TYPE_CHECKING:
    from obstore.store import S3Store

_MOST_KEY_BYTES: Final = 4096
_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def open_spool(settings: Settings) -> Spool:
    """Give the configured spool.

    Raises:
        Invalid: `document-invalid`; `file-missing`, `file-permissions`, `file-format`: of the file with the keys.
    """
    config = settings.config
    if config.spool is None or not config.spool.startswith("s3://"):
        return DiskSpool(settings.spool)
    try:
        from obstore.store import S3Store
    except ImportError:
        raise _invalid("this installation cannot use S3", "pip install 'tallystick[s3]'") from None
    bucket, _, prefix = config.spool.removeprefix("s3://").partition("/")
    if not bucket or settings.spool_keys is None:
        raise _invalid("it needs a bucket, and spool_keys_file", "spool: s3://BUCKET/PREFIX")
    endpoint = config.spool_endpoint
    plain = endpoint is not None and endpoint.startswith("http:")
    if plain and urlsplit(endpoint).hostname not in _HERE:
        raise _invalid("plain http is for a server on this machine alone", "spool_endpoint: https://…")
    access, secret = _read_keys(settings.spool_keys)
    store = S3Store(
        bucket,
        prefix=prefix.strip("/") or None,
        endpoint=endpoint,
        region=config.spool_region or "us-east-1",
        access_key_id=access,
        secret_access_key=secret,
        client_options={"allow_http": plain, "timeout": "60s", "connect_timeout": "10s"},
        retry_config={"max_retries": 3},
    )
    return S3Spool(store, DiskSpool(settings.spool), settings.spool)


class S3Spool:
    """See `ports.Spool`."""

    def __init__(self, bucket: S3Store, scratch: DiskSpool, folder: Path) -> None:
        """Take the bucket, and where messages lie while they are received."""
        self._bucket = bucket
        self._scratch = scratch
        self._folder = folder
        self.store = ""

    def upload(self, name: MessageName) -> Upload:
        """Open a message for appending."""
        return _BucketUpload(self._scratch.upload(name), lambda: self._send(MessageRecord(name, 0, 0, self.store)))

    def has(self, name: MessageName) -> bool:
        """Say whether anything of a message is held by this process."""
        return self._scratch.has(name)

    def write(self, name: MessageName, envelopes: Iterator[Envelope]) -> MessageRecord:
        """Write a whole message, replacing what is there."""
        written = self._scratch.write(name, envelopes)
        record = MessageRecord(name, written.envelopes, written.bytes, self.store)
        self._send(record)
        return record

    def read(self, message: MessageRecord, start: int = 0) -> Iterator[Envelope]:
        """Give the envelopes of a complete message from number `start` on.

        Raises:
            Broken: `state-corrupt`. NotReady: `unavailable`.
        """
        import obstore

        with _faults("a stored message is gone"):
            reader = obstore.open_reader(self._bucket, _key(message))
            yield from read_spooled(cast("BinaryIO", _Reader(reader)), start)

    def drop(self, job: bytes, *, before: int | None = None) -> None:
        """Delete a job's messages: of the attempts before one, or all. What cannot be deleted now, the next sweep deletes."""
        self._scratch.drop(job, before=before)
        attempts = [""] if before is None else [f"{attempt}/" for attempt in range(1, before)]
        with suppress(NotReady, Broken):
            for attempt in attempts:
                self._delete(f"{job.hex()}/{attempt}")

    def store_result(self, job: bytes, chunks: Iterable[bytes]) -> int:
        """Keep a result; give its length."""
        import obstore

        length = self._scratch.store_result(job, chunks)
        with _faults("the result cannot be kept"):
            obstore.put(self._bucket, _result(job), self._folder / RESULTS / f"{job.hex()}.sealed")
        self._scratch.drop_result(job)
        return length

    def result(self, job: bytes) -> Iterator[bytes]:
        """Give a stored result in pieces of at most 512 KiB.

        Raises:
            Broken: `state-corrupt`. NotReady: `unavailable`.
        """
        import obstore

        with _faults("a stored result is gone"):
            reader = obstore.open_reader(self._bucket, _result(job))
            while piece := bytes(reader.read(CHUNK)):
                yield piece

    def drop_result(self, job: bytes) -> None:
        """Delete a result, if there is one. What cannot be deleted now, the next sweep deletes."""
        import obstore

        with suppress(NotReady, Broken), _faults("it is gone already"):
            obstore.delete(self._bucket, _result(job))

    def list_jobs(self) -> frozenset[bytes]:
        """List the jobs of which messages are held, here or in the bucket."""
        import obstore

        with _faults("the spool cannot be listed"):
            found = obstore.list_with_delimiter(self._bucket)["common_prefixes"]
        names = (name.rstrip("/").rpartition("/")[2] for name in found)
        return self._scratch.list_jobs() | {bytes.fromhex(name) for name in names if len(name) == JOB_DIGITS}

    def _send(self, message: MessageRecord) -> None:
        """Make an object of a received message; its file is no longer needed."""
        import obstore

        file = self._scratch.path(message.name)
        with _faults("the message cannot be kept"):
            obstore.put(self._bucket, _key(message), file)
        file.unlink(missing_ok=True)

    def _delete(self, prefix: str) -> None:
        import obstore

        with _faults("the spool cannot be swept"):
            for page in obstore.list(self._bucket, prefix=prefix):
                obstore.delete(self._bucket, [entry["path"] for entry in page])


class _BucketUpload:
    """A message that is being received; it becomes an object when it is whole."""

    def __init__(self, file: SpoolFile, send: Any) -> None:
        self._file = file
        self._send = send

    @property
    def count(self) -> int:
        return self._file.count

    @property
    def bytes(self) -> int:
        return self._file.bytes

    @property
    def ended(self) -> bool:
        return self._file.ended

    def append(self, envelope: Envelope) -> None:
        self._file.append(envelope)

    def read_envelope(self, sequence: int) -> Envelope:
        return self._file.read_envelope(sequence)

    def sync(self) -> None:
        self._file.sync()
        if self._file.ended:
            self._send()

    def close(self) -> None:
        self._file.close()


class _Reader:
    """An object as a file that is read: with bytes of Python's own."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader

    def read(self, size: int) -> bytes:
        return bytes(self._reader.read(size))

    def seek(self, offset: int, whence: int) -> int:
        return int(self._reader.seek(offset, whence))

    def tell(self) -> int:
        return int(self._reader.tell())


@contextmanager
def _faults(gone: str) -> Iterator[None]:
    from obstore.exceptions import BaseError, NotFoundError

    try:
        yield
    except (NotFoundError, FileNotFoundError) as error:
        raise Broken("state-corrupt", gone, detail=type(error).__name__) from None
    except BaseError as error:  # its text may hold the request
        raise NotReady(
            "unavailable",
            "the coordinator's spool cannot be reached",
            hint="its operator checks the bucket, its endpoint and its keys",
            detail=type(error).__name__,
        ) from None


def _key(message: MessageRecord) -> str:
    ref, name = message.name.ref, message.name
    store = f"@{message.store}" if message.store else ""
    return f"{name.job.hex()}/{name.attempt}/{ref.round.replace(':', '+')}.{ref.sender}.{ref.receiver}{store}"


def _result(job: bytes) -> str:
    return f"{RESULTS}/{job.hex()}.sealed"


def _read_keys(path: Path) -> tuple[str, str]:
    lines = read_closed(path, _MOST_KEY_BYTES, what="keys file").decode("ascii", errors="replace").split()
    if len(lines) != 2:  # an access key and a secret key
        raise Invalid("file-format", f"{path} does not hold two keys", hint="the access key and the secret key, one a line")
    return lines[0], lines[1]


def _invalid(problem: str, hint: str) -> Invalid:
    return Invalid("document-invalid", f"the coordinator's spool: {problem}", hint=hint)
