"""Envelopes: what parties send each other through a relay that can neither read nor forge it.

An envelope is sealed to its receiver with HPKE (RFC 9180, base mode) under the hybrid KEM ML-KEM-768 + X25519 with HKDF-SHA256
and AES-256-GCM, then signed by its sender with Ed25519:

    info      = "tallystick TS1 envelope" ‖ header
    sealed    = HPKE.seal(receiver's public key, info, plaintext)          plaintext + 1,136 bytes
    signature = sign(context "envelope", frame(header, SHA-256(sealed)))

The header names job, attempt, round, sender, receiver, sequence and whether it is the last of its message. It does not travel
on trust: the receiver builds it from what it awaits, so an envelope that was moved anywhere else neither verifies nor opens.

Security: what is recorded today stays closed to whoever breaks X25519 alone, or ML-KEM alone. HPKE draws its randomness from
OpenSSL, not through `Randomness`: sealing cannot be replayed from a seed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import mlkem, x25519

from tallystick.crypto import signing
from tallystick.crypto.codec import frame
from tallystick.crypto.errors import LocalFault, PeerFault
from tallystick.crypto.randomness import Randomness, SystemRandomness

CHUNK: Final = 512 * 1024
"""Bytes of plaintext that one envelope holds at most."""
OVERHEAD: Final = 1120 + 16
"""Bytes that sealing adds: the encapsulation and the tag."""
PUBLIC: Final = 1184 + 32
"""Bytes of a public sealing key: ML-KEM-768 ‖ X25519."""
PRIVATE: Final = 64 + 32
"""Bytes of a private sealing key: ML-KEM-768's seed ‖ X25519."""
DOCUMENT_LIMIT: Final = 64 * 1024 * 1024
"""Bytes of a single sealed document that `open_with` takes at most."""

_MLKEM_PUBLIC: Final = 1184
_MLKEM_SEED: Final = 64
_U32: Final = 4
_SUITE: Final = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
_CONTEXT: Final = "envelope"
_INFO: Final = b"tallystick TS1 envelope"
_DOCUMENT_INFO: Final = b"tallystick TS1 sealed document"


class SealingKey:
    """A private HPKE key. Its repr shows nothing of it.

    Attributes:
        public: the 1,216 bytes that others seal to.
    """

    def __init__(self, private: bytes) -> None:
        """Take 96 private bytes, as `private_bytes` gave them.

        Raises:
            LocalFault: `key-malformed`.
        """
        if len(private) != PRIVATE:
            raise LocalFault("key-malformed", f"a private sealing key is {PRIVATE} bytes long")
        lattice = mlkem.MLKEM768PrivateKey.from_seed_bytes(private[:_MLKEM_SEED])
        curve = x25519.X25519PrivateKey.from_private_bytes(private[_MLKEM_SEED:])
        self._private = private
        self._key = hpke.MLKEM768X25519PrivateKey(lattice, curve)
        self.public: Final = lattice.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw()

    @classmethod
    def generate(cls, randomness: Randomness | None = None) -> SealingKey:
        """Make a new key."""
        return cls((randomness or SystemRandomness()).take(PRIVATE))

    def private_bytes(self) -> bytes:
        """Give the 96 private bytes, for a key file."""
        return self._private

    def __repr__(self) -> str:
        return "SealingKey(…)"

    def open(self, sealed: bytes, info: bytes, *, sender: str) -> bytes:
        """Open what was sealed to this key under `info`.

        Raises:
            PeerFault: `envelope-unopenable`: another key, other info, or altered bytes.
        """
        try:
            return _SUITE.decrypt(sealed, self._key, info=info)
        except (InvalidTag, ValueError) as error:
            raise PeerFault("envelope-unopenable", "what it sealed does not open here", sender=sender) from error


@dataclass(frozen=True)
class Header:
    """What an envelope is bound to.

    Attributes:
        job: the job's digest, 32 bytes.
        attempt: 1, 2 or 3.
        round: `kind` or `kind:about`.
        sender, receiver: party names.
        sequence: place in its message, from 0.
        last: whether it ends the message.
    """

    job: bytes
    attempt: int
    round: str
    sender: str
    receiver: str
    sequence: int
    last: bool

    def canonical(self) -> bytes:
        """Give `frame(job, attempt₄, round, sender, receiver, sequence₄, last₁)`, integers big-endian.

        Raises:
            LocalFault: `header-malformed`: a job that is not 32 bytes, or a number below 0 or over 32 bits.
        """
        numbers_fit = all(0 <= number < 1 << (8 * _U32) for number in (self.attempt, self.sequence))
        if len(self.job) != hashlib.sha256().digest_size or not numbers_fit:
            raise LocalFault("header-malformed", "an envelope's header is out of range")
        return frame(
            self.job,
            self.attempt.to_bytes(_U32, "big"),
            self.round.encode(),
            self.sender.encode(),
            self.receiver.encode(),
            self.sequence.to_bytes(_U32, "big"),
            bytes([self.last]),
        )


