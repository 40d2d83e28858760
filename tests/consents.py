"""A county whose agreement allows requests for one client's fields, and consents under it, any part of which a test may change."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime
from typing import Any

from tallystick.core.agreement.model import Agreement
from tallystick.core.consent.asking import RecordRequest
from tallystick.core.consent.model import Consent
from tallystick.core.documents import SignedDocument, build_unsigned
from tests.governance import agreement, agreement_value, identity, sealing_key, stamp

PERSON = {"first_name": "Rosa", "last_name": "Delgado", "birth_date": "1984-03-09", "ssn": "219451237", "zip": "90210"}
STAFF = {
    "ann": {"agency": "labor", "key": identity("ann").key, "roles": ["benefits-worker"]},
    "bob": {"agency": "labor", "key": identity("bob").key, "roles": ["benefits-worker", "intake"]},
    "ivy": {"agency": "labor", "key": identity("ivy").key, "roles": ["intake"]},
    "joe": {"agency": "labor", "key": identity("joe").key, "roles": ["intake"]},
    "kim": {"agency": "housing", "key": identity("kim").key, "roles": ["outreach", "intake"]},
}
STATEMENTS = {
    "right_to_revoke": "In writing, to any agency named here, at any time.",
    "description": "Dates of treatment and nothing else.",
    "purpose": "To find out which benefits the patient may have.",
    "expiry": "One year after it was signed.",
    "redisclosure": "What is told may be told on and is then no longer protected.",
    "refusal": "Refusing changes nothing about treatment or benefits.",
    "services": "Refusing never costs services.",
    "copy": "A copy was offered.",
}


def records_value(**changes: Any) -> dict[str, Any]:
    """Give the agreement's section as a JSON value, with keys replaced."""
    value: dict[str, Any] = {
        "discovery": "open",
        "tick_seconds": 1,
        "steward_seconds": 3,
        "staff": STAFF,
        "offers": [
            {
                "dataset": "clients",
                "to": ["labor"],
                "roles": ["benefits-worker"],
                "purposes": ["benefits", "outreach"],
                "fields": {
                    "address": {
                        "columns": ["street", "city", "zip"],
                        "as_of": "updated",
                        "tags": ["address"],
                        "category": "contact",
                    },
                    "phone": {"columns": ["phone"], "category": "contact"},
                    "treatment": {"columns": ["treated"], "tags": ["part2"]},
                },
                "protected": "hidden",
            }
        ],
        "rates": {"worker_per_hour": 1000, "agency_per_hour": 10_000},
    }
    return deepcopy(value) | changes


def asking_agreement(records: dict[str, Any] | None = None, **changes: Any) -> Agreement:
    """Give the county's agreement with a section on requests; housing owns `clients`."""
    datasets = agreement_value()["datasets"] | {
        "clients": {
            "agency": "housing",
            "columns": {
                "updated": {"type": "date"},
                "treated": {"type": "boolean"},
                "hidden": {"type": "boolean"},
            },
            "identifiers": ["ssn", "first_name", "last_name", "birth_date", "sex", "street", "city", "zip", "phone"],
        }
    }
    base: dict[str, Any] = {"datasets": datasets, "records": records or records_value()}
    return agreement(**(base | changes))


def consent_value(now: datetime, **changes: Any) -> dict[str, Any]:
    """Give a consent as a JSON value, with keys replaced; a key whose change is None is left out."""
    value: dict[str, Any] = {
        "consent": "0123456789abcdef0123456789abcdef",
        "agreement": "county",
        "form": "general 1",
        "basis": "consent",
        "person": PERSON,
        "discloser": ["housing"],
        "recipients": [{"agency": "labor", "roles": ["benefits-worker"]}],
        "purposes": ["benefits"],
        "fields": ["address", "phone"],
        "valid_from": stamp(now.replace(year=now.year - 1)),
        "valid_until": stamp(now.replace(year=now.year + 1)),
        "collected": {
            "at": stamp(now.replace(year=now.year - 1)),
            "by": "ivy",
            "agency": "labor",
            "witness": "joe",
            "how": "in person",
            "paper": "ab" * 32,
            "signed_on": "2025-06-01",
        },
        "statements": STATEMENTS,
        "revoking": "cd" * 32,
    }
    changed = deepcopy(value) | changes
    return {key: one for key, one in changed.items() if one is not None}


def consent(now: datetime, **changes: Any) -> Consent:
    """Give a consent, with keys replaced."""
    return Consent.read(consent_value(now, **changes), what="consent")


def signed_consent(document: Consent, by: tuple[str, ...] = ("ivy", "joe")) -> SignedDocument:
    """Sign a consent."""
    result = build_unsigned("consent", document)
    for name in by:
        result = result.with_signature(name, identity(name))
    return result


def request_value(terms: Agreement, paper: SignedDocument, now: datetime, **changes: Any) -> dict[str, Any]:
    """Give a request as a JSON value, with keys replaced."""
    return {
        "request": "00112233445566778899aabbccddeeff",
        "agreement": terms.agreement,
        "agreement_digest": terms.digest(),
        "worker": "ann",
        "role": "benefits-worker",
        "agency": "labor",
        "owner": "housing",
        "dataset": "clients",
        "purpose": "benefits",
        "fields": ["address", "phone"],
        "consent": paper.digest,
        "answer_key": sealing_key("answer").public.hex(),
        "asked": stamp(now),
    } | changes


def signed_request(
    terms: Agreement, paper: SignedDocument, now: datetime, by: tuple[str, ...] = ("ann", "labor"), **changes: Any
) -> SignedDocument:
    """Sign a request."""
    result = build_unsigned("request", RecordRequest.read(request_value(terms, paper, now, **changes), what="request"))
    for name in by:
        result = result.with_signature(name, identity(name))
    return result
