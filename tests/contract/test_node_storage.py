"""One suite for every store of a node's state."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tallystick.core.errors import Broken, Invalid, Refused
from tallystick.node.changes import Change, decide_job
from tallystick.node.ports import KeptJob, Note, Stale, Storage
from tallystick.node.storage import sqlite
from tallystick.node.storage.memory import MemoryStorage
from tallystick.node.storage.sqlite import SqliteStorage
from tallystick.node.store import Store

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
JOB = "ab" * 32
OTHER = "cd" * 32


@pytest.fixture(params=["memory", "sqlite"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Storage]:
    return MemoryStorage if request.param == "memory" else lambda: SqliteStorage(tmp_path / "node.db")


@pytest.fixture(params=["alone", "in its thread"])
def storage(request: pytest.FixtureRequest, opener: Callable[[], Storage]) -> Iterator[Storage]:
    """A store, as a command opens it and as a node's threads reach it."""
    store = opener() if request.param == "alone" else Store(opener).blocking
    yield store
    store.close()


def record(job: str = JOB, **change: object) -> KeptJob:
    return replace(KeptJob(job, b"document", NOW), **change)  # type: ignore[arg-type]  # any field


def test_secret_is_drawn_once(storage: Storage) -> None:
    assert len(storage.secret()) == 32
    assert storage.secret() == storage.secret()


def test_agreements_only_grow(storage: Storage) -> None:
    assert storage.agreement_seen("county") is None
    storage.see_agreement("county", 2, "22")
    storage.see_agreement("county", 1, "11")
    storage.see_agreement("county", 2, "other")
    assert storage.agreement_seen("county") == (2, "22")
    storage.see_agreement("county", 3, "33")
    assert storage.agreement_seen("county") == (3, "33")


def test_jobs_come_back_as_they_were_kept(storage: Storage) -> None:
    full = record(
        state="running", attempt=2, awaits="release", verdict="ask", reasons=("dataset a", "column b"), decision="approve",
        deposits=(b"\x00\xff", b""), desk="approve", candidate=b"{}", candidate_attempt=2, reason_class="policy",
    )  # fmt: skip
    assert storage.add_job(full) == full
    assert storage.job(JOB) == full
    assert storage.job("00" * 32) is None
    changed = storage.change_job(full, replace(full, state="released", candidate=None))
    assert changed == replace(full, state="released", candidate=None, version=1)
    assert storage.job(JOB) == changed


def test_a_job_is_added_once(storage: Storage) -> None:
    first = storage.add_job(record(verdict="auto"), Note("approved", NOW, {"by": "policy"}))
    assert storage.add_job(record(verdict="never"), Note("refused", NOW)) == first
    assert storage.job(JOB) == first
    assert [b'"approved"' in event.entry for event in storage.events()] == [True]


def test_a_change_is_of_what_was_read_or_stale(storage: Storage) -> None:
    """Of two that read the same job, the second to write hears that another came between, and nothing of it is kept or noted."""
    with pytest.raises(Invalid, match="job-unknown"):
        storage.change_job(record(), record(verdict="auto"), Note("approved", NOW))
    read = storage.add_job(record())
    changed = storage.change_job(read, replace(read, verdict="ask", awaits="approve"), Note("asks", NOW))
    assert (read.version, changed.version) == (0, 1)
    for late in (replace(read, verdict="auto"), replace(read, state="failed"), replace(read, attempt=3), read):
        with pytest.raises(Stale):
            storage.change_job(read, late, Note("late", NOW))
    assert storage.job(JOB) == changed
    again = storage.change_job(changed, replace(changed, awaits="", version=99), Note("approved", NOW))
    assert again.version == 2
    assert [json.loads(event.entry)["event"] for event in storage.events()] == ["asks", "approved"]


@pytest.mark.parametrize("end", ["released", "refused", "cancelled", "failed", "expired"])
def test_s41_a_job_that_ended_stays_as_it_ended(storage: Storage, end: str) -> None:
    """A change that comes late, from a thread that read the job before its end or after, brings nothing back; nor does anything new leave."""
    read = storage.add_job(record(state="running", attempt=2, candidate=b"{}", candidate_attempt=2, awaits="release"))
    assert storage.keep_share(JOB, 2, b"share") == b"share"
    ended = storage.change_job(read, replace(read, state=end, candidate=None, awaits=""))
    for later in (read, replace(read, attempt=3), replace(read, state="released"), replace(read, state="failed")):
        with pytest.raises(Stale):
            storage.change_job(read, later)
        with pytest.raises(Invalid, match="job-state"):
            storage.change_job(ended, later)
        assert storage.add_job(later) == ended
    assert decide_job(storage, JOB, lambda _: None) == ended
    with pytest.raises(Invalid, match="job-state"):
        decide_job(storage, JOB, lambda kept: Change(replace(kept, state="running"), Note("again", NOW)))
    assert storage.job(JOB) == ended
    assert list(storage.events()) == []
    for attempt in (1, 2, 3):
        for keep in (
            lambda at: storage.keep_share(JOB, at, b"other"),
            lambda at: storage.keep_result(JOB, at, b"other"),
            lambda at: storage.begin_opening(JOB, at),
        ):
            with pytest.raises(Invalid, match="job-state"):
                keep(attempt)
    assert (storage.share(JOB, 3), storage.result(JOB, 3), storage.opening(JOB)) == (None, None, None)
    assert storage.share(JOB, 2) == b"share"


