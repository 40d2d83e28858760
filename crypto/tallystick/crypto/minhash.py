"""Keyed hash functions of MinHash: which gram of a person a band takes is a secret of the job (docs/protocol.md §5).

    key of a field, place and band = derive(job secret, "bands", field, place, band), for AES-256
    hash r of a gram               = word r mod 4 of AES(key, gram ‖ ⌊r/4⌋), four words of 32 bits a block

Numbers of a block and words are little-endian, a block's two numbers of 64 bits; place and band are 4 bytes, big-endian, as in frames.

Security: blocks of one key are distinct, so to who lacks the job secret the hashes are independent and uniform, up to AES as a
pseudorandom permutation and q²/2^129 for q blocks. So of two rows the number of bands that coincide is binomial in how alike they are, and
*which* coincide says nothing of their grams. With public functions it was a function of the two records: whoever saw a pattern could try
a dictionary, and find it again in another job. Pairs of rows that differ in the same grams coincide in the same bands within one job.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tallystick.crypto.codec import derive

Numbers = npt.NDArray[np.uint64]
Words = npt.NDArray[np.uint32]

CHUNK: Final = 1 << 13
"""Blocks that are hashed at a time: they stay in the processor's cache."""
_WORDS: Final = 4
_BLOCK: Final = 16


def band_key(secret: bytes, field: str, place: int, band: int) -> bytes:
    """Give the key, 32 bytes, of the hash functions of one field at one place of one band.

    Args:
        secret: the job secret.
        field: the field whose grams are hashed.
        place: of the value in the band, from 0.
        band: from 0.
    """
    return derive(secret, "bands", field.encode(), *(number.to_bytes(4, "big") for number in (place, band)))


def least_hashes(key: bytes, grams: Numbers, repetitions: int) -> Words:
    """Give the least of the first hashes of each gram.

    Args:
        key: from `band_key`.
        grams: as numbers.
        repetitions: how many hashes a gram has, at least one.
    """
    # one block of a permutation is a pseudorandom function of it: there is no message here whose blocks could be alike
    cipher = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305
    size = min(CHUNK, len(grams))
    blocks = np.zeros((size, 2), dtype="<u8")
    hashed = np.empty(size * _BLOCK + _BLOCK, dtype=np.uint8)  # update_into asks for room for a block more
    least = np.full(len(grams), np.iinfo(np.uint32).max, dtype=np.uint32)
    for start in range(0, len(grams), CHUNK):
        part = least[start : start + CHUNK]
        blocks[: len(part), 0] = grams[start : start + CHUNK]
        for first in range(0, repetitions, _WORDS):
            blocks[:, 1] = first // _WORDS
            cipher.update_into(blocks[: len(part)].data.cast("B"), hashed.data)
            words = hashed[: len(part) * _BLOCK].view("<u4").reshape(-1, _WORDS)
            for word in range(min(_WORDS, repetitions - first)):
                np.minimum(part, words[:, word], out=part)
    return least
