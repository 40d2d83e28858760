"""The receipt of a consent, for the person: plain words, and a record with the fields of ISO/IEC TS 27560:2023.

The receipt leaves out `revoking`: whoever finds it cannot revoke. It is no consent, and nobody answers to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any, Final

from tallystick.core.agreement.model import Agreement, moment
from tallystick.core.agreement.records import RecordField
from tallystick.core.consent.checking import find_terms
from tallystick.core.consent.forms import find_form
from tallystick.core.consent.model import Consent
from tallystick.core.consent.revoking import name_revocation

SCHEMA: Final = "https://www.iso.org/standard/80392.html"
_SENSITIVE: Final = frozenset({"hipaa", "part2", "tribal"})
_PAGE: Final = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 12pt/1.5 Georgia, serif; max-width: 40em; margin: 3em auto; padding: 0 1em }}
h1 {{ font-size: 1.3em }} dt {{ font-weight: bold; margin-top: .8em }} dd {{ margin: 0 }}
@media print {{ body {{ margin: 0 }} }}
</style></head><body><h1>{title}</h1><dl>
{lines}
</dl></body></html>
"""


def write_receipt(consent: Consent, agreement: Agreement) -> list[tuple[str, str]]:
    """Give the receipt in plain words: (question, answer)."""
    fields = _list_fields(consent, agreement)
    purposes = ", ".join(consent.purposes)
    shared = [name for name in fields if _is_open(consent, name, fields[name])]
    shut = sorted({fields[name].category or name for name in fields} & _shut(consent))
    told = "; ".join(f"{_call(agreement, one.agency)} ({', '.join(one.roles)})" for one in consent.recipients)
    basis = "You agreed to it." if consent.basis == "consent" else f"The law allows it without your consent: {consent.citation}"
    lines = [
        ("Who may tell", ", ".join(_call(agreement, name) for name in consent.discloser)),
        ("Who may be told", told),
        ("What", ", ".join(fields[name].label or name for name in shared) or "nothing"),
        ("What may not be shared", ", ".join(shut)),
        ("What for", purposes),
        ("Why it is allowed", basis),
        ("From", f"{moment(consent.valid_from):%B %-d, %Y}"),
        ("Until", f"{moment(consent.valid_until):%B %-d, %Y, %H:%M} UTC"),
        ("Who took it", f"{consent.collected.by} of {_call(agreement, consent.collected.agency)}, {consent.collected.how}"),
        ("Who witnessed it", consent.collected.witness or ""),
        *((find_title(consent, name), text) for name, text in consent.statements.items()),
        ("How to take it back", f"Ask any agency named here. Give this number: {consent.consent}"),
        ("What was told before stays told", "You may ask each agency at any time what it told about you, and to whom."),
    ]
    return [(question, answer) for question, answer in lines if answer]


def find_title(consent: Consent, statement: str) -> str:
    """Give what a form calls a statement."""
    for element in find_form(consent.form).elements:
        if f"statements.{statement}" in element.needs:
            return element.title[:1].upper() + element.title[1:]
    return statement.replace("_", " ").capitalize()


def draw_receipt(consent: Consent, agreement: Agreement) -> str:
    """Give the receipt as a page to print: one HTML file without a script and without anything that is fetched."""
    lines = "\n".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in write_receipt(consent, agreement))
    return _PAGE.format(title=escape(find_form(consent.form).title) + ": your receipt", lines=lines)


def build_record(consent: Consent, agreement: Agreement) -> dict[str, Any]:
    """Give the receipt with the fields of ISO/IEC TS 27560: header, processing, parties, events."""
    fields = _list_fields(consent, agreement)
    information = [
        {"pii_type": name, "pii_attribute": list(field.columns), "sensitive_pii_category": bool(_SENSITIVE & set(field.tags))}
        for name, field in fields.items()
        if _is_open(consent, name, field)
    ]
    withheld = sorted({field.category or name for name, field in fields.items()} & _shut(consent))
    recipients = [{"party_id": one.agency, "roles": list(one.roles)} for one in consent.recipients]
    parties = dict.fromkeys([consent.collected.agency, *consent.discloser, *(one.agency for one in consent.recipients)])
    return {
        "schema_version": SCHEMA,
        "receipt_id": consent.consent,
        "record_id": consent.consent,
        "pii_principal_id": "the person named in the consent",
        "privacy_notice": {"form": consent.form, "language": consent.collected.language, "sha256": consent.collected.paper},
        "processing": [
            {
                "purpose": purpose,
                "lawful_basis": consent.basis if consent.citation is None else f"authority: {consent.citation}",
                "pii_information": information,
                "pii_withheld": withheld,
                "pii_controllers": list(consent.discloser),
                "collection_method": consent.collected.how,
                "recipient_third_parties": recipients,
                "withdrawal_method": f"revocation {name_revocation(consent.revoking)}",
                "retention_period": f"until {consent.valid_until}",
            }
            for purpose in consent.purposes
        ],
        "party_identification": [{"party_id": name, "party_name": _call(agreement, name)} for name in parties],
        "events": [
            {
                "event_time": consent.collected.at,
                "event_type": "explicit" if consent.basis == "consent" else "authority",
                "event_state": "consent given" if consent.basis == "consent" else "recorded",
                "validity_duration": f"{consent.valid_from}/{consent.valid_until}",
                "entity_id": consent.collected.by,
            }
        ],
    }


def _list_fields(consent: Consent, agreement: Agreement) -> Mapping[str, RecordField]:
    """Give the fields that the agreement's offers of the disclosers have."""
    offers = [one for one in find_terms(agreement).offers if agreement.datasets[one.dataset].agency in consent.discloser]
    return {name: field for offer in offers for name, field in offer.fields.items()}


def _is_open(consent: Consent, name: str, field: RecordField) -> bool:
    return consent.opens(name, field.category)


def _shut(consent: Consent) -> set[str]:
    return {category for category, choice in consent.choices.items() if choice == "do not share"}


def _call(agreement: Agreement, name: str) -> str:
    party = agreement.parties.get(name)
    return name if party is None or party.name is None else party.name
