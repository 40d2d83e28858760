"""The Merkle tree of an append-only log: heads, and proofs that an entry is in it.

Source: RFC 6962 §2.1 (hashes, audit paths); the verification is that of RFC 9162 §2.1.3.2. Hash: SHA-256; a leaf is hashed with a zero
byte before it, a node with a one.

Security: a head commits to every entry and to their order. Whoever holds a head of size m finds in the log whether its first m entries are
still what they were. A proof shows hashes of other entries, so an entry that could be guessed must be hashed with something that cannot
(a node's log adds a salt).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final

HASH_BYTES: Final = 32
EMPTY: Final = sha256(b"").digest()
"""The head of a log without entries."""
_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"


def hash_leaf(entry: bytes) -> bytes:
    """Hash an entry: 32 bytes."""
    return sha256(_LEAF + entry).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """Hash two nodes of 32 bytes that stand beside each other: 32 bytes."""
    return sha256(_NODE + left + right).digest()


class Heads:
    """The head of a log that grows: keeps one hash a level, so an entry costs a few hashes and the log is not read again."""

    def __init__(self) -> None:
        """Begin with no entry."""
        self.size = 0
        self._full: list[tuple[int, bytes]] = []  # (leaves, hash) of the largest full trees, from left to right

    def append(self, leaf: bytes) -> None:
        """Add the hash of the next leaf."""
        leaves, value = 1, leaf
        while self._full and self._full[-1][0] == leaves:
            value = hash_node(self._full.pop()[1], value)
            leaves *= 2
        self._full.append((leaves, value))
        self.size += 1

    def head(self) -> bytes:
        """Work out the head of all leaves so far: 32 bytes."""
        if not self._full:
            return EMPTY
        value = self._full[-1][1]
        for _, left in reversed(self._full[:-1]):
            value = hash_node(left, value)
        return value


def head_of(leaves: Iterable[bytes]) -> bytes:
    """Work out the head of a log from the hashes of its leaves."""
    heads = Heads()
    for leaf in leaves:
        heads.append(leaf)
    return heads.head()


def prove_inclusion(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Prove that a leaf is in the log: its audit path, from the leaf up (RFC 6962 §2.1.1).

    Args:
        leaves: hashes of all leaves of the log at the size that the proof is for.
        index: which leaf, from 0.

    Raises:
        ValueError: there is no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise ValueError("no such leaf")
    if len(leaves) == 1:
        return []
    split = _split(len(leaves))
    if index < split:
        return [*prove_inclusion(leaves[:split], index), head_of(leaves[split:])]
    return [*prove_inclusion(leaves[split:], index - split), head_of(leaves[:split])]


def is_included(leaf: bytes, index: int, size: int, path: Sequence[bytes], head: bytes) -> bool:
    """Tell whether an audit path shows that a leaf is in a log (RFC 9162 §2.1.3.2).

    Args:
        leaf: its hash.
        index: its place, from 0.
        size: leaves of the log.
        path: the audit path.
        head: of the log at that size.
    """
    if not 0 <= index < size:
        return False
    place, last, value = index, size - 1, leaf
    for one in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            value = hash_node(one, value)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            value = hash_node(value, one)
        place, last = place >> 1, last >> 1
    return last == 0 and value == head


def _split(size: int) -> int:
    """Find the largest power of two below a size of two or more."""
    return int(1 << ((size - 1).bit_length() - 1))
