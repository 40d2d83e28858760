"""The heavy parts of `products.py`: module-level functions over picklable tasks, so that worker processes can run them.

What a peer sent is parsed here and nowhere else: a child that a hostile chunk could kill is a child only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from tallystick.crypto.bfv import (
    DATA,
    Message,
    Scheme,
    drop_prime,
    pack_residues,
    read_answer,
    read_column,
    scheme,
)
from tallystick.crypto.errors import PeerFault
from tallystick.crypto.expansion import column_c1, zero_c1
from tallystick.crypto.flooding import RING, Errors, add_flood
from tallystick.crypto.ntt import transform, transform_back, transform_under
from tallystick.crypto.randomness import SeededRandomness
from tallystick.crypto.residues import add, add_products, reduce_small
from tallystick.crypto.residues import multiply as multiply_residues
from tallystick.crypto.seal_bytes import Polynomials

R = TypeVar("R")

GROUP_BYTES = 16 << 20
"""Ciphertexts of a task that lie unpacked at once."""


def begin() -> None:
    """Make what every task needs: called in a worker before its first task, it saves that task the wait."""
    scheme(0)
    for prime in (*DATA, scheme(0).plain):
        transform_under(prime)


@dataclass(frozen=True)
class EncryptTask:
    """Blocks to encrypt.

    Attributes:
        parts: for each prime in use: its index, its secret key, which columns.
        blocks: int64[columns, blocks, up to 8192].
        first: index of the first of these blocks in a column.
        zeros: also give an encryption of zero for each prime, first.
        key: the exchange's, from which every c1 is expanded.
        seed: of the errors; 32 bytes, used once.
    """

    parts: tuple[tuple[int, bytes, tuple[int, ...]], ...] = field(repr=False)
    blocks: npt.NDArray[np.int64] = field(repr=False)
    first: int
    zeros: bool
    key: bytes = field(repr=False)
    seed: bytes = field(repr=False)


def encrypt(task: EncryptTask) -> list[bytes]:
    """Give the chunks of a task, c0 alone: for block, for prime, for column."""
    randomness = SeededRandomness(task.seed)
    chunks: dict[tuple[int, int, int], bytes] = {}
    for prime, secret, columns in task.parts:
        places = [(block, column) for block in range(task.blocks.shape[1]) for column in columns]
        messages: list[Message] = [
            (column_c1(task.key, prime, task.first + block, column, DATA, RING), task.blocks[column, block])
            for block, column in places
        ]
        if task.zeros:
            places.insert(0, (-1, 0))
            messages.insert(0, (zero_c1(task.key, prime, DATA, RING), None))
        for (block, column), c0 in zip(places, scheme(prime).encrypt(secret, messages, randomness), strict=True):
            chunks[block, prime, column] = pack_residues(c0)
    return [chunks[place] for place in sorted(chunks)]


@dataclass(frozen=True)
class MultiplyTask:
    """Some blocks of products under one prime.

    Attributes:
        prime: its index.
        key: the exchange's, from which every c1 is expanded.
        zero: c0 of the encryptor's encryption of zero.
        chunks: c0 of the encryptor's ciphertexts, [block][column].
        first: index of the first of these blocks in a column.
        columns: the index in the layout of each of a block's chunks.
        blocks: this side's values, int64[columns, blocks, up to 8192].
        pairs: indices into a block's chunks and into `blocks`.
        ternary: int8[N]; a fresh encryption of zero is made with it to start the sums from, so that no sum is ever transparent.
        sender: whose chunks these are.
    """

    prime: int
    key: bytes = field(repr=False)
    zero: bytes = field(repr=False)
    chunks: tuple[tuple[bytes, ...], ...] = field(repr=False)
    first: int
    columns: tuple[int, ...]
    blocks: npt.NDArray[np.int64] = field(repr=False)
    pairs: tuple[tuple[int, int], ...]
    ternary: npt.NDArray[np.int8] = field(repr=False)
    sender: str


def _guard(work: Callable[[], R], sender: str) -> R:
    """Run SEAL on what a peer sent; whatever it refuses is the peer's fault."""
    try:
        return work()
    except (RuntimeError, ValueError) as fault:
        raise PeerFault("ciphertext-refused", "a ciphertext cannot be computed with", sender=sender) from fault


