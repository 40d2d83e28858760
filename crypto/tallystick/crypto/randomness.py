"""The one door through which randomness enters: every function that needs it takes a `Randomness`.

Production passes `SystemRandomness`; vectors and tests pass `SeededRandomness`, so that every message can be made again.
"""

from __future__ import annotations

import hashlib
import os
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from tallystick.crypto.order import order_of

U64: Final = 8


class Randomness(Protocol):
    """A source of uniform bytes."""

    def take(self, length: int) -> bytes:
        """Give `length` uniform bytes."""
        ...


class SystemRandomness:
    """The operating system's generator."""

    def take(self, length: int) -> bytes:
        """Give `length` uniform bytes."""
        return os.urandom(length)


class SeededRandomness:
    """ChaCha20 under SHA-256(domain ‖ seed): a stream that anyone with the seed can make again.

    Security: as secret as its seed. Used for vectors, tests and values that two parties derive alike.
    """

    _DOMAIN: Final = b"tallystick seeded randomness v1\x00"

    def __init__(self, seed: bytes) -> None:
        key = hashlib.sha256(self._DOMAIN + seed).digest()
        self._stream = Cipher(algorithms.ChaCha20(key, bytes(16)), mode=None).encryptor()

    def take(self, length: int) -> bytes:
        """Give the next `length` bytes of the stream."""
        return self._stream.update(bytes(length))


def uniform_mod(randomness: Randomness, modulus: int, count: int) -> npt.NDArray[np.uint64]:
    """Give `count` uniform values in [0, modulus), by rejection.

    Pre-conditions: 1 <= modulus <= 2**63.
    """
    bound = np.uint64((1 << 64) - (1 << 64) % modulus) if (1 << 64) % modulus else None
    kept: list[npt.NDArray[np.uint64]] = []
    missing = count
    while missing > 0:
        drawn = np.frombuffer(randomness.take(U64 * missing), dtype="<u8")
        good = drawn if bound is None else drawn[drawn < bound]
        kept.append(good % np.uint64(modulus))
        missing -= len(good)
    return np.concatenate(kept) if kept else np.empty(0, dtype=np.uint64)


def uniform_below(randomness: Randomness, bound: int) -> int:
    """Give one uniform integer in [0, bound), of any size, by rejection. Pre-condition: bound >= 1."""
    bits = (bound - 1).bit_length()
    length = (bits + 7) // 8
    while True:
        value = int.from_bytes(randomness.take(length), "little") & ((1 << bits) - 1)
        if value < bound:
            return value


def permutation(randomness: Randomness, count: int) -> npt.NDArray[np.int64]:
    """Give a uniform permutation of 0…count-1.

    Sorts 128-bit keys: that two of them are equal, which would bias the order, has probability below count² / 2^129.
    """
    keys = np.frombuffer(randomness.take(16 * count), dtype="<u8").reshape(count, 2)
    return order_of(keys[:, 0], keys[:, 1])
