"""Small statistical jobs for the bus: two or more agencies with tokens and columns, and what they should open."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tallystick.crypto import paillier, signing
from tallystick.crypto.machine import Message, advance
from tallystick.crypto.randomness import SeededRandomness, SystemRandomness
from tallystick.crypto.statistic import agency, desk, states
from tallystick.crypto.statistic import messages as kinds
from tallystick.crypto.statistic.computation import CellTerms, Computation
from tallystick.crypto.statistic.desk import DeskSetup
from tallystick.crypto.statistic.states import AgencySetup
from tallystick.crypto.tags import TokenColumn
from tallystick.crypto.workers import SerialWorkers
from tests.passes import ladder_of
from tests.protocol.bus import Bus, Tamper

JOB = bytes(range(32))
_generate = paillier.generate


@functools.cache
def paillier_key() -> paillier.PrivateKey:
    """Give one key for a whole test run: making one takes seconds, and nothing here depends on its freshness."""
    return _generate()


@functools.cache
def identity(name: str) -> bytes:
    """Give a party's identity key, the same in one run."""
    return SeededRandomness(b"identity " + name.encode()).take(32)


def token_column(tokens: Sequence[str | None]) -> TokenColumn:
    """Give tokens of people as the protocol takes them; None is missing."""
    encoded = [(token or "").encode() for token in tokens]
    offsets = np.concatenate([[0], np.cumsum([len(token) for token in encoded])]).astype(np.int64)
    return TokenColumn(b"".join(encoded), offsets, np.array([token is not None for token in tokens], dtype=np.bool_))


@dataclass(frozen=True)
class Side:
    """One agency: a token per pass for each person, and its columns over people."""

    tokens: Mapping[str, Sequence[str | None]]
    columns: npt.NDArray[np.int64]

    @property
    def people(self) -> int:
        """How many people."""
        return int(self.columns.shape[1])


def setups(
    sides: Mapping[str, Side], computation: Computation, *, desk: str, decoys: int = 4, attempt: int = 1
) -> dict[str, AgencySetup]:
    """Give every agency's setup; agencies outside the computation bring no columns."""
    return {name: _setup(name, side, tuple(sorted(sides)), computation, desk, decoys, attempt) for name, side in sides.items()}


def desk_setup(sides: Mapping[str, Side], computation: Computation, *, desk: str, attempt: int = 1) -> DeskSetup:
    """Give the desk's setup."""
    keys = {name: signing.public_of(identity(name)) for name in sides}
    return DeskSetup(desk, tuple(sorted(sides)), JOB, attempt, keys, computation, SystemRandomness())


def all_pairs(left: str, right: str, sides: Mapping[str, Side], bound: int) -> Computation:
    """Give a computation of every product of a column of one and a column of the other, one cell each."""
    names = tuple(sorted(sides))
    counts = tuple(sides[name].columns.shape[0] for name in names)
    places = names.index(left), names.index(right)
    terms = tuple(
        tuple(sorted(((places[0], i), (places[1], j)))) for i in range(counts[places[0]]) for j in range(counts[places[1]])
    )
    return Computation(names, counts, terms, tuple(CellTerms(((1, term),), bound) for term in range(len(terms))))


def column_pairs(computation: Computation, left: str, right: str) -> list[tuple[int, int]]:
    """Give, for each term of two agencies, the column of one and that of the other."""
    places = computation.agencies.index(left), computation.agencies.index(right)
    return [(dict(term)[places[0]], dict(term)[places[1]]) for term in computation.terms]


def _setup(
    name: str, side: Side, agencies: tuple[str, ...], computation: Computation, desk: str, decoys: int, attempt: int
) -> AgencySetup:
    def columns(slots: npt.NDArray[np.int64], table_size: int) -> npt.NDArray[np.int64]:
        laid = np.zeros((side.columns.shape[0], table_size), dtype=np.int64)
        laid[:, slots] = side.columns
        return laid

    return AgencySetup(
        me=name, agencies=agencies, desk=desk, job=JOB, attempt=attempt,
        passes={key: token_column(tokens) for key, tokens in side.tokens.items()}, ladder=ladder_of(list(side.tokens)),
        people=side.people, decoys=decoys, most_rows=dict.fromkeys(agencies, kinds.MAX_ROWS),
        coin_key=identity(name + " coins"), columns=columns,
        own=(0,) * len(computation.cells), computation=computation,
        sign=functools.partial(signing.sign, identity(name)),
        randomness=SystemRandomness(), workers=SerialWorkers(), tell=lambda *_: None,
    )  # fmt: skip


def sides_of_two() -> dict[str, Side]:
    """Two agencies, two passes, five people each, three of them shared."""
    columns = np.array([[1, 1, 1, 1, 1], [3, -7, 11, 0, 5]], dtype=np.int64)
    return {
        "housing": Side({"strict": ["a", "b", None, "d", "e"], "loose": ["A", "B", "C", "D", "E"]}, columns),
        "labor": Side({"strict": ["b", "x", None, None, "a"], "loose": ["B", "X", "C", "Y", "A"]}, columns[:, ::-1]),
    }


def run_of(
    sides: Mapping[str, Side], computation: Computation, *, desk_name: str, tamper: Tamper | None = None
) -> tuple[Bus, desk.Opened]:
    """Run a job and give the bus with what was opened."""
    bus = Bus(setups(sides, computation, desk=desk_name), desk_setup(sides, computation, desk=desk_name))
    if tamper is not None:
        bus.tamper = tamper
    return bus, bus.run()


def run_until_slots(bus: Bus) -> None:
    """Let the agencies go on until each waits for its slots."""
    for name, setup in bus.setups.items():
        bus._take(name, agency.begin(setup))
    moved = True
    while moved:
        moved = False
        for name in bus.setups:
            state = bus.states[name]
            for ref in state.awaits:
                if ref in bus.transcript and not isinstance(state, states.Matching):
                    bus._take(name, advance(agency.TABLE, state, Message(ref, iter(bus.transcript[ref]))))
                    moved = True
                    break
    assert bus._coordinate()
