"""One table of rounds: what a job expects in which order, and that a further row is a further round everywhere (docs/protocol.md §4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise, permutations
from pathlib import Path
from typing import Any

import pytest

from tallystick.coordinator.driver import Action, DriverView, due
from tallystick.coordinator.waiting import phase_of, silent
from tallystick.core.errors import Broken, Refused
from tallystick.core.job.lifecycle import JobState, Phase
from tallystick.crypto import paillier
from tallystick.crypto.errors import PeerFault
from tallystick.crypto.machine import Message, Outbound, Ref, Step, Table
from tallystick.crypto.statistic import agency, rounds, states
from tallystick.crypto.statistic import messages as kinds
from tallystick.crypto.statistic.preparing import gate_exchanges
from tallystick.crypto.statistic.rounds import After, Cast, Exchange, Round, Which
from tallystick.crypto.statistic.schedule import Schedule, expand_rounds, schedule_of
from tests.docs.generate import protocol
from tests.protocol.bus import Bus
from tests.protocol.cases import all_pairs, desk_setup, paillier_key, setups, sides_of_two
from tests.town import DESK, OTHER, Town

NAMES = ("a-one", "b-two", "c-three", "d-four", "e-five")


def casts() -> Iterator[Cast]:
    for count in range(2, len(NAMES) + 1):
        agencies = NAMES[:count]
        chain = [Exchange(agencies[1], agencies[0], "0")]
        for place, name in enumerate(agencies[2:], 2):
            held = tuple(one.number for one in chain)
            chain += [Exchange(name, other, f"{place}-{at}", held) for at, other in enumerate(agencies[:place])]
        pairs = tuple(Exchange(one, other, f"audit{n}") for n, (one, other) in enumerate(combinations(agencies, 2)))
        for desk in (*agencies, "the desk alone"):
            for audits in (pairs, ()):
                yield Cast(agencies, desk, tuple(chain), audits)
        yield Cast(agencies, agencies[0], tuple(chain), pairs, gate_exchanges(agencies), (4, 2, 2))
        yield Cast(agencies, agencies[0], tuple(chain), (), gate_exchanges(agencies), (2,))


@pytest.mark.parametrize(
    "cast", list(casts()), ids=lambda cast: f"{len(cast.agencies)} {cast.desk} {len(cast.audits)} {len(cast.steps)}"
)
def test_every_job_can_be_finished_whatever_comes_first(cast: Cast) -> None:
    """Each message is expected once; what is due can always be sent; and who is waited for is never nobody before the end."""
    expected = expand_rounds(cast)
    refs = [one.ref for one in expected]
    assert len(set(refs)) == len(refs)
    schedule, complete = schedule_of(cast), set[Ref]()
    phases = [schedule.phase(complete)]
    while waited := schedule.silent(complete):
        complete.add(max(waited, key=str))
        if not schedule.is_done(kinds.REPORT, complete) and schedule.is_done(kinds.SLOTS, complete):
            complete |= set(schedule.refs(kinds.REPORT))
        phases.append(schedule.phase(complete))
    assert complete == {one.ref for one in expected if not one.local}
    assert phases == sorted(phases, key=rounds.PHASES.index)


def test_phases_are_those_of_a_jobs_life() -> None:
    assert list(Phase) == list(rounds.PHASES)
    assert {row.phase for row in rounds.ROUNDS} <= {None, *Phase}


def test_no_row_comes_after_one_below_it() -> None:
    seen: list[str] = []
    for row in rounds.ROUNDS:
        seen.append(row.kind)
        assert {after.kind for after in row.after if after.which != Which.ABOVE} <= set(seen)
        assert row.beside is None or row.beside in seen


def test_lists_of_three_agencies_go_round_one_hop_after_the_other() -> None:
    a, b, c = NAMES[:3]
    expected = {one.ref: one for one in expand_rounds(Cast((a, b, c), a, (Exchange(a, b, "0"),), ()))}
    seeds = {Ref("seed", one, other) for one, other in permutations((a, b, c), 2)}
    first, second = Ref("points", b, c, b), Ref("points", c, a, b)
    assert expected[first].after == seeds
    assert expected[second].after == {*seeds, first}
    assert expected[Ref("tags", a, "coordinator", b)].after == {second}
    assert expected[Ref("correction", b, "coordinator")].after == seeds


def test_exchanges_of_several_pairs_are_rounds_of_their_own() -> None:
    """Each pair's products wait for its own columns and what their exchange needs; audits wait for all products, shares for all."""
    agencies = NAMES[:3]
    a, b, c = agencies
    exchanges = (Exchange(a, b, "0"), Exchange(c, a, "1", needs=("0",)), Exchange(c, b, "2", needs=("0",)))
    audits = tuple(Exchange(one, other, f"audit{n}") for n, (one, other) in enumerate(combinations(agencies, 2)))
    expected = {one.ref: one for one in expand_rounds(Cast(agencies, a, exchanges, audits))}
    first = Ref("products", b, a, "0")
    for exchange in (*exchanges, *audits):
        columns = Ref("columns", exchange.encryptor, exchange.multiplier, exchange.number)
        products = Ref("products", exchange.multiplier, exchange.encryptor, exchange.number)
        assert expected[products].after == {columns, *([first] if exchange.needs else [])}
        assert all(products in expected[Ref("audit", one.encryptor, one.multiplier, one.number)].after for one in audits)
        assert products in expected[Ref("shares", c, "coordinator")].after
    assert sum(ref.kind == "audit" for ref in expected) == 2 * len(audits)
    assert set(expected[Ref("products", a, c, "1")].needed) == {Ref("columns", c, a, "1"), first}
    assert set(expected[Ref("products", b, c, "2")].needed) == {Ref("columns", c, b, "2")}


