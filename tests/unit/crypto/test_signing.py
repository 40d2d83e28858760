from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tallystick.crypto import signing
from tallystick.crypto.errors import LocalFault, PeerFault
from tallystick.crypto.randomness import SeededRandomness

PRIVATE = signing.generate(SeededRandomness(b"signer"))
PUBLIC = signing.public_of(PRIVATE)
MESSAGE = b"a message"
SIGNATURE = signing.sign(PRIVATE, "job", MESSAGE)


def test_a_signature_is_ed25519_over_the_framed_domain_context_and_message() -> None:
    framed = b"".join(len(part).to_bytes(4, "big") + part for part in (b"tallystick TS1 signature", b"job", MESSAGE))
    assert Ed25519PrivateKey.from_private_bytes(PRIVATE).sign(framed) == SIGNATURE
    signing.verify(PUBLIC, "job", MESSAGE, SIGNATURE, signer="ana")


def test_the_same_seed_gives_the_same_key_and_the_system_gives_another() -> None:
    assert signing.generate(SeededRandomness(b"signer")) == PRIVATE
    assert signing.generate() != signing.generate()


@pytest.mark.parametrize(
    ("public", "context", "message", "signature"),
    [
        (PUBLIC, "hello", MESSAGE, SIGNATURE),
        (PUBLIC, "jo", b"b" + MESSAGE, SIGNATURE),
        (PUBLIC, "job", MESSAGE + b"\0", SIGNATURE),
        (PUBLIC, "job", b"", SIGNATURE),
        (signing.public_of(signing.generate(SeededRandomness(b"other"))), "job", MESSAGE, SIGNATURE),
        (PUBLIC, "job", MESSAGE, bytes([SIGNATURE[0] ^ 1]) + SIGNATURE[1:]),
        (PUBLIC, "job", MESSAGE, SIGNATURE[:-1]),
        (PUBLIC, "job", MESSAGE, SIGNATURE + b"\0"),
        (PUBLIC, "job", MESSAGE, b""),
        (PUBLIC[:-1], "job", MESSAGE, SIGNATURE),
        (PUBLIC + b"\0", "job", MESSAGE, SIGNATURE),
        (bytes(32), "job", MESSAGE, bytes(64)),
        (b"\xff" * 32, "job", MESSAGE, SIGNATURE),
    ],
)
def test_anything_else_is_refused_and_the_signer_named(public: bytes, context: str, message: bytes, signature: bytes) -> None:
    with pytest.raises(PeerFault, match=r"^ana: ") as caught:
        signing.verify(public, context, message, signature, signer="ana")
    assert (caught.value.rule, caught.value.sender) == ("signature-invalid", "ana")


@pytest.mark.parametrize("private", [b"", bytes(31), bytes(33)])
def test_a_private_key_of_another_length_is_our_own_fault(private: bytes) -> None:
    with pytest.raises(LocalFault):
        signing.public_of(private)
    with pytest.raises(LocalFault):
        signing.sign(private, "job", MESSAGE)
