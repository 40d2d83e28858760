"""A job as one caller may see it: rows in, `JobView` out."""

from __future__ import annotations

from collections.abc import Collection

from tallystick.coordinator.contract import Contract
from tallystick.coordinator.ports import Storage
from tallystick.coordinator.progress import ProgressBook
from tallystick.coordinator.records import FOREVER, JobRecord, MessageRecord
from tallystick.coordinator.waiting import APPROVAL, HELLO, phase_of, silent
from tallystick.core.job.lifecycle import JobState
from tallystick.core.net.tls import Identity
from tallystick.v1 import types_pb2 as pb


class Views:
    """Makes views."""

    def __init__(self, storage: Storage, progress: ProgressBook) -> None:
        """Take where rows and reports are."""
        self._storage = storage
        self._progress = progress

    def of(self, caller: Identity, record: JobRecord, contract: Contract, connected: Collection[str]) -> pb.JobView:
        """Give one job, as a caller who may see it sees it: hellos and inbox go to agencies alone."""
        deposits = self._storage.deposits(record.job)
        messages = [m for m in self._storage.messages(record.job) if m.name.attempt == record.attempt]
        complete = {message.name.ref for message in messages}
        phase = phase_of(contract, JobState(record.state), complete)
        agency = caller.role == "agency"
        return pb.JobView(
            job=record.job,
            version=record.version,
            state=pb.JobState.Value(f"JOB_STATE_{record.state.upper()}"),
            attempt=record.attempt,
            phase=phase or "",
            document=record.document,
            approvals=[d.document for d in deposits if d.kind == APPROVAL and d.attempt == FOREVER],
            hellos=[d.document for d in deposits if agency and d.kind == HELLO and d.attempt == record.attempt],
            inbox=[_state(message) for message in messages if agency and message.name.ref.receiver == caller.name],
            progress=[
                pb.Progress(party=r.party, phase=r.phase, done=r.done, total=r.total, heard=int(r.heard.timestamp()))
                for r in self._progress.of(record.job)
            ],
            failures=[
                pb.Failure(party=f.party, code=f.code, message=f.message, hint=f.hint, retry=f.retry)
                for f in self._storage.failures(record.job)
            ],
            waiting=[
                pb.Waiting(party=one.party, for_what=one.for_what, connected=one.party in connected)
                for one in silent(contract, record, deposits, complete)
            ],
            submitted=int(record.submitted.timestamp()),
            ended=int(record.ended.timestamp()) if record.ended is not None else 0,
        )


def _state(message: MessageRecord) -> pb.MessageState:
    return pb.MessageState(ref=message.name.wire(), next_sequence=message.envelopes, complete=True, bytes=message.bytes)
