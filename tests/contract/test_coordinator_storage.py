"""One suite for every storage of the coordinator: memory, PostgreSQL, and SQLite in a file (also reopened after each step)."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tallystick.coordinator.ports import CoordinatorStorage, StaleRow
from tallystick.coordinator.records import (
    FOREVER,
    Certificate,
    Deposit,
    FailureRecord,
    Invitation,
    JobRecord,
    MessageRecord,
)
from tallystick.coordinator.storage.engine import sqlite_engine
from tallystick.coordinator.storage.memory import MemoryCoordinatorStorage
from tallystick.coordinator.storage.sql import SqlStorage
from tallystick.core.errors import Broken, Refused
from tallystick.core.net.chunks import MessageName
from tallystick.crypto.machine import Ref
from tests.postgres import Server, database_of, postgres

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
Open = Callable[[], CoordinatorStorage]


@pytest.fixture(name="server", scope="module")
def running_server() -> Iterator[Server]:
    with postgres() as server:
        yield server


@pytest.fixture(params=["memory", "sqlite", "sqlite reopened", "postgresql"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Give a function that gives the storage; reopened, it comes from the file at every call."""
    if request.param == "memory":
        memory = MemoryCoordinatorStorage()
        return lambda: memory
    open_: Open
    if request.param.startswith("sqlite"):
        open_ = lambda: SqlStorage(sqlite_engine(tmp_path / "db"))  # noqa: E731
    else:
        engine = database_of(request.getfixturevalue("server"), tmp_path)
        open_ = lambda: SqlStorage(engine())  # noqa: E731
    one = open_()
    return (lambda: one) if not request.param.endswith("reopened") else open_


def a_job(number: int = 1, **changes: object) -> JobRecord:
    record = JobRecord(
        job=bytes([number]) * 32,
        question=f"{number:064x}",
        analyst="ana",
        agreement="county",
        agreement_digest="aa" * 32,
        document=b"signed",
        state="submitted",
        attempt=1,
        version=1,
        submitted=NOW,
        deadline=NOW + DAY,
    )
    return replace(record, **changes)  # type: ignore[arg-type]  # fields by name


def a_message(round_: str = "seed", attempt: int = 1, number: int = 1) -> MessageRecord:
    kind, _, about = round_.partition(":")
    return MessageRecord(MessageName(bytes([number]) * 32, attempt, Ref(kind, "labor", "housing", about)), 3, 1_000)


def a_certificate(serial: str = "1a", invitation: str = "i1", name: str = "labor") -> Certificate:
    return Certificate(serial, "agency", name, NOW + DAY, invitation, b"chain")


def test_an_invitation_is_redeemed_once(storage: Open) -> None:
    storage().add_invitation(Invitation("i1", "agency", "labor", NOW + DAY))
    assert storage().invitation("i1") == Invitation("i1", "agency", "labor", NOW + DAY)
    assert storage().invitation("i2") is None
    storage().redeem(a_certificate(), NOW)
    assert storage().certificate("1a") == a_certificate()
    held = storage().invitation("i1")
    assert held is not None
    assert held.used == NOW
    with pytest.raises(Refused, match="invite-invalid"):
        storage().redeem(a_certificate("1b"), NOW)
    assert storage().certificate("1b") is None
    assert [certificate.serial for certificate in storage().certificates()] == ["1a"]


@pytest.mark.parametrize(("invitation", "at"), [("unknown", NOW), ("i1", NOW + DAY), ("i1", NOW + 2 * DAY)])
def test_an_invitation_that_is_unknown_or_expired_is_not_redeemed(storage: Open, invitation: str, at: datetime) -> None:
    storage().add_invitation(Invitation("i1", "agency", "labor", NOW + DAY))
    with pytest.raises(Refused, match="invite-invalid"):
        storage().redeem(a_certificate(invitation=invitation), at)
    assert storage().certificates() == ()


