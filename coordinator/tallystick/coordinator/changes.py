"""A change of a job, as it is decided before it is written, and what the job's timeline says of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from tallystick.coordinator.records import Deposit, FailureRecord, JobRecord, MessageRecord, MomentRecord
from tallystick.core.agreement.check import COORDINATOR
from tallystick.core.job.lifecycle import JobEvent


@dataclass(frozen=True)
class JobChange:
    """What is to be written.

    Attributes:
        event: of the table, or none.
        by: who makes the event happen; where it is left out, whose failure it is, or the coordinator.
        lease: under which the driver does it; 0 for none.
    """

    event: JobEvent | None = None
    deposits: tuple[Deposit, ...] = ()
    failures: tuple[FailureRecord, ...] = ()
    messages: tuple[MessageRecord, ...] = ()
    result_bytes: int | None = None
    lease: int = 0
    by: str = ""


Decide: TypeAlias = Callable[[JobRecord], JobChange | None]


def build_moments(change: JobChange, attempt: int, now: datetime) -> tuple[MomentRecord, ...]:
    """Build what the timeline says of a change in an attempt."""
    told = [MomentRecord(now, one.kind, one.party, attempt) for one in change.deposits]
    told += [MomentRecord(now, one.name.ref.round, one.name.ref.sender, attempt) for one in change.messages]
    if change.event is not None:
        first = change.failures[0] if change.failures else None
        by = change.by or (COORDINATOR if first is None else first.party)
        told.append(MomentRecord(now, str(change.event), by, attempt, "" if first is None else first.code))
    return tuple(told)
