"""S-32: an envelope is bound to its job, attempt, round, sender, receiver, sequence and place; moved anywhere else it is refused."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from tallystick.crypto import signing
from tallystick.crypto.codec import frame
from tallystick.crypto.envelope import Header, SealingKey, open_envelope, seal_envelope
from tallystick.crypto.errors import PeerFault
from tallystick.crypto.randomness import SeededRandomness

NAMES = ("housing", "labor")
IDENTITY = {name: signing.generate(SeededRandomness(name.encode())) for name in NAMES}
PUBLIC = {name: signing.public_of(private) for name, private in IDENTITY.items()}
SEALING = {name: SealingKey.generate(SeededRandomness(b"seal " + name.encode())) for name in NAMES}

HEADERS = [
    Header(job, attempt, round_, sender, receiver, sequence, last)
    for job, attempt, round_, (sender, receiver), sequence, last in product(
        (b"1" * 32, b"2" * 32), (1, 2), ("seed", "points:labor"), (NAMES, NAMES[::-1]), (0, 1), (False, True)
    )
]
RECORDED = {
    header: seal_envelope(header, b"payload", SEALING[header.receiver].public, IDENTITY[header.sender]) for header in HEADERS
}


def test_s32_every_envelope_opens_in_its_own_place() -> None:
    for header, (blob, signature) in RECORDED.items():
        assert open_envelope(header, blob, signature, SEALING[header.receiver], PUBLIC[header.sender]) == b"payload"


def test_s32_all_pairwise_transplants_of_recorded_jobs_are_refused() -> None:
    tried = 0
    for header, (blob, signature) in RECORDED.items():
        for place in HEADERS:
            if place != header:
                tried += 1
                with pytest.raises(PeerFault) as caught:
                    open_envelope(place, blob, signature, SEALING[place.receiver], PUBLIC[place.sender])
                assert caught.value.rule == "signature-invalid"
                assert caught.value.sender == place.sender
    assert tried == len(HEADERS) * (len(HEADERS) - 1)


@pytest.mark.parametrize(
    "change",
    [
        {"job": b"2" * 32},
        {"attempt": 2},
        {"round": "seed:labor"},
        {"round": "points:housing"},
        {"sender": "human-services"},
        {"receiver": "coordinator"},
        {"sequence": 1},
        {"last": True},
    ],
)
def test_s32_a_sender_that_signs_again_cannot_move_what_another_sealed(change: dict[str, Any]) -> None:
    """Even with a fresh and right signature the seal is bound to the header by itself."""
    header = Header(b"1" * 32, 1, "seed", "labor", "housing", 0, False)
    place = replace(header, **change)
    blob, _ = seal_envelope(header, b"payload", SEALING["housing"].public, IDENTITY["labor"])
    digest = hashlib.sha256(blob).digest()
    signature = signing.sign(IDENTITY["labor"], "envelope", frame(place.canonical(), digest))
    with pytest.raises(PeerFault) as caught:
        open_envelope(place, blob, signature, SEALING["housing"], PUBLIC["labor"])
    assert caught.value.rule == "envelope-unopenable"


@pytest.mark.parametrize("context", ["job", "hello", "approval", "agreement", "shares", "result", "envelope ", ""])
def test_s32_a_signature_under_another_context_is_refused(context: str) -> None:
    header = HEADERS[0]
    blob, _ = RECORDED[header]
    message = frame(header.canonical(), hashlib.sha256(blob).digest())
    signature = signing.sign(IDENTITY[header.sender], context, message)
    with pytest.raises(PeerFault) as caught:
        open_envelope(header, blob, signature, SEALING[header.receiver], PUBLIC[header.sender])
    assert caught.value.rule == "signature-invalid"


def test_s32_one_changed_bit_anywhere_is_refused_before_it_is_opened() -> None:
    header = HEADERS[0]
    blob, signature = RECORDED[header]
    for position in range(0, len(blob), 7):
        changed = bytearray(blob)
        changed[position] ^= 1
        with pytest.raises(PeerFault) as caught:
            open_envelope(header, bytes(changed), signature, SEALING[header.receiver], PUBLIC[header.sender])
        assert caught.value.rule == "signature-invalid"


def test_s32_an_envelope_sealed_to_another_key_does_not_open() -> None:
    header = HEADERS[0]
    blob, signature = seal_envelope(header, b"payload", SEALING[header.sender].public, IDENTITY[header.sender])
    with pytest.raises(PeerFault) as caught:
        open_envelope(header, blob, signature, SEALING[header.receiver], PUBLIC[header.sender])
    assert caught.value.rule == "envelope-unopenable"