def test_of_two_at_once_one_redeems(storage: Open) -> None:
    storage().add_invitation(Invitation("i1", "agency", "labor", NOW + DAY))
    outcomes: list[str] = []
    start = threading.Barrier(4)

    def attempt(serial: str) -> None:
        start.wait()
        try:
            storage().redeem(a_certificate(serial), NOW)
            outcomes.append("redeemed")
        except Refused:
            outcomes.append("refused")

    threads = [threading.Thread(target=attempt, args=(str(n),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["redeemed", "refused", "refused", "refused"]
    assert len(storage().certificates()) == 1


def test_revocation_takes_certificates_and_unused_invitations(storage: Open) -> None:
    storage().add_invitation(Invitation("i1", "agency", "labor", NOW + DAY))
    storage().add_invitation(Invitation("i2", "agency", "labor", NOW + DAY))
    storage().add_invitation(Invitation("i3", "agency", "housing", NOW + DAY))
    storage().redeem(a_certificate(), NOW)
    assert storage().revoke("agency", "labor", NOW) == 2
    assert storage().revoke("agency", "labor", NOW) == 0
    assert storage().revoke("analyst", "housing", NOW) == 0
    certificate = storage().certificate("1a")
    assert certificate is not None
    assert certificate.revoked == NOW
    assert storage().invitation("i2") is None
    assert storage().invitation("i3") is not None


def test_s33_a_certificate_follows_a_valid_one_alone(storage: Open) -> None:
    storage().add_invitation(Invitation("i1", "agency", "labor", NOW + DAY))
    storage().redeem(a_certificate(), NOW)
    storage().renew(replace(a_certificate("2b"), expires=NOW + 3 * DAY), "1a", NOW)
    assert [certificate.serial for certificate in storage().certificates()] == ["1a", "2b"]
    refused = [
        (a_certificate("3c"), "unknown", NOW),
        (a_certificate("3c"), "1a", NOW + DAY),  # expired
        (a_certificate("3c", name="housing"), "1a", NOW),
        (replace(a_certificate("3c"), role="analyst"), "1a", NOW),
    ]
    for certificate, old, at in refused:
        with pytest.raises(Refused, match="not-enrolled"):
            storage().renew(certificate, old, at)
    assert storage().revoke("agency", "labor", NOW) == 2
    with pytest.raises(Refused, match="not-enrolled"):
        storage().renew(a_certificate("3c"), "2b", NOW)
    assert storage().certificate("3c") is None


def test_s33_of_a_renewal_and_a_revocation_at_once_nothing_valid_is_left(storage: Open) -> None:
    storage().add_invitation(Invitation("i1", "agency", "labor", NOW + DAY))
    storage().redeem(a_certificate(), NOW)
    start = threading.Barrier(5)

    def renew(serial: str) -> None:
        start.wait()
        with contextlib.suppress(Refused):
            storage().renew(a_certificate(serial), "1a", NOW)

    def revoke() -> None:
        start.wait()
        storage().revoke("agency", "labor", NOW)

    threads = [threading.Thread(target=renew, args=(str(n),)) for n in range(4)] + [threading.Thread(target=revoke)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(certificate.revoked == NOW for certificate in storage().certificates())


def test_a_job_is_kept_once(storage: Open) -> None:
    assert storage().add_job(a_job()) == a_job()
    assert storage().job(a_job().job) == a_job()
    assert storage().add_job(a_job(state="running")) == a_job()  # as it is held, not as it was brought
    assert storage().job(bytes(32)) is None


def test_one_question_of_an_analyst_is_open_once(storage: Open) -> None:
    storage().add_job(a_job())
    again = a_job(2, question=a_job().question)
    with pytest.raises(Refused, match=f"job-duplicate.*{a_job().job.hex()[:12]}"):
        storage().add_job(again)
    storage().add_job(replace(a_job(3, question=a_job().question), analyst="otto"))
    held = storage().job(a_job().job)
    assert held is not None
    storage().change(held, replace(held, state="cancelled", ended=NOW))
    assert storage().add_job(again) == again


def test_jobs_come_in_the_order_of_their_submission(storage: Open) -> None:
    for number in (3, 1, 2):
        storage().add_job(a_job(number))
    held = storage().job(a_job(1).job)
    assert held is not None
    storage().change(held, replace(held, state="failed", ended=NOW))
    assert [record.job[0] for record in storage().jobs(ended=True)] == [3, 1, 2]
    assert [record.job[0] for record in storage().jobs(ended=False)] == [3, 2]


def test_the_newest_jobs_come_first(storage: Open) -> None:
    opened = storage()
    records = [opened.add_job(a_job(number)) for number in range(3)]
    assert opened.newest_jobs(2) == tuple(reversed(records[1:]))
    assert opened.newest_jobs(0) == ()


def test_a_change_needs_the_version_that_it_changes(storage: Open) -> None:
    first = storage().add_job(a_job())
    second = storage().change(first, replace(first, state="approving"))
    assert (second.version, second.state) == (2, "approving")
    assert storage().job(first.job) == second
    with pytest.raises(StaleRow):
        storage().change(
            first, replace(first, state="cancelled", ended=NOW), deposits=[Deposit("approval", "labor", FOREVER, b"x")]
        )
    assert storage().job(first.job) == second
    assert storage().deposits(first.job) == ()  # all or nothing
    with pytest.raises(StaleRow):
        storage().change(a_job(9), a_job(9))


def test_what_comes_with_a_change_is_kept(storage: Open) -> None:
    record = storage().add_job(a_job())
    approval, hello = Deposit("approval", "labor", FOREVER, b"yes"), Deposit("hello", "labor", 1, b"hello")
    failure = FailureRecord(1, "labor", "party-restarted", "gone", "wait", retry=True)
    record = storage().change(record, record, deposits=[hello, approval], failures=[failure], messages=[a_message()])
    assert storage().deposits(record.job) == (approval, hello)
    assert storage().failures(record.job) == (failure,)
    assert storage().messages(record.job) == (a_message(),)
    again = replace(approval, document=b"still yes")
    record = storage().change(record, record, deposits=[again], messages=[a_message(), a_message("points:labor")])
    assert storage().deposits(record.job) == (again, hello)
    assert storage().messages(record.job) == (a_message(), a_message("points:labor"))
    assert storage().messages(record.job, 1) == (a_message("points:labor"),)
    assert storage().messages(record.job, 2) == ()
    assert storage().messages(bytes(32)) == ()


def test_a_new_attempt_forgets_hellos_and_messages_of_the_old_one(storage: Open) -> None:
    record = storage().add_job(a_job())
    approval = Deposit("approval", "labor", FOREVER, b"yes")
    record = storage().change(record, record, deposits=[approval, Deposit("hello", "labor", 1, b"h")], messages=[a_message()])
    record = storage().change(record, replace(record, attempt=2))
    assert storage().deposits(record.job) == (approval,)
    assert storage().messages(record.job) == ()
    record = storage().change(record, record, deposits=[Deposit("hello", "labor", 2, b"h")], messages=[a_message(attempt=2)])
    assert len(storage().deposits(record.job)) == 2
    assert storage().messages(record.job) == (a_message(attempt=2),)


def test_an_ended_job_has_no_messages(storage: Open) -> None:
    record = storage().add_job(a_job())
    record = storage().change(record, record, messages=[a_message()])
    record = storage().change(record, replace(record, state="released", ended=NOW, result_bytes=77))
    assert storage().messages(record.job) == ()
    assert storage().job(record.job) == record
    assert record.result_bytes == 77


def test_bytes_of_messages_and_of_young_results_are_counted(storage: Open) -> None:
    assert storage().count_bytes(NOW) == 0
    record = storage().add_job(a_job())
    storage().change(record, record, messages=[a_message(), a_message("points:labor")])
    for number, ended in ((2, NOW - DAY), (3, NOW + DAY)):
        other = storage().add_job(a_job(number))
        storage().change(other, replace(other, state="released", ended=ended, result_bytes=10**number))
    assert storage().count_bytes(NOW) == 2_000 + 1_000
    assert storage().count_bytes(NOW - 2 * DAY) == 2_000 + 1_100


def test_versions_are_those_of_unended_jobs(storage: Open) -> None:
    first, second = storage().add_job(a_job(1)), storage().add_job(a_job(2))
    storage().change(first, first)
    assert storage().versions() == {first.job: 2, second.job: 1}
    storage().change(second, replace(second, state="failed", ended=NOW))
    assert storage().versions() == {first.job: 2}


def test_presence_is_the_last_time_of_each(storage: Open) -> None:
    storage().note_connected(["labor", "housing"], NOW)
    storage().note_connected(["labor"], NOW + DAY)
    storage().note_connected([], NOW + 2 * DAY)
    assert storage().connection_times() == {"labor": NOW + DAY, "housing": NOW}


def test_changes_from_many_threads_are_all_counted(storage: Open) -> None:
    record = storage().add_job(a_job())

    def change(name: str) -> None:
        for _ in range(5):
            while True:
                held = storage().job(record.job)
                assert held is not None
                try:
                    storage().change(held, held, failures=[FailureRecord(1, name, "internal", "", "", retry=False)])
                except StaleRow:
                    continue
                break

    threads = [threading.Thread(target=change, args=(f"party{n}",)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    held = storage().job(record.job)
    assert held is not None
    assert held.version == 16
    assert len(storage().failures(record.job)) == 15


def test_sqlite_is_durable_before_it_answers(tmp_path: Path) -> None:
    engine = sqlite_engine(tmp_path / "db")
    SqlStorage(engine)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2  # FULL
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"


def test_what_is_no_database_of_ours_is_refused(tmp_path: Path) -> None:
    (tmp_path / "db").write_bytes(b"this is no database, whatever its name says" * 40)
    with pytest.raises(Broken, match="state-corrupt"):
        SqlStorage(sqlite_engine(tmp_path / "db"))
    with sqlite3.connect(tmp_path / "newer") as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(Broken, match="version 99"):
        SqlStorage(sqlite_engine(tmp_path / "newer"))
