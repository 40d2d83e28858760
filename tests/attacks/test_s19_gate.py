"""S-19: who lies in the gate, or in what opens, opens nothing small; and the two lies that a gate without MACs does not stop, as they are.

Courts and housing have 44 people in four levels: 12, 3, 9 and 20. Housing lies. The desk is courts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pytest

from tallystick.crypto import paillier, powers
from tallystick.crypto.errors import LocalFault, PeerFault
from tallystick.crypto.machine import Ref
from tallystick.crypto.modulus import modulus
from tallystick.crypto.powers import Int64s, P
from tallystick.crypto.statistic import collected, gate_machine, opening, preparing
from tallystick.crypto.statistic import messages as kinds
from tallystick.crypto.statistic.computation import Computation, cell_shares
from tallystick.crypto.statistic.gate import MAX_TESTS, Fate, Gate, GatedCount
from tallystick.crypto.statistic.gating import Gating, list_sealed_moduli
from tallystick.crypto.statistic.sealing import seal_numbers
from tests.protocol.bus import Bus
from tests.protocol.cases import paillier_key
from tests.protocol.gates import Complement, HideSmall, K, Levels, bus_of, hide_small

SIZES: Final = (12, 3, 9, 20)
LEVELS: Final = Levels(SIZES)
LIAR: Final = "housing"
OPENED: Final = (SIZES[0], 0, 0, SIZES[3], LEVELS.clear()[4], 0, 0, LEVELS.clear()[7])


@pytest.fixture(autouse=True)
def _one_paillier_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paillier, "generate", paillier_key)


def job(gate: Gate | None = None, levels: Levels = LEVELS) -> Bus:
    return bus_of(levels, gate or hide_small(levels), desk="courts")


@pytest.fixture
def sums(monkeypatch: pytest.MonkeyPatch) -> list[list[list[int]]]:
    """What the desk decrypts of each cell, kept where its machine would only check it."""
    kept: list[list[list[int]]] = []
    real = opening.open_sealed

    def noted(computation: Computation, people: int, fates: Sequence[Fate], numbers: Sequence[int]) -> Any:
        rest = iter(numbers)
        kept.append([[next(rest) % one for one in moduli] for moduli in list_sealed_moduli(computation, people)])
        return real(computation, people, fates, numbers)

    monkeypatch.setattr(collected, "open_sealed", noted)
    return kept


def lie(monkeypatch: pytest.MonkeyPatch, method: str, change: Callable[[Gating, Any], Any]) -> None:
    """Let the liar's machine change what a method of `Gating` gives."""
    real = getattr(Gating, method)

    def lying(self: Gating, *arguments: Any) -> Any:
        made = real(self, *arguments)
        return change(self, made) if self.preparation.me == LIAR else made

    monkeypatch.setattr(Gating, method, lying)


def shifted(by: int) -> Callable[[Gating, Int64s], Int64s]:
    return lambda _, shares: (shares + by) % P


def counts_from(cell: list[int]) -> int:
    z, t = cell
    return t * pow(z, -1, P) % P


def test_s19_the_desk_decrypts_nothing_where_a_cell_is_small(sums: list[list[list[int]]]) -> None:
    assert job().run().values == OPENED
    [cells] = sums
    assert [any(numbers) for numbers in cells] == [True, False, False, True] * 2
    assert [counts_from(cells[at]) for at in (0, 3)] == [12, 20]


def test_s19_a_desk_that_opens_a_cell_whose_pattern_says_so_finds_zeros(
    monkeypatch: pytest.MonkeyPatch, sums: list[list[list[int]]]
) -> None:
    """A rule that opens everything, in every party's hands: z and t of a small count are 0, and its sum is under a pad that nobody has."""
    monkeypatch.setattr(HideSmall, "opened", property(lambda self: (Fate.OPENED,) * self.cells))
    monkeypatch.setattr(Gating, "fates", lambda self: self.rule.opened)
    with pytest.raises(PeerFault) as caught:
        job().run()
    assert caught.value.rule == "gate-contradicts"
    [cells] = sums
    clear = LEVELS.clear()
    for at in (1, 2):
        assert cells[at] == [0, 0]
        masked, *limbs = cells[len(SIZES) + at]
        assert not any(limbs)
        assert masked != clear[len(SIZES) + at] % modulus(2)


