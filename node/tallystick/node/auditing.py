"""Disclosures as FHIR R4 AuditEvents, after IHE Basic Audit Log Patterns (BALP): one event a request, of the side that this node has in it.

The person stands in an event by the agency's own key alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

_DCM: Final = "http://dicom.nema.org/resources/ontology/DCM"
_BALP: Final = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PrivacyDisclosure."
_PARTICIPATION: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_NAMES: Final = "urn:tallystick:"


def write_audit(requests: Sequence[dict[str, Any]]) -> bytes:
    """Write requests, as the node's service tells of them, as a FHIR Bundle of AuditEvents: JSON."""
    entries = [{"resource": build_audit_event(one)} for one in requests]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    return (json.dumps(bundle if entries else {"resourceType": "Bundle", "type": "collection"}, indent=2) + "\n").encode()


def build_audit_event(one: dict[str, Any]) -> dict[str, Any]:
    """Give the event of a request: an export at the owner, an import at the asker's agency."""
    source = one["side"] == "owner"
    given = one["outcome"] == "given"
    what = ("110106", "Export") if source else ("110107", "Import")
    entities = [
        {"what": _name("consent", one["consent"]), "role": _code("http://terminology.hl7.org/CodeSystem/object-role", "4")},
        {"what": _name("request", one["request"]), "description": f"{one['dataset']}: {', '.join(one['fields'])}"},
    ]
    if one["person"]:
        patient = _code("http://terminology.hl7.org/CodeSystem/object-role", "1")
        entities.insert(0, {"what": _name("person", one["person"]), "role": patient})
    return {
        "resourceType": "AuditEvent",
        "meta": {"profile": [_BALP + ("Source" if source else "Recipient")]},
        "type": _code(_DCM, what[0]) | {"display": what[1]},
        "subtype": [_code("http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle", "disclose")],
        "action": "R" if source else "C",
        "recorded": one["at"],
        "outcome": "0" if given else "4",
        "outcomeDesc": "disclosed" if given else one["reason"] or one["state"],
        "purposeOfEvent": [{"coding": [{"system": f"{_NAMES}purpose", "code": one["purpose"]}]}],
        "agent": [
            _build_agent(_DCM, "110153", one["owner"], requestor=False),
            _build_agent(_DCM, "110152", one["agency"], requestor=False),
            _build_agent(_PARTICIPATION, "IRCP", one["worker"], requestor=True),
        ],
        "source": {"observer": _name("agency", one["owner"] if source else one["agency"])},
        "entity": entities,
    }


def _build_agent(system: str, code: str, name: str, *, requestor: bool) -> dict[str, Any]:
    return {"type": {"coding": [_code(system, code)]}, "who": _name("party", name), "requestor": requestor}


def _name(kind: str, name: str) -> dict[str, Any]:
    return {"identifier": {"system": f"{_NAMES}{kind}", "value": name}}


def _code(system: str, code: str) -> dict[str, Any]:
    return {"system": system, "code": code}
