"""Coming in, in a browser: links, passphrases, two browsers at once, the agency's provider, and analysts, who see their own jobs alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tallystick.coordinator.pages.commands import FOLDER
from tallystick.core.clock import FixedClock, SystemClock
from tallystick.core.pages.accounts import LINK_MINUTES, Accounts
from tallystick.crypto.randomness import SystemRandomness
from tests.browser.offices import Offices, new_context, open_offices
from tests.governance import identity
from tests.pages.providers import CLIENT, SECRET, Provider, serve_provider
from tests.pages.visitors import PASSPHRASE

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow
STORY, OTHER_STORY = "Work after exit", "Work after exit, too fine"


@pytest.fixture(name="provider", scope="module")
def started_provider() -> Iterator[Provider]:
    with serve_provider() as provider:
        provider.issuer = provider.issuer.replace("127.0.0.1", "localhost")  # another site than the pages', as in life
        yield provider


@pytest.fixture(name="offices", scope="module")
def started_offices(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[Offices]:
    folder = tmp_path_factory.mktemp("offices")
    secret = folder / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    said = {
        "issuer": provider.issuer,
        "client": CLIENT,
        "secret_file": str(secret),
        "people": {"u-1": "tom"},
        "analysts": {"u-2": "ana"},
    }
    with open_offices(folder, {STORY: {}, OTHER_STORY: {"purpose": "planning"}}, said) as offices:
        yield offices


def test_one_logs_in_twice_and_each_browser_has_its_own_session(browser: Browser, offices: Offices) -> None:
    first = offices.enter(new_context(browser), "coordinator", "olga")
    second = new_context(browser).new_page()
    second.goto(offices.coordinator)
    assert second.url.endswith("/login")
    second.get_by_label("Name").fill("olga")
    second.get_by_label("Passphrase").fill(PASSPHRASE)
    second.get_by_role("button", name="Log in").click()
    second.get_by_role("heading", name="Jobs").wait_for()
    second.get_by_role("button", name="Log out").click()
    second.wait_for_url("**/login")
    first.reload()
    first.get_by_role("heading", name="Jobs").wait_for()


def test_an_expired_link_says_what_to_do(browser: Browser, offices: Offices) -> None:
    early = FixedClock(SystemClock().now() - timedelta(minutes=LINK_MINUTES, seconds=1))
    accounts = Accounts(offices.folder / "state" / FOLDER, early, SystemRandomness())
    page = new_context(browser).new_page()
    page.goto(f"{offices.coordinator}/link?token={accounts.make_link('olga')}")
    said = page.inner_text("main")
    assert "its time is over" in said
    assert "ask for another one on the terminal" in said.lower()


def test_a_steward_signs_in_at_the_provider_chooses_a_passphrase_and_signs_with_it(
    browser: Browser, offices: Offices, provider: Provider
) -> None:
    provider.person = {"sub": "u-1"}
    context = new_context(browser)
    page = context.new_page()
    page.goto(offices.desk)
    page.get_by_role("link", name="Sign in at localhost").click()
    page.get_by_role("heading", name="Choose a passphrase").wait_for()
    page.get_by_label("Passphrase").fill(PASSPHRASE)
    page.get_by_label("The same again").fill(PASSPHRASE)
    page.get_by_role("button", name="Keep it").click()
    page.get_by_role("heading", name="What waits for you").wait_for()
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("link", name="Sign in at localhost").click()
    page.get_by_role("heading", name="What waits for you").wait_for()
    page.goto(f"{offices.desk}/jobs/{offices.jobs[STORY]}")
    assert page.get_by_label("Your passphrase").count() == 2, "a session alone decides nothing"
    names = {one["name"]: one["sameSite"] for one in context.cookies()}
    assert [same for name, same in names.items() if not name.endswith("-provider")] == ["Strict"]


def test_whom_the_provider_knows_and_the_desk_does_not_stays_out(
    browser: Browser, offices: Offices, provider: Provider
) -> None:
    provider.person = {"sub": "u-7"}
    page = new_context(browser).new_page()
    page.goto(offices.desk)
    page.get_by_role("link", name="Sign in at localhost").click()
    page.get_by_text("you have no name at these pages").wait_for()
    page.goto(offices.desk)
    assert page.url.endswith("/login")


@pytest.mark.parametrize("by", ["link", "provider"])
def test_an_analyst_sees_their_own_jobs_without_javascript(
    browser: Browser, offices: Offices, provider: Provider, by: str
) -> None:
    context = new_context(browser, java_script_enabled=False, viewport={"width": 320, "height": 900})
    if by == "link":
        page = offices.enter(context, "coordinator", "otto", None, "--analyst")
        page.get_by_text("You have asked nothing here yet").wait_for()
        page.goto(f"{offices.coordinator}/own/{offices.jobs[STORY]}")
        assert "no job of that name is known here, or it is not yours to see" in page.inner_text("main")
    else:
        provider.person = {"sub": "u-2"}
        page = context.new_page()
        page.goto(offices.coordinator)
        page.get_by_role("link", name="Sign in at localhost").click()
        page.get_by_role("heading", name="Your jobs").wait_for()
        page.get_by_role("link", name=offices.jobs[STORY][:12]).click()
        page.get_by_role("heading", name=f"Job {offices.jobs[STORY][:12]}").wait_for()
        assert "approving" in page.inner_text("main")
    assert page.get_by_role("link", name="Agencies").count() == 0
    page.goto(f"{offices.coordinator}/agencies")
    assert "this page is not for you" in page.inner_text("main")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_the_analyst_submits_what_a_steward_would_approve(browser: Browser, offices: Offices, tmp_path: Path) -> None:
    job = offices.jobs[OTHER_STORY]
    sue = offices.enter(new_context(browser), "node", "sue", identity("sue"))
    sue.goto(f"{offices.desk}/jobs/{job}")
    sue.get_by_label("Why").fill("too fine for so few people")
    offered = sue.get_by_text("Without the rows by").first
    offered.click()
    sue.locator("#no-passphrase").fill(PASSPHRASE)
    sue.get_by_role("button", name="Refuse").click()
    sue.get_by_text("we said refuse").wait_for()
    file = tmp_path / "changed.yaml"
    for _ in range(60):
        if "refused" in offices.ask("job", "list", "--all"):
            break
        sue.wait_for_timeout(500)
    offices.ask("job", "proposal", job, "--out", file)
    assert "so few people" not in file.read_text(), "the reason stays at the agency"
    changed = offices.ask("job", "submit", file).split()
    [digest] = [word for word in changed if len(word) == 64] or [""]
    sue.goto(offices.desk)
    sue.get_by_text("2 to decide").wait_for()
    if digest:
        sue.goto(f"{offices.desk}/jobs/{digest}")
        sue.get_by_role("heading", name="May this job run?").wait_for()


def test_the_pages_before_a_session_are_for_everybody(browser: Browser, offices: Offices) -> None:
    from axe_playwright_python.sync_playwright import Axe

    for scheme in ("light", "dark"):
        page = new_context(browser, viewport={"width": 320, "height": 900}, color_scheme=scheme).new_page()
        link = offices.link("node", "vera")
        for address in (f"{offices.desk}/login", link, f"{link}x"):
            page.goto(address)
            assert page.evaluate("document.documentElement.scrollWidth") <= 320
            found = Axe().run(page).response
            assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == [], address
        page.goto(link)
        page.get_by_role("button", name="go on").click()
        found = Axe().run(page).response
        assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []
