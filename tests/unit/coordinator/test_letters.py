"""The coordinator's boxes for letters: bounded, in memory, and one size alone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tallystick.coordinator import letters
from tallystick.coordinator.letters import KEPT, PostOffice
from tallystick.core.clock import FixedClock
from tallystick.core.consent.letters import LETTER_BYTES, open_answer, open_letter, seal_answer, seal_letter
from tallystick.core.errors import Broken, Invalid, NotReady
from tests.governance import NOW, sealing_key

SEALED = bytes(LETTER_BYTES)
BOX = "agency/labor"


def test_letters_wait_in_their_order_until_they_were_taken() -> None:
    office = PostOffice(FixedClock(NOW))
    office.post([(BOX, SEALED[:-1] + bytes([number])) for number in range(3)])
    office.post([("worker/ann", SEALED)])
    first = office.read(BOX, 2)
    assert [sealed[-1] for _, sealed in first] == [0, 1]
    assert office.read(BOX, 2) == first, "they stay"
    office.take(BOX, [name for name, _ in first] + [b"unknown"])
    assert [sealed[-1] for _, sealed in office.read(BOX, 9)] == [2]
    assert len(office.read("worker/ann", 9)) == 1
    assert office.read("agency/housing", 9) == []


def test_old_letters_are_forgotten() -> None:
    clock = FixedClock(NOW)
    office = PostOffice(clock)
    office.post([(BOX, SEALED)])
    clock.advance(KEPT)
    office.post([(BOX, SEALED)])
    clock.advance(timedelta(seconds=1))
    assert len(office.read(BOX, 9)) == 1


def test_who_listens_is_woken() -> None:
    office = PostOffice(FixedClock(NOW))
    news = office.listen(BOX)
    assert not news.is_set()
    office.post([(BOX, SEALED)])
    assert news.is_set()
    office.read(BOX, 1)
    assert not office.listen(BOX).is_set()


@pytest.mark.parametrize("sealed", [b"", SEALED[:-1], SEALED + b"x"])
def test_s30_a_letter_of_another_size_is_refused_with_all_of_its_call(sealed: bytes) -> None:
    office = PostOffice(FixedClock(NOW))
    with pytest.raises(Invalid):
        office.post([(BOX, SEALED), (BOX, sealed)])
    assert office.read(BOX, 9) == []


def test_boxes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letters, "MOST_IN_BOX", 2)
    monkeypatch.setattr(letters, "MOST_IN_ALL", 3)
    office = PostOffice(FixedClock(NOW))
    office.post([(BOX, SEALED)] * 2)
    for more in ([(BOX, SEALED)], [("worker/ann", SEALED)] * 2):
        with pytest.raises(NotReady):
            office.post(more)
    office.take(BOX, [name for name, _ in office.read(BOX, 1)])
    office.post([("worker/ann", SEALED)] * 2)


def test_a_door_is_the_last_that_was_announced() -> None:
    office = PostOffice(FixedClock(NOW))
    with pytest.raises(NotReady):
        office.find_door("labor")
    office.announce("labor", b"one")
    office.announce("labor", b"two")
    assert office.find_door("labor") == b"two"


def test_s30_every_letter_has_one_size_and_opens_for_its_key_alone() -> None:
    key, other = sealing_key("door"), sealing_key("other")
    sealed = [
        seal_letter(key.public, (b"request", b"x")),
        seal_letter(key.public, (b"request", b"x" * 30_000)),
        seal_answer(key.public, "ab" * 32, b"{}"),
    ]
    assert {len(one) for one in sealed} == {LETTER_BYTES}
    assert list(open_letter(key, sealed[0])) == [b"request", b"x"]
    assert open_answer(key, "ab" * 32, sealed[2]) == b"{}"
    for wrong in (
        lambda: open_letter(other, sealed[0]),
        lambda: open_letter(key, sealed[2]),
        lambda: open_answer(key, "cd" * 32, sealed[2]),
    ):
        with pytest.raises(Broken):
            wrong()
    with pytest.raises(Invalid):
        seal_letter(key.public, (b"x" * 40_000,))
    with pytest.raises(Broken):
        seal_letter(b"no key", (b"x",))