def test_s41_attempts_only_grow(storage: Storage) -> None:
    kept = storage.add_job(record(state="running", attempt=2))
    with pytest.raises(Invalid, match="job-state"):
        storage.change_job(kept, replace(kept, attempt=1, verdict="auto"))
    assert storage.job(JOB) == kept
    with pytest.raises(Invalid, match="job-state"):
        storage.keep_share(JOB, 1, b"late")
    with pytest.raises(Invalid, match="job-state"):
        storage.begin_opening(JOB, 1)
    assert storage.change_job(kept, replace(kept, attempt=3)).attempt == 3


def test_a_decision_is_made_again_when_another_change_came_between(storage: Storage) -> None:
    storage.add_job(record())
    decided: list[KeptJob] = []

    def decide(kept: KeptJob) -> Change:
        decided.append(kept)
        if len(decided) < 3:  # somebody else, between reading and writing
            storage.change_job(kept, replace(kept, reasons=(*kept.reasons, str(len(decided)))))
        return Change(replace(kept, verdict="auto"), Note("approved", NOW))

    made = decide_job(storage, JOB, decide)
    assert (made.reasons, made.verdict, made.version) == (("1", "2"), "auto", 3)
    assert [kept.version for kept in decided] == [0, 1, 2]
    assert len(storage.events()) == 1

    def fails(_: KeptJob) -> Change:
        raise Refused("disk", "no")

    with pytest.raises(Refused):
        decide_job(storage, JOB, fails)
    with pytest.raises(Invalid, match="job-unknown"):
        decide_job(storage, OTHER, decide)
    assert storage.job(JOB) == made


def test_writers_in_many_threads_lose_no_change(opener: Callable[[], Storage]) -> None:
    store = Store(opener)
    storage = store.blocking
    storage.add_job(record())

    def add() -> None:
        for _ in range(25):
            decide_job(storage, JOB, lambda kept: Change(replace(kept, reasons=(*kept.reasons, "x")), Note("x", NOW)))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = storage.job(JOB)
    assert kept is not None
    assert (len(kept.reasons), kept.version) == (100, 100)
    assert [event.number for event in storage.events()] == list(range(1, 101))
    store.close()


