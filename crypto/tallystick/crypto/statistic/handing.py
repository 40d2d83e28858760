"""The desk's machine in a direct job: it collects the sealed shares of all agencies, which it cannot open, and hands them on together.

Rules that this file enforces (docs/protocol.md §8):

1. The key that agencies seal under is the analyst's, as the signed job has it; the desk sends the same to all, and holds no part of it.
2. Agencies' sealed shares reach the desk alone, so the analyst and the coordinator together have none that the desk did not hand on.
   What it hands on is of one attempt.
3. Every agency's signed document must be of this job, attempt, computation and key, and all must have signed the same pattern; one
   missing document closes the result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from tallystick.crypto import paillier
from tallystick.crypto.machine import Message, Outbound, Ref, Step, Table
from tallystick.crypto.statistic import messages as kinds
from tallystick.crypto.statistic.collected import check_collected
from tallystick.crypto.statistic.desk import DeskSetup
from tallystick.crypto.statistic.shares import MAX_BYTES


@dataclass(frozen=True)
class Collecting:
    """The analyst's key is out; waiting for the sealed shares of all.

    Attributes:
        documents: those that are here, by agency.
    """

    setup: DeskSetup
    documents: Mapping[str, bytes] = field(repr=False, default_factory=dict)
    phase = "release"

    @property
    def awaits(self) -> tuple[Ref, ...]:
        """The sealed shares that are not here."""
        return tuple(ref for ref in self.setup.schedule.inbox(self.setup.me, kinds.SHARES) if ref.sender not in self.documents)


@dataclass(frozen=True)
class HandedOn:
    """The candidate: the signed documents of all agencies, which the analyst alone can open together."""

    documents: Mapping[str, bytes] = field(repr=False)
    phase = "release"
    awaits: tuple[Ref, ...] = ()


def begin(setup: DeskSetup) -> Step[Collecting]:
    """Send the analyst's modulus to every data agency, which has it in the job as well (rule 1)."""
    assert setup.recipient is not None
    outbound = tuple(Outbound(ref, (setup.recipient,)) for ref in setup.schedule.outbox(setup.me, kinds.RECIPIENT))
    return Step(Collecting(setup), outbound)


def on_shares(state: Collecting, message: Message) -> Step[Collecting] | Step[HandedOn]:
    """Keep an agency's document; with the last one check all of them together (rule 3).

    Raises:
        PeerFault: as `check_collected`; a modulus that is none.
    """
    setup, sender = state.setup, message.ref.sender
    documents = {**state.documents, sender: message.read(MAX_BYTES)}
    if len(documents) < len(setup.agencies):
        return Step(replace(state, documents=documents))
    assert setup.recipient is not None
    public = paillier.public_key(setup.recipient, sender="the analyst")
    check_collected(setup.computation, documents, keys=setup.keys, job=setup.job, attempt=setup.attempt, public=public)
    return Step(HandedOn(dict(sorted(documents.items()))))


TABLE: Final[Table] = {(Collecting, kinds.SHARES): on_shares}
