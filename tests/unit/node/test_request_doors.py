"""A coordinator that shows another key than a node announced gets no letter to read (S-30)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tallystick.core.consent.asking import DOOR_SECONDS, LetterDoor
from tallystick.core.consent.doors import read_door
from tallystick.core.consent.letters import seal_letter
from tallystick.core.documents import sign_document
from tallystick.core.errors import Broken, Refused
from tallystick.node.requests.doors import Doors
from tests.consents import asking_agreement
from tests.governance import NOW, identity, sealing_key, stamp

TERMS = asking_agreement()


def door(signer: str = "housing", **changes: Any) -> bytes:
    value = {"agency": "housing", "key": sealing_key("door").public.hex(), "until": stamp(NOW + timedelta(minutes=30))}
    return sign_document("door", LetterDoor.read(value | changes, what="door"), "housing", identity(signer)).encode()


def test_a_door_that_its_agency_announced_is_believed() -> None:
    assert read_door(door(), "housing", TERMS, NOW) == sealing_key("door").public


@pytest.mark.parametrize(
    ("data", "agency"),
    [
        (door("mallory"), "housing"),
        (door(), "labor"),
        (door(agency="labor"), "housing"),
        (door(until=stamp(NOW)), "housing"),
        (door(until=stamp(NOW + timedelta(days=30))), "housing"),
    ],
)
def test_s30_any_other_is_not(data: bytes, agency: str) -> None:
    with pytest.raises(Refused):
        read_door(data, agency, TERMS, NOW)


def test_doors_are_changed_and_old_ones_stay_open_for_their_time() -> None:
    doors = Doors("housing", identity("housing"))
    first = read_door(doors.announce(NOW), "housing", TERMS, NOW)
    assert read_door(doors.announce(NOW + timedelta(minutes=10)), "housing", TERMS, NOW) == first
    letter = seal_letter(first, (b"request",))
    later = NOW + timedelta(minutes=40)
    second = read_door(doors.announce(later), "housing", TERMS, later)
    assert second != first
    assert list(doors.open(letter)) == [b"request"]
    doors.announce(NOW + timedelta(seconds=DOOR_SECONDS))
    with pytest.raises(Broken):
        doors.open(letter)
    assert list(doors.open(seal_letter(second, (b"request",)))) == [b"request"]
