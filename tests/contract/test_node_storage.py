"""One suite for every store of a node's state."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tallystick.core.errors import Broken, Invalid, Refused
from tallystick.node.changes import KeptChange, decide_job
from tallystick.node.ports import KeptJob, NodeStorage, Note, StaleJob
from tallystick.node.storage.memory import MemoryNodeStorage
from tallystick.node.storage.sqlite import SqliteStorage
from tallystick.node.store import Store

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
JOB = "ab" * 32
OTHER = "cd" * 32


@pytest.fixture(params=["memory", "sqlite"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], NodeStorage]:
    return MemoryNodeStorage if request.param == "memory" else lambda: SqliteStorage(tmp_path / "node.db")


@pytest.fixture(params=["alone", "in its thread"])
def storage(request: pytest.FixtureRequest, opener: Callable[[], NodeStorage]) -> Iterator[NodeStorage]:
    """A store, as a command opens it and as a node's threads reach it."""
    store = opener() if request.param == "alone" else Store(opener).blocking
    yield store
    store.close()


def record(job: str = JOB, **change: object) -> KeptJob:
    return replace(KeptJob(job, b"document", NOW), **change)  # type: ignore[arg-type]  # any field


def test_secret_is_drawn_once(storage: NodeStorage) -> None:
    assert len(storage.secret()) == 32
    assert storage.secret() == storage.secret()


def test_agreements_only_grow(storage: NodeStorage) -> None:
    assert storage.newest_agreement("county") is None
    storage.see_agreement("county", 2, "22")
    storage.see_agreement("county", 1, "11")
    storage.see_agreement("county", 2, "other")
    assert storage.newest_agreement("county") == (2, "22")
    storage.see_agreement("county", 3, "33")
    assert storage.newest_agreement("county") == (3, "33")


def test_jobs_come_back_as_they_were_kept(storage: NodeStorage) -> None:
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


def test_a_job_is_added_once(storage: NodeStorage) -> None:
    first = storage.add_job(record(verdict="auto"), Note("approved", NOW, {"by": "policy"}))
    assert storage.add_job(record(verdict="never"), Note("refused", NOW)) == first
    assert storage.job(JOB) == first
    assert [b'"approved"' in event.entry for event in storage.events()] == [True]


def test_a_change_is_of_what_was_read_or_stale(storage: NodeStorage) -> None:
    """Of two that read the same job, the second to write hears that another came between, and nothing of it is kept or noted."""
    with pytest.raises(Invalid, match="job-unknown"):
        storage.change_job(record(), record(verdict="auto"), Note("approved", NOW))
    read = storage.add_job(record())
    changed = storage.change_job(read, replace(read, verdict="ask", awaits="approve"), Note("asks", NOW))
    assert (read.version, changed.version) == (0, 1)
    for late in (replace(read, verdict="auto"), replace(read, state="failed"), replace(read, attempt=3), read):
        with pytest.raises(StaleJob):
            storage.change_job(read, late, Note("late", NOW))
    assert storage.job(JOB) == changed
    again = storage.change_job(changed, replace(changed, awaits="", version=99), Note("approved", NOW))
    assert again.version == 2
    assert [json.loads(event.entry)["event"] for event in storage.events()] == ["asks", "approved"]


@pytest.mark.parametrize("end", ["released", "refused", "cancelled", "failed", "expired"])
def test_s41_a_job_that_ended_stays_as_it_ended(storage: NodeStorage, end: str) -> None:
    """A change that comes late, from a thread that read the job before its end or after, brings nothing back; nor does anything new leave."""
    read = storage.add_job(record(state="running", attempt=2, candidate=b"{}", candidate_attempt=2, awaits="release"))
    assert storage.keep_share(JOB, 2, b"share") == b"share"
    ended = storage.change_job(read, replace(read, state=end, candidate=None, awaits=""))
    for later in (read, replace(read, attempt=3), replace(read, state="released"), replace(read, state="failed")):
        with pytest.raises(StaleJob):
            storage.change_job(read, later)
        with pytest.raises(Invalid, match="job-state"):
            storage.change_job(ended, later)
        assert storage.add_job(later) == ended
    assert decide_job(storage, JOB, lambda _: None) == ended
    with pytest.raises(Invalid, match="job-state"):
        decide_job(storage, JOB, lambda kept: KeptChange(replace(kept, state="running"), Note("again", NOW)))
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


def test_s41_attempts_only_grow(storage: NodeStorage) -> None:
    kept = storage.add_job(record(state="running", attempt=2))
    with pytest.raises(Invalid, match="job-state"):
        storage.change_job(kept, replace(kept, attempt=1, verdict="auto"))
    assert storage.job(JOB) == kept
    with pytest.raises(Invalid, match="job-state"):
        storage.keep_share(JOB, 1, b"late")
    with pytest.raises(Invalid, match="job-state"):
        storage.begin_opening(JOB, 1)
    assert storage.change_job(kept, replace(kept, attempt=3)).attempt == 3