def test_few_jobs_are_found_without_reading_all(storage: Storage) -> None:
    """The unended in the order in which they came, those that wait page by page, and names by their first digits."""
    states = ["submitted", "released", "running", "failed", "releasing", "approving"]
    records = [
        storage.add_job(
            record(f"{number:02x}" * 32, seen=NOW - timedelta(days=number // 2), state=states[number % 6],
                   awaits=("", "approve", "release")[number % 3])
        )
        for number in range(24)
    ]  # fmt: skip
    in_order = sorted(records, key=lambda kept: (kept.seen, kept.job))
    assert list(storage.unended()) == [kept.job for kept in in_order if kept.state not in {"released", "failed"}]
    assert storage.count_jobs() == dict.fromkeys(states, 4)
    waiting = [kept for kept in in_order if kept.awaits]
    assert list(storage.awaiting()) == waiting
    pages: list[KeptJob] = []
    last: KeptJob | None = None
    while page := storage.awaiting(last, 5):
        pages += page
        last = page[-1]
        if len(pages) == 5:  # decided while the list is read: what follows is still given, once
            storage.change_job(last, replace(last, awaits=""))
    assert pages == waiting
    assert list(storage.named("0")) == [f"{number:02x}" * 32 for number in range(16)]
    assert list(storage.named("0", 2)) == ["00" * 32, "01" * 32]
    assert (list(storage.named("17" * 32)), list(storage.named("f"))) == (["17" * 32], [])
    changed = storage.change_job(records[0], replace(records[0], state="expired"))
    assert changed.job not in storage.unended()


def test_s41_shares_of_one_attempt_are_opened_and_of_no_other(storage: Storage) -> None:
    assert storage.opening(JOB) is None
    storage.begin_opening(JOB, 2)
    storage.begin_opening(JOB, 2)
    assert storage.opening(JOB) == 2
    for other in (1, 3):
        with pytest.raises(Refused, match="attempt-opened"):
            storage.begin_opening(JOB, other)
    assert (storage.opening(JOB), storage.opening(OTHER)) == (2, None)


def test_s41_tables_of_two_attempts_rest_on_the_same_numbers(storage: Storage) -> None:
    until = NOW + timedelta(days=1)
    storage.keep_table(JOB, 1, "one", b"first", numbers=b"n", agreement="county", until=until)
    storage.keep_table(JOB, 2, "one", b"second", numbers=b"n", agreement="county", until=until)
    assert list(storage.tables("one", but="")) == [b"first", b"second"]
    assert list(storage.tables("one", but=JOB)) == []
    for attempt in (1, 3):
        with pytest.raises(Broken, match="attempts-differ"):
            storage.keep_table(JOB, attempt, "one", b"third", numbers=b"m", agreement="county", until=until)
    assert list(storage.tables("one", but="")) == [b"first", b"second"]
    storage.keep_table(OTHER, 1, "one", b"else", numbers=b"m", agreement="county", until=until)
    assert list(storage.tables_due(until)) == [(JOB, "county"), (OTHER, "county")]
    storage.forget_table(JOB)
    assert list(storage.tables("one", but="")) == [None, None, b"else"]


def test_s18_the_first_share_is_the_only_one(storage: Storage) -> None:
    assert storage.share(JOB, 1) is None
    answers = {storage.keep_share(JOB, 1, share) for share in (b"first", b"second", b"", b"first")}
    assert answers == {b"first"}
    assert storage.share(JOB, 1) == b"first"
    assert storage.keep_share(JOB, 2, b"second") == b"second"


def test_the_first_result_is_the_only_one(storage: Storage) -> None:
    assert storage.result(JOB, 1) is None
    assert storage.keep_result(JOB, 1, b"one") == b"one"
    assert storage.keep_result(JOB, 1, b"two") == b"one"
    assert storage.result(JOB, 1) == b"one"


def test_s18_after_a_share_the_records_may_not_change(storage: Storage) -> None:
    storage.pin_table(JOB, b"a")
    storage.pin_table(JOB, b"b")  # nothing has left yet
    storage.keep_share(JOB, 1, b"share")
    storage.pin_table(JOB, b"b")
    with pytest.raises(Refused) as caught:
        storage.pin_table(JOB, b"c")
    assert caught.value.code == "source-changed"
    storage.pin_table(OTHER, b"c")


def test_log_is_numbered_and_chained(storage: Storage) -> None:
    made = [storage.log("approved", NOW, JOB, by="labor", count=number) for number in range(5)]
    assert [event.number for event in storage.events()] == [1, 2, 3, 4, 5]
    assert list(storage.events()) == made
    assert list(storage.events(after=2, limit=2)) == made[2:4]
    assert len({event.chain for event in made}) == 5
    assert b'"details":{"by":"labor","count":0}' in made[0].entry


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


def kept(
    store: Storage, job: str, family: str, table: bytes, agreement: str = "county", days: int = 1, attempt: int = 1
) -> None:
    until = NOW + timedelta(days=days)
    store.keep_table(job, attempt, family, table, numbers=b"numbers", agreement=agreement, until=until)


def test_tables_of_a_family_come_back_without_the_jobs_own(storage: Storage) -> None:
    assert list(storage.tables("one", but=JOB)) == []
    kept(storage, OTHER, "one", b"other")
    kept(storage, JOB, "one", b"first")
    kept(storage, JOB, "one", b"second")
    kept(storage, "ef" * 32, "two", b"else")
    assert list(storage.tables("one", but="00" * 32)) == [b"second", b"other"]
    assert list(storage.tables("one", but=JOB)) == [b"other"]
    assert list(storage.tables("two", but=JOB)) == [b"else"]


def test_a_table_is_due_when_its_time_is_over_and_that_it_was_there_stays(storage: Storage) -> None:
    kept(storage, OTHER, "one", b"other", days=3)
    kept(storage, JOB, "one", b"first", days=1)
    kept(storage, "ef" * 32, "one", b"else", "housing", days=1)
    soon, later = NOW + timedelta(days=1), NOW + timedelta(days=4)
    assert list(storage.tables_due(soon - timedelta(seconds=1))) == []
    assert list(storage.tables_due(soon)) == [(JOB, "county"), ("ef" * 32, "housing")]
    storage.extend_tables("county", NOW + timedelta(days=2))
    assert list(storage.tables_due(soon)) == [("ef" * 32, "housing")]
    storage.forget_table("ef" * 32)
    assert list(storage.tables_due(later)) == [(JOB, "county"), (OTHER, "county")]  # an earlier end does not shorten
    assert list(storage.tables("one", but="")) == [b"first", b"other", None]
    storage.forget_table("ef" * 32)
    storage.forget_table("00" * 32)
    assert list(storage.tables("one", but="")) == [b"first", b"other", None]


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
    assert (list(store.awaiting()), list(store.unended())) == ([waiting], [waiting.job, JOB])
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
from tallystick.node.changes import Change, decide_job
from tallystick.node.ports import KeptJob, Note
from tallystick.node.storage.sqlite import SqliteStorage
from tallystick.node.store import Store
from dataclasses import replace

now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
store = Store(lambda: SqliteStorage(Path(sys.argv[1])))
storage = store.blocking
storage.add_job(KeptJob("ab" * 32, b"document", now))
while True:
    kept = decide_job(storage, "ab" * 32, lambda kept: Change(replace(kept, reasons=(str(kept.version + 1),)), Note("x", now)))
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
