"""Takes the pictures of docs/pages.md, over a coordinator and nodes that run: docs/pictures/pages-*.png.

usage: python -m tests.browser.pictures [FOLDER]
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from playwright.sync_api import sync_playwright

from tallystick.client.viewing import ResultSite, serve_result
from tallystick.core.decimals import exact
from tallystick.crypto.randomness import SystemRandomness
from tests.browser.offices import Offices, new_context, open_offices
from tests.cli.test_result_formats import answer
from tests.governance import agreement_value, identity
from tests.pages.desks import terms_with_stewards
from tests.pages.visitors import PASSPHRASE
from tests.town import AGENCIES
from tests.unit.client.test_annex import CHECKS, linkage

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FOLDER: Final = Path(__file__).parents[2] / "docs" / "pictures"
SIZES: Final = ((320, 900), (768, 1000), (1280, 900))
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
RELEASED, WAITING, CHANGED = "Work within a year of leaving cash aid", "Wages by industry, first quarter", "Returns to cash aid"


@contextmanager
def open_county(folder: Path) -> Iterator[Offices]:
    """Start offices with texts as a county would write them."""
    datasets = {name: one for name, one in agreement_value()["datasets"].items() if one["agency"] in AGENCIES}
    datasets["tanf"] |= {"title": "Households that left cash aid", "authority": "Welfare and Institutions Code § 10850"}
    datasets["tanf"]["columns"]["region"]["label"] = "Region of the county"
    datasets["wages"] |= {"title": "Quarterly wages of covered employment"}
    terms = terms_with_stewards(
        datasets=datasets, title="Data sharing agreement 2026-14", authority=["Board resolution 2026-14, section 3"]
    )
    with open_offices(folder, {RELEASED: {}, WAITING: {"purpose": "planning"}, CHANGED: {}}, None, terms) as offices:
        yield offices


def sign(page: Page, button: str) -> None:
    """Give a yes with the passphrase."""
    page.locator("#yes-passphrase").fill(PASSPHRASE)
    page.get_by_role("button", name=button).click()


def decide(browser: Browser, offices: Offices, picture: Path) -> None:
    """Let one job run and out, refuse another, and take pictures on the way."""
    sue = offices.enter(new_context(browser), "node", "sue", identity("sue"))
    tom = offices.enter(new_context(browser), "node", "tom", identity("tom"))
    job = f"{offices.desk}/jobs/{offices.jobs[RELEASED]}"
    for button, after in (("Sign: it may run", "What would go out"), ("Sign: it may go out", "released")):
        for page in (sue, tom):
            page.goto(job)
            if button == "Sign: it may go out" and page is sue:
                take(page, picture / "desk-release")
            sign(page, button)
            page.wait_for_load_state()
        for _ in range(240):
            if after in tom.inner_text("main"):
                break
            tom.wait_for_timeout(500)
            tom.goto(job)
    sue.goto(f"{offices.desk}/jobs/{offices.jobs[CHANGED]}")
    sue.get_by_label("Why").fill("South has too few people in care")
    sue.get_by_text("Without the rows by").first.click()
    sue.locator("#no-passphrase").fill(PASSPHRASE)
    sue.get_by_role("button", name="Refuse").click()
    sue.wait_for_load_state()


def take(page: Page, picture: Path) -> None:
    """Take pictures of a page at every width, light and dark; of the phone the first screen."""
    page.wait_for_load_state("load")
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            page.screenshot(path=f"{picture}-{width}-{scheme}.png", full_page=width > SIZES[0][0])


def main() -> None:
    """Take all of them."""
    picture = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver, open_county(Path(folder)) as offices:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = new_context(browser).new_page()
        page.goto(f"{offices.desk}/login")
        take(page, picture / "login")
        page = offices.enter(new_context(browser), "node", "uma", identity("uma"))
        page.goto(f"{offices.desk}/jobs/{offices.jobs[WAITING]}")
        take(page, picture / "desk-job")
        decide(browser, offices, picture)
        for name, path in (("desk-jobs", "/"), ("desk-log", "/log"), ("desk-key", "/key")):
            page.goto(offices.desk + path)
            take(page, picture / name)
        page = offices.enter(new_context(browser), "coordinator", "olga")
        ended = f"/jobs/{offices.jobs[RELEASED]}"
        refused = f"/jobs/{offices.jobs[CHANGED]}"
        for name, path in (
            ("jobs", "/"),
            ("job", ended),
            ("refused", refused),
            ("agencies", "/agencies"),
            ("agreements", "/agreements"),
        ):
            page.goto(offices.coordinator + path)
            take(page, picture / f"operator-{name}")
        page = offices.enter(new_context(browser), "coordinator", "ana", None, "--analyst")
        take(page, picture / "analyst-jobs")
        page.goto(f"{offices.coordinator}/own/{offices.jobs[RELEASED]}")
        take(page, picture / "analyst-job")
        with serve_result(ResultSite(answer(linkage=exact(linkage())), CHECKS), 0, SystemRandomness()) as address:
            page = new_context(browser).new_page()
            page.goto(address)
            take(page, picture / "result")
            page.goto(f"{address}plots")
            take(page, picture / "result-plots")
        browser.close()


if __name__ == "__main__":
    main()
