"""How long the pages take with 1,000 jobs and 50 agencies, and what open pages cost, at a coordinator and at a node.

The pages are served as in production, over HTTP on loopback, in this process; who asks is a thread of it, so that the processor's times
are of both. Nothing is used twice: between two views more time passes than a part of a page is kept.

usage: python -m benchmarks.pages [--seconds SECONDS] [--no-page]
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import statistics
import tempfile
import threading
import time
import urllib.request
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from benchmarks.report import table, write_section
from tallystick.client.asking import new_job
from tallystick.coordinator.app import Coordinator, compose, initialise, keys
from tallystick.coordinator.config import Settings, read_settings
from tallystick.coordinator.pages.app import serve_operator_pages
from tallystick.coordinator.pages.commands import FOLDER
from tallystick.coordinator.pages.reading import Reading
from tallystick.coordinator.records import JobRecord
from tallystick.core.agreement.model import Agreement
from tallystick.core.clock import SystemClock
from tallystick.core.documents import build_unsigned, write_document
from tallystick.core.job.model import Question
from tallystick.core.keyfile import new_identity
from tallystick.core.pages.accounts import Account, Accounts
from tallystick.core.pages.linking import ADDRESS_FILE
from tallystick.core.pages.locks import lock_secret
from tallystick.core.pages.settings import PagePlace
from tallystick.core.pages.shell import FRESH_S
from tallystick.crypto.randomness import SystemRandomness
from tallystick.node.entries import Event
from tallystick.node.pages.app import serve_desk
from tallystick.node.pages.collecting import Collected
from tallystick.node.pages.commands import FOLDER as DESK_FOLDER
from tallystick.node.pages.rates import KeptRates
from tallystick.node.pages.reading import DeskReading
from tallystick.node.ports import Awaits, KeptJob
from tallystick.node.preflight import check_datasets
from tallystick.node.requests.service import open_requests
from tallystick.node.storage.chain import SALT_BYTES, next_event
from tests.governance import identity
from tests.integration.nodes import make_agency, terms, write_sources
from tests.pages.desks import NoChannel
from tests.town import DESK, Town

JOBS: Final = 1000
AGENCIES: Final = 50
OPEN: Final = 20
TIMES: Final = 10
LOG: Final = 100_000
SECONDS: Final = 600.0
LEAST_OPEN: Final = 60.0
"""Seconds below which nothing is said of open pages: the section of an earlier run stays."""
PASSPHRASE: Final = "four words that differ"


def make_coordinator(folder: Path) -> tuple[Coordinator, Settings]:
    """Make a coordinator of 50 agencies with 1,000 jobs, 100 of them unended and waiting for approvals."""
    (folder / "coordinator.yaml").write_text("network: county\nlisten: 127.0.0.1:0\n")
    settings = read_settings(folder / "coordinator.yaml")
    initialise(settings)
    identity, sealing = keys(settings)
    parties = {f"agency-{number:02d}": new_identity() for number in range(AGENCIES)}
    analyst, now = new_identity(), datetime.now(UTC)
    terms: dict[str, Any] = {
        "agreement": "county",
        "version": 1,
        "protocol": "TS1",
        "valid_from": "2020-01-01T00:00:00Z",
        "valid_until": "2099-01-01T00:00:00Z",
        "parties": {name: {"key": one.key} for name, one in parties.items()},
        "coordinator": {"key": identity.key, "sealing_key": sealing.public.hex()},
        "analysts": {"ana": {"key": analyst.key}},
        "purposes": ["evaluation"],
        "datasets": {
            name: {
                "agency": agency,
                "columns": {"region": {"type": "category", "values": ["north", "south"]}},
                "identifiers": ["ssn", "birth_date"],
            }
            for name, agency in (("exits", "agency-00"), ("wages", "agency-01"))
        },
        "operations": ["count"],
        "joins": ["inner"],
        "link": ["default"],
        "disclosure": {"profile": "cms"},
        "release": {"mode": "desk", "desk": "agency-00"},
    }
    (folder / "agreements").mkdir()
    document = build_unsigned("agreement", Agreement.read(terms, what="agreement"))
    for name, one in parties.items():
        document = document.with_signature(name, one)
    write_document(folder / "agreements" / "county.json", document)
    made = compose(settings)
    agreement = document.read(Agreement)
    for number in range(JOBS):
        asked = {
            "agreement": "county",
            "title": f"Question number {number}",
            "purpose": "evaluation",
            "people": {
                "exits": {"agency": "agency-00", "dataset": "exits"},
                "wages": {"agency": "agency-01", "dataset": "wages"},
            },
            "keep": "exits and wages",
            "measures": ["count"],
            "by": ["exits.region"],
        }
        signed, _ = new_job(Question.read(asked, what="job"), agreement, document.digest, analyst, now=now)
        record = JobRecord(
            job=bytes.fromhex(signed.digest),
            question=f"{number:064x}",
            analyst="ana",
            agreement="county",
            agreement_digest=document.digest,
            document=signed.encode(),
            state="approving",
            attempt=1,
            version=1,
            submitted=now,
            deadline=now + timedelta(days=7),
        )
        kept = made.storage.add_job(record)
        if number >= JOBS // 10:
            made.storage.change(kept, replace(kept, state="released", ended=now))
    return made, settings


def log_in(address: str) -> str:
    """Log in; give the cookie."""
    body = f"name=olga&passphrase={PASSPHRASE.replace(' ', '+')}".encode()
    request = urllib.request.Request(f"{address}/login", body, {"content-type": "application/x-www-form-urlencoded"})

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    try:
        urllib.request.build_opener(Stay).open(request)
    except urllib.error.HTTPError as answer:
        return str(answer.headers["set-cookie"]).partition(";")[0]
    raise SystemExit("error: cannot log in")


def measure(address: str, cookie: str, path: str) -> list[object]:
    """Give a page's row: times in milliseconds, median and longest, the processor's alone, and its bytes."""
    times, spent, size = [], [], 0
    for _ in range(TIMES):
        time.sleep(FRESH_S + 0.1)
        began, worked = time.perf_counter(), time.process_time()
        with urllib.request.urlopen(urllib.request.Request(f"{address}{path}", headers={"cookie": cookie})) as answer:
            size = len(answer.read())
        times.append(1000 * (time.perf_counter() - began))
        spent.append(1000 * (time.process_time() - worked))
    return [f"{statistics.median(times):.0f} ms", f"{max(times):.0f} ms", f"{statistics.median(spent):.0f} ms", f"{size:,}"]


def hold_open(address: str, cookie: str, seconds: float) -> tuple[float, float]:
    """Give the processor's seconds that this process takes without open pages, and with them; nothing changes meanwhile."""
    before = time.process_time()
    time.sleep(seconds / 4)
    idle = 4 * (time.process_time() - before)
    streams = [
        urllib.request.urlopen(urllib.request.Request(f"{address}/live", headers={"cookie": cookie})) for _ in range(OPEN)
    ]
    before = time.process_time()
    time.sleep(seconds)
    spent = time.process_time() - before
    for stream in streams:
        threading.Thread(target=stream.close, daemon=True).start()
    return idle, spent


