"""A node's list of masked points, and what the others and the coordinator make of it (docs/protocol.md §5).

    point of person i at pass p = X25519(k', H(len‖job secret‖len‖p‖len‖token_ip))        own_list, at the owner
    ring: every other node multiplies by its k                                            remasked
    two agencies: the last node gives the coordinator tags; k' = k                        tagged
    more: it gives points, the owner gives d ≡ k/k', the coordinator makes the tags       correct_tags
    tag = SHA-256(len‖"TS1 tag"‖len‖job digest‖len‖p‖u)[:16]

H is RFC 9380 with `DST`. A row of a list is one person at all passes, so the coordinator can resolve passes from strict to
loose.

Security: who sees points under a mask it does not have sees random points (DDH on the subgroup of prime order). The
coordinator, or whoever has two lists under the same masks, sees which rows coincide at which passes, and no more: without the
job secret no identifier can be tried against a tag.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from tallystick.crypto import kernel
from tallystick.crypto.codec import derive, frame
from tallystick.crypto.decoys import coins, decoy_shapes, decoy_tokens
from tallystick.crypto.errors import LocalFault
from tallystick.crypto.kernel import POINT, Offsets, Points
from tallystick.crypto.masks import read_correction
from tallystick.crypto.padding import padme
from tallystick.crypto.passes import Ladder
from tallystick.crypto.point_work import hash_points, mask_own
from tallystick.crypto.points import find_repeated, random_points
from tallystick.crypto.randomness import Randomness, permutation
from tallystick.crypto.workers import SERIAL, Workers

DST: Final = b"TS1-V01-CS01-with-curve25519_XMD:SHA-512_ELL2_RO_"
"""Domain separation tag of token hashes (RFC 9380 §3.1)."""

NOBODY: Final = -1
"""The person of a row that is a decoy or padding."""
NO_DECOY: Final = -1
"""The decoy of a row that is a person or padding."""
OF_SIMILARITY: Final = -2
"""The decoy of a row that is one of the similarity pass: such have no numbers, because whether two of them are linked is not certain."""

_BLOCK: Final = 1 << 17
"""Rows that are put into order and masked at a time: no second copy of a long list is made."""
_CONTRIBUTION: Final = 32
_ATTEMPT: Final = 4


@dataclass(frozen=True, eq=False)
class TokenColumn:
    """The tokens of n people for one pass.

    Attributes:
        data: canonical tokens, one after another.
        offsets: n + 1 positions in `data`; person i has data[offsets[i]:offsets[i+1]].
        usable: n; false where an identifier is missing or denied. What `data` holds there is ignored.

    Raises:
        LocalFault: `tokens-shape`; `token-empty`: a usable token of no bytes, which would match every other one.
    """

    data: bytes = field(repr=False)
    offsets: Offsets = field(repr=False)
    usable: npt.NDArray[np.bool_] = field(repr=False)

    def __post_init__(self) -> None:
        flags = self.usable.dtype == np.bool_ and self.usable.ndim == 1
        if not flags or self.offsets.dtype != np.int64 or self.offsets.shape != (len(self.usable) + 1,):
            raise LocalFault("tokens-shape", "a token column needs n + 1 offsets of 64 bits and n flags")
        lengths = np.diff(self.offsets)
        if (lengths < 0).any() or self.offsets[0] < 0 or self.offsets[-1] > len(self.data):
            raise LocalFault("tokens-shape", "a token column's offsets must rise within its data")
        if (lengths[self.usable] == 0).any():
            raise LocalFault("token-empty", "a usable token is empty")

    def usable_only(self) -> tuple[bytes | memoryview, Offsets]:
        """Give data and offsets of the usable tokens alone, in order."""
        start, end = int(self.offsets[0]), int(self.offsets[-1])
        lengths = np.diff(self.offsets)
        kept = np.concatenate(([0], np.cumsum(lengths[self.usable]))).astype(np.int64)
        view = memoryview(self.data)[start:end]
        if kept[-1] == end - start:
            return view, kept
        return np.frombuffer(view, dtype=np.uint8)[np.repeat(self.usable, lengths)].tobytes(), kept


class PassTokens(Mapping[str, TokenColumn]):
    """The tokens of all passes of a job, strict to loose: of the exact ones, then of the bands."""

    def __init__(self, exact: Mapping[str, TokenColumn], bands: Mapping[str, TokenColumn]) -> None:
        self._exact = exact
        self._bands = bands

    def __getitem__(self, name: str) -> TokenColumn:
        """Give the tokens of one pass."""
        return self._exact[name] if name in self._exact else self._bands[name]

    def __iter__(self) -> Iterator[str]:
        """Give the passes' names in order."""
        yield from self._exact
        yield from self._bands

    def __len__(self) -> int:
        """Give how many passes there are."""
        return len(self._exact) + len(self._bands)


