"""A data agency's machine between its shares and their sealing, in a job with a gate: what is small is found out, and stays closed.

Rules that this file enforces (docs/protocol.md §8):

1. Before the first stage every agency says which groups it strikes by what it knows for itself; what any of them strikes is struck.
2. A stage is two messages to each other agency: shares of masked numbers, then shares of what the tests give. A message is as long as its
   stage may be at most. One whose number has no test any more goes out all the same.
3. The rule is asked what comes next, with bits that all agencies have; each of them works it out by itself.
4. All agencies must have seen the same numbers and found the same pattern, before any of them seals.
5. What is sealed is z and t, not the count; of what does not open it is nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from tallystick.crypto.errors import LocalFault, PeerFault
from tallystick.crypto.machine import Message, Outbound, Ref, Step, Table
from tallystick.crypto.powers import Int64s, P
from tallystick.crypto.statistic import messages as kinds
from tallystick.crypto.statistic.computation import cell_shares
from tallystick.crypto.statistic.exchanging import Held
from tallystick.crypto.statistic.gating import Gating
from tallystick.crypto.statistic.opening import AGENCIES, encode_pattern
from tallystick.crypto.statistic.preparing import Preparation
from tallystick.crypto.statistic.rounds import MASKED, TESTED
from tallystick.crypto.statistic.sealing import seal_numbers
from tallystick.crypto.statistic.states import AgencySetup, Sealing


@dataclass(frozen=True)
class Striking:
    """Shares of all cells are here; waiting to hear which groups the others strike.

    Attributes:
        pair_keys: by other agency.
        heard: by agency, what it strikes.
    """

    setup: AgencySetup
    pair_keys: Mapping[str, bytes] = field(repr=False)
    gating: Gating = field(repr=False)
    heard: Mapping[str, tuple[bool, ...]] = field(repr=False)
    phase = "compute"

    @property
    def awaits(self) -> tuple[Ref, ...]:
        """What the others strike."""
        return tuple(ref for ref in self.setup.inbox(kinds.STRUCK) if ref.sender not in self.heard)


@dataclass(frozen=True)
class Asking:
    """A step of a stage: this agency's shares are sent; waiting for the others'.

    Attributes:
        step: 1 for shares of masked numbers, 2 for shares of what their tests give.
        shares: by agency, this one's among them, int64[tests].
        opened: in the second step, the masked numbers.
    """

    setup: AgencySetup
    pair_keys: Mapping[str, bytes] = field(repr=False)
    gating: Gating = field(repr=False)
    step: int
    shares: Mapping[str, Int64s] = field(repr=False)
    opened: Int64s | None = field(repr=False, default=None)
    phase = "compute"

    @property
    def awaits(self) -> tuple[Ref, ...]:
        """The others' shares in this step."""
        about = _name(self.gating, self.step)
        return tuple(ref for ref in self.setup.inbox(kinds.GATE) if ref.about == about and ref.sender not in self.shares)


@dataclass(frozen=True)
class Agreeing:
    """It is decided what opens; waiting to hear that the others have seen and decided the same.

    Attributes:
        digest: what each must send.
        heard: the agencies that did.
    """

    setup: AgencySetup
    pair_keys: Mapping[str, bytes] = field(repr=False)
    gating: Gating = field(repr=False)
    digest: bytes
    heard: frozenset[str] = frozenset()
    phase = "compute"

    @property
    def awaits(self) -> tuple[Ref, ...]:
        """The others' patterns."""
        return tuple(ref for ref in self.setup.inbox(kinds.PATTERN) if ref.sender not in self.heard)


GateStep = Step[Striking] | Step[Asking] | Step[Agreeing] | Step[Sealing]


def send_strikes(setup: AgencySetup) -> tuple[Outbound, ...]:
    """Give the messages that say what this agency strikes, none where nothing can be (rule 1).

    Raises:
        LocalFault: `strikes-malformed`: it says of other groups than the rule has.
    """
    gate = setup.computation.gate
    if gate is None:
        return ()
    if len(setup.strikes) != gate.rule.strikes:
        raise LocalFault("strikes-malformed", f"it strikes some of {len(setup.strikes)} groups of {gate.rule.strikes}")
    return tuple(Outbound(ref, (kinds.struck_payload(setup.strikes),)) for ref in setup.outbox(kinds.STRUCK))


