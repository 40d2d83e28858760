"""What a session sends, on its way to the coordinator: each message by itself, so that none waits for the answer to another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from tallystick.core.failpoint import failpoint
from tallystick.crypto.machine import Ref
from tallystick.crypto.statistic import messages as kinds
from tallystick.node.courier import Courier, stream_file
from tallystick.node.passage import Passage


class Uploads:
    """The messages of one attempt that are not delivered yet.

    Attributes:
        waiting: those that nobody carries yet; a task of each is done when the coordinator holds it.
    """

    def __init__(self, courier: Callable[[], Courier | None]) -> None:
        """Take who carries them; there is a courier before there is a message."""
        self._courier = courier
        self._loop = asyncio.get_running_loop()
        self.waiting: asyncio.Queue[tuple[Ref, Passage | Path]] = asyncio.Queue()

    def add(self, ref: Ref, held: Passage | Path) -> None:
        """Have a message delivered that is in a passage, and may still be made, or in a file; from any thread."""
        self._loop.call_soon_threadsafe(self.waiting.put_nowait, (ref, held))

    async def join(self) -> None:
        """Wait until the coordinator holds all that was added."""
        await self.waiting.join()

    async def attend(self) -> None:
        """Deliver what is added, for ever.

        Raises:
            The first error of a delivery.
        """
        under_way: set[asyncio.Task[None]] = set()
        wanted = asyncio.create_task(self.waiting.get())
        try:
            while True:
                done, _ = await asyncio.wait({wanted, *under_way}, return_when=asyncio.FIRST_COMPLETED)
                for task in done & under_way:
                    task.result()
                under_way -= done
                if wanted in done:
                    under_way.add(asyncio.create_task(self._deliver(*wanted.result())))
                    wanted = asyncio.create_task(self.waiting.get())
        finally:
            for pending in (wanted, *under_way):
                pending.cancel()
            await asyncio.gather(wanted, *under_way, return_exceptions=True)

    async def _deliver(self, ref: Ref, held: Passage | Path) -> None:
        courier = self._courier()
        assert courier is not None
        if ref.kind == kinds.SHARES:
            failpoint("node-before-share-sent")
        source, remove = (held.follow, held.close) if isinstance(held, Passage) else (stream_file(held), held.unlink)
        await courier.deliver(ref, source)
        await asyncio.to_thread(remove)
        failpoint(f"node-{ref.kind}-sent")
        if ref.kind in {kinds.POINTS, kinds.TAGS}:
            failpoint("node-list-sent")
        self.waiting.task_done()
