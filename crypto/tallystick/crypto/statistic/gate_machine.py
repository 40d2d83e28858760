"""A data agency's machine between its shares and their sealing, in a job with a gate: what is small is found out, and stays closed.

Rules that this file enforces (docs/protocol.md §8):

1. A stage has steps; in each an agency sends each other one a message. First shares of masked numbers. Then, where a test of the stage is
   of several numbers at once, shares of factors under triples, until one factor is left. Last, shares of what the tests give: 0 is small.
2. There are as many stages and messages, and they are as long, as there may be at most. Where no test is left zeros go out.
3. The rule is asked what comes next, with bits that all agencies have; each of them works it out by itself. A number that one agency knows by
   itself is tested by that agency, which sends the bit in place of a share.
4. All agencies must have seen the same numbers and found the same pattern, before any of them seals.
5. What is sealed is z and t, not the count; of what does not open it is nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from tallystick.crypto.errors import PeerFault
from tallystick.crypto.machine import Message, Outbound, Ref, Step, Table
from tallystick.crypto.powers import Int64s, P
from tallystick.crypto.statistic import messages as kinds
from tallystick.crypto.statistic.computation import cell_shares
from tallystick.crypto.statistic.exchanging import Held
from tallystick.crypto.statistic.gating import Factors, Gating
from tallystick.crypto.statistic.opening import AGENCIES, encode_pattern
from tallystick.crypto.statistic.preparing import Preparation
from tallystick.crypto.statistic.sealing import seal_numbers
from tallystick.crypto.statistic.states import AgencySetup, Sealing


@dataclass(frozen=True)
class Asking:
    """A step of a stage: this agency's shares are sent; waiting for the others'.

    Attributes:
        step: from 0.
        shares: by agency, this one's among them.
        opened: from the second step on, the masked numbers.
        factors: from then on, this agency's shares of what is multiplied in each test.
        used: how many triples are.
    """

    setup: AgencySetup
    pair_keys: Mapping[str, bytes] = field(repr=False)
    gating: Gating = field(repr=False)
    step: int
    shares: Mapping[str, Int64s] = field(repr=False)
    opened: Int64s | None = field(repr=False, default=None)
    factors: Factors = field(repr=False, default=())
    used: int = 0
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


GateStep = Step[Asking] | Step[Agreeing] | Step[Sealing]


def begin_gate(setup: AgencySetup, held: Held, preparation: Preparation) -> GateStep:
    """Begin with the tests, once all shares of terms and of powers are here."""
    computation, people = setup.computation, held.people
    nothing = [0] * len(computation.cells)
    shares = cell_shares(computation, people, held.shares(), setup.own, nothing)
    gate = computation.gate
    assert gate is not None
    return _ask(setup, held.pair_keys, Gating(computation, people, preparation, shares, setup.knows, gate.rule))


def on_gate(state: Asking, message: Message) -> GateStep:
    """Take another agency's shares; with the last ones, take the next step (rules 1 to 3).

    Raises:
        PeerFault: `gate-malformed`.
    """
    gating, sender, mine = state.gating, message.ref.sender, state.shares[state.setup.me]
    length = gating.gate.lengths[gating.stage][state.step]
    shares = {**state.shares, sender: kinds.read_gate(message.read(), len(mine), length, sender=sender)}
    if len(shares) < len(state.setup.agencies):
        return Step(replace(state, shares=shares))
    total: Int64s = np.stack(list(shares.values())).sum(axis=0) % P
    last = gating.gate.steps[gating.stage] - 1
    if state.step == last:
        assert state.opened is not None
        return _ask(state.setup, state.pair_keys, gating.answer(state.opened, total, state.used))
    if state.opened is None:
        opened, factors, used = total, gating.factors(total), gating.triples
    else:
        opened, used = state.opened, state.used + len(mine) // 2
        factors = gating.multiply(state.factors, state.used, total)
    step = state.step + 1
    own = np.array([one for (one,) in factors], dtype=np.int64) if step == last else gating.mask_factors(factors, used)
    return _tell(Asking(state.setup, state.pair_keys, gating.look(total), step, {state.setup.me: own}, opened, factors, used))


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
    numbers = [number for of_cell in gating.seal() for number in of_cell]
    return Step(seal_numbers(state.setup, gating.people, numbers, state.pair_keys, encode_pattern(gating.fates())))


TABLE: Final[Table] = {
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
    return _tell(Asking(setup, pair_keys, gating, 0, {setup.me: gating.mask()}))


def _tell(state: Asking) -> Step[Asking]:
    """Send this agency's shares of a step."""
    setup, gating, about = state.setup, state.gating, _name(state.gating, state.step)
    payload = kinds.gate_payload(state.shares[setup.me], gating.gate.lengths[gating.stage][state.step])
    return Step(state, tuple(Outbound(ref, (payload,)) for ref in setup.outbox(kinds.GATE) if ref.about == about))


def _name(gating: Gating, step: int) -> str:
    return f"{gating.stage}.{step + 1}"
