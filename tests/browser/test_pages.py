"""The pages in a browser, over a coordinator and nodes that are processes of their own (issue of the pages: what must be seen to work)."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.hostile import BRACES, IMAGE, SCRIPT, hostile_terms
from tests.browser.offices import Offices, new_context, open_offices
from tests.governance import identity
from tests.pages.test_operator import HOSTILE
from tests.pages.visitors import PASSPHRASE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

STORY, OTHER_STORY = "Work after exit, by region", "Work after exit, asked to be refused"
WIDTHS = (320, 768, 1280)


@pytest.fixture(name="offices", scope="module")
def started_offices(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Offices]:
    titles = {STORY: {}, OTHER_STORY: {"purpose": "planning"}, **{title: {} for title in HOSTILE}}
    with open_offices(tmp_path_factory.mktemp("offices"), titles, terms=hostile_terms()) as offices:
        yield offices


def press_until(page: Page, text: str, key: str = "Tab", most: int = 80) -> None:
    """Press a key until what has the focus says something."""
    for _ in range(most):
        page.keyboard.press(key)
        said = page.evaluate("() => { const e = document.activeElement; return (e.innerText || '') + ' ' + (e.id || ''); }")
        if text in said:
            return
    raise AssertionError(f"{text} is not reached by {key}")


def test_stewards_decide_by_keyboard_and_the_operator_watches(browser: Browser, offices: Offices) -> None:
    job = offices.jobs[STORY]
    operator = offices.enter(new_context(browser), "coordinator", "olga")
    operator.goto(f"{offices.coordinator}/jobs/{job}")
    operator.get_by_text("Live: this page follows").wait_for()
    operator.evaluate("() => { window.stays = true; }")
    sue = offices.enter(new_context(browser), "node", "sue", identity("sue"))
    tom = offices.enter(new_context(browser), "node", "tom", identity("tom"))

    for question, button, after in (
        ("May this job run?", "Sign: it may run", "What would go out"),
        ("May this result go out?", "Sign: it may go out", "released"),
    ):
        sue.goto(f"{offices.desk}/jobs/{job}")
        sue.get_by_role("heading", name=question).wait_for()
        for again in (False, True):
            press_until(sue, "yes-passphrase")
            sue.keyboard.type(PASSPHRASE)
            press_until(sue, button)
            sue.keyboard.press("Enter")
            sue.get_by_text("sue has signed this already" if again else "sue signed; 1 more is needed").first.wait_for()
        tom.goto(f"{offices.desk}/jobs/{job}")
        tom.get_by_label("Your passphrase").first.fill(PASSPHRASE)
        tom.get_by_role("button", name=button).click()
        tom.wait_for_url(f"**/jobs/{job}")
        for _ in range(120):
            if after in tom.inner_text("main"):
                break
            tom.wait_for_timeout(500)
            tom.reload()
        assert after in tom.inner_text("main")
    operator.locator("#job .state-released").wait_for()
    assert operator.evaluate("() => window.stays"), "the page followed by itself, it was not loaded again"
    assert "released" in operator.inner_text("#job")
    assert not re.search(r"\d\d:\d\d UTC", operator.inner_text("main")), "moments are in the reader's zone"
    sue.goto(f"{offices.desk}/log")
    assert "none was changed" in sue.inner_text("main")
    assert "desk-signed" in sue.inner_text("main")


def test_everything_works_without_javascript(browser: Browser, offices: Offices) -> None:
    context = new_context(browser, java_script_enabled=False)
    page = offices.enter(context, "node", "tom", identity("tom"))
    page.get_by_role("link", name=offices.jobs[OTHER_STORY][:12]).click()
    assert re.search(r"\d\d:\d\d UTC", page.inner_text("main"))
    page.get_by_label("Why").fill("too fine")
    page.get_by_text("Without the rows by").first.click()
    page.locator("#no-passphrase").fill(PASSPHRASE)
    page.get_by_role("button", name="Refuse").click()
    assert "we said refuse" in page.inner_text("main").replace("\n", " ")
    page.get_by_role("button", name="Log out").click()
    page.get_by_label("Name").fill("tom")
    page.get_by_label("Passphrase").fill(PASSPHRASE)
    page.get_by_role("button", name="Log in").click()
    assert "What waits for you" in page.inner_text("main")


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing_and_nothing_is_cut_off(browser: Browser, offices: Offices, width: int, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    for role, name, paths in (
        ("coordinator", "olga", ["/", "/agencies", "/agreements", f"/jobs/{offices.jobs[STORY]}", "/nowhere"]),
        ("node", "uma", ["/", "/key", "/log", *(f"/jobs/{digest}" for digest in offices.jobs.values())]),
    ):
        context = new_context(browser, viewport={"width": width, "height": 900}, color_scheme=scheme)
        page = offices.enter(context, role, name)
        where = offices.coordinator if role == "coordinator" else offices.desk
        for path in paths:
            page.goto(where + path)
            page.wait_for_load_state("load")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            found = Axe().run(page).response
            assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == [], path
        context.close()


@pytest.mark.slow
def test_what_people_wrote_is_text(browser: Browser, offices: Offices) -> None:
    context = new_context(browser)
    page = offices.enter(context, "node", "uma")
    page.on("dialog", lambda dialog: (_ for _ in ()).throw(AssertionError(dialog.message)))
    operator = offices.enter(context, "coordinator", "olga")
    for title in HOSTILE:
        for one, where in ((page, offices.desk), (operator, offices.coordinator)):
            one.goto(f"{where}/jobs/{offices.jobs[title]}")
            shown = one.inner_text("main")
            assert one.locator("main img, main script").count() == 0
            assert not set(shown) & set("\u202e\u200b\u2066\u2069\u0007")
            if title.isprintable():
                assert title in shown
    page.goto(f"{offices.desk}/jobs/{offices.jobs[STORY]}")
    for text in (SCRIPT, IMAGE, "[U+202E]gnp.exe"):  # of the agreement: clauses, titles of datasets, labels of columns
        assert text in page.inner_text("main")
    operator.goto(f"{offices.coordinator}/agreements")
    assert BRACES + SCRIPT in operator.inner_text("main")


@pytest.mark.slow
@pytest.mark.parametrize("reason", ["<script>alert(1)</script>\u202e" * 60, "w" * 10_240, "\u2066" + "long words " * 1_000])
def test_a_reason_is_text_and_one_that_is_too_long_is_given_back(browser: Browser, offices: Offices, reason: str) -> None:
    page = offices.enter(new_context(browser, viewport={"width": 320, "height": 900}), "node", "vera")
    page.on("dialog", lambda dialog: (_ for _ in ()).throw(AssertionError(dialog.message)))
    page.goto(f"{offices.desk}/jobs/{offices.jobs[HOSTILE[0]]}")
    page.evaluate("() => document.getElementById('reason').removeAttribute('maxlength')")
    page.get_by_label("Why").fill(reason)
    page.locator("#no-passphrase").fill("it is not the right one")
    page.get_by_role("button", name="Refuse").click()
    page.locator(".problem").first.wait_for()
    assert page.locator("main script, main img").count() == 0
    assert page.get_by_label("Why").input_value().strip()[:20] in reason.replace("\u2066", "[U+2066]")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.slow
def test_print_leaves_out_what_paper_cannot_press(browser: Browser, offices: Offices) -> None:
    page = offices.enter(new_context(browser), "node", "uma")
    page.goto(f"{offices.desk}/jobs/{offices.jobs[STORY]}")
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    assert page.locator("button:visible").count() == 0
    assert page.get_by_role("heading", level=1).is_visible()
    assert len(page.pdf()) > 10_000


@pytest.mark.slow
def test_stolen_expired_and_forged(browser: Browser, offices: Offices) -> None:
    context = new_context(browser)
    link = offices.link("coordinator", "olga")
    page = context.new_page()
    page.goto(link)
    page.get_by_role("button", name="go on").click()
    page.goto(link)
    assert "this login link was used already" in page.inner_text("main")
    page = offices.enter(context, "coordinator", "olga")
    [cookie] = context.cookies()
    assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "Strict")
    page.evaluate("() => { document.querySelector('input[name=token]').value = '0'.repeat(64); }")
    page.get_by_role("button", name="Log out").click()
    assert "this form is not of your session" in page.inner_text("main")
    host = offices.coordinator.removeprefix("http://")
    thief = http.client.HTTPConnection(host, source_address=("127.0.0.2", 0), timeout=60)
    thief.request("GET", "/", headers={"Host": host, "Cookie": f"{cookie['name']}={cookie['value']}"})
    answer = thief.getresponse()
    assert (answer.status, answer.headers["location"]) == (303, "/login")
    page.goto(offices.coordinator)
    assert page.url.endswith("/login"), "the cookie was seen elsewhere, so its session ended"
