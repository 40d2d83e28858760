"""What the coordinator needs of its surroundings. One contract suite runs on every adapter: tests/contract/."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Protocol

from tallystick.coordinator.records import (
    Certificate,
    Deposit,
    FailureRecord,
    Invitation,
    JobRecord,
    MessageRecord,
    MomentRecord,
)
from tallystick.core.net.chunks import MessageName
from tallystick.core.net.tls import Role
from tallystick.v1.types_pb2 import Envelope


class StaleRow(Exception):  # it is no error: the caller reads again and decides again
    """The job was changed by somebody else since it was read."""


class LostLease(Exception):  # it is no error: another replica does what was to be done
    """Another replica drives the job now."""


class Leases(Protocol):
    """Which replica drives a job. Times are those of the database, so replicas' clocks may differ.

    Constraints: the number of a lease grows each time that a job changes hands, and `CoordinatorStorage.change` takes nothing under
    an older one: a replica that was away, and does not know that its time is over, changes nothing.
    """

    def take(self, job: bytes) -> int | None:
        """Take the job, or go on holding it; give the lease's number. None while another replica holds it."""
        ...

    def keep(self) -> None:
        """Hold what is held for longer.

        Raises:
            Refused: `second-process`: another process serves under this one's name since.
        """
        ...

    def orphans(self) -> Collection[bytes]:
        """Give the jobs that nobody drives since their replica died, or since before they were driven."""
        ...

    def give_back(self, job: bytes) -> None:
        """Let others take the job at once."""
        ...


class CoordinatorStorage(Protocol):
    """Durable rows.

    Constraints: every method is one transaction, durable when it returns, and may be called from any thread; other processes
    (`tally coordinator invite`) may write at the same time. What is given back is a snapshot.
    """

    def close(self) -> None:
        """Wait for the transactions under way, and close; what is called later raises NotReady: `unavailable`."""
        ...

    def add_invitation(self, invitation: Invitation) -> None:
        """Keep a new invitation."""
        ...

    def invitation(self, id: str) -> Invitation | None:  # noqa: A002  # the invitation's own word
        """Give an invitation."""
        ...

    def redeem(self, certificate: Certificate, now: datetime) -> None:
        """Mark the certificate's invitation used and keep the certificate: both or neither.

        Raises:
            Refused: `invite-invalid`: unknown, used, revoked or expired. Of two at once, one succeeds.
        """
        ...

    def renew(self, certificate: Certificate, old: str, now: datetime) -> None:
        """Keep a certificate that follows the one with the serial number `old`, unless that was revoked meanwhile.

        Raises:
            Refused: `not-enrolled`: the old one is unknown, revoked, expired, or somebody else's.
        """
        ...

    def certificate(self, serial: str) -> Certificate | None:
        """Give a certificate."""
        ...

    def certificates(self) -> tuple[Certificate, ...]:
        """Give all certificates, oldest first."""
        ...

    def revoke(self, role: Role, name: str, now: datetime) -> int:
        """Revoke all certificates and unused invitations of one holder; say how many there were."""
        ...

    def add_job(self, record: JobRecord) -> JobRecord:
        """Keep a new job. A job of the same digest is given back as it is and nothing changes.

        Raises:
            Refused: `job-duplicate`: the analyst has an unended job with the same question.
        """
        ...

    def job(self, job: bytes) -> JobRecord | None:
        """Give a job."""
        ...

    def versions(self) -> Mapping[bytes, int]:
        """Give the version of every job that has not ended."""
        ...

    def jobs(self, *, ended: bool) -> tuple[JobRecord, ...]:
        """Give all jobs in the order of their submission; without `ended`, those that have not ended."""
        ...

    def newest_jobs(self, most: int) -> tuple[JobRecord, ...]:
        """Give at most so many jobs, the one that was submitted last first."""
        ...

    def change(
        self,
        before: JobRecord,
        after: JobRecord,
        *,
        deposits: Iterable[Deposit] = (),
        failures: Iterable[FailureRecord] = (),
        messages: Iterable[MessageRecord] = (),
        moments: Iterable[MomentRecord] = (),
        lease: int = 0,
    ) -> JobRecord:
        """Replace a job's row and add what goes with it: all or nothing. Gives the row with its new version.

        A deposit of the same kind, party and attempt is replaced; a message that is there already stays. What belongs to an
        earlier attempt than `after.attempt` (hellos, messages) is deleted; with an ended job, all messages are.

        Raises:
            StaleRow: the stored version is not `before.version`.
            LostLease: the job's lease has another number than `lease`; 0 asks for none.
        """
        ...

    def note_moment(self, job: bytes, moment: MomentRecord) -> None:
        """Add an entry to a job's timeline, unless one of that kind and party is there; the job's version stays."""
        ...

    def moments(self, job: bytes) -> tuple[MomentRecord, ...]:
        """Give a job's timeline, oldest first; it stays when the job has ended."""
        ...

    def note_moved(self, moved: Mapping[bytes, datetime]) -> None:
        """Note when jobs moved last; those that ended are forgotten."""
        ...

    def list_movements(self) -> Mapping[bytes, datetime]:
        """Give when each job moved last, as far as it was noted."""
        ...

    def note_bound(self, party: str, most: int) -> None:
        """Note how many jobs a node takes at once."""
        ...

    def list_bounds(self) -> Mapping[str, int]:
        """Give how many jobs each node takes at once, as far as it was noted."""
        ...

    def deposits(self, job: bytes) -> tuple[Deposit, ...]:
        """Give a job's deposits, by kind and party."""
        ...

    def failures(self, job: bytes) -> tuple[FailureRecord, ...]:
        """Give a job's failures, oldest first."""
        ...

    def messages(self, job: bytes, start: int = 0) -> tuple[MessageRecord, ...]:
        """Give the complete messages of a job's present attempt but for the first `start`, in the order in which they were completed."""
        ...

    def epoch(self) -> str:
        """Give the epoch of this state; empty before `begin_epoch`."""
        ...

    def begin_epoch(self, epoch: str, *, revoked: Collection[str] = (), now: datetime, first: bool = False) -> None:
        """Begin another epoch: revoke what is known to be revoked, and delete invitations that are not used, if there was one before.

        With `first` only where there is none: of several that begin the first at once, one does.
        """
        ...

    def count_changes(self) -> int:
        """Give a number that grows with every change of a job and every certificate that is issued or revoked."""
        ...

    def count_bytes(self, since: datetime) -> int:
        """Give how long all messages, and the results of jobs that ended after a moment, are together."""
        ...

    def note_connected(self, parties: Iterable[str], now: datetime) -> None:
        """Note that parties are connected now."""
        ...

    def connection_times(self) -> Mapping[str, datetime]:
        """Tell when each party was connected last."""
        ...


