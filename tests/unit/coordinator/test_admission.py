"""Which jobs run: bounded, in turns over analysts, nobody starved (S-49)."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tallystick.coordinator.admission import WaitingJob, choose_startable, order_candidates
from tallystick.core.agreement.check import COORDINATOR
from tallystick.core.clock import FixedClock
from tallystick.core.job.lifecycle import JobState
from tests.governance import question
from tests.town import DESK, OTHER, SIGNERS, Town, member

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def candidate(number: int, analyst: str, *participants: str) -> WaitingJob:
    return WaitingJob(bytes([number]) * 32, analyst, participants or ("a", "b"), NOW + timedelta(seconds=number))


def numbers(jobs: list[WaitingJob]) -> list[int]:
    return [one.job[0] for one in jobs]


def test_s49_analysts_take_turns_and_what_runs_counts() -> None:
    waiting = [candidate(n, analyst) for n, analyst in enumerate(["ana", "ana", "ana", "otto", "uma", "otto"], start=1)]
    assert numbers(order_candidates(reversed(waiting), {})) == [1, 4, 5, 2, 6, 3]
    assert numbers(order_candidates(waiting, {"ana": 2, "uma": 1})) == [4, 5, 6, 1, 2, 3]


def test_s49_a_full_node_keeps_its_jobs_back_and_their_places_at_others() -> None:
    one, two, three, four = (
        candidate(1, "ana", "a", "b"),
        candidate(2, "otto", "b", "c"),
        candidate(3, "uma", "a", "c"),
        candidate(4, "pia", "c", "d"),
    )
    waiting = [one, two, three, four]
    takes = {"a": 1, "b": 1, "c": 2}
    assert numbers(choose_startable(waiting, room=9, busy={}, takes=takes, gone=())) == [1]
    # `two` waits for b and holds a place at c, `three` waits for a: so c is full for `four`
    assert numbers(choose_startable(waiting, room=9, busy={}, takes={"a": 1}, gone=())) == [1, 2, 4]
    assert numbers(choose_startable(waiting, room=1, busy={}, takes={}, gone=())) == [1]
    assert numbers(choose_startable(waiting, room=0, busy={}, takes={}, gone=())) == []
    assert numbers(choose_startable(waiting, room=9, busy={}, takes={}, gone={"b"})) == [3, 4]


def test_s49_two_hundred_jobs_of_five_analysts_end_in_turns() -> None:
    """The one who asked all of theirs first has no more of the places than the others."""
    waiting = [WaitingJob(bytes([n]) * 32, f"analyst-{n // 40}", ("a", "b"), NOW + timedelta(seconds=n)) for n in range(200)]
    running: list[WaitingJob] = []
    ended: Counter[str] = Counter()
    last: dict[str, int] = {}
    while waiting or running:
        held = Counter(one.analyst for one in running)
        ordered = order_candidates(waiting, held, last)
        begun = choose_startable(ordered, room=4 - len(running), busy=Counter("a" * len(running)), takes={"a": 3}, gone=())
        for number, one in enumerate(begun, start=200 - len(waiting) + 1):
            last[one.analyst] = number
        running += begun
        waiting = [one for one in waiting if one not in begun]
        assert 1 <= len(running) <= 3
        ended[running.pop(0).analyst] += 1
        if len(ended) == 5 and waiting:
            assert max(ended.values()) - min(ended.values()) <= 2
    assert ended == {f"analyst-{n}": 40 for n in range(5)}


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path, clock=FixedClock(NOW), config={"limits": {"running_jobs": 1}})


def test_s49_what_does_not_fit_waits_with_its_place_and_then_begins(town: Town) -> None:
    town.submit()
    town.approve()
    assert town.state == JobState.RUNNING
    first, town.job = town.job, town.new_job(question=question(measures=["count"]).json_value())
    town.submit()
    town.approve()
    assert town.state == JobState.APPROVING
    view = town.at.server._services[2]._views.of(  # the view that an analyst gets
        member("ana"), *town.at.jobs.visible(member("ana"), town.digest), connected=()
    )
    assert view.place is not None
    assert (view.place.place, view.place.waiting) == (1, 1)
    [waiting] = view.waiting
    assert (waiting.party, waiting.for_what) == (COORDINATOR, "turn")
    assert town.at.admission.startable(NOW) == []
    town.at.jobs.cancel(member("ana"), bytes.fromhex(first.digest()))
    assert town.at.admission.startable(NOW) == [town.digest]
    town.advance()
    assert town.state == JobState.RUNNING
    assert town.at.admission.place(town.digest) is None


def test_s49_a_restarted_coordinator_keeps_the_bound(town: Town) -> None:
    town.submit()
    town.approve()
    first, town.job = town.digest, town.new_job(question=question(measures=["count"]).json_value())
    town.submit()
    town.restarted()
    town.at.driver.advance(first)
    town.approve(*SIGNERS)
    assert town.state == JobState.APPROVING


def test_s49_a_node_s_own_bound_counts(town: Town) -> None:
    town.at.admission._most = 9
    town.at.admission.tell_bound(OTHER, 1)
    town.submit()
    town.approve()
    town.job = town.new_job(question=question(measures=["count"]).json_value())
    town.submit()
    town.approve()
    assert town.state == JobState.APPROVING
    town.at.admission.tell_bound(OTHER, 2)
    town.advance()
    assert town.state == JobState.RUNNING


def test_s49_jobs_of_a_node_that_is_gone_let_others_pass_until_it_is_back(town: Town) -> None:
    assert isinstance(town.clock, FixedClock)
    town.at.storage.note_connected([DESK, OTHER], NOW)
    town.submit()
    town.clock.advance(timedelta(minutes=1))
    town.at.storage.note_connected([DESK], town.clock.now())
    town.approve()
    assert town.state == JobState.APPROVING
    town.at.storage.note_connected([OTHER], town.clock.now())
    town.advance()
    assert town.state == JobState.RUNNING


def test_s49_an_approval_that_expired_while_the_job_waited_is_waited_for_again(town: Town) -> None:
    assert isinstance(town.clock, FixedClock)
    town.at.admission._most = 0
    town.submit()
    town.approve()
    assert (town.state, town.at.admission.place(town.digest) is None) == (JobState.APPROVING, False)
    town.clock.advance(timedelta(hours=25))
    town.advance()
    assert town.at.admission.place(town.digest) is None
    views = town.at.server._services[2]._views
    view = views.of(member("ana"), *town.at.jobs.visible(member("ana"), town.digest), connected=())
    assert {(one.party, one.for_what) for one in view.waiting} >= {(OTHER, "approval"), (DESK, "approval")}
