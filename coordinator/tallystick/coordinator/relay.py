"""The relay: takes envelopes that it cannot open, keeps them until they are fetched, and says what it holds.

Rules that this file enforces:

1. A message is taken only if the job's protocol has it, its sender is the caller, its attempt is the present one, and every message that
   its sender must have read to make it is complete (`crypto/statistic/schedule.py`).
2. Every envelope carries its sender's signature over its own place: one that was moved is refused before it is written.
3. Envelopes are taken in order. One that is held already is skipped if it is the same and refused if it is not.
4. A message counts when all of it is durable and its row is written; only then can its receiver see it.
5. Nothing grows without bound: envelopes, messages and a job's attempt have limits. A list's is what the agreement declares of its
   owner's dataset: what is over it is refused before it is written.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from tallystick.coordinator.changes import JobChange, build_moments
from tallystick.coordinator.config import GIB, MIB, Limits
from tallystick.coordinator.ports import CoordinatorStorage, Spool, StaleRow, Upload
from tallystick.coordinator.progress import ProgressBook
from tallystick.coordinator.records import JobRecord, MessageRecord
from tallystick.coordinator.rows import RowReader
from tallystick.core.contract import Contract
from tallystick.core.errors import Broken, NotReady, Refused
from tallystick.core.failpoint import failpoint
from tallystick.core.net.chunks import MessageName, check_shape, same
from tallystick.core.net.tls import CertifiedParty
from tallystick.crypto import envelope as envelopes
from tallystick.v1.types_pb2 import Envelope, MessageState

Open = Callable[[bytes, CertifiedParty], tuple[JobRecord, Contract]]
"""Gives a job that takes messages now, as this caller may see it; raises `job-unknown` or `job-state`."""


@dataclass(frozen=True)
class _Place:
    """An admitted message: whose it is, its sender's key, how much room it has, and whether its turn has come."""

    name: MessageName
    caller: CertifiedParty
    sender_key: bytes
    room: int
    due: bool


