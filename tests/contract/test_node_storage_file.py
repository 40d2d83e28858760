"""A node's state in its file: after kills and damage, on a full disk, of versions before; and what its queries read."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tallystick.core.errors import Broken, Invalid, Refused
from tallystick.node.ports import Note
from tallystick.node.storage import sqlite
from tallystick.node.storage.sqlite import SqliteStorage
from tests.contract.test_node_storage import JOB, NOW, OTHER, kept, record


def test_sqlite_survives_being_opened_again(tmp_path: Path) -> None:
    first = SqliteStorage(tmp_path / "node.db")
    secret = first.secret()
    first.keep_share(JOB, 1, b"share")
    first.log("x", NOW)
    # no close: as if the process had been killed
    second = SqliteStorage(tmp_path / "node.db")
    assert second.secret() == secret
    assert second.keep_share(JOB, 1, b"another") == b"share"
    assert second.log("y", NOW).number == 2
    assert (tmp_path / "node.db").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE event SET entry = x'7b7d' WHERE number = 2", "DELETE FROM event WHERE number = 2",
        "UPDATE event SET chain = zeroblob(32) WHERE number = 1", "UPDATE event SET number = number + 10 WHERE number = 3",
    ],
)  # fmt: skip
def test_a_changed_log_is_found(tmp_path: Path, damage: str) -> None:
    storage = SqliteStorage(tmp_path / "node.db")
    for _ in range(3):
        storage.log("x", NOW)
    database = sqlite3.connect(tmp_path / "node.db")
    database.execute(damage)
    database.commit()
    with pytest.raises(Broken) as caught:
        storage.events()
    assert caught.value.code == "state-corrupt"


def test_s36_a_full_disk_refuses_and_keeps_what_was(tmp_path: Path) -> None:
    storage = SqliteStorage(tmp_path / "node.db")
    storage.keep_share(JOB, 1, b"share")
    pages = storage._database.execute("PRAGMA page_count").fetchone()[0]
    storage._database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(Broken) as caught:
        storage.keep_share(JOB, 2, bytes(1_000_000))
    assert caught.value.code == "disk"
    assert storage.share(JOB, 1) == b"share"
    assert storage.share(JOB, 2) is None


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "node.db").write_bytes(b"not a database, and long enough to be one" * 100)
    with pytest.raises(Broken) as caught:
        SqliteStorage(tmp_path / "node.db")
    assert caught.value.code == "state-corrupt"


def test_nothing_of_a_forgotten_table_stays_in_the_files(tmp_path: Path) -> None:
    store = SqliteStorage(tmp_path / "node.db")
    table = b'{"rows":[{"count":' + b"4711" * 5000 + b"}]}"
    kept(store, JOB, "one", table)

    def written() -> bytes:
        return b"".join(path.read_bytes() for path in tmp_path.iterdir())

    assert b"4711" in written()
    store.forget_table(JOB)
    assert b"4711" not in written()
    store.close()


JOB_BEFORE_5 = "CREATE TABLE job (job TEXT PRIMARY KEY, seen TEXT NOT NULL, record TEXT NOT NULL) STRICT"


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_a_state_of_a_version_before_is_brought_up(tmp_path: Path, version: int) -> None:
    path = tmp_path / "node.db"
    store = SqliteStorage(path)
    waiting = record("12" * 32, awaits="approve", verdict="ask", seen=NOW - timedelta(seconds=1))
    ended = record("34" * 32, state="failed", attempt=3)
    for kept_before in (record(), waiting, ended):
        store.add_job(kept_before)
    secret = store.secret()
    store.close()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE job RENAME TO job_after")
        connection.execute(JOB_BEFORE_5)
        connection.execute("INSERT INTO job SELECT job, seen, record FROM job_after")
        connection.execute("DROP TABLE job_after")
        if version < 4:
            connection.execute("DROP TABLE shown")
            connection.execute("DROP TABLE opening")
        if version in {2, 3}:
            connection.execute("CREATE TABLE shown (job TEXT PRIMARY KEY, family TEXT NOT NULL, shown BLOB NOT NULL) STRICT")
            connection.execute("INSERT INTO shown VALUES (?, 'one', x'6f6c64')", (OTHER,))
        if version == 3:
            connection.execute("ALTER TABLE shown ADD COLUMN agreement TEXT NOT NULL DEFAULT ''")
            connection.execute("ALTER TABLE shown ADD COLUMN until TEXT NOT NULL DEFAULT '9999-12-31T23:59:59Z'")
        connection.execute(f"PRAGMA user_version = {version}")
        connection.commit()
    store = SqliteStorage(path)
    assert (store.secret(), store.job(JOB)) == (secret, record())
    assert (list(store.awaiting()), list(store.list_unended())) == ([waiting], [waiting.job, JOB])
    assert store.count_jobs() == {"submitted": 2, "failed": 1}
    assert store.change_job(waiting, replace(waiting, awaits="")).version == 1
    with pytest.raises(Invalid, match="job-state"):
        store.change_job(ended, replace(ended, state="running"))
    kept(store, JOB, "one", b"table")
    old = [b"old"] if version in {2, 3} else []
    assert list(store.tables("one", but="")) == [b"table", *old]
    assert store.opening(OTHER) == (0 if old else None)  # which attempt's shares were opened, nobody wrote down
    if old:
        with pytest.raises(Refused, match="attempt-opened"):
            store.begin_opening(OTHER, 2)
        with pytest.raises(Broken, match="attempts-differ"):
            kept(store, OTHER, "one", b"other")
    # until when the older one is kept, nobody said
    assert list(store.tables_due(NOW + timedelta(days=36_500))) == [(JOB, "county")]
    store.close()


@pytest.mark.parametrize(
    ("query", "given", "index"),
    [
        (sqlite._JOBS_UNENDED, (sqlite._UNENDED,), "job_state"), (sqlite._JOBS_AWAITING, ("", "", 1), "job_awaits"),
        (sqlite._JOBS_NAMED, ("a", "ag", 1), "sqlite_autoindex_job_1"), (sqlite._JOBS_COUNTED, (), "job_state"),
    ],
)  # fmt: skip
def test_narrow_queries_use_an_index_and_read_no_other_jobs(
    tmp_path: Path, query: str, given: tuple[object, ...], index: str
) -> None:
    SqliteStorage(tmp_path / "node.db").close()
    with contextlib.closing(sqlite3.connect(tmp_path / "node.db")) as database:
        plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {query}", given)]
    steps = [step for step in plan if " job" in step]
    assert len(steps) == 1
    assert f"INDEX {index}" in steps[0]
    if query != sqlite._JOBS_COUNTED:
        assert steps[0].startswith("SEARCH")


WRITER = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from tallystick.node.changes import KeptChange, decide_job
from tallystick.node.ports import KeptJob, Note
from tallystick.node.storage.sqlite import SqliteStorage
from tallystick.node.store import Store
from dataclasses import replace

now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
store = Store(lambda: SqliteStorage(Path(sys.argv[1])))
storage = store.blocking
storage.add_job(KeptJob("ab" * 32, b"document", now))
while True:
    kept = decide_job(storage, "ab" * 32, lambda kept: KeptChange(replace(kept, reasons=(str(kept.version + 1),)), Note("x", now)))
    os.write(1, f"{kept.version}\\n".encode())
"""


