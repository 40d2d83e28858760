"""A caller's view of a job (`coordinator/views.py`) as the wire has it: the one place that knows both."""

from __future__ import annotations

from datetime import datetime

from tallystick.coordinator.records import MessageRecord
from tallystick.coordinator.views import JobView, Waiting
from tallystick.v1 import types_pb2 as pb


def job_view_message(view: JobView) -> pb.JobView:
    """Translate a view to its message; moments become seconds since the epoch, 0 for not yet."""
    return pb.JobView(
        job=view.job,
        version=view.version,
        state=pb.JobState.Value(f"JOB_STATE_{view.state.upper()}"),
        attempt=view.attempt,
        phase=view.phase or "",
        document=view.document,
        approvals=view.approvals,
        hellos=view.hellos,
        inbox=[message_state(message) for message in view.inbox],
        progress=[
            pb.Progress(party=one.party, phase=one.phase, done=one.done, total=one.total, heard=int(one.heard.timestamp()))
            for one in view.progress
        ],
        failures=[
            pb.Failure(party=one.party, code=one.code, message=one.message, hint=one.hint, retry=one.retry)
            for one in view.failures
        ],
        waiting=[waiting_message(one) for one in view.waiting],
        submitted=_seconds(view.submitted),
        ended=_seconds(view.ended),
        timeline=[
            pb.Moment(at=_seconds(one.at), what=one.what, party=one.party, attempt=one.attempt, code=one.code)
            for one in view.timeline
        ],
        queue=None if view.place is None else pb.QueuePlace(place=view.place.place, waiting=view.place.waiting),
    )


def waiting_message(one: Waiting) -> pb.Waiting:
    """Translate who is waited for."""
    return pb.Waiting(
        party=one.party,
        for_what=one.for_what,
        connected=one.connected,
        code=one.code,
        message=one.message,
        hint=one.hint,
        since=_seconds(one.since),
    )


def _seconds(moment: datetime | None) -> int:
    return int(moment.timestamp()) if moment is not None else 0


def message_state(message: MessageRecord) -> pb.MessageState:
    """Translate a complete message's row."""
    return pb.MessageState(ref=message.name.wire(), next_sequence=message.envelopes, complete=True, bytes=message.bytes)
