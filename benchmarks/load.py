"""Many jobs at once by several analysts, through a real network on this machine: how many come right, in which order, and how much memory.

The coordinator and two agencies' nodes are processes of their own, on loopback, with mTLS; records are small (sixty people in all), so that
what is measured is a network under many jobs and not the cryptography of large lists. Every released result is opened, verified and held
against the answer in the clear. A job is stuck when it has neither ended nor moved for `--patience` seconds.

usage: load.py [--jobs N] [--analysts N] [--in-a-row [--minutes M]] [--patience SECONDS] [--limit KEY=VALUE …] [--node KEY=VALUE …]
               [--postgres REPLICAS] [--busy] [--no-page]

With --postgres so many coordinators share a PostgreSQL, which waits for its disk as anybody's does; members are dealt out to them.

With --in-a-row one analyst asks job after job, each when the one before has ended: memory and file descriptors of every process are taken
every hundred jobs.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from benchmarks.report import table, write_section
from benchmarks.smallnetwork import HERE, SmallNetwork, question
from tallystick.client.sdk import Client
from tallystick.core.errors import NotReady
from tests.postgres import postgres

LOOK_S: Final = 1.0
QUIET: Final = "timezone = 'UTC'\n"
"""Settings of PostgreSQL: its own, so it waits for the disk."""
EVERY: Final = 100
"""Of jobs in a row: after how many memory is taken."""


@dataclass
class Asked:
    """One job: who asked, when, and what became of it; seconds of the monotonic clock."""

    analyst: str
    number: int
    at: float
    job: str = ""
    ended: float | None = None
    state: str = ""
    told: str = ""


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--analysts", type=int, default=5)
    parser.add_argument("--in-a-row", action="store_true")
    parser.add_argument("--minutes", type=float, default=600.0, help="of jobs in a row: ask no more after so long")
    parser.add_argument("--patience", type=float, default=120.0)
    parser.add_argument("--limit", action="append", default=[], metavar="KEY=VALUE", help="of the coordinator's limits")
    parser.add_argument("--node", action="append", default=[], metavar="KEY=VALUE", help="a key of node.yaml")
    parser.add_argument("--postgres", type=int, default=0, metavar="REPLICAS", help="coordinators on one PostgreSQL")
    parser.add_argument("--no-page", action="store_true", help="print the figures only")
    parser.add_argument("--busy", action="store_true", help="say that the machine did other work meanwhile")
    parser.add_argument("--keep", type=Path, help="leave the network's folders here, logs among them")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the network's processes end with this one
    limits = {"open_jobs": max(1, options.jobs)} | numbered(options.limit)
    analysts = 1 if options.in_a_row else options.analysts
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(folder_of(options.keep))
        server = stack.enter_context(postgres(QUIET)) if options.postgres else None
        made = SmallNetwork(folder, analysts, limits, numbered(options.node), max(1, options.postgres), server)
        network = stack.enter_context(made)
        name, title, text = (
            in_a_row(network, options.jobs, options.minutes)
            if options.in_a_row
            else at_once(network, options.jobs, options.patience)
        )
    if options.busy:
        text += "\n\nThe machine was busy with other work meanwhile, so times are upper bounds and rates lower ones."
    print(text)
    if not options.no_page:
        where = f"PostgreSQL, {options.postgres} coordinators" if options.postgres else "SQLite"
        write_section(name + ("-postgres" if options.postgres else ""), f"{title}, {where}", text)


def numbered(words: Sequence[str]) -> dict[str, int]:
    """Read KEY=VALUE settings."""
    return {key: int(value) for key, _, value in (word.partition("=") for word in words)}


@contextlib.contextmanager
def folder_of(kept: Path | None) -> Iterator[Path]:
    """Give a folder that goes, or one that stays."""
    if kept is not None:
        kept.mkdir(parents=True)
        yield kept.resolve()
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def at_once(network: SmallNetwork, jobs: int, patience: float) -> tuple[str, str, str]:
    """Have every analyst ask its share at once; give the section."""
    start = time.monotonic()
    asked: dict[str, list[Asked]] = {name: [] for name in network.profiles}
    shares = {name: range(place, jobs, len(asked)) for place, name in enumerate(asked)}
    clients = {name: Client(profile) for name, profile in network.profiles.items()}
    threads = [
        threading.Thread(
            target=ask_and_follow, args=(network, clients[name], name, numbers, asked[name], patience), daemon=True
        )
        for name, numbers in shares.items()
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        time.sleep(5.0)
        every = [one for ones in asked.values() for one in ones]
        ended = sum(one.ended is not None for one in every)
        print(f"{time.monotonic() - start:6.0f} s: {ended} of {len(every)} ended", file=sys.stderr, flush=True)
    every = [one for ones in asked.values() for one in ones]
    right = sum(one.state == "released" and network.right(clients[one.analyst], one.job) for one in every)
    for client in clients.values():
        client.close()
    rows = [(name, *figures(ones)) for name, ones in asked.items()]
    rows.append(("all", *figures(every)))
    over = max((one.ended for one in every if one.ended is not None), default=start)
    stuck = sum(one.ended is None for one in every)
    told = Counter(one.told or one.state for one in every if one.state != "released" and one.ended is not None)
    failed = "; ".join(f"{count} × {why}" for why, count in told.most_common())
    text = "\n".join(
        (
            f"{len(every)} jobs at once by {len(asked)} analysts, two agencies of {HERE} people each: **{right} right, "
            f"{len(every) - right - stuck} failed or wrong, {stuck} stuck**; {60 * len(every) / (over - start):.0f} jobs a minute."
            + (f" Failed: {failed}." if failed else ""),
            "",
            "From asking to the end; jobs run in turns over analysts, so those of each end evenly over the whole time.",
            "",
            table(("analyst", "jobs", "first ended after", "median", "p95", "last"), rows),
            "",
            table(("process", "peak memory", "descriptors at the end"), memory(network)),
        )
    )
    return "load", f"{len(every)} jobs at once", text


def ask_and_follow(
    network: SmallNetwork, client: Client, name: str, numbers: Sequence[int], asked: list[Asked], patience: float
) -> None:
    """Ask all at once and wait until each has ended, or nothing of any has changed for a while."""
    for number in numbers:
        one = Asked(name, number, time.monotonic())
        asked.append(one)
        one.job = client.submit(question(number), network.document, deadline=timedelta(hours=6))
    seen: dict[str, int] = {}
    moved = time.monotonic()
    while (open_ := {one.job: one for one in asked if one.ended is None}) and time.monotonic() - moved < patience:
        time.sleep(LOOK_S)
        try:
            views = {view.job: view for view in client.jobs()}
            now = time.monotonic()
            for job, one in open_.items():
                view = views.get(job) or client.show(job)
                if seen.get(job) != view.version:
                    seen[job], moved = view.version, now
                if view.over:
                    one.ended, one.state = now, view.state
                    one.told = "; ".join(f"{reason.party}: {reason.code}" for reason in view.reasons)
        except NotReady as error:
            print(f"{name}: {error}", file=sys.stderr, flush=True)


def figures(ones: Sequence[Asked]) -> tuple[str, str, str, str, str]:
    """Give jobs, first end, median, 95th percentile and last."""
    taken = sorted(one.ended - one.at for one in ones if one.ended is not None)
    if not taken:
        return str(len(ones)), "none", "none", "none", "none"
    p95 = statistics.quantiles(taken, n=20, method="inclusive")[-1] if len(taken) > 1 else taken[0]
    first, median, late, last = (f"{value:.0f} s" for value in (taken[0], statistics.median(taken), p95, taken[-1]))
    return str(len(ones)), first, median, late, last


def memory(network: SmallNetwork) -> list[tuple[str, str, str]]:
    """Give each process, its peak memory and its open descriptors."""
    found = [(process.name, process.figures()) for process in network.processes.values()]
    return [(name, f"{most / 1024:.0f} MiB", str(files)) for name, (_, most, files) in found]


def in_a_row(network: SmallNetwork, jobs: int, minutes: float) -> tuple[str, str, str]:
    """Ask job after job, for so long at most; give the section."""
    end = time.monotonic() + 60 * minutes
    ((name, profile),) = network.profiles.items()
    samples: list[tuple[int, dict[str, tuple[int, int, int]]]] = []
    taken: list[float] = []
    right = 0
    with Client(profile) as client:
        for number in range(jobs):
            began = time.monotonic()
            job = client.submit(question(number), network.document)
            client.wait(job)
            taken.append(time.monotonic() - began)
            right += network.right(client, job)
            over = number + 1 == jobs or time.monotonic() > end
            if (number + 1) % EVERY == 0 or over or number + 1 == EVERY // 4:
                samples.append((number + 1, {one.name: one.figures() for one in network.processes.values()}))
                print(f"{number + 1} jobs: {samples[-1][1]}", file=sys.stderr, flush=True)
            if over:
                break
    names = list(network.processes)
    rows = [(f"{count}", *(f"{found[one][0] / 1024:.1f} MiB, {found[one][2]}" for one in names)) for count, found in samples]
    median, p95 = statistics.median(taken), statistics.quantiles(taken, n=20)[-1]
    text = (
        f"{len(taken)} jobs one after another by {name}: {right} right; {60 * len(taken) / sum(taken):.0f} jobs a minute, "
        f"median {median:.2f} s, p95 {p95:.2f} s.\n\n"
        + table(("after jobs", *(f"{one}: memory, descriptors" for one in names)), rows)
    )
    return "load-row", f"{len(taken)} jobs in a row", text


if __name__ == "__main__":
    main()
