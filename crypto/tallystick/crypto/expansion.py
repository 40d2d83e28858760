"""The public polynomial c1 of every ciphertext, which both agencies expand from a key that they share and neither sends.

An RLWE ciphertext is (c0, c1) with c1 uniform. Whoever may choose c1 can make the other side's answer say what it multiplied by,
so nobody may: the encryptor sends c0 alone, and both sides compute

    exchange key = derive(pair key, "exchange", name, encryptor, multiplier)                              32 bytes
    stream       = derive(exchange key, "c1", place)                   SHAKE-256, as long as it is read (`codec.derive`)
    place        = prime₁                                    for the encryption of zero under a plaintext prime
                   prime₁ ‖ block₄ ‖ column₄                  for a block of a column (big-endian)

The stream is read in words of 7 bytes, little-endian. For each of the three data primes in turn: of each word the low 55, 54 or
54 bits count (the prime's length); a word that is not below the prime is skipped; the first 8,192 that are kept are c1's values
under that prime, in NTT form (`bfv.py` has the order of values). tests/vectors/products_c1.json has examples.

`name` keeps exchanges of one pair and attempt apart. Job and attempt are in the pair key.

Security: SHAKE-256 as a random oracle. The pair key is known to both agencies, and an agency that waits for the other's
contribution can try Q of its own and keep the best of Q keys; each gives fresh uniform polynomials. `flooding.py` says what that
is worth. The same exchange key MUST NOT encrypt two sets of columns under one secret key: two c0 of one c1 subtract to the
difference of the values. `products.new_keys` gives a secret key for one set.

Reference: FIPS 202 (SHAKE-256); a public matrix expanded from a seed: FIPS 203, §4.2.2.
"""

from __future__ import annotations

import hmac
from typing import Final

import numpy as np
import numpy.typing as npt

from tallystick.crypto.codec import derive
from tallystick.crypto.errors import LocalFault, PeerFault
from tallystick.crypto.residues import Residues

KEY_BYTES: Final = 32
CONFIRMATION_BYTES: Final = 32
WORD_BYTES: Final = 7

_MARGIN: Final = 4
"""Words that are read beyond the fewest: a word is skipped with chance 2^-32 or less, so more are hardly ever needed."""


def exchange_key(pair_key: bytes, name: str, *, encryptor: str, multiplier: str) -> bytes:
    """Give the key of one exchange of columns and products between two agencies: 32 bytes.

    Args:
        pair_key: what the two agencies alone hold, bound to job and attempt.
        name: which exchange of theirs in this attempt; no two may have the same name.
        encryptor: the agency that sends columns.
        multiplier: the agency that returns products.
    """
    return derive(pair_key, "exchange", name.encode(), encryptor.encode(), multiplier.encode(), length=KEY_BYTES)


def confirmation(key: bytes, message: str, layout: bytes) -> bytes:
    """Give the 32 bytes that begin a message of an exchange: they show that its sender has the same key and layout.

    Args:
        key: the exchange's.
        message: `columns` or `products`.
        layout: the digest of what is exchanged.
    """
    return derive(key, "confirmation", message.encode(), layout, length=CONFIRMATION_BYTES)


def check_confirmation(got: bytes, key: bytes, message: str, layout: bytes, *, sender: str) -> None:
    """Compare the first chunk of a message with what it must be.

    Raises:
        PeerFault: `exchange-differs`: the two agencies do not hold the same pair key, or not the same layout.
    """
    if not hmac.compare_digest(got, confirmation(key, message, layout)):
        raise PeerFault("exchange-differs", "its pair key or layout of products is not ours", sender=sender)


def zero_c1(key: bytes, prime: int, primes: tuple[int, ...], ring: int) -> Residues:
    """Give c1 of the encryption of zero under a plaintext prime: uint64[primes, ring] in NTT form.

    Args:
        key: the exchange's.
        prime: index of the plaintext prime.
        primes: coefficient primes.
        ring: N.
    """
    return _expand(key, bytes([prime]), primes, ring)


def column_c1(key: bytes, prime: int, block: int, column: int, primes: tuple[int, ...], ring: int) -> Residues:
    """Give c1 of one block of one of the encryptor's columns: uint64[primes, ring] in NTT form.

    Args:
        key: the exchange's.
        prime: index of the plaintext prime.
        block: index of the block.
        column: index of the column in the layout.
        primes: coefficient primes.
        ring: N.
    """
    return _expand(key, bytes([prime]) + block.to_bytes(4, "big") + column.to_bytes(4, "big"), primes, ring)


def words_of(data: bytes, count: int) -> npt.NDArray[np.uint64]:
    """Give the first `count` words of 7 bytes, little-endian. Pre-condition: one byte more than these words have."""
    view: npt.NDArray[np.uint64] = np.ndarray((count,), dtype="<u8", buffer=data, strides=(WORD_BYTES,))
    return view & np.uint64((1 << (8 * WORD_BYTES)) - 1)


def _expand(key: bytes, place: bytes, primes: tuple[int, ...], ring: int) -> Residues:
    if len(key) != KEY_BYTES:
        raise LocalFault("exchange-key-malformed", f"an exchange's key is {KEY_BYTES} bytes")
    extra = _MARGIN
    while True:
        count = ring * len(primes) + extra
        words = words_of(derive(key, "c1", place, length=WORD_BYTES * count + 1), count)
        kept = _select_words(words, primes, ring)
        if kept is not None:
            return kept
        extra *= 2


def _select_words(words: npt.NDArray[np.uint64], primes: tuple[int, ...], ring: int) -> Residues | None:
    """Give the values that the rule keeps; None if there are too few words."""
    values = np.empty((len(primes), ring), dtype=np.uint64)
    start = 0
    for row, prime in zip(values, primes, strict=True):
        mask = np.uint64((1 << prime.bit_length()) - 1)
        stop = start + ring
        if stop > len(words):
            return None
        np.bitwise_and(words[start:stop], mask, out=row)
        if row.max() >= prime:
            low = words[start:] & mask
            places = np.flatnonzero(low < prime)[:ring]
            if len(places) < ring:
                return None
            row[:] = low[places]
            stop = start + int(places[-1]) + 1
        start = stop
    return values
