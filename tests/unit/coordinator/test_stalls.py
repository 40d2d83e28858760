"""A running job that does not move is named, begun again, and ended with its cause (S-49)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tallystick.coordinator.changes import JobChange
from tallystick.coordinator.hearing import hear_trouble
from tallystick.coordinator.stalls import NAMED, Stalls
from tallystick.coordinator.views import JobView
from tallystick.core.clock import FixedClock
from tallystick.core.job.lifecycle import JobEvent, JobState
from tests.town import AGENCIES, DESK, OTHER, Town, member

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
LOOKS = timedelta(seconds=2)


class Watched:
    """A running job of a town, and its watch over time."""

    def __init__(self, folder: Path, connected: tuple[str, ...] = AGENCIES) -> None:
        self.clock = FixedClock(NOW)
        self.town = Town(folder, clock=self.clock)
        self.connected = connected
        self.stalls = Stalls(self.town.at.jobs, self.town.at.storage, self.town.settings.config.limits, lambda: self.connected)
        self.town.running()
        self.stalls.look()

    def wait(self, seconds: float, busy: tuple[bytes, ...] = ()) -> int:
        """Let time pass, looking as the server does; count what was to be shown."""
        shown = 0
        for _ in range(round(seconds / LOOKS.total_seconds())):
            self.clock.advance(LOOKS)
            shown += len(self.stalls.look(busy))
        return shown

    @property
    def attempt(self) -> int:
        record = self.town.at.storage.job(self.town.digest)
        assert record is not None
        return record.attempt

    @property
    def view(self) -> JobView:
        jobs = self.town.at.server._services[2]
        return jobs._views.of(
            member("ana"), *self.town.at.jobs.visible(member("ana"), self.town.digest), connected=self.connected
        )


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


def test_s49_who_is_waited_for_in_a_job_that_does_not_move_is_named_within_a_minute(watched: Watched) -> None:
    assert {one.code for one in watched.view.waiting} == {""}
    assert watched.wait(NAMED.total_seconds() + 2) == 1
    assert timedelta(minutes=1) > NAMED
    named = watched.view.waiting
    assert {(one.party, one.code, one.since) for one in named} == {(name, "stalled", NOW) for name in AGENCIES}
    watched.town.at.jobs.progress.report(watched.town.digest, DESK, "tag", 1, 2)
    assert watched.wait(2) == 1
    assert {one.code for one in watched.view.waiting} == {""}


def test_s49_it_begins_again_and_ends_with_its_cause(watched: Watched) -> None:
    for attempt in (1, 2, 3):
        assert (watched.town.state, watched.attempt) == (JobState.RUNNING, attempt)
        watched.wait(304)
    assert watched.town.state == JobState.FAILED
    failures = watched.town.at.storage.failures(watched.town.digest)
    assert [one.code for one in failures] == ["stalled", "stalled", "stalled", "attempts-used"]
    assert failures[0].party in AGENCIES
    assert "5 min" in failures[0].message
    assert failures[0].hint


def test_s49_the_failure_names_the_party_that_said_what_keeps_it(watched: Watched) -> None:
    hear_trouble(watched.town.at.jobs, member(OTHER), watched.town.digest, "disk", "labor's disk is full", "make room")
    waiting = {one.party: one for one in watched.view.waiting}
    assert (waiting[OTHER].code, waiting[OTHER].hint, waiting[OTHER].since) == ("disk", "make room", NOW)
    assert waiting[DESK].code == ""
    watched.wait(304)
    [failure] = watched.town.at.storage.failures(watched.town.digest)
    assert (failure.party, failure.code, failure.hint) == (OTHER, "stalled", "make room")
    assert "labor's disk is full" in failure.message


@pytest.mark.parametrize("sign", ["works", "bytes", "coordinator"])
def test_s49_a_party_that_works_is_not_taken_for_silent(watched: Watched, sign: str) -> None:
    """Ten times the limit, with a sign of life every ten seconds and nothing counted."""
    book, job = watched.town.at.jobs.progress, watched.town.digest
    for _ in range(300):
        match sign:
            case "works":
                book.report(job, DESK, "compute", 0, 0)
            case "bytes":
                book.move(job)
        assert watched.wait(10, busy=(job,) if sign == "coordinator" else ()) == 0
    assert (watched.town.state, watched.attempt) == (JobState.RUNNING, 1)


def test_s49_an_absent_node_is_waited_for_longer(tmp_path: Path) -> None:
    watched = Watched(tmp_path, connected=(DESK,))
    watched.wait(3590)
    assert watched.attempt == 1
    watched.wait(20)
    assert watched.attempt == 2
    [failure] = watched.town.at.storage.failures(watched.town.digest)
    assert failure.party == OTHER
    assert "not connected" in failure.message


def test_s36_a_clock_that_jumps_makes_no_job_still(watched: Watched) -> None:
    for jump in (timedelta(hours=2), timedelta(hours=-1), timedelta(minutes=5)):
        watched.clock.advance(jump)
        assert watched.stalls.look() == []
        watched.wait(30)
    assert watched.attempt == 1


def test_s49_another_replica_s_signs_count(watched: Watched) -> None:
    for _ in range(40):
        watched.town.at.storage.note_moved({watched.town.digest: watched.clock.now()})
        assert watched.wait(10) == 0
    assert watched.attempt == 1


def test_s49_a_job_that_waits_for_its_desk_s_people_is_left_alone(watched: Watched) -> None:
    record = watched.town.at.storage.job(watched.town.digest)
    assert record is not None
    watched.town.at.jobs.step(record, JobChange(JobEvent.SEAL))
    watched.wait(1000)
    assert (watched.town.state, watched.attempt) == (JobState.RELEASING, 1)
