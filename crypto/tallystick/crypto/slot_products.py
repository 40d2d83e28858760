"""The secure product at every slot: shares of a·b there, for what is multiplied on (docs/adr/0010-terms-and-exchanges.md).

The exchange of `products.py` with two differences: the multiplier answers block by block in place of adding blocks up, and both sides keep
slots in place of their sum. The encryptor's share of a slot is what it decrypts, a·b + mask; the multiplier's is minus the mask: uniform
mod each prime, whatever a and b are. `encrypt_columns` and its chunks are the same; back come, for block, for prime, for pair of that
prime, one ciphertext each. A multiplier may bring shares of its own of an earlier product, which are other numbers under each prime.

Memory: 8 bytes a slot, pair and prime at both sides, besides what `products.py` says of a few blocks.

Security: as `products.py`; every answer has a mask and errors of its own, so the proof in `flooding.py` counts answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from tallystick.crypto.bfv import ANSWER_BYTES, COLUMN_BYTES, scheme
from tallystick.crypto.errors import LocalFault
from tallystick.crypto.expansion import confirmation
from tallystick.crypto.flooding import RING, errors, ternary
from tallystick.crypto.layout import COLUMNS, PRODUCTS, ArrivingChunks, Columns, Layout, by_prime, cut_blocks
from tallystick.crypto.modulus import PRIMES
from tallystick.crypto.product_work import FinishTask, MultiplyTask, OpenTask, finish, multiply, open_slots
from tallystick.crypto.products import SecretKeys
from tallystick.crypto.randomness import Randomness, uniform_mod
from tallystick.crypto.workers import Workers

SlotShares = npt.NDArray[np.int64]
"""Shares at slots, int64[primes, pairs, slots]: residues mod each prime; 0 where a pair does not use the prime."""


def slot_products(
    chunks: Iterable[bytes],
    vectors: Columns,
    layout: Layout,
    randomness: Randomness,
    workers: Workers,
    *,
    key: bytes,
    sender: str,
) -> tuple[Iterator[bytes], SlotShares]:
    """Multiply the encryptor's columns by this side's at every slot, as the chunks arrive.

    Args:
        chunks: what `encrypt_columns` made at the other side; read once, to the end.
        vectors: int64[right, slots], or int64[primes, right, slots] where they differ by prime.
        layout: the same at both sides, with `at_slots`.
        randomness: of the masks and of the errors.
        workers: where ciphertexts are parsed and multiplied.
        key: the exchange's (`expansion.exchange_key`).
        sender: the encryptor.

    Returns:
        The chunks to return, lazily, and this side's shares, which are whole when these have been read.

    Raises:
        PeerFault: as `products.products`, while the chunks are read.
        LocalFault: `layout-malformed`, `columns-malformed`.
    """
    if not layout.at_slots:
        raise LocalFault("layout-malformed", "this layout adds slots up")
    under = by_prime(vectors, layout.right, layout)
    shares = np.zeros((layout.primes_used, len(layout.pairs), layout.slots), dtype=np.int64)
    return _answers(chunks, under, shares, layout, randomness, workers, key, sender), shares


def open_slot_products(
    keys: SecretKeys, chunks: Iterable[bytes], layout: Layout, workers: Workers, *, key: bytes, sender: str
) -> SlotShares:
    """Decrypt what the multiplier returned: the encryptor's shares at every slot.

    Raises:
        PeerFault: as `products.open_products`.
    """
    incoming = ArrivingChunks(chunks, ANSWER_BYTES, sender)
    incoming.confirm(key, PRODUCTS, layout)
    places = [
        (block, prime, pair)
        for block in range(layout.blocks)
        for prime in range(layout.primes_used)
        for pair in layout.pairs_under(prime)
    ]
    shares = np.zeros((layout.primes_used, len(layout.pairs), layout.slots), dtype=np.int64)
    tasks = (OpenTask(prime, keys.secrets[prime], incoming.next(), sender) for _, prime, _ in places)
    for (block, prime, pair), opened in zip(places, workers.map(open_slots, tasks), strict=True):
        part = shares[prime, pair, block * RING : (block + 1) * RING]
        part[:] = opened[: len(part)]
    incoming.end()
    return shares


def _answers(
    chunks: Iterable[bytes],
    under: tuple[Columns, ...],
    shares: SlotShares,
    layout: Layout,
    randomness: Randomness,
    workers: Workers,
    key: bytes,
    sender: str,
) -> Iterator[bytes]:
    """Give the confirmation, then the answers of each block, and fill the shares in."""
    incoming = ArrivingChunks(chunks, COLUMN_BYTES, sender)
    incoming.confirm(key, COLUMNS, layout)
    zeros = [incoming.next() for _ in range(layout.primes_used)]
    used = [prime for prime in range(layout.primes_used) if layout.pairs_under(prime)]
    left, right = {p: layout.list_left(p) for p in used}, {p: layout.right_under(p) for p in used}
    pairs = {
        p: tuple((left[p].index(layout.pairs[k][0]), right[p].index(layout.pairs[k][1])) for k in layout.pairs_under(p))
        for p in used
    }
    parts = [(block, p) for block in range(layout.blocks if used else 0) for p in used]

    def multiplications() -> Iterator[MultiplyTask]:
        for block, p in parts:
            arrived = (tuple(incoming.next() for _ in left[p]),)
            blocks = cut_blocks(under[p], right[p], block, block + 1)
            yield MultiplyTask(p, key, zeros[p], arrived, block, left[p], blocks, pairs[p], ternary(randomness), sender)
        incoming.end()

    def answers() -> Iterator[FinishTask]:
        for (block, p), totals in zip(parts, workers.map(multiply, multiplications()), strict=True):
            for pair, total in zip(layout.pairs_under(p), totals, strict=True):
                mask = uniform_mod(randomness, PRIMES[p], RING)
                kept = shares[p, pair, block * RING : (block + 1) * RING]
                kept[:] = (-mask.astype(np.int64) % PRIMES[p])[: len(kept)]
                yield FinishTask(p, key, zeros[p], total, mask, errors(randomness, scheme(p).flood_width), sender)

    yield confirmation(key, PRODUCTS, layout.digest())
    yield from workers.map(finish, answers())
    if not parts:
        incoming.end()
