"""A coordinator and two agencies' nodes as processes of their own, each with its pages, and people who log in with a browser."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tallystick.core.keyfile import IdentityKey
from tallystick.core.pages.linking import ADDRESS_FILE
from tests import governance
from tests.e2e.party import free_port
from tests.integration.nodes import MAIN, Agency, make_agency, signed_terms, write_sources
from tests.integration.served import MAIN as COORDINATOR_MAIN
from tests.integration.served import Process
from tests.pages.desks import terms_with_stewards
from tests.pages.visitors import PASSPHRASE
from tests.town import DESK, OTHER, Town, member

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

START_S = 90.0


@dataclass
class Offices:
    """What runs.

    Attributes:
        coordinator, desk: where their pages are.
        jobs: digests of the jobs that were submitted, by title.
    """

    folder: Path
    coordinator: str
    desk: str
    jobs: dict[str, str]

    def link(self, role: str, name: str) -> str:
        """Ask the command for a login link."""
        main, config = (
            (COORDINATOR_MAIN, self.folder / "coordinator.yaml")
            if role == "coordinator"
            else (MAIN, self.folder / DESK / "node.yaml")
        )
        said = subprocess.run(
            [sys.executable, "-c", main, "login", name, "--config", str(config)], capture_output=True, text=True, check=True
        )
        return said.stdout.strip()

    def enter(self, context: BrowserContext, role: str, name: str, key: IdentityKey | None = None) -> Page:
        """Log in by a link, and choose a passphrase; the page's faults fail the test."""
        page = context.new_page()
        page.on("pageerror", lambda error: (_ for _ in ()).throw(AssertionError(str(error))))
        page.goto(self.link(role, name))
        page.get_by_role("button", name="go on").click()
        page.get_by_label("Passphrase").fill(PASSPHRASE)
        page.get_by_label("The same again").fill(PASSPHRASE)
        if key is not None:
            text = json.dumps({"kind": "identity", "private": key.private.hex(), "public": key.key})
            page.get_by_label("Your key, if you have one").fill(text)
        page.get_by_role("button", name="Keep it").click()
        page.wait_for_url("**/")
        return page


def new_context(browser: Browser, **options: Any) -> BrowserContext:
    """Give a browser of one person, in a zone of its own, that fails slowly: machines are busy."""
    context = browser.new_context(timezone_id="America/Chicago", locale="en-US", **options)
    context.set_default_timeout(60_000)
    return context


@contextlib.contextmanager
def open_offices(folder: Path, titles: dict[str, dict[str, Any]]) -> Iterator[Offices]:
    """Start everything over jobs that were submitted before.

    Args:
        folder: an empty one.
        titles: of jobs, with what else of their questions is changed.
    """
    write_sources(folder)
    address = f"127.0.0.1:{free_port()}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(governance, "signed_agreement", signed_terms)
        town = Town(folder, terms=terms_with_stewards())
        (folder / "coordinator.yaml").write_text(f"network: county\nlisten: {address}\npages: 127.0.0.1:0\n")
        agencies = [
            make_agency(town, DESK, address, folder, desk="ask", policy="ask"),
            make_agency(town, OTHER, address, folder),
        ]
        jobs = {}
        for number, (title, changes) in enumerate(titles.items()):
            asked = town.new_job(number + 1, question={**town.job.question.json_value(), "title": title, **changes})
            town.at.jobs.submit(member("ana"), town.document(asked))
            jobs[title] = asked.digest()
        town.at.close()
    note = agencies[0].folder / "node.yaml"
    note.write_text(json.dumps({**json.loads(note.read_text()), "pages": "127.0.0.1:0"}))
    coordinator = Process(folder)
    try:
        for agency in agencies:
            agency.start()
        desk = wait_for_address(agencies[0].config.state, agencies[0])
        yield Offices(folder, wait_for_address(folder / "state", None), desk, jobs)
    finally:
        for agency in agencies:
            agency.stop()
        coordinator.close()


def wait_for_address(state: Path, agency: Agency | None) -> str:
    """Give where a process serves its pages, once it does."""
    end = time.monotonic() + START_S
    while not (state / ADDRESS_FILE).exists():
        log = "" if agency is None else (agency.folder / "log").read_text()
        assert time.monotonic() < end, f"no pages are served\n{log[-2000:]}"
        time.sleep(0.1)
    return (state / ADDRESS_FILE).read_text()
