"""The rounds of a statistical job: one table, of which everything else that knows the rounds is made.

A row says who sends what to whom, after what, how much it may be, and what the job does meanwhile. Read off it (`schedule.py`) are what
a machine's state awaits (`states.py`, `desk.py`), which messages the relay takes, when, and how much of each (`coordinator/relay.py`),
who is waited for and the phase (`coordinator/waiting.py`), what the coordinator may do (`coordinator/driver.py`), and the table of
docs/protocol.md §4.

A new round is a row here and a transition of the machine that receives it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from tallystick.crypto.statistic import messages as kinds

PAIR: Final = 2
PHASES: Final = ("derive", "tag", "match", "compute", "check", "release")
"""What a job does, in order; `core/job/lifecycle.py` says what each is. Before any round says otherwise it is the first."""


@dataclass(frozen=True)
class Exchange:
    """Two agencies that multiply columns.

    Attributes:
        number: tells exchanges of one job apart, in the name of the round.
        needs: the numbers of the exchanges whose shares its multiplier multiplies by.
    """

    encryptor: str
    multiplier: str
    number: str
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cast:
    """The parties of one job, in the roles that rounds have.

    Attributes:
        agencies: data agencies, in name order.
        desk: the agency that opens, or in a direct job hands on what it cannot open; it need not be one of them.
        exchanges: who multiplies with whom.
        audits: who audits the links of decoys with whom; none in a job without decoys.
        gates: who makes the powers of tests with whom; none in a job without a gate.
        steps: how many steps each stage of tests has.
        direct: whether the analyst opens, and not the desk.
    """

    agencies: tuple[str, ...]
    desk: str
    exchanges: tuple[Exchange, ...]
    audits: tuple[Exchange, ...]
    gates: tuple[Exchange, ...] = ()
    steps: tuple[int, ...] = ()
    direct: bool = False

    def ring(self, owner: str) -> tuple[str, ...]:
        """Give the agencies that an owner's list visits, in order: all others by name, beginning after the owner."""
        at = self.agencies.index(owner)
        return self.agencies[at + 1 :] + self.agencies[:at]

    def exchange(self, number: str) -> Exchange:
        """Give the exchange of a number. Pre-condition: there is one."""
        return next(exchange for exchange in (*self.exchanges, *self.audits, *self.gates) if exchange.number == number)


@dataclass(frozen=True)
class Topic:
    """What messages of a round are about, which is the second part of their names.

    Attributes:
        suffix: as the table of the documents writes it behind the kind.
        names: gives the topics; a round without any has the empty one.
    """

    suffix: str
    names: Callable[[Cast], tuple[str, ...]] = field(repr=False)


NOTHING: Final = Topic("", lambda _: ("",))
OWNER: Final = Topic(":OWNER", lambda cast: cast.agencies)
EXCHANGE: Final = Topic(":N", lambda cast: tuple(exchange.number for exchange in (*cast.exchanges, *cast.audits, *cast.gates)))
AUDITED: Final = Topic(":N", lambda cast: tuple(exchange.number for exchange in cast.audits))
STEP: Final = Topic(
    ":STAGE.N",
    lambda cast: tuple(f"{stage}.{step + 1}" for stage, many in enumerate(cast.steps) for step in range(many)),
)


@dataclass(frozen=True)
class Role:
    """Who sends or receives.

    Attributes:
        text: as the documents say it.
        names: gives the parties, from the cast, what the message is about, and (for a receiver; else empty) who sends it.
    """

    text: str
    names: Callable[[Cast, str, str], tuple[str, ...]] = field(repr=False)


