"""One suite for every store of a node's state."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tallystick.core.errors import Broken, Invalid, Refused
from tallystick.node.ports import JobRecord, Storage
from tallystick.node.storage.memory import MemoryStorage
from tallystick.node.storage.sqlite import SqliteStorage

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
JOB = "ab" * 32
OTHER = "cd" * 32


@pytest.fixture(params=["memory", "sqlite"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    store: Storage = MemoryStorage() if request.param == "memory" else SqliteStorage(tmp_path / "node.db")
    yield store
    store.close()


def record(job: str = JOB, **change: object) -> JobRecord:
    return replace(JobRecord(job, b"document", NOW), **change)  # type: ignore[arg-type]  # any field


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


def test_jobs_come_back_as_they_were_saved(storage: Storage) -> None:
    full = record(
        state="running", attempt=2, awaits="release", verdict="ask", reasons=("dataset a", "column b"), decision="approve",
        deposits=(b"\x00\xff", b""), desk="approve", candidate=b"{}", candidate_attempt=2, reason_class="policy",
    )  # fmt: skip
    earlier = record(OTHER, seen=NOW - timedelta(days=1))
    storage.save_job(full)
    storage.save_job(earlier)
    assert storage.job(JOB) == full
    assert storage.job("00" * 32) is None
    assert list(storage.jobs()) == [earlier, full]
    storage.save_job(replace(full, state="released"))
    assert [job.state for job in storage.jobs()] == ["submitted", "released"]


@pytest.mark.parametrize("end", ["released", "refused", "cancelled", "failed", "expired"])
def test_s41_a_job_that_ended_stays_as_it_ended(storage: Storage, end: str) -> None:
    """A save that comes late, from a thread that read the job before its end, brings nothing back; nor does anything new leave."""
    stale = record(state="running", attempt=2, candidate=b"{}", candidate_attempt=2, awaits="release")
    assert storage.save_job(stale) == stale
    assert storage.keep_share(JOB, 2, b"share") == b"share"
    ended = replace(stale, state=end, candidate=None, awaits="")
    assert storage.save_job(ended) == ended
    for later in (stale, replace(stale, attempt=3), replace(stale, state="released"), replace(stale, state="failed")):
        assert storage.save_job(later) == ended
    assert storage.change_job(JOB, lambda _: stale) == ended
    assert storage.job(JOB) == ended
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
    storage.save_job(record(state="running", attempt=2))
    assert storage.save_job(record(state="running", attempt=1)).attempt == 2
    assert storage.change_job(JOB, lambda kept: replace(kept, attempt=1, verdict="auto")).attempt == 2
    kept = storage.job(JOB)
    assert kept is not None
    assert (kept.attempt, kept.verdict) == (2, "auto")
    with pytest.raises(Invalid, match="job-state"):
        storage.keep_share(JOB, 1, b"late")
    with pytest.raises(Invalid, match="job-state"):
        storage.begin_opening(JOB, 1)
    assert storage.save_job(record(state="running", attempt=3)).attempt == 3


def test_a_change_is_made_of_what_is_kept_with_nobody_in_between(storage: Storage) -> None:
    with pytest.raises(Invalid, match="job-unknown"):
        storage.change_job(JOB, lambda kept: kept)
    storage.save_job(record())

    def add() -> None:
        for _ in range(25):
            storage.change_job(JOB, lambda kept: replace(kept, reasons=(*kept.reasons, "x")))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = storage.job(JOB)
    assert kept is not None
    assert len(kept.reasons) == 100

    def fails(_: JobRecord) -> JobRecord:
        raise Refused("disk", "no")

    with pytest.raises(Refused):
        storage.change_job(JOB, fails)
    assert storage.job(JOB) == kept
    assert storage.save_job(replace(kept, state="failed")).state == "failed"  # the store goes on


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


def test_parallel_writers_leave_one_chain(storage: Storage) -> None:
    threads = [threading.Thread(target=lambda: [storage.log("x", NOW) for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [event.number for event in storage.events()] == list(range(1, 81))


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


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_state_of_a_version_before_is_brought_up(tmp_path: Path, version: int) -> None:
    path = tmp_path / "node.db"
    store = SqliteStorage(path)
    store.save_job(record())
    secret = store.secret()
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE shown")
        connection.execute("DROP TABLE opening")
        if version > 1:
            connection.execute("CREATE TABLE shown (job TEXT PRIMARY KEY, family TEXT NOT NULL, shown BLOB NOT NULL) STRICT")
            connection.execute("INSERT INTO shown VALUES (?, 'one', x'6f6c64')", (OTHER,))
        if version > 2:
            connection.execute("ALTER TABLE shown ADD COLUMN agreement TEXT NOT NULL DEFAULT ''")
            connection.execute("ALTER TABLE shown ADD COLUMN until TEXT NOT NULL DEFAULT '9999-12-31T23:59:59Z'")
        connection.execute(f"PRAGMA user_version = {version}")
    store = SqliteStorage(path)
    assert (store.secret(), store.job(JOB)) == (secret, record())
    kept(store, JOB, "one", b"table")
    assert list(store.tables("one", but="")) == [b"table", b"old"][:version]
    assert store.opening(OTHER) == (0 if version > 1 else None)  # which attempt's shares were opened, nobody wrote down
    if version > 1:
        with pytest.raises(Refused, match="attempt-opened"):
            store.begin_opening(OTHER, 2)
        with pytest.raises(Broken, match="attempts-differ"):
            kept(store, OTHER, "one", b"other")
    assert list(store.tables_due(NOW + timedelta(days=36_500))) == [
        (JOB, "county")
    ]  # until when the older one is kept, nobody said
    store.close()
