"""A worker's pages on the worker's own machine: ask, wait, read, print.

Rules that this file enforces:

1. An answer is in this process's memory alone, until its time is over, and in no file; a page that shows it is never kept by a browser.
2. What can be asked is what the given consents and the agreement offer this worker; whatever a form says is checked again by
   `RecordClient.ask`, and by the owner.
3. One thread collects answers; pages only read what it found.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Final

from tallystick.client.loopback import HTML, Form, Reply
from tallystick.client.records import AnswerRead, FieldsAsked, RecordClient
from tallystick.client.worker.drawing import OfferedFields, ShownRequest, draw_consent, draw_home, draw_request
from tallystick.core.agreement.model import Agreement, moment
from tallystick.core.agreement.records import StaffMember
from tallystick.core.clock import Clock
from tallystick.core.consent.checking import find_terms, is_in_force
from tallystick.core.consent.model import Consent
from tallystick.core.documents import SignedDocument
from tallystick.core.errors import Invalid, TallyError

WAIT_S: Final = 5.0
LOOK_S: Final = 20.0
"""How long a page waits for an answer that somebody looks for again."""
PAUSE_S: Final = 1.0
MOST_KEPT: Final = 200
"""Requests of this process that its first page lists."""
FindAgreement = Callable[[str], tuple[Agreement, str]]


@dataclass
class WorkerSite:
    """The pages. Methods may be called from several threads.

    Attributes:
        client: of the worker.
        key: the worker's public key, by which agreements name who asks.
        papers: the signed consents, which can be asked under.
        agreements: gives an agreement in force and its digest, by its name.
        clock: of this machine.
        pause_s: seconds between two looks for answers.
        look_s: how long a page waits for an answer that somebody looks for again.
    """

    client: RecordClient
    key: str
    papers: Sequence[SignedDocument]
    agreements: FindAgreement
    clock: Clock
    pause_s: float = PAUSE_S
    look_s: float = LOOK_S
    _asked: dict[str, ShownRequest] = field(default_factory=dict)
    _problem: str = ""
    _lock: threading.Condition = field(default_factory=threading.Condition)
    _ended: threading.Event = field(default_factory=threading.Event)

    def find(self, path: str) -> tuple[str, bytes] | None:
        """Give the kind and the body of what a path names.

        Args:
            path: "" is the first page, `consent/N` what can be asked under one consent, `request/DIGEST` a request and its answer,
                `wait/DIGEST` the same, once the answer has come or `look_s` have passed.
        """
        if path == "tally.css":
            return "text/css; charset=utf-8", (files("tallystick.core.pages") / "static" / "tally.css").read_bytes()
        if path.startswith("wait/"):
            path = path.replace("wait/", "request/", 1)
            self._await_answer(path.partition("/")[2])
        page = self._draw(path, None)
        return None if page is None else (HTML, page.encode())

    def take(self, path: str, form: Form) -> Reply | None:
        """Take what a worker asks; give where the request's page is, or the page with what stands against it."""
        if self._draw(path, None) is None or not path.startswith("consent/"):
            return None
        try:
            return Reply(to=f"request/{self._ask(self._find_paper(path), form)}")
        except TallyError as error:
            page = self._draw(path, error)
            return None if page is None else Reply(page.encode(), status=400)

    def collect(self) -> None:
        """Collect answers, and drop those whose time is over, until the pages end; in a thread of its own."""
        while not self._ended.wait(self.pause_s):
            self._list_asked()
            try:
                if self.client.waiting():
                    for one in self.client.answers(lambda name: self.agreements(name)[0], seconds=WAIT_S):
                        self._keep(one)
                problem = ""
            except TallyError as error:
                problem = error.message
            with self._lock:
                self._problem = problem

    def end(self) -> None:
        """Let the thread that collects end, and forget every answer."""
        self._ended.set()
        with self._lock:
            self._asked.clear()
            self._lock.notify_all()

    def _keep(self, read: AnswerRead) -> None:
        with self._lock:
            before = self._asked.get(read.digest)
            self._asked[read.digest] = ShownRequest(
                read.digest, read.request, "" if before is None else before.person, read.answer
            )
            self._lock.notify_all()

    def _await_answer(self, digest: str) -> None:
        with self._lock:
            self._lock.wait_for(lambda: digest not in self._asked or self._asked[digest].is_done, self.look_s)

    def _list_asked(self) -> list[ShownRequest]:
        """Give what was asked from these pages or answered since they began, the newest first; an answer whose time is over is dropped."""
        now = self.clock.now()
        with self._lock:
            for digest, one in list(self._asked.items()):
                if one.answer is not None and moment(one.answer.until) <= now:
                    self._asked[digest] = ShownRequest(digest, one.request, one.person, None, over=True)
            return list(reversed(self._asked.values()))

    def _draw(self, path: str, error: TallyError | None) -> str | None:
        asked = self._list_asked()
        kind, _, name = path.partition("/")
        if path == "":
            known = {one.digest for one in asked}
            others = len([digest for digest in self.client.waiting() if digest not in known])
            return draw_home(self._list_consents(), asked[:MOST_KEPT], others, self._problem)
        if kind == "request":
            found = next((one for one in asked if one.digest == name), None)
            return None if found is None else draw_request(found, self._problem)
        if kind == "consent" and name.isdecimal() and len(name) < 5 and int(name) < len(self.papers):
            return draw_consent(int(name), self._list_consents()[int(name)][0], self._list_offered(int(name)), error)
        return None

    def _list_consents(self) -> list[tuple[Consent, str]]:
        """Give the consents, each with why nothing can be asked under it now; "" where something can."""
        now = self.clock.now()
        found = []
        for number, paper in enumerate(self.papers):
            consent = paper.read(Consent)
            try:
                why = "" if self._list_offered(number) else "the agreement offers you nothing under it"
            except TallyError as error:
                why = error.message
            found.append((consent, why if is_in_force(consent, now) else "it is not in force"))
        return found

    def _list_offered(self, number: int) -> list[OfferedFields]:
        """Give what the worker can ask under a consent: offers of its agencies to the worker's, with the fields that it opens.

        Raises:
            TallyError: its agreement is not held here, or not in force.
        """
        consent = self.papers[number].read(Consent)
        agreement, _ = self.agreements(consent.agreement)
        me = self._find_self(agreement)
        named = {role for one in consent.recipients if one.agency == me.agency for role in one.roles}
        found = []
        for offer in find_terms(agreement).offers:
            owner = agreement.dataset_of(offer.dataset).agency
            roles = [role for role in me.roles if role in offer.roles and role in named]
            fields = [(name, one.label or name) for name, one in offer.fields.items() if consent.opens(name, one.category)]
            purposes = [name for name in offer.purposes if name in consent.purposes]
            if me.agency in offer.to and owner in consent.discloser and roles and fields and purposes:
                found.append(OfferedFields(offer.dataset, owner, tuple(fields), tuple(purposes), tuple(roles)))
        return found

    def _find_self(self, agreement: Agreement) -> StaffMember:
        for member in find_terms(agreement).staff.values():
            if member.key == self.key:
                return member
        raise Invalid("agreement-unknown", f"agreement {agreement.agreement} names nobody of the staff with your key")

    def _find_paper(self, path: str) -> SignedDocument:
        return self.papers[int(path.partition("/")[2])]

    def _ask(self, paper: SignedDocument, form: Form) -> str:
        agreement, digest = self.agreements(paper.read(Consent).agreement)
        one = {name: values[-1] for name, values in form.items()}
        fields = tuple(form.get("field", ()))
        if not fields:
            raise Invalid("document-invalid", "choose at least one field")
        asked = FieldsAsked(
            one.get("dataset", ""), fields, one.get("purpose", ""), one.get("role", ""), one.get("person", "").strip()
        )
        name, request = self.client.ask_for(paper, agreement, digest, asked)
        with self._lock:
            before = self._asked.get(name)  # its answer may have come already
            self._asked[name] = ShownRequest(name, request, asked.person, None if before is None else before.answer)
        return name