def test_s19_who_lies_about_the_bits_opens_nothing(monkeypatch: pytest.MonkeyPatch, sums: list[list[list[int]]]) -> None:
    """Every test then says that its count is not small. What is sealed knows nothing of that."""
    lie(monkeypatch, "factors", lambda _, made: tuple(((one + 5) % P,) for (one,) in made))
    with pytest.raises(PeerFault) as caught:
        job().run()
    assert (caught.value.rule, caught.value.sender) == ("gate-contradicts", "the agencies")
    assert [sums[0][at] for at in (1, 2)] == [[0, 0], [0, 0]]


def test_s19_who_seals_what_fits_the_lie_opens_a_number_of_its_own(
    monkeypatch: pytest.MonkeyPatch, sums: list[list[list[int]]]
) -> None:
    lie(monkeypatch, "factors", lambda _, made: tuple(((one + 5) % P,) for (one,) in made))

    def sealed(_: Gating, cells: list[list[int]]) -> list[list[int]]:
        return [[(one + 5) % P for one in numbers] if len(numbers) == 2 else numbers for numbers in cells]

    lie(monkeypatch, "seal", sealed)
    for sizes in (SIZES, (12, 9, 3, 20)):
        with pytest.raises(PeerFault) as caught:  # 5/5 = 1 is small
            job(levels=Levels(sizes)).run()
        assert caught.value.rule == "gate-contradicts"
    assert [[cells[at] for at in (1, 2)] for cells in sums] == [[[5, 5], [5, 5]]] * 2  # whatever the counts are


def opens_all(gating: Gating, _: Sequence[Fate]) -> tuple[Fate, ...]:
    return (Fate.OPENED,) * len(gating.computation.cells)


def test_s19_who_lies_in_the_pattern_ends_the_job_before_anything_is_sealed(monkeypatch: pytest.MonkeyPatch) -> None:
    lie(monkeypatch, "fates", opens_all)
    bus = job()
    with pytest.raises(PeerFault) as caught:
        bus.run()
    assert caught.value.rule == "pattern-differs"
    assert not any(ref.kind == kinds.SHARES for ref in bus.transcript)


def test_s19_who_seals_by_another_pattern_than_it_said_opens_nothing(
    monkeypatch: pytest.MonkeyPatch, sums: list[list[list[int]]]
) -> None:
    """It agrees, signs the others' pattern, and seals its shares of z and t of small cells. The other sealed zeros."""

    def sealed(gating: Gating, cells: list[list[int]]) -> list[list[int]]:
        small = [count for count in gating.gate.counts if count.cell in (1, 2)]
        made = replace(gating, passed=gating.passed | {1, 2})._seal_gated(small)
        return [made.get(cell, numbers) for cell, numbers in enumerate(cells)]

    lie(monkeypatch, "seal", sealed)
    with pytest.raises(PeerFault) as caught:
        job().run()
    assert caught.value.rule == "gate-contradicts"
    assert [counts_from(sums[0][at]) for at in (1, 2)] != [3, 9]
    assert all(all(sums[0][at]) for at in (1, 2))


