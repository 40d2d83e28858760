from __future__ import annotations

from itertools import product

import pytest

from tallystick.core.errors import Invalid
from tallystick.core.job.lifecycle import FINAL, TRANSITIONS, JobEvent, JobState, mermaid, next_state

WAY = [JobEvent.ANNOUNCE, JobEvent.APPROVE, JobEvent.SEAL, JobEvent.RELEASE]


def test_a_job_goes_from_submitted_to_released() -> None:
    state, seen = JobState.SUBMITTED, []
    for event in WAY:
        state = next_state(state, event)
        seen.append(state)
    assert seen == [JobState.APPROVING, JobState.RUNNING, JobState.RELEASING, JobState.RELEASED]


@pytest.mark.parametrize("state", [state for state in JobState if state not in FINAL])
def test_every_open_state_can_be_refused_cancelled_failed_and_expired(state: JobState) -> None:
    ends = {next_state(state, event) for event in (JobEvent.REFUSE, JobEvent.CANCEL, JobEvent.FAIL, JobEvent.EXPIRE)}
    assert ends == FINAL - {JobState.RELEASED}


@pytest.mark.parametrize("state", sorted(FINAL))
@pytest.mark.parametrize("event", JobEvent)
def test_nothing_follows_an_end(state: JobState, event: JobEvent) -> None:
    assert state.final
    with pytest.raises(Invalid, match="it has ended") as caught:
        next_state(state, event)
    assert caught.value.code == "job-state"


def test_what_the_table_does_not_hold_is_refused() -> None:
    for state, event in product(JobState, JobEvent):
        if (state, event) not in TRANSITIONS:
            with pytest.raises(Invalid):
                next_state(state, event)


def test_only_approval_leads_to_running_and_only_running_to_release() -> None:
    into = {state: {before for (before, _), after in TRANSITIONS.items() if after == state} for state in JobState}
    assert into[JobState.RUNNING] == {JobState.APPROVING, JobState.RUNNING, JobState.RELEASING}
    assert into[JobState.RELEASING] == {JobState.RUNNING}
    assert into[JobState.RELEASED] == {JobState.RELEASING}
    assert into[JobState.SUBMITTED] == set()


def test_the_diagram_shows_every_transition_once() -> None:
    drawn = {
        (before, event, after)
        for line in mermaid().splitlines()
        if ": " in line
        for before, arrow_and_after in [line.strip().split(" --> ")]
        for after, events in [arrow_and_after.split(": ")]
        for event in events.split(", ")
    }
    assert drawn == {(str(before), str(event), str(after)) for (before, event), after in TRANSITIONS.items()}