def ask(address: str, pages: dict[str, str], seconds: float) -> tuple[list[list[object]], list[object]]:
    """Log in, and give the rows of the pages, and that of open ones."""
    cookie = log_in(address)
    rows: list[list[object]] = [[what, *measure(address, cookie, path)] for path, what in pages.items()]
    idle, spent = hold_open(address, cookie, seconds)
    return rows, [f"{idle:.2f} s", f"{spent:.2f} s", f"{100 * max(0.0, spent - idle) / seconds:.2f} %"]


def add_account(folder: Path) -> None:
    """Let olga log in."""
    randomness = SystemRandomness()
    accounts = Accounts(folder, SystemClock(), randomness)
    accounts.keep(Account(name="olga", locked=lock_secret(bytes(32), PASSPHRASE, randomness)))


async def measure_operator(folder: Path, seconds: float) -> tuple[list[list[object]], list[object]]:
    """Measure the coordinator's pages."""
    made, settings = make_coordinator(folder)
    add_account(settings.state / FOLDER)
    job = made.storage.newest_jobs(1)[0].job.hex()
    pages = {"/": "coordinator: jobs", f"/jobs/{job}": "coordinator: a job", "/agencies": "coordinator: agencies"}
    reading = Reading(made.watching, made.agreements, settings.state)
    place = PagePlace("127.0.0.1:0", None, None, settings.state)
    async with serve_operator_pages(place, reading, SystemClock(), SystemRandomness()):
        found = await asyncio.to_thread(ask, (settings.state / ADDRESS_FILE).read_text(), pages, seconds)
    made.close()
    return found


