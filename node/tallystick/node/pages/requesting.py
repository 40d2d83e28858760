"""The desk's pages of requests for clients' fields: which wait for a steward, what was asked and given, and on which consents.

Rules that this file enforces:

1. A decision asks for the passphrase again, and is one of a steward: where the agreement names stewards of this agency, name and key
   must be the agreement's.
2. A decision has no line of its own in the log, whose size other agencies are told: who decided stands in the line that every request has
   when its answer leaves.
3. A person's key is sent in a form and stands in no address, so that it is in no browser's history.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tallystick.core.agreement.model import Agreement
from tallystick.core.canonical import canonical_bytes
from tallystick.core.consent.asking import RecordReceipt
from tallystick.core.consent.model import Consent
from tallystick.core.consent.receipt import write_receipt
from tallystick.core.consent.revoking import name_revocation
from tallystick.core.documents import SignedDocument, decode_document
from tallystick.core.errors import Invalid, Refused, TallyError
from tallystick.core.pages.sessions import PageSession
from tallystick.core.pages.shell import Change, Shell, View
from tallystick.node.disclosures import KeptRequest
from tallystick.node.pages.collecting import find_signers
from tallystick.node.pages.reading import DeskReading
from tallystick.node.requests.answering import Answering
from tallystick.node.requests.deciding import DecidedRequest

MOST: Final = 500
"""Requests that a page shows."""
MOST_READ: Final = 1000
"""Requests in which consents are looked for."""


@dataclass(frozen=True)
class HeldConsent:
    """A consent under which something was given, or that somebody asks under.

    Attributes:
        digest: its SHA-256.
        consent: the document.
        revoked: whether this node has heard that it was revoked.
        requests: those under it that gave something, newest first.
    """

    digest: str
    consent: Consent
    revoked: bool
    requests: tuple[KeptRequest, ...] = ()


@dataclass
class RequestPages:
    """Pages and forms.

    Attributes:
        reading: of the node.
        answering: the node's part that answers; called in the event loop alone.
        shell: of the pages.
    """

    reading: DeskReading
    answering: Answering
    shell: Shell

    def list_views(self) -> Mapping[str, View]:
        """Give the pages by path."""
        return {
            "/requests": self._requests,
            "/requests/{request}": self._request,
            "/consents": self._consents,
            "/consents/{consent}": self._consent,
        }

    def list_changes(self) -> Mapping[str, Change]:
        """Give the forms by path."""
        return {"/requests": self._find_person, "/requests/{request}": self._decide}

    def look(self) -> tuple[str, ...]:
        """Give a value that differs whenever other requests wait."""
        return tuple(one.pending.digest for one in self.answering.waiting())

    async def _requests(self, request: Request, session: PageSession) -> Response:
        return await self._list(request, session, "")

    async def _find_person(self, request: Request, session: PageSession, form: Mapping[str, str]) -> Response:
        return await self._list(request, session, form.get("person", "").strip())

    async def _list(self, request: Request, session: PageSession, person: str) -> Response:
        kept = await self.reading.store.run(lambda storage: storage.list_requests(person, MOST))
        waiting = [] if person else sorted(self.answering.waiting(), key=lambda one: one.pending.due)
        shown: dict[str, Any] = {
            "waiting": [_describe_waiting(one) for one in waiting],
            "kept": kept,
            "person": person,
            "most": MOST,
        }
        return self.shell.render(request, "desk_requests.html", session, agency=self.reading.agency, **shown)

    async def _request(self, request: Request, session: PageSession) -> Response:
        return await self._show(request, session)

    async def _show(self, request: Request, session: PageSession, error: TallyError | None = None) -> Response:
        kept = await self._find(request.path_params["request"])
        decided = next((one for one in self.answering.list_open() if one.pending.digest == kept.digest), None)
        paper = _read_paper(kept) if decided is None else decided.pending.paper
        held = None if paper is None else await self._hold(paper)
        waits = decided if decided in self.answering.waiting() else None
        return self.shell.render(
            request,
            "desk_request.html",
            session,
            status=400 if error else 200,
            one=kept,
            waits=None if waits is None else _describe_waiting(waits),
            said="" if decided is None else decided.steward,
            due=None if decided is None else datetime.fromtimestamp(decided.pending.due, UTC),
            held=held,
            lines=[] if held is None else await self._write_lines(held.consent),
            receipt=decode_document(kept.receipt, kind="receipt").read(RecordReceipt) if kept.receipt else None,
            agency=self.reading.agency,
            shown_error=error,
        )

    async def _decide(self, request: Request, session: PageSession, form: Mapping[str, str]) -> Response:
        """Take a steward's yes or no (rules 1 and 2)."""
        digest, choice = request.path_params["request"], form.get("decision", "")
        try:
            if choice not in {"allow", "deny"}:
                raise Invalid("document-invalid", "say yes or no")
            waiting = next((one for one in self.answering.waiting() if one.pending.digest == digest), None)
            if waiting is None:
                raise Invalid("job-state", "this request does not wait for a steward", hint="its page says what became of it")
            await self._check_steward(session.name, waiting)
            await self.shell.login.unlock(session.name, form.get("passphrase", ""))
            self.answering.decide(digest, allow=choice == "allow", by=session.name)
        except TallyError as error:
            return await self._show(request, session, error)
        return RedirectResponse(f"/requests/{digest}", 303)

    async def _check_steward(self, name: str, waiting: DecidedRequest) -> None:
        accounts = await asyncio.to_thread(self.reading.accounts)
        signers = find_signers(waiting.pending.agreement, self.reading.agency, accounts)
        if name not in signers.keys or accounts.get(name) != signers.keys[name]:
            named = ", ".join(sorted(signers.keys)) or "nobody"
            raise Refused("approval-invalid", f"{name} is no steward of {self.reading.agency}", hint=f"who may decide: {named}")

    async def _consents(self, request: Request, session: PageSession) -> Response:
        return self.shell.render(request, "desk_consents.html", session, held=await self._list_held(), most=MOST_READ)

    async def _consent(self, request: Request, session: PageSession) -> Response:
        found = next((one for one in await self._list_held() if one.digest == request.path_params["consent"]), None)
        if found is None:
            raise Invalid("job-unknown", "nothing was given here under a consent of that name")
        lines = await self._write_lines(found.consent)
        return self.shell.render(request, "desk_consent.html", session, held=found, lines=lines)

    async def _find(self, digest: str) -> KeptRequest:
        found = await self.reading.store.run(lambda storage: storage.find_requests(digest)) if digest else []
        if len(found) != 1:
            raise Invalid("job-unknown", "no request has that name")
        return found[0]

    async def _list_held(self) -> list[HeldConsent]:
        """Give the consents under which something was given, the newest use first."""
        kept = await self.reading.store.run(lambda storage: storage.list_requests("", MOST_READ))
        used: dict[str, list[KeptRequest]] = {}
        for one in kept:
            if one.side == "owner" and one.evidence:
                used.setdefault(one.consent, []).append(one)
        papers = await asyncio.to_thread(lambda: [(_read_paper(uses[0]), tuple(uses)) for uses in used.values()])
        return [await self._hold(paper, uses) for paper, uses in papers if paper is not None]

    async def _hold(self, paper: SignedDocument, uses: tuple[KeptRequest, ...] = ()) -> HeldConsent:
        consent = paper.read(Consent)
        name = name_revocation(consent.revoking)
        revoked = await self.reading.store.run(lambda storage: storage.is_revoked(name))
        return HeldConsent(paper.digest, consent, revoked, uses)

    async def _write_lines(self, consent: Consent) -> Sequence[tuple[str, str]]:
        """Say in plain words what a consent allows; nothing where its agreement is not held here any more."""
        held = (await asyncio.to_thread(self.reading.approvals.agreements.all)).get(consent.agreement)
        try:
            return [] if held is None else write_receipt(consent, held.read(Agreement))
        except TallyError:
            return []


def _read_paper(kept: KeptRequest) -> SignedDocument | None:
    """Give the consent behind a request; None where none is kept."""
    if not kept.evidence:
        return None
    return decode_document(canonical_bytes(json.loads(kept.evidence)["consent"]), kind="consent")


def _describe_waiting(decided: DecidedRequest) -> dict[str, Any]:
    request = decided.pending.request
    return {
        "digest": decided.pending.digest,
        "request": request,
        "person": decided.person,
        "due": datetime.fromtimestamp(decided.pending.due, UTC),
    }