def test_tests_are_rounds_one_after_the_other() -> None:
    """The first follows audit and products; each step all messages of the step before; the pattern the last; shares the pattern."""
    a, b, c = NAMES[:3]
    cast = Cast((a, b, c), a, (Exchange(a, b, "0"),), (), gate_exchanges((a, b, c)), (3, 2))
    expected = {one.ref: one for one in expand_rounds(cast)}
    assert [(one.encryptor, one.multiplier, one.needs) for one in cast.gates] == [
        (b, a, ()),
        (c, a, ("gate0",)),
        (c, b, ("gate0",)),
    ]
    steps = ["0.1", "0.2", "0.3", "1.1", "1.2"]
    every = {step: {Ref("gate", one, other, step) for one, other in permutations((a, b, c), 2)} for step in steps}
    first = expected[Ref("gate", a, b, "0.1")].after
    assert {ref.kind for ref in first} == {"products"}
    for before, step in pairwise(steps):
        assert all(expected[ref].after >= every[before] and not expected[ref].after & every[step] for ref in every[step])
    assert expected[Ref("pattern", a, b)].after == {ref for refs in every.values() for ref in refs}
    assert expected[Ref("shares", c, "coordinator")].after >= {Ref("pattern", a, b), *every["1.2"]}


# one more row

WORD = "word"
TOY = Round(
    WORD, rounds.EACH, rounds.EACH_OTHER, "a toy", after=(After(kinds.AUDIT),), phase="check", limit=1
)  # fmt: skip


@pytest.fixture
def _one_more_row(monkeypatch: pytest.MonkeyPatch) -> None:
    at = [row.kind for row in rounds.ROUNDS].index(kinds.RECIPIENT)
    monkeypatch.setattr(rounds, "ROUNDS", (*rounds.ROUNDS[:at], TOY, *rounds.ROUNDS[at:]))
    monkeypatch.setattr(paillier, "generate", paillier_key)


@dataclass(frozen=True)
class Gated:
    """What a toy machine waits in: the other's word, before it goes on to sealing."""

    setup: states.AgencySetup
    then: states.Sealing
    phase = "compute"

    @property
    def awaits(self) -> tuple[Ref, ...]:
        """The other's word."""
        return self.setup.inbox(WORD)


def on_audit(state: states.Auditing, message: Message) -> Step[Gated]:
    sealing = agency.on_audit(state, message).state
    assert isinstance(sealing, states.Sealing)
    return Step(Gated(state.setup, sealing), tuple(Outbound(ref, (b"go on",)) for ref in state.setup.outbox(WORD)))


