"""A node's state in one SQLite file: write-ahead log, synchronous FULL, so that what was answered survives a power cut.

SQLite itself refuses a call from another thread than the one that opened the file.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from tallystick.core.canonical import Json
from tallystick.core.errors import Broken
from tallystick.core.job.lifecycle import FINAL, JobState
from tallystick.core.witness import StateMark, Witness
from tallystick.crypto.randomness import Randomness, SystemRandomness
from tallystick.node.entries import Event, OwnHead, PeerHead
from tallystick.node.ports import KeptJob, Note
from tallystick.node.storage import chain, head_table
from tallystick.node.storage.appending import append_event
from tallystick.node.storage.faults import tell_faults
from tallystick.node.storage.heads import LogHeads
from tallystick.node.storage.job_text import read_record, write_record
from tallystick.node.storage.request_table import RequestTables
from tallystick.node.storage.rules import check_change, check_numbers, check_opening, check_under_way, source_changed
from tallystick.node.storage.schema import STEPS, VERSION

WAY_BACK: Final = "put the newest state back; or, if it is lost, read docs/operation.md and type: tally node accept-restored"
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"
_UNENDED: Final = json.dumps(sorted(frozenset(JobState) - FINAL))
_JOBS_UNENDED: Final = "SELECT job FROM job WHERE state IN (SELECT value FROM json_each(?)) ORDER BY seen, job"
_JOBS_AWAITING: Final = "SELECT record, version FROM job WHERE awaits <> '' AND (seen, job) > (?, ?) ORDER BY seen, job LIMIT ?"
_JOBS_NAMED: Final = "SELECT job FROM job WHERE job >= ? AND job < ? ORDER BY job LIMIT ?"
_JOBS_NEWEST: Final = "SELECT job, version FROM job ORDER BY seen DESC, job DESC LIMIT ?"
_JOBS_COUNTED: Final = "SELECT state, count(*) FROM job GROUP BY state"


class SqliteStorage(RequestTables):
    """Implements `NodeStorage`."""

    def __init__(self, path: Path, randomness: Randomness | None = None, *, witness: Witness | None = None) -> None:
        """Open or make the file, for this user alone. Its folder must exist.

        Args:
            path: the file.
            randomness: for the secret.
            witness: what says how far the state had come, and is told of every change from now on; without one nobody looks.

        Raises:
            Broken: `state-corrupt`, `disk`. Refused: `state-restored`.
        """
        self._randomness = randomness or SystemRandomness()
        self._witness: Witness | None = None
        self._own = LogHeads()
        with tell_faults():
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._database = sqlite3.connect(path, isolation_level=None, timeout=30)
            try:
                self._database.execute("PRAGMA journal_mode = WAL")
                self._database.execute("PRAGMA synchronous = FULL")
                self._database.execute("PRAGMA secure_delete = ON")  # what is forgotten is overwritten
                self._make(witness)
            except BaseException:
                self._database.close()
                raise

    def secret(self) -> bytes:
        """Give the secret; the first call draws it."""
        with self._transaction() as run:
            run("INSERT OR IGNORE INTO secret VALUES (1, ?)", (self._randomness.take(32),))
            return bytes(run("SELECT value FROM secret").fetchone()[0])

    def newest_agreement(self, name: str) -> tuple[int, str] | None:
        """Find version and digest of the newest accepted agreement of that name."""
        row = self._row("SELECT version, digest FROM agreement WHERE name = ?", (name,))
        return None if row is None else (int(row[0]), str(row[1]))

    def see_agreement(self, name: str, version: int, digest: str) -> None:
        """Remember an accepted agreement."""
        with self._transaction() as run:
            run(
                "INSERT INTO agreement VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET version = excluded.version, "
                "digest = excluded.digest WHERE excluded.version > agreement.version",
                (name, version, digest),
            )

    def job(self, job: str) -> KeptJob | None:
        """Give what is kept of a job."""
        with self._transaction() as run:
            return _read(run, job)

    def list_unended(self) -> Sequence[str]:
        """List the jobs that have not ended."""
        with self._transaction() as run:
            return [str(job) for (job,) in run(_JOBS_UNENDED, (_UNENDED,)).fetchall()]

    def awaiting(self, after: KeptJob | None = None, limit: int = 100) -> Sequence[KeptJob]:
        """Give jobs that wait for a decision."""
        place = ("", "") if after is None else (after.seen.isoformat(), after.job)
        with self._transaction() as run:
            rows = run(_JOBS_AWAITING, (*place, limit)).fetchall()
        return [read_record(*row) for row in rows]

    def find_jobs(self, prefix: str, limit: int = 100) -> Sequence[str]:
        """Find the digests that begin so."""
        with self._transaction() as run:
            return [str(job) for (job,) in run(_JOBS_NAMED, (prefix, prefix + "g", limit)).fetchall()]  # after every digit

    def list_versions(self, limit: int) -> Mapping[str, int]:
        """Give the newest jobs and their versions."""
        with self._transaction() as run:
            return {str(job): int(version) for job, version in run(_JOBS_NEWEST, (limit,)).fetchall()}

    def count_jobs(self) -> Mapping[str, int]:
        """Count jobs by state."""
        with self._transaction() as run:
            return {str(state): int(count) for state, count in run(_JOBS_COUNTED).fetchall()}

    def add_job(self, record: KeptJob, note: Note | None = None) -> KeptJob:
        """Keep a new job."""
        with self._transaction() as run:
            kept = _read(run, record.job)
            return _write(run, replace(record, version=0), note) if kept is None else kept

    def change_job(self, before: KeptJob, after: KeptJob, note: Note | None = None) -> KeptJob:
        """Change a job."""
        with self._transaction() as run:
            check_change(_read(run, before.job), before, after)
            return _write(run, replace(after, job=before.job, version=before.version + 1), note)

    def pin_table(self, job: str, fingerprint: bytes) -> None:
        """Remember which table a job is answered from."""
        with self._transaction() as run:
            shared = run("SELECT 1 FROM share WHERE job = ?", (job,)).fetchone()
            kept = run("SELECT fingerprint FROM people WHERE job = ?", (job,)).fetchone()
            if shared is not None and (kept is None or kept[0] != fingerprint):
                raise source_changed()
            run("INSERT OR REPLACE INTO people VALUES (?, ?)", (job, fingerprint))

    def keep_share(self, job: str, attempt: int, share: bytes) -> bytes:
        """Keep a share; give what was kept first."""
        with self._transaction() as run:
            check_under_way(_read(run, job), attempt)
            run("INSERT OR IGNORE INTO share VALUES (?, ?, ?)", (job, attempt, share))
            return bytes(run("SELECT share FROM share WHERE job = ? AND attempt = ?", (job, attempt)).fetchone()[0])

    def share(self, job: str, attempt: int) -> bytes | None:
        """Give a kept share."""
        row = self._row("SELECT share FROM share WHERE job = ? AND attempt = ?", (job, attempt))
        return None if row is None else bytes(row[0])

    def keep_result(self, job: str, attempt: int, sealed: bytes) -> bytes:
        """Keep a sealed result; give what was kept first."""
        with self._transaction() as run:
            check_under_way(_read(run, job), attempt)
            run("INSERT OR IGNORE INTO result VALUES (?, ?, ?)", (job, attempt, sealed))
            return bytes(run("SELECT sealed FROM result WHERE job = ? AND attempt = ?", (job, attempt)).fetchone()[0])

    def result(self, job: str, attempt: int) -> bytes | None:
        """Give a kept result."""
        row = self._row("SELECT sealed FROM result WHERE job = ? AND attempt = ?", (job, attempt))
        return None if row is None else bytes(row[0])

    def begin_opening(self, job: str, attempt: int) -> None:
        """Note that an attempt's shares are opened."""
        with self._transaction() as run:
            check_under_way(_read(run, job), attempt)
            row = run("SELECT attempt FROM opening WHERE job = ?", (job,)).fetchone()
            check_opening(None if row is None else int(row[0]), attempt)
            run("INSERT OR IGNORE INTO opening VALUES (?, ?)", (job, attempt))

    def opening(self, job: str) -> int | None:
        """Give the attempt whose shares were opened."""
        row = self._row("SELECT attempt FROM opening WHERE job = ?", (job,))
        return None if row is None else int(row[0])

    def keep_table(
        self, job: str, attempt: int, family: str, table: bytes, *, numbers: bytes, agreement: str, until: datetime
    ) -> None:
        """Keep what an attempt's result shows."""
        with self._transaction() as run:
            for (other,) in run("SELECT numbers FROM shown WHERE job = ?", (job,)).fetchall():
                check_numbers(bytes(other), numbers)
            row = (job, attempt, family, table, numbers, agreement, until.strftime(_TIME))
            run("INSERT OR REPLACE INTO shown VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def tables(self, family: str, *, but: str) -> Sequence[bytes | None]:
        """Give what was kept of a family."""
        with self._transaction() as run:
            rows = run("SELECT shown FROM shown WHERE family = ? AND job <> ? ORDER BY job, attempt", (family, but)).fetchall()
        return [bytes(shown) or None for (shown,) in rows]

    def extend_tables(self, agreement: str, until: datetime) -> None:
        """Keep tables longer."""
        time = until.strftime(_TIME)
        with self._transaction() as run:
            run("UPDATE shown SET until = ? WHERE agreement = ? AND until < ?", (time, agreement, time))

    def tables_due(self, now: datetime) -> Sequence[tuple[str, str]]:
        """Give the tables whose time is over."""
        query = "SELECT DISTINCT job, agreement FROM shown WHERE until <= ? AND shown <> x'' ORDER BY job"
        with self._transaction() as run:
            return [(str(job), str(agreement)) for job, agreement in run(query, (now.strftime(_TIME),)).fetchall()]

    def forget_table(self, job: str) -> None:
        """Delete a table, and what the write-ahead log has of it."""
        with self._transaction() as run:
            run("UPDATE shown SET shown = x'', numbers = x'' WHERE job = ?", (job,))
        self._overwrite()

    def _overwrite(self) -> None:
        with tell_faults():
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def log(self, event: str, now: datetime, job: str = "", **details: Json) -> Event:
        """Append to the log."""
        with self._transaction() as run:
            return append_event(run, event, now, job, details)

    def events(self, after: int = 0, limit: int = 1000) -> Sequence[Event]:
        """Give entries of the log."""
        with self._transaction() as run:
            before = run("SELECT chain FROM event WHERE number = ?", (after,)).fetchone()
            rows = run(
                "SELECT number, entry, chain FROM event WHERE number > ? ORDER BY number LIMIT ?", (after, limit)
            ).fetchall()
        return chain.check_chain((Event(*row) for row in rows), after, chain.START if before is None else before[0])

    def log_head(self) -> OwnHead:
        """Work out the head of the log."""
        return self._own.advance(self.events)

    def keep_head(self, head: PeerHead) -> bool:
        """Keep another agency's head."""
        with self._transaction() as run:
            return head_table.add_head(run, head)

    def heads(self, after: int = 0, limit: int = 1000) -> Sequence[PeerHead]:
        """List others' heads."""
        with self._transaction() as run:
            return head_table.read_heads(run, after, limit)

    def find_head(self, agency: str) -> PeerHead | None:
        """Find an agency's last head."""
        with self._transaction() as run:
            return head_table.find_head(run, agency)

    def find_restored(self) -> datetime | None:
        """Give when a restoration was accepted last."""
        row = self._row("SELECT restored FROM mark WHERE restored <> ''", ())
        return None if row is None else datetime.fromisoformat(row[0])

    def accept_restored(self, now: datetime, witness: Witness) -> None:
        """Go on from a restored state: what was under way is over, and nothing older is answered (`NodeAgreements`)."""
        witness.check_restored(self._mark())
        for job in self.list_unended():
            record = self.job(job)
            assert record is not None
            why = {"code": "state-restored"}
            self.change_job(record, replace(record, state=JobState.FAILED, awaits=""), Note("failed", now, why))
        self.log("restored", now)
        with self._transaction() as run:
            run("UPDATE mark SET epoch = ?, restored = ?", (SystemRandomness().take(16).hex(), now.isoformat()))
        witness.write(self._mark())

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _make(self, witness: Witness | None) -> None:
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        if 0 <= version < VERSION:
            steps = "".join(STEPS[version:])
            self._database.executescript(f"BEGIN;{steps}PRAGMA user_version = {VERSION};COMMIT;")
        elif version != VERSION:
            raise Broken(
                "state-corrupt", "the node's state is of another version of this software", detail=f"version {version}"
            )
        epoch = SystemRandomness().take(16).hex()
        self._database.execute("INSERT OR IGNORE INTO mark VALUES (1, ?, 0, '')", (epoch,))
        if witness is not None:
            if version == VERSION or witness.read() is not None:  # else it is new, or of a version that had no witness
                witness.check(self._mark(), whose="the node's state", hint=WAY_BACK)
            self._witness = witness
            witness.write(self._mark())

    def _mark(self) -> StateMark:
        return StateMark(*self._database.execute("SELECT epoch, count FROM mark").fetchone())

    def _row(self, query: str, parameters: tuple[Any, ...]) -> Any:
        with self._transaction() as run:
            return run(query, parameters).fetchone()

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        """Give `execute` within one transaction; what was written is durable when it ends well, and gone when it does not."""
        with tell_faults():
            self._database.execute("BEGIN IMMEDIATE")
            before = self._database.total_changes
            try:
                yield self._database.execute
                changed = self._database.total_changes != before
                if changed:
                    self._database.execute("UPDATE mark SET count = count + 1")
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise
            if changed and self._witness is not None:
                self._witness.write(self._mark())


def _read(run: Any, job: str) -> KeptJob | None:
    """Give what is kept of a job, within a transaction."""
    row = run("SELECT record, version FROM job WHERE job = ?", (job,)).fetchone()
    return None if row is None else read_record(*row)


def _write(run: Any, record: KeptJob, note: Note | None) -> KeptJob:
    """Write a job and what the log says of it, within a transaction."""
    if note is not None:
        append_event(run, note.event, note.now, record.job, note.details)
    row = (record.job, record.seen.isoformat(), write_record(record), record.version, record.state, record.awaits)
    run("INSERT OR REPLACE INTO job (job, seen, record, version, state, awaits) VALUES (?, ?, ?, ?, ?, ?)", row)
    return record
