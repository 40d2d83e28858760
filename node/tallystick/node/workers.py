"""Processes for heavy work: what holds the interpreter's lock, and what parses bytes that others sent.

Children are started by a fork server (never a fork of this process: gRPC has threads in it), limited in memory, and may die without
taking the node with them.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import resource
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from typing import Final, Protocol, TypeVar

from tallystick.core.errors import Broken
from tallystick.crypto.workers import Workers

A = TypeVar("A")
B = TypeVar("B")

LOOK_AHEAD: Final = 2
"""Arguments drawn ahead, per worker: enough to keep them busy, few enough to keep memory flat."""
MEMORY_BYTES: Final = 4 << 30
"""Address space of a child. SEAL and numpy reserve far more of it than they use."""
CPU_SECONDS: Final = 24 * 3600


class AttemptWorkers(Workers, Protocol):
    """What works for one attempt of one job."""

    def forget(self) -> None:
        """Let go of everything of the attempt, wherever work was done; a `map` that still runs ends. May block for some seconds."""
        ...


class NodeWorkers(Protocol):
    """What works for all jobs of a node: processes of it (`ProcessWorkers`), or other machines (`cluster.ClusterWorkers`)."""

    def for_attempt(self, job: bytes, attempt: int) -> AttemptWorkers:
        """Give what works for one attempt of a job."""
        ...


class ProcessWorkers:
    """Implements `NodeWorkers` and `AttemptWorkers` with a pool that is started when it is first used."""

    def __init__(self, count: int = 0, *, memory_bytes: int = MEMORY_BYTES) -> None:
        """Take the number of processes; 0 takes one a core."""
        self._count = count or len(os.sched_getaffinity(0))
        self._memory = memory_bytes
        self._pool: ProcessPoolExecutor | None = None
        self._starting = threading.Lock()

    @property
    def count(self) -> int:
        """How many calls run at once."""
        return self._count

    far = False

    def for_attempt(self, job: bytes, attempt: int) -> ProcessWorkers:  # noqa: ARG002
        """Give the same processes for every attempt."""
        return self

    def forget(self) -> None:
        """Nothing stays by attempt: a task goes when its result is here."""

    def map(self, function: Callable[[A], B], arguments: Iterable[A]) -> Iterator[B]:
        """Yield function(argument) for each argument, in order; at most `LOOK_AHEAD` arguments a worker are drawn ahead.

        Raises:
            Broken: `internal`: a child died (out of memory, or killed). The next call has new children.
        """
        source = iter(arguments)
        waiting: deque[Future[B]] = deque()
        try:
            pool = self._start()
            waiting.extend(pool.submit(function, argument) for argument in itertools.islice(source, self._count * LOOK_AHEAD))
            while waiting:
                result = waiting.popleft().result()
                waiting.extend(pool.submit(function, argument) for argument in itertools.islice(source, 1))
                yield result
        except BrokenProcessPool as error:
            self.close()
            raise Broken(
                "internal",
                "a worker process of the agency's node died",
                hint="its IT checks the machine's memory",
                detail="pool broken",
            ) from error
        finally:
            for future in waiting:
                future.cancel()

    def make_ready(self, function: Callable[[], object]) -> None:
        """Start the children, and let each call a function, all in a thread; what fails there fails again when it matters."""

        def start() -> None:
            with suppress(BrokenProcessPool, RuntimeError):  # the latter where the pool was closed meanwhile
                pool = self._start()
                for _ in range(self._count):
                    pool.submit(function)

        threading.Thread(target=start, name="make-ready", daemon=True).start()

    def close(self) -> None:
        """End the children; what they still do is dropped."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)

    def _start(self) -> ProcessPoolExecutor:
        with self._starting:
            if self._pool is None:
                self._pool = ProcessPoolExecutor(
                    self._count, multiprocessing.get_context("forkserver"), initializer=_begin, initargs=(self._memory,)
                )
            return self._pool


def _begin(memory_bytes: int) -> None:
    """Bound what this child may take, and how long it lives: what it works on is secret, so it must not outlive a killed node."""
    threading.Thread(target=_end_with_node, name="end-with-node", daemon=True).start()
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _end_with_node() -> None:
    """End this process when the node's is gone. A node that is killed has no chance to say so; its pipe to us closes."""
    node = multiprocessing.parent_process()
    assert node is not None
    node.join()
    os._exit(1)
