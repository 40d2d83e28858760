"""A job's rows are read once for each change, and of messages only those that came since; they are never fewer than its version has."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tallystick.coordinator.records import Deposit, JobRecord, MessageRecord
from tallystick.coordinator.rows import RowReader
from tallystick.coordinator.storage.memory import MemoryCoordinatorStorage
from tests.contract.test_coordinator_storage import NOW, a_job, a_message


class CountedStorage(MemoryCoordinatorStorage):
    """Notes from where on messages were read."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[int] = []

    def messages(self, job: bytes, start: int = 0) -> tuple[MessageRecord, ...]:
        self.read.append(start)
        return super().messages(job, start)


@pytest.fixture
def storage() -> CountedStorage:
    return CountedStorage()


def change(storage: CountedStorage, record: JobRecord, **added: Any) -> JobRecord:
    return storage.change(record, record, **added)


def test_of_a_later_version_only_what_came_since_is_read(storage: CountedStorage) -> None:
    rows, record = RowReader(storage), storage.add_job(a_job())
    record = change(storage, record, messages=[a_message()])
    first = rows.of(record)
    assert [one.name.ref for one in first.messages] == list(first.held) == [a_message().name.ref]
    assert rows.of(record) is first  # another party that hears of the same change
    record = change(storage, record, messages=[a_message("points:labor")], deposits=[Deposit("hello", "labor", 1, b"x")])
    second = rows.of(record)
    assert storage.read == [0, 1]
    assert second.messages == storage.messages(record.job)
    assert second.bytes == sum(one.bytes for one in second.messages)
    assert second.deposits == storage.deposits(record.job)


def test_an_older_word_of_a_job_gets_no_fewer_rows_than_it_had(storage: CountedStorage) -> None:
    rows, old = RowReader(storage), storage.add_job(a_job())
    new = change(storage, old, messages=[a_message()])
    assert rows.of(new) is rows.of(old)


def test_another_attempt_begins_with_nothing_and_an_ended_job_has_no_messages(storage: CountedStorage) -> None:
    rows, record = RowReader(storage), storage.add_job(a_job())
    record = change(storage, record, messages=[a_message()])
    assert rows.of(record).messages
    again = storage.change(record, replace(record, attempt=2))
    assert not rows.of(again).held
    assert not rows.of(record).held  # what a late caller asks for is gone
    again = change(storage, again, messages=[a_message(attempt=2)])
    assert list(rows.of(again).messages) == [a_message(attempt=2)]
    ended = storage.change(again, replace(again, state="failed", ended=NOW))
    assert not rows.of(ended).held
