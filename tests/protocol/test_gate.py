"""Jobs with a gate, whole, in memory: what opens is exact, what is small opens for nobody, and messages do not tell which it was."""

from __future__ import annotations

from collections import Counter

import pytest

from tallystick.crypto import paillier
from tallystick.crypto.errors import LocalFault
from tallystick.crypto.machine import Ref
from tallystick.crypto.statistic import messages as kinds
from tallystick.crypto.statistic.gate import Fate
from tallystick.crypto.statistic.gate_machine import Asking
from tests.protocol.bus import Bus
from tests.protocol.cases import paillier_key
from tests.protocol.gates import Complement, K, Levels, all_or_nothing, bus_of, hide_groups, hide_small, later_units

ROUNDS = {kinds.GATE, kinds.PATTERN}


@pytest.fixture(autouse=True)
def _one_paillier_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paillier, "generate", paillier_key)


@pytest.mark.parametrize("agencies", [2, 3, pytest.param(4, marks=pytest.mark.slow), 5])
def test_s19_what_is_not_small_opens_exactly_and_what_is_small_does_not(agencies: int) -> None:
    levels = Levels((0, 1, K - 1, K, 30), agencies)
    opened = bus_of(levels, hide_small(levels), desk=levels.names[-1], decoys=2 if agencies == 2 else 0).run()
    clear = levels.clear()
    assert set(opened.hidden) == {1, 2, 6, 7}
    assert opened.values == tuple(0 if cell in opened.hidden else value for cell, value in enumerate(clear))
    assert opened.values[9] == sum(levels.values[-30:])


def test_s19_zero_is_small_where_the_rule_says_so() -> None:
    levels = Levels((0, K - 1, K))
    opened = bus_of(levels, hide_small(levels, from_zero=True)).run()
    assert set(opened.hidden) == {0, 1, 3, 4}
    assert opened.values[2] == K


def test_a_job_without_a_gate_has_none_of_its_messages_and_opens_everything() -> None:
    levels = Levels((1, K))
    bus = bus_of(levels, None)
    assert bus.run().values == levels.clear()
    assert not any(ref.kind in ROUNDS or ref.about.startswith("gate") for ref in bus.transcript)


@pytest.mark.parametrize(
    ("sizes", "groups", "hidden"),
    [
        ((K, K, K, K), ((0, 1, 2, 3),), set()),
        ((K, 1, 3 * K, K), ((0, 1, 2, 3),), {0, 1, 2, 3}),  # 1 + 11 are few together, so the whole group goes
        ((3 * K, 1, K, K), ((0, 1, 2, 3),), {0, 1}),  # with 33 they are not
        ((K, K, 5, 3 * K), ((0, 1), (2, 3)), {2, 3}),
    ],
)
def test_s19_later_tests_follow_from_earlier_answers(
    sizes: tuple[int, ...], groups: tuple[tuple[int, ...], ...], hidden: set[int]
) -> None:
    levels = Levels(sizes)
    opened = bus_of(levels, hide_groups(levels, groups)).run()
    assert set(opened.hidden) == {cell + shift for cell in hidden for shift in (0, len(sizes))}
    assert set(opened.hidden.values()) <= {Fate.HIDDEN}


def test_s19_what_an_agency_knows_to_be_too_few_is_neither_tested_nor_opened() -> None:
    levels = Levels((K, K - 1, 3 * K, K))
    gate = hide_groups(levels, ((0, 1), (2, 3)))
    opened = bus_of(levels, gate).run()
    assert opened.hidden == dict.fromkeys((0, 1, 4, 5), Fate.STRUCK)
    assert isinstance(gate.rule, Complement)
    asked = {
        cell
        for tests in gate.rule.asked
        for test in tests
        if test.owner is None
        for one in test.any_of
        for cell, _ in one.terms
    }
    assert asked == {2, 3}


