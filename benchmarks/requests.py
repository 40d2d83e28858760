"""The owner's node at a tick: requests for one client's fields, over a million people.

Everything that an owner does is timed: taking requests (whose signatures are checked, and which are kept on disk), deciding them (papers,
the person, the fields), noting the answers on disk, signing and sealing them. Letters are opened elsewhere, the wait for the tick is left out.

usage: python -m benchmarks.requests [--people N] [--no-page] [--profile FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import cProfile
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from benchmarks.report import table, write_section
from tallystick.core.agreement.model import Agreement
from tallystick.core.clock import FixedClock
from tallystick.core.documents import SignedDocument
from tallystick.node.config import NodeConfig
from tallystick.node.requests.answering import Answering
from tallystick.node.requests.people import HeldPeople
from tallystick.node.storage.sqlite import SqliteStorage
from tallystick.node.store import Store
from tests.governance import identity
from tests.requesting import Requesting, lasting_terms, write_agency

PEOPLE: Final = 1_000_000
SIZES: Final = (1, 20, 200)
REPEATS: Final = 3
Papers = tuple[SignedDocument, SignedDocument]


class TimedOffice:
    """Notes when the last of the letters left."""

    def __init__(self) -> None:
        self.left = 0
        self.at = 0.0

    async def announce(self, document: bytes) -> None:
        """Keep nothing."""

    async def find_door(self, agency: str) -> bytes:
        """Nobody is written to."""
        raise NotImplementedError

    async def post(self, letters: Sequence[tuple[str, bytes]]) -> None:
        """Count letters."""
        self.left += len(letters)
        self.at = time.perf_counter()

    async def collect(self, taken: Sequence[bytes]) -> Sequence[tuple[bytes, bytes]]:
        """Nothing comes."""
        raise NotImplementedError


def born(one: int) -> str:
    """Give a birth date."""
    return f"19{50 + one % 50}-0{1 + one % 9}-1{one % 9 + 1}"


def spell(number: int) -> str:
    """Give a name in letters."""
    return "X" + "".join("abcdefghij"[int(digit)] for digit in str(number))


def write_people(folder: Path, terms: Agreement, people: int) -> NodeConfig:
    """Write the owner's folder."""
    config = write_agency(folder, "housing", terms)
    config.file.datasets["clients"] = config.file.datasets["clients"].model_copy(update={"people": 2 * people})
    with (folder / "housing" / "clients.csv").open("w") as file:
        file.write("key,ssn,first,last,born,sex,street,city,zip,phone,updated,treated,hidden\n")
        for one in range(people):
            file.write(
                f"k{one},{212_010_001 + one * 7},{spell(one % 997)},{spell(one)},{born(one)},F,{one} Elm St,Reno,90210,,2025-01-01,no,no\n"
            )
    return config


def make_requests(world: Requesting, people: int, count: int, *, known: bool) -> list[Papers]:
    """Make requests with their consents, all of people of the list, or all of nobody."""
    made = []
    step = people // count
    for one in range(0, count * step, step):
        person = {
            "ssn": str((212_010_001 if known else 712_010_001) + one * 7),
            "birth_date": born(one),
            "first_name": spell(one % 997),
            "last_name": spell(one if known else one + people),
        }
        paper = world.paper(form="general 1", person=person)
        made.append((world.request(paper, ("ann", "labor"), fields=["address"]), paper))
    return made


async def time_batch(
    folder: Path, terms: Agreement, people: HeldPeople, batch: Sequence[Papers], profile: Any
) -> tuple[float, float, float, float, int]:
    """Give the seconds to take a batch, to decide it, and to note and seal it; the processor's; how many requests got fields."""
    clock, office = FixedClock(datetime.now(UTC)), TimedOffice()
    store = Store(lambda: SqliteStorage(folder / "node.db"))

    async def find(_: str, __: str) -> Agreement:
        return terms

    owner = Answering("housing", identity("housing"), store, office, clock, people, find, lambda _: "auto")
    with profile:
        began, worked = time.perf_counter(), time.process_time()
        for request, paper in batch:
            await owner.take(request, paper)
        taken = time.perf_counter() - began
        began = time.perf_counter()
        task = asyncio.create_task(owner.attend())
        while len(owner.list_open()) < len(batch):  # noqa: ASYNC110  # it is looked at, not told
            await asyncio.sleep(0.005)
        decided = time.perf_counter() - began
        clock.advance(timedelta(seconds=10))
        began = time.perf_counter()
        while office.left < len(batch):  # noqa: ASYNC110  # it is looked at, not told
            await asyncio.sleep(0.005)
    spent, worked = office.at - began, time.process_time() - worked
    kept = await store.run(lambda storage: storage.list_requests())
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await owner.close()
    store.close()
    return taken, decided, spent, worked, sum(one.outcome == "given" for one in kept)


@contextlib.contextmanager
def measuring(profile: cProfile.Profile | None) -> Iterator[None]:
    """Profile this thread, if asked to."""
    if profile is None:
        yield
        return
    profile.enable()
    try:
        yield
    finally:
        profile.disable()


def main() -> None:
    """Measure, and write the section."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--no-page", action="store_true", help="print what was found, and write nothing")
    parser.add_argument("--profile", help="a file for cProfile's figures of the event loop's thread")
    given = parser.parse_args()
    profile = cProfile.Profile() if given.profile else None
    rows: list[list[object]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        terms = lasting_terms(rates={"worker_per_hour": 10_000, "agency_per_hour": 10_000})
        config = write_people(folder, terms, given.people)
        people, world = HeldPeople(config), Requesting(folder, terms)
        began = time.perf_counter()
        people.prepare(terms)
        read = time.perf_counter() - began
        for count in SIZES:
            for known in (True, False):
                found = []
                for number in range(REPEATS):
                    batch = make_requests(world, given.people, count, known=known)
                    home = folder / f"{count}-{known}-{number}"
                    home.mkdir()
                    found.append(asyncio.run(time_batch(home, terms, people, batch, measuring(profile))))
                taken, decided, spent, worked, outcomes = sorted(found, key=lambda one: one[3])[REPEATS // 2]
                what = "of clients" if known else "of people whom the owner does not know"
                rows.append([count, what, outcomes, f"{taken:.2f} s", f"{decided:.2f} s", f"{spent:.2f} s", f"{worked:.2f} s"])
                print(rows[-1], flush=True)
        people.close()
    if profile is not None:
        profile.dump_stats(given.profile)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    text = (
        f"{given.people:,} people in the owner's list, which is read once, in {read:.0f} s, and held in memory ({memory:.1f} GiB at most). "
        f"Median of {REPEATS} by the processor's time, which is of all three parts together. Requests are taken (signatures "
        "checked, kept on disk) and decided (papers, person, fields) as they come, before their tick; at the tick answers are noted on disk, "
        "signed, sealed and posted. Other work shared the two cores.\n\n"
        + table(["requests at a tick", "about", "given", "taken in", "decided in", "at the tick", "processor"], rows)
    )
    print(text)
    if not given.no_page:
        write_section("requests", "Requests for one client's fields", text)


if __name__ == "__main__":
    main()
