"""Disclosures as FHIR AuditEvents: read by the models of another project, and held to what BALP's profiles of disclosures ask for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fhir.resources.R4B.auditevent import AuditEvent

from tallystick.node.auditing import build_audit_event, write_audit

ONE: dict[str, Any] = {
    "side": "owner",
    "outcome": "given",
    "state": "sent",
    "reason": "",
    "consent": "ab" * 32,
    "request": "cd" * 32,
    "dataset": "clients",
    "fields": ["address", "phone"],
    "person": "h-rosa",
    "at": "2026-01-02T03:04:05Z",
    "purpose": "benefits",
    "owner": "housing",
    "agency": "labor",
    "worker": "ann",
}
DCM = "http://dicom.nema.org/resources/ontology/DCM"


@pytest.mark.parametrize(("side", "kind", "action", "mine"), [("owner", "110106", "R", 0), ("asker", "110107", "C", 1)])
def test_a_disclosure_is_of_its_profile(side: str, kind: str, action: str, mine: int) -> None:
    event: Any = AuditEvent.model_validate(build_audit_event(ONE | {"side": side}))
    name = "Source" if side == "owner" else "Recipient"
    assert [str(one).rpartition(".")[2] for one in event.meta.profile] == [name]
    assert (event.type.system, event.type.code, event.action, event.outcome) == (DCM, kind, action, "0")
    assert [one.code for one in event.subtype] == ["disclose"]
    source, recipient, worker = event.agent
    assert [one.type.coding[0].code for one in event.agent] == ["110153", "110152", "IRCP"]
    assert source.network.address != recipient.network.address
    assert event.source.observer == event.agent[mine].who, "who writes it down is who took part"
    assert (worker.requestor, source.requestor, recipient.requestor) == (True, False, False)
    patient = event.entity[0]
    assert (patient.type.code, patient.role.code, patient.what.type) == ("1", "1", "Patient")
    assert patient.what.identifier.value == "h-rosa"
    assert len(event.entity) >= 2
    assert all(one.type is not None for one in event.entity)


@pytest.mark.parametrize(
    "change", [{"outcome": "nothing", "reason": "no record: nobody is found", "person": ""}, {"person": ""}]
)
def test_what_is_no_disclosure_of_a_person_is_of_no_profile(change: dict[str, Any]) -> None:
    event: Any = AuditEvent.model_validate(build_audit_event(ONE | change))
    assert event.meta is None
    assert [one.what.identifier.system for one in event.entity] == ["urn:tallystick:consent", "urn:tallystick:request"]


def test_a_bundle_of_nothing_has_no_entry() -> None:
    assert json.loads(write_audit([])) == {"resourceType": "Bundle", "type": "collection"}
    assert len(json.loads(write_audit([ONE, ONE]))["entry"]) == 2
