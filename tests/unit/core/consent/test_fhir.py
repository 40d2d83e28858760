"""Consents as FHIR R4 resources, read by the models of another project."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from fhir.resources.R4B.consent import Consent as FhirConsent

from tallystick.core.consent.fhir import export_consent, import_consent
from tallystick.core.documents import SignedDocument
from tallystick.core.errors import Invalid
from tests.consents import consent, signed_consent
from tests.governance import NOW

CHOICES = {"contact": "share", "treatment": "do not share"}
VARIANTS: list[dict[str, Any]] = [
    {},
    {"form": "cross-sector 1", "fields": None, "choices": CHOICES},
    {"form": "part2 1", "fields": ["treatment"]},
    {"basis": "authority", "citation": "45 CFR 205.50", "person": {"last_name": "Delgado", "birth_date": "03/09/1984"}},
]


@pytest.mark.parametrize("changes", VARIANTS)
def test_another_projects_models_read_it_and_it_comes_back_whole(changes: dict[str, Any]) -> None:
    document = signed_consent(consent(NOW, **changes))
    resource = export_consent(document)
    read: Any = FhirConsent.model_validate(resource)
    assert read.status == "active"
    assert read.scope.coding[0].code == "patient-privacy"
    assert read.patient.reference == "#person"
    assert read.provision.type == "permit"
    assert [actor.role.coding[0].code for actor in read.provision.actor] == ["IRCP"]
    assert (read.performer, read.organization, read.policy, read.sourceAttachment, read.dateTime) != (None,) * 5
    denied = [one.reference.display for nested in read.provision.provision or () for one in nested.data]
    assert denied == [name for name, choice in changes.get("choices", {}).items() if choice == "do not share"]
    assert (
        import_consent(read.model_dump_json().encode()) == document or import_consent(json.dumps(resource).encode()) == document
    )


def test_what_the_elements_say_must_be_what_was_signed() -> None:
    resource = export_consent(signed_consent(consent(NOW)))
    for key, value in (("status", "inactive"), ("dateTime", "2020-01-01T00:00:00Z"), ("provision", {"type": "permit"})):
        with pytest.raises(Invalid, match=key):
            import_consent(json.dumps(resource | {key: value}).encode())


def test_a_consent_from_elsewhere_becomes_a_draft_that_nobody_signed() -> None:
    resource = export_consent(signed_consent(consent(NOW)))
    del resource["sourceAttachment"]
    FhirConsent.model_validate(resource)
    draft = import_consent(json.dumps(resource).encode())
    assert not isinstance(draft, SignedDocument)
    assert draft["person"]["last_name"] == "Delgado"
    assert (draft["discloser"], draft["purposes"], draft["fields"]) == (["housing"], ["benefits"], ["address", "phone"])
    assert draft["valid_until"].endswith("Z")
    assert "revoking" not in draft


@pytest.mark.parametrize(
    "data",
    [
        b"<Consent/>",
        b"[]",
        b'{"resourceType": "Patient"}',
        b'{"resourceType": "Consent", "status": "draft"}',
        json.dumps(
            {
                "resourceType": "Consent",
                "sourceAttachment": {
                    "contentType": "application/vnd.tallystick.consent+json",
                    "data": base64.b64encode(b"{}").decode(),
                },
            }
        ).encode(),
        b" " * (1 << 20),
    ],
)
def test_what_is_no_consent_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid):
        import_consent(data)
