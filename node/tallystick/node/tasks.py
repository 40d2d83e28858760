"""Work that goes on beside other work, and ends with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager


@asynccontextmanager
async def meanwhile(*work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Do things beside each other for as long as the context lasts."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until_stopped(stopped: asyncio.Event, work: Coroutine[None, None, None]) -> None:
    """Do the work until it ends, or until told to stop."""
    tasks = asyncio.create_task(work), asyncio.create_task(stopped.wait())
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if tasks[0].done():
            tasks[0].result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
