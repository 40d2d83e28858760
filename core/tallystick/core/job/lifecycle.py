"""The life of a job as one table: (state, event) to state. docs/state-machines.md is drawn from it.

A running job also has a phase and an attempt; they are fields beside its state, because the work of a phase is each party's own
affair.
"""

from __future__ import annotations

from enum import StrEnum
from itertools import groupby
from types import MappingProxyType
from typing import Final

from tallystick.core.errors import Invalid


class JobState(StrEnum):
    """Where a job is."""

    SUBMITTED = "submitted"
    APPROVING = "approving"
    RUNNING = "running"
    RELEASING = "releasing"
    RELEASED = "released"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    FAILED = "failed"
    EXPIRED = "expired"

    @property
    def final(self) -> bool:
        """Whether nothing can happen to the job any more."""
        return self in FINAL


class JobEvent(StrEnum):
    """What happens to a job."""

    ANNOUNCE = "announce"
    APPROVE = "approve"
    RESTART = "restart"
    SEAL = "seal"
    RELEASE = "release"
    REFUSE = "refuse"
    CANCEL = "cancel"
    FAIL = "fail"
    EXPIRE = "expire"


class Phase(StrEnum):
    """What a running or releasing job is doing."""

    DERIVE = "derive"
    TAG = "tag"
    MATCH = "match"
    COMPUTE = "compute"
    CHECK = "check"
    RELEASE = "release"


EVENTS: Final = MappingProxyType(
    {
        JobEvent.ANNOUNCE: "the nodes have been told and may decide",
        JobEvent.APPROVE: "every approval that the agreement asks for is there",
        JobEvent.RESTART: "a node lost its keys of this attempt: the next attempt begins",
        JobEvent.SEAL: "every agency's sealed shares are there and go to the desk",
        JobEvent.RELEASE: "the desk has sealed the result to the analyst",
        JobEvent.REFUSE: "an agency, steward or approver says no",
        JobEvent.CANCEL: "the analyst takes it back",
        JobEvent.FAIL: "a party broke the protocol, or the attempts are used up",
        JobEvent.EXPIRE: "the deadline passes",
    }
)
"""When an event happens, for people."""

PHASES: Final = MappingProxyType(
    {
        Phase.DERIVE: "each node makes one row per person",
        Phase.TAG: "lists go round the ring and are masked",
        Phase.MATCH: "the coordinator matches tags and gives slots",
        Phase.COMPUTE: "columns are multiplied under encryption; shares are sealed",
        Phase.CHECK: "the desk opens and hides small cells",
        Phase.RELEASE: "the result is sealed to the analyst",
    }
)
"""What happens in a phase, for people."""

FINAL: Final = frozenset({JobState.RELEASED, JobState.REFUSED, JobState.CANCELLED, JobState.FAILED, JobState.EXPIRED})

_ENDS: Final = {
    JobEvent.REFUSE: JobState.REFUSED,
    JobEvent.CANCEL: JobState.CANCELLED,
    JobEvent.FAIL: JobState.FAILED,
    JobEvent.EXPIRE: JobState.EXPIRED,
}

TRANSITIONS: Final = MappingProxyType(
    {
        (JobState.SUBMITTED, JobEvent.ANNOUNCE): JobState.APPROVING,
        (JobState.APPROVING, JobEvent.APPROVE): JobState.RUNNING,
        (JobState.RUNNING, JobEvent.RESTART): JobState.RUNNING,
        (JobState.RUNNING, JobEvent.SEAL): JobState.RELEASING,
        (JobState.RELEASING, JobEvent.RESTART): JobState.RUNNING,
        (JobState.RELEASING, JobEvent.RELEASE): JobState.RELEASED,
    }
    | {(state, event): end for state in JobState if state not in FINAL for event, end in _ENDS.items()}
)


def next_state(state: JobState, event: JobEvent) -> JobState:
    """Give the state that an event leads to.

    Raises:
        Invalid: `job-state`: the event cannot happen in this state.
    """
    after = TRANSITIONS.get((state, event))
    if after is None:
        allowed = ", ".join(event for before, event in TRANSITIONS if before == state)
        raise Invalid(
            "job-state", f"a job that is {state} cannot {event}", hint=f"it can: {allowed}" if allowed else "it has ended"
        )
    return after


def mermaid() -> str:
    """Give the table as a mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {JobState.SUBMITTED}"]
    arrows = [(before, after, event) for (before, event), after in TRANSITIONS.items()]
    for (before, after), group in groupby(arrows, key=lambda arrow: arrow[:2]):
        lines.append(f"    {before} --> {after}: {', '.join(event for _, _, event in group)}")
    lines += [f"    {state} --> [*]" for state in JobState if state in FINAL]
    return "\n".join(lines) + "\n"
