"""The secure product of columns: Σ over slots of a·b for pairs of columns of two agencies, into shares mod T.

    encryptor (columns a)                                  multiplier (columns b)
    new_keys, encrypted_columns   -- c0 of Enc(0), Enc(a) -->   products: Σ Enc(a)·b + Enc(0)·u + mask + errors
    opened_products               <-- one per product --   its share: minus the sum of the mask's slots
    its share: the sum of the decrypted slots

left share + right share ≡ Σ a·b mod T, T = modulus(primes of the pair); each prime has ciphertexts of its own. A column is
cut into blocks of 8192 slots, the last filled with zeros. Where |Σ a·b| < T/2, which the planner proves, the sum is exact.

Both sides hold the exchange's key (`expansion.py`); c1 of everything that the encryptor sends comes from it and does not travel. A
message begins with a chunk of 32 bytes, `expansion.confirmation` under that key and the layout's digest: where the two sides hold
different keys or layouts, the one that reads first says so before it multiplies or opens anything. Then from the encryptor: an
encryption of zero for each prime in use, then for block, for prime, for column (a column under a prime only if one of its pairs
needs that prime). Back: for pair, for prime of the pair. `bfv.py` has their bytes: 168 KiB there, 224 KiB back.

Memory: the encryptor holds a few tasks of about 3 MiB; the multiplier holds 384 KiB for each (pair, prime) and a few tasks of
up to `TASK_BYTES` of chunks with an answer of 384 KiB a pair.

Security: the multiplier sees fresh BFV ciphertexts (128 bits). What the encryptor sees is uniform in c0 and pseudorandom in c1 whatever
it sent: `flooding.py` has the proof, and how seldom an honest product is wrong. That holds against an encryptor that deviates. A
multiplier that deviates can return a wrong product, or a function of the encryptor's secret key (SECURITY.md); the encryptor
cannot tell.

Reference: Fan, Vercauteren, eprint 2012/144; Juvekar, Vaikuntanathan, Chandrakasan, eprint 2018/073 (masked products,
flooding).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Final

import numpy as np
import numpy.typing as npt

from tallystick.crypto.bfv import ANSWER_BYTES, COLUMN_BYTES, DATA, DATA_PRIMES, checked_length, scheme
from tallystick.crypto.codec import digest
from tallystick.crypto.errors import LocalFault, PeerFault
from tallystick.crypto.expansion import check_confirmation, confirmation
from tallystick.crypto.flooding import MAX_BLOCKS, MAX_PAIRS, RING, errors, ternary
from tallystick.crypto.modulus import PRIMES, crt
from tallystick.crypto.product_work import (
    EncryptTask,
    FinishTask,
    MultiplyTask,
    OpenTask,
    encrypt,
    finish,
    multiply,
    open_sum,
)
from tallystick.crypto.randomness import Randomness, uniform_mod
from tallystick.crypto.residues import added
from tallystick.crypto.workers import Workers

Columns = npt.NDArray[np.int64]

TASK_BYTES: Final = 32 << 20
MAX_SLOTS: Final = MAX_BLOCKS * RING
_ENCRYPT_CHUNKS: Final = 8
_SEED_BYTES: Final = 32
_COLUMNS: Final = "columns"
_PRODUCTS: Final = "products"


@dataclass(frozen=True)
class Layout:
    """Which columns are multiplied, and how they lie.

    Attributes:
        left: columns of the encryptor.
        right: columns of the multiplier.
        pairs: (left column, right column) of each product, at most `MAX_PAIRS`.
        primes: number of primes of each product's modulus, 1 to 4.
        slots: length of a column, 1 to `MAX_SLOTS`.

    Raises:
        LocalFault: `layout-malformed`.
    """

    left: int
    right: int
    pairs: tuple[tuple[int, int], ...]
    primes: tuple[int, ...]
    slots: int

    def __post_init__(self) -> None:
        """Check that all numbers fit together."""
        good_pairs = all(0 <= i < self.left and 0 <= j < self.right for i, j in self.pairs)
        good_primes = len(self.primes) == len(self.pairs) and all(1 <= primes <= len(PRIMES) for primes in self.primes)
        if not good_pairs or not good_primes or len(self.pairs) > MAX_PAIRS or not 1 <= self.slots <= MAX_SLOTS:
            raise LocalFault("layout-malformed", "the products' columns, primes and slots do not fit together")

    @property
    def blocks(self) -> int:
        """Blocks of a column."""
        return -(-self.slots // RING)

    @property
    def primes_used(self) -> int:
        """Primes under which anything is encrypted: at least one."""
        return max(self.primes, default=1)

    def pairs_under(self, prime: int) -> tuple[int, ...]:
        """Give the indices of the pairs that need a prime."""
        return tuple(pair for pair, primes in enumerate(self.primes) if prime < primes)

    def left_under(self, prime: int) -> tuple[int, ...]:
        """Give the left columns that are encrypted under a prime, in order."""
        return tuple(sorted({self.pairs[pair][0] for pair in self.pairs_under(prime)}))

    def right_under(self, prime: int) -> tuple[int, ...]:
        """Give the right columns that are multiplied under a prime, in order."""
        return tuple(sorted({self.pairs[pair][1] for pair in self.pairs_under(prime)}))

    def digest(self) -> bytes:
        """Give 32 bytes that name this layout."""
        numbers = [self.left, self.right, self.slots, *(n for pair in self.pairs for n in pair), *self.primes]
        return digest("products layout", ",".join(map(str, numbers)).encode())

    @property
    def sent_ciphertexts(self) -> int:
        """Ciphertexts from the encryptor, one a chunk."""
        a_block = sum(len(self.left_under(prime)) for prime in range(self.primes_used))
        return self.primes_used + self.blocks * a_block

    @property
    def returned_ciphertexts(self) -> int:
        """Ciphertexts back, one a chunk."""
        return sum(self.primes)

    @property
    def sent_chunks(self) -> int:
        """Chunks from the encryptor, the confirmation first."""
        return 1 + self.sent_ciphertexts

    @property
    def returned_chunks(self) -> int:
        """Chunks back, the confirmation first."""
        return 1 + self.returned_ciphertexts


@dataclass(frozen=True)
class Keys:
    """One BFV secret key for each prime (`Scheme.new_secret`). Never sent; picklable for this side's own workers only."""

    secrets: tuple[bytes, ...] = field(repr=False)


