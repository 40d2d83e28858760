"""What an analyst sees at the coordinator's pages: the state of their own jobs, and no more (S-27, S-28)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from starlette.routing import Route

from tallystick.coordinator.pages.app import build_operator_pages, page_settings
from tallystick.coordinator.pages.reading import Reading
from tallystick.core.clock import FixedClock, SystemClock
from tallystick.core.errors import Invalid
from tallystick.core.pages.accounts import Accounts
from tallystick.core.pages.settings import PagePlace
from tallystick.crypto.randomness import SystemRandomness
from tests.pages.visitors import HOSTS, PASSPHRASE, QUICK, Visitor, text_of
from tests.town import Town, member


class Office:
    """A coordinator's pages, to which analysts may come or not."""

    def __init__(self, folder: Path, *, analysts: bool = True) -> None:
        self.town = Town(folder)
        self.clock = FixedClock(SystemClock().now())
        place = PagePlace("127.0.0.1:0", folder, folder, self.town.settings.state)
        reading = Reading(self.town.at.watching, self.town.at.agreements, self.town.settings.state)
        settings = page_settings(place, "county", HOSTS, "1", analysts=analysts)
        self.app = build_operator_pages(reading, settings, self.clock, SystemRandomness(), fresh_s=0, lock_cost=QUICK)
        self.accounts = Accounts(settings.folder, self.clock, SystemRandomness())

    def enter(self, name: str) -> Visitor:
        """Let an analyst in by a link."""
        visitor = Visitor(self.app)
        assert visitor.post("/link", {"link": self.accounts.make_link(name, analyst=True)}).status_code == 303
        visitor.get("/passphrase")
        assert visitor.post("/passphrase", {"passphrase": PASSPHRASE, "again": PASSPHRASE}).status_code == 303
        return visitor


@pytest.fixture
def office(tmp_path: Path) -> Office:
    made = Office(tmp_path)
    made.town.submit()
    return made


def test_an_analyst_sees_the_state_of_their_own_job(office: Office) -> None:
    town, visitor = office.town, office.enter("ana")
    assert visitor.get("/").headers["location"] == "/own"
    listed = text_of(visitor.get("/own"))
    assert "1 job, newest first" in listed
    page = text_of(visitor.get(f"/own/{town.digest.hex()}"))
    for words in ("approving", "Waited for, or kept", "Timeline", "submitted", town.digest.hex()):
        assert words in page
    town.at.jobs.cancel(member("ana"), town.digest)
    assert "cancelled" in text_of(visitor.get(f"/own/{town.digest.hex()}"))
    assert "cancelled" in text_of(visitor.get("/own"))


def test_s28_somebody_elses_job_is_as_if_there_were_none(office: Office) -> None:
    visitor = office.enter("eve")
    assert "You have asked nothing here yet" in text_of(visitor.get("/own"))
    there, nowhere = visitor.get(f"/own/{office.town.digest.hex()}"), visitor.get(f"/own/{'0' * 64}")
    assert there.status_code == nowhere.status_code
    assert "job-unknown" in there.text
    assert text_of(there) == text_of(nowhere)
    for name in (office.town.digest.hex()[:12], "zz", "0" * 63 + "x"):
        assert visitor.get(f"/own/{name}").status_code in {403, 404}


def test_s28_no_page_and_no_form_of_the_operators_is_an_analysts(office: Office) -> None:
    visitor, operator = office.enter("ana"), Visitor(office.app)
    operator.enter(office.accounts, "olga")
    open_to_all = {"/login", "/link", "/passphrase", "/logout", "/own", "/own/{job}", "/static"}
    closed = [route for route in office.app.routes if isinstance(route, Route) and route.path not in open_to_all]
    assert {"/live", "/", "/agencies", "/agreements", "/jobs/{job}"} == {route.path for route in closed}
    for route in closed:
        path = route.path.replace("{job}", office.town.digest.hex())
        answer = visitor.get(path)
        assert (answer.status_code, answer.headers.get("location")) in {(403, None), (303, "/own")}, path
        assert office.town.digest.hex() not in answer.text
    menu = visitor.get("/own").text
    assert "/agencies" not in menu
    assert operator.get("/own").status_code == 403
    assert operator.get("/").status_code == 200


def test_where_the_operator_does_not_allow_it_no_analyst_comes_in(tmp_path: Path) -> None:
    office = Office(tmp_path, analysts=False)
    visitor = Visitor(office.app)
    assert visitor.post("/link", {"link": office.accounts.make_link("ana", analyst=True)}).status_code == 403
    assert visitor.get("/own").status_code in {303, 404}


def test_who_was_let_in_before_is_out_once_it_is_no_longer_allowed(tmp_path: Path) -> None:
    before = Office(tmp_path)
    before.enter("ana")
    settings = page_settings(PagePlace("127.0.0.1:0", tmp_path, tmp_path, before.town.settings.state), "county", HOSTS, "1")
    reading = Reading(before.town.at.watching, before.town.at.agreements, before.town.settings.state)
    now = build_operator_pages(reading, settings, before.clock, SystemRandomness(), fresh_s=0, lock_cost=QUICK)
    assert Visitor(now).login("ana").status_code == 403


def test_a_name_is_an_operators_or_an_analysts(office: Office) -> None:
    office.enter("ana")
    with pytest.raises(Invalid, match="ana is an analyst at these pages"):
        office.accounts.make_link("ana")
    Visitor(office.app).enter(office.accounts, "olga")
    with pytest.raises(Invalid, match="olga is an operator at these pages"):
        office.accounts.make_link("olga", analyst=True)
    early = office.accounts.make_link("otto", analyst=True)
    Visitor(office.app).enter(office.accounts, "otto")
    late = Visitor(office.app)
    late.post("/link", {"link": early})
    late.get("/passphrase")
    answer = late.post("/passphrase", {"passphrase": PASSPHRASE, "again": PASSPHRASE})
    assert (answer.status_code, "otto is an operator" in answer.text) == (400, True), "a link that was made before"


def test_an_analyst_logs_in_again_as_one(office: Office) -> None:
    visitor = office.enter("ana")
    visitor.get("/own")
    assert visitor.post("/logout").headers["location"] == "/login"
    office.clock.advance(timedelta(hours=1))
    assert visitor.login("ana").status_code == 303
    assert visitor.get("/agencies").status_code == 403
    assert visitor.get("/own").status_code == 200
