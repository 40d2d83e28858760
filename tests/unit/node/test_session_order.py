"""What is sent when: a share when everything else has been delivered (S-18, S-34), what is made of a list when all of it was checked (S-03)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from tallystick.crypto.errors import PeerFault
from tallystick.crypto.machine import Message, Outbound, Ref, Step
from tallystick.crypto.statistic import messages as kinds
from tallystick.node.session import AttemptSession
from tallystick.node.uploads import Uploads
from tests.unit.node.test_courier import courier

RECIPIENT = Ref(kinds.RECIPIENT, "housing", "labor")


@dataclass(frozen=True)
class Before:
    """A machine that waits for the desk's key."""

    awaits: tuple[Ref, ...] = (RECIPIENT,)


@dataclass(frozen=True)
class After:
    """A machine that has made its share."""

    awaits: tuple[Ref, ...] = ()


def made(_: Before, message: Message) -> Step[After]:
    message.read()
    return Step(After())


def test_s34_no_share_is_made_while_something_else_is_still_under_way() -> None:
    """Else a node that is killed then sends its share after a restart, and the products that another waits for never."""

    async def run() -> None:
        session = object.__new__(AttemptSession)  # only what one step needs; the rest would be a whole network
        session.__dict__.update(
            _uploads=Uploads(lambda: None),
            _states={"agency": Before()},
            _local={RECIPIENT: (b"key",)},
            _courier=object(),
            _loop=asyncio.get_running_loop(),
            _thread=ThreadPoolExecutor(1),
            _telling=SimpleNamespace(work=lambda work: work),
            _around=SimpleNamespace(machines={"agency": (None, {(Before, kinds.RECIPIENT): made})}),
        )
        session._uploads.waiting.put_nowait((Ref(kinds.PRODUCTS, "labor", "housing"), Path()))  # its file is not read
        step = asyncio.create_task(session._take("agency", RECIPIENT))
        await asyncio.sleep(0.05)
        assert isinstance(session._states["agency"], Before)
        session._uploads.waiting.get_nowait()
        session._uploads.waiting.task_done()
        await asyncio.wait_for(step, 5)
        assert isinstance(session._states["agency"], After)

    asyncio.run(run())


def answers(folder: Path, chunks: Iterable[bytes], *, withheld: bool) -> tuple[list[int], BaseException | None]:
    """Send a message; give how many uploads were under way as each chunk of it was made, then after it, and what it raised."""

    async def run() -> tuple[list[int], BaseException | None]:
        session = object.__new__(AttemptSession)
        session.__dict__.update(
            _uploads=Uploads(lambda: None),
            _courier=courier(folder, "housing", None),
            _loop=asyncio.get_running_loop(),
            _around=SimpleNamespace(agency="housing"),
        )
        begun: list[int] = []

        def noted() -> Iterator[bytes]:
            for chunk in chunks:
                asyncio.run_coroutine_threadsafe(asyncio.sleep(0), session._loop).result()  # what was queued before has come
                begun.append(session._uploads.waiting.qsize())
                yield chunk

        raised = None
        try:
            await asyncio.to_thread(session._send, Outbound(Ref(kinds.TAGS, "housing", "labor", "labor"), noted(), withheld))
        except PeerFault as error:
            raised = error
        await asyncio.sleep(0)
        return [*begun, session._uploads.waiting.qsize()], raised

    return asyncio.run(run())


@pytest.mark.parametrize(("withheld", "expected"), [(True, [0, 0, 0, 1]), (False, [1, 1, 1, 1])])
def test_s03_what_is_withheld_leaves_when_its_last_chunk_was_made(tmp_path: Path, withheld: bool, expected: list[int]) -> None:
    assert answers(tmp_path, [b"a", b"b", b"c"], withheld=withheld) == (expected, None)


def test_s03_nothing_leaves_of_what_is_withheld_if_the_list_behind_it_is_bad(tmp_path: Path) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"tags of the first pass"
        raise PeerFault("point-invalid", "point 1 is bad", sender="labor")

    begun, raised = answers(tmp_path, chunks(), withheld=True)
    assert begun == [0, 0]
    assert isinstance(raised, PeerFault)
    assert all(b"tags" not in path.read_bytes() for path in (tmp_path / "housing").iterdir())
