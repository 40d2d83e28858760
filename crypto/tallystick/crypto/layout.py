"""How the columns of an exchange lie: which are multiplied, in which blocks and under which primes, and what a peer's chunks must be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tallystick.crypto.bfv import check_length
from tallystick.crypto.codec import digest
from tallystick.crypto.errors import LocalFault, PeerFault
from tallystick.crypto.expansion import check_confirmation
from tallystick.crypto.flooding import MAX_BLOCKS, MAX_PAIRS, RING
from tallystick.crypto.modulus import PRIMES

Columns = npt.NDArray[np.int64]

MAX_SLOTS: Final = MAX_BLOCKS * RING
COLUMNS: Final = "columns"
PRODUCTS: Final = "products"


@dataclass(frozen=True)
class Layout:
    """Which columns are multiplied, and how they lie.

    Attributes:
        left: columns of the encryptor.
        right: columns of the multiplier.
        pairs: (left column, right column) of each product, at most `MAX_PAIRS`.
        primes: number of primes of each product's modulus, 1 to 4.
        slots: length of a column, 1 to `MAX_SLOTS`.
        at_slots: whether shares are of the product at every slot, or of its sum over slots.

    Raises:
        LocalFault: `layout-malformed`.
    """

    left: int
    right: int
    pairs: tuple[tuple[int, int], ...]
    primes: tuple[int, ...]
    slots: int
    at_slots: bool = False

    def __post_init__(self) -> None:
        """Check that all numbers fit together."""
        good_pairs = all(0 <= i < self.left and 0 <= j < self.right for i, j in self.pairs)
        good_primes = len(self.primes) == len(self.pairs) and all(1 <= primes <= len(PRIMES) for primes in self.primes)
        good_size = 1 <= self.slots <= MAX_SLOTS and len(self.pairs) * self.answers_a_pair <= MAX_PAIRS
        if not good_pairs or not good_primes or not good_size:
            raise LocalFault("layout-malformed", "the products' columns, primes and slots do not fit together")

    @property
    def blocks(self) -> int:
        """Blocks of a column."""
        return -(-self.slots // RING)

    @property
    def answers_a_pair(self) -> int:
        """Ciphertexts that come back for a pair under one of its primes: one, or one a block."""
        return self.blocks if self.at_slots else 1

    @property
    def primes_used(self) -> int:
        """Primes under which anything is encrypted: at least one."""
        return max(self.primes, default=1)

    def pairs_under(self, prime: int) -> tuple[int, ...]:
        """Give the indices of the pairs that need a prime."""
        return tuple(pair for pair, primes in enumerate(self.primes) if prime < primes)

    def list_left(self, prime: int) -> tuple[int, ...]:
        """Give the left columns that are encrypted under a prime, in order."""
        return tuple(sorted({self.pairs[pair][0] for pair in self.pairs_under(prime)}))

    def right_under(self, prime: int) -> tuple[int, ...]:
        """Give the right columns that are multiplied under a prime, in order."""
        return tuple(sorted({self.pairs[pair][1] for pair in self.pairs_under(prime)}))

    def digest(self) -> bytes:
        """Give 32 bytes that name this layout."""
        numbers = [
            self.left,
            self.right,
            self.slots,
            int(self.at_slots),
            *(n for pair in self.pairs for n in pair),
            *self.primes,
        ]
        return digest("products layout", ",".join(map(str, numbers)).encode())

    @property
    def sent_ciphertexts(self) -> int:
        """Ciphertexts from the encryptor, one a chunk."""
        a_block = sum(len(self.list_left(prime)) for prime in range(self.primes_used))
        return self.primes_used + self.blocks * a_block

    @property
    def returned_ciphertexts(self) -> int:
        """Ciphertexts back, one a chunk."""
        return self.answers_a_pair * sum(self.primes)


def check_columns(columns: Columns, count: int, slots: int) -> Columns:
    """Give columns if they are int64[count, slots].

    Raises:
        LocalFault: `columns-malformed`.
    """
    if columns.dtype != np.int64 or columns.shape != (count, slots):
        raise LocalFault("columns-malformed", f"columns must be int64 of shape ({count}, {slots})")
    return columns


def by_prime(vectors: Columns, count: int, layout: Layout) -> tuple[Columns, ...]:
    """Give the vectors as they are under each prime in use, int64[count, slots] each.

    Raises:
        LocalFault: `columns-malformed`.
    """
    shape = (layout.primes_used, count, layout.slots)
    if vectors.dtype != np.int64 or vectors.shape not in (shape, shape[1:]):
        raise LocalFault("columns-malformed", f"vectors must be int64 of shape {shape} or {shape[1:]}")
    return tuple(vectors) if vectors.ndim == len(shape) else (vectors,) * layout.primes_used


def cut_blocks(columns: Columns, which: Sequence[int], start: int, stop: int) -> Columns:
    """Give blocks start…stop-1 of some columns, the last filled with zeros: int64[columns, blocks, 8192]."""
    cut = columns[list(which), start * RING : stop * RING]
    whole = np.zeros((len(which), (stop - start) * RING), dtype=np.int64)
    whole[:, : cut.shape[1]] = cut
    return whole.reshape(len(which), stop - start, RING)


def block_ranges(blocks: int, step: int) -> Iterator[tuple[int, int]]:
    """Cut the numbers of blocks into ranges of at most `step`."""
    return ((start, min(start + step, blocks)) for start in range(0, blocks, step))


class ArrivingChunks:
    """A peer's chunks: the confirmation, then ciphertexts, each checked for its exact length, and none too few or too many."""

    def __init__(self, chunks: Iterable[bytes], length: int, sender: str) -> None:
        self._chunks = iter(chunks)
        self._length = length
        self._sender = sender

    def confirm(self, key: bytes, message: str, layout: Layout) -> None:
        """Read the confirmation.

        Raises:
            PeerFault: `exchange-differs`.
        """
        check_confirmation(next(self._chunks, b""), key, message, layout.digest(), sender=self._sender)

    def next(self) -> bytes:
        """Read the next ciphertext.

        Raises:
            PeerFault: `chunk-count`, `ciphertext-length`.
        """
        chunk = next(self._chunks, None)
        if chunk is None:
            raise PeerFault("chunk-count", "too few ciphertexts", sender=self._sender)
        return check_length(chunk, self._length, sender=self._sender)

    def end(self) -> None:
        """Check that nothing is left.

        Raises:
            PeerFault: `chunk-count`.
        """
        if next(self._chunks, None) is not None:
            raise PeerFault("chunk-count", "too many ciphertexts", sender=self._sender)
