"""Locks that last as long as somebody wants them, seats for sessions, and troubles told once (S-49)."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from tallystick.core.clock import SystemClock
from tallystick.core.errors import Broken, NotReady
from tallystick.core.metrics import Counts
from tallystick.node.ports import CoordinatorClient
from tallystick.node.seats import JobLocks, Seats
from tallystick.node.surroundings import Surroundings
from tallystick.node.telling import Telling
from tallystick.node.troubles import Troubles
from tallystick.v1.types_pb2 import Failure

JOB = bytes(32)


def test_s38_a_lock_is_kept_by_one_and_gone_when_nobody_wants_it() -> None:
    async def run() -> None:
        locks, inside = JobLocks(), 0

        async def enter(job: str) -> None:
            nonlocal inside
            async with locks.hold(job):
                inside += 1
                assert inside <= 2  # one a job
                await asyncio.sleep(0)
                inside -= 1

        await asyncio.gather(*(enter(job) for job in ("a", "b") for _ in range(20)))
        waiting = asyncio.create_task(enter("a"))
        async with locks.hold("a"):
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            assert len(locks) == 1
        assert len(locks) == 0

    asyncio.run(run())


def test_s49_the_job_that_was_submitted_first_gets_the_free_seat() -> None:
    called: list[bytes] = []
    seats = Seats(2, called.append)
    for number, submitted in ((1, 30), (2, 10), (3, 20)):
        seats.wait(bytes([number]).hex(), submitted)
    seats.call_next(taken=2)
    assert called == []
    seats.call_next(taken=1)
    seats.leave(bytes([3]).hex())
    seats.call_next(taken=1)
    seats.call_next(taken=1)
    assert called == [bytes([2]), bytes([1])]


class Hears:
    """A coordinator that hears troubles and progress, or cannot be reached."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.down = False

    async def report_trouble(self, job: bytes, trouble: Failure) -> None:
        assert job == JOB
        if self.down:
            raise NotReady("unavailable", "down")
        self.heard.append(trouble.code)

    async def report_progress(self, job: bytes, attempt: int, progress: Any) -> None:
        self.heard.append(f"{progress.phase} {progress.done}")


def test_s49_a_trouble_is_told_once_and_its_end_too() -> None:
    full, gone = Broken("disk", "full"), NotReady("unavailable", "down")

    async def run() -> None:
        hears = Hears()
        troubles = Troubles("labor", cast("CoordinatorClient", hears))
        for error in (None, full, full, gone, None, None):
            await troubles.tell(JOB, error)
        assert hears.heard == ["disk", ""]
        hears.down = True
        await troubles.tell(JOB, full)
        hears.down = False
        await troubles.tell(JOB, full)  # it was not heard
        troubles.tell_again()
        await troubles.tell(JOB, full)
        assert hears.heard == ["disk", "", "disk", "disk"]
        troubles.tell_again()
        await troubles.tell(JOB, None)  # the coordinator may still show it
        await troubles.tell(JOB, None)
        assert hears.heard[4:] == [""]

    asyncio.run(run())


def test_s49_a_party_says_that_it_works_and_not_that_it_waits(monkeypatch: Any) -> None:
    monkeypatch.setattr("tallystick.node.telling.REPORT_SECONDS", 0.01)
    monkeypatch.setattr("tallystick.node.telling.WORKS_SECONDS", 0.02)

    async def run() -> None:
        hears, starving = Hears(), False
        around = cast("Surroundings", SimpleNamespace(agency="labor", coordinator=hears, clock=SystemClock(), counts=Counts()))
        telling = Telling(around, JOB, 1, lambda: starving)
        attending = asyncio.create_task(telling.attend())
        await asyncio.sleep(0.1)
        assert hears.heard == ["derive 0"]
        done = asyncio.Event()
        work = asyncio.create_task(telling.work(done.wait()))
        await asyncio.sleep(0.2)
        assert len(hears.heard) > 2
        starving = True
        await asyncio.sleep(0.03)
        held = len(hears.heard)
        await asyncio.sleep(0.1)
        assert len(hears.heard) == held
        telling.count("tag", 5, 9)
        await asyncio.sleep(0.1)
        assert hears.heard[held:] == ["tag 5"]
        done.set()
        await work
        starving = False
        await asyncio.sleep(0.1)
        assert len(hears.heard) == held + 1
        attending.cancel()

    asyncio.run(run())
