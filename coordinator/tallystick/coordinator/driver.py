"""What the coordinator does by itself: a pure decision on what is due, and the hands that do it.

Everything is decided from what storage and spool hold, so a coordinator that was killed goes on where the rows end. Each action is
written in one transaction: a kill before it means that it is done again (new slots replace old ones that nobody saw), a kill after it that
it is done.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, auto
from functools import partial
from typing import Any, Final

import numpy as np
import structlog

from tallystick.coordinator.admission import Admission
from tallystick.coordinator.changes import JobChange
from tallystick.coordinator.jobs import Jobs
from tallystick.coordinator.matching import match_tags
from tallystick.coordinator.ports import CoordinatorStorage, LostLease, Spool
from tallystick.coordinator.records import Deposit, FailureRecord, JobRecord, MessageRecord
from tallystick.coordinator.slots import assign_slots, shuffle_table
from tallystick.coordinator.taglist import Opened, TagList, Tags, whole_passes
from tallystick.coordinator.waiting import APPROVAL, HELLO, phase_of
from tallystick.core.agreement.check import COORDINATOR, find_pinned_key
from tallystick.core.contract import Contract
from tallystick.core.documents import decode_document
from tallystick.core.errors import NotReady, TallyError
from tallystick.core.failpoint import failpoint
from tallystick.core.job.approval import complete_approvals
from tallystick.core.job.hello import Hello
from tallystick.core.job.lifecycle import JobEvent, JobState
from tallystick.core.keyfile import IdentityKey
from tallystick.core.linkage.quality.report import LinkageCounts, count_links, encode_report
from tallystick.core.net.chunks import MessageName, open_chunks, seal_envelopes
from tallystick.core.net.status import origin
from tallystick.crypto.envelope import SealingKey
from tallystick.crypto.errors import PeerFault
from tallystick.crypto.machine import Ref
from tallystick.crypto.points import read_points, refuse_repeats
from tallystick.crypto.randomness import Randomness
from tallystick.crypto.statistic import messages as kinds
from tallystick.crypto.statistic.messages import POINT_BYTES, TAG_BYTES, arriving_list, slots_payload
from tallystick.crypto.statistic.rounds import PAIR
from tallystick.crypto.statistic.shares import MAX_BYTES, add_shares
from tallystick.crypto.tags import correct_tags

CORRECTION_BYTES: Final = 32
MAX_STEPS: Final = 16
TOGETHER: Final = 2
"""Threads of a matching: of each list the next pass is opened and checked beside the matching of this one, and the table is put in order."""


class Action(Enum):
    """What the coordinator can do for a job."""

    ANNOUNCE = auto()
    START = auto()
    MATCH = auto()
    ADD = auto()
    LEAVE = auto()
    FINISH = auto()


@dataclass(frozen=True)
class DriverView:
    """What is known of one job."""

    record: JobRecord
    contract: Contract
    deposits: tuple[Deposit, ...] = field(repr=False)
    complete: frozenset[Ref]
    now: datetime
    messages: Mapping[Ref, MessageRecord] = field(default_factory=dict, repr=False)
    lease: int = 0


def due(view: DriverView) -> Action | None:
    """Give what is to be done now, if anything; a pure function."""
    contract, complete = view.contract, view.complete
    match JobState(view.record.state):
        case JobState.SUBMITTED:
            return Action.ANNOUNCE
        case JobState.APPROVING:
            return Action.START if _is_approved(view) else None
        case JobState.RUNNING if not contract.schedule.is_done(kinds.SLOTS, complete):
            return Action.MATCH if contract.schedule.ready(kinds.SLOTS, complete) else None
        case JobState.RUNNING if contract.direct:  # sealed shares went to the desk, under a key that it has not
            return Action.LEAVE if contract.schedule.is_relayed(kinds.SHARES, complete) else None
        case JobState.RUNNING:
            return Action.ADD if contract.schedule.ready(kinds.SEALED, complete) else None
        case JobState.RELEASING:
            return Action.FINISH if contract.release in complete else None
        case _:
            return None


def _is_approved(view: DriverView) -> bool:
    """Say whether all approvals count now; one that expired meanwhile is waited for again."""
    documents = [decode_document(deposit.document, kind="approval") for deposit in view.deposits if deposit.kind == APPROVAL]
    try:
        complete_approvals(view.contract.job, view.contract.agreement, documents, view.now)
    except TallyError:
        return False
    return True


class Driver:
    """Does what is due. Methods block; the server runs them in threads, one at a time for each job."""

    def __init__(
        self,
        jobs: Jobs,
        storage: CoordinatorStorage,
        spool: Spool,
        admission: Admission,
        *,
        identity: IdentityKey,
        sealing: SealingKey,
        randomness: Randomness,
    ) -> None:
        """Take the rooms it works in, the coordinator's keys, and randomness for slots."""
        self._jobs = jobs
        self._storage = storage
        self._spool = spool
        self._admission = admission
        self._identity = identity
        self._sealing = sealing
        self._randomness = randomness
        self._log = structlog.get_logger("driver")

    def advance(self, job: bytes, lease: int = 0) -> None:
        """Do all that is due for a job now, under the lease on it. A party that broke the protocol ends it, named.

        Raises:
            LostLease: another replica drives the job since; nothing of what this one did counts.
            OSError, NotReady: the disk; worth another try later. Nothing was half done.
        """
        for _ in range(MAX_STEPS):
            view = self._view(job, lease)
            if view is None:
                self._admission.forget(job)
                return
            self._note_phase(view)
            action = due(view)
            if action is not Action.START:
                self._admission.note(job, view.contract.participants)
            if action is None:
                return
            try:
                if not self._do(action, view):
                    return
            except (OSError, NotReady, LostLease):  # the disk, under the spool or under the rows; or it is another's turn
                raise
            except PeerFault as error:
                self._log.warning("peer fault", job=job.hex(), action=action.name, party=error.sender, rule=error.rule)
                self._fail(view, error.sender, "protocol-broken", str(error))
            except TallyError as error:
                self._log.warning("refused", job=job.hex(), action=action.name, code=error.code, detail=error.detail)
                self._fail(view, COORDINATOR, error.code, error.message, error.hint)
            except Exception as error:  # noqa: BLE001  # a fault of ours ends this job, not the coordinator
                self._log.error("failed", job=job.hex(), action=action.name, error=type(error).__name__, where=origin(error))
                self._fail(view, COORDINATOR, "internal", "the coordinator failed in this job", "its log says where")

    def _note_phase(self, view: DriverView) -> None:
        """Note a new phase, and say in the log how long the one before took."""
        state, job = JobState(view.record.state), view.record.job
        phase = str(phase_of(view.contract, state, view.complete) or state)
        began = self._jobs.progress.enter(job, view.record.attempt, phase)
        if began is not None:
            before, seconds = began
            self._log.info(
                "phase", job=job.hex(), attempt=view.record.attempt, phase=phase, before=before, seconds=round(seconds, 1)
            )

    def _view(self, job: bytes, lease: int) -> DriverView | None:
        record = self._storage.job(job)
        if record is None or record.ended is not None:
            return None
        rows, now = self._jobs.rows.of(record), self._jobs.now()
        return DriverView(
            record, self._jobs.contract(record), tuple(rows.deposits), frozenset(rows.held), now, rows.held, lease
        )

    def _step(self, view: DriverView, change: JobChange) -> None:
        self._jobs.step(view.record, replace(change, lease=view.lease))

    def _do(self, action: Action, view: DriverView) -> bool:
        """Do what is due; False where it is not its turn yet."""
        match action:
            case Action.ANNOUNCE:
                self._step(view, JobChange(JobEvent.ANNOUNCE))
            case Action.START:
                with self._admission.turn(view.record, view.contract.participants, view.now) as may:
                    if may:
                        self._step(view, JobChange(JobEvent.APPROVE))
                return may
            case Action.MATCH:
                self._match(view)
            case Action.ADD:
                self._add(view)
            case Action.LEAVE:
                self._step(view, JobChange(JobEvent.SEAL))
            case Action.FINISH:
                self._finish(view)
        return True

    def _match(self, view: DriverView) -> None:
        """Tags in; slots and the desk's `report` out. All count at once: half of one assignment must never meet half of another."""
        contract = view.contract
        with ThreadPoolExecutor(TOGETHER) as threads:  # opening, checking and sorting release the interpreter's lock
            tags = self._lists(view, threads)
            sizes = [at.shape[1] for at in tags]
            table = threads.submit(shuffle_table, sizes, self._randomness)
            decoys = contract.agreement.decoys
            matches = match_tags(tags, rounds := contract.passes.rounds(decoys), contract.passes.budget(decoys))
            for one in tags:
                if isinstance(one, TagList):
                    one.finish()
            found = count_links(tags, matches, contract.passes.exact, contract.agreement.decoys, rounds)
        if contract.plan.noise:  # nobody gets an exact number of it
            found = LinkageCounts((0,) * len(contract.passes.told), None)
        slots, table_size = assign_slots(matches, sizes, table.result())
        self._log.info("matched", job=contract.digest.hex(), sizes=sizes)
        self._jobs.progress.size(contract.digest, dict(zip(contract.agencies, sizes, strict=True)))
        part = encode_report(found, job=contract.digest, attempt=view.record.attempt, passes=contract.passes.digest)
        refs = contract.schedule.refs(kinds.SLOTS)
        left_out = matches.find_left_out(len(contract.passes.exact))
        written = [self._write(view, ref, slots_payload(at, table_size, left_out)) for ref, at in zip(refs, slots, strict=True)]
        if not contract.direct:  # its analyst gets no exact count of who matched
            written.append(self._write(view, contract.report, kinds.pieces(part)))
        failpoint("slots-written")
        self._step(view, JobChange(messages=tuple(written)))
        failpoint("slots-recorded")

    def _lists(self, view: DriverView, threads: Executor) -> list[Any]:
        """Give each owner's tags: of two agencies' lists as they are read, of more as arrays (passes, rows, 16)."""
        owners, passes = view.contract.agencies, len(view.contract.passes.names)
        if len(owners) == PAIR:
            return [TagList(partial(self._tags, view, owner), passes, threads) for owner in owners]
        # of more than two lists each two are compared, so each is read several times
        return list(threads.map(lambda owner: np.stack(list(self._tags(view, owner)[1])), owners))

    def _tags(self, view: DriverView, owner: str) -> Opened:
        """Open an owner's list: give its rows, and pass by pass its tags (rows, 16), checked."""
        contract, names = view.contract, view.contract.passes.names
        pair = len(contract.agencies) == PAIR
        width = TAG_BYTES if pair else POINT_BYTES
        [ref] = (ref for ref in contract.schedule.refs(kinds.TAGS) if ref.about == owner)
        last, chunks, most = ref.sender, self._read(view, ref), contract.most_rows[owner]
        rows, arrived = arriving_list(chunks, width, passes=len(names), sender=last, most=most)
        correction = b"" if pair else b"".join(self._read(view, Ref(kinds.CORRECTION, owner, COORDINATOR)))
        if not pair and len(correction) != CORRECTION_BYTES:
            raise PeerFault("correction-invalid", "a correction is not 32 bytes", sender=owner)

        def check(at: int, values: Tags) -> Tags:
            if not pair:
                read_points(values.data, rows, sender=last)
            refuse_repeats(values, sender=last)
            if pair:
                return values
            name = names[at : at + 1]
            made: Tags = correct_tags(values[None], correction, job_digest=contract.digest, passes=name, sender=owner)[0]
            return made

        return rows, whole_passes(arrived, len(names), (rows, width), check)

    def _add(self, view: DriverView) -> None:
        """Multiply the sealed shares, which adds them, and hand the product to the desk with what it was made of."""
        documents = {ref.sender: self._whole(view, ref, MAX_BYTES) for ref in view.contract.schedule.refs(kinds.SHARES)}
        message = self._write(view, view.contract.sealed, add_shares(documents))
        failpoint("sealed-written")
        self._step(view, JobChange(JobEvent.SEAL, messages=(message,)))

    def _finish(self, view: DriverView) -> None:
        """Keep the result, which is sealed to the analyst, and end the job."""
        length = self._spool.store_result(view.contract.digest, self._read(view, view.contract.release))
        failpoint("result-stored")
        self._step(view, JobChange(JobEvent.RELEASE, result_bytes=length, by=view.contract.desk))

    def _name(self, view: DriverView, ref: Ref) -> MessageName:
        return MessageName(view.contract.digest, view.record.attempt, ref)

    def _read(self, view: DriverView, ref: Ref) -> Iterator[bytes]:
        """Open a message that is addressed to the coordinator."""
        message = view.messages[ref]
        key = bytes.fromhex(find_pinned_key(view.contract.agreement, ref.sender))
        return open_chunks(message.name, self._spool.read(message), receiver=self._sealing, sender_public=key)

    def _whole(self, view: DriverView, ref: Ref, limit: int) -> bytes:
        parts: list[bytes] = []
        length = 0
        for chunk in self._read(view, ref):
            length += len(chunk)
            if length > limit:
                raise PeerFault("message-too-large", f"{ref.round} is over its limit", sender=ref.sender)
            parts.append(chunk)
        return b"".join(parts)

    def _write(self, view: DriverView, ref: Ref, chunks: Iterator[bytes]) -> MessageRecord:
        """Seal a message of the coordinator to the key of its receiver's hello, and keep it; it does not count yet."""
        name = self._name(view, ref)
        public = _sealing_keys(view.deposits, view.record.attempt)[ref.receiver]
        sealed = seal_envelopes(name, chunks, receiver_public=public, sender_private=self._identity.private)
        record = self._spool.write(name, sealed)
        failpoint("message-written")
        return record

    def _fail(self, view: DriverView, party: str, code: str, message: str, hint: str = "") -> None:
        failure = FailureRecord(view.record.attempt, party, code, message, hint, retry=False)
        self._step(view, JobChange(JobEvent.FAIL, failures=(failure,)))


def _sealing_keys(deposits: Sequence[Deposit], attempt: int) -> Mapping[str, bytes]:
    """Give each participant's sealing key of an attempt, from hellos that were verified when they were kept."""
    hellos = [deposit for deposit in deposits if deposit.kind == HELLO and deposit.attempt == attempt]
    return {d.party: bytes.fromhex(decode_document(d.document, kind="hello").read(Hello).sealing_key) for d in hellos}
