"""A consent as a FHIR R4 `Consent`, after the profile of IHE Privacy Consent on FHIR (PCF), and back.

The whole signed document goes along as the resource's source attachment, so what is read back is what was signed. What FHIR's own elements
say must agree with it. A FHIR consent from elsewhere has no such attachment: it becomes a draft, which somebody completes and signs.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from datetime import UTC
from typing import Any, Final

from tallystick.core.agreement.model import moment
from tallystick.core.consent.model import MAX_CONSENT, Consent
from tallystick.core.documents import SignedDocument, decode_document
from tallystick.core.errors import Invalid

PROFILE: Final = "https://profiles.ihe.net/ITI/PCF/StructureDefinition/IHE.PCF.consentBasic"
_NAMES: Final = "urn:tallystick:"
_TYPE: Final = "application/vnd.tallystick.consent+json"
_MAX_FHIR: Final = 8 * MAX_CONSENT
_SSN: Final = "http://hl7.org/fhir/sid/us-ssn"
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_SEX: Final = {"M": "male", "F": "female"}


def export_consent(document: SignedDocument) -> dict[str, Any]:
    """Give the resource of a signed consent: a JSON value.

    Raises:
        Invalid: `document-invalid`.
    """
    consent = document.read(Consent)
    denied = sorted(name for name, choice in consent.choices.items() if choice == "do not share")
    allowed = [*consent.fields, *sorted(name for name, choice in consent.choices.items() if choice == "share")]
    provision: dict[str, Any] = {
        "type": "permit",
        "period": {"start": consent.valid_from, "end": consent.valid_until},
        "actor": [
            {
                "role": _code("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "IRCP"),
                "reference": _name("agency", one.agency),
            }
            for one in consent.recipients
        ],
        "purpose": [{"system": f"{_NAMES}purpose", "code": purpose} for purpose in consent.purposes],
        "data": [{"meaning": "instance", "reference": _name("field", name)} for name in dict.fromkeys(allowed)],
    }
    if denied:
        data = [{"meaning": "instance", "reference": _name("field", name)} for name in denied]
        provision["provision"] = [{"type": "deny", "data": data}]
    return {
        "resourceType": "Consent",
        "id": consent.consent,
        "meta": {"profile": [PROFILE]},
        "contained": [_build_patient(consent)],
        "identifier": [{"system": f"{_NAMES}consent", "value": consent.consent}],
        "status": "active",
        "scope": _code("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy"),
        "category": [_code("http://loinc.org", "59284-0"), _code("http://terminology.hl7.org/CodeSystem/v3-ActCode", "IDSCL")],
        "patient": {"reference": "#person"},
        "dateTime": consent.collected.at,
        "performer": [{"reference": "#person"} if consent.basis == "consent" else _name("agency", consent.collected.agency)],
        "organization": [_name("agency", name) for name in consent.discloser],
        "sourceAttachment": {"contentType": _TYPE, "data": base64.b64encode(document.encode()).decode("ascii")},
        "policy": [{"uri": f"{_NAMES}form:{consent.form.replace(' ', ':')}"}],
        "provision": provision,
    }


def import_consent(data: bytes) -> SignedDocument | dict[str, Any]:
    """Read a resource: the signed document that it holds, or else what it says as a draft, a JSON value to be completed.

    Raises:
        Invalid: `document-invalid`: no FHIR consent, or one whose elements do not say what its document does; `document-too-large`.
    """
    if len(data) > _MAX_FHIR:
        raise Invalid("document-too-large", f"a FHIR consent is at most {_MAX_FHIR // 1024} KiB")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise Invalid("document-invalid", "this is not JSON", hint="FHIR consents are read as JSON, not as XML") from None
    if not isinstance(value, dict) or value.get("resourceType") != "Consent":
        raise Invalid("document-invalid", "this is no FHIR Consent", hint="its resourceType must be Consent")
    attachment = value.get("sourceAttachment")
    if isinstance(attachment, dict) and attachment.get("contentType") == _TYPE:
        try:
            document = decode_document(base64.b64decode(attachment.get("data", ""), validate=True), kind="consent")
        except (binascii.Error, TypeError, ValueError):
            raise Invalid("document-invalid", "the attachment of this FHIR consent cannot be read") from None
        differing = [key for key, said in export_consent(document).items() if value.get(key) != said]
        if differing:
            raise Invalid(
                "document-invalid",
                f"this FHIR consent says otherwise than the document that it holds: {', '.join(differing)}",
                hint="trust neither; ask for it again",
            )
        return document
    return _build_draft(value)


def _build_draft(value: dict[str, Any]) -> dict[str, Any]:
    """Give what a FHIR consent from elsewhere says in the words of a draft; what it does not say is left out.

    Raises:
        Invalid: `document-invalid`: it is not active.
    """
    if value.get("status") != "active":
        raise Invalid(
            "document-invalid",
            "this FHIR consent is not active",
            hint="only an active consent is imported",
        )
    provision = _dict(value.get("provision"))
    period = _dict(provision.get("period"))
    draft: dict[str, Any] = {"basis": "consent", "person": _read_patient(value)}
    draft["discloser"] = [name for one in _list(value.get("organization")) if (name := _read_name(one))]
    draft["recipients"] = [
        {"agency": name, "roles": []}
        for one in _list(provision.get("actor"))
        if (name := _read_name(_dict(one).get("reference")))
    ]
    draft["purposes"] = [code for one in _list(provision.get("purpose")) if (code := str(_dict(one).get("code") or ""))]
    permitted = provision.get("type") == "permit"
    fields = [_read_name(_dict(one).get("reference")) for one in _list(provision.get("data"))]
    draft["fields"] = [name for name in fields if name] if permitted else []
    choices = [
        (_read_name(_dict(one).get("reference")), nested)
        for nested in map(_dict, _list(provision.get("provision")))
        for one in _list(nested.get("data"))
    ]
    draft["choices"] = {name: "do not share" for name, nested in choices if name and nested.get("type") == "deny"}
    draft["valid_from"] = _stamp(period.get("start"))
    draft["valid_until"] = _stamp(period.get("end"))
    return {key: said for key, said in draft.items() if said}


def _build_patient(consent: Consent) -> dict[str, Any]:
    person = consent.person
    given = [person[name] for name in ("first_name", "middle_name") if name in person]
    patient: dict[str, Any] = {"resourceType": "Patient", "id": "person"}
    if "last_name" in person or given:
        patient["name"] = [{key: said for key, said in (("family", person.get("last_name")), ("given", given)) if said}]
    if _DAY.fullmatch(person.get("birth_date", "")):
        patient["birthDate"] = person["birth_date"]
    if "ssn" in person:
        patient["identifier"] = [{"system": _SSN, "value": person["ssn"]}]
    if person.get("sex") in _SEX:
        patient["gender"] = _SEX[person["sex"]]
    return patient


def _read_patient(value: dict[str, Any]) -> dict[str, str]:
    patients = [one for one in map(_dict, _list(value.get("contained"))) if one.get("resourceType") == "Patient"]
    patient = patients[0] if patients else {}
    names = _list(patient.get("name"))
    name = _dict(names[0]) if names else {}
    given = [str(one) for one in _list(name.get("given"))]
    numbers = [str(one.get("value")) for one in map(_dict, _list(patient.get("identifier"))) if one.get("system") == _SSN]
    found = {
        "last_name": name.get("family"),
        "first_name": given[0] if given else None,
        "middle_name": " ".join(given[1:]),
        "birth_date": patient.get("birthDate"),
        "ssn": numbers[0] if numbers else None,
    }
    return {key: str(said) for key, said in found.items() if said}


def _name(kind: str, name: str) -> dict[str, Any]:
    return {"identifier": {"system": f"{_NAMES}{kind}", "value": name}, "display": name}


def _read_name(reference: Any) -> str:
    """Give the name behind a reference: its identifier, or what it displays."""
    value = _dict(reference)
    return str(_dict(value.get("identifier")).get("value") or value.get("display") or "")


def _code(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def _stamp(text: Any) -> str:
    """Give a FHIR time as a document's, in UTC; "" for what is none, or has no zone."""
    try:
        when = moment(str(text))
    except ValueError:
        return ""
    return "" if when.tzinfo is None else when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