def on_gate(state: Gated, message: Message) -> Step[states.Sealing]:
    if message.read() != b"go on":
        raise PeerFault("gate-shut", "a toy says no", sender=message.ref.sender)
    return Step(state.then)


TABLE: Table = {**agency.TABLE, (states.Auditing, kinds.AUDIT): on_audit, (Gated, WORD): on_gate}


@pytest.mark.usefixtures("_one_more_row")
@pytest.mark.parametrize("word", [b"go on", b"stop"])
def test_one_more_row_and_a_transition_are_one_more_round_of_the_machines(monkeypatch: pytest.MonkeyPatch, word: bytes) -> None:
    monkeypatch.setattr(agency, "TABLE", TABLE)
    sides = sides_of_two()
    computation = all_pairs("housing", "labor", sides, bound=121)
    bus = Bus(setups(sides, computation, desk="housing"), desk_setup(sides, computation, desk="housing"))
    bus.tamper = lambda ref, chunks: [word] if ref.kind == WORD else chunks
    if word == b"stop":
        with pytest.raises(PeerFault, match="toy says no"):
            bus.run()
        assert not any(ref.kind == kinds.SHARES for ref in bus.transcript)
    else:
        assert bus.run().values[0] == 3
        assert {ref for ref in bus.transcript if ref.kind == WORD} == {
            Ref(WORD, "housing", "labor"),
            Ref(WORD, "labor", "housing"),
        }


@pytest.mark.usefixtures("_one_more_row")
def test_one_more_row_is_taken_waited_for_and_shown(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.running()
    record = town.at.storage.job(town.digest)
    assert record is not None
    contract = town.at.jobs.contract(record)
    gates = {Ref(WORD, DESK, OTHER), Ref(WORD, OTHER, DESK)}
    assert set(contract.schedule.refs(WORD)) == gates

    def waited(complete: set[Ref]) -> set[tuple[str, str]]:
        assert record is not None
        found = silent(contract, record, town.at.storage.deposits(town.digest), complete)
        return {(one.party, one.for_what) for one in found}

    def of(schedule: Schedule, *until: str) -> set[Ref]:
        kept = [one for one in schedule.expected if not one.local]
        return {one.ref for one in kept if one.ref.kind not in {WORD, kinds.SHARES, kinds.SEALED, kinds.RELEASE, *until}}

    before = of(contract.schedule, kinds.AUDIT)
    assert waited(before) == {(name, "audit:audit0") for name in (DESK, OTHER)}
    assert phase_of(contract, JobState.RUNNING, before) == Phase.COMPUTE
    audited = of(contract.schedule)
    assert waited(audited) == {(name, WORD) for name in (DESK, OTHER)}
    assert phase_of(contract, JobState.RUNNING, audited) == Phase.CHECK
    assert waited(audited | gates) == {(name, "shares") for name in (DESK, OTHER)}

    def action(complete: set[Ref]) -> Action | None:
        assert record is not None
        return due(DriverView(record, contract, (), frozenset(complete), town.clock.now()))

    assert action(audited | gates) is None
    assert action({*audited, *gates, *contract.schedule.refs(kinds.SHARES)}) == Action.ADD

    assert town.put(Ref(WORD, OTHER, DESK), [b"go on"]).complete
    with pytest.raises(Refused, match="over its limit"):
        town.put(Ref(WORD, DESK, OTHER), [bytes(512 * 1024)] * 3)
    with pytest.raises(Broken, match="no message of"):
        town.put(Ref(WORD, OTHER, DESK, OTHER), [b"go on"])


def test_a_row_that_is_not_in_the_table_is_taken_from_nobody(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.running()
    with pytest.raises(Broken, match="no message of"):
        town.put(Ref(WORD, OTHER, DESK), [b"go on"])


@pytest.mark.usefixtures("_one_more_row")
def test_one_more_row_stands_in_the_documents() -> None:
    added: list[Any] = [line for line in protocol().splitlines() if line.startswith(f"| `{WORD}` ")]
    assert added == [f"| `{WORD}` | each data agency → each other data agency | every `audit` | 1 MiB | a toy |"]