def seal_envelope(header: Header, plaintext: bytes, receiver_public: bytes, sender_private: bytes) -> tuple[bytes, bytes]:
    """Seal one envelope to its receiver and sign it.

    Args:
        header: what it is bound to.
        plaintext: at most `CHUNK` bytes.
        receiver_public: 1,216 bytes, from the receiver's verified hello, or the agreement for the coordinator.
        sender_private: the sender's Ed25519 identity, 32 bytes.

    Returns:
        The sealed bytes (plaintext + `OVERHEAD`) and the signature (64 bytes).

    Raises:
        LocalFault: `envelope-too-large`, `header-malformed`.
        PeerFault: `sealing-key-malformed`: the receiver's key.
    """
    if len(plaintext) > CHUNK:
        raise LocalFault("envelope-too-large", f"an envelope holds {CHUNK} bytes at most")
    canonical = header.canonical()
    blob = _seal(receiver_public, _INFO + canonical, plaintext, owner=header.receiver)
    return blob, signing.sign(sender_private, _CONTEXT, _bytes_to_sign(canonical, blob))


def open_envelope(header: Header, sealed: bytes, signature: bytes, receiver: SealingKey, sender_public: bytes) -> bytes:
    """Check an envelope against the header that is awaited, and open it: signature first, then the seal.

    Args:
        header: what the receiver awaits; not what came with the envelope.
        sealed: at most `CHUNK` + `OVERHEAD` bytes.
        signature: 64 bytes.
        receiver: the receiver's own key.
        sender_public: the sender's identity key as the agreement pins it, 32 bytes.

    Returns:
        The plaintext, at most `CHUNK` bytes.

    Raises:
        PeerFault: `envelope-too-large`, `signature-invalid`, `envelope-unopenable`.
    """
    verify(header, sealed, signature, sender_public)
    return receiver.open(sealed, _INFO + header.canonical(), sender=header.sender)


def verify(header: Header, sealed: bytes, signature: bytes, sender_public: bytes) -> None:
    """Check an envelope's length and signature without opening it, as a relay can.

    Raises:
        PeerFault: `envelope-too-large`, `signature-invalid`.
    """
    if len(sealed) > CHUNK + OVERHEAD:
        raise PeerFault("envelope-too-large", "an envelope is over its limit", sender=header.sender)
    signing.verify(sender_public, _CONTEXT, _bytes_to_sign(header.canonical(), sealed), signature, signer=header.sender)


def seal_to(public: bytes, context: str, parts: tuple[bytes, ...], plaintext: bytes) -> bytes:
    """Seal a single document, such as a result, to a key.

    Who sealed it is not shown: sign what you seal, or sign the sealed bytes.

    Args:
        public: 1,216 bytes.
        context: what the document is.
        parts: what it is bound to (the job's digest, …); the opener must name the same.
        plaintext: the document.

    Raises:
        PeerFault: `sealing-key-malformed`.
    """
    return _seal(public, _document_info(context, parts), plaintext, owner=context)


def open_with(key: SealingKey, context: str, parts: tuple[bytes, ...], sealed: bytes, *, sender: str) -> bytes:
    """Open what `seal_to` sealed for this context and these parts.

    Raises:
        PeerFault: `envelope-too-large` (over `DOCUMENT_LIMIT`), `envelope-unopenable`.
    """
    if len(sealed) > DOCUMENT_LIMIT:
        raise PeerFault("envelope-too-large", "a sealed document is over its limit", sender=sender)
    return key.open(sealed, _document_info(context, parts), sender=sender)


def check_public_key(public: bytes, *, owner: str) -> bytes:
    """Give a public sealing key back if something can be sealed to it.

    Raises:
        PeerFault: `sealing-key-malformed`: wrong length, coefficients out of range, or a curve point of small order.
    """
    _seal(public, b"", b"", owner=owner)
    return public


def _seal(public: bytes, info: bytes, plaintext: bytes, *, owner: str) -> bytes:
    if len(public) != PUBLIC:
        raise PeerFault("sealing-key-malformed", f"its sealing key is not {PUBLIC} bytes long", sender=owner)
    try:
        lattice = mlkem.MLKEM768PublicKey.from_public_bytes(public[:_MLKEM_PUBLIC])
        curve = x25519.X25519PublicKey.from_public_bytes(public[_MLKEM_PUBLIC:])
        return _SUITE.encrypt(plaintext, hpke.MLKEM768X25519PublicKey(lattice, curve), info=info)
    except ValueError as error:
        raise PeerFault("sealing-key-malformed", "nothing can be sealed to its key", sender=owner) from error


def _bytes_to_sign(canonical: bytes, blob: bytes) -> bytes:
    return frame(canonical, hashlib.sha256(blob).digest())


def _document_info(context: str, parts: tuple[bytes, ...]) -> bytes:
    return frame(_DOCUMENT_INFO, context.encode(), *parts)
