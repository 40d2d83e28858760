"""Takes the picture of an agreement's data flow in docs/pictures, and looks at its page on a screen, a phone and paper.

usage: python -m tests.browser.agreement_pictures [FOLDER]

Needs Chromium. The agreement is that of examples/tiers/tribal, with reviewers.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Final

from playwright.sync_api import sync_playwright

from tallystick.client.flowpicture import draw_flow
from tallystick.client.paper import render_agreement
from tallystick.client.paperpage import render_page
from tallystick.core.agreement.model import Agreement
from tests.chains import Draft, example

FOLDER: Final = Path(__file__).parents[2] / "docs" / "pictures"


def write_page() -> str:
    """Give the page of HTML of an agreement whose results a Tribal Nation and the schools see first."""

    def change(name: str, draft: Draft) -> None:
        if name == "license":
            draft["review"] = {"days": 60, "by": ["river-nation", "schools"]}

    document = example("tribal").bind(change)
    return render_page(render_agreement(document), "Absence and access to care", draw_flow(document.read(Agreement)))


def take(folder: Path) -> None:
    """Take the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 960, "height": 900})
        page.set_content(write_page())
        page.locator("figure").screenshot(path=folder / "agreement-flow.png")
        if folder != FOLDER:
            page.screenshot(path=folder / "agreement-page.png", full_page=True)
            page.pdf(path=folder / "agreement.pdf")
            page.set_viewport_size({"width": 390, "height": 800})
            page.screenshot(path=folder / "agreement-phone.png", full_page=True)
        browser.close()


if __name__ == "__main__":
    take(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
