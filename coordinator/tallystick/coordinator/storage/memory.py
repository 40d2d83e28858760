"""Storage in memory: for tests of what stands on it."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from tallystick.coordinator.ports import StaleRow
from tallystick.coordinator.records import (
    FOREVER,
    Certificate,
    Deposit,
    FailureRecord,
    Invitation,
    JobRecord,
    MessageRecord,
    MomentRecord,
)
from tallystick.coordinator.storage.refusals import duplicate, invite_invalid, not_enrolled
from tallystick.core.net.chunks import MessageName
from tallystick.core.net.tls import Role


class MemoryCoordinatorStorage:
    """Dictionaries under one lock; see `ports.CoordinatorStorage`."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._invitations: dict[str, Invitation] = {}
        self._certificates: dict[str, Certificate] = {}
        self._jobs: dict[bytes, JobRecord] = {}
        self._deposits: dict[bytes, dict[tuple[str, str, int], Deposit]] = {}
        self._failures: dict[bytes, list[FailureRecord]] = {}
        self._moments: dict[bytes, list[MomentRecord]] = {}
        self._moved: dict[bytes, datetime] = {}
        self._bounds: dict[str, int] = {}
        self._messages: dict[bytes, dict[MessageName, MessageRecord]] = {}
        self._epoch = ""
        self._seen: dict[str, datetime] = {}

    def close(self) -> None:
        """Nothing is open."""

    def add_invitation(self, invitation: Invitation) -> None:
        """Keep a new invitation."""
        with self._lock:
            self._invitations[invitation.id] = invitation

    def invitation(self, id: str) -> Invitation | None:  # noqa: A002  # the port's word
        """Give an invitation."""
        return self._invitations.get(id)

    def redeem(self, certificate: Certificate, now: datetime) -> None:
        """Mark the certificate's invitation used and keep the certificate."""
        with self._lock:
            held = self._invitations.get(certificate.invitation)
            if held is None or held.used is not None or held.expires <= now:
                raise invite_invalid()
            self._invitations[held.id] = replace(held, used=now)
            self._certificates[certificate.serial] = certificate

    def renew(self, certificate: Certificate, old: str, now: datetime) -> None:
        """Keep a certificate that follows a valid one."""
        with self._lock:
            held = self._certificates.get(old)
            same = held is not None and (held.role, held.name) == (certificate.role, certificate.name)
            if held is None or not same or held.revoked is not None or held.expires <= now:
                raise not_enrolled()
            self._certificates[certificate.serial] = certificate

    def certificate(self, serial: str) -> Certificate | None:
        """Give a certificate."""
        return self._certificates.get(serial)

    def certificates(self) -> tuple[Certificate, ...]:
        """Give all certificates, oldest first."""
        with self._lock:
            return tuple(self._certificates.values())

    def revoke(self, role: Role, name: str, now: datetime) -> int:
        """Revoke all certificates and unused invitations of one holder."""
        with self._lock:
            theirs = [c for c in self._certificates.values() if (c.role, c.name) == (role, name) and c.revoked is None]
            for certificate in theirs:
                self._certificates[certificate.serial] = replace(certificate, revoked=now)
            unused = [i.id for i in self._invitations.values() if (i.role, i.name) == (role, name) and i.used is None]
            for one in unused:
                del self._invitations[one]
            return len(theirs) + len(unused)

    def add_job(self, record: JobRecord) -> JobRecord:
        """Keep a new job, once."""
        with self._lock:
            held = self._jobs.get(record.job)
            if held is not None:
                return held
            for other in self._jobs.values():
                if (other.question, other.analyst) == (record.question, record.analyst) and other.ended is None:
                    raise duplicate(other.job)
            self._jobs[record.job] = record
            return record

    def job(self, job: bytes) -> JobRecord | None:
        """Give a job."""
        return self._jobs.get(job)

    def versions(self) -> Mapping[bytes, int]:
        """Give the version of every job that has not ended."""
        with self._lock:
            return {record.job: record.version for record in self._jobs.values() if record.ended is None}

    def jobs(self, *, ended: bool) -> tuple[JobRecord, ...]:
        """Give all jobs, oldest first."""
        with self._lock:
            return tuple(record for record in self._jobs.values() if ended or record.ended is None)

    def newest_jobs(self, most: int) -> tuple[JobRecord, ...]:
        """Give the newest jobs, newest first."""
        with self._lock:
            return tuple(reversed(self._jobs.values()))[:most]

    def change(
        self,
        before: JobRecord,
        after: JobRecord,
        *,
        deposits: Iterable[Deposit] = (),
        failures: Iterable[FailureRecord] = (),
        messages: Iterable[MessageRecord] = (),
        moments: Iterable[MomentRecord] = (),
        lease: int = 0,  # noqa: ARG002  # nobody shares this memory
    ) -> JobRecord:
        """Replace a job's row and add what goes with it."""
        job = before.job
        with self._lock:
            held = self._jobs.get(job)
            if held is None or held.version != before.version:
                raise StaleRow
            changed = replace(after, version=before.version + 1)
            documents = self._deposits.setdefault(job, {})
            documents.update({(d.kind, d.party, d.attempt): d for d in deposits})
            for key in [key for key in documents if FOREVER != key[2] < changed.attempt]:
                del documents[key]
            self._failures.setdefault(job, []).extend(failures)
            relayed = self._messages.setdefault(job, {})
            for message in messages:
                relayed.setdefault(message.name, message)
            for name in [name for name in relayed if name.attempt < changed.attempt or changed.ended is not None]:
                del relayed[name]
            self._moments.setdefault(job, []).extend(replace(one, at=one.at.replace(microsecond=0)) for one in moments)
            self._jobs[job] = changed
            return changed

    def note_moment(self, job: bytes, moment: MomentRecord) -> None:
        """Add an entry to a job's timeline, unless it is there."""
        with self._lock:
            held = self._moments.setdefault(job, [])
            if (moment.what, moment.party) not in {(one.what, one.party) for one in held}:
                held.append(replace(moment, at=moment.at.replace(microsecond=0)))

    def moments(self, job: bytes) -> tuple[MomentRecord, ...]:
        """Give a job's timeline, oldest first."""
        with self._lock:
            return tuple(self._moments.get(job, ()))

    def note_moved(self, moved: Mapping[bytes, datetime]) -> None:
        """Note when jobs moved last."""
        with self._lock:
            noted = self._moved | {job: at.replace(microsecond=0) for job, at in moved.items()}
            self._moved = {job: at for job, at in noted.items() if self._jobs[job].ended is None}

    def list_movements(self) -> Mapping[bytes, datetime]:
        """Give when each job moved last."""
        return dict(self._moved)

    def note_bound(self, party: str, most: int) -> None:
        """Note how many jobs a node takes at once."""
        with self._lock:
            self._bounds[party] = most

    def list_bounds(self) -> Mapping[str, int]:
        """Give how many jobs each node takes at once."""
        return dict(self._bounds)

    def deposits(self, job: bytes) -> tuple[Deposit, ...]:
        """Give a job's deposits, by kind and party."""
        with self._lock:
            documents = self._deposits.get(job, {})
            return tuple(documents[key] for key in sorted(documents))

    def failures(self, job: bytes) -> tuple[FailureRecord, ...]:
        """Give a job's failures, oldest first."""
        with self._lock:
            return tuple(self._failures.get(job, ()))

    def messages(self, job: bytes, start: int = 0) -> tuple[MessageRecord, ...]:
        """Give the complete messages of a job's present attempt but for the first ones."""
        with self._lock:
            return tuple(self._messages.get(job, {}).values())[start:]

    def epoch(self) -> str:
        """Give the epoch."""
        return self._epoch

    def begin_epoch(self, epoch: str, *, revoked: Collection[str] = (), now: datetime, first: bool = False) -> None:
        """Begin another epoch."""
        with self._lock:
            if first and self._epoch:
                return
            for serial in set(revoked) & self._certificates.keys():
                held = self._certificates[serial]
                self._certificates[serial] = replace(held, revoked=held.revoked or now)
            if self._epoch:
                self._invitations = {key: one for key, one in self._invitations.items() if one.used is not None}
            self._epoch = epoch

    def count_changes(self) -> int:
        """Count changes."""
        with self._lock:
            certificates = self._certificates.values()
            return sum(job.version for job in self._jobs.values()) + sum(1 + (one.revoked is not None) for one in certificates)

    def count_bytes(self, since: datetime) -> int:
        """Give how long messages and results are together."""
        with self._lock:
            held = sum(message.bytes for messages in self._messages.values() for message in messages.values())
            ended = (job.result_bytes or 0 for job in self._jobs.values() if job.ended is not None and job.ended > since)
            return held + sum(ended)

    def note_connected(self, parties: Iterable[str], now: datetime) -> None:
        """Note that parties are connected now."""
        with self._lock:
            self._seen.update(dict.fromkeys(parties, now))

    def connection_times(self) -> Mapping[str, datetime]:
        """Tell when each party was connected last."""
        with self._lock:
            return dict(self._seen)
