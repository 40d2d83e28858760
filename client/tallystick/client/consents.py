"""Consents as the people who take them handle them: a draft to fill in, a document to sign, a revocation."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import yaml

from tallystick.client.profile import open_profile
from tallystick.core.agreement.check import valid_agreement
from tallystick.core.agreement.model import Agreement
from tallystick.core.consent.checking import check_draft, find_signing_key, find_terms
from tallystick.core.consent.forms import ConsentForm, find_form, list_forms
from tallystick.core.consent.model import Consent
from tallystick.core.consent.revoking import check_revocation, draft_revocation
from tallystick.core.documents import SignedDocument, build_unsigned, read_document, sign_document
from tallystick.core.errors import Invalid, Refused
from tallystick.core.files import write_new_private
from tallystick.core.keyfile import IdentityKey
from tallystick.core.yaml import read_yaml
from tallystick.crypto.randomness import SystemRandomness

TERM: Final = timedelta(days=365)
"""How long a draft's consent is valid, unless it is edited."""
_HEAD: Final = """\
# A draft of a consent on the form `{form}`: {title}.
# Fill in what is empty, leave out what is not known, then: tally consent new {file} --agreement FILE --out FILE
# It names a person: keep it where only those who took it can read it. The form asks for:
{elements}
"""


def write_consent_draft(form_name: str, agreement: Agreement, out: Path, now: datetime) -> None:
    """Write a draft on a form to a new private file.

    Args:
        form_name: `part2`, or with its version `part2 1`.
        agreement: the agreement under which the consent shall count.
        out: the new file.
        now: the present moment, UTC.

    Raises:
        Invalid: `document-invalid`: no such form; `file-exists`. Refused: `record-not-allowed`.
    """
    terms = find_terms(agreement)
    newest = max((form for form in list_forms().values() if form.form == form_name), key=_version, default=None)
    form = newest or find_form(form_name)
    fields = {name: field for offer in terms.offers for name, field in offer.fields.items()}
    statements = [
        path.removeprefix("statements.") for one in form.elements for path in one.needs if path.startswith("statements.")
    ]
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    draft: dict[str, Any] = {
        "form": form.name,
        "basis": form.basis[0],
        "person": {"first_name": "", "last_name": "", "birth_date": "", "ssn": "", "sex": "", "zip": "", "phone": ""},
        "discloser": sorted({agreement.datasets[offer.dataset].agency for offer in terms.offers}),
        "recipients": [
            {"agency": agency, "roles": sorted({role for offer in terms.offers if agency in offer.to for role in offer.roles})}
            for agency in sorted({name for offer in terms.offers for name in offer.to})
        ],
        "purposes": sorted({purpose for offer in terms.offers for purpose in offer.purposes}),
        "fields": [] if form.choices else sorted(fields),
        "choices": dict.fromkeys(sorted({one.category or name for name, one in fields.items()}), "do not share")
        if form.choices
        else {},
        "valid_from": stamp,
        "valid_until": (now + TERM).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "collected": {
            "at": stamp,
            "by": "",
            "agency": "",
            "witness": "",
            "how": "in person",
            "language": "en",
            "paper": "",
            "signed_on": now.strftime("%Y-%m-%d"),
        },
        "statements": dict.fromkeys(statements, ""),
    }
    elements = "\n".join(f"#   {one.name}: {one.title}{f' ({one.citation})' if one.citation else ''}" for one in form.elements)
    head = _HEAD.format(form=form.name, title=form.title, file=out, elements=elements)
    write_new_private(out, (head + yaml.safe_dump(draft, sort_keys=False, width=120, allow_unicode=True)).encode())


def read_consent_draft(path: Path, agreement: Agreement) -> SignedDocument:
    """Read a draft, check it, and give the document that nobody has signed yet.

    Raises:
        Invalid: `file-missing`, `yaml-invalid`, `document-invalid`, `consent-incomplete`. Refused: `consent-invalid`, `record-not-allowed`.
    """
    value = read_yaml(path, what="the draft")
    if not isinstance(value, dict):
        raise Invalid(
            "document-invalid", f"{path} holds no draft of a consent", hint="tally consent new --form FORM --out FILE"
        )
    given = _drop_empty(value)
    source = SystemRandomness()
    made = {"consent": source.take(16).hex(), "revoking": source.take(32).hex(), "agreement": agreement.agreement}
    consent = Consent.read({"person": {}, "collected": {}, **made, **given}, what="the draft")
    check_draft(consent, agreement)
    return build_unsigned("consent", consent)


def sign_consent(document: SignedDocument, agreement: Agreement, name: str, identity: IdentityKey) -> SignedDocument:
    """Add the signature of the officer, the witness, or the person.

    Raises:
        Invalid: `document-invalid`, `consent-incomplete`. Refused: `consent-invalid`; `signature-invalid`: it is another key.
    """
    consent = document.read(Consent)
    check_draft(consent, agreement)
    expected = find_signing_key(consent, agreement, name)
    if identity.key != expected:
        raise Refused(
            "signature-invalid", f"{name} signs with another key than this one", hint=f"its public half is {expected}"
        )
    return document.with_signature(name, identity)


def revoke_consent(
    document: SignedDocument, agreement: Agreement, name: str, identity: IdentityKey, now: datetime
) -> SignedDocument:
    """Give the signed revocation of a consent.

    Raises:
        Refused: `not-allowed`, `signature-invalid`: nobody who may signs it.
    """
    consent = document.read(Consent)
    made = draft_revocation(consent, now.strftime("%Y-%m-%dT%H:%M:%SZ"))
    signed = sign_document("revocation", made, name, identity)
    check_revocation(signed, agreement)
    return signed


def open_agreement(path: Path | None, name: str, now: datetime) -> tuple[Agreement, str]:
    """Give an agreement in force, and its digest: that of a file, or the one that the profile keeps under a name.

    Raises:
        Invalid: `agreement-unknown`, `file-missing`. Refused: as `valid_agreement`.
    """
    document = open_profile().agreement(name) if path is None else read_document(path, kind="agreement")
    return valid_agreement(document, now), document.digest


def _drop_empty(value: Any) -> Any:
    """Leave out what was not filled in."""
    if isinstance(value, dict):
        kept = {key: _drop_empty(inner) for key, inner in value.items()}
        return {key: inner for key, inner in kept.items() if inner not in ("", None)}
    if isinstance(value, list):
        return [_drop_empty(inner) for inner in value]
    return value


def _version(form: ConsentForm) -> int:
    return form.version