def test_s34_what_was_answered_is_there_after_a_kill(tmp_path: Path) -> None:
    """The process is killed while it writes: every change it has told of is kept, with its entry in the log, and no half of one."""
    path = tmp_path / "node.db"
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        told = [int(writer.stdout.readline()) for _ in range(20)]
        writer.kill()
        told += [int(line) for line in writer.stdout.read().split(b"\n")[:-1]]
    store = SqliteStorage(path)
    kept_job = store.job(JOB)
    assert kept_job is not None
    assert kept_job.version in {told[-1], told[-1] + 1}  # the last one may be kept and not told of
    assert kept_job.reasons == (str(kept_job.version),)
    assert len(store.events()) == kept_job.version
    store.close()


def test_another_thread_than_the_one_that_opened_the_file_is_refused(tmp_path: Path) -> None:
    store = SqliteStorage(tmp_path / "node.db")
    with ThreadPoolExecutor(1) as other, pytest.raises(sqlite3.ProgrammingError):
        other.submit(store.secret).result()
    store.close()


def test_s29_a_change_whose_entry_in_the_log_cannot_be_written_is_not_kept(tmp_path: Path) -> None:
    storage = SqliteStorage(tmp_path / "node.db")
    read = storage.add_job(record(), Note("asks", NOW))
    storage._database.execute("CREATE TRIGGER full BEFORE INSERT ON event BEGIN SELECT RAISE(ABORT, 'full'); END")
    with pytest.raises(Broken):
        storage.change_job(read, replace(read, decision="approve"), Note("approved", NOW))
    with pytest.raises(Broken):
        storage.add_job(record(OTHER), Note("approved", NOW))
    assert (storage.job(JOB), storage.job(OTHER), len(storage.events())) == (read, None, 1)
    storage.close()
