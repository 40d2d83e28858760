"""A coordinator that starts and stops under load: when it is closed, no thread of it works on and no connection to its database is open."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tallystick.core.errors import NotReady, TallyError
from tests.town import Town, member

ROUNDS = 5
CALLERS = 6


@contextmanager
def counted() -> Iterator[set[int]]:
    """Give the connections of drivers that are open, by identity."""
    open_: dict[int, Any] = {}  # keeps them alive, so that no identity is used twice

    def connected(connection: Any, _: Any) -> None:
        open_[id(connection)] = connection

    def closed(connection: Any, _: Any) -> None:
        open_.pop(id(connection), None)

    sa.event.listen(sa.pool.Pool, "connect", connected)
    sa.event.listen(sa.pool.Pool, "close", closed)
    try:
        yield open_.keys()  # type: ignore[misc]  # a view: what is open when it is looked at
    finally:
        sa.event.remove(sa.pool.Pool, "connect", connected)
        sa.event.remove(sa.pool.Pool, "close", closed)


class Callers:
    """Threads that ask and submit without a pause until they are refused because the coordinator is closed."""

    def __init__(self, town: Town) -> None:
        self.refused: list[str] = []
        self.calls = 0
        self._town = town
        self._threads = [threading.Thread(target=self._call, args=(number,)) for number in range(CALLERS)]
        for thread in self._threads:
            thread.start()

    def _call(self, number: int) -> None:
        jobs, storage, driver = self._town.at.jobs, self._town.at.storage, self._town.at.driver
        while True:
            try:
                self.calls += 1
                storage.note_connected([f"party{number}"], self._town.clock.now())
                jobs.of(member("ana"), ended=True)
                driver.advance(self._town.digest)
            except TallyError as error:
                self.refused.append(error.code)
                return

    def join(self) -> None:
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()


def test_it_starts_and_stops_under_load_and_leaves_nothing_open(tmp_path: Path) -> None:
    town = Town(tmp_path, config={"limits": {"open_jobs": 1000}})
    with counted() as connections:
        for round_ in range(ROUNDS):
            at = town.restarted()

            async def run(number: int) -> Callers:
                await town.at.server.start("127.0.0.1:0")
                callers = Callers(town)
                for nonce in range(4):
                    job = town.new_job(number * 10 + nonce)
                    await asyncio.to_thread(town.at.jobs.submit, member("ana"), town.document(job))
                    town.at.jobs.cancel(member("ana"), bytes.fromhex(job.digest()))
                await town.at.server.stop()
                drivers = [thread.name for thread in threading.enumerate() if thread.name.startswith("driver")]
                assert drivers == []
                return callers

            callers = asyncio.run(run(round_))
            at.close()
            assert not connections
            callers.join()
            assert callers.refused == ["unavailable"] * CALLERS
            assert callers.calls >= CALLERS
            with pytest.raises(NotReady, match="unavailable"):
                at.storage.jobs(ended=True)
            at.close()  # again: nothing
    assert not connections


def test_closing_waits_for_a_transaction_of_another_thread(tmp_path: Path) -> None:
    town = Town(tmp_path)
    storage: Any = town.at.storage
    began, go_on, closed = threading.Event(), threading.Event(), threading.Event()

    def use() -> None:
        with storage._reads() as connection:
            began.set()
            assert go_on.wait(30)
            assert connection.exec_driver_sql("SELECT 1").scalar_one() == 1

    user = threading.Thread(target=use)
    user.start()
    assert began.wait(30)

    def close() -> None:
        storage.close()
        closed.set()

    closing = threading.Thread(target=close)
    closing.start()
    assert not closed.wait(0.2)
    go_on.set()
    assert closed.wait(30)
    user.join()
    closing.join()
