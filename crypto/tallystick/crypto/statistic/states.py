"""The states of a data agency's machine: what it brings, and what it holds and awaits at each point.

A state holds only what is legal in it; secrets go with the state that no longer needs them. Texts of states show names and counts alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tallystick.crypto import tags
from tallystick.crypto.errors import LocalFault
from tallystick.crypto.machine import Ref
from tallystick.crypto.passes import Ladder
from tallystick.crypto.randomness import Randomness
from tallystick.crypto.statistic import messages as kinds
from tallystick.crypto.statistic.audit import Audits
from tallystick.crypto.statistic.computation import Computation
from tallystick.crypto.statistic.exchanging import Held
from tallystick.crypto.statistic.gate import SharedTest
from tallystick.crypto.statistic.preparing import Preparation
from tallystick.crypto.statistic.rounds import Cast
from tallystick.crypto.statistic.schedule import Schedule, schedule_of
from tallystick.crypto.workers import Workers

Int32s = npt.NDArray[np.int32]
UInt8s = npt.NDArray[np.uint8]
Int64s = npt.NDArray[np.int64]
BandsOf = Callable[[bytes], Mapping[str, tags.TokenColumn]]
"""Gives tokens by band under a job secret."""


def no_bands(secret: bytes) -> Mapping[str, tags.TokenColumn]:  # noqa: ARG001
    """Give the bands of a job without a similarity pass: none, whatever the secret."""
    return {}


def knows_nothing(test: SharedTest) -> bool:
    """Answer for an agency that no test is left to.

    Raises:
        LocalFault: `tests-malformed`.
    """
    raise LocalFault("tests-malformed", f"{test.owner} is asked for a number that it does not know")


@dataclass(frozen=True)
class AgencySetup:
    """What an agency brings to one attempt of a job.

    Attributes:
        me: this agency.
        agencies: all data agencies, in name order.
        desk: the agency that opens.
        job: the job's digest, 32 bytes.
        passes: tokens by exact linkage pass, strict to loose. Each is asked for once, in this order, while the own list is read; it may be
            made only then.
        ladder: all passes of the job, the bands of a similarity pass too.
        people: number of people; the length of every token column.
        decoys: decoy people per pass.
        most_rows: the most rows that each agency's padded list may have, by agency.
        coin_key: the node's stored secret for decoy coins, 32 bytes.
        columns: makes this agency's columns over slots, given the slot of each person and the table's size; called once.
        own: per cell, what this agency adds by itself.
        sign: signs (context, message) with the identity key.
        tell: hears (phase, done, total): counted work only.
        knows: answers the tests of a gate whose number this agency knows by itself: whether it is small.
        bands_of: gives tokens by band of the similarity pass under the job secret, which its MinHash keys come from; asked for after
            `passes`, in the same way.
        fills: whether every list has `most_rows` rows, so that its length says nothing of its people: in a job with noise.
        recipient: in a direct job, the analyst's Paillier modulus; else the desk sends one of its own.
    """

    me: str
    agencies: tuple[str, ...]
    desk: str
    job: bytes
    attempt: int
    passes: Mapping[str, tags.TokenColumn] = field(repr=False)
    ladder: Ladder
    people: int = field(repr=False)
    decoys: int
    most_rows: Mapping[str, int]
    coin_key: bytes = field(repr=False)
    columns: Callable[[Int64s, int], Int64s] = field(repr=False)
    own: tuple[int, ...] = field(repr=False)
    computation: Computation = field(repr=False)
    sign: Callable[[str, bytes], bytes] = field(repr=False)
    randomness: Randomness = field(repr=False)
    workers: Workers = field(repr=False)
    tell: Callable[[str, int, int], None] = field(repr=False)
    knows: Callable[[SharedTest], bool] = field(repr=False, default=knows_nothing)
    bands_of: BandsOf = field(repr=False, default=no_bands)
    fills: bool = False
    recipient: bytes | None = field(repr=False, default=None)

    @property
    def fill(self) -> int | None:
        """How many rows the own list has, whatever people there are; None where that follows from their number."""
        return self.most_rows[self.me] if self.fills else None

    @property
    def others(self) -> tuple[str, ...]:
        """The other data agencies."""
        return tuple(agency for agency in self.agencies if agency != self.me)

    @cached_property
    def cast(self) -> Cast:
        """The parties of the job."""
        return replace(
            self.computation.cast(self.desk, audited=self.decoys > 0, direct=self.recipient is not None), agencies=self.agencies
        )

    @cached_property
    def schedule(self) -> Schedule:
        """The messages of the job."""
        return schedule_of(self.cast)

    def inbox(self, kind: str) -> tuple[Ref, ...]:
        """Give the messages of a round that this agency receives."""
        return self.schedule.inbox(self.me, kind)

    def outbox(self, *kinds_: str) -> tuple[Ref, ...]:
        """Give the messages of rounds that this agency sends."""
        return self.schedule.outbox(self.me, *kinds_)

    def ring(self, owner: str) -> tuple[str, ...]:
        """Give the agencies that an owner's list visits, in order; the last one hands it to the coordinator."""
        return self.cast.ring(owner)

    def without_tokens(self) -> AgencySetup:
        """Give what is needed once the own list is on its way; tokens are not."""
        return replace(self, passes={}, bands_of=no_bands)

    def tokens(self, secret: bytes) -> Mapping[str, tags.TokenColumn]:
        """Give the tokens by pass under the job secret: of exact passes, then of the bands."""
        return tags.PassTokens(self.passes, self.bands_of(secret))