async def measure_desk(folder: Path, seconds: float) -> tuple[list[list[object]], list[object]]:
    """Measure a node's pages, with as many jobs over its data, a tenth of them waiting, and a long log."""
    write_sources(folder)
    town = Town(folder, terms=terms(agreement="county"))
    agency = make_agency(town, DESK, "127.0.0.1:1", folder, desk="ask", policy="ask")
    database = agency.config.state / "node.db"
    node = agency.node()
    documents = [town.new_job(number) for number in range(JOBS)]
    now = datetime.now(UTC)

    def fill(storage: Any) -> None:
        for number, job in enumerate(documents):
            awaits: Awaits = "approve" if number < JOBS // 10 else ""
            seen = now - timedelta(minutes=number)
            state = "approving" if awaits else "released"
            storage.add_job(KeptJob(job.digest(), town.document(job), seen, state=state, awaits=awaits, verdict="ask"))

    await node.store.run(fill)
    make_log(database)
    add_account(agency.config.state / DESK_FOLDER)
    pages = {
        "/": "desk: jobs",
        f"/jobs/{documents[0].digest()}": "desk: a job, 999 past ones",
        "/log": f"desk: {LOG:,} log entries",
    }
    count = lambda: check_datasets(agency.config)  # noqa: E731
    collected = Collected(agency.config.state / DESK_FOLDER / "signed")
    reading = DeskReading(
        node.approvals, node.store, node.health, count, dict, collected, KeptRates(agency.config.state), node.clock
    )
    place = PagePlace("127.0.0.1:0", None, None, agency.config.state)
    requests = open_requests(agency.config, identity(DESK), node.store, node.approvals.agreements, NoChannel(), node.clock)
    async with serve_desk(place, reading, node.jobs, requests.answering, node.clock, SystemRandomness()):
        began = time.perf_counter()
        await asyncio.to_thread(reading.read_log)
        whole = time.perf_counter() - began
        rows, held = await asyncio.to_thread(ask, (agency.config.state / ADDRESS_FILE).read_text(), pages, seconds)
    rows.append([f"desk: {LOG:,} log entries, read whole", f"{1000 * whole:.0f} ms", "", "", ""])
    return rows, held


def make_log(database: Path) -> None:
    """Lengthen a node's log, by its own rules."""
    file = sqlite3.connect(database, isolation_level=None)
    row = file.execute("SELECT number, entry, chain FROM event ORDER BY number DESC LIMIT 1").fetchone()
    last = None if row is None else Event(*row)
    file.execute("BEGIN")
    while last is None or last.number < LOG:
        last = next_event(last, "tick", datetime.now(UTC), "", {"what": "a benchmark"}, bytes(SALT_BYTES))
        file.execute("INSERT INTO event VALUES (?, ?, ?)", (last.number, last.entry, last.chain))
    file.execute("COMMIT")
    file.close()


def main() -> None:
    """Measure, and write the section."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long pages stay open")
    parser.add_argument("--no-page", action="store_true", help="print what was found, and write nothing")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        rows, held = asyncio.run(measure_operator(Path(one), given.seconds))
        more, held_too = asyncio.run(measure_desk(Path(two), given.seconds))
    views = (
        f"{JOBS:,} jobs, a tenth of them unended; {AGENCIES} agencies at the coordinator. Median and longest of {TIMES} views, the "
        "processor's time, bytes. The longest is the first one after the start, which reads what later ones keep.\n\n"
        + table(["page", "median", "longest", "processor", "bytes"], [*rows, *more])
    )
    opened = (
        f"{OPEN} pages of each stay open for {given.seconds:.0f} seconds, while nothing changes. Processor time of the whole process "
        "(who holds them open is a part of it), and what share of one core the open pages are.\n\n"
        + table(["process", "without", "with", "of one core"], [["coordinator", *held], ["node", *held_too]])
    )
    if given.no_page:
        print(f"{views}\n\n{opened}")
        return
    write_section("pages", "Pages", views)
    if given.seconds >= LEAST_OPEN:
        write_section("pages-open", "Pages that stay open", opened)


if __name__ == "__main__":
    main()
