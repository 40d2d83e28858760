"""The secure product of columns of two agencies, into shares: of Σ over slots of a·b, or of a·b at every slot.

    encryptor (columns a)                                  multiplier (columns b)
    new_keys, encrypt_columns     -- c0 of Enc(0), Enc(a) -->   products: Σ Enc(a)·b + Enc(0)·u + mask + errors
    open_products                 <-- one per product --   its share: minus the sum of the mask's slots
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

from tallystick.crypto.bfv import ANSWER_BYTES, COLUMN_BYTES, DATA, DATA_PRIMES, scheme
from tallystick.crypto.errors import LocalFault
from tallystick.crypto.expansion import confirmation
from tallystick.crypto.flooding import RING, errors, ternary
from tallystick.crypto.layout import (
    COLUMNS,
    PRODUCTS,
    ArrivingChunks,
    Columns,
    Layout,
    block_ranges,
    by_prime,
    check_columns,
    cut_blocks,
)
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
from tallystick.crypto.residues import add
from tallystick.crypto.workers import Workers

TASK_BYTES: Final = 32 << 20
_ENCRYPT_CHUNKS: Final = 8
SEED_BYTES: Final = 32


@dataclass(frozen=True)
class SecretKeys:
    """One BFV secret key for each prime (`Scheme.new_secret`). Never sent; picklable for this side's own workers only."""

    secrets: tuple[bytes, ...] = field(repr=False)


def new_keys(primes: int, randomness: Randomness) -> SecretKeys:
    """Draw the keys of one exchange, for the first `primes` primes.

    Raises:
        LocalFault: `prime-count`: not one to four.

    Security: keys encrypt one set of columns, once. Another set under the same keys and exchange key would be sent with the same c1,
    and the two would subtract.
    """
    if not 1 <= primes <= len(PRIMES):
        raise LocalFault("prime-count", f"keys are for one to {len(PRIMES)} primes")
    return SecretKeys(tuple(scheme(index).new_secret(randomness) for index in range(primes)))


def encrypt_columns(
    keys: SecretKeys, columns: Columns, layout: Layout, randomness: Randomness, workers: Workers, *, key: bytes
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
    check_columns(columns, layout.left, layout.slots)
    if len(keys.secrets) < layout.primes_used:
        raise LocalFault("keys-missing", "there are fewer keys than primes")
    parts = tuple((prime, keys.secrets[prime], layout.list_left(prime)) for prime in range(layout.primes_used))
    a_block = sum(len(which) for _, _, which in parts)
    step = max(1, _ENCRYPT_CHUNKS // max(1, a_block))
    every = range(layout.left)

    def tasks() -> Iterator[EncryptTask]:
        # the zeros first, in a task of their own
        for start, stop in ((0, 0), *block_ranges(layout.blocks if a_block else 0, step)):
            blocks = cut_blocks(columns, every, start, stop)
            yield EncryptTask(parts, blocks, start, stop == 0, key, randomness.take(SEED_BYTES))

    def chunks() -> Iterator[bytes]:
        yield confirmation(key, COLUMNS, layout.digest())
        for made in workers.map(encrypt, tasks()):
            yield from made

    return chunks()


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
        chunks: what `encrypt_columns` made at the other side; read once, to the end.
        columns: int64[right, slots], or int64[primes, right, slots] where they differ by prime.
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
    if layout.at_slots:
        raise LocalFault("layout-malformed", "this layout keeps slots apart")
    under = by_prime(columns, layout.right, layout)
    incoming = ArrivingChunks(chunks, COLUMN_BYTES, sender)
    incoming.confirm(key, COLUMNS, layout)
    zeros = [incoming.next() for _ in range(layout.primes_used)]
    used = [prime for prime in range(layout.primes_used) if layout.pairs_under(prime)]
    totals = _totals(incoming, zeros, used, under, layout, randomness, workers, key, sender)
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

    returned = [confirmation(key, PRODUCTS, layout.digest()), *workers.map(finish, tasks())]
    return returned, _combine(masks, layout)


def _totals(
    incoming: ArrivingChunks, zeros: Sequence[bytes], used: Sequence[int], under: Sequence[Columns], layout: Layout,
    randomness: Randomness, workers: Workers, key: bytes, sender: str,
) -> dict[int, npt.NDArray[np.uint64]]:  # fmt: skip
    """Give for each prime the sums of its pairs, uint64[pairs, 2, primes, N] in NTT form, range of blocks by range."""
    left, right = {p: layout.list_left(p) for p in used}, {p: layout.right_under(p) for p in used}
    pairs = {
        p: tuple((left[p].index(layout.pairs[k][0]), right[p].index(layout.pairs[k][1])) for k in layout.pairs_under(p))
        for p in used
    }
    a_block = COLUMN_BYTES * sum(len(which) for which in left.values())
    step = max(1, min(TASK_BYTES // max(1, a_block), -(-layout.blocks // workers.count)))

    def tasks() -> Iterator[MultiplyTask]:
        for start, stop in block_ranges(layout.blocks if used else 0, step):
            arrived: dict[int, list[tuple[bytes, ...]]] = {p: [] for p in used}
            for _ in range(start, stop):
                for p in used:
                    arrived[p].append(tuple(incoming.next() for _ in left[p]))
            for p in used:
                blocks = cut_blocks(under[p], right[p], start, stop)
                yield MultiplyTask(
                    p, key, zeros[p], tuple(arrived[p]), start, left[p], blocks, pairs[p], ternary(randomness), sender
                )

    totals = {p: np.zeros((len(pairs[p]), 2, DATA_PRIMES, RING), dtype=np.uint64) for p in used}
    for p, part in zip(cycle(used), workers.map(multiply, tasks()), strict=False):
        for total, more in zip(totals[p], part, strict=True):
            total[:] = add(total, more, DATA)
    return totals


def open_products(
    keys: SecretKeys, chunks: Iterable[bytes], layout: Layout, workers: Workers, *, key: bytes, sender: str
) -> list[int]:
    """Decrypt what the multiplier returned: for each pair the encryptor's share mod modulus(primes of the pair).

    Raises:
        PeerFault: `exchange-differs`, `chunk-count`, `ciphertext-length`, `ciphertext-range`, `ciphertext-transparent`, `ciphertext-refused`.
    """
    incoming = ArrivingChunks(chunks, ANSWER_BYTES, sender)
    incoming.confirm(key, PRODUCTS, layout)

    def tasks() -> Iterator[OpenTask]:
        for primes in layout.primes:
            for prime in range(primes):
                yield OpenTask(prime, keys.secrets[prime], incoming.next(), sender)

    sums = list(workers.map(open_sum, tasks()))
    incoming.end()
    return _combine(sums, layout)


def _combine(residues: Sequence[int], layout: Layout) -> list[int]:
    """Give one share for each pair from the residues of (pair, prime), in order."""
    rest = iter(residues)
    return [crt([next(rest) for _ in range(primes)]) for primes in layout.primes]
