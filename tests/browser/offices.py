"""A coordinator and two agencies' nodes as processes of their own, each with its pages, and people who log in with a browser."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tallystick.client.profile import AnalystProfile
from tallystick.client.sdk import join
from tallystick.coordinator.authority import write_invitation
from tallystick.core.agreement.model import Agreement
from tallystick.core.files import make_private
from tallystick.core.keyfile import IdentityKey, write_identity
from tallystick.core.pages.linking import ADDRESS_FILE
from tests import governance
from tests.e2e.party import free_port
from tests.governance import identity
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
        profile: of the analyst ana.
    """

    folder: Path
    coordinator: str
    desk: str
    jobs: dict[str, str]
    profile: Path

    def ask(self, *words: str | Path) -> str:
        """Type a command as the analyst ana; give what it prints."""
        command = [sys.executable, "-m", "tallystick.client.cli", *map(str, words)]
        environment = {**os.environ, "TALLY_HOME": str(self.profile)}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def link(self, role: str, name: str, *more: str) -> str:
        """Ask the command for a login link."""
        main, config = (
            (COORDINATOR_MAIN, self.folder / "coordinator.yaml")
            if role == "coordinator"
            else (MAIN, self.folder / DESK / "node.yaml")
        )
        said = subprocess.run(
            [sys.executable, "-c", main, "login", name, "--config", str(config), *more],
            capture_output=True,
            text=True,
            check=True,
        )
        return said.stdout.strip()

    def enter(self, context: BrowserContext, role: str, name: str, key: IdentityKey | None = None, *more: str) -> Page:
        """Log in by a link, and choose a passphrase; the page's faults fail the test.

        Args:
            context: the person's browser.
            role: `coordinator` or `node`.
            name: of the person.
            key: of a steward whom the agreement names.
            more: of the command that prints the link.
        """
        page = context.new_page()
        page.on("pageerror", lambda error: (_ for _ in ()).throw(AssertionError(str(error))))
        page.goto(self.link(role, name, *more))
        page.get_by_role("button", name="go on").click()
        page.get_by_label("Passphrase").fill(PASSPHRASE)
        page.get_by_label("The same again").fill(PASSPHRASE)
        if key is not None:
            text = json.dumps({"kind": "identity", "private": key.private.hex(), "public": key.key})
            page.get_by_label("Your key, if you have one").fill(text)
        page.get_by_role("button", name="Keep it").click()
        page.wait_for_url(re.compile(r"/(own)?$"))
        return page


def new_context(browser: Browser, **options: Any) -> BrowserContext:
    """Give a browser of one person, in a zone of its own, that fails slowly: machines are busy."""
    context = browser.new_context(timezone_id="America/Chicago", locale="en-US", **options)
    context.set_default_timeout(60_000)
    return context


@contextlib.contextmanager
def open_offices(
    folder: Path, titles: dict[str, dict[str, Any]], provider: dict[str, Any] | None = None, terms: Agreement | None = None
) -> Iterator[Offices]:
    """Start everything over jobs that were submitted before.

    Args:
        folder: an empty one.
        titles: of jobs, with what else of their questions is changed.
        provider: where people may sign in, as the configurations say it.
        terms: the agreement; the usual one unless told otherwise.
    """
    where = {"pages": "127.0.0.1:0"} | ({"pages_provider": provider} if provider else {})
    write_sources(folder)
    address = f"127.0.0.1:{free_port()}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(governance, "signed_agreement", signed_terms)
        town = Town(folder, terms=terms or terms_with_stewards())
        config = {"network": "county", "listen": address, "pages_analysts": True} | where
        (folder / "coordinator.yaml").write_text(json.dumps(config))
        profile = AnalystProfile(folder / "ana")
        make_private(profile.folder)
        write_identity(profile.folder / "identity.key", identity("ana"))
        invitation = town.at.authority.invite("analyst", "ana", address)
        write_invitation(folder / "ana.json", invitation)
        profile.keep_agreement(signed_terms(town.terms))
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
    note.write_text(json.dumps(json.loads(note.read_text()) | where))
    coordinator = Process(folder)
    try:
        for agency in agencies:
            agency.start()
        join(folder / "ana.json", profile)
        desk = wait_for_address(agencies[0].config.state, agencies[0])
        yield Offices(folder, wait_for_address(folder / "state", None), desk, jobs, profile.folder)
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
