"""Pages of requests in a browser, a worker's and a steward's: nothing is cut off on a phone, a screen or paper, and axe finds nothing."""

from __future__ import annotations

import asyncio
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tallystick.core.consent.asking import VERIFY, GivenField
from tests.pages.test_requests import open_request_desk
from tests.pages.test_worker import open_worker
from tests.pages.visitors import PASSPHRASE
from tests.requesting import ROSA, lasting_terms

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow
WIDTHS = (320, 768, 1280)
PAPER = 670
GIVEN = GivenField(
    rows=({"street": "22 New St", "city": "Reno", "zip": "90211"},), source="clients", as_of="2025-06-30", notices=(VERIFY,)
)


def check(page: Page, what: str, folder: Path | None = None) -> None:
    """Look at a page at every width; take its picture where a folder is given."""
    from axe_playwright_python.sync_playwright import Axe

    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (what, width)
        found = Axe().run(page).response
        assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == [], (what, width)
        if folder is not None:
            page.screenshot(path=str(folder / f"{what}-{width}.png"), full_page=True)
    page.emulate_media(media="print")
    page.set_viewport_size({"width": PAPER, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= PAPER, what
    assert page.evaluate(
        "() => [...document.querySelectorAll('form, nav, .no-print')].every(one => !one.getClientRects().length)"
    )
    if folder is not None:
        page.screenshot(path=str(folder / f"{what}-paper.png"), full_page=True)
    page.emulate_media(media="screen")


def look_at_worker(browser: Browser, folder: Path | None = None) -> None:
    """Walk through a worker's pages without a script."""
    page = browser.new_context(java_script_enabled=True).new_page()
    with open_worker() as desk:
        page.goto(desk.address)
        check(page, "worker-home", folder)
        page.get_by_role("link", name="Rosa Delgado").click()
        check(page, "worker-ask", folder)
        page.get_by_role("button", name="Ask housing").click()
        assert "choose at least one field" in page.inner_text("main")
        check(page, "worker-problem", folder)
        page.get_by_label("address").check()
        page.get_by_role("button", name="Ask housing").click()
        page.get_by_role("heading", name="Waiting for the answer").wait_for()
        check(page, "worker-waiting", folder)
        digest = page.url.rpartition("/")[2]
        desk.client.answer(digest, fields={"address": GIVEN})
        page.get_by_role("link", name="Wait for it").click()
        page.get_by_role("heading", name="What housing tells").wait_for()
        check(page, "worker-answer", folder)
        page.goto(desk.address)
        check(page, "worker-asked", folder)


def read_desk(folder: Path) -> dict[str, str]:
    """Give a steward's pages by name."""

    async def read() -> dict[str, str]:
        async with open_request_desk(folder, lasting_terms(steward_seconds=20), policy="ask") as desk:
            sue = await desk.enter("sue")
            first = await desk.ask()
            await sue.get(f"/requests/{first}")
            await sue.post(f"/requests/{first}", {"decision": "allow", "passphrase": PASSPHRASE})
            for _ in range(300):
                if (await desk.world.last("housing")).state == "sent":
                    break
                await asyncio.sleep(0.1)
            waiting = await desk.ask()
            await desk.ask(person=ROSA | {"ssn": "219451238"})
            used = (await desk.world.stores["housing"].run(lambda storage: storage.find_requests(first)))[0].consent
            paths = {
                "requests": "/requests",
                "request": f"/requests/{waiting}",
                "given": f"/requests/{first}",
                "consents": "/consents",
                "consent": f"/consents/{used}",
            }
            pages = {name: (await sue.get(path)).text for name, path in paths.items()}
            pages["person"] = (await sue.post("/requests", {"person": "h-rosa"})).text
            return pages

    with ThreadPoolExecutor(1) as apart:  # a browser that is driven has a loop in this thread
        return apart.submit(lambda: asyncio.run(read())).result()


def look_at_desk(browser: Browser, pages: dict[str, str], folder: Path | None = None) -> None:
    """Look at a steward's pages, with their style in them."""
    style = (files("tallystick.core.pages") / "static" / "tally.css").read_text()
    page = browser.new_page()
    for name, text in pages.items():
        text = re.sub(r'<link rel="icon"[^>]*>|<script[^>]*></script>', "", text)
        page.set_content(re.sub(r'<link rel="stylesheet"[^>]*>', lambda _: f"<style>{style}</style>", text))
        check(page, f"desk-{name}", folder)


def test_a_workers_pages(browser: Browser) -> None:
    look_at_worker(browser)


def test_a_stewards_pages_of_requests(browser: Browser, tmp_path: Path) -> None:
    pages = read_desk(tmp_path)
    assert "May these fields be told?" in pages["request"]
    look_at_desk(browser, pages)


def main() -> None:
    """Take pictures: python -m tests.browser.test_request_pages FOLDER."""
    import tempfile

    from playwright.sync_api import sync_playwright

    folder = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as made:
        pages = read_desk(Path(made))
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        look_at_desk(browser, pages, folder)
        look_at_worker(browser, folder)


if __name__ == "__main__":
    main()
