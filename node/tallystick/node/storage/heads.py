"""The head of a node's own log: the Merkle tree over its entries, worked out as the log grows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from tallystick.crypto.logtree import Heads, hash_leaf
from tallystick.node.entries import Event, OwnHead

_PAGE: Final = 1000


class LogHeads:
    """Reads each entry once in the life of a process; then only what is new."""

    def __init__(self) -> None:
        self._heads = Heads()

    def advance(self, events: Callable[[int, int], Sequence[Event]]) -> OwnHead:
        """Take in what is new, and give the head of the whole log.

        Args:
            events: reads entries after a number, at most so many, and checks their chain.

        Raises:
            What reading raises.
        """
        while page := events(self._heads.size, _PAGE):
            for event in page:
                self._heads.append(hash_leaf(event.entry))
        return OwnHead(self._heads.size, self._heads.head())
