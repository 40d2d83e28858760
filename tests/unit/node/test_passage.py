"""A message on its way through a file: both ends at work at once, a reader that begins later, and errors that reach both ends."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from tallystick.core.errors import Broken
from tallystick.node.passage import Passage
from tallystick.v1.types_pb2 import Envelope

COUNT = 40


def envelope(number: int) -> Envelope:
    return Envelope(sequence=number, last=number == COUNT - 1, sealed=bytes([number]) * 1000)


def test_both_ends_work_at_once_and_every_reader_gets_all(tmp_path: Path) -> None:
    passage = Passage(tmp_path / "m")

    async def follow(start: int) -> list[Envelope]:
        return [one async for one in passage.follow(start)]

    async def run() -> tuple[list[Envelope], ...]:
        read = asyncio.create_task(asyncio.to_thread(lambda: list(passage.envelopes())))
        others = [asyncio.create_task(follow(start)) for start in (0, COUNT // 2)]
        for number in range(COUNT):
            await asyncio.to_thread(passage.append, envelope(number))
            await asyncio.sleep(0.001 * (number % 3))
        return tuple(await asyncio.wait_for(asyncio.gather(read, *others), 10))

    sent = [envelope(number) for number in range(COUNT)]
    assert asyncio.run(run()) == (sent, sent, sent[COUNT // 2 :])
    assert passage.ended
    assert asyncio.run(follow(COUNT)) == []
    passage.close()
    assert list(tmp_path.iterdir()) == []


def test_an_error_reaches_both_ends_and_the_first_one_counts(tmp_path: Path) -> None:
    passage = Passage(tmp_path / "m")
    passage.append(envelope(0))
    reader = passage.envelopes()
    assert next(reader) == envelope(0)
    threading.Timer(0.05, passage.fail, [KeyError("first")]).start()
    with pytest.raises(KeyError, match="first"):
        next(reader)
    passage.fail(ValueError("second"))
    with pytest.raises(KeyError, match="first"):
        passage.append(envelope(1))


def test_what_an_earlier_session_left_is_no_part_of_a_message(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b"left behind")
    passage = Passage(tmp_path / "m")
    assert passage.count == 0
    with pytest.raises(Broken, match="envelope 0 is due"):
        passage.append(envelope(1))
