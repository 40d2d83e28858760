from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import mlkem, x25519

from tallystick.crypto import signing
from tallystick.crypto.codec import frame
from tallystick.crypto.envelope import (
    CHUNK,
    OVERHEAD,
    PRIVATE,
    PUBLIC,
    Header,
    SealingKey,
    check_public_key,
    open_envelope,
    open_with,
    seal_envelope,
    seal_to,
)
from tallystick.crypto.errors import LocalFault, PeerFault
from tallystick.crypto.randomness import SeededRandomness

KEY = SealingKey.generate(SeededRandomness(b"receiver"))
SENDER = signing.generate(SeededRandomness(b"sender"))
SENDER_PUBLIC = signing.public_of(SENDER)
HEADER = Header(job=b"j" * 32, attempt=1, round="points:labor", sender="labor", receiver="housing", sequence=3, last=False)


def test_a_header_is_framed_as_the_protocol_says() -> None:
    expected = frame(b"j" * 32, b"\0\0\0\1", b"points:labor", b"labor", b"housing", b"\0\0\0\3", b"\0")
    assert HEADER.canonical() == expected
    assert replace(HEADER, last=True).canonical() == expected[:-1] + b"\1"


@pytest.mark.parametrize("change", [{"job": b"j" * 31}, {"attempt": -1}, {"sequence": 1 << 32}])
def test_a_header_out_of_range_is_our_own_fault(change: dict[str, object]) -> None:
    with pytest.raises(LocalFault):
        replace(HEADER, **change).canonical()  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize("length", [0, 1, 1000, CHUNK])
def test_what_is_sealed_opens_and_is_as_much_longer_as_stated(length: int) -> None:
    plaintext = SeededRandomness(b"text").take(length)
    blob, signature = seal_envelope(HEADER, plaintext, KEY.public, SENDER)
    assert len(blob) == length + OVERHEAD
    assert len(signature) == signing.SIGNATURE
    assert open_envelope(HEADER, blob, signature, KEY, SENDER_PUBLIC) == plaintext


def test_an_envelope_is_plain_hpke_under_the_stated_info() -> None:
    blob, _ = seal_envelope(HEADER, b"text", KEY.public, SENDER)
    private = KEY.private_bytes()
    key = hpke.MLKEM768X25519PrivateKey(
        mlkem.MLKEM768PrivateKey.from_seed_bytes(private[:64]), x25519.X25519PrivateKey.from_private_bytes(private[64:])
    )
    suite = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
    assert suite.decrypt(blob, key, info=b"tallystick TS1 envelope" + HEADER.canonical()) == b"text"


def test_one_text_sealed_twice_gives_two_blobs() -> None:
    assert seal_envelope(HEADER, b"text", KEY.public, SENDER)[0] != seal_envelope(HEADER, b"text", KEY.public, SENDER)[0]


def test_a_key_survives_its_private_bytes_and_shows_none_of_them() -> None:
    again = SealingKey(KEY.private_bytes())
    assert again.public == KEY.public
    assert (len(KEY.private_bytes()), len(KEY.public)) == (PRIVATE, PUBLIC)
    assert KEY.private_bytes().hex() not in repr(KEY)
    assert repr(KEY.private_bytes())[2:20] not in repr(vars(KEY)["_key"])


@pytest.mark.parametrize("length", [0, PRIVATE - 1, PRIVATE + 1])
def test_private_bytes_of_another_length_are_refused(length: int) -> None:
    with pytest.raises(LocalFault):
        SealingKey(bytes(length))


def test_too_long_a_text_is_not_sealed_and_too_long_a_blob_not_parsed() -> None:
    with pytest.raises(LocalFault) as ours:
        seal_envelope(HEADER, bytes(CHUNK + 1), KEY.public, SENDER)
    assert ours.value.rule == "envelope-too-large"
    with pytest.raises(PeerFault) as theirs:
        open_envelope(HEADER, bytes(CHUNK + OVERHEAD + 1), bytes(64), KEY, SENDER_PUBLIC)
    assert (theirs.value.rule, theirs.value.sender) == ("envelope-too-large", "labor")


@pytest.mark.parametrize(
    "public",
    [b"", KEY.public[:-1], KEY.public + b"\0", b"\xff" * PUBLIC, KEY.public[:1184] + bytes(32)],
    ids=["empty", "short", "long", "coefficients-too-large", "small-order"],
)
def test_a_malformed_public_key_is_refused_and_its_owner_named(public: bytes) -> None:
    for use in (lambda: check_public_key(public, owner="housing"), lambda: seal_envelope(HEADER, b"text", public, SENDER)):
        with pytest.raises(PeerFault) as caught:
            use()
        assert (caught.value.rule, caught.value.sender) == ("sealing-key-malformed", "housing")
    assert check_public_key(KEY.public, owner="housing") == KEY.public


def test_a_sealed_document_opens_for_its_key_context_and_parts_alone() -> None:
    blob = seal_to(KEY.public, "result", (b"job", b"1"), b"table")
    assert open_with(KEY, "result", (b"job", b"1"), blob, sender="desk") == b"table"
    other = SealingKey.generate(SeededRandomness(b"other"))
    wrong: list[tuple[SealingKey, str, tuple[bytes, ...], bytes]] = [
        (other, "result", (b"job", b"1"), blob),
        (KEY, "shares", (b"job", b"1"), blob),
        (KEY, "result", (b"job", b"2"), blob),
        (KEY, "result", (b"job1",), blob),
        (KEY, "result", (b"job", b"1", b""), blob),
        (KEY, "result", (b"job", b"1"), blob[:-1]),
        (KEY, "result", (b"job", b"1"), b""),
    ]
    for key, context, parts, bytes_ in wrong:
        with pytest.raises(PeerFault) as caught:
            open_with(key, context, parts, bytes_, sender="desk")
        assert (caught.value.rule, caught.value.sender) == ("envelope-unopenable", "desk")


def test_an_envelope_is_no_sealed_document_and_the_other_way_round() -> None:
    blob, _ = seal_envelope(HEADER, b"text", KEY.public, SENDER)
    with pytest.raises(PeerFault):
        open_with(KEY, "envelope", (HEADER.canonical(),), blob, sender="labor")
