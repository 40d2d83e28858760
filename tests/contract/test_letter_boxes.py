"""One suite for boxes of letters: those of one process, and those that coordinators on one PostgreSQL share (S-30)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from tallystick.coordinator import letters
from tallystick.coordinator.letters import KEPT, Boxes, OwnBoxes, PostOffice
from tallystick.coordinator.storage.letters import SharedBoxes
from tallystick.coordinator.storage.versions import prepare
from tallystick.core.clock import FixedClock
from tallystick.core.consent.letters import LETTER_BYTES
from tallystick.core.errors import Invalid, NotReady
from tallystick.crypto.randomness import SystemRandomness
from tests.governance import NOW
from tests.integration.nodes import in_loop
from tests.postgres import Server, database_of, postgres

BOX = "agency/labor"
SEALED = bytes(LETTER_BYTES)


def mark(number: int) -> bytes:
    return SEALED[:-1] + bytes([number])


@pytest.fixture(name="server", scope="module")
def running_server() -> Iterator[Server]:
    with postgres() as server:
        yield server


@pytest.fixture(name="clock")
def fixed() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture(name="both", params=["one process", "postgresql"])
def two_ends(request: pytest.FixtureRequest, tmp_path: Path, clock: FixedClock) -> Iterator[tuple[Boxes, Boxes]]:
    """Give where letters are posted, and where they are collected."""
    if request.param == "one process":
        own = OwnBoxes(PostOffice(clock))
        yield own, own
        return
    open_ = database_of(request.getfixturevalue("server"), tmp_path)
    engines = [open_(), open_()]
    prepare(engines[0])
    yield SharedBoxes(engines[0], clock), SharedBoxes(engines[1], clock)
    for engine in engines:
        engine.dispose()


@in_loop
async def test_letters_wait_in_their_order_until_they_were_taken(both: tuple[Boxes, Boxes]) -> None:
    here, there = both
    await here.post([(BOX, mark(number)) for number in range(3)])
    await here.post([("worker/ann", SEALED)])
    first = await there.collect(BOX, (), 2)
    assert [sealed[-1] for _, sealed in first] == [0, 1]
    assert await here.collect(BOX, (), 2) == first, "they stay"
    names = [name for name, _ in first]
    assert await there.collect("worker/ann", names, 9) != [], "whose box it is not takes nothing"
    assert [sealed[-1] for _, sealed in await there.collect(BOX, [*names, b"unknown"], 9)] == [2]
    assert await here.collect("agency/housing", (), 9) == []


@in_loop
async def test_old_letters_are_forgotten(both: tuple[Boxes, Boxes], clock: FixedClock) -> None:
    here, there = both
    await here.post([(BOX, SEALED)])
    clock.advance(KEPT)
    await here.post([(BOX, SEALED)])
    clock.advance(timedelta(seconds=1))
    assert len(await there.collect(BOX, (), 9)) == 1


@in_loop
async def test_who_waits_is_woken_by_what_comes_anywhere(both: tuple[Boxes, Boxes]) -> None:
    here, there = both
    waits = [asyncio.create_task(there.wait(box)) for box in (BOX, "worker/ann")]
    await asyncio.sleep(0.3)
    assert not any(one.done() for one in waits)
    await here.post([(BOX, SEALED)])
    await asyncio.wait_for(waits[0], 5)
    await asyncio.sleep(0.3)
    assert not waits[1].done()
    waits[1].cancel()


@in_loop
async def test_s30_a_letter_of_another_size_is_refused_with_all_of_its_call(both: tuple[Boxes, Boxes]) -> None:
    for sealed in (b"", SEALED[:-1], SEALED + b"x"):
        with pytest.raises(Invalid):
            await both[0].post([(BOX, SEALED), (BOX, sealed)])
    assert await both[1].collect(BOX, (), 9) == []


@in_loop
async def test_boxes_are_bounded(both: tuple[Boxes, Boxes], monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = both
    monkeypatch.setattr(letters, "MOST_IN_BOX", 2)
    monkeypatch.setattr(letters, "MOST_IN_ALL", 3)
    await here.post([(BOX, SEALED)] * 2)
    for more in ([(BOX, SEALED)], [("worker/ann", SEALED)] * 2):
        with pytest.raises(NotReady):
            await there.post(more)
    [(name, _)] = await there.collect(BOX, (), 1)
    await there.collect(BOX, [name], 1)
    await there.post([("worker/ann", SEALED)] * 2)


@in_loop
async def test_a_door_is_the_last_that_was_announced_anywhere(both: tuple[Boxes, Boxes]) -> None:
    here, there = both
    with pytest.raises(NotReady):
        await here.find_door("labor")
    await here.announce("labor", b"one")
    await there.announce("labor", b"two")
    assert await here.find_door("labor") == b"two"


@in_loop
async def test_s30_letters_stand_in_no_write_ahead_log(server: Server, tmp_path: Path, clock: FixedClock) -> None:
    engine = database_of(server, tmp_path)()
    prepare(engine)
    with engine.begin() as connection:
        kinds = connection.execute(sa.text("SELECT relpersistence FROM pg_class WHERE relname IN ('letters', 'doors')"))
        assert kinds.scalars().all() == ["u", "u"]
        connection.execute(sa.text("CREATE TABLE logged (sealed bytea)"))
        connection.execute(sa.text("INSERT INTO logged VALUES (:word)"), {"word": b"what a write-ahead log holds"})
    word = b"a letter that nobody else has"
    await SharedBoxes(engine, clock).post([(BOX, word + SystemRandomness().take(LETTER_BYTES - len(word)))])
    engine.dispose()
    server.run("CHECKPOINT")
    written = b"".join(path.read_bytes() for path in (server.folder / "data" / "pg_wal").rglob("*") if path.is_file())
    assert b"what a write-ahead log holds" in written, "the search finds what is there"
    assert word not in written