EACH: Final = Role("each data agency", lambda cast, *_: cast.agencies)
EACH_OTHER: Final = Role(
    "each other data agency", lambda cast, _, sender: tuple(name for name in cast.agencies if name != sender)
)
ON_ITS_WAY: Final = Role("owner, then who got it", lambda cast, owner, _: (owner, *cast.ring(owner)[:-1]))
NEXT: Final = Role("next in the ring", lambda cast, owner, sender: (_next_in_ring(cast, owner, sender),))
LAST: Final = Role("last in OWNER's ring", lambda cast, owner, _: (cast.ring(owner)[-1],))
ENCRYPTOR: Final = Role("encryptor", lambda cast, number, _: (cast.exchange(number).encryptor,))
MULTIPLIER: Final = Role("multiplier", lambda cast, number, _: (cast.exchange(number).multiplier,))
BOTH: Final = Role("encryptor and multiplier", lambda cast, number, _: _pair(cast, number))
THE_OTHER: Final = Role("the other", lambda cast, number, sender: tuple(name for name in _pair(cast, number) if name != sender))
DESK: Final = Role("desk", lambda cast, *_: (cast.desk,))
COORDINATOR: Final = Role("coordinator", lambda *_: (kinds.COORDINATOR,))
ADDER: Final = Role("coordinator, or in a direct job desk", lambda cast, *_: (cast.desk if cast.direct else kinds.COORDINATOR,))


@dataclass(frozen=True)
class RoundCondition:
    """When a job has a round at all.

    Attributes:
        text: as the documents say it; empty if always.
    """

    text: str
    holds: Callable[[Cast], bool] = field(repr=False)


ALWAYS: Final = RoundCondition("", lambda _: True)
LINKED: Final = RoundCondition("two or more agencies", lambda cast: len(cast.agencies) > 1)
OF_MORE: Final = RoundCondition("three or more agencies", lambda cast: len(cast.agencies) > PAIR)
OPENED: Final = RoundCondition("not direct", lambda cast: not cast.direct)
LINKED_OPENED: Final = RoundCondition(
    "two or more agencies, not direct", lambda cast: len(cast.agencies) > 1 and not cast.direct
)
WITH_DECOYS: Final = RoundCondition("with decoys", lambda cast: bool(cast.audits))
WITH_GATE: Final = RoundCondition("with a gate", lambda cast: bool(cast.steps))


class Which(Enum):
    """Which messages of an earlier round a message comes after."""

    ALL = auto()
    SAME = auto()
    """All that are about the same."""
    GOT = auto()
    """Those about the same that its sender receives."""
    ABOVE = auto()
    """All of every row above, but for rows that are beside another."""
    NEEDED = auto()
    """Those about the exchanges that its exchange needs."""
    BEFORE = auto()
    """Those about what stands before, in the order of the round's topics."""


@dataclass(frozen=True)
class After:
    """What must be complete before a message is due: of an earlier round, of the same one, or of all above (then `kind` is empty)."""

    kind: str
    which: Which = Which.ALL


EVERYTHING_ABOVE: Final = After("", Which.ABOVE)


@dataclass(frozen=True)
class Round:
    """A row of the table.

    Attributes:
        payload: what is in a message, for the documents.
        after: what must be complete before a message of it is due. Only then is it waited for, and only when what of it is addressed to
            the message's sender is complete does the relay take it.
        phase: what the job does while it is due. None: other work goes on meanwhile, so it says nothing of the phase.
        about: what its messages are about.
        condition: which jobs have it.
        limit: the most MiB that the envelopes of a message may have together; None: as `width`, or the relay's limits alone.
        width: of a round of lists: bytes of a value. A list may be as long as its owner's declarations allow.
        early: its sender needs nothing of what it comes after, so it may be sent before it is due.
        beside: the round with which its messages are made and count in one step, so that nobody waits for them by themselves.
    """

    kind: str
    sender: Role
    receiver: Role
    payload: str = field(repr=False)
    after: tuple[After, ...] = ()
    phase: str | None = None
    about: Topic = NOTHING
    condition: RoundCondition = ALWAYS
    limit: int | None = None
    width: Callable[[Cast], int] | None = field(repr=False, default=None)
    early: bool = False
    beside: str | None = None


def _next_in_ring(cast: Cast, owner: str, sender: str) -> str:
    visits = (owner, *cast.ring(owner))
    return visits[visits.index(sender) + 1]


def _pair(cast: Cast, number: str) -> tuple[str, str]:
    exchange = cast.exchange(number)
    return exchange.encryptor, exchange.multiplier


def _tag_width(cast: Cast) -> int:
    """Give the bytes of what the coordinator gets for a row and pass: of more than two agencies it is still a point."""
    return kinds.TAG_BYTES if len(cast.agencies) == PAIR else kinds.POINT_BYTES


