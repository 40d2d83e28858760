"""What every storage of the coordinator notes beside the rows of jobs: timelines, when jobs moved, how many jobs nodes take."""

from __future__ import annotations

import threading
from dataclasses import replace

from tallystick.coordinator.records import MomentRecord
from tests.contract.test_coordinator_storage import DAY, NOW, Open, a_job, running_server, storage

__all__ = ["running_server", "storage"]  # fixtures


def test_a_job_s_timeline_stays_and_what_was_heard_stands_once(storage: Open) -> None:
    record = storage().add_job(a_job())
    first = MomentRecord(NOW, "hello", "labor", 1)
    ended = MomentRecord(NOW + DAY, "cancel", "ana", 1, "")
    record = storage().change(record, replace(record, state="running"), moments=[first])
    record = storage().change(record, replace(record, state="cancelled", ended=NOW + DAY), moments=[ended])
    heard = MomentRecord(NOW + 2 * DAY, "heard", "labor", 1)
    for _ in range(2):
        storage().note_moment(record.job, heard)
    assert storage().moments(record.job) == (first, ended, heard)
    assert storage().moments(bytes(32)) == ()
    held = storage().job(record.job)
    assert held is not None
    assert held.version == record.version  # nobody has to be told


def test_s49_when_jobs_moved_is_shared_until_they_end(storage: Open) -> None:
    record, other = storage().add_job(a_job()), storage().add_job(a_job(2))
    storage().note_moved({record.job: NOW})
    storage().note_moved({record.job: NOW + DAY, other.job: NOW})
    assert storage().list_movements() == {record.job: NOW + DAY, other.job: NOW}
    storage().change(record, replace(record, state="failed", ended=NOW))
    storage().note_moved({other.job: NOW + DAY})
    assert storage().list_movements() == {other.job: NOW + DAY}


def test_s49_how_many_jobs_a_node_takes_is_shared(storage: Open) -> None:
    storage().note_bound("labor", 3)
    storage().note_bound("labor", 2)
    storage().note_bound("housing", 9)
    assert storage().list_bounds() == {"labor": 2, "housing": 9}


def test_s37_of_several_that_begin_the_first_epoch_at_once_one_does(storage: Open) -> None:
    """Two coordinators that start on one new database: were both to begin it, one of them would take the database for restored."""
    at = storage()
    begun = threading.Barrier(6)

    def begin(number: int) -> None:
        begun.wait()
        at.begin_epoch(f"epoch {number}", now=NOW, first=True)

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first = at.epoch()
    assert first in {f"epoch {number}" for number in range(6)}
    at.begin_epoch("late", now=NOW, first=True)
    assert at.epoch() == first
    at.begin_epoch("restored", now=NOW)
    assert storage().epoch() == "restored"
