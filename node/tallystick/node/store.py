"""The one thread that keeps a node's state: every call of `NodeStorage` runs there, so that all of them are in one order.

Rules that this file enforces:

1. The thread opens the store, calls it and closes it; nothing else has hold of it.
2. The event loop never waits for the disk: a coroutine awaits `Store.run`. Threads (a session's steps, decisions) wait at
   `Store.blocking`, in the same queue; a call of it on the event loop is refused.
3. A call that has begun is finished, whoever has stopped waiting for it; a call that was given up before it began is not made.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import TypeVar

from tallystick.core.canonical import Json
from tallystick.node.entries import Event, OwnHead, PeerHead
from tallystick.node.ports import KeptJob, NodeStorage, Note
from tallystick.node.waiting_requests import WaitingRequests

T = TypeVar("T")


class Store:
    """See the module's rules."""

    def __init__(self, opener: Callable[[], NodeStorage]) -> None:
        """Start the thread and let it open the store; waits until that is done.

        Raises:
            What `opener` raises: then there is no thread.
        """
        self._thread = ThreadPoolExecutor(1, "store")
        try:
            self._storage = self._thread.submit(opener).result()
        except BaseException:
            self._thread.shutdown()
            raise
        self.blocking: NodeStorage = _Waiting(self, self._thread.submit(threading.get_ident).result())

    def submit(self, call: Callable[[NodeStorage], T]) -> Future[T]:
        """Queue a call; give what it will have given. What the call itself asks of the store has nobody in between."""
        return self._thread.submit(call, self._storage)

    async def run(self, call: Callable[[NodeStorage], T]) -> T:
        """Call, and give what the call gives, while the event loop goes on.

        Raises:
            What the call raises.
        """
        return await asyncio.wrap_future(self.submit(call))

    def close(self) -> None:
        """Finish what is queued, then let go of files; waits for it. Later calls are refused. Twice is as once."""
        try:
            closing = self.submit(lambda storage: storage.close())
        except RuntimeError:  # closed before
            return
        self._thread.shutdown()
        closing.result()


