"""S-19, S-41: a direct job: neither the desk nor the coordinator can open anything, and who changes what is handed on is found.

Courts and housing have 44 people in four levels: 12, 3, 9 and 20. The desk is schools, which brings no data, or courts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import pytest

from tallystick.crypto import paillier, signing
from tallystick.crypto.errors import PeerFault
from tallystick.crypto.statistic import messages as kinds
from tallystick.crypto.statistic.collected import check_collected, check_opening, open_directly
from tallystick.crypto.statistic.gate import Fate
from tallystick.crypto.statistic.shares import read_shares
from tests.protocol.bus import Bus
from tests.protocol.cases import JOB, identity, paillier_key
from tests.protocol.gates import Levels, bus_of, hide_small

SIZES: Final = (12, 3, 9, 20)
LEVELS: Final = Levels(SIZES)
OPENED: Final = (SIZES[0], 0, 0, SIZES[3], LEVELS.clear()[4], 0, 0, LEVELS.clear()[7])
KEYS: Final = {name: signing.public_of(identity(name)) for name in ("courts", "housing")}


@pytest.fixture(scope="module")
def analyst() -> paillier.PrivateKey:
    return paillier.generate()


def direct(key: paillier.PrivateKey, desk: str = "schools", attempt: int = 1) -> Bus:
    bus = bus_of(LEVELS, hide_small(LEVELS), desk=desk)
    modulus = key.public.modulus_bytes
    bus.setups = {name: replace(setup, recipient=modulus, attempt=attempt) for name, setup in bus.setups.items()}
    bus.desk_setup = replace(bus.desk_setup, recipient=modulus, attempt=attempt)
    return bus


@pytest.fixture(scope="module")
def bus(analyst: paillier.PrivateKey) -> Bus:
    made = direct(analyst)
    made.hand_on()
    return made


def opened_by(key: paillier.PrivateKey, bus: Bus, documents: Mapping[str, bytes]) -> tuple[tuple[int, ...], Mapping[int, Fate]]:
    computation = bus.desk_setup.computation
    collected = check_collected(computation, documents, keys=KEYS, job=JOB, attempt=1, public=key.public)
    made = open_directly(computation, collected, key)
    assert check_opening(computation, collected, key.public, list(made.plaintexts), list(made.roots)) == (
        made.values,
        made.hidden,
    )
    return made.values, made.hidden


@pytest.mark.parametrize("desk", ["schools", "courts"])
def test_s19_the_analyst_opens_what_passed_and_the_desk_has_no_key(analyst: paillier.PrivateKey, desk: str) -> None:
    bus = direct(analyst, desk)
    values, hidden = opened_by(analyst, bus, bus.hand_on().documents)
    assert values == OPENED
    assert sorted(hidden) == [1, 2, 5, 6]
    assert not any(hasattr(state, "private") for state in bus.states.values())


def test_s41_sealed_shares_go_to_the_desk_alone_and_the_coordinator_sends_no_report(bus: Bus) -> None:
    """So the analyst and the coordinator together have the shares of no attempt that the desk did not hand on."""
    to_coordinator = {ref.kind for ref in bus.transcript if ref.receiver == kinds.COORDINATOR}
    assert {ref.receiver for ref in bus.transcript if ref.kind == kinds.SHARES} == {"schools"}
    assert to_coordinator == {kinds.TAGS}
    assert not any(ref.kind in {kinds.REPORT, kinds.SEALED} for ref in bus.transcript)


def test_s41_a_desk_that_names_another_key_gets_no_share(analyst: paillier.PrivateKey) -> None:
    bus = direct(analyst)
    own = paillier_key().public.modulus_bytes
    bus.tamper = lambda ref, chunks: [own] if ref.kind == kinds.RECIPIENT else chunks
    with pytest.raises(PeerFault) as caught:
        bus.hand_on()
    assert (caught.value.rule, caught.value.sender) == ("recipient-differs", "schools")
    assert not any(ref.kind == kinds.SHARES for ref in bus.transcript)


def test_s41_shares_of_two_attempts_are_no_result(analyst: paillier.PrivateKey, bus: Bus) -> None:
    again = direct(analyst, attempt=2)
    documents = {"housing": bus.states["desk"].documents["housing"], "courts": again.hand_on().documents["courts"]}
    with pytest.raises(PeerFault) as caught:
        opened_by(analyst, bus, documents)
    assert (caught.value.rule, caught.value.sender) == ("shares-transplanted", "courts")


def _flip(document: bytes) -> bytes:
    return document[:1000] + bytes([document[1000] ^ 1]) + document[1001:]


CHANGES: Final[dict[str, Callable[[Mapping[str, bytes]], dict[str, bytes]]]] = {
    "a bit of a ciphertext": lambda documents: {**documents, "courts": _flip(documents["courts"])},
    "the other's document": lambda documents: {**documents, "courts": documents["housing"]},
    "nothing": lambda documents: {**documents, "courts": b""},
}


@pytest.mark.parametrize("change", CHANGES)
def test_s19_what_a_desk_changes_is_refused(analyst: paillier.PrivateKey, bus: Bus, change: str) -> None:
    with pytest.raises(PeerFault) as caught:
        opened_by(analyst, bus, CHANGES[change](bus.states["desk"].documents))
    assert caught.value.sender == "courts"


def test_s19_one_agencys_shares_alone_are_uniform_to_the_analyst(analyst: paillier.PrivateKey, bus: Bus) -> None:
    """Decrypted by itself a document gives numbers under shares of zero: of a small count neither 0 nor the count."""
    computation = bus.desk_setup.computation
    collected = check_collected(computation, bus.states["desk"].documents, keys=KEYS, job=JOB, attempt=1, public=analyst.public)
    for agency, document in bus.states["desk"].documents.items():
        shares, _ = read_shares(document, sender=agency)
        numbers = collected.packing.unpack(paillier.decrypt_ciphertexts(analyst, list(shares.ciphertexts)))
        assert len(set(numbers)) == len(numbers)
        assert not {*SIZES, 0} & set(numbers)


def test_s19_an_analyst_who_says_that_other_numbers_opened_is_found(analyst: paillier.PrivateKey, bus: Bus) -> None:
    computation = bus.desk_setup.computation
    collected = check_collected(computation, bus.states["desk"].documents, keys=KEYS, job=JOB, attempt=1, public=analyst.public)
    made = open_directly(computation, collected, analyst)
    for plaintexts, roots in (
        ([made.plaintexts[0] + 1, *made.plaintexts[1:]], list(made.roots)),
        (list(made.plaintexts), [made.roots[0] + 1, *made.roots[1:]]),
        (list(made.plaintexts)[:-1], list(made.roots)[:-1]),
        ([-1, *made.plaintexts[1:]], list(made.roots)),
        (list(made.plaintexts), [0, *made.roots[1:]]),
    ):
        with pytest.raises(PeerFault) as caught:
            check_opening(computation, collected, analyst.public, plaintexts, roots)
        assert caught.value.rule == "opening-differs"
