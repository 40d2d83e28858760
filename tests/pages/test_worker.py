"""A worker's pages: ask, wait, read; an answer is gone when its time is over, and nothing is kept (S-30)."""

from __future__ import annotations

import html
import http.client
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

import pytest

from tallystick.client.loopback import MOST_BYTES, list_headers, serve_site
from tallystick.client.records import AnswerRead, FieldsAsked, RecordClient
from tallystick.client.worker.site import WorkerSite
from tallystick.core.agreement.model import Agreement
from tallystick.core.consent.asking import VERIFY, GivenField, RecordAnswer, RecordRequest
from tallystick.core.documents import SignedDocument
from tallystick.core.errors import Refused
from tallystick.crypto.randomness import SystemRandomness
from tests.consents import PERSON, consent, signed_consent, signed_request
from tests.governance import identity, stamp
from tests.requesting import lasting_terms

ROWS: tuple[dict[str, str | None], ...] = ({"street": "22 <New> St", "city": "Re\u202eno", "zip": "90211"},)


@dataclass
class SteppedClock:
    """Implements `Clock`; a test moves it."""

    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        """Give the present moment, moved."""
        return datetime.now(UTC) + self.ahead


@dataclass
class StubClient:
    """Asks nobody; a test says what comes."""

    terms: Agreement
    asked: list[FieldsAsked] = field(default_factory=list)
    open: dict[str, RecordRequest] = field(default_factory=dict)
    coming: list[AnswerRead] = field(default_factory=list)

    def ask_for(
        self, paper: SignedDocument, agreement: Agreement, digest: str, asked: FieldsAsked
    ) -> tuple[str, RecordRequest]:
        """Keep what is asked."""
        if asked.purpose == "outreach":
            raise Refused("consent-invalid", "the consent is for another purpose")
        document = signed_request(
            agreement, paper, datetime.now(UTC), ("ann",), request=f"{len(self.asked):032x}", fields=list(asked.fields)
        )
        self.asked.append(asked)
        self.open[document.digest] = document.read(RecordRequest)
        return document.digest, self.open[document.digest]

    def waiting(self) -> list[str]:
        """Give what is awaited."""
        return list(self.open)

    def answers(self, agreements: Callable[[str], Agreement], *, seconds: float) -> Iterator[AnswerRead]:
        """Give what came."""
        while self.coming:
            one = self.coming.pop()
            self.open.pop(one.digest, None)
            yield one

    def answer(self, digest: str, **changes: Any) -> None:
        """Let an answer come."""
        now = datetime.now(UTC)
        base: dict[str, Any] = {
            "request": digest,
            "owner": "housing",
            "answered": stamp(now),
            "until": stamp(now + timedelta(hours=1)),
        }
        self.coming.append(AnswerRead(self.open[digest], digest, RecordAnswer(**(base | changes))))


@dataclass
class Desk:
    """Served pages."""

    client: StubClient
    clock: SteppedClock
    address: str

    def ask(self, path: str, form: Mapping[str, Any] | None = None, **headers: str) -> tuple[int, str, str]:
        """Give status, where it leads to, and text."""
        parts = urlsplit(self.address)
        line = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
        body = None if form is None else urlencode(form, doseq=True)
        kind = {} if form is None else {"Content-Type": "application/x-www-form-urlencoded"}
        line.request("GET" if form is None else "POST", parts.path + path, body=body, headers=kind | headers)
        got = line.getresponse()
        for name, value in list_headers(forms=True).items():
            assert got.headers[name] == value
        to = (got.headers["location"] or "").removeprefix(parts.path)
        return got.status, to, got.read().decode()

    def begin(self, **changes: Any) -> str:
        """Ask for an address; give the request's digest."""
        form = {
            "dataset": "clients",
            "field": ["address", "phone"],
            "purpose": "benefits",
            "role": "benefits-worker",
            "person": "L-1",
        }
        status, to, said = self.ask("consent/0", form | changes)
        assert status == 303, said
        return to.removeprefix("request/")


