"""A share is made only when everything else of this agency has been delivered (S-18, S-34)."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import SimpleNamespace

from tallystick.crypto.machine import Message, Ref, Step
from tallystick.crypto.statistic import messages as kinds
from tallystick.node.session import Session

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
        session = object.__new__(Session)  # only what one step needs; the rest would be a whole network
        session.__dict__.update(
            _uploads=asyncio.Queue(),
            _states={"agency": Before()},
            _local={RECIPIENT: (b"key",)},
            _courier=object(),
            _loop=asyncio.get_running_loop(),
            _thread=ThreadPoolExecutor(1),
            _around=SimpleNamespace(machines={"agency": (None, {(Before, kinds.RECIPIENT): made})}),
        )
        session._uploads.put_nowait((Ref(kinds.PRODUCTS, "labor", "housing"), None))  # type: ignore[arg-type]  # its file is not read
        step = asyncio.create_task(session._take("agency", RECIPIENT))
        await asyncio.sleep(0.05)
        assert isinstance(session._states["agency"], Before)
        session._uploads.get_nowait()
        session._uploads.task_done()
        await asyncio.wait_for(step, 5)
        assert isinstance(session._states["agency"], After)

    asyncio.run(run())