def _encrypt_zero(own: Scheme, key: bytes, zero: bytes, factor: npt.NDArray[np.int8], sender: str) -> Polynomials:
    """Give the encryptor's encryption of zero times a small polynomial, another encryption of zero: uint64[2, primes, N] in NTT form."""
    read = np.stack([read_column(zero, sender=sender), zero_c1(key, own.index, DATA, RING)])
    return multiply_residues(read, np.stack([transform(reduce_small(factor, DATA), DATA)] * 2), DATA)


def multiply(task: MultiplyTask) -> Polynomials:
    """Give, for each pair, Σ over the blocks of ciphertext times plaintext in NTT form: uint64[pairs, 2, primes, N].

    In NTT form a product of polynomials is one of values, so none is SEAL's: `residues.add_products`. A block that is zero throughout takes
    as long as another.
    """
    own = scheme(task.prime)
    fresh = _encrypt_zero(own, task.key, task.zero, task.ternary, task.sender)
    sums = np.repeat(fresh[None], len(task.pairs), axis=0)
    step = max(1, GROUP_BYTES // max(1, fresh.nbytes * len(task.columns)))
    for start in range(0, len(task.chunks), step):
        places = range(start, min(start + step, len(task.chunks)))
        left = [[_read(own, task, place, at) for at in range(len(task.columns))] for place in places]
        right = [[own.transform_slots(row) for row in task.blocks[:, place]] for place in places]
        add_products(sums, np.array(left), np.array(right), task.pairs, DATA)
    return sums


def _read(own: Scheme, task: MultiplyTask, place: int, at: int) -> Polynomials:
    """Give a peer's c0 of one block of a column with the c1 that is not the peer's: uint64[2, primes, N] in NTT form."""
    c1 = column_c1(task.key, own.index, task.first + place, task.columns[at], DATA, RING)
    return np.stack([read_column(task.chunks[place][at], sender=task.sender), c1])


@dataclass(frozen=True)
class FinishTask:
    """One product to hide and return.

    Attributes:
        prime: its index.
        key: the exchange's, from which every c1 is expanded.
        zero: c0 of the encryptor's encryption of zero.
        total: the accumulated sum in NTT form, uint64[2, primes, N].
        mask: a value below t for each slot, uint64[N].
        errors: see `flooding.py`.
        sender: whose encryption of zero this is.
    """

    prime: int
    key: bytes = field(repr=False)
    zero: bytes = field(repr=False)
    total: Polynomials = field(repr=False)
    mask: npt.NDArray[np.uint64] = field(repr=False)
    errors: Errors = field(repr=False)
    sender: str


def hide_product(task: FinishTask) -> Polynomials:
    """Give a product with its mask in every slot and its errors added, at the data level: uint64[2, primes, N]."""
    own = scheme(task.prime)
    fresh = _encrypt_zero(own, task.key, task.zero, task.errors.ternary, task.sender)
    product = transform_back(add(task.total, fresh, DATA), DATA)
    product[0] = add(product[0], own.scale(task.mask), DATA)
    return add_flood(product, task.errors, own.flood_width, DATA)


def finish(task: FinishTask) -> bytes:
    """Give the returned chunk of a product: hidden, then dropped to two primes."""
    return pack_residues(drop_prime(hide_product(task)))


@dataclass(frozen=True)
class OpenTask:
    """Returned chunks to decrypt under one prime."""

    prime: int
    secret: bytes = field(repr=False)
    chunk: bytes = field(repr=False)
    sender: str


def open_slots(task: OpenTask) -> npt.NDArray[np.int64]:
    """Give a returned product's slots mod t, int64[N]: the encryptor's shares at them."""
    own = scheme(task.prime)
    coefficients = read_answer(task.chunk, sender=task.sender)
    slots = _guard(lambda: own.slots(own.decryptor(task.secret), own.ciphertext(coefficients)), task.sender)
    return slots.astype(np.int64)


def open_sum(task: OpenTask) -> int:
    """Give the sum of a returned product's slots mod t: the encryptor's share."""
    return int(open_slots(task).sum()) % scheme(task.prime).plain  # 2^13 values below 2^30