@dataclass(frozen=True, eq=False)
class OwnList:
    """A node's masked list, in its secret order.

    Attributes:
        passes: how many.
        rows: of each pass, padding included.
        persons: (rows,): the index of the person, or `NOBODY`. It stays at the node.
        decoys: (rows,): place of the pass among the exact ones · m + number of the decoy there; `NO_DECOY`, or `OF_SIMILARITY`. It stays at the
            node.
        held: (rows, ⌈exact passes/8⌉): at which exact passes a decoy of one has a token, a bit each, the highest first; 0 for other rows. It
            stays at the node.
        blocks: the masked points, pass after pass in ladder order, some rows (n, 32) at a time; made as they are read, once.
    """

    passes: int
    rows: int
    persons: npt.NDArray[np.int64] = field(repr=False)
    decoys: npt.NDArray[np.int32] = field(repr=False)
    held: npt.NDArray[np.uint8] = field(repr=False)
    blocks: Iterator[Points] = field(repr=False)

    @cached_property
    def points(self) -> Points:
        """All points, (passes, rows, 32); reads `blocks`."""
        whole = np.empty((self.passes * self.rows, POINT), dtype=np.uint8)
        position = 0
        for block in self.blocks:
            whole[position : position + len(block)] = block
            position += len(block)
        return whole.reshape(self.passes, self.rows, POINT)


def job_secret(common: Mapping[str, bytes], job_digest: bytes, attempt: int) -> bytes:
    """Give the 32 bytes that all agencies of a job share and the coordinator never has.

    Args:
        common: each agency's common contribution, 32 random bytes, by the agency's name.
        job_digest: the job's.
        attempt: 1, 2 or 3.

    Raises:
        LocalFault: `contribution-length`; `contributions-too-few`: fewer than two agencies.

    Security: uniform to whoever misses one contribution. One honest agency suffices.
    """
    if len(common) < 2:
        raise LocalFault("contributions-too-few", "a job secret needs two agencies or more")
    if any(len(part) != _CONTRIBUTION for part in common.values()):
        raise LocalFault("contribution-length", "a contribution must be 32 bytes")
    parts = frame(*(part for name in sorted(common) for part in (name.encode(), common[name])))
    return derive(parts, "job secret", job_digest, attempt.to_bytes(_ATTEMPT, "big"))


def rows_of(people: int, passes: int, decoys: int) -> int:
    """Give the number of rows of a list: Padmé of the people and of all decoys that could be in it, so that no coin shows.

    Args:
        people: how many.
        passes: linkage passes; all bands of a similarity pass are one.
        decoys: m, of each pass.
    """
    return padme(people + passes * decoys)


