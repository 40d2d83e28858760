"""Boxes for sealed letters, in memory alone: nothing of a letter reaches a disk, a log or a database of the coordinator.

Letters are lost when the process ends; whoever waits for an answer asks again. All methods are of the event loop's thread.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from tallystick.core.clock import Clock
from tallystick.core.consent.letters import LETTER_BYTES
from tallystick.core.errors import Invalid, NotReady
from tallystick.crypto.randomness import SystemRandomness

MOST_IN_BOX: Final = 2000
MOST_IN_ALL: Final = 4000
"""Letters: at 33 KiB each, 130 MiB."""
KEPT: Final = timedelta(hours=1)
_NAME: Final = 16


@dataclass(frozen=True)
class _Held:
    sealed: bytes = field(repr=False)
    posted: datetime


@dataclass
class _Box:
    """The letters of one member, by their names, and what wakes it."""

    letters: OrderedDict[bytes, _Held] = field(default_factory=OrderedDict)
    news: asyncio.Event = field(default_factory=asyncio.Event)


class PostOffice:
    """The boxes of all members, and what agencies announced."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._boxes: dict[str, _Box] = {}
        self._doors: dict[str, bytes] = {}
        self._count = 0

    def announce(self, agency: str, document: bytes) -> None:
        """Keep what letters to an agency are sealed to."""
        self._doors[agency] = document

    def find_door(self, agency: str) -> bytes:
        """Give what an agency announced.

        Raises:
            NotReady: `unavailable`: nothing since the coordinator started.
        """
        if agency not in self._doors:
            raise NotReady("unavailable", f"{agency}'s node takes no letters now", hint="try again when it runs")
        return self._doors[agency]

    def post(self, letters: Iterable[tuple[str, bytes]]) -> None:
        """Put letters into boxes, all or none.

        Args:
            letters: box and sealed letter.

        Raises:
            Invalid: `document-invalid`: a letter of another size.
            NotReady: `busy`: the boxes are full.
        """
        held = list(letters)
        if any(len(sealed) != LETTER_BYTES for _, sealed in held):
            raise Invalid("document-invalid", f"a letter has {LETTER_BYTES} bytes")
        self._forget_old()
        added: dict[str, int] = {}
        for box, _ in held:
            added[box] = added.get(box, 0) + 1
        full = any(len(self._boxes[box].letters) + more > MOST_IN_BOX for box, more in added.items() if box in self._boxes)
        if full or self._count + len(held) > MOST_IN_ALL:
            raise NotReady("busy", "there are more letters than the coordinator keeps", hint="try again later")
        source, now = SystemRandomness(), self._clock.now()
        for box, sealed in held:
            there = self._boxes.setdefault(box, _Box())
            there.letters[source.take(_NAME)] = _Held(sealed, now)
            there.news.set()
        self._count += len(held)

    def take(self, box: str, names: Iterable[bytes]) -> None:
        """Drop letters that their receiver has."""
        there = self._boxes.get(box)
        if there is not None:
            self._count -= sum(there.letters.pop(name, None) is not None for name in names)

    def read(self, box: str, most: int) -> list[tuple[bytes, bytes]]:
        """Give the oldest letters of a box, each with its name."""
        self._forget_old()
        there = self._boxes.setdefault(box, _Box())
        there.news.clear()
        return [(name, held.sealed) for name, held in list(there.letters.items())[:most]]

    def listen(self, box: str) -> asyncio.Event:
        """Give what is set when a letter comes into a box."""
        return self._boxes.setdefault(box, _Box()).news

    def _forget_old(self) -> None:
        since = self._clock.now() - KEPT
        for there in self._boxes.values():
            while there.letters and next(iter(there.letters.values())).posted < since:
                there.letters.popitem(last=False)
                self._count -= 1
