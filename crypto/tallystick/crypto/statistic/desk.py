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
from tallystick.crypto.statistic.computation import Computation
from tallystick.crypto.statistic.gate import Fate
from tallystick.crypto.statistic.gating import list_sealed_moduli
from tallystick.crypto.statistic.opening import AGENCIES, open_sealed, read_pattern
from tallystick.crypto.statistic.rounds import Cast
from tallystick.crypto.statistic.schedule import Schedule, schedule_of
from tallystick.crypto.statistic.shares import MAX_BYTES, SealedShares, packing_of, product_of, read_added, verify_shares

MAX_REPORT_BYTES: Final = 64 * 1024


@dataclass(frozen=True)
class DeskSetup:
    """What the desk brings to one attempt of a job.

    Attributes:
        me: the desk's agency.
        agencies: the data agencies.
        keys: their identity keys, from the agreement.
        computation: what the shares are of.
    """

    me: str
    agencies: tuple[str, ...]
    job: bytes
    attempt: int
    keys: Mapping[str, bytes] = field(repr=False)
    computation: Computation = field(repr=False)
    randomness: Randomness = field(repr=False)

    @cached_property
    def schedule(self) -> Schedule:
        """The messages of the job, as far as the desk needs them: neither the decoy audit nor tests are among them."""
        return schedule_of(Cast(self.agencies, self.me, self.computation.exchanges, audits=()))


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
    public, cells = state.private.public, setup.computation.cells_digest()
    shares = {
        agency: verify_shares(
            document, agency=agency, key=setup.keys[agency], job=setup.job, attempt=setup.attempt, cells_digest=cells
        )
        for agency, document in documents.items()
    }
    people = {one.people for one in shares.values()}
    for agency, one in shares.items():
        if one.modulus != public.modulus_bytes or len(people) != 1:
            raise PeerFault("shares-malformed", "sealed shares are under another key, or count other lists", sender=agency)
    size = people.pop()
    fates = _fates(setup, shares)
    packing = packing_of([one.bit_length() for of_cell in list_sealed_moduli(setup.computation, size) for one in of_cell])
    if any(len(one.ciphertexts) != packing.plaintexts for one in shares.values()):
        raise PeerFault(
            "shares-malformed", "sealed shares are of another length than the plan's cells", sender=message.ref.sender
        )
    product = product_of(public, shares)
    if product != theirs:
        raise PeerFault(
            "product-differs", "the coordinator's product is not that of the agencies' ciphertexts", sender=message.ref.sender
        )
    sums = packing.unpack(paillier.decrypt_ciphertexts(state.private, list(product)))
    values, hidden = open_sealed(setup.computation, size, fates, sums)
    return Step(Opened(values, documents, report or b"", hidden))


def _fates(setup: DeskSetup, shares: Mapping[str, SealedShares]) -> tuple[Fate, ...]:
    """Give what becomes of each cell, as all agencies signed it; nothing in a job without a gate.

    Raises:
        PeerFault: `pattern-malformed`, `pattern-differs`.
    """
    fates: tuple[Fate, ...] | None = None
    for agency, one in shares.items():
        cells = len(setup.computation.cells) if setup.computation.gate is not None else 0
        signed = read_pattern(one.pattern, cells, sender=agency)
        if fates is not None and signed != fates:
            raise PeerFault("pattern-differs", "they did not sign the same cells as those that open", sender=AGENCIES)
        fates = signed
    return fates or ()


TABLE: Final[Table] = {(Opening, kinds.REPORT): on_report, (Opening, kinds.SEALED): on_sealed}