class Relay:
    """See the module's rules. Methods block; callers run them in threads."""

    def __init__(
        self,
        storage: CoordinatorStorage,
        rows: RowReader,
        spool: Spool,
        limits: Limits,
        opened: Open,
        changed: Callable[[JobRecord], None],
        now: Callable[[], datetime],
        book: ProgressBook,
    ) -> None:
        """Take where things are kept, how to find a job that takes messages, whom to tell of a change, the time, and where moves are noted."""
        self._storage = storage
        self._rows = rows
        self._spool = spool
        self._limits = limits
        self._opened = opened
        self._changed = changed
        self._now = now
        self.moved = book.move
        self.counts = book.counts
        self._lock = threading.RLock()
        self._receiving: dict[MessageName, Receiving] = {}

    def receive(self, caller: CertifiedParty, name: MessageName) -> Receiving:
        """Begin or go on with an upload. An older upload of the same message, left behind by a lost connection, ends.

        Raises:
            Refused: `job-unknown`, `job-state`. Broken: `protocol-broken`: rule 1. NotReady: `disk`: the spool is full.
        """
        place = self._admit(caller, name)
        if not place.due:
            raise Broken("protocol-broken", f"{name.ref.round} of {caller.name} comes before what it must be made of")
        self._check_room()
        with self._lock:
            older = self._receiving.pop(name, None)
            if older is not None:
                older.close()
            complete = self._complete(name)
            receiving = Receiving(self, place, None if complete else self._spool.upload(name), complete)
            self._receiving[name] = receiving
            return receiving

    def _check_room(self) -> None:
        """See that the spool has room (rule 5).

        Raises:
            NotReady: `disk`: what is held is over the configured bound; jobs that end, and results that grow old, make room.
        """
        if self._limits.spool_gib is None:
            return
        held = self._storage.count_bytes(self._now() - timedelta(days=self._limits.keep_results_days))
        if held > self._limits.spool_gib * GIB:
            raise NotReady(
                "disk",
                "the coordinator's spool is full",
                hint="its operator raises limits: spool_gib, or waits until jobs have ended",
            )

    def stat(self, caller: CertifiedParty, name: MessageName) -> MessageState:
        """Say how much of a message is held; finishes a message whose last step a crash cut off.

        Raises:
            As `receive`.
        """
        self._admit(caller, name)
        with self._lock:
            current = self._receiving.get(name)
            complete = self._complete(name)
        if complete is not None:
            return _state(name, complete.envelopes, complete.bytes, complete=True)
        if current is not None:
            return current.state()
        if not self._spool.has(name):
            return _state(name, 0, 0, complete=False)
        return self.receive(caller, name).finish()

    def read(self, caller: CertifiedParty, name: MessageName, start: int) -> Iterator[Envelope]:
        """Give a complete message that is addressed to the caller, from envelope `start` on.

        Raises:
            Refused: `job-unknown`, `job-state`, `not-allowed`: addressed to somebody else, or not complete.
        """
        record, _ = self._opened(name.job, caller)
        if name.attempt != record.attempt:
            raise _another_attempt(record)
        complete = self._rows.of(record).held.get(name.ref) if name.ref.receiver == caller.name else None
        if complete is None:
            raise Refused("not-allowed", "there is no complete message of that name for the caller")
        return self._moving(name.job, self._spool.read(complete, min(start, complete.envelopes)))

    def _moving(self, job: bytes, envelopes: Iterator[Envelope]) -> Iterator[Envelope]:
        for envelope in envelopes:
            self.moved(job)
            yield envelope

    def _admit(self, caller: CertifiedParty, name: MessageName) -> _Place:
        record, contract = self._opened(name.job, caller)
        if name.attempt != record.attempt:
            raise _another_attempt(record)
        if name.ref.sender != caller.name or name.ref not in contract.schedule.sent_by_agencies:
            raise Broken(
                "protocol-broken", f"{name.ref.round} to {name.ref.receiver} is no message of {caller.name} in this job"
            )
        rows = self._rows.of(record)
        room = min(self._limits.message_mib * MIB, self._limits.job_mib * MIB - rows.bytes)
        if (most := contract.most_bytes(name.ref)) is not None:
            room = min(room, most)
        key = bytes.fromhex(contract.agreement.parties[caller.name].key)
        return _Place(name, caller, key, room, contract.schedule.may_send(name.ref, rows.held))

    def _complete(self, name: MessageName) -> MessageRecord | None:
        record = self._storage.job(name.job)
        held = None if record is None else self._rows.of(record).held.get(name.ref)
        return held if held is not None and held.name == name else None

    def read_from(self, message: MessageRecord, start: int) -> Iterator[Envelope]:
        """Read the envelopes of a complete message, to compare with."""
        return self._spool.read(message, start)

    @property
    def store(self) -> str:
        """Under which name messages are written."""
        return self._spool.store

    def complete(self, caller: CertifiedParty, message: MessageRecord) -> None:
        """Write the row that makes a durable message count (rule 4).

        Raises:
            Refused: `job-state`: the job ended, or began another attempt, meanwhile.
        """
        failpoint("put-synced")
        change = JobChange(messages=(message,))
        while True:
            record, _ = self._opened(message.name.job, caller)
            if record.attempt != message.name.attempt:
                raise _another_attempt(record)
            try:
                changed = self._storage.change(
                    record, record, messages=[message], moments=build_moments(change, record.attempt, self._now())
                )
            except StaleRow:
                continue
            break
        failpoint("put-recorded")
        self.counts.add("message_bytes", by=message.bytes)
        self._changed(changed)

    def forget_upload(self, receiving: Receiving) -> None:
        """Forget an upload that is over."""
        with self._lock:
            if self._receiving.get(receiving.name) is receiving:
                del self._receiving[receiving.name]


