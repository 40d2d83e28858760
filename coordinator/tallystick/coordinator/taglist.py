"""An owner's tags, read pass by pass from where they lie sealed: of a list of many passes two are in memory, not all.

To `matching.py` a list reads like an array (passes, rows, 16), as long as it is read in order. Reading is opening and checking: a bad
value, or a list of another length than it says, is found before the last pass is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from typing import overload

import numpy as np
import numpy.typing as npt

from tallystick.coordinator.matching import TAG_BYTES

Tags = npt.NDArray[np.uint8]
Opened = tuple[int, Iterator[Tags]]
"""Rows of a list, and what comes of it pass by pass."""


class TagList:
    """The tags of one list. While a pass is used, a thread opens and checks the next one.

    Attributes:
        shape: (passes, rows, 16).
        ndim: 3, as of an array.
    """

    ndim = 3

    def __init__(self, opened: Callable[[], Opened], passes: int, threads: Executor) -> None:
        """Begin to read.

        Args:
            opened: opens the list at its beginning; called again when an earlier pass is asked for a second time.
            passes: how many there are.
            threads: where the next pass is read.

        Raises:
            PeerFault: a list that is malformed from the start.
        """
        self._opened = opened
        self._threads = threads
        rows, source = opened()
        self.shape = (passes, rows, TAG_BYTES)
        self._begin(source)

    def __len__(self) -> int:
        """Give how many passes there are."""
        return self.shape[0]

    def __iter__(self) -> Iterator[Tags]:
        """Give the passes in order."""
        return iter(Rest(self, range(len(self))))

    @overload
    def __getitem__(self, place: int) -> Tags: ...

    @overload
    def __getitem__(self, place: slice) -> Rest: ...

    def __getitem__(self, place: int | slice) -> Tags | Rest:
        """Give a pass, (rows, 16), or from one on all that follow. Quick for the next pass; for an earlier one all is read anew.

        Raises:
            IndexError: there is no such pass.
            PeerFault: what was read is bad.
        """
        if isinstance(place, slice):
            return Rest(self, range(len(self))[place])
        return self.at(place)

    def at(self, place: int) -> Tags:
        """Give a pass, (rows, 16).

        Raises:
            As `__getitem__`.
        """
        if not 0 <= place < len(self):
            raise IndexError(place)
        if place < self._next:
            self._begin(self._opened()[1])
        while self._next < place:
            self._following()
        return self._following()

    def finish(self) -> None:
        """Read what is left, so that all of the list has been checked.

        Raises:
            PeerFault: it is bad.
        """
        while self._next < len(self):
            self._following()

    def _begin(self, source: Iterator[Tags]) -> None:
        self._source = source
        self._next = 0
        self._ahead: Future[Tags] = self._threads.submit(next, source)

    def _following(self) -> Tags:
        values = self._ahead.result()
        self._next += 1
        if self._next < len(self):
            self._ahead = self._threads.submit(next, self._source)
        return values


class Rest:
    """Some passes of a list, one after another.

    Attributes:
        shape: (passes, rows, 16).
    """

    def __init__(self, whole: TagList, places: range) -> None:
        """Take the passes of a list that stand at these places."""
        self._whole = whole
        self._places = places
        self.shape = (len(places), *whole.shape[1:])

    def __len__(self) -> int:
        """Give how many they are."""
        return len(self._places)

    def __iter__(self) -> Iterator[Tags]:
        """Give them in order."""
        return map(self._whole.at, self._places)


def whole_passes(
    arrived: Iterator[tuple[int, int, Tags]], passes: int, shape: tuple[int, int], checked: Callable[[int, Tags], Tags]
) -> Iterator[Tags]:
    """Put the rows of a list that arrives together, pass by pass; the last one is given when the list was read to its end.

    Args:
        arrived: as `messages.arriving_list` gives them.
        passes: how many.
        shape: of one pass: rows, and bytes of a value.
        checked: checks a pass, and gives its tags.

    Raises:
        PeerFault: as `arriving_list` and `checked`.
    """
    values = np.empty(shape, dtype=np.uint8)
    last = values
    for at, start, block in arrived:
        values[start : start + len(block)] = block
        if start + len(block) == len(values):
            last = checked(at, values)
            if at + 1 < passes:
                yield last
                values = np.empty(shape, dtype=np.uint8)
    yield last
