"""A job's contract as the coordinator needs it: who takes part, and which messages the protocol knows (docs/protocol.md §4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Final

from tallystick.coordinator.config import MIB
from tallystick.core.agreement.model import Agreement
from tallystick.core.job.bounds import most_rows
from tallystick.core.job.check import participants
from tallystick.core.job.model import Job
from tallystick.core.job.passes import Passes, passes_of
from tallystick.core.net.chunks import most_wire_bytes
from tallystick.core.statistics.computation import computation_of
from tallystick.core.statistics.rulebook import plan_job
from tallystick.crypto.machine import Ref
from tallystick.crypto.statistic import messages as kinds
from tallystick.crypto.statistic.messages import COORDINATOR, POINT_BYTES, TAG_BYTES

PAIR: Final = 2
SMALL: Final[dict[str, int]] = {
    kinds.SEED: 1,
    kinds.CORRECTION: 1,
    kinds.AUDIT: 1,
    kinds.RECIPIENT: 1,
    kinds.SHARES: 160,
    kinds.RELEASE: 160,
}
"""Most envelopes of a message, for kinds that are small by their nature."""


@dataclass(frozen=True)
class Contract:
    """A job and its agreement, both verified.

    Attributes:
        digest: of the job.
    """

    digest: bytes
    job: Job
    agreement: Agreement = field(repr=False)

    @cached_property
    def participants(self) -> tuple[str, ...]:
        """The agencies whose data the job uses, in name order, and the desk where it is another."""
        return participants(self.job, self.agreement)

    @cached_property
    def agencies(self) -> tuple[str, ...]:
        """The agencies whose data the job uses, in name order."""
        return tuple(sorted({people.agency for people in self.job.question.people.values()}))

    @property
    def desk(self) -> str:
        """Where the result is looked at. Pre-condition: the agreement names one (`allowed_job` has checked it)."""
        desk = self.agreement.release.desk
        assert desk is not None
        return desk

    def ring(self, owner: str) -> tuple[str, ...]:
        """Give who passes an owner's list on: all others, in the order of their names, beginning after the owner."""
        at = self.agencies.index(owner)
        return self.agencies[at + 1 :] + self.agencies[:at]

    @cached_property
    def points(self) -> frozenset[Ref]:
        """Every hop of every list between agencies."""
        hops = set()
        for owner in self.agencies:
            walk = (owner, *self.ring(owner))
            hops |= {Ref(kinds.POINTS, sender, receiver, owner) for sender, receiver in pairwise(walk)}
        return frozenset(hops)

    @cached_property
    def tags(self) -> tuple[Ref, ...]:
        """What the coordinator needs before it can match: the lists, and with three or more agencies the corrections."""
        lists = tuple(Ref(kinds.TAGS, self.ring(owner)[-1], COORDINATOR, owner) for owner in self.agencies)
        if len(self.agencies) == PAIR:
            return lists
        return lists + tuple(Ref(kinds.CORRECTION, owner, COORDINATOR) for owner in self.agencies)

    @cached_property
    def slots(self) -> tuple[Ref, ...]:
        """What the coordinator sends each owner."""
        return tuple(Ref(kinds.SLOTS, COORDINATOR, owner) for owner in self.agencies)

    @cached_property
    def shares(self) -> tuple[Ref, ...]:
        """What the coordinator needs before it can add."""
        return tuple(Ref(kinds.SHARES, agency, COORDINATOR) for agency in self.agencies)

    @cached_property
    def computing(self) -> tuple[str, str]:
        """The encryptor and the multiplier (docs/protocol.md §7)."""
        made = plan_job(self.job.question, self.agreement)
        people = self.job.question.people
        computation = computation_of(made, {"left": people[made.left].agency, "right": people[made.right].agency})
        return computation.encryptor, computation.multiplier

    @cached_property
    def audits(self) -> tuple[Ref, ...]:
        """The shares of the decoy audit that the pair exchanges; none in a job without decoys."""
        if not self.agreement.decoys:
            return ()
        encryptor, multiplier = self.computing
        return Ref(kinds.AUDIT, encryptor, multiplier), Ref(kinds.AUDIT, multiplier, encryptor)

    @cached_property
    def passes(self) -> Passes:
        """The linkage passes: what every list has tags of."""
        return passes_of(self.job.question, self.agreement)

    @cached_property
    def most_rows(self) -> Mapping[str, int]:
        """The most rows that each owner's padded list may have."""
        return most_rows(self.job.question, self.agreement)

    def most_bytes(self, ref: Ref) -> int | None:
        """Give how many bytes the envelopes of a message may have together; None where the relay's own limits alone bound it.

        A list may be as long as its owner's declarations allow.
        """
        if ref.about:
            width = TAG_BYTES if ref.kind == kinds.TAGS and len(self.agencies) == PAIR else POINT_BYTES
            return most_wire_bytes(len(self.passes.names) * self.most_rows[ref.about] * width)
        small = SMALL.get(ref.kind)
        return None if small is None else small * MIB

    @property
    def report(self) -> Ref:
        """The coordinator's part of the linkage report, for the desk."""
        return Ref(kinds.REPORT, COORDINATOR, self.desk)

    @property
    def sealed(self) -> Ref:
        """The sum, for the desk."""
        return Ref(kinds.SEALED, COORDINATOR, self.desk)

    @property
    def release(self) -> Ref:
        """The result, from the desk."""
        return Ref(kinds.RELEASE, self.desk, COORDINATOR)

    @cached_property
    def sent_by_agencies(self) -> frozenset[Ref]:
        """Every message that an agency may put into the relay; no other is taken."""
        encryptor, multiplier = self.computing
        refs = {Ref(kinds.SEED, a, b) for a in self.agencies for b in self.agencies if a != b}
        refs |= {Ref(kinds.COLUMNS, encryptor, multiplier), Ref(kinds.PRODUCTS, multiplier, encryptor)}
        refs |= {Ref(kinds.RECIPIENT, self.desk, agency) for agency in self.agencies}
        return frozenset(refs | self.points | {*self.tags, *self.audits, *self.shares, self.release})