def test_a_decision_is_made_again_when_another_change_came_between(storage: NodeStorage) -> None:
    storage.add_job(record())
    decided: list[KeptJob] = []

    def decide(kept: KeptJob) -> KeptChange:
        decided.append(kept)
        if len(decided) < 3:  # somebody else, between reading and writing
            storage.change_job(kept, replace(kept, reasons=(*kept.reasons, str(len(decided)))))
        return KeptChange(replace(kept, verdict="auto"), Note("approved", NOW))

    made = decide_job(storage, JOB, decide)
    assert (made.reasons, made.verdict, made.version) == (("1", "2"), "auto", 3)
    assert [kept.version for kept in decided] == [0, 1, 2]
    assert len(storage.events()) == 1

    def fails(_: KeptJob) -> KeptChange:
        raise Refused("disk", "no")

    with pytest.raises(Refused):
        decide_job(storage, JOB, fails)
    with pytest.raises(Invalid, match="job-unknown"):
        decide_job(storage, OTHER, decide)
    assert storage.job(JOB) == made


def test_writers_in_many_threads_lose_no_change(opener: Callable[[], NodeStorage]) -> None:
    store = Store(opener)
    storage = store.blocking
    storage.add_job(record())

    def add() -> None:
        for _ in range(25):
            decide_job(storage, JOB, lambda kept: KeptChange(replace(kept, reasons=(*kept.reasons, "x")), Note("x", NOW)))

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


def test_few_jobs_are_found_without_reading_all(storage: NodeStorage) -> None:
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
    assert list(storage.list_unended()) == [kept.job for kept in in_order if kept.state not in {"released", "failed"}]
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
    assert list(storage.find_jobs("0")) == [f"{number:02x}" * 32 for number in range(16)]
    assert list(storage.find_jobs("0", 2)) == ["00" * 32, "01" * 32]
    assert (list(storage.find_jobs("17" * 32)), list(storage.find_jobs("f"))) == (["17" * 32], [])
    versions = storage.list_versions(100)
    assert list(versions) == [kept.job for kept in reversed(in_order)]
    assert list(storage.list_versions(3)) == [kept.job for kept in in_order[:-4:-1]]
    changed = storage.change_job(records[0], replace(records[0], state="expired"))
    assert changed.job not in storage.list_unended()
    assert storage.list_versions(100)[changed.job] == changed.version > versions[changed.job]


def test_s41_shares_of_one_attempt_are_opened_and_of_no_other(storage: NodeStorage) -> None:
    assert storage.opening(JOB) is None
    storage.begin_opening(JOB, 2)
    storage.begin_opening(JOB, 2)
    assert storage.opening(JOB) == 2
    for other in (1, 3):
        with pytest.raises(Refused, match="attempt-opened"):
            storage.begin_opening(JOB, other)
    assert (storage.opening(JOB), storage.opening(OTHER)) == (2, None)


def test_s41_tables_of_two_attempts_rest_on_the_same_numbers(storage: NodeStorage) -> None:
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


def test_s18_the_first_share_is_the_only_one(storage: NodeStorage) -> None:
    assert storage.share(JOB, 1) is None
    answers = {storage.keep_share(JOB, 1, share) for share in (b"first", b"second", b"", b"first")}
    assert answers == {b"first"}
    assert storage.share(JOB, 1) == b"first"
    assert storage.keep_share(JOB, 2, b"second") == b"second"


def test_the_first_result_is_the_only_one(storage: NodeStorage) -> None:
    assert storage.result(JOB, 1) is None
    assert storage.keep_result(JOB, 1, b"one") == b"one"
    assert storage.keep_result(JOB, 1, b"two") == b"one"
    assert storage.result(JOB, 1) == b"one"


def test_s18_after_a_share_the_records_may_not_change(storage: NodeStorage) -> None:
    storage.pin_table(JOB, b"a")
    storage.pin_table(JOB, b"b")  # nothing has left yet
    storage.keep_share(JOB, 1, b"share")
    storage.pin_table(JOB, b"b")
    with pytest.raises(Refused) as caught:
        storage.pin_table(JOB, b"c")
    assert caught.value.code == "source-changed"
    storage.pin_table(OTHER, b"c")


def test_log_is_numbered_and_chained(storage: NodeStorage) -> None:
    made = [storage.log("approved", NOW, JOB, by="labor", count=number) for number in range(5)]
    assert [event.number for event in storage.events()] == [1, 2, 3, 4, 5]
    assert list(storage.events()) == made
    assert list(storage.events(after=2, limit=2)) == made[2:4]
    assert len({event.chain for event in made}) == 5
    assert b'"details":{"by":"labor","count":0}' in made[0].entry


def kept(
    store: NodeStorage, job: str, family: str, table: bytes, agreement: str = "county", days: int = 1, attempt: int = 1
) -> None:
    until = NOW + timedelta(days=days)
    store.keep_table(job, attempt, family, table, numbers=b"numbers", agreement=agreement, until=until)


def test_tables_of_a_family_come_back_without_the_jobs_own(storage: NodeStorage) -> None:
    assert list(storage.tables("one", but=JOB)) == []
    kept(storage, OTHER, "one", b"other")
    kept(storage, JOB, "one", b"first")
    kept(storage, JOB, "one", b"second")
    kept(storage, "ef" * 32, "two", b"else")
    assert list(storage.tables("one", but="00" * 32)) == [b"second", b"other"]
    assert list(storage.tables("one", but=JOB)) == [b"other"]
    assert list(storage.tables("two", but=JOB)) == [b"else"]


def test_a_table_is_due_when_its_time_is_over_and_that_it_was_there_stays(storage: NodeStorage) -> None:
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