class _Waiting(WaitingRequests):
    """Implements `NodeStorage` for threads: each method waits for its turn and its end."""

    def __init__(self, store: Store, thread: int) -> None:
        self._store = store
        self._thread = thread

    def _call(self, call: Callable[[NodeStorage], T]) -> T:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            if threading.get_ident() == self._thread:
                raise RuntimeError("the store's thread waits for itself") from None
            return self._store.submit(call).result()
        raise RuntimeError("the event loop waits for the store: await Store.run")

    def find_restored(self) -> datetime | None:
        """Give when this agency went on from a restored state last."""
        return self._call(lambda storage: storage.find_restored())

    def secret(self) -> bytes:
        """Give the node's secret."""
        return self._call(lambda storage: storage.secret())

    def newest_agreement(self, name: str) -> tuple[int, str] | None:
        """Find version and digest of the newest accepted agreement of that name."""
        return self._call(lambda storage: storage.newest_agreement(name))

    def see_agreement(self, name: str, version: int, digest: str) -> None:
        """Remember an accepted agreement."""
        self._call(lambda storage: storage.see_agreement(name, version, digest))

    def job(self, job: str) -> KeptJob | None:
        """Give what is kept of a job."""
        return self._call(lambda storage: storage.job(job))

    def list_unended(self) -> Sequence[str]:
        """List the jobs that have not ended."""
        return self._call(lambda storage: storage.list_unended())

    def awaiting(self, after: KeptJob | None = None, limit: int = 100) -> Sequence[KeptJob]:
        """Give jobs that wait for a decision."""
        return self._call(lambda storage: storage.awaiting(after, limit))

    def find_jobs(self, prefix: str, limit: int = 100) -> Sequence[str]:
        """Find the digests that begin so."""
        return self._call(lambda storage: storage.find_jobs(prefix, limit))

    def list_versions(self, limit: int) -> Mapping[str, int]:
        """Give the newest jobs and their versions."""
        return self._call(lambda storage: storage.list_versions(limit))

    def count_jobs(self) -> Mapping[str, int]:
        """Count jobs by state."""
        return self._call(lambda storage: storage.count_jobs())

    def add_job(self, record: KeptJob, note: Note | None = None) -> KeptJob:
        """Keep a new job."""
        return self._call(lambda storage: storage.add_job(record, note))

    def change_job(self, before: KeptJob, after: KeptJob, note: Note | None = None) -> KeptJob:
        """Change a job."""
        return self._call(lambda storage: storage.change_job(before, after, note))

    def pin_table(self, job: str, fingerprint: bytes) -> None:
        """Remember which table a job is answered from."""
        self._call(lambda storage: storage.pin_table(job, fingerprint))

    def keep_share(self, job: str, attempt: int, share: bytes) -> bytes:
        """Keep a share; give what was kept first."""
        return self._call(lambda storage: storage.keep_share(job, attempt, share))

    def share(self, job: str, attempt: int) -> bytes | None:
        """Give a kept share."""
        return self._call(lambda storage: storage.share(job, attempt))

    def keep_result(self, job: str, attempt: int, sealed: bytes) -> bytes:
        """Keep a sealed result; give what was kept first."""
        return self._call(lambda storage: storage.keep_result(job, attempt, sealed))

    def result(self, job: str, attempt: int) -> bytes | None:
        """Give a kept result."""
        return self._call(lambda storage: storage.result(job, attempt))

    def begin_opening(self, job: str, attempt: int) -> None:
        """Note that an attempt's shares are opened."""
        self._call(lambda storage: storage.begin_opening(job, attempt))

    def opening(self, job: str) -> int | None:
        """Give the attempt whose shares were opened."""
        return self._call(lambda storage: storage.opening(job))

    def keep_table(
        self, job: str, attempt: int, family: str, table: bytes, *, numbers: bytes, agreement: str, until: datetime
    ) -> None:
        """Keep what an attempt's result shows."""
        self._call(
            lambda storage: storage.keep_table(job, attempt, family, table, numbers=numbers, agreement=agreement, until=until)
        )

    def tables(self, family: str, *, but: str) -> Sequence[bytes | None]:
        """Give what was kept of a family."""
        return self._call(lambda storage: storage.tables(family, but=but))

    def extend_tables(self, agreement: str, until: datetime) -> None:
        """Keep tables longer."""
        self._call(lambda storage: storage.extend_tables(agreement, until))

    def tables_due(self, now: datetime) -> Sequence[tuple[str, str]]:
        """Give the tables whose time is over."""
        return self._call(lambda storage: storage.tables_due(now))

    def forget_table(self, job: str) -> None:
        """Delete a table."""
        self._call(lambda storage: storage.forget_table(job))

    def log(self, event: str, now: datetime, job: str = "", **details: Json) -> Event:
        """Append to the log."""
        return self._call(lambda storage: storage.log(event, now, job, **details))

    def events(self, after: int = 0, limit: int = 1000) -> Sequence[Event]:
        """Give entries of the log."""
        return self._call(lambda storage: storage.events(after, limit))

    def log_head(self) -> OwnHead:
        """Work out the head of the log."""
        return self._call(lambda storage: storage.log_head())

    def keep_head(self, head: PeerHead) -> bool:
        """Keep another agency's head."""
        return self._call(lambda storage: storage.keep_head(head))

    def heads(self, after: int = 0, limit: int = 1000) -> Sequence[PeerHead]:
        """List others' heads."""
        return self._call(lambda storage: storage.heads(after, limit))

    def find_head(self, agency: str) -> PeerHead | None:
        """Find an agency's last head."""
        return self._call(lambda storage: storage.find_head(agency))

    def close(self) -> None:
        """Close the store."""
        self._store.close()
