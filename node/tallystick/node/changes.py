"""A change to a job that is decided from what is kept of it: read, decide, write, and all again if somebody else came between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from tallystick.core.job.lifecycle import JobState
from tallystick.node.ports import KeptJob, NodeStorage, Note, StaleJob
from tallystick.node.storage.rules import job_unknown


@dataclass(frozen=True)
class KeptChange:
    """What is to be kept of a job, and what the log says of it."""

    after: KeptJob
    note: Note | None = None


Decide: TypeAlias = Callable[[KeptJob], KeptChange | None]
"""Gives the change to what is kept, or None where it stays. Called again, with what is kept then, if another change came between."""


def decide_end(state: JobState, now: datetime) -> Decide:
    """Give the decision that a job ends so; one that has ended stays as it ended."""
    note = Note("ended", now, {"state": str(state)})

    def decide(kept: KeptJob) -> KeptChange | None:
        return (
            None if JobState(kept.state).final else KeptChange(replace(kept, state=str(state), awaits="", candidate=None), note)
        )

    return decide


def decide_job(storage: NodeStorage, job: str, decide: Decide) -> KeptJob:
    """Change a job by what is kept of it; give what is kept now.

    Args:
        storage: the node's.
        job: the digest.
        decide: the decision. A job that ended is not changed by any.

    Raises:
        Invalid: `job-unknown`: nothing is kept of it; `job-state`: a change to a job that ended, or to an earlier attempt.
        What `decide` raises: then nothing changed.
    """
    while True:
        kept = storage.job(job)
        if kept is None:
            raise job_unknown()
        change = decide(kept)
        if change is None:
            return kept
        try:
            return storage.change_job(kept, change.after, change.note)
        except StaleJob:
            continue