class Upload(Protocol):
    """A message that is being received. One writer at a time; a newer one ends the older."""

    @property
    def count(self) -> int:
        """Envelopes held."""
        ...

    @property
    def bytes(self) -> int:
        """Bytes held."""
        ...

    @property
    def ended(self) -> bool:
        """Whether the last envelope is held."""
        ...

    def append(self, envelope: Envelope) -> None:
        """Add the next envelope."""
        ...

    def read_envelope(self, sequence: int) -> Envelope:
        """Read an envelope that is held."""
        ...

    def sync(self) -> None:
        """Return when everything held is durable."""
        ...

    def close(self) -> None:
        """End the writing; what is held stays."""
        ...


class Spool(Protocol):
    """Where messages and results lie.

    Constraints: what was synced survives a power cut; a torn tail is cut off when an upload is opened again; a result is there
    whole or not at all.

    Attributes:
        store: under which name this process writes, where several share the spool; it reads what any of them wrote.
    """

    store: str

    def upload(self, name: MessageName) -> Upload:
        """Open a message for appending."""
        ...

    def has(self, name: MessageName) -> bool:
        """Say whether anything of a message is held."""
        ...

    def write(self, name: MessageName, envelopes: Iterator[Envelope]) -> MessageRecord:
        """Write a whole message, replacing what is there; durable when it returns."""
        ...

    def read(self, message: MessageRecord, start: int = 0) -> Iterator[Envelope]:
        """Give the envelopes of a complete message from number `start` on."""
        ...

    def drop(self, job: bytes, *, before: int | None = None) -> None:
        """Delete a job's messages: of the attempts before one, or all. The result stays."""
        ...

    def store_result(self, job: bytes, chunks: Iterable[bytes]) -> int:
        """Keep a result; give its length. Replaces an earlier one."""
        ...

    def result(self, job: bytes) -> Iterator[bytes]:
        """Give a stored result in pieces of at most 512 KiB."""
        ...

    def drop_result(self, job: bytes) -> None:
        """Delete a result, if there is one."""
        ...

    def list_jobs(self) -> frozenset[bytes]:
        """List the jobs of which messages are held."""
        ...
