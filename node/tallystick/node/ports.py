"""What a node needs of its surroundings. One contract suite runs on every adapter: tests/contract/test_node_storage.py."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from tallystick.core.canonical import Json
from tallystick.core.job.lifecycle import JobState
from tallystick.core.net.chunks import MessageName
from tallystick.node.disclosures import RequestKeeper
from tallystick.node.entries import Event, OwnHead, PeerHead
from tallystick.v1.relay_pb2 import Notice
from tallystick.v1.types_pb2 import Envelope, Failure, JobView, MessageState, Progress

Awaits = Literal["", "approve", "release"]
Decision = Literal["", "approve", "refuse"]
EnvelopeSource = Callable[[int], AsyncIterator[Envelope]]
"""Gives the envelopes of one message from a number on; may be asked again, from another number."""


@dataclass(frozen=True)
class KeptJob:
    """What a node keeps of one job.

    Attributes:
        job: the digest, 64 hexadecimal digits.
        document: the job as its analyst signed it.
        state: the last state that the coordinator told, in lower case.
        attempt: the last attempt that it told.
        awaits: which decision of this agency's people is due.
        verdict: what the local policy said: auto, ask or never; empty where a rule of the agreement already said no.
        reasons: why, for this agency's own people only.
        decision: this agency's own signed yes or no, once it is there.
        reason_class: what others learn of a no.
        deposits: signed documents to hand in: the agency's approval, its stewards'.
        desk: which candidate release is decided: the stewards' decision at the desk.
        candidate: the released table as it would go out (canonical JSON), once the desk has it.
        candidate_attempt: the attempt that it is from.
        review_begun: when the reviewers' copy of the candidate was made; None before.
        reviews: reviewers' signed words about it.
        seen: when the job was first seen.
        version: how many changes the store has taken of it; the store counts.
    """

    job: str
    document: bytes = field(repr=False)
    seen: datetime
    state: str = "submitted"
    attempt: int = 0
    awaits: Awaits = ""
    verdict: str = ""
    reasons: tuple[str, ...] = ()
    decision: Decision = ""
    reason_class: str = ""
    deposits: tuple[bytes, ...] = field(default=(), repr=False)
    desk: Decision = ""
    candidate: bytes | None = field(default=None, repr=False)
    candidate_attempt: int = 0
    review_begun: datetime | None = None
    reviews: tuple[bytes, ...] = field(default=(), repr=False)
    version: int = 0


class StaleJob(Exception):  # it is no error: the caller reads again and decides again
    """The job was changed by somebody else since it was read."""


@dataclass(frozen=True)
class Note:
    """What the log says of a change to a job; written in the transaction of the change, so that neither is there without the other.

    Attributes:
        event: its name.
        now: when.
        details: names, codes and counts, never data.
    """

    event: str
    now: datetime
    details: Mapping[str, Json] = field(default_factory=dict)


class NodeStorage(RequestKeeper, Protocol):
    """What a node never forgets.

    Constraints: every method is one transaction, durable when it returns, and waits for the disk. The thread that opened a store is the
    only one that calls it: a node's parts reach it through `Store`, in which all calls are in one order. What cannot be written raises
    `Broken` (`disk`) and changes nothing; what cannot be read raises `Broken` (`state-corrupt`).
    """

    def secret(self) -> bytes:
        """Give the node's secret, 32 bytes: drawn once, the same ever after. It keys decoy coins and fingerprints."""
        ...

    def newest_agreement(self, name: str) -> tuple[int, str] | None:
        """Find the newest version of an agreement that was accepted, and its digest."""
        ...

    def see_agreement(self, name: str, version: int, digest: str) -> None:
        """Remember an accepted agreement; an older version than the one remembered changes nothing."""
        ...

    def job(self, job: str) -> KeptJob | None:
        """Give what is kept of a job."""
        ...

    def list_unended(self) -> Sequence[str]:
        """List the digests of the jobs that have not ended, oldest first."""
        ...

    def awaiting(self, after: KeptJob | None = None, limit: int = 100) -> Sequence[KeptJob]:
        """Give jobs that wait for a decision of this agency's people, oldest first: those after one, at most so many."""
        ...

    def find_jobs(self, prefix: str, limit: int = 100) -> Sequence[str]:
        """Find the digests that begin so, in their order, at most so many."""
        ...

    def list_versions(self, limit: int) -> Mapping[str, int]:
        """Give the jobs that were met last, newest first, at most so many, and the version of each."""
        ...

    def count_jobs(self) -> Mapping[str, int]:
        """Give how many jobs are in each state that some job is in."""
        ...

    def add_job(self, record: KeptJob, note: Note | None = None) -> KeptJob:
        """Keep a new job. One of the same digest is given back as it is, and nothing changes, nor is anything noted."""
        ...

    def change_job(self, before: KeptJob, after: KeptJob, note: Note | None = None) -> KeptJob:
        """Replace what is kept of a job, and note it: both or neither. Gives it with its new version.

        Args:
            before: the job as it was read.
            after: what is to be kept.
            note: for the log.

        Raises:
            Stale: the version that is kept is not `before.version`.
            Invalid: `job-unknown`; `job-state`: the job ended here, or `after` is of an earlier attempt.
        """
        ...

    def pin_table(self, job: str, fingerprint: bytes) -> None:
        """Remember which table of people a job is answered from. Until a share was kept, a new one replaces it.

        Raises:
            Refused: `source-changed`: a share was made from another table.
        """
        ...

    def keep_share(self, job: str, attempt: int, share: bytes) -> bytes:
        """Keep an attempt's share before it is sent, and give what must be sent: what was kept first, whatever comes later.

        Raises:
            Invalid: `job-state`: the job ended here, or is in a later attempt.
        """
        ...

    def share(self, job: str, attempt: int) -> bytes | None:
        """Give the share that was kept."""
        ...

    def keep_result(self, job: str, attempt: int, sealed: bytes) -> bytes:
        """Keep an attempt's sealed result before it is sent, and give what must be sent: what was kept first.

        Raises:
            Invalid: `job-state`: the job ended here, or is in a later attempt.
        """
        ...

    def result(self, job: str, attempt: int) -> bytes | None:
        """Give the sealed result that was kept."""
        ...

    def begin_opening(self, job: str, attempt: int) -> None:
        """Note, before it is done, that the shares of an attempt are opened here; the same again changes nothing.

        Raises:
            Refused: `attempt-opened`: those of another attempt were.
            Invalid: `job-state`: the job ended here, or is in a later attempt.
        """
        ...

    def opening(self, job: str) -> int | None:
        """Give the attempt whose shares were opened here, or were about to be; 0 where it is not known which, None for none."""
        ...

    def keep_table(
        self, job: str, attempt: int, family: str, table: bytes, *, numbers: bytes, agreement: str, until: datetime
    ) -> None:
        """Keep what an attempt's result shows, in place of what was kept of it, so that later results can be held against it.

        Args:
            job: the digest.
            attempt: the attempt.
            family: what results that are held against each other have in common.
            table: not empty.
            numbers: a digest of the opened numbers that the table rests on.
            agreement: the name of the job's.
            until: when its time is over, in UTC.

        Raises:
            Broken: `attempts-differ`: a table of the same job rests on other numbers; nothing is kept.
        """
        ...

    def tables(self, family: str, *, but: str) -> Sequence[bytes | None]:
        """Give what was kept of a family, by jobs' digests and attempts, without one job; None for what was forgotten."""
        ...

    def extend_tables(self, agreement: str, until: datetime) -> None:
        """Keep the tables under an agreement until then, those that are not kept longer anyway."""
        ...

    def tables_due(self, now: datetime) -> Sequence[tuple[str, str]]:
        """Give (job, agreement) of the tables whose time is over and that were not forgotten, in the order of the jobs' digests."""
        ...

    def forget_table(self, job: str) -> None:
        """Delete the numbers of a job's tables; that there were some is kept. Nothing of them stays in the store's files."""
        ...

    def log(self, event: str, now: datetime, job: str = "", **details: Json) -> Event:
        """Append to the log, before what it tells of is done. Details are names, codes and counts, never data."""
        ...

    def events(self, after: int = 0, limit: int = 1000) -> Sequence[Event]:
        """Give entries of the log, oldest first.

        Raises:
            Broken: `state-corrupt`: an entry was changed, left out or put in.
        """
        ...

    def log_head(self) -> OwnHead:
        """Work out the head of the whole log as it is now.

        Raises:
            Broken: `state-corrupt`: an entry was changed, left out or put in.
        """
        ...

    def keep_head(self, head: PeerHead) -> bool:
        """Keep what another agency says of its log, for ever; what is kept already is left as it is.

        Returns:
            Whether it can be of the log that was heard of before: False where another head of the same size is kept.
        """
        ...

    def heads(self, after: int = 0, limit: int = 1000) -> Sequence[PeerHead]:
        """List what other agencies said of their logs, in the order in which it came; `after` so many."""
        ...

    def find_head(self, agency: str) -> PeerHead | None:
        """Find what an agency said last of its log."""
        ...

    def find_restored(self) -> datetime | None:
        """Give when this agency went on from a restored state last: what it did before may be unknown here."""
        ...

    def close(self) -> None:
        """Let go of files."""
        ...


