"""The heavy parts of `products.py`: module-level functions over picklable tasks, so that worker processes can run them.

What a peer sent is parsed here and nowhere else: a child that a hostile chunk could kill is a child only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from tallystick.crypto.bfv import (
    DATA,
    DATA_PRIMES,
    RETURNED_PRIMES,
    Message,
    Scheme,
    pack_residues,
    read_answer,
    read_column,
    scheme,
)
from tallystick.crypto.errors import PeerFault
from tallystick.crypto.expansion import column_c1, zero_c1
from tallystick.crypto.flooding import RING, Errors, add_flood
from tallystick.crypto.randomness import SeededRandomness
from tallystick.crypto.residues import Residues
from tallystick.crypto.seal_bytes import Polynomials, load_seal

R = TypeVar("R")


def begin() -> None:
    """Make what every task needs: called in a worker before its first task, it saves that task the wait."""
    scheme(0)


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


def _read(own: Scheme, chunk: bytes, c1: Residues, sender: str) -> Any:
    """Give a peer's c0 with the c1 that is not the peer's, as a data-level ciphertext in NTT form."""
    return own.ciphertext(np.stack([read_column(chunk, sender=sender), c1]), ntt=True)


def _read_zero(own: Scheme, key: bytes, chunk: bytes, sender: str) -> Any:
    return _read(own, chunk, zero_c1(key, own.index, DATA, RING), sender)


def multiply(task: MultiplyTask) -> Polynomials:
    """Give, for each pair, Σ over the blocks of ciphertext times plaintext in NTT form: uint64[pairs, 2, primes, N].

    A block that is zero throughout, which SEAL would refuse, is multiplied as ones and added to a sum that nobody reads: the
    time does not tell it from others.
    """
    return _guard(lambda: _multiply(scheme(task.prime), task), task.sender)


def _multiply(own: Scheme, task: MultiplyTask) -> Polynomials:
    evaluator = own.evaluator
    zero, start = _read_zero(own, task.key, task.zero, task.sender), own.ntt(own.small_plaintext(task.ternary))
    new = load_seal().Ciphertext
    sums = [new() for _ in (*task.pairs, None)]
    for total in sums:
        evaluator.multiply_plain(zero, start, total)
    unread = sums.pop()
    product = new()
    for place, chunks in enumerate(task.chunks):
        left = [
            _read(own, chunk, column_c1(task.key, own.index, task.first + place, column, DATA, RING), task.sender)
            for column, chunk in zip(task.columns, chunks, strict=True)
        ]
        values = task.blocks[:, place] % own.plain
        present: npt.NDArray[np.bool_] = np.any(values, axis=1)
        values[~present] = 1
        right = [own.ntt(own.plaintext(row)) for row in values]
        for (i, j), total in zip(task.pairs, sums, strict=True):
            evaluator.multiply_plain(left[i], right[j], product)
            evaluator.add_inplace(total if present[j] else unread, product)
    return np.stack([own.polynomials(total, DATA_PRIMES, ntt=True) for total in sums])


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
    return _guard(lambda: _hide(scheme(task.prime), task), task.sender)


def _hide(own: Scheme, task: FinishTask) -> Polynomials:
    total, fresh = own.ciphertext(task.total, ntt=True), _read_zero(own, task.key, task.zero, task.sender)
    own.evaluator.multiply_plain_inplace(fresh, own.ntt(own.small_plaintext(task.errors.ternary)))
    own.evaluator.add_inplace(total, fresh)
    own.evaluator.transform_from_ntt_inplace(total)
    own.evaluator.add_plain_inplace(total, own.plaintext(task.mask))
    return add_flood(own.polynomials(total, DATA_PRIMES), task.errors, own.flood_width, DATA)


def finish(task: FinishTask) -> bytes:
    """Give the returned chunk of a product: hidden, then dropped to two primes."""
    own, coefficients = scheme(task.prime), hide_product(task)
    return _guard(lambda: pack_residues(own.polynomials(own.drop(own.ciphertext(coefficients)), RETURNED_PRIMES)), task.sender)


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