_EXCHANGED: Final = "confirmation 32 in a chunk of its own, then {}, one a chunk (§7)"

ROUNDS: tuple[Round, ...] = (
    Round(kinds.SEED, EACH, EACH_OTHER, "common contribution 32 ‖ pair contribution 32", limit=1),
    Round(
        kinds.POINTS, ON_ITS_WAY, NEXT, "per pass `rows × 32` bytes, passes one after another",
        after=(After(kinds.SEED), After(kinds.POINTS, Which.GOT)), phase="tag", about=OWNER, width=lambda _: kinds.POINT_BYTES,
        condition=LINKED,
    ),
    Round(
        kinds.TAGS, LAST, COORDINATOR, "two agencies: per pass `rows × 16` bytes of tags. More: `rows × 32` of points",
        after=(After(kinds.POINTS, Which.GOT),), phase="tag", about=OWNER, width=_tag_width, condition=LINKED,
    ),
    Round(
        kinds.CORRECTION, EACH, COORDINATOR, "d, 32 bytes",
        after=(After(kinds.SEED),), phase="tag", condition=OF_MORE, limit=1,
    ),
    Round(
        kinds.SLOTS, COORDINATOR, EACH,
        "table size 8 bytes ‖ a bit for each exact pass, if one was left out (§6) ‖ `rows × 4` bytes, little-endian, in the owner's order",
        after=(After(kinds.TAGS), After(kinds.CORRECTION)), phase="match", condition=LINKED,
    ),
    Round(
        kinds.REPORT, COORDINATOR, DESK, "the coordinator's part of the linkage report, canonical JSON, at most 64 KiB",
        after=(After(kinds.TAGS), After(kinds.CORRECTION)), phase="match", beside=kinds.SLOTS, condition=LINKED_OPENED,
    ),
    Round(
        kinds.COLUMNS, ENCRYPTOR, MULTIPLIER, _EXCHANGED.format("c0 of BFV ciphertexts"),
        after=(After(kinds.SLOTS),), phase="compute", about=EXCHANGE,
    ),
    Round(
        kinds.PRODUCTS, MULTIPLIER, ENCRYPTOR, _EXCHANGED.format("BFV ciphertexts"),
        after=(After(kinds.COLUMNS, Which.SAME), After(kinds.PRODUCTS, Which.NEEDED)), phase="compute", about=EXCHANGE,
    ),
    Round(
        kinds.AUDIT, BOTH, THE_OTHER, '`frame("audit", job, attempt₄, share₄)`: a share of the decoy audit (§7)',
        after=(After(kinds.PRODUCTS),), phase="compute", about=AUDITED, condition=WITH_DECOYS, limit=1,
    ),
    Round(
        kinds.GATE, EACH, EACH_OTHER, "shares of what a step of a stage of tests opens, 4 bytes each (§8)",
        after=(After(kinds.PRODUCTS), After(kinds.AUDIT), After(kinds.GATE, Which.BEFORE)),
        phase="compute", about=STEP, condition=WITH_GATE, limit=1,
    ),
    Round(
        kinds.PATTERN, EACH, EACH_OTHER, "32 bytes: what opens and what does not, and what was seen (§8)",
        after=(After(kinds.GATE),), phase="compute", condition=WITH_GATE, limit=1,
    ),
    Round(
        kinds.RECIPIENT, DESK, EACH, "Paillier modulus, 384 bytes, big-endian: the desk's; in a direct job the analyst's, as the job has it",
        after=(After(kinds.SLOTS),), limit=1, early=True,
    ),
    Round(
        kinds.SHARES, EACH, ADDER, "a signed sealed-shares document",
        after=(EVERYTHING_ABOVE,), phase="compute", limit=160,
    ),
    Round(
        kinds.SEALED, COORDINATOR, DESK, "all sealed-shares documents and their product",
        after=(After(kinds.SHARES),), phase="compute", condition=OPENED,
    ),
    Round(
        kinds.RELEASE, DESK, COORDINATOR, "the result sealed to the analyst",
        after=(After(kinds.REPORT), After(kinds.SHARES), After(kinds.SEALED)), phase="check", limit=160,
    ),
)  # fmt: skip
"""The table; no row comes after one below it."""
