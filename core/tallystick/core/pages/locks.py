"""A secret under a passphrase: scrypt makes a key of the passphrase, ChaCha20-Poly1305 seals the secret under it.

To open a lock is to know the passphrase: nothing else is kept that a guess could be held against.
"""

from __future__ import annotations

import threading
from typing import Annotated, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from pydantic import Field, StringConstraints

from tallystick.core.errors import Invalid, Refused
from tallystick.core.model import Document
from tallystick.crypto.randomness import Randomness

COST: Final = 1 << 15
"""scrypt's N, with r = 8 and p = 3: 32 MiB and a quarter of a second; one of the settings that OWASP's list of 2024 recommends."""
BLOCK: Final = 8
PARALLEL: Final = 3
LEAST_PASSPHRASE: Final = 12
MOST_PASSPHRASE: Final = 1024
_BOUND: Final = b"tallystick pages lock 1"
_ONE_AT_A_TIME: Final = threading.Lock()
"""Guesses queue, so that many at once take the memory of one."""

HexText = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{2})+$", max_length=8192)]


class Locked(Document):
    """A secret under a passphrase.

    Attributes:
        salt: 16 bytes.
        cost, block, parallel: scrypt's N, r and p.
        nonce: 12 bytes.
        sealed: the secret, sealed.
    """

    salt: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    cost: Annotated[int, Field(ge=1 << 10, le=1 << 20)]
    block: Annotated[int, Field(ge=8, le=32)]
    parallel: Annotated[int, Field(ge=1, le=16)]
    nonce: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{24}$")]
    sealed: HexText


def lock_secret(secret: bytes, passphrase: str, randomness: Randomness, cost: int = COST) -> Locked:
    """Seal a secret under a passphrase.

    Args:
        secret: at most 4,000 bytes.
        passphrase: as its owner typed it.
        randomness: of salt and nonce.
        cost: scrypt's N.

    Raises:
        Invalid: `document-invalid`: the passphrase is too short, or longer than anybody types.
    """
    check_passphrase(passphrase)
    salt, nonce = randomness.take(16), randomness.take(12)
    key = _stretch(passphrase, salt, cost, BLOCK, PARALLEL)
    sealed = ChaCha20Poly1305(key).encrypt(nonce, secret, _BOUND)
    return Locked(salt=salt.hex(), cost=cost, block=BLOCK, parallel=PARALLEL, nonce=nonce.hex(), sealed=sealed.hex())


def unlock_secret(locked: Locked, passphrase: str) -> bytes:
    """Give the secret.

    Raises:
        Refused: `not-allowed`: another passphrase, or the lock was changed.
    """
    key = _stretch(passphrase[: MOST_PASSPHRASE + 1], bytes.fromhex(locked.salt), locked.cost, locked.block, locked.parallel)
    try:
        return ChaCha20Poly1305(key).decrypt(bytes.fromhex(locked.nonce), bytes.fromhex(locked.sealed), _BOUND)
    except InvalidTag:
        raise Refused("not-allowed", "the name or the passphrase is wrong") from None


def check_passphrase(passphrase: str) -> None:
    """Refuse a passphrase that is too short, or longer than anybody types.

    Raises:
        Invalid: `document-invalid`.
    """
    if not LEAST_PASSPHRASE <= len(passphrase) <= MOST_PASSPHRASE:
        raise Invalid(
            "document-invalid",
            f"a passphrase has {LEAST_PASSPHRASE} to {MOST_PASSPHRASE} characters",
            hint="four words that do not belong together are easy to remember",
        )


def _stretch(passphrase: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    with _ONE_AT_A_TIME:
        return Scrypt(salt=salt, length=32, n=cost, r=block, p=parallel).derive(passphrase.encode("utf-8", "surrogatepass"))