@pytest.mark.parametrize("said", [bytes(8), b"", bytes([7]) * 8])
def test_s19_the_desk_refuses_patterns_that_agencies_did_not_sign_alike(monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    def sealing(setup: Any, *rest: Any) -> Any:
        made = seal_numbers(setup, *rest)
        return replace(made, pattern=said) if setup.me == LIAR else made

    monkeypatch.setattr(gate_machine, "seal_numbers", sealing)
    with pytest.raises(PeerFault) as caught:
        job().run()
    assert caught.value.rule in {"pattern-differs", "pattern-malformed"}


GARBAGE: Final[dict[str, Callable[[bytes], bytes]]] = {
    "cut off": lambda chunk: chunk[:-1],
    "longer": lambda chunk: chunk + b"\0\0\0\0",
    "nothing": lambda _: b"",
    "no residues": lambda chunk: b"\xff" * len(chunk),
}


@pytest.mark.parametrize("how", GARBAGE)
def test_s19_garbage_in_a_test_names_who_sent_it(how: str) -> None:
    with pytest.raises(PeerFault) as caught:
        kinds.read_gate(GARBAGE[how](kinds.gate_payload(np.arange(4), 6)), 4, 6, sender=LIAR)
    assert (caught.value.rule, caught.value.sender) == ("gate-malformed", LIAR)


@pytest.mark.parametrize("about", ["0.1", "0.2"])
def test_s19_garbage_in_a_test_ends_the_job(about: str) -> None:
    bus = job()
    bus.tamper = lambda ref, chunks: (
        [b"\xff" * len(chunks[0])] if (ref.kind, ref.sender, ref.about) == ("gate", LIAR, about) else chunks
    )
    with pytest.raises(PeerFault, match="housing"):
        bus.run()


@pytest.mark.parametrize("about", ["0.1", "0.2"])
def test_s19_who_tells_two_agencies_two_things_ends_the_job(about: str) -> None:
    levels = Levels(SIZES, 3)
    bus = bus_of(levels, hide_small(levels), desk="courts")

    def tamper(ref: Ref, chunks: list[bytes]) -> list[bytes]:
        if (ref.kind, ref.sender, ref.receiver, ref.about) != ("gate", LIAR, "labor", about):
            return chunks
        shares = (np.frombuffer(chunks[0], dtype="<u4").astype(np.int64) + 1) % P
        return [shares.astype("<u4").tobytes()]

    bus.tamper = tamper
    with pytest.raises(PeerFault) as caught:
        bus.run()
    assert (caught.value.rule, caught.value.sender) == ("pattern-differs", "the agencies")
    assert not any(ref.kind == kinds.SHARES for ref in bus.transcript)


@pytest.mark.parametrize("at", [0, 1])
def test_s19_powers_with_a_number_added_open_nothing_small(
    monkeypatch: pytest.MonkeyPatch, sums: list[list[list[int]]], at: int
) -> None:
    """Both add 5 to their shares. Who knows what was added knows what comes out in a small count's place, whatever the count is."""

    def read(batch: powers.Batch, slots: Int64s) -> powers.Powers:
        made = powers.read_powers(batch, slots)
        made.plain[:, at] = (made.plain[:, at] + 5) % P
        return made

    monkeypatch.setattr(preparing, "read_powers", read)
    with pytest.raises(PeerFault):
        job().run()
    assert all(counts_from(sums[0][cell]) not in (3, 9) for cell in (1, 2))


# what a gate without MACs does not stop: an agency that lies from the start, and reads what is opened or is told


def test_limit_who_brings_another_share_of_a_count_opens_that_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """It adds 30 to its share, so 33 and 39 are tested and opened. SECURITY.md says so."""

    def brought(computation: Computation, people: int, terms: Sequence[int], own: Sequence[int], zeros: Sequence[int]) -> Any:
        shares = cell_shares(computation, people, terms, own, zeros)
        return [share + 30 if cell in (1, 2) else share for cell, share in enumerate(shares)] if own[0] else shares

    monkeypatch.setattr(gate_machine, "cell_shares", brought)
    bus = job()
    bus.setups = {name: replace(one, own=(int(name == LIAR), *one.own[1:])) for name, one in bus.setups.items()}
    assert bus.run().values[1:3] == (33, 39)


def test_limit_powers_that_are_none_turn_the_gate_round_and_an_honest_desk_refuses(
    monkeypatch: pytest.MonkeyPatch, sums: list[list[list[int]]]
) -> None:
    """Values of x·u(x) in place of u(x): then t/z is c for a small count alone. A desk in league would read it."""
    real = powers.own_powers

    def own(batch: powers.Batch, mine: powers.OwnMasks) -> powers.Powers:
        made = real(batch, mine)
        plain = np.roll(made.plain, 1, axis=1)
        plain[:, 0] = 0
        return powers.Powers(plain, made.padded)

    def column(batch: powers.Batch, mine: powers.OwnMasks) -> Int64s:
        monkeypatch.setattr(powers, "own_powers", own)
        try:
            return powers_column(batch, mine)
        finally:
            monkeypatch.setattr(powers, "own_powers", real)

    powers_column = powers.column_to_encrypt
    monkeypatch.setattr(preparing, "column_to_encrypt", column)  # of two agencies the second by name encrypts, and it alone
    with pytest.raises(PeerFault) as caught:
        job().run()
    assert caught.value.rule == "gate-contradicts"
    assert [counts_from(sums[0][at]) for at in (1, 2)] == [3, 9]
    assert [counts_from(sums[0][at]) for at in (0, 3)] != [12, 20]


def test_limit_who_shifts_a_masked_count_learns_one_bit_of_its_own_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    """It adds 7, so that the test says whether a count is at most 3."""
    found: list[frozenset[int]] = []
    lie(monkeypatch, "mask", shifted(7))
    real = Gating.fates

    def fates(self: Gating) -> tuple[Fate, ...]:
        found.append(self.passed)
        return real(self)

    monkeypatch.setattr(Gating, "fates", fates)
    job().run()
    assert set(found) == {frozenset({0, 2, 3})}


# a rule that asks for what was not foreseen is a fault of our own


def faulty(**changes: Any) -> Gate:
    counts = LEVELS.counts()
    return Gate(counts, replace(HideSmall(2 * len(SIZES), counts), **changes), 1)


def test_s19_a_rule_may_not_test_a_count_by_other_values_or_open_it_untested(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = LEVELS.counts()
    other = (replace(counts[0], below=2), *counts[1:])
    with pytest.raises(LocalFault, match="other small values"):
        job(faulty(counts=other)).run()
    with pytest.raises(LocalFault, match="opens a cell whose count"):
        job(faulty(counts=counts[1:])).run()
    monkeypatch.setattr(HideSmall, "opened", property(lambda self: (Fate.OPENED,) * self.cells))
    with pytest.raises(LocalFault, match="opens a cell whose count"):
        job().run()


def test_a_gate_that_gates_a_cell_twice_or_nothing_is_refused() -> None:
    rule = HideSmall(2, ())
    for counts in ((GatedCount(0, K), GatedCount(0, K)), (GatedCount(0, K, resting=(0,)),), (), (GatedCount(0, 5000),)):
        with pytest.raises(LocalFault):
            Gate(counts, rule, 1)
    for stages, tests, sums in ((0, 0, ()), (100, 0, ()), (1, MAX_TESTS + 1, ()), (1, 0, (5000,))):
        with pytest.raises(LocalFault):
            Gate((GatedCount(0, K),), rule, stages, tests, sums)
    with pytest.raises(LocalFault):
        LEVELS.computation(Gate((GatedCount(99, K),), rule, 1))
    with pytest.raises(LocalFault):
        LEVELS.computation(Gate((GatedCount(5, K),), rule, 1)).gate_plan(44)  # a sum of two primes


@pytest.mark.parametrize("bounds", [(2, 4, (22, 22)), (3, 3, (22, 22)), (3, 4, (22,)), (3, 4, (22, 21))])
def test_s19_a_rule_may_not_test_more_than_it_said(bounds: tuple[int, int, tuple[int, ...]]) -> None:
    levels = Levels((12, 10, 9, 20))  # four counts in the second stage, two sums of 22 small values in the third
    counts = levels.counts()
    with pytest.raises(LocalFault) as caught:
        job(Gate(counts, Complement(2 * len(SIZES), counts, ((0, 1), (2, 3))), *bounds), levels).run()
    assert caught.value.rule == "tests-malformed"
