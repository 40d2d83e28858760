"""What a steward looks at of a job, as messages and back: what it asks of this agency, and earlier jobs over the same data."""

from __future__ import annotations

from typing import Final

from tallystick.node.asked import AskedHere, OwnGroup
from tallystick.node.local.codes import STATES
from tallystick.node.local.values import foreign
from tallystick.node.views import PastJob
from tallystick.v1 import steward_pb2 as pb

_DIGEST_BYTES: Final = 32


def write_asked(view: AskedHere) -> pb.AskedJob:
    """Translate what a job asks of this agency."""
    own = [
        pb.OwnGroup(
            group=one.group,
            dataset=one.dataset,
            title=one.title,
            authority=one.authority,
            where=one.where,
            columns=[pb.OwnColumn(name=name, serves=serves, label=label) for name, serves, label in one.columns],
            at_most=one.at_most,
        )
        for one in view.own
    ]
    return pb.AskedJob(sentence=view.sentence, own=own, rules=view.rules, cost=view.cost)


def read_asked(message: pb.AskedJob) -> AskedHere:
    """Translate it back."""
    own = tuple(
        OwnGroup(
            group=one.group,
            dataset=one.dataset,
            title=one.title if one.HasField("title") else None,
            authority=one.authority if one.HasField("authority") else None,
            where=one.where if one.HasField("where") else None,
            columns=tuple((column.name, tuple(column.serves), column.label) for column in one.columns),
            at_most=one.at_most,
        )
        for one in message.own
    )
    return AskedHere(message.sentence, own, tuple(message.rules), tuple(message.cost))


def write_past(view: PastJob) -> pb.PastJob:
    """Translate an earlier job."""
    return pb.PastJob(
        job=bytes.fromhex(view.job),
        title=view.title,
        analyst=view.analyst,
        state=STATES.number(view.state),
        differs=view.differs,
        seen=view.seen,
    )


def read_past(message: pb.PastJob) -> PastJob:
    """Translate it back.

    Raises:
        Broken: `protocol-broken`: it is no job's.
    """
    if len(message.job) != _DIGEST_BYTES:
        raise foreign("a job's digest")
    title = message.title if message.HasField("title") else None
    state = STATES.value(message.state)
    return PastJob(message.job.hex(), title, message.analyst, state, tuple(message.differs), message.seen)