def begin_gate(setup: AgencySetup, held: Held, preparation: Preparation) -> GateStep:
    """Begin with the tests, once all shares of terms and of powers are here."""
    computation, people = setup.computation, held.people
    nothing = [0] * len(computation.cells)
    shares = cell_shares(computation, people, held.shares(), setup.own, nothing)
    gate = computation.gate
    assert gate is not None
    gating = Gating(computation, people, preparation, shares, gate.rule)
    if gate.rule.strikes:
        return Step(Striking(setup, held.pair_keys, gating, {setup.me: setup.strikes}))
    return _ask(setup, held.pair_keys, gating)


def on_struck(state: Striking, message: Message) -> GateStep:
    """Hear what another agency strikes; with the last one, begin the first stage (rule 1).

    Raises:
        PeerFault: `struck-malformed`.
    """
    rule, sender = state.gating.rule, message.ref.sender
    heard = {**state.heard, sender: kinds.read_struck(message.read(), rule.strikes, sender=sender)}
    if len(heard) < len(state.setup.agencies):
        return Step(replace(state, heard=heard))
    struck = tuple(any(each) for each in zip(*heard.values(), strict=True))
    return _ask(state.setup, state.pair_keys, replace(state.gating, rule=rule.strike(struck)))


def on_gate(state: Asking, message: Message) -> GateStep:
    """Take another agency's shares; with the last ones, take the next step (rules 2, 3).

    Raises:
        PeerFault: `gate-malformed`.
    """
    gating, sender = state.gating, message.ref.sender
    tests, length = len(gating.rule.tests), gating.rule.stages[0].tests
    shares = {**state.shares, sender: kinds.read_gate(message.read(), tests, length, sender=sender)}
    if len(shares) < len(state.setup.agencies):
        return Step(replace(state, shares=shares))
    total: Int64s = np.stack(list(shares.values())).sum(axis=0) % P
    if state.opened is None:
        tested = gating.tested(total)
        asking = Asking(state.setup, state.pair_keys, gating, TESTED, {state.setup.me: tested}, total)
        return Step(asking, _tell(state.setup, gating, TESTED, tested))
    return _ask(state.setup, state.pair_keys, gating.answered(state.opened, total))


def on_pattern(state: Agreeing, message: Message) -> Step[Agreeing] | Step[Sealing]:
    """Hear that another agency has seen and decided the same; with the last one, go on to sealing (rules 4, 5).

    Raises:
        PeerFault: `pattern-differs`, which names no agency: nobody can tell who said two things.
    """
    if message.read() != state.digest:
        raise PeerFault("pattern-differs", "not all of them saw the same tests, or decided alike what opens", sender=AGENCIES)
    heard = state.heard | {message.ref.sender}
    if len(heard) < len(state.setup.others):
        return Step(replace(state, heard=heard))
    gating = state.gating
    numbers = [number for of_cell in gating.sealed() for number in of_cell]
    return Step(seal_numbers(state.setup, gating.people, numbers, state.pair_keys, encode_pattern(gating.fates())))


TABLE: Final[Table] = {
    (Striking, kinds.STRUCK): on_struck,
    (Asking, kinds.GATE): on_gate,
    (Agreeing, kinds.PATTERN): on_pattern,
}


def _ask(setup: AgencySetup, pair_keys: Mapping[str, bytes], gating: Gating) -> Step[Asking] | Step[Agreeing]:
    """Begin a stage, or after the last one say what opens."""
    if gating.finished:
        pattern = encode_pattern(gating.fates())
        digest = kinds.pattern_payload(setup.job, setup.attempt, pattern, gating.seen)
        agreeing = Agreeing(setup, pair_keys, gating, digest)
        return Step(agreeing, tuple(Outbound(ref, (digest,)) for ref in setup.outbox(kinds.PATTERN)))
    masked = gating.masked()
    return Step(Asking(setup, pair_keys, gating, MASKED, {setup.me: masked}), _tell(setup, gating, MASKED, masked))


def _tell(setup: AgencySetup, gating: Gating, step: int, shares: Int64s) -> tuple[Outbound, ...]:
    payload, about = kinds.gate_payload(shares, gating.rule.stages[0].tests), _name(gating, step)
    return tuple(Outbound(ref, (payload,)) for ref in setup.outbox(kinds.GATE) if ref.about == about)


def _name(gating: Gating, step: int) -> str:
    return f"{gating.stage}.{step}"
