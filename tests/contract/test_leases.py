"""Leases of replicas on a real PostgreSQL: one drives a job, its end frees it, and what an older lease writes does not count."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tallystick.coordinator.ports import LostLease
from tallystick.coordinator.records import FailureRecord
from tallystick.coordinator.server.peers import find_changes
from tallystick.coordinator.storage.hints import Hints
from tallystick.coordinator.storage.leases import SoleLeases, SqlLeases
from tallystick.coordinator.storage.postgresql import connection_parameters, read_address
from tallystick.coordinator.storage.sql import SqlStorage
from tallystick.core.errors import Refused
from tests.contract.test_coordinator_storage import a_job
from tests.postgres import Server, database_of, make_database, postgres

SHORT_S = 1.5
JOB = a_job().job
Open = Callable[[], sa.Engine]


@pytest.fixture(name="server", scope="module")
def running_server() -> Iterator[Server]:
    with postgres() as server:
        yield server


@pytest.fixture(name="open_")
def database(server: Server, tmp_path: Path) -> Open:
    """Give what opens a database with one job."""
    open_ = database_of(server, tmp_path)
    SqlStorage(open_()).add_job(a_job())
    return open_


def registered(open_: Open, name: str, seconds: float = 60.0, run: str | None = None) -> SqlLeases:
    leases = SqlLeases(open_(), name, run or name, seconds=seconds)
    leases.register()
    return leases


def test_one_replica_drives_a_job_until_it_gives_it_back(open_: Open) -> None:
    a, b = registered(open_, "a"), registered(open_, "b")
    assert a.take(JOB) == 1
    assert a.take(JOB) == 1
    assert b.take(JOB) is None
    b.give_back(JOB)  # not its own: nothing
    assert b.take(JOB) is None
    a.give_back(JOB)
    assert b.take(JOB) == 2
    assert a.take(JOB) is None
    assert a.take(bytes(32)) is None  # no such job


def test_of_many_at_once_one_takes_it(open_: Open) -> None:
    replicas = [registered(open_, f"r{n}") for n in range(5)]
    taken: list[int] = []
    start = threading.Barrier(5)

    def take(one: SqlLeases) -> None:
        start.wait()
        if (number := one.take(JOB)) is not None:
            taken.append(number)

    threads = [threading.Thread(target=take, args=(one,)) for one in replicas]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken == [1]


def test_a_lock_on_a_lease_is_not_waited_for(open_: Open) -> None:
    a, b = registered(open_, "a"), registered(open_, "b")
    assert a.take(JOB) == 1
    a.give_back(JOB)
    with open_().begin() as connection:
        connection.execute(sa.text("SELECT number FROM leases FOR UPDATE"))
        began = time.monotonic()
        assert b.take(JOB) is None
        assert time.monotonic() - began < 10  # the lock's own time limit is 30 seconds
    assert b.take(JOB) == 2


def test_what_a_dead_replica_left_is_taken_and_its_late_word_does_not_count(open_: Open) -> None:
    a, b = registered(open_, "a", SHORT_S), registered(open_, "b")
    storage = SqlStorage(open_())
    assert list(b.orphans()) == [JOB]  # nobody has driven it yet
    assert a.take(JOB) == 1
    assert list(b.orphans()) == []
    time.sleep(SHORT_S)
    assert list(b.orphans()) == [JOB]
    assert b.take(JOB) == 2
    record = storage.job(JOB)
    assert record is not None
    late = FailureRecord(1, "coordinator", "internal", "", "", retry=False)
    with pytest.raises(LostLease):
        storage.change(record, record, failures=[late], lease=1)
    assert storage.failures(JOB) == ()
    assert storage.job(JOB) == record
    changed = storage.change(record, record, lease=2)
    b.give_back(JOB)
    assert storage.change(changed, changed, lease=2).version == 3  # given back, and nobody has taken it
    assert list(b.orphans()) == []


def test_keeping_holds_what_is_held(open_: Open) -> None:
    a, b = registered(open_, "a", SHORT_S), registered(open_, "b")
    assert a.take(JOB) == 1
    for _ in range(4):
        time.sleep(SHORT_S / 2)
        a.keep()
    assert b.take(JOB) is None


def test_two_processes_of_one_name_are_told_apart(open_: Open) -> None:
    first = registered(open_, "a", SHORT_S)
    second = SqlLeases(open_(), "a", "another", seconds=SHORT_S)
    with pytest.raises(Refused, match=r"replica a of this coordinator.*second-process"):
        second.register()
    assert second.register(wait=5.0) == 2  # the first was not heard any more
    with pytest.raises(Refused, match="second-process"):
        first.keep()
    second.keep()
    second.leave()
    assert registered(open_, "a", run="third").take(JOB) == 1


def test_who_leaves_frees_its_jobs_at_once(open_: Open) -> None:
    a, b = registered(open_, "a"), registered(open_, "b")
    assert a.take(JOB) == 1
    a.leave()
    assert b.take(JOB) == 2


def test_a_coordinator_that_is_alone_has_every_job() -> None:
    sole = SoleLeases()
    assert sole.take(JOB) == 0
    sole.keep()
    sole.give_back(JOB)
    assert sole.orphans() == ()


def test_changes_of_others_are_heard_and_found_without_being_heard(server: Server, tmp_path: Path) -> None:
    address, password = make_database(server, tmp_path)
    parameters = connection_parameters(read_address(address), password=password, rootcert=None)
    mine, theirs = (SqlStorage(sa.create_engine("postgresql+psycopg://", connect_args=parameters)) for _ in range(2))
    mine.replica, theirs.replica = "1", "2"
    heard: list[bytes] = []
    woken = threading.Event()

    def hear(job: bytes) -> None:
        heard.append(job)
        woken.set()

    hints = Hints(parameters, "1", hear)
    hints.start()
    try:
        seen: dict[bytes, int] = {}
        assert find_changes(mine, seen) == []
        mine.add_job(a_job(2))  # its own: not told
        end = time.monotonic() + 30
        record = theirs.add_job(a_job())
        while not woken.wait(0.2):  # until the listener listens
            assert time.monotonic() < end
            record = theirs.change(record, record)
        assert set(heard) == {JOB}
    finally:
        hints.stop()
    assert {one.job for one in find_changes(mine, seen)} == {JOB, a_job(2).job}
    assert find_changes(mine, seen) == []
    record = theirs.change(record, record)
    assert find_changes(mine, seen) == [record]
    ended = theirs.change(record, record.__class__(**{**record.__dict__, "state": "failed", "ended": record.submitted}))
    assert find_changes(mine, seen) == [ended]
    assert find_changes(mine, seen) == []
