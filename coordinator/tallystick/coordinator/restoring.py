"""A database that was restored from a backup: recognised by its witness, refused, and the way back (S-37).

The witness is a file outside of every backup (`core/witness.py`). It also holds which certificates were revoked, so a restored database does
not let them in again.
"""

from __future__ import annotations

from typing import Final

from tallystick.coordinator.changes import JobChange
from tallystick.coordinator.jobs import Jobs
from tallystick.coordinator.ports import CoordinatorStorage
from tallystick.coordinator.records import FailureRecord
from tallystick.core.agreement.check import COORDINATOR
from tallystick.core.clock import Clock
from tallystick.core.errors import Refused
from tallystick.core.job.lifecycle import JobEvent
from tallystick.core.witness import StateMark, Witness
from tallystick.crypto.randomness import SystemRandomness

WAY_BACK: Final = (
    "put the newest database back; or, if it is lost, read docs/operation.md and type: tally coordinator accept-restored"
)


class Restoring:
    """What one coordinator's witness says of its database."""

    def __init__(self, storage: CoordinatorStorage, witness: Witness, clock: Clock, *, shared: bool = False) -> None:
        """Take the database and its witness; `shared`: other coordinators, with witnesses of their own, work on it too."""
        self._storage = storage
        self._witness = witness
        self._clock = clock
        self._shared = shared

    def check(self) -> None:
        """Let a database pass that is what it was, or has come further; note how far it is now.

        A new database, or one of a version without epochs, begins its first. A coordinator that joins others on their database has no
        witness yet, and takes it as it is.

        Raises:
            Refused: `state-restored`. Broken: `state-corrupt`, `disk`.
        """
        known = self._witness.read()
        if not self._storage.epoch():
            if known is not None:
                raise Refused("state-restored", "the coordinator's database is older than what was done with it", hint=WAY_BACK)
            # another replica may begin it at this moment: the first one counts, and both read which that was
            self._storage.begin_epoch(SystemRandomness().take(16).hex(), now=self._clock.now(), first=True)
        elif known is not None or not self._shared:
            self._witness.check(self._mark(None), whose="the coordinator's database", hint=WAY_BACK)
        self._witness.write(self._mark(known))

    def note(self) -> None:
        """Note how far the database has come.

        Raises:
            Refused: `state-restored`: it went back while it was used.
        """
        if not self._storage.epoch():
            return  # nobody has served from it yet
        known = self._witness.read()
        mark = self._mark(known)
        if known is not None and known != mark:
            self._witness.check(mark, whose="the coordinator's database", hint=WAY_BACK)
        if known != mark:
            self._witness.write(mark)

    def accept(self, jobs: Jobs) -> tuple[int, int]:
        """Go on from a restored database; give how many jobs were ended, and how many certificates the witness knew to be revoked.

        Jobs that have not ended end: their parties may have gone on, or ended, since. Unused invitations are deleted, as they may have been
        used since. What the witness knows to be revoked is revoked.

        Raises:
            Invalid: `state-restored`: it is the newest one.
        """
        self._witness.check_restored(self._mark(None))
        known = self._witness.read()
        revoked = known.revoked if known is not None else frozenset()
        unended = self._storage.jobs(ended=False)
        for record in unended:
            words = "the coordinator was restored from a backup", "submit the job again"
            failure = FailureRecord(record.attempt, COORDINATOR, "state-restored", *words, retry=False)
            jobs.step(record, JobChange(JobEvent.FAIL, failures=(failure,)))
        self._storage.begin_epoch(SystemRandomness().take(16).hex(), revoked=revoked, now=self._clock.now())
        self._witness.write(self._mark(known))
        return len(unended), len(revoked)

    def _mark(self, known: StateMark | None) -> StateMark:
        revoked = {one.serial for one in self._storage.certificates() if one.revoked is not None}
        before = known.revoked if known is not None else frozenset()
        return StateMark(self._storage.epoch(), self._storage.count_changes(), before | revoked)