@dataclass(frozen=True)
class Seeding:
    """Waiting for the others' contributions."""

    setup: AgencySetup
    common: Mapping[str, bytes] = field(repr=False)
    pairs_sent: Mapping[str, bytes] = field(repr=False)
    pairs_got: Mapping[str, bytes] = field(repr=False)
    phase = "tag"

    @property
    def awaits(self) -> tuple[Ref, ...]:
        """Every contribution that is not here yet."""
        return tuple(ref for ref in self.setup.inbox(kinds.SEED) if ref.sender not in self.pairs_got)


@dataclass(frozen=True)
class Tagging:
    """Own list sent; masking the others' as they come.

    Attributes:
        persons: person of each row of the own list, -1 for decoys and padding.
        decoys: number of the decoy of each row, as `tags.OwnList` has it.
        held: at which exact passes each decoy of one has a token, as `tags.OwnList` has it.
        passes: their names, strict to loose.
        rows: padded rows of each list seen so far, the own included.
    """

    setup: AgencySetup
    pair_keys: Mapping[str, bytes] = field(repr=False)
    scalar: bytes = field(repr=False)
    persons: Int64s = field(repr=False)
    decoys: Int32s = field(repr=False)
    held: UInt8s = field(repr=False)
    passes: tuple[str, ...]
    rows: Mapping[str, int]
    phase = "tag"

    @property
    def awaits(self) -> tuple[Ref, ...]:
        """Every list that has not come by yet."""
        return tuple(ref for ref in self.setup.inbox(kinds.POINTS) if ref.about not in self.rows)


@dataclass(frozen=True)
class Matching:
    """All lists masked; the scalar is gone; waiting for the slots of the own rows.

    Attributes:
        persons, decoys, held: as in `Tagging`.
        known_decoys: decoys of all exact passes, whether a coin included them or not.
        table_size: rows of all lists.
    """

    setup: AgencySetup
    pair_keys: Mapping[str, bytes] = field(repr=False)
    persons: Int64s = field(repr=False)
    decoys: Int32s = field(repr=False)
    held: UInt8s = field(repr=False)
    known_decoys: int
    table_size: int
    phase = "match"

    @property
    def awaits(self) -> tuple[Ref, ...]:
        """The slots."""
        return self.setup.inbox(kinds.SLOTS)


@dataclass(frozen=True)
class Computing:
    """Columns sent; multiplying the others' as they come, and opening what they answer.

    Attributes:
        held: what this agency holds of the job's terms.
        audits: what it holds of the decoy audits.
        preparation: what it holds of the powers of tests; None without a gate.
    """

    setup: AgencySetup
    held: Held = field(repr=False)
    audits: Audits = field(repr=False)
    preparation: Preparation | None = field(repr=False, default=None)
    phase = "compute"

    @property
    def awaits(self) -> tuple[Ref, ...]:
        """Every message that this agency can take the next step with."""
        due = {str(one.number) for one in self.held.due} | self.audits.open
        if self.preparation is not None:
            due |= self.preparation.due
        return tuple(ref for kind in (kinds.COLUMNS, kinds.PRODUCTS) for ref in self.setup.inbox(kind) if ref.about in due)


@dataclass(frozen=True)
class Auditing:
    """Shares of all terms are here, and nothing is sealed; waiting for the other agencies' shares of the decoy audits.

    Attributes:
        audits: with this agency's share of each.
        heard: the numbers of the audits that came out right.
    """

    setup: AgencySetup
    held: Held = field(repr=False)
    audits: Audits = field(repr=False)
    preparation: Preparation | None = field(repr=False, default=None)
    heard: frozenset[str] = frozenset()
    phase = "compute"

    @property
    def awaits(self) -> tuple[Ref, ...]:
        """The others' shares."""
        return tuple(ref for ref in self.setup.inbox(kinds.AUDIT) if ref.about not in self.heard)


@dataclass(frozen=True)
class Sealing:
    """All that is sealed is here, under shares of zero; waiting for the key that it is sealed under.

    Attributes:
        pattern: what opens, one byte a cell; empty without a gate.
    """

    setup: AgencySetup
    people: int
    shares: tuple[int, ...] = field(repr=False)
    pattern: bytes = b""
    phase = "release"

    @property
    def awaits(self) -> tuple[Ref, ...]:
        """The key, from the desk."""
        return self.setup.inbox(kinds.RECIPIENT)


@dataclass(frozen=True)
class Finished:
    """The sealed shares are sent; nothing secret is left."""

    phase = "release"
    awaits: tuple[Ref, ...] = ()