def new_keys(primes: int, randomness: Randomness) -> Keys:
    """Draw the keys of one exchange, for the first `primes` primes.

    Raises:
        LocalFault: `prime-count`: not one to four.

    Security: keys encrypt one set of columns, once. Another set under the same keys and exchange key would be sent with the same c1,
    and the two would subtract.
    """
    if not 1 <= primes <= len(PRIMES):
        raise LocalFault("prime-count", f"keys are for one to {len(PRIMES)} primes")
    return Keys(tuple(scheme(index).new_secret(randomness) for index in range(primes)))


def _checked_columns(columns: Columns, count: int, slots: int) -> Columns:
    if columns.dtype != np.int64 or columns.shape != (count, slots):
        raise LocalFault("columns-malformed", f"columns must be int64 of shape ({count}, {slots})")
    return columns


def _blocks(columns: Columns, which: Sequence[int], start: int, stop: int) -> Columns:
    """Give blocks start…stop-1 of some columns, the last filled with zeros: int64[columns, blocks, 8192]."""
    cut = columns[list(which), start * RING : stop * RING]
    whole = np.zeros((len(which), (stop - start) * RING), dtype=np.int64)
    whole[:, : cut.shape[1]] = cut
    return whole.reshape(len(which), stop - start, RING)


def _ranges(blocks: int, step: int) -> Iterator[tuple[int, int]]:
    return ((start, min(start + step, blocks)) for start in range(0, blocks, step))


