"""The one thread that keeps a node's state, and the event loop that never waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tallystick.core.errors import Broken
from tallystick.node.ports import NodeStorage
from tallystick.node.storage.memory import MemoryNodeStorage
from tallystick.node.storage.sqlite import SqliteStorage
from tallystick.node.store import Store
from tests.governance import NOW


def test_everything_runs_on_one_thread_that_is_no_callers() -> None:
    threads: list[int] = []

    def seen(_: NodeStorage) -> None:
        threads.append(threading.get_ident())

    def opened() -> NodeStorage:
        threads.append(threading.get_ident())
        return MemoryNodeStorage()

    store = Store(opened)
    store.submit(seen).result()
    asyncio.run(store.run(seen))
    with ThreadPoolExecutor(1) as other:
        other.submit(lambda: store.submit(seen).result()).result()
    store.close()
    assert len(threads) == 4
    assert len(set(threads) - {threading.get_ident()}) == 1


def test_calls_from_the_loop_and_from_threads_are_made_in_the_order_in_which_they_came() -> None:
    store, go = Store(MemoryNodeStorage), threading.Event()

    async def run() -> None:
        store.submit(lambda _: go.wait(10))
        first = asyncio.ensure_future(store.run(lambda storage: storage.log("1", NOW).number))
        await asyncio.sleep(0)
        second = asyncio.ensure_future(asyncio.to_thread(store.blocking.log, "2", NOW))
        while store._thread._work_queue.qsize() < 2:  # noqa: ASYNC110 - until it is queued
            await asyncio.sleep(0.001)
        third = asyncio.ensure_future(store.run(lambda storage: storage.log("3", NOW).number))
        await asyncio.sleep(0.01)
        assert not first.done()  # the loop goes on while the store is busy
        go.set()
        assert (await first, (await second).number, await third) == (1, 2, 3)

    asyncio.run(run())
    store.close()


def test_a_call_that_waits_is_refused_on_the_event_loop_and_in_the_stores_own_thread() -> None:
    store = Store(MemoryNodeStorage)

    async def run() -> None:
        with pytest.raises(RuntimeError, match="the event loop waits"):
            store.blocking.list_unended()
        assert await asyncio.to_thread(store.blocking.list_unended) == []

    asyncio.run(run())
    with pytest.raises(RuntimeError, match="waits for itself"):
        store.submit(lambda _: store.blocking.list_unended()).result(10)
    store.close()


def test_what_was_given_up_before_it_began_is_not_made_and_what_began_is_finished() -> None:
    store, begun, go = Store(MemoryNodeStorage), threading.Event(), threading.Event()

    def slow(storage: NodeStorage) -> None:
        begun.set()
        go.wait(10)
        storage.log("finished", NOW)

    async def run() -> None:
        started = asyncio.ensure_future(store.run(slow))
        await asyncio.to_thread(begun.wait, 10)
        never = asyncio.ensure_future(store.run(lambda storage: storage.log("never", NOW)))
        await asyncio.sleep(0)
        for task in (started, never):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        go.set()

    asyncio.run(run())
    assert [b'"finished"' in event.entry for event in store.blocking.events()] == [True]
    store.close()


def test_closing_finishes_what_is_queued_and_refuses_what_comes_later(tmp_path: Path) -> None:
    store = Store(lambda: SqliteStorage(tmp_path / "node.db"))
    queued: list[Future[int]] = [store.submit(lambda storage: storage.log("x", NOW).number) for _ in range(5)]
    store.close()
    store.close()
    assert [one.result(0) for one in queued] == [1, 2, 3, 4, 5]
    with pytest.raises(RuntimeError):
        store.blocking.events()


def test_a_store_that_cannot_be_opened_leaves_no_thread(tmp_path: Path) -> None:
    (tmp_path / "node.db").write_bytes(b"not a database, and long enough to be one" * 100)
    before = threading.active_count()
    with pytest.raises(Broken) as caught:
        Store(lambda: SqliteStorage(tmp_path / "node.db"))
    assert caught.value.code == "state-corrupt"
    assert threading.active_count() == before