class Sink(Protocol):
    """Where a download goes; it may be gone on with after a link was cut."""

    @property
    def count(self) -> int:
        """How many envelopes are held."""
        ...

    @property
    def ended(self) -> bool:
        """Whether the last one is."""
        ...

    def append(self, envelope: Envelope) -> None:
        """Take the next envelope."""
        ...


class CoordinatorClient(Protocol):
    """The coordinator, as a node sees it.

    Constraints: methods raise `NotReady` while it cannot be reached, and other `TallyError`s for its answers; each may be
    called again.
    """

    def attend(self) -> AbstractAsyncContextManager[NoticeStream]:
        """Open the stream of notices; entered when the coordinator has answered, so that this agency is connected."""
        ...

    async def sync(self, job: bytes) -> JobView:
        """Give all that this agency may know of a job."""
        ...

    async def deposit(self, job: bytes, document: bytes) -> JobView:
        """Hand in a signed document."""
        ...

    async def put(self, name: MessageName, source: EnvelopeSource) -> MessageState:
        """Upload what the coordinator lacks of a message; return when it holds all of it.

        Raises:
            What the source raises: the message will never be whole.
        """
        ...

    async def get(self, name: MessageName, sink: Sink) -> None:
        """Download what is missing of a message; return when it is whole."""
        ...

    async def report_progress(self, job: bytes, attempt: int, progress: Progress) -> None:
        """Say how far this agency is."""
        ...

    async def report_failure(self, job: bytes, attempt: int, failure: Failure) -> None:
        """Say that this agency cannot go on."""
        ...

    async def report_ended(self, job: bytes, state: JobState) -> None:
        """Say that this agency knows how a job ended, and does nothing more for it."""
        ...

    async def report_trouble(self, job: bytes, trouble: Failure) -> None:
        """Say what keeps this agency for now; with an empty code, that nothing does any more."""
        ...


class NoticeStream(Protocol):
    """Notices as they come."""

    def __aiter__(self) -> NoticeStream:
        """Give itself."""
        ...

    async def __anext__(self) -> Notice:
        """Wait for the next notice."""
        ...
