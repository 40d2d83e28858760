"""S-19: what every party holds at every moment of a job with a gate is searched for the small cells, as values and as sums of two numbers.

Housing and labor have people in four levels, two of which are small; courts is the desk and brings no data. The coordinator has the messages
alone. Numbers of one party are taken mod the primes of each cell. That two agencies together hold a small count as two shares is so in any
computation on shares; that the search finds it there says that it can find.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pytest

from tallystick.crypto import paillier
from tallystick.crypto.machine import Ref
from tallystick.crypto.modulus import PRIMES, modulus
from tests.protocol.cases import paillier_key
from tests.protocol.gates import Levels, bus_of, hide_small

SIZES: Final = (12, 3, 9, 20)
SMALL: Final = (1, 2)
LEVELS: Final = Levels(SIZES)
DATA: Final = ("courts", "housing")
DESK: Final = "labor"
LEAST: Final = 1 << 16
"""Below it are slots, positions and counts of messages; a share is, once in 16,000 times."""
Numbers = npt.NDArray[np.int64]


def numbers_in(value: Any) -> Iterable[int]:
    """Give every integer that a state holds, however deep; not what lies behind functions, which are the records."""
    if is_dataclass(value) and not isinstance(value, type):
        for one in fields(value):
            if one.name != "setup":
                yield from numbers_in(getattr(value, one.name))
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from numbers_in(part)
    elif isinstance(value, np.ndarray):
        if value.dtype.kind in "iu":
            yield from (int(number) for number in value.ravel())
    elif isinstance(value, (list, tuple, set, frozenset)):
        for part in value:
            yield from numbers_in(part)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield value


class Watch:
    """Runs the job, and looks at all states whenever a message goes."""

    def __init__(self) -> None:
        self.held: dict[str, set[int]] = {name: set() for name in (*DATA, "desk")}
        self.bus = bus_of(LEVELS, hide_small(LEVELS), desk=DESK)
        self.bus.tamper = self._look
        self.opened = self.bus.run()
        self._note()

    def _look(self, _: Ref, chunks: list[bytes]) -> list[bytes]:
        self._note()
        return chunks

    def _note(self) -> None:
        for name, state in self.bus.states.items():
            self.held[name] |= {number for number in numbers_in(state) if number >= LEAST}

    def residues(self, party: str, prime: int) -> Numbers:
        """Give the different numbers of a party, mod a prime."""
        return np.unique(np.array([number % prime for number in self.held[party]], dtype=np.int64))


@pytest.fixture(scope="module", name="watch")
def run_once() -> Watch:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paillier, "generate", paillier_key)
        return Watch()


def find_sum(mine: Numbers, theirs: Numbers, target: int, prime: int) -> int:
    """Count the pairs, one of each side, that add up to a number mod a prime."""
    return int(np.isin((target - mine) % prime, theirs).sum())


def primes_of(watch: Watch, cell: int) -> int:
    """Give by how many primes a cell is shared."""
    return watch.bus.desk_setup.computation.cell_primes(LEVELS.people)[cell]


def test_s19_no_party_holds_a_small_cell_as_a_value(watch: Watch) -> None:
    assert set(watch.opened.hidden) == {*SMALL, *(at + len(SIZES) for at in SMALL)}
    clear = LEVELS.clear()
    for level in SMALL:
        whole = clear[level + len(SIZES)]
        for party, held in watch.held.items():
            every = modulus(primes_of(watch, level + len(SIZES)))
            assert not {abs(whole), whole % every} & held, (party, level)
    shown = clear[len(SIZES) + 3]
    assert {shown, shown % modulus(primes_of(watch, len(SIZES) + 3))} & {*watch.held["desk"], *numbers_in(watch.opened)}


def test_s19_no_party_holds_shares_that_add_up_to_a_small_cell(watch: Watch) -> None:
    """By chance two of n numbers add up to a given one in n²/2³⁰ cases: a few of so many would be chance, so the bound is on that."""
    clear = LEVELS.clear()
    for cell in (*SMALL, *(at + len(SIZES) for at in SMALL)):
        for prime in PRIMES[: primes_of(watch, cell)]:
            for party in watch.held:
                mine = watch.residues(party, prime)
                by_chance = len(mine) ** 2 / prime
                assert find_sum(mine, mine, clear[cell] % prime, prime) <= 4 + 4 * by_chance, (party, cell)
            both = [watch.residues(name, prime) for name in DATA]
            assert find_sum(both[0], both[1], clear[cell] % prime, prime) >= 1, "the shares are there, each at its agency"
