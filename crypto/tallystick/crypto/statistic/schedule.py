"""What the table of rounds says of one job: the messages that its parties send, and what follows from which of them are complete.

Pure functions of the cast and of the messages that are complete; machines, relay, driver and views of who is waited for ask them alike.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Final

from tallystick.crypto.machine import Ref
from tallystick.crypto.statistic import messages as kinds
from tallystick.crypto.statistic import rounds
from tallystick.crypto.statistic.rounds import PHASES, Cast, Round, Which

SCHEDULES: Final = 256
"""How many expanded tables are kept; others are expanded again."""


@dataclass(frozen=True)
class Expected:
    """A message that a job of one cast has.

    Attributes:
        row: of the table.
        after: the messages that must be complete before it is due.
    """

    ref: Ref
    row: Round = field(repr=False)
    after: frozenset[Ref]

    @property
    def local(self) -> bool:
        """Whether a party sends it to itself, which nobody else sees."""
        return self.ref.sender == self.ref.receiver

    @property
    def needed(self) -> tuple[Ref, ...]:
        """The messages without which its sender cannot have made it: those that it comes after and that are addressed to the sender."""
        return () if self.row.early else tuple(ref for ref in self.after if ref.receiver == self.ref.sender)


def expand_rounds(cast: Cast, table: tuple[Round, ...] | None = None) -> tuple[Expected, ...]:
    """Give every message of a job of this cast, in the order of the table.

    Args:
        cast: the parties.
        table: another table than `ROUNDS`.
    """
    rows = [row for row in (rounds.ROUNDS if table is None else table) if row.condition.holds(cast)]
    refs = _Refs()
    made: list[Expected] = []
    for at, row in enumerate(rows):
        topics = row.about.names(cast)
        mine = tuple(_refs(row, cast))
        refs.add(row.kind, mine)
        before = dict(zip(topics, (None, *topics), strict=False))
        made += (
            Expected(ref, row, frozenset[Ref]().union(*_before(cast, ref, row, rows[:at], refs, before[ref.about])))
            for ref in mine
        )
    return tuple(made)


def _refs(row: Round, cast: Cast) -> Iterator[Ref]:
    for about in row.about.names(cast):
        for sender in row.sender.names(cast, about, ""):
            for receiver in row.receiver.names(cast, about, sender):
                yield Ref(row.kind, sender, receiver, about)


class _Refs:
    """The messages of the rounds so far but for those to oneself, by kind, by what they are about, and by who receives them."""

    def __init__(self) -> None:
        self._sets: dict[tuple[str, ...], frozenset[Ref]] = {}

    def add(self, kind: str, refs: Iterable[Ref]) -> None:
        """Add a round."""
        parts: dict[tuple[str, ...], set[Ref]] = {}
        for ref in refs:
            if ref.sender != ref.receiver:
                for key in ((kind,), (kind, ref.about), (kind, ref.about, ref.receiver)):
                    parts.setdefault(key, set()).add(ref)
        self._sets |= {key: frozenset(part) for key, part in parts.items()}

    def find(self, kind: str, *parts: str) -> frozenset[Ref]:
        """Give those of a kind, perhaps only those about something, perhaps only those to one receiver."""
        return self._sets.get((kind, *parts), frozenset())


def _before(cast: Cast, ref: Ref, row: Round, above: list[Round], refs: _Refs, earlier: str | None) -> Iterator[frozenset[Ref]]:
    """Give what a message comes after; `earlier` is what stands before what it is about, among the topics of its round."""
    for after in row.after:
        match after.which:
            case Which.ALL:
                yield refs.find(after.kind)
            case Which.SAME:
                yield refs.find(after.kind, ref.about)
            case Which.GOT:
                yield refs.find(after.kind, ref.about, ref.sender)
            case Which.NEEDED:
                yield from (refs.find(after.kind, number) for number in cast.exchange(ref.about).needs)
            case Which.BEFORE:
                yield frozenset() if earlier is None else refs.find(after.kind, earlier)
            case Which.ABOVE:
                yield from (refs.find(one.kind) for one in above if one.beside is None)


@dataclass(frozen=True)
class Schedule:
    """The messages of one job, and what follows from which of them are complete.

    Attributes:
        expected: every message, in the order of the table.
    """

    cast: Cast
    expected: tuple[Expected, ...] = field(repr=False)

    @cached_property
    def sent_by_agencies(self) -> dict[Ref, Expected]:
        """Every message that an agency may put into the relay; no other is taken."""
        return {one.ref: one for one in self.expected if one.ref.sender != kinds.COORDINATOR and not one.local}

    def may_send(self, ref: Ref, complete: Collection[Ref]) -> bool:
        """Say whether an agency may send a message now. Pre-condition: it is one of `sent_by_agencies`."""
        return all(needed in complete for needed in self.sent_by_agencies[ref].needed)

    def refs(self, kind: str) -> tuple[Ref, ...]:
        """Give every message of a round."""
        return tuple(one.ref for one in self.expected if one.ref.kind == kind)

    def inbox(self, party: str, kind: str) -> tuple[Ref, ...]:
        """Give the messages of a round that a party receives, from itself or from others."""
        return tuple(ref for ref in self.refs(kind) if ref.receiver == party)

    def outbox(self, party: str, *kinds_: str) -> tuple[Ref, ...]:
        """Give the messages of rounds that a party sends."""
        return tuple(one.ref for one in self.expected if one.ref.kind in kinds_ and one.ref.sender == party)

    def is_done(self, kind: str, complete: Collection[Ref]) -> bool:
        """Say whether every message of a round is complete."""
        return all(ref in complete for ref in self.refs(kind))

    def is_relayed(self, kind: str, complete: Collection[Ref]) -> bool:
        """Say whether every message of a round is complete that does not stay with its sender."""
        return all(one.ref in complete for one in self.expected if one.ref.kind == kind and not one.local)

    def ready(self, kind: str, complete: Collection[Ref]) -> bool:
        """Say whether a round can be made: all that it comes after is complete, and it is not."""
        before = (ref for one in self.expected if one.ref.kind == kind for ref in one.after)
        return not self.is_done(kind, complete) and all(ref in complete for ref in before)

    @cached_property
    def _bits(self) -> dict[Ref, int]:
        """The bit of each message in a set of messages that is one whole number: what follows from a set is asked for at each change."""
        return {one.ref: 1 << at for at, one in enumerate(self.expected)}

    @cached_property
    def _waits(self) -> tuple[tuple[int, int, Expected, bool], ...]:
        """Of each message: its bit, the bits of what it comes after, and whether a phase is told by what it comes after."""
        by_kind = {one.ref.kind: one.row for one in self.expected}
        bits = self._bits
        return tuple(
            (
                bits[one.ref],
                sum(bits[ref] for ref in one.after),
                one,
                any(by_kind[kind].phase is not None for kind in {ref.kind for ref in one.after}),
            )
            for one in self.expected
        )

    def _join_bits(self, complete: Collection[Ref]) -> int:
        bits = self._bits
        return sum(bits.get(ref, 0) for ref in frozenset(complete))

    def silent(self, complete: Collection[Ref]) -> tuple[Ref, ...]:
        """Give the messages that are due and not complete, the coordinator's among them: their senders are waited for."""
        held = self._join_bits(complete)
        return tuple(
            one.ref
            for bit, after, one, _ in self._waits
            if not bit & held and not after & ~held and one.row.beside is None and not one.local
        )

    def phase(self, complete: Collection[Ref]) -> str:
        """Give what the job does: the latest phase of a message that is complete, or that is due after a round of some phase.

        What is due after rounds of none counts only once it is complete: that contributions are there does not say that lists are made.
        """
        held = self._join_bits(complete)
        phases = {PHASES[0]}
        for bit, after, one, turns in self._waits:
            if one.row.phase is not None and (bit & held or (turns and not after & ~held)):
                phases.add(one.row.phase)
        return max(phases, key=PHASES.index)


def schedule_of(cast: Cast) -> Schedule:
    """Give the messages of a job of this cast."""
    return _schedule(cast, rounds.ROUNDS)


@lru_cache(SCHEDULES)
def _schedule(cast: Cast, table: tuple[Round, ...]) -> Schedule:
    return Schedule(cast, expand_rounds(cast, table))
