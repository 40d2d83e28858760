"""What stands against a request by its papers: the owner's decision, in the order in which it is made.

Signatures; that all name each other; the clock; the consent's time; who tells whom; purpose; fields within consent, choices and agreement;
tags. What comes after needs the owner's state: rates, the person, revocation (`node/requests/`).

A reason is for the owner's log alone: its own people read it. Whoever asked gets one answer for all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tallystick.core.agreement.model import Agreement, moment
from tallystick.core.agreement.records import RecordField, RecordOffer
from tallystick.core.consent.asking import CLOCKS_APART, RecordRequest
from tallystick.core.consent.checking import check_consent, find_terms, is_in_force
from tallystick.core.consent.forms import find_form
from tallystick.core.consent.model import Consent
from tallystick.core.documents import SignedDocument
from tallystick.core.errors import Refused

NOTICES: Final[dict[str, str]] = {
    "part2": "42 CFR part 2 prohibits unauthorized use or disclosure of these records.",
    "hipaa": "Health information: use and disclose it as the consent says and no further (45 CFR 164.508).",
    "ferpa": "Education record: no other party may be told without the consent of the parent or student (34 CFR 99.33).",
    "tanf": "For the administration of the programs that 45 CFR 205.50 lists, and for nothing else.",
    "ui": "Confidential unemployment compensation information: for the stated purpose alone (20 CFR 603.9).",
    "address": "An address: do not pass it on, and do not leave it where others read it.",
    "tribal": "Data of a Tribal Nation about its citizens: its own rules on passing it on hold as well.",
}
"""By tag, what goes along with a field."""


@dataclass(frozen=True)
class PapersChecked:
    """A request whose papers are good.

    Attributes:
        request: the request.
        consent: the consent that it rests on.
        offer: the offer that it falls under.
    """

    request: RecordRequest
    consent: Consent
    offer: RecordOffer


def authenticate_request(document: SignedDocument, agreement: Agreement) -> RecordRequest:
    """Give a request that a worker of the agreement and the agency that it names have signed; all else about it may be wrong.

    Raises:
        Invalid: `document-invalid`. Refused: `signature-missing`, `signature-invalid`; `record-not-allowed`: nobody of the staff.
    """
    request = document.read(RecordRequest)
    member = find_terms(agreement).staff.get(request.worker)
    if member is None or request.agency not in agreement.parties:
        raise Refused("record-not-allowed", "the agreement names nobody of the staff so")
    document.verify_signature_of(request.worker, member.key)
    document.verify_signature_of(request.agency, agreement.parties[request.agency].key)
    return request


def check_request(document: SignedDocument, agreement: Agreement, digest: str, now: datetime) -> RecordRequest:
    """Check what the asker's own node can check, too: who signs, in which role, under which agreement, and by which clock.

    Raises:
        Invalid: `document-invalid`.
        Refused: `signature-missing`, `signature-invalid`; `record-not-allowed`.
    """
    request = document.read(RecordRequest)
    terms = find_terms(agreement)
    member = terms.staff.get(request.worker)
    if member is None:
        raise Refused("record-not-allowed", f"the agreement names nobody of the staff {request.worker}")
    document.verify_signature_of(request.worker, member.key)
    for holds, what in (
        (
            (request.agreement, request.agreement_digest) == (agreement.agreement, digest),
            "it is under another text of the agreement",
        ),
        (member.agency == request.agency, f"{request.worker} is not of {request.agency}"),
        (request.role in member.roles, f"{request.worker} does not have the role {request.role}"),
        (request.dataset in agreement.datasets, f"the agreement has no dataset {request.dataset}"),
    ):
        if not holds:
            raise Refused("record-not-allowed", f"the request cannot be passed on: {what}")
    if agreement.datasets[request.dataset].agency != request.owner:
        raise Refused("record-not-allowed", f"the request cannot be passed on: {request.owner} does not own {request.dataset}")
    if abs(moment(request.asked) - now) > timedelta(seconds=CLOCKS_APART):
        raise Refused(
            "record-not-allowed",
            f"the request is of a time more than {CLOCKS_APART // 60} minutes from this clock",
            hint="set the clock of the machine that asks, and ask again",
        )
    return request


def check_papers(
    document: SignedDocument, paper: SignedDocument, agreement: Agreement, digest: str, *, owner: str, now: datetime
) -> PapersChecked:
    """Check everything about a request that its papers show.

    Args:
        document: the request, with the signatures of the worker and of the worker's agency.
        paper: the consent.
        agreement: in force now.
        digest: of its text.
        owner: the agency that decides.
        now: UTC.

    Raises:
        TallyError: the first of what stands against it; for the owner's log alone.
    """
    request = check_request(document, agreement, digest, now)
    if request.owner != owner:
        raise Refused("record-not-allowed", "the request is for another agency")
    if request.agency not in agreement.parties:
        raise Refused("record-not-allowed", "the asking agency is no party")
    document.verify_signature_of(request.agency, agreement.parties[request.agency].key)
    return check_cover(request, paper, agreement, now)


def check_cover(request: RecordRequest, paper: SignedDocument, agreement: Agreement, now: datetime) -> PapersChecked:
    """Check that a consent covers a request: what the asker can check before asking, and the owner checks again.

    Raises:
        TallyError: the first of what stands against it.
    """
    if paper.digest != request.consent:
        raise Refused("consent-invalid", "the consent is not the one that the request names")
    consent = check_consent(paper, agreement)
    if request.worker in consent.signers:
        raise Refused("consent-invalid", "the asking worker took or witnessed the consent")
    if not is_in_force(consent, now):
        raise Refused("consent-invalid", "the consent is not in force")
    if request.owner not in consent.discloser:
        raise Refused("consent-invalid", f"the consent does not let {request.owner} tell")
    if not any(one.agency == request.agency and request.role in one.roles for one in consent.recipients):
        raise Refused("consent-invalid", "the consent does not name this agency and role as recipients")
    if request.purpose not in consent.purposes:
        raise Refused("consent-invalid", "the consent is for another purpose")
    return PapersChecked(request, consent, _find_offer(request, consent, agreement))


def _find_offer(request: RecordRequest, consent: Consent, agreement: Agreement) -> RecordOffer:
    """Give the first offer under which everything that is asked may be told.

    Raises:
        Refused: none; says what stands against the last.
    """
    reason = "the agreement has no offer over this dataset"
    for offer in find_terms(agreement).offers_of(request.dataset):
        reason = next(_find_objections(request, consent, offer), "")
        if not reason:
            return offer
    raise Refused("record-not-allowed", reason)


def _find_objections(request: RecordRequest, consent: Consent, offer: RecordOffer) -> Iterator[str]:
    if request.agency not in offer.to:
        yield "the offer is not for this agency"
    if request.role not in offer.roles:
        yield "the offer is not for this role"
    if request.purpose not in offer.purposes:
        yield "the offer is not for this purpose"
    if consent.basis == "authority" and consent.citation not in offer.authorities:
        yield "the offer does not take this authority"
    for name in request.fields:
        if name not in offer.fields:
            yield f"the offer has no field {name}"
            return
        field = offer.fields[name]
        if not consent.opens(name, field.category):
            yield f"the consent does not cover field {name}"
        if "part2" in field.tags and "part2" not in find_form(consent.form).opens:
            yield f"field {name} is under 42 CFR Part 2, and the consent is not on a form for it"


def list_notices(field: RecordField, more: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Give the notices that go along with a field, those of its tags first."""
    return (*(NOTICES[tag] for tag in field.tags), *more)
