"""The desk's machine: a fresh Paillier key for the job, then the sum of all agencies' shares.

Rules that this file enforces (docs/protocol.md §4):

1. The key is made for one attempt and never leaves; only its modulus does.
2. Every agency's signed document must be of this job, attempt, computation and key; one missing document closes the result.
3. The desk multiplies the ciphertexts itself. A coordinator whose product differs has changed something, and nothing is opened.
4. What is opened is the plan's cells and nothing else. In a job with a gate all agencies must have signed the same pattern of what opens, and a
   small count, which a gate cannot let through, is refused.
5. Nothing is opened before the coordinator's part of the linkage report is here: a result never goes out without it. Of one agency alone,
   where nothing is linked, there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

from tallystick.crypto import paillier
from tallystick.crypto.codec import LENGTH
from tallystick.crypto.errors import PeerFault
from tallystick.crypto.machine import Message, Outbound, Ref, Step, Table
from tallystick.crypto.randomness import Randomness
from tallystick.crypto.statistic import messages as kinds
from tallystick.crypto.statistic.collected import check_collected
from tallystick.crypto.statistic.computation import Computation
from tallystick.crypto.statistic.gate import Fate
from tallystick.crypto.statistic.rounds import Cast
from tallystick.crypto.statistic.schedule import Schedule, schedule_of
from tallystick.crypto.statistic.shares import MAX_BYTES, read_added

MAX_REPORT_BYTES: Final = 64 * 1024


@dataclass(frozen=True)
class DeskSetup:
    """What the desk brings to one attempt of a job.

    Attributes:
        me: the desk's agency.
        agencies: the data agencies.
        keys: their identity keys, from the agreement.
        computation: what the shares are of.
        recipient: in a direct job, the analyst's Paillier modulus; then `handing.py` has the desk's part.
    """

    me: str
    agencies: tuple[str, ...]
    job: bytes
    attempt: int
    keys: Mapping[str, bytes] = field(repr=False)
    computation: Computation = field(repr=False)
    randomness: Randomness = field(repr=False)
    recipient: bytes | None = field(repr=False, default=None)

    @cached_property
    def schedule(self) -> Schedule:
        """The messages of the job, as far as the desk needs them: neither the decoy audit nor tests are among them."""
        return schedule_of(
            Cast(self.agencies, self.me, self.computation.exchanges, audits=(), direct=self.recipient is not None)
        )


@dataclass(frozen=True)
class Opening:
    """The key is out; waiting for the coordinator's part of the linkage report, then for the sealed shares of all.

    Attributes:
        report: that part, unread; None until it is here.
    """

    setup: DeskSetup
    private: paillier.PrivateKey = field(repr=False)
    report: bytes | None = field(repr=False, default=None)
    phase = "release"

    @property
    def awaits(self) -> tuple[Ref, ...]:
        """The coordinator's part of the report, or its collection."""
        report = self.setup.schedule.inbox(self.setup.me, kinds.REPORT) if self.report is None else ()
        return report or self.setup.schedule.inbox(self.setup.me, kinds.SEALED)


@dataclass(frozen=True)
class Opened:
    """The candidate: one signed integer per cell, the signed documents that it rests on, and the coordinator's part. The key is gone.

    Attributes:
        values: of all cells; of one that did not open it is 0 and says nothing.
        hidden: the cells that did not open; none in a job without a gate.
        report: the coordinator's part; empty in a job of one agency.
    """

    values: tuple[int, ...] = field(repr=False)
    evidence: Mapping[str, bytes] = field(repr=False)
    report: bytes = field(repr=False)
    hidden: Mapping[int, Fate] = field(repr=False, default_factory=dict)
    phase = "release"
    awaits: tuple[Ref, ...] = ()


def begin(setup: DeskSetup) -> Step[Opening]:
    """Make the job's key and send its modulus to every data agency (rule 1)."""
    private = paillier.generate()
    modulus_bytes = private.public.modulus_bytes
    outbound = tuple(Outbound(ref, (modulus_bytes,)) for ref in setup.schedule.outbox(setup.me, kinds.RECIPIENT))
    return Step(Opening(setup, private), outbound)


def on_report(state: Opening, message: Message) -> Step[Opening]:
    """Keep the coordinator's part of the linkage report (rule 5); its reader checks what it says.

    Raises:
        PeerFault: `report-malformed`: it is empty or too long.
    """
    payload = message.read()
    if not 0 < len(payload) <= MAX_REPORT_BYTES:
        raise PeerFault("report-malformed", "a linkage report is empty or too long", sender=message.ref.sender)
    return Step(replace(state, report=payload))


def most_sealed(setup: DeskSetup) -> int:
    """Compute the most bytes that the collection may have: the documents of all agencies and their product."""
    return (1 + len(setup.agencies)) * (MAX_BYTES + LENGTH)


def on_sealed(state: Opening, message: Message) -> Step[Opened]:
    """Check every document, multiply, compare, decrypt (rules 2 to 4).

    Raises:
        PeerFault: `signature-invalid`, `shares-transplanted`, `shares-malformed`; `pattern-malformed`, `pattern-differs`; `product-differs`:
            the coordinator's product is another; `gate-contradicts`: what opens is no outcome of a gate.
    """
    setup, report = state.setup, state.report
    if report is None and setup.schedule.inbox(setup.me, kinds.REPORT):
        raise PeerFault("report-malformed", "shares came before the linkage report", sender=message.ref.sender)
    theirs, documents = read_added(message.read(most_sealed(setup)), setup.agencies)
    collected = check_collected(
        setup.computation, documents, keys=setup.keys, job=setup.job, attempt=setup.attempt, public=state.private.public
    )
    if collected.product != theirs:
        raise PeerFault(
            "product-differs", "the coordinator's product is not that of the agencies' ciphertexts", sender=message.ref.sender
        )
    values, hidden = collected.open_values(
        setup.computation, paillier.decrypt_ciphertexts(state.private, list(collected.product))
    )
    return Step(Opened(values, documents, report or b"", hidden))


TABLE: Final[Table] = {(Opening, kinds.REPORT): on_report, (Opening, kinds.SEALED): on_sealed}