class Receiving:
    """One upload under way."""

    def __init__(self, relay: Relay, place: _Place, upload: Upload | None, complete: MessageRecord | None) -> None:
        """Go on with `upload`, or only compare with what is `complete`."""
        self.name = place.name
        self._relay = relay
        self._place = place
        self._upload = upload
        self._complete = complete
        self._lock = threading.Lock()
        self._closed = False
        self._held: Iterator[Envelope] | None = None

    def take(self, envelope: Envelope) -> None:
        """Take the next envelope.

        Raises:
            Refused: `too-large`. Broken: `protocol-broken`: another message's, out of order, or not what is held already.
            PeerFault: `signature-invalid`.
        """
        with self._lock:
            if self._closed:
                raise Refused("job-state", "the same message is being sent again by another call", hint="ask Stat, then go on")
            if MessageName.read(envelope.ref) != self.name:
                raise Broken("protocol-broken", "an upload holds envelopes of one message alone")
            check_shape(envelope)
            header = self.name.header(envelope.sequence, last=envelope.last)
            envelopes.verify(header, envelope.sealed, envelope.signature, self._place.sender_key)
            if self._upload is None or envelope.sequence < self._upload.count:
                self._compare(envelope)
                return
            if self._upload.bytes + envelope.ByteSize() > self._place.room:
                ref = self.name.ref
                raise Refused(
                    "too-large", f"{ref.round} of {ref.sender} is over its limit", hint="ask the coordinator's operator"
                )
            self._upload.append(envelope)
            self._relay.moved(self.name.job)
            failpoint("put-appended")

    def finish(self) -> MessageState:
        """Make durable what was taken; if it is the whole message, let it count. Ends the upload.

        Raises:
            Refused: `job-state`: the job ended, or began another attempt, meanwhile.
        """
        try:
            with self._lock:
                if self._complete is not None:
                    return _state(self.name, self._complete.envelopes, self._complete.bytes, complete=True)
                if self._closed or self._upload is None:
                    raise Refused("job-state", "the same message is being sent again by another call")
                self._upload.sync()
                message = MessageRecord(self.name, self._upload.count, self._upload.bytes, self._relay.store)
                if self._upload.ended:
                    self._relay.complete(self._place.caller, message)
                return _state(self.name, message.envelopes, message.bytes, complete=self._upload.ended)
        finally:
            self.close()

    def state(self) -> MessageState:
        """Say how much is held."""
        with self._lock:
            if self._complete is not None:
                return _state(self.name, self._complete.envelopes, self._complete.bytes, complete=True)
            assert self._upload is not None
            return _state(self.name, self._upload.count, self._upload.bytes, complete=False)

    def close(self) -> None:
        """End the upload; what was taken stays for the next one, as far as the disk has room for it."""
        with self._lock:
            if not self._closed and self._upload is not None:
                with suppress(OSError):  # what is not on the disk is not held, and is sent again
                    self._upload.close()
            self._closed = True
        self._relay.forget_upload(self)

    def _compare(self, envelope: Envelope) -> None:
        """Compare with what is held (rule 3); a complete message is read from its beginning once."""
        if self._upload is not None:
            held = self._upload.read_envelope(envelope.sequence)
        else:
            assert self._complete is not None
            if envelope.sequence >= self._complete.envelopes:
                raise Broken("protocol-broken", "an envelope after the last one of its message")
            if self._held is None:
                self._held = self._relay.read_from(self._complete, envelope.sequence)
            held = next(self._held, Envelope())
        if not same(held, envelope):
            raise Broken("protocol-broken", f"envelope {envelope.sequence} differs from the one that was sent before")


def _state(name: MessageName, count: int, length: int, *, complete: bool) -> MessageState:
    return MessageState(ref=name.wire(), next_sequence=count, complete=complete, bytes=length)


def _another_attempt(record: JobRecord) -> Refused:
    return Refused("job-state", f"the job is in attempt {record.attempt} now", hint="begin that attempt")