def encrypted_columns(
    keys: Keys, columns: Columns, layout: Layout, randomness: Randomness, workers: Workers, *, key: bytes
) -> Iterator[bytes]:
    """Encrypt the left columns, int64[left, slots], chunk by chunk. Values may be negative: they are taken mod each prime.

    Args:
        keys: fresh ones; see `new_keys`.
        columns: int64[left, slots].
        layout: the same at both sides.
        randomness: of the errors.
        workers: where columns are encrypted.
        key: the exchange's (`expansion.exchange_key`).

    Raises:
        LocalFault: `columns-malformed`; `keys-missing`: fewer keys than primes.
    """
    _checked_columns(columns, layout.left, layout.slots)
    if len(keys.secrets) < layout.primes_used:
        raise LocalFault("keys-missing", "there are fewer keys than primes")
    parts = tuple((prime, keys.secrets[prime], layout.left_under(prime)) for prime in range(layout.primes_used))
    a_block = sum(len(which) for _, _, which in parts)
    step = max(1, _ENCRYPT_CHUNKS // max(1, a_block))
    every = range(layout.left)

    def tasks() -> Iterator[EncryptTask]:
        for start, stop in ((0, 0), *_ranges(layout.blocks if a_block else 0, step)):  # the zeros first, in a task of their own
            blocks = _blocks(columns, every, start, stop)
            yield EncryptTask(parts, blocks, start, stop == 0, key, randomness.take(_SEED_BYTES))

    def chunks() -> Iterator[bytes]:
        yield confirmation(key, _COLUMNS, layout.digest())
        for made in workers.map(encrypt, tasks()):
            yield from made

    return chunks()


class _Chunks:
    """A peer's chunks: the confirmation, then ciphertexts, each checked for its exact length, and none too few or too many."""

    def __init__(self, chunks: Iterable[bytes], length: int, sender: str) -> None:
        self._chunks = iter(chunks)
        self._length = length
        self._sender = sender

    def confirm(self, key: bytes, message: str, layout: Layout) -> None:
        check_confirmation(next(self._chunks, b""), key, message, layout.digest(), sender=self._sender)

    def next(self) -> bytes:
        chunk = next(self._chunks, None)
        if chunk is None:
            raise PeerFault("chunk-count", "too few ciphertexts", sender=self._sender)
        return checked_length(chunk, self._length, sender=self._sender)

    def end(self) -> None:
        if next(self._chunks, None) is not None:
            raise PeerFault("chunk-count", "too many ciphertexts", sender=self._sender)


def products(
    chunks: Iterable[bytes],
    columns: Columns,
    layout: Layout,
    randomness: Randomness,
    workers: Workers,
    *,
    key: bytes,
    sender: str,
) -> tuple[list[bytes], list[int]]:
    """Multiply the encryptor's columns by this side's, as the chunks arrive.

    Args:
        chunks: what `encrypted_columns` made at the other side; read once, to the end.
        columns: int64[right, slots].
        layout: the same at both sides.
        randomness: of the masks and of the errors.
        workers: where ciphertexts are parsed and multiplied.
        key: the exchange's (`expansion.exchange_key`).
        sender: the encryptor.

    Returns:
        The chunks to return, and for each pair this side's share mod modulus(primes of the pair).

    Raises:
        PeerFault: `exchange-differs`, `chunk-count`, `ciphertext-length`, `ciphertext-range`, `ciphertext-refused`.
        LocalFault: `columns-malformed`.
    """
    _checked_columns(columns, layout.right, layout.slots)
    incoming = _Chunks(chunks, COLUMN_BYTES, sender)
    incoming.confirm(key, _COLUMNS, layout)
    zeros = [incoming.next() for _ in range(layout.primes_used)]
    used = [prime for prime in range(layout.primes_used) if layout.pairs_under(prime)]
    totals = _totals(incoming, zeros, used, columns, layout, randomness, workers, key, sender)
    incoming.end()
    masks: list[int] = []

    def tasks() -> Iterator[FinishTask]:
        for pair, primes in enumerate(layout.primes):
            for prime in range(primes):
                mask = uniform_mod(randomness, PRIMES[prime], RING)
                masks.append(-int(mask.sum()) % PRIMES[prime])
                total = totals[prime][layout.pairs_under(prime).index(pair)]
                drawn = errors(randomness, scheme(prime).flood_width)
                yield FinishTask(prime, key, zeros[prime], total, mask, drawn, sender)

    returned = [confirmation(key, _PRODUCTS, layout.digest()), *workers.map(finish, tasks())]
    return returned, _combined(masks, layout)


def _totals(
    incoming: _Chunks, zeros: Sequence[bytes], used: Sequence[int], columns: Columns, layout: Layout,
    randomness: Randomness, workers: Workers, key: bytes, sender: str,
) -> dict[int, npt.NDArray[np.uint64]]:  # fmt: skip
    """Give for each prime the sums of its pairs, uint64[pairs, 2, primes, N] in NTT form, range of blocks by range."""
    left, right = {p: layout.left_under(p) for p in used}, {p: layout.right_under(p) for p in used}
    pairs = {
        p: tuple((left[p].index(layout.pairs[k][0]), right[p].index(layout.pairs[k][1])) for k in layout.pairs_under(p))
        for p in used
    }
    a_block = COLUMN_BYTES * sum(len(which) for which in left.values())
    step = max(1, min(TASK_BYTES // max(1, a_block), -(-layout.blocks // workers.count)))

    def tasks() -> Iterator[MultiplyTask]:
        for start, stop in _ranges(layout.blocks if used else 0, step):
            arrived: dict[int, list[tuple[bytes, ...]]] = {p: [] for p in used}
            for _ in range(start, stop):
                for p in used:
                    arrived[p].append(tuple(incoming.next() for _ in left[p]))
            for p in used:
                blocks = _blocks(columns, right[p], start, stop)
                yield MultiplyTask(
                    p, key, zeros[p], tuple(arrived[p]), start, left[p], blocks, pairs[p], ternary(randomness), sender
                )

    totals = {p: np.zeros((len(pairs[p]), 2, DATA_PRIMES, RING), dtype=np.uint64) for p in used}
    for p, part in zip(cycle(used), workers.map(multiply, tasks()), strict=False):
        for total, more in zip(totals[p], part, strict=True):
            total[:] = added(total, more, DATA)
    return totals


def opened_products(
    keys: Keys, chunks: Iterable[bytes], layout: Layout, workers: Workers, *, key: bytes, sender: str
) -> list[int]:
    """Decrypt what the multiplier returned: for each pair the encryptor's share mod modulus(primes of the pair).

    Raises:
        PeerFault: `exchange-differs`, `chunk-count`, `ciphertext-length`, `ciphertext-range`, `ciphertext-transparent`, `ciphertext-refused`.
    """
    incoming = _Chunks(chunks, ANSWER_BYTES, sender)
    incoming.confirm(key, _PRODUCTS, layout)

    def tasks() -> Iterator[OpenTask]:
        for primes in layout.primes:
            for prime in range(primes):
                yield OpenTask(prime, keys.secrets[prime], incoming.next(), sender)

    sums = list(workers.map(open_sum, tasks()))
    incoming.end()
    return _combined(sums, layout)


def _combined(residues: Sequence[int], layout: Layout) -> list[int]:
    """Give one share for each pair from the residues of (pair, prime), in order."""
    rest = iter(residues)
    return [crt([next(rest) for _ in range(primes)]) for primes in layout.primes]
