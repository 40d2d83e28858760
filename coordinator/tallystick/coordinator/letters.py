"""Boxes for sealed letters. A coordinator without a database server has them in memory alone: nothing of a letter reaches a disk or a log.

Letters are lost when the process ends; whoever waits for an answer asks again. Coordinators that share a database share the boxes as well
(`storage/letters.py`). All methods are of the event loop's thread.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

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


class Boxes(Protocol):
    """What the service of letters asks of boxes. Methods raise `NotReady` while the boxes cannot be reached."""

    async def announce(self, agency: str, document: bytes) -> None:
        """Keep what letters to an agency are sealed to."""
        ...

    async def find_door(self, agency: str) -> bytes:
        """Give what an agency announced."""
        ...

    async def post(self, letters: Sequence[tuple[str, bytes]]) -> None:
        """Put letters into boxes, all or none."""
        ...

    async def collect(self, box: str, taken: Sequence[bytes], most: int) -> list[tuple[bytes, bytes]]:
        """Drop letters that their receiver has; give the oldest others of the box, each with its name."""
        ...

    async def wait(self, box: str) -> None:
        """Return when a letter is in a box that was empty."""
        ...


class OwnBoxes:
    """Implements `Boxes` in this process alone."""

    def __init__(self, office: PostOffice) -> None:
        self._office = office

    async def announce(self, agency: str, document: bytes) -> None:
        """Keep what letters to an agency are sealed to."""
        self._office.announce(agency, document)

    async def find_door(self, agency: str) -> bytes:
        """Give what an agency announced.

        Raises:
            NotReady: `unavailable`: nothing since the coordinator started.
        """
        return self._office.find_door(agency)

    async def post(self, letters: Sequence[tuple[str, bytes]]) -> None:
        """Put letters into boxes, all or none.

        Raises:
            Invalid: `document-invalid`: a letter of another size. NotReady: `busy`: the boxes are full.
        """
        self._office.post(letters)

    async def collect(self, box: str, taken: Sequence[bytes], most: int) -> list[tuple[bytes, bytes]]:
        """Drop letters that their receiver has; give the oldest others of the box, each with its name."""
        self._office.take(box, taken)
        return self._office.read(box, most)

    async def wait(self, box: str) -> None:
        """Return when a letter is in a box that was empty."""
        await self._office.listen(box).wait()


def check_letters(letters: Sequence[tuple[str, bytes]]) -> None:
    """Refuse letters of another size, which could be told from others.

    Raises:
        Invalid: `document-invalid`.
    """
    if any(len(sealed) != LETTER_BYTES for _, sealed in letters):
        raise Invalid("document-invalid", f"a letter has {LETTER_BYTES} bytes")


def check_room(held: Mapping[str, int], letters: Sequence[tuple[str, bytes]]) -> None:
    """Refuse letters for which there is no room.

    Args:
        held: how many letters each box has.
        letters: what comes in.

    Raises:
        NotReady: `busy`.
    """
    added = Counter(box for box, _ in letters)
    full = any(held.get(box, 0) + more > MOST_IN_BOX for box, more in added.items())
    if full or sum(held.values()) + len(letters) > MOST_IN_ALL:
        raise NotReady("busy", "there are more letters than the coordinator keeps", hint="try again later")


def name_letter() -> bytes:
    """Draw the name by which a receiver says that it has a letter."""
    return SystemRandomness().take(_NAME)


class PostOffice:
    """The boxes of all members, and what agencies announced."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._boxes: dict[str, _Box] = {}
        self._doors: dict[str, bytes] = {}

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
        coming = list(letters)
        check_letters(coming)
        self._forget_old()
        check_room({box: len(one.letters) for box, one in self._boxes.items()}, coming)
        now = self._clock.now()
        for box, sealed in coming:
            there = self._boxes.setdefault(box, _Box())
            there.letters[name_letter()] = _Held(sealed, now)
            there.news.set()

    def take(self, box: str, names: Iterable[bytes]) -> None:
        """Drop letters that their receiver has."""
        there = self._boxes.get(box)
        if there is not None:
            for name in names:
                there.letters.pop(name, None)

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
