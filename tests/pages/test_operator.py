"""The operator's pages over a coordinator with jobs in every state, without a browser (S-24, S-27 to S-29)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tallystick.coordinator.pages.app import build_operator_pages, page_settings
from tallystick.coordinator.pages.reading import Reading
from tallystick.core.clock import FixedClock, SystemClock
from tallystick.core.pages.accounts import LINK_MINUTES, Accounts
from tallystick.core.pages.guarding import HEADERS
from tallystick.core.pages.sessions import FREE_GUESSES, IDLE, LONGEST
from tallystick.core.pages.settings import PagePlace
from tallystick.crypto.randomness import SystemRandomness
from tests.pages.visitors import HOST, HOSTS, PASSPHRASE, QUICK, Visitor, text_of
from tests.town import Town, member

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}{% raw %}",
    "abc\u202egnp.exe",
    "zero\u200bwidth \u2066isolate\u2069 \u0007bell",
    "x" * 1999,
    "javascript:alert(1)",
    "&lt;b&gt; already escaped",
)


class Office:
    """A coordinator, its pages, and a clock of the sessions alone."""

    def __init__(self, folder: Path) -> None:
        self.town = Town(folder)
        self.clock = FixedClock(SystemClock().now())
        place = PagePlace("127.0.0.1:0", folder, folder, self.town.settings.state)
        reading = Reading(self.town.at.watching, self.town.at.agreements, self.town.settings.state)
        self.settings = page_settings(place, "county", HOSTS, "1")
        self.app = build_operator_pages(reading, self.settings, self.clock, SystemRandomness(), fresh_s=0, lock_cost=QUICK)
        self.accounts = Accounts(self.settings.folder, self.clock, SystemRandomness())

    def visit(self, address: str = "127.0.0.1") -> Visitor:
        return Visitor(self.app, address)

    def enter(self, name: str = "olga") -> Visitor:
        visitor = self.visit()
        visitor.enter(self.accounts, name)
        return visitor


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_the_list_and_the_page_of_a_job_say_what_the_command_says(office: Office) -> None:
    town = office.town
    town.submit()
    town.approve("human-services", "sue")
    visitor = office.enter()
    listed = text_of(visitor.get("/"))
    assert "1 job is under way" in listed
    assert town.digest.hex()[:12] in listed
    assert "labor" in listed, "who is waited for"
    page = text_of(visitor.get(f"/jobs/{town.digest.hex()[:12]}"))
    for words in ("approving", "Signed decisions", "sue steward of labor approve", "verified", "Timeline", "submit", "ana"):
        assert words in page
    assert "labor approval no board approval" in page, "labor is not connected; the board never is"
    town.approve("labor", "tom", "board")
    page = text_of(visitor.get(f"/jobs/{town.digest.hex()}"))
    assert "running" in page
    assert "everybody allowed it" in page
    town.at.jobs.cancel(member("ana"), town.digest)
    page = text_of(visitor.get("/"))
    assert "No job is under way" in page
    assert "cancelled" in page
    assert "cancel" in text_of(visitor.get(f"/jobs/{town.digest.hex()}")), "the timeline stays"


def test_agencies_and_agreements_have_their_pages(office: Office) -> None:
    visitor = office.enter()
    agencies = text_of(visitor.get("/agencies"))
    assert "3 agencies" in agencies
    assert "labor no not joined" in agencies
    agreements = text_of(visitor.get("/agreements"))
    assert "county" in agreements
    assert "human-services, housing and labor" in agreements or "labor" in agreements


@pytest.mark.parametrize("path", ["/", "/agencies", "/agreements", "/jobs/abcd1234"])
def test_s28_nobody_sees_a_page_without_a_session(office: Office, path: str) -> None:
    answer = office.visit().get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")


def test_s28_every_answer_has_the_headers(office: Office) -> None:
    visitor = office.enter()
    for path in ("/", "/login", "/static/tally.css", "/nowhere", "/jobs/abcd1234"):
        answer = visitor.get(path)
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS, path
    page = visitor.get("/").text
    assert "style=" not in page
    assert "<script>" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_a_link_is_taken_once_and_not_by_looking_ahead(office: Office) -> None:
    token = office.accounts.make_link("olga")
    for _ in range(3):
        assert "Login link of olga" in text_of(office.visit().get(f"/link?token={token}"))
    assert office.visit().post("/link", {"link": token}).headers["location"] == "/passphrase"
    assert office.visit().post("/link", {"link": token}).status_code == 403
    assert office.visit().get(f"/link?token={token}").status_code == 403


def test_a_link_expires(office: Office) -> None:
    token = office.accounts.make_link("olga")
    office.clock.advance(timedelta(minutes=LINK_MINUTES))
    answer = office.visit().post("/link", {"link": token})
    assert (answer.status_code, "invite-invalid" in answer.text) == (403, True)


@pytest.mark.parametrize("token", ["", "0" * 64, "../../x", "ä" * 100, "%00"])
def test_a_made_up_link_is_refused(office: Office, token: str) -> None:
    assert office.visit().post("/link", {"link": token}).status_code == 403


def test_who_comes_by_a_link_sees_nothing_before_a_passphrase_is_chosen(office: Office) -> None:
    visitor = office.visit()
    visitor.post("/link", {"link": office.accounts.make_link("olga")})
    for path in ("/", "/agencies"):
        assert visitor.get(path).headers["location"] == "/passphrase"
    for passphrase, again in (("short", "short"), (PASSPHRASE, PASSPHRASE + "x"), ("x" * 1025, "x" * 1025)):
        visitor.get("/passphrase")
        assert visitor.post("/passphrase", {"passphrase": passphrase, "again": again}).status_code == 400
    assert office.accounts.find("olga") is None


def test_one_logs_in_twice_and_logs_out_once(office: Office) -> None:
    first = office.enter()
    second = office.visit()
    assert second.login("olga").headers["location"] == "/"
    assert (first.get("/").status_code, second.get("/").status_code) == (200, 200)
    assert first.post("/logout").headers["location"] == "/login"
    assert (first.get("/").status_code, second.get("/").status_code) == (303, 200)


def test_wrong_passphrases_are_slowed_down(office: Office) -> None:
    office.enter()
    for _ in range(FREE_GUESSES):
        assert office.visit().login("olga", "wrong horse battery").status_code == 403
    assert office.visit().login("olga").status_code == 429, "the right one has to wait too"
    office.clock.advance(timedelta(seconds=6))
    assert office.visit().login("olga").status_code == 303
    assert office.visit().login("nobody").status_code == 403
    assert office.visit().login("../olga").status_code == 403


def test_a_session_ends_when_it_is_idle_and_after_a_day(office: Office) -> None:
    visitor = office.enter()
    office.clock.advance(IDLE - timedelta(seconds=1))
    assert visitor.get("/", headers={"x-tally-live": "1"}).status_code == 200, "what the page asks by itself is no use"
    office.clock.advance(timedelta(seconds=2))
    assert visitor.get("/").status_code == 303
    assert visitor.login("olga").status_code == 303
    for _ in range(LONGEST // (IDLE / 2)):
        office.clock.advance(IDLE / 2)
        answer = visitor.get("/")
    assert answer.status_code == 303


def test_a_stolen_cookie_ends_the_session(office: Office) -> None:
    visitor = office.enter()
    cookie = visitor.http.cookies.get(office.settings.cookie)
    assert cookie
    thief = office.visit("10.1.2.3")
    thief.http.cookies.set(office.settings.cookie, cookie)
    assert thief.get("/").status_code == 303
    assert visitor.get("/").status_code == 303, "and its owner has to log in again"


def test_the_cookie_is_for_this_host_alone_and_for_no_script(office: Office) -> None:
    visitor = office.visit()
    answer = visitor.post("/link", {"link": office.accounts.make_link("olga")})
    said = answer.headers["set-cookie"].lower()
    assert said.startswith("__host-")
    for word in ("httponly", "secure", "samesite=strict", "path=/"):
        assert word in said
    assert "domain" not in said


def test_a_form_needs_the_token_of_its_session(office: Office) -> None:
    visitor, other = office.enter(), office.enter("otto")
    other.get("/")
    for token in ("", "0" * 64, other.token):
        visitor.token = token
        assert visitor.post("/logout").status_code == 403
    assert visitor.get("/").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": f"http://{HOST}"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_form_from_elsewhere_is_refused(office: Office, headers: dict[str, str]) -> None:
    visitor = office.enter()
    visitor.get("/")
    assert visitor.post("/logout", headers=headers).status_code == 403
    assert visitor.get("/").status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "desk.example", f"{HOST}.evil.example", ""])
def test_another_name_of_this_machine_is_refused(office: Office, host: str) -> None:
    assert office.visit().get("/login", headers={"host": host}).status_code == 403


def test_a_body_that_is_no_small_form_is_refused(office: Office) -> None:
    visitor = office.visit()
    assert visitor.http.post("/login", json={"name": "olga"}).status_code == 400
    assert visitor.post("/login", {"name": "x" * 300_000}).status_code == 413
    assert visitor.post("/login", {f"field{number}": "" for number in range(60)}).status_code == 400
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert visitor.http.post("/login", content=b"name=%ff", headers=form).status_code == 400


def test_s27_hostile_titles_render_as_text(office: Office) -> None:
    town = office.town
    for number, title in enumerate(HOSTILE):
        asked = town.new_job(number + 1, question=town.job.question.model_copy(update={"title": title}).json_value())
        town.at.jobs.submit(member("ana"), town.document(asked))
    visitor = office.enter()
    pages = [visitor.get("/")] + [visitor.get(f"/jobs/{record.job.hex()}") for record in town.at.storage.jobs(ended=True)]
    for answer in pages:
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert "<img" not in answer.text
        for unseen in "\u202e\u200b\u2066\u2069\u0007":
            assert unseen not in answer.text
    listed = text_of(pages[0])
    assert "[U+202E]gnp.exe" in listed
    assert "{{ 7 * 7 }}" in listed
    assert "<script>alert(1)</script>" in listed
