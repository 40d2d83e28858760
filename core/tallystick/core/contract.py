"""A job that counts and the agreement it is under: what every party works out of them alike.

Nodes and the coordinator hold the same contract, so who takes part, what is computed, how long lists may be and which messages there are
cannot be told to one party in another way than to the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from tallystick.core.agreement.model import Agreement
from tallystick.core.disclosure.gating import computation_under, is_gated
from tallystick.core.disclosure.totals.ledger import Entry, NamedPlan, Restriction, restrict_plan
from tallystick.core.documents import SignedDocument
from tallystick.core.job.bounds import most_rows
from tallystick.core.job.check import participants
from tallystick.core.job.model import Job
from tallystick.core.job.passes import Passes, passes_of
from tallystick.core.net.chunks import most_wire_bytes
from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.rulebook import plan_job
from tallystick.crypto.machine import Ref
from tallystick.crypto.statistic import messages as kinds
from tallystick.crypto.statistic.computation import Computation
from tallystick.crypto.statistic.rounds import Cast
from tallystick.crypto.statistic.schedule import Schedule, schedule_of

MIB: Final = 1 << 20


@dataclass(frozen=True)
class Contract:
    """A job and its agreement, both verified by whoever makes this.

    Attributes:
        document: the signed job.
        agreement_document: the signed agreement.
        earlier: of a job with a gate, what was kept of tables of the same people (`disclosure/totals/ledger.py`). It changes no message's
            length, and who has none of it, as the coordinator, works out the same messages.
    """

    job: Job
    document: SignedDocument = field(repr=False)
    agreement: Agreement = field(repr=False)
    agreement_document: SignedDocument = field(repr=False)
    earlier: tuple[Entry, ...] = field(repr=False, default=())

    @cached_property
    def digest(self) -> bytes:
        """The job's digest, 32 bytes."""
        return bytes.fromhex(self.document.digest)

    @cached_property
    def participants(self) -> tuple[str, ...]:
        """The agencies whose data the job uses, in name order, and the desk where it is another."""
        return participants(self.job, self.agreement)

    @cached_property
    def agencies(self) -> tuple[str, ...]:
        """The agencies whose data the job uses, in name order."""
        return tuple(sorted({people.agency for people in self.job.question.people.values()}))

    @property
    def direct(self) -> bool:
        """Whether the analyst opens, and the desk hands on what it cannot open."""
        return self.job.recipient is not None

    @property
    def recipient(self) -> bytes | None:
        """The analyst's Paillier modulus, 384 bytes; None where the desk opens."""
        return None if self.job.recipient is None else bytes.fromhex(self.job.recipient)

    @property
    def desk(self) -> str:
        """Where the result is looked at, or handed on. Pre-condition: the agreement names one (`plan_allowed_job` has checked it)."""
        desk = self.agreement.release.desk
        assert desk is not None
        return desk

    @cached_property
    def passes(self) -> Passes:
        """The linkage passes: what every list has tags of."""
        return passes_of(self.job.question, self.agreement)

    @cached_property
    def plan(self) -> Plan:
        """What is computed; `plan_allowed_job` has found that it can be."""
        return plan_job(self.job.question, self.agreement)

    @cached_property
    def computation(self) -> Computation:
        """The same as the cryptography sees it.

        Raises:
            Refused: `table-overlaps`: as `restrict_plan`.
        """
        return computation_under(self.plan, self.agreement, self.restriction)

    @cached_property
    def restriction(self) -> Restriction | None:
        """What earlier tables leave closed.

        Raises:
            Refused: `table-overlaps`.
        """
        if not self.gated or not self.earlier:
            return None
        named = NamedPlan(self.plan, self.job.question, self.agreement)
        return restrict_plan(named, linkage=self.job.linkage, entries=self.earlier)

    @cached_property
    def gated(self) -> bool:
        """Whether small cells are found on shares and opened for nobody."""
        return is_gated(self.agencies, self.agreement)

    @cached_property
    def most_rows(self) -> Mapping[str, int]:
        """The most rows that the padded list of each agency may have."""
        return most_rows(self.job.question, self.agreement)

    @cached_property
    def cast(self) -> Cast:
        """The parties in the roles that rounds have."""
        return self.computation.cast(self.desk, audited=self.agreement.decoys > 0, direct=self.direct)

    @cached_property
    def schedule(self) -> Schedule:
        """The messages of the job (docs/protocol.md §4)."""
        return schedule_of(self.cast)

    def most_bytes(self, ref: Ref) -> int | None:
        """Give how many bytes the envelopes of a message may have together; None where the relay's own limits alone bound it.

        A list may be as long as its owner's declarations allow. Pre-condition: the message is one that an agency sends in this job.
        """
        row = self.schedule.sent_by_agencies[ref].row
        if row.width is not None:
            return most_wire_bytes(len(self.passes.names) * self.most_rows[ref.about] * row.width(self.cast))
        return None if row.limit is None else row.limit * MIB

    @property
    def report(self) -> Ref:
        """The coordinator's part of the linkage report, for the desk."""
        return self._only(kinds.REPORT)

    @property
    def sealed(self) -> Ref:
        """The sum, for the desk."""
        return self._only(kinds.SEALED)

    @property
    def release(self) -> Ref:
        """The result, from the desk."""
        return self._only(kinds.RELEASE)

    def _only(self, kind: str) -> Ref:
        [ref] = self.schedule.refs(kind)
        return ref