def own_list(
    passes: Mapping[str, TokenColumn],
    people: int,
    *,
    ladder: Ladder,
    secret: bytes,
    job_digest: bytes,
    coin_key: bytes,
    decoys: int,
    scalar: bytes,
    randomness: Randomness,
    workers: Workers = SERIAL,
    fill: int | None = None,
) -> OwnList:
    """Make a node's list: people, the decoys that its coins chose, padding; permuted, then masked.

    A person without a usable token at a pass has a random point there, and so have all whose token another person of the same
    node has too: an ambiguous token matches nobody (S-10). A decoy has tokens from the job secret at its own pass and at looser
    ones as its shape says (`decoy_shapes`), and random points elsewhere, so it matches first at its own pass.

    Args:
        passes: the tokens by pass, in the ladder's order; each is asked for once, when its points are read.
        people: how many people each pass has.
        ladder: what the passes are.
        secret: the job secret.
        job_digest: the job's.
        coin_key: this node's stored secret for decoy coins.
        decoys: m, of each pass.
        scalar: k with two agencies, k' with more.
        randomness: for random points and the order.
        workers: who hashes and masks.
        fill: how many rows the list has, whatever people there are; None: `rows_of(...)`.

    Returns:
        A list of `rows_of(...)` rows, or of `fill`; its points are hashed and masked as they are read.

    Raises:
        LocalFault: `tokens-passes`: tokens of other passes than the ladder's; `rows-too-few`: `fill` is below `rows_of(...)`. While points are
            read, `tokens-people`: a pass has tokens of more or fewer people.

    Security: the list's length depends on the bucket of the number of people only, with `fill` on nothing of the people; the order is
    uniform and the same at all passes.
    """
    if tuple(passes) != ladder.names:
        raise LocalFault("tokens-passes", "a list must have tokens of its ladder's passes, in their order")
    rows = rows_of(people, len(ladder.decoys), decoys)
    if fill is not None:
        if fill < rows:
            raise LocalFault("rows-too-few", "a list has more people than its declaration allows")
        rows = fill
    chosen = {name: np.flatnonzero(coins(coin_key, job_digest, name, decoys)) for name in ladder.decoys}
    shapes = {name: decoy_shapes(secret, name, ladder, decoys)[:, here] for name, here in chosen.items()}
    numbered = {one.decoys for one in ladder.exact}
    order = permutation(randomness, rows)

    def blocks() -> Iterator[Points]:
        for index, name in enumerate(ladder.names):
            prefix = frame(secret, name.encode())
            hashed, known = _people(prefix, _of(people, passes[name]), rows, workers)
            position = people
            for own_pass, here in chosen.items():
                present = np.flatnonzero(shapes[own_pass][index])
                if len(present):
                    hashed[position + present] = _hash(prefix, decoy_tokens(secret, own_pass, name, decoys)[here[present]])
                    known[position + present] = True
                position += len(here)
            hashed[~known] = random_points(randomness, rows - int(known.sum()))
            ordered = (hashed.take(order[start : start + _BLOCK], axis=0) for start in range(0, rows, _BLOCK))
            yield from mask_own(scalar, ordered, workers)

    persons = np.full(rows, NOBODY, dtype=np.int64)
    persons[:people] = np.arange(people, dtype=np.int64)
    numbers = np.full(rows, NO_DECOY, dtype=np.int32)
    held = np.zeros((rows, -(-len(ladder.exact) // 8)), dtype=np.uint8)
    position = people
    for at, (own_pass, here) in enumerate(chosen.items()):
        numbers[position : position + len(here)] = at * decoys + here if own_pass in numbered else OF_SIMILARITY
        if own_pass in numbered:
            held[position : position + len(here)] = np.packbits(shapes[own_pass][: len(ladder.exact)], axis=0).T
        position += len(here)
    return OwnList(len(ladder.passes), rows, persons[order], numbers[order], held[order], blocks())


def _of(people: int, column: TokenColumn) -> TokenColumn:
    if len(column.usable) != people:
        raise LocalFault("tokens-people", f"every pass must have tokens of {people} people")
    return column


def _people(prefix: bytes, column: TokenColumn, rows: int, workers: Workers) -> tuple[Points, npt.NDArray[np.bool_]]:
    """Give an array (rows, 32) that begins with the points of people, and which rows of it are set."""
    hashed = np.empty((rows, POINT), dtype=np.uint8)
    known = np.zeros(rows, dtype=np.bool_)
    found = hash_points(DST, prefix, *column.usable_only(), workers)
    shared = find_repeated(found)  # equal tokens have equal points
    if len(found) == len(column.usable) and not shared.any():  # as with numbers of people: nothing need be picked
        hashed[: len(found)] = found
        known[: len(found)] = True
        return hashed, known
    holders = np.flatnonzero(column.usable)[~shared]
    hashed[holders] = found[~shared]
    known[holders] = True
    return hashed, known


def _hash(prefix: bytes, tokens: Points) -> Points:
    count, width = tokens.shape
    return kernel.hash_to_curve(DST, prefix, tokens.tobytes(), np.arange(count + 1, dtype=np.int64) * width)


def tag_prefix(job_digest: bytes, pass_id: str) -> bytes:
    """Give what is hashed before a point: the tags of one job and pass mean nothing in another."""
    return frame(b"TS1 tag", job_digest, pass_id.encode())


def compute_tags(points: Points, job_digest: bytes, pass_id: str) -> Points:
    """Give the tags (n, 16) of points (n, 32) under all masks. For others' lists only: an owner never makes its own tags."""
    return kernel.hash_tags(tag_prefix(job_digest, pass_id), points)


def correct_tags(
    points: Points, correction: bytes, *, job_digest: bytes, passes: Sequence[str], sender: str, workers: int = 1
) -> Points:
    """Give the tags of a list at the coordinator, with three or more agencies.

    Args:
        points: (passes, rows, 32) as the last node of the ring sent them, read with `points.read_points`.
        correction: d, as the owner sent it.
        job_digest: the job's.
        passes: the passes' names, in ladder order.
        sender: the owner, who sent the correction.
        workers: threads for masking.

    Returns:
        (passes, rows, 16): the same tag for the same token at the same pass, whoever owns the list.

    Raises:
        PeerFault: `correction-invalid`.
    """
    scalar = read_correction(correction, sender=sender)
    return np.stack(
        [compute_tags(kernel.mask(scalar, at, workers), job_digest, name) for at, name in zip(points, passes, strict=True)]
    )
