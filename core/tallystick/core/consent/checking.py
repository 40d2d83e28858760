"""Whether a consent counts: its form is complete and those have signed it who must. What it allows is asked elsewhere (`deciding.py`)."""

from __future__ import annotations

from datetime import datetime

from tallystick.core.agreement.model import Agreement, moment
from tallystick.core.agreement.records import CLIENT, INTAKE, RecordTerms, StaffMember
from tallystick.core.consent.forms import check_form, find_form
from tallystick.core.consent.model import MAX_CONSENT, Consent
from tallystick.core.documents import SignedDocument
from tallystick.core.errors import Invalid, Refused


def find_terms(agreement: Agreement) -> RecordTerms:
    """Give the agreement's section on requests.

    Raises:
        Refused: `record-not-allowed`: it has none.
    """
    if agreement.records is None:
        raise Refused(
            "record-not-allowed",
            f"agreement {agreement.agreement} allows no requests for a client's fields",
            hint="its parties sign a version with a section `records`",
        )
    return agreement.records


def check_draft(consent: Consent, agreement: Agreement) -> None:
    """Check a consent that nobody has signed yet against its form and its agreement.

    Raises:
        Invalid: `consent-incomplete`: names the element that its form asks for; `document-invalid`: no such form.
        Refused: `consent-invalid`: it names an agency, purpose, field or person of the staff that the agreement does not.
    """
    terms = find_terms(agreement)
    offers = [offer for offer in terms.offers if agreement.datasets[offer.dataset].agency in consent.discloser]
    fields = {name: field for offer in offers for name, field in offer.fields.items()}
    categories = frozenset(field.category or name for name, field in fields.items())
    check_form(find_form(consent.form), consent, categories)
    known = {
        "agency": agreement.parties.keys(),
        "purpose": {purpose for offer in offers for purpose in offer.purposes},
        "field": fields.keys(),
        "category": categories,
    }
    named = {
        "agency": [*consent.discloser, *(one.agency for one in consent.recipients), consent.collected.agency],
        "purpose": consent.purposes,
        "field": consent.fields,
        "category": tuple(consent.choices),
    }
    for what, names in named.items():
        for name in names:
            if name not in known[what]:
                have = ", ".join(sorted(known[what])) or "none"
                raise Refused("consent-invalid", f"the agreement has no {what} {name} for this consent", hint=f"it has: {have}")
    if consent.client_key is not None and not terms.client_keys:
        raise Refused(
            "consent-invalid",
            "the agreement takes no consent that a person's own key signs",
            hint="name a witness; or its parties sign a version with `client_keys: true`",
        )
    if consent.client_key in {member.key for member in terms.staff.values()}:
        raise Refused("consent-invalid", "the person's own key is that of a member of the staff")
    for officer in (consent.collected.by, consent.collected.witness):
        if officer is not None:
            _find_officer(terms, officer)
    if terms.staff[consent.collected.by].agency != consent.collected.agency:
        raise Refused("consent-invalid", f"{consent.collected.by} is not of {consent.collected.agency}, the collecting agency")


def check_consent(document: SignedDocument, agreement: Agreement) -> Consent:
    """Give the consent that a signed document holds, if everybody has signed it who must, and its form is complete.

    Raises:
        Invalid: `document-invalid`, `document-too-large`, `consent-incomplete`.
        Refused: `signature-missing`, `signature-invalid`; `consent-invalid`: of another agreement, or against this one.
    """
    if len(document.encode()) > MAX_CONSENT:
        raise Invalid("document-too-large", f"a consent is at most {MAX_CONSENT // 1024} KiB with its signatures")
    consent = document.read(Consent)
    if consent.agreement != agreement.agreement:
        raise Refused("consent-invalid", f"the consent is under agreement {consent.agreement}, not {agreement.agreement}")
    check_draft(consent, agreement)
    for name in consent.signers:
        document.verify_signature_of(name, find_signing_key(consent, agreement, name))
    return consent


def find_signing_key(consent: Consent, agreement: Agreement, name: str) -> str:
    """Give the key that a signer of a consent must sign with, hexadecimal.

    Raises:
        Refused: `consent-invalid`: it is not this signer's to sign.
    """
    if name not in consent.signers:
        raise Refused(
            "consent-invalid", f"{name} does not sign this consent", hint=f"it is signed by {', '.join(consent.signers)}"
        )
    if name == CLIENT:
        assert consent.client_key is not None  # what makes the client a signer
        return consent.client_key
    return _find_officer(find_terms(agreement), name).key


def is_in_force(consent: Consent, now: datetime) -> bool:
    """Tell whether a moment is within a consent's time: at `valid_until` it is over."""
    return moment(consent.valid_from) <= now < moment(consent.valid_until)


def _find_officer(terms: RecordTerms, name: str) -> StaffMember:
    member = terms.staff.get(name)
    if member is None or INTAKE not in member.roles:
        raise Refused(
            "consent-invalid",
            f"{name} may not take or witness a consent",
            hint=f"the agreement names those who may: staff with the role {INTAKE}",
        )
    return member
