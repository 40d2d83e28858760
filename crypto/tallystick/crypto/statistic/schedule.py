"""What the table of rounds says of one job: the messages that its parties send, and what follows from which of them are complete.

Pure functions of the cast and of the messages that are complete; machines, relay, driver and views of who is waited for ask them alike.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
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
    refs = {row.kind: tuple(_refs(row, cast)) for row in rows}
    return tuple(
        Expected(ref, row, frozenset(_before(cast, ref, row, rows[:at], refs)))
        for at, row in enumerate(rows)
        for ref in refs[row.kind]
    )


def _refs(row: Round, cast: Cast) -> Iterator[Ref]:
    for about in row.about.names(cast):
        for sender in row.sender.names(cast, about, ""):
            for receiver in row.receiver.names(cast, about, sender):
                yield Ref(row.kind, sender, receiver, about)


def _before(cast: Cast, ref: Ref, row: Round, above: list[Round], refs: dict[str, tuple[Ref, ...]]) -> Iterator[Ref]:
    for after in row.after:
        whole = after.which == Which.ABOVE
        for kind in [one.kind for one in above if one.beside is None] if whole else [after.kind]:
            for other in refs.get(kind, ()):
                same = whole or after.which == Which.ALL or other.about == ref.about
                if after.which == Which.NEEDED:
                    same = other.about in cast.exchange(ref.about).needs
                if after.which == Which.BEFORE:
                    topics = row.about.names(cast)
                    same = other.about in topics[: topics.index(ref.about)][-1:]
                got = after.which != Which.GOT or other.receiver == ref.sender
                if same and got and other.sender != other.receiver:
                    yield other


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

    def ready(self, kind: str, complete: Collection[Ref]) -> bool:
        """Say whether a round can be made: all that it comes after is complete, and it is not."""
        before = (ref for one in self.expected if one.ref.kind == kind for ref in one.after)
        return not self.is_done(kind, complete) and all(ref in complete for ref in before)

    def silent(self, complete: Collection[Ref]) -> tuple[Ref, ...]:
        """Give the messages that are due and not complete, the coordinator's among them: their senders are waited for."""
        return tuple(
            one.ref
            for one in self.expected
            if one.ref not in complete and one.row.beside is None and not one.local and _due(one, complete)
        )

    def phase(self, complete: Collection[Ref]) -> str:
        """Give what the job does: the latest phase of a message that is complete, or that is due after a round of some phase.

        What is due after rounds of none counts only once it is complete: that contributions are there does not say that lists are made.
        """
        by_kind = {one.ref.kind: one.row for one in self.expected}
        phases = {PHASES[0]}
        for one in self.expected:
            turn = any(by_kind[ref.kind].phase is not None for ref in one.after) and _due(one, complete)
            if one.row.phase is not None and (one.ref in complete or turn):
                phases.add(one.row.phase)
        return max(phases, key=PHASES.index)


def _due(one: Expected, complete: Collection[Ref]) -> bool:
    return all(ref in complete for ref in one.after)


def schedule_of(cast: Cast) -> Schedule:
    """Give the messages of a job of this cast."""
    return _schedule(cast, rounds.ROUNDS)


@lru_cache(SCHEDULES)
def _schedule(cast: Cast, table: tuple[Round, ...]) -> Schedule:
    return Schedule(cast, expand_rounds(cast, table))