def said_by(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


@contextmanager
def open_worker(*papers: SignedDocument) -> Iterator[Desk]:
    terms = lasting_terms()
    client, clock = StubClient(terms), SteppedClock()
    held = papers or (signed_consent(consent(datetime.now(UTC), person=PERSON)),)
    site = WorkerSite(
        cast("RecordClient", client),
        identity("ann").key,
        held,
        lambda _: (terms, terms.digest()),
        clock,
        pause_s=0.02,
        look_s=5.0,
    )
    thread = threading.Thread(target=site.collect)
    thread.start()
    try:
        with serve_site(site, 0, SystemRandomness(), forms=True) as address:
            yield Desk(client, clock, address)
    finally:
        site.end()
        thread.join()


def test_a_worker_asks_waits_and_reads() -> None:
    with open_worker() as desk:
        _, _, home = desk.ask("")
        assert "Rosa Delgado" in home
        _, _, page = desk.ask("consent/0")
        assert 'value="address"' in page
        assert 'value="treatment"' not in page, "the consent does not open it"
        digest = desk.begin()
        assert desk.client.asked == [FieldsAsked("clients", ("address", "phone"), "benefits", "benefits-worker", "L-1")]
        _, _, page = desk.ask(f"request/{digest}")
        assert "Waiting for the answer" in page
        assert f"wait/{digest}" in page
        given = GivenField(rows=ROWS, source="clients", as_of="2025-06-30", notices=(VERIFY,))
        threading.Timer(0.2, lambda: desk.client.answer(digest, fields={"address": given, "phone": given})).start()
        began = time.monotonic()
        _, _, page = desk.ask(f"wait/{digest}")
        assert time.monotonic() - began < 4, "the page came when the answer had"
        for words in ("What housing tells", "22 <New> St", "Re[U+202E]no", "as of 2025-06-30", "To be shown until", VERIFY):
            assert words in said_by(page), words
        assert "<New>" not in page
        desk.clock.ahead = timedelta(hours=2)
        for path in (f"request/{digest}", f"wait/{digest}", ""):
            _, _, page = desk.ask(path)
            assert "time is over" in page.lower() or "The time of this answer is over" in page
            assert "New" not in said_by(page)
        desk.clock.ahead = timedelta()
        assert "New" not in said_by(desk.ask(f"request/{digest}")[2]), "it is forgotten, not hidden"


def test_nothing_and_a_refusal_of_the_own_agency_read_as_what_they_are() -> None:
    with open_worker() as desk:
        nothing, refused = desk.begin(), desk.begin()
        desk.client.answer(nothing)
        desk.client.answer(refused, refused="too many <b>", owner="labor")
        assert "Nothing can be told" in desk.ask(f"wait/{nothing}")[2]
        assert "too many <b>" in said_by(desk.ask(f"wait/{refused}")[2])


def test_what_cannot_be_asked_is_said_on_the_form() -> None:
    with open_worker() as desk:
        for change, words in (({"field": []}, "choose at least one field"), ({"purpose": "outreach"}, "for another purpose")):
            form = {"dataset": "clients", "field": "phone", "purpose": "benefits", "role": "benefits-worker"}
            status, _, page = desk.ask("consent/0", form | change)
            assert (status, words in page) == (400, True)
        assert desk.client.asked == []


def test_consents_that_open_nothing_say_why() -> None:
    now = datetime.now(UTC)
    over = signed_consent(consent(now, valid_until=stamp(now)))
    other = signed_consent(consent(now, discloser=["schools"]))
    with open_worker(over, other) as desk:
        _, _, home = desk.ask("")
        assert "not in force" in home
        assert "offers you nothing" in home
        assert 'href="consent/' not in home


@pytest.mark.parametrize("path", ["consent/1", "consent/x", "consent/", "request/ffff", "wait/ffff", "nothing", "../tally.css"])
def test_there_is_nothing_else(path: str) -> None:
    with open_worker() as desk:
        assert desk.ask(path)[0] == 404
        assert desk.ask(path, {"field": "phone"})[0] == 404


def test_forms_of_others_are_not_taken() -> None:
    with open_worker() as desk:
        form = {"dataset": "clients", "field": "phone", "purpose": "benefits"}
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Host": "evil.example"}, {"Content-Type": "text/plain"}):
            assert desk.ask("consent/0", form, **headers)[0] == 404
        assert desk.ask("consent/0", form | {"person": "x" * MOST_BYTES})[0] == 404
        parts = urlsplit(desk.address)
        stranger = Desk(desk.client, desk.clock, f"http://{parts.netloc}/{'0' * 64}/")
        assert stranger.ask("consent/0", form)[0] == 404
        assert stranger.ask("")[0] == 404
        assert desk.client.asked == []
