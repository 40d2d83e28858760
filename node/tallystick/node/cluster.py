"""Heavy work on the agency's own cluster: the third way beside threads and processes (docs/cluster.md; ADR 0019).

The node is a client of a Dask scheduler, over mutual TLS. A block goes out as bytes under a name of its own (node's run, job, attempt,
number) and comes back as bytes. What it gives follows from its argument alone, so that a block that was lost, with its worker or with the
scheduler, is worked on again and gives the same.

While there is no scheduler or no worker, work waits: `PATIENCE_SECONDS`, then it ends with `cluster-lost`. Blocks are let go of as their
results are read; `forget` lets go of all of an attempt, and asks every worker whether it did.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import itertools
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, TypeVar

import structlog

from tallystick.core.errors import Broken, NotReady, TallyError
from tallystick.crypto.randomness import SystemRandomness
from tallystick.node.cluster_work import (
    Parcel,
    count_held,
    count_known,
    find_release,
    find_unfit,
    open_block,
    pack_block,
    refuse_unfit,
    run_block,
)
from tallystick.node.courier import Dropped
from tallystick.node.workers import LOOK_AHEAD

A = TypeVar("A")
B = TypeVar("B")

PATIENCE_SECONDS: Final = 600.0
"""How long work waits for a scheduler and a worker."""
CONNECT_SECONDS: Final = 10.0
MOST_BYTES: Final = 512 << 20
"""Blocks that are out at once: what they take here and at the scheduler, at most, besides the last one."""
LOST: Final = (OSError, concurrent.futures.CancelledError, asyncio.CancelledError)
"""What calls raise whose connection is lost."""
_LOOK_SECONDS: Final = 1.0
_FORGET_SECONDS: Final = 30.0
_LOG: Final = structlog.get_logger("node")


@dataclass(frozen=True)
class ClusterPlace:
    """Where a cluster is: the scheduler's `tls://HOST:PORT`, and PEM files of the authority, the node's certificate and its key."""

    address: str
    authority: str
    certificate: str
    key: str


@dataclass
class _Block:
    name: str
    parcel: Parcel
    future: Any = None
    client: Any = None

    def release(self) -> None:
        """Let the scheduler and the workers let go of it."""
        future, self.future = self.future, None
        if future is not None:
            future.release()


class ClusterWorkers:
    """Implements `NodeWorkers` with a connection to a scheduler, which is made anew whenever it is lost."""

    far = True

    def __init__(self, place: ClusterPlace, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Take where the cluster is. Nothing is called yet."""
        self.place: Final = place
        self.patience_seconds: Final = patience_seconds
        self.run: Final = SystemRandomness().take(8).hex()
        self._client: Any = None
        self._lock = threading.Lock()
        self._again = 0.0
        self._threads = (0.0, 0)
        self._sessions = itertools.count()  # no two share names, whatever they work for

    def connect(self) -> None:
        """Connect, and see that the workers that are there are fit.

        Raises:
            NotReady: `cluster-lost`: nobody answers there, or with a certificate of another authority; `unavailable`: the extra is missing.
            Refused: `cluster-unfit`.
        """
        try:
            self.client()
        except OSError as error:
            raise _tell_lost(self.place, "does not answer as this agency's scheduler", repr(error)) from error

    def client(self) -> Any:
        """Give the connection, made now where there is none.

        Raises:
            OSError: it cannot be made at the moment.
            NotReady: `unavailable`: the extra is missing.
            Refused: `cluster-unfit`.
        """
        with self._lock:
            if self._client is not None and self._client.status == "running":
                return self._client
            if self._client is not None and self._client.status == "connecting":
                raise ConnectionError("connecting")
            self._client = None
            if time.monotonic() < self._again:
                raise ConnectionError("tried a moment ago")
            self._again = time.monotonic() + CONNECT_SECONDS + _LOOK_SECONDS
            client = _connect(self.place)
            self._again = 0.0
            try:
                told = client.run(find_unfit, find_release())
            except BaseException:
                client.close(timeout=1)
                raise
            unfit = {address: why for address, why in told.items() if why}
            if unfit:
                client.close(timeout=1)
                address, why = min(unfit.items())
                raise refuse_unfit(f"worker {address}", why)
            self._client = client
            self._threads = (0.0, 0)
            return client

    def count_threads(self) -> int:
        """Say how many blocks the cluster works on at once; 0 where it has no worker, or cannot be asked."""
        asked, known = self._threads
        if time.monotonic() - asked < _LOOK_SECONDS:
            return known
        try:
            known = sum(self.client().nthreads().values())
        except LOST:
            known = 0
        self._threads = (time.monotonic(), known)
        return known

    def for_attempt(self, job: bytes, attempt: int) -> AttemptBlocks:
        """Give what works for one attempt of a job."""
        return AttemptBlocks(self, f"{self.run}-{next(self._sessions)}-{job.hex()[:16]}-{attempt}-")

    def close(self) -> None:
        """End the connection; the scheduler lets go of what is out."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close(timeout=5)


class AttemptBlocks:
    """Implements `AttemptWorkers`: the blocks of one attempt."""

    far = True

    def __init__(self, cluster: ClusterWorkers, prefix: str) -> None:
        self._cluster = cluster
        self.prefix: Final = prefix
        self._numbers = itertools.count()
        self._over = threading.Event()

    @property
    def count(self) -> int:
        """How many calls run at once."""
        return max(1, self._cluster.count_threads())

    def map(self, function: Callable[[A], B], arguments: Iterable[A]) -> Iterator[B]:
        """Yield function(argument) for each argument, in order; `LOOK_AHEAD` a worker and `MOST_BYTES` are drawn ahead at most.

        Raises:
            NotReady: `cluster-lost`: there was no scheduler or no worker for `PATIENCE_SECONDS`.
            Broken: `internal`: a block ended one worker after another.
            Refused: `cluster-unfit`.
            Dropped: the attempt is over.
        """
        source, waiting = iter(arguments), deque[_Block]()
        try:
            self._draw(function, source, waiting)
            while waiting:
                data = self._await(waiting)
                waiting.popleft().release()
                self._draw(function, source, waiting)
                yield open_block(data)
        finally:
            for block in waiting:
                block.release()

    def make_ready(self, function: Callable[[], object]) -> None:
        """Let each worker call a function, in a thread; what fails there fails again when it matters."""

        def start() -> None:
            try:
                self._cluster.client().run(function)
            except Exception as error:  # noqa: BLE001 - it is for speed alone
                _LOG.info("cluster not made ready", error=type(error).__name__)

        threading.Thread(target=start, name="make-ready", daemon=True).start()

    def forget(self) -> None:
        """End what still runs, and wait until no worker and not the scheduler holds a block of the attempt."""
        self._over.set()
        began, held = next(self._numbers), 0
        if began == 0:
            return
        until = time.monotonic() + _FORGET_SECONDS
        while time.monotonic() < until:
            try:
                client = self._cluster.client()
                held = sum(client.run(count_held, self.prefix).values()) + client.run_on_scheduler(count_known, self.prefix)
            except (TallyError, *LOST) as error:
                _LOG.warning("cluster not asked whether it let go", error=type(error).__name__)
                return
            if not held:
                return
            time.sleep(0.1)
        _LOG.warning("cluster still holds blocks of an attempt that is over", blocks=held)

    def _draw(self, function: Callable[[A], B], source: Iterator[A], waiting: deque[_Block]) -> None:
        out = sum(len(block.parcel.data) for block in waiting)
        while out < MOST_BYTES and len(waiting) < self.count * LOOK_AHEAD:
            argument = next(source, self)
            if argument is self:
                return
            block = _Block(f"{self.prefix}{next(self._numbers)}", pack_block(function, argument))
            out += len(block.parcel.data)
            waiting.append(block)
            self._submit(block)

    def _submit(self, block: _Block) -> bool:
        """See that a block is out; what cannot be sent now is sent when it is awaited."""
        try:
            client = self._cluster.client()
            if block.future is None or block.client is not client or block.future.cancelled():
                block.future, block.client = client.submit(run_block, block.parcel, key=block.name), client
        except LOST:
            block.future = None
            return False
        return True

    def _await(self, waiting: deque[_Block]) -> bytes:
        """Wait for the first block, through the loss of workers and of the scheduler."""
        lost_at: float | None = None
        while not self._over.is_set():
            missing = [block for block in waiting if not self._submit(block)]
            if not missing:
                data = _look(waiting[0])
                if data is not None:
                    return data
                if waiting[0].future is not None and self._cluster.count_threads():
                    lost_at = None
                    continue
            if lost_at is None:
                lost_at = time.monotonic()
                _LOG.warning("the cluster has no scheduler or no worker: work waits", seconds=self._cluster.patience_seconds)
            if time.monotonic() - lost_at > self._cluster.patience_seconds:
                raise _tell_lost(self._cluster.place, "has no worker, or does not answer", "waited")
            self._over.wait(_LOOK_SECONDS / 4)
        raise Dropped


def _look(block: _Block) -> bytes | None:
    """Give a block's result if it comes within a second; a block whose connection was lost has no future afterwards."""
    from distributed.scheduler import KilledWorker

    try:
        result: bytes = block.future.result(timeout=_LOOK_SECONDS)
    except TimeoutError:
        return None
    except KilledWorker as error:
        raise Broken(
            "internal",
            "a block of a job ended one worker of the agency's cluster after another",
            hint="its IT checks the workers' memory",
            detail="killed worker",
        ) from error
    except LOST:
        block.future = None
        return None
    return result


def _connect(place: ClusterPlace) -> Any:
    try:
        dask: Any = import_module("dask")
        distributed: Any = import_module("distributed")
    except ImportError as error:
        hint = "install it: pip install 'tallystick[cluster]'"
        raise NotReady("unavailable", "what speaks to a cluster is not installed", hint=hint, detail=str(error.name)) from error
    # blocks are large on purpose; the warning would stand in the log for each
    dask.config.set({"distributed.admin.large-graph-warning-threshold": "4GiB", "distributed.comm.require-encryption": True})
    security = distributed.Security(
        require_encryption=True,
        tls_ca_file=place.authority,
        tls_client_cert=place.certificate,
        tls_client_key=place.key,
        tls_min_version=ssl.TLSVersion.TLSv1_3,
    )
    return distributed.Client(
        place.address, security=security, timeout=CONNECT_SECONDS, set_as_default=False, name="tallystick"
    )


def _tell_lost(place: ClusterPlace, what: str, detail: str) -> NotReady:
    hint = "its IT starts the scheduler and workers, and checks the address and the certificates"
    return NotReady("cluster-lost", f"the agency's cluster at {place.address} {what}", hint=hint, detail=detail)
