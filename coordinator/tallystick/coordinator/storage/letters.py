"""Boxes for sealed letters that coordinators on one PostgreSQL share: a letter that is posted at one is collected at another.

The tables are unlogged: a letter stands in no write-ahead log, on no standby and in no base backup, and is lost when the server dies, as it is
with a coordinator that is alone. Whoever waits for an answer asks again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from tallystick.coordinator.letters import KEPT, check_letters, check_room, name_letter
from tallystick.coordinator.storage.rows import to_seconds
from tallystick.coordinator.storage.tables import doors, letters
from tallystick.core.clock import Clock
from tallystick.core.errors import NotReady

LOOK_SECONDS: Final = 0.2
"""How often a coordinator looks which boxes have letters, while anybody waits for one."""
AWAY_SECONDS: Final = 2.0
_POSTING: Final = 7_225_303
"""Number of the advisory lock under which letters are counted and added."""


class SharedBoxes:
    """Implements `Boxes` in a database, beside other processes. All methods are of the event loop's thread."""

    def __init__(self, engine: sa.Engine, clock: Clock) -> None:
        """Take the database, whose tables are there."""
        self._engine = engine
        self._clock = clock
        self._waits: dict[str, asyncio.Event] = {}
        self._listeners = 0
        self._looking: asyncio.Task[None] | None = None

    async def announce(self, agency: str, document: bytes) -> None:
        """Keep what letters to an agency are sealed to."""
        await asyncio.to_thread(self._announce, agency, document)

    async def find_door(self, agency: str) -> bytes:
        """Give what an agency announced, to whichever coordinator.

        Raises:
            NotReady: `unavailable`: nothing since the database server started, or it is away.
        """
        return await asyncio.to_thread(self._find_door, agency)

    async def post(self, letters: Sequence[tuple[str, bytes]]) -> None:
        """Put letters into boxes, all or none.

        Raises:
            Invalid: `document-invalid`: a letter of another size. NotReady: `busy`: the boxes are full.
        """
        check_letters(letters)
        await asyncio.to_thread(self._post, letters)

    async def collect(self, box: str, taken: Sequence[bytes], most: int) -> list[tuple[bytes, bytes]]:
        """Drop letters that their receiver has; give the oldest others of the box, each with its name."""
        return await asyncio.to_thread(self._collect, box, taken, most)

    async def wait(self, box: str) -> None:
        """Return when a letter is in a box that was empty; one look serves all who wait."""
        event = self._waits.setdefault(box, asyncio.Event())
        event.clear()
        self._listeners += 1
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            await event.wait()
        finally:
            self._listeners -= 1

    async def _look(self) -> None:
        while self._listeners:
            try:
                for box in await asyncio.to_thread(self._list_boxes):
                    if box in self._waits:
                        self._waits[box].set()
            except NotReady:  # the database is away
                await asyncio.sleep(AWAY_SECONDS)
            await asyncio.sleep(LOOK_SECONDS)

    def _announce(self, agency: str, document: bytes) -> None:
        new = insert(doors).values(agency=agency, document=document)
        with self._engine.begin() as connection:
            connection.execute(new.on_conflict_do_update(index_elements=[doors.c.agency], set_={"document": document}))

    def _find_door(self, agency: str) -> bytes:
        with self._engine.begin() as connection:
            found = connection.execute(sa.select(doors.c.document).where(doors.c.agency == agency)).scalar_one_or_none()
        if found is None:
            raise NotReady("unavailable", f"{agency}'s node takes no letters now", hint="try again when it runs")
        return bytes(found)

    def _post(self, coming: Sequence[tuple[str, bytes]]) -> None:
        if not coming:
            return
        with self._fresh() as connection:
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:number)"), {"number": _POSTING})
            counted = connection.execute(sa.select(letters.c.box, sa.func.count()).group_by(letters.c.box))
            check_room({box: int(held) for box, held in counted}, coming)
            now = to_seconds(self._clock.now())
            rows = [{"name": name_letter(), "box": box, "sealed": sealed, "posted": now} for box, sealed in coming]
            connection.execute(letters.insert(), rows)

    def _collect(self, box: str, taken: Sequence[bytes], most: int) -> list[tuple[bytes, bytes]]:
        with self._fresh() as connection:
            if taken:
                connection.execute(letters.delete().where(letters.c.box == box, letters.c.name.in_(list(taken))))
            query = sa.select(letters.c.name, letters.c.sealed).where(letters.c.box == box).order_by(letters.c.number)
            return [(bytes(name), bytes(sealed)) for name, sealed in connection.execute(query.limit(most))]

    def _list_boxes(self) -> list[str]:
        with self._engine.begin() as connection:
            return list(connection.execute(sa.select(letters.c.box).distinct()).scalars())

    @contextmanager
    def _fresh(self) -> Iterator[sa.Connection]:
        """Begin a transaction in which no letter is older than it may be."""
        with self._engine.begin() as connection:
            connection.execute(letters.delete().where(letters.c.posted < to_seconds(self._clock.now() - KEPT)))
            yield connection
