"""Ed25519 signatures (RFC 8032) that mean one thing: every signature is made under a context.

Signed bytes = `frame("tallystick TS1 signature", context, message)`. A signature made under one context is none under another,
so a signed hello can never be shown as a signed approval.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tallystick.crypto.codec import frame
from tallystick.crypto.errors import LocalFault, PeerFault
from tallystick.crypto.randomness import Randomness, SystemRandomness

KEY: Final = 32
SIGNATURE: Final = 64
_DOMAIN: Final = b"tallystick TS1 signature"


def generate(randomness: Randomness | None = None) -> bytes:
    """Give a new private key: 32 uniform bytes."""
    return (randomness or SystemRandomness()).take(KEY)


def public_of(private: bytes) -> bytes:
    """Give the public key of a private one: 32 bytes.

    Raises:
        LocalFault: `key-malformed`: the private key is not 32 bytes long.
    """
    return _private(private).public_key().public_bytes_raw()


def sign(private: bytes, context: str, message: bytes) -> bytes:
    """Give the signature over a message under a context: 64 bytes.

    Raises:
        LocalFault: `key-malformed`.
    """
    return _private(private).sign(frame(_DOMAIN, context.encode(), message))


def verify(public: bytes, context: str, message: bytes, signature: bytes, *, signer: str) -> None:
    """Check a signature.

    Args:
        public: 32 bytes, from the agreement and from nowhere else.
        context: what the signature must have been made for.
        message: what was signed.
        signature: 64 bytes.
        signer: whose signature it should be; named in the error.

    Raises:
        PeerFault: `signature-invalid`: wrong length, wrong key, another context, another message.
    """
    if len(public) != KEY or len(signature) != SIGNATURE:
        raise PeerFault("signature-invalid", "a key or signature is of the wrong length", sender=signer)
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, frame(_DOMAIN, context.encode(), message))
    except (InvalidSignature, ValueError) as error:
        raise PeerFault(
            "signature-invalid", f"the signature is not that of the key over this {context}", sender=signer
        ) from error


def _private(private: bytes) -> Ed25519PrivateKey:
    if len(private) != KEY:
        raise LocalFault("key-malformed", f"a private key is {KEY} bytes long")
    return Ed25519PrivateKey.from_private_bytes(private)