@pytest.mark.parametrize("agencies", [2, 3])
@pytest.mark.parametrize(
    ("sizes", "hidden"),
    [
        ((K, 0, K, 3 * K, K, 12), set()),
        ((K, 0, K, 3 * K, K, 5), {5}),
        ((K, 0, K, 1, K, 12), {0, 1, 2, 3, 4}),
        ((1, 2, 3, 4, 5, 6), {0, 1, 2, 3, 4, 5}),
    ],
)
def test_s19_one_bit_says_whether_any_count_of_a_table_is_small(
    sizes: tuple[int, ...], hidden: set[int], agencies: int
) -> None:
    """Nobody learns which: the numbers of five counts are multiplied in three steps, and only the product is opened."""
    levels = Levels(sizes, agencies)
    bus = bus_of(levels, all_or_nothing(levels))
    opened = bus.run()
    assert set(opened.hidden) == {cell + shift for cell in hidden for shift in (0, len(sizes))}
    assert all(opened.values[cell] == size for cell, size in enumerate(sizes) if cell not in hidden)
    assert {ref.about for ref in bus.transcript if ref.kind == kinds.GATE} == {f"0.{step}" for step in range(1, 6)}


@pytest.mark.parametrize("agencies", [2, 3])
@pytest.mark.parametrize(
    ("sizes", "hidden"),
    [((K, 0, K, 3 * K, 12, 5), {5}), ((K, 0, 3, 3 * K, 12, K), {0, 1, 2}), ((1, 2, 3, 4, 5, K), {0, 1, 2, 3, 4})],
)
def test_s19_one_bit_a_table_also_in_a_later_stage(sizes: tuple[int, ...], hidden: set[int], agencies: int) -> None:
    """Triples that one table used are not used for the next."""
    levels = Levels(sizes, agencies)
    bus = bus_of(levels, later_units(levels, ((0, 1, 2), (3, 4)), (4, 2)))  # as many as there may be, not as there are
    opened = bus.run()
    assert set(opened.hidden) == {cell + shift for cell in hidden for shift in (0, len(sizes))}
    assert all(opened.values[cell] == size for cell, size in enumerate(sizes) if cell not in hidden)
    assert {ref.about for ref in bus.transcript if ref.kind == kinds.GATE} == {"0.1", "0.2", "1.1", "1.2", "1.3", "1.4"}


@pytest.mark.parametrize("several", [(3,), (2, 2), ()])
def test_s19_a_later_stage_may_not_ask_of_more_numbers_than_was_said(several: tuple[int, ...]) -> None:
    levels = Levels((K, K, K, K, K, K))
    with pytest.raises(LocalFault, match="more of several numbers"):
        bus_of(levels, later_units(levels, ((0, 1, 2), (3, 4)), several)).run()


def sizes_of(bus: Bus) -> Counter[tuple[str, str, str, int]]:
    """Give how long each message of the gate is."""
    return Counter(
        (ref.kind, ref.sender, ref.about, sum(map(len, chunks)))
        for ref, chunks in bus.transcript.items()
        if ref.kind in {*ROUNDS, kinds.SHARES} or ref.about.startswith("gate")
    )


def test_s08_messages_are_as_long_whatever_the_tests_found() -> None:
    """So the coordinator, which sees lengths, does not learn how many cells are small."""
    found = []
    for sizes in ((K, K, K, K), (1, 2, 3, 3 * K + 5), (10, 10, 12, 12)):
        levels = Levels(sizes)
        assert levels.people == 4 * K
        bus = bus_of(levels, hide_groups(levels, ((0, 1), (2, 3))))
        bus.run()
        found.append(sizes_of(bus))
    assert found[0] == found[1] == found[2]
    assert {key[2] for key in found[0] if key[0] == kinds.GATE} == {f"{stage}.{step}" for stage in range(3) for step in (1, 2)}


def test_states_of_the_gate_do_not_print_what_they_hold() -> None:
    levels = Levels((K, 5))
    bus = bus_of(levels, hide_small(levels))
    seen: list[str] = []

    def note(ref: Ref, chunks: list[bytes]) -> list[bytes]:
        seen.extend(str(state) for state in bus.states.values() if isinstance(state, Asking))
        return chunks

    bus.tamper = note
    bus.run()
    assert seen
    for text in seen:
        for secret in ("shares=", "powers=", "own=", "pads=", "opened=", "pair_keys="):
            assert secret not in text
