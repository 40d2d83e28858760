"""The page of a result in a browser: on a phone, on a screen and on paper nothing is cut off, and axe finds nothing serious."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tallystick.client.annex.page import annex
from tallystick.client.answer import Answer
from tallystick.client.viewing import ResultSite, serve_result
from tallystick.core.decimals import exact
from tallystick.core.measure import Asked
from tallystick.crypto.randomness import SystemRandomness
from tests.cli.test_result_formats import answer
from tests.cli.test_result_plots import of_measure
from tests.cli.test_since_results import answer as since_answer
from tests.unit.client.test_annex import CHECKS, linkage, one_column

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow
WIDTHS = (320, 380, 1280)
BEYOND = """() => [...document.querySelectorAll('main *')].filter(one => !one.closest('.scroll') && one.getClientRects().length
    && one.getBoundingClientRect().right > document.documentElement.clientWidth + 1).map(one => one.outerHTML.slice(0, 80))"""
CUT = """() => [...document.querySelectorAll('svg')].filter(one => one.getClientRects().length).flatMap(svg =>
    [...svg.querySelectorAll('text')].filter(text => {
      const [a, b] = [svg.getBoundingClientRect(), text.getBoundingClientRect()];
      return b.right > a.right + 1 || b.left < a.left - 1 || b.bottom > a.bottom + 1;
    }).map(text => text.textContent))"""


def regressed() -> Answer:
    """Give a result of a regression by region, of which one is hidden."""
    told = {"estimate": 1.5, "se": 0.25, "t": 6.0, "p": 0.0001, "low": 1.0, "high": 2.0}
    detail = {"n": 900, "coefficients": {"(constant)": told, "tanf.age": told}}
    return of_measure(Asked("regression", ("wages.wage", "tanf.age")), {"north": detail, "south": None})


@pytest.fixture(name="page", params=["one column", "two columns", "periods", "coefficients"])
def written_page(browser: Browser, tmp_path: Path, request: pytest.FixtureRequest) -> Page:
    match request.param:
        case "one column":
            made = one_column()
        case "two columns":
            made = answer(linkage=exact(linkage()))
        case "periods":
            made = since_answer([2, 4], ("wages.present",))
        case _:
            made = regressed()
    file = tmp_path / "page.html"
    file.write_text(annex(made, CHECKS), encoding="utf-8")
    page = browser.new_page()
    page.goto(file.as_uri())
    return page


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_cut_off(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(BEYOND) == []
    assert page.evaluate(CUT) == []
    letters = page.evaluate(
        """() => [...document.querySelectorAll('svg')].filter(one => one.getClientRects().length)
           .map(one => 13 * one.getBoundingClientRect().width / one.viewBox.baseVal.width)"""
    )
    assert letters
    assert min(letters) >= 10.5


@pytest.mark.parametrize("width", WIDTHS)
def test_the_served_page_and_its_plots_load_nothing_from_elsewhere(browser: Browser, width: int) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = browser.new_page(viewport={"width": width, "height": 900})
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("requestfailed", lambda request: said.append(request.url))
    with serve_result(ResultSite(answer(linkage=exact(linkage())), CHECKS), 0, SystemRandomness()) as address:
        page.on("request", lambda request: said.extend([] if request.url.startswith(address) else [request.url]))
        page.goto(address)
        page.get_by_role("link", name="All plots of this result").click()
        page.get_by_role("heading", level=1).wait_for()
        page.wait_for_load_state("networkidle")
        widths = page.evaluate("() => [...document.images].map(one => one.complete ? one.naturalWidth : 0)")
        assert len(widths) > 2
        assert min(widths) > 100, "each picture was drawn"
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        found = Axe().run(page).response
        assert [one["id"] for one in found["violations"] if one["impact"] in {"serious", "critical"}] == []
    assert [one for one in said if "favicon" not in one] == []


@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing_serious(page: Page, width: int) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page.set_viewport_size({"width": width, "height": 900})
    found = Axe().run(page).response
    assert len(found["passes"]) > 10
    assert [(one["id"], one["impact"]) for one in found["violations"] if one["impact"] in {"serious", "critical"}] == []


def test_paper_has_the_charts_for_wide_pages_each_on_one_sheet(page: Page, tmp_path: Path) -> None:
    pdf = page.pdf(format="A4")
    assert pdf.startswith(b"%PDF-")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 670, "height": 1000})  # what A4 leaves between its margins
    assert page.evaluate("document.documentElement.scrollWidth") <= 670
    assert page.evaluate(BEYOND) == []
    tall = page.evaluate("() => [...document.querySelectorAll('svg')].map(one => one.getBoundingClientRect().height)")
    assert max(tall) < 1000
    assert page.evaluate("() => [...document.querySelectorAll('.narrow')].every(one => !one.getClientRects().length)")


def test_the_page_runs_and_loads_nothing(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(annex(one_column(), CHECKS), encoding="utf-8")
    page = browser.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto(file.as_uri())
    assert asked == [file.as_uri()]
    assert said == []
