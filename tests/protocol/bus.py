"""A whole statistical job in memory: the real machines, the real matching, and a bus in place of the network.

Every message's bytes are kept by reference name, so that tests can look at what each party saw, or change it on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tallystick.coordinator.matching import Matches, match_tags
from tallystick.coordinator.slots import assign_slots, shuffle_table
from tallystick.core.linkage.passes.budget import Budget
from tallystick.core.linkage.passes.rounds import Rounds
from tallystick.crypto import tags
from tallystick.crypto.machine import Message, Outbound, Ref, Step, Table, advance
from tallystick.crypto.randomness import Randomness, SystemRandomness
from tallystick.crypto.statistic import agency, desk, handing, states
from tallystick.crypto.statistic import messages as kinds
from tallystick.crypto.statistic.shares import add_shares

Tamper = Callable[[Ref, list[bytes]], list[bytes]]


@dataclass
class Bus:
    """Carries messages between machines until nothing moves.

    Attributes:
        transcript: the chunks of every message that was sent.
        tamper: changes a message on its way; the identity by default.
        rounds: of the similarity pass, if there is one.
        budget: which exact passes are made; None: all.
        alter: what a coordinator that deviates makes of the matches before it gives slots; nothing by default.
        report: gives the coordinator's part of the linkage report, from the tags and what they gave.
    """

    setups: Mapping[str, states.AgencySetup]
    desk_setup: desk.DeskSetup
    randomness: Randomness = field(default_factory=SystemRandomness)
    tamper: Tamper = lambda _, chunks: chunks
    report: Callable[[list[Any], Matches], bytes] = lambda *_: b"report"
    rounds: Rounds | None = None
    budget: Budget | None = None
    alter: Callable[[Matches], Matches] = lambda matches: matches
    transcript: dict[Ref, list[bytes]] = field(default_factory=dict)
    states: dict[str, Any] = field(default_factory=dict)

    @property
    def direct(self) -> bool:
        """Whether the analyst opens."""
        return self.desk_setup.recipient is not None

    def run(self) -> desk.Opened:
        """Run the job to its end and give what the desk opened."""
        opened = self.finish()
        assert isinstance(opened, desk.Opened), {role: type(state).__name__ for role, state in self.states.items()}
        return opened

    def hand_on(self) -> handing.HandedOn:
        """Run a direct job to its end and give what the desk hands on."""
        handed = self.finish()
        assert isinstance(handed, handing.HandedOn), {role: type(state).__name__ for role, state in self.states.items()}
        return handed

    def finish(self) -> Any:
        """Run the job until nothing moves, and give the desk's state."""
        tables: dict[str, Table] = {}
        for name, setup in self.setups.items():
            tables[name] = agency.TABLE
            self._take(name, agency.begin(setup))
        tables["desk"] = handing.TABLE if self.direct else desk.TABLE
        self._take("desk", handing.begin(self.desk_setup) if self.direct else desk.begin(self.desk_setup))
        moved = True
        while moved:
            moved = self._coordinate()
            for role, table in tables.items():
                for ref in self.states[role].awaits:
                    if ref in self.transcript:
                        self._take(role, advance(table, self.states[role], Message(ref, iter(self.transcript[ref]))))
                        moved = True
                        break
        return self.states["desk"]

    def _take(self, role: str, step: Step[Any]) -> None:
        for outbound in step.outbound:
            self._send(outbound)
        self.states[role] = step.state

    def _send(self, outbound: Outbound) -> None:
        assert outbound.ref not in self.transcript, outbound.ref
        chunks = list(outbound.chunks)
        assert all(len(chunk) <= kinds.PIECE for chunk in chunks)
        self.transcript[outbound.ref] = self.tamper(outbound.ref, chunks)

    def _coordinate(self) -> bool:
        """Do what the coordinator's driver does, once each."""
        if len(self.setups) == 1:
            return self._collect()
        first = next(iter(self.setups.values()))
        lasts = {owner: setup.ring(owner)[-1] for owner, setup in self.setups.items()}
        due = {owner: Ref(kinds.TAGS, last, kinds.COORDINATOR, owner) for owner, last in lasts.items()}
        slots = {owner: Ref(kinds.SLOTS, kinds.COORDINATOR, owner) for owner in self.setups}
        corrections = {owner: Ref(kinds.CORRECTION, owner, kinds.COORDINATOR) for owner in self.setups}
        three = len(self.setups) > 2
        ready = all(ref in self.transcript for ref in [*due.values(), *(corrections.values() if three else ())])
        if ready and not set(slots.values()) & set(self.transcript):
            lists = []
            for owner, ref in due.items():
                width = kinds.POINT_BYTES if three else kinds.TAG_BYTES
                values = kinds.read_list(self.transcript[ref], width, passes=len(first.ladder.passes), sender=ref.sender)
                if three:
                    names = tuple(first.tokens(bytes(32)))  # the same under any secret
                    correction = b"".join(self.transcript[corrections[owner]])
                    values = tags.correct_tags(values, correction, job_digest=first.job, passes=names, sender=owner)
                lists.append(values)
            matches = self.alter(match_tags(lists, self.rounds, self.budget))
            left_out = matches.find_left_out(len(first.ladder.exact))
            sizes = [values.shape[1] for values in lists]
            placed, table_size = assign_slots(matches, sizes, shuffle_table(sizes, self.randomness))
            if not self.direct:
                report = Ref(kinds.REPORT, kinds.COORDINATOR, self.desk_setup.me)
                self._send(Outbound(report, (self.report(lists, matches),)))
            for owner, own in zip(due, placed, strict=True):
                self._send(Outbound(slots[owner], kinds.slots_payload(own, table_size, left_out)))
            return True
        return self._collect()

    def _collect(self) -> bool:
        """Hand on the shares, once all are here; of a direct job they go to the desk."""
        shares = {name: Ref(kinds.SHARES, name, kinds.COORDINATOR) for name in self.setups}
        sealed = Ref(kinds.SEALED, kinds.COORDINATOR, self.desk_setup.me)
        if all(ref in self.transcript for ref in shares.values()) and sealed not in self.transcript:
            documents = {name: b"".join(self.transcript[ref]) for name, ref in shares.items()}
            self._send(Outbound(sealed, add_shares(documents)))
            return True
        return False
