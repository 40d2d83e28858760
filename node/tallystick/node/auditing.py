"""Disclosures as FHIR R4 AuditEvents, after IHE Basic Audit Log Patterns (BALP): one event a request, of the side that this node has in it.

The person stands in an event by the agency's own key alone. Only an event of something that was told about somebody says that it is of BALP's
profiles of disclosures: they ask for a person. They also ask for a network address of each party: its name stands there, as a URI.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

_DCM: Final = "http://dicom.nema.org/resources/ontology/DCM"
_BALP: Final = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PrivacyDisclosure."
_PARTICIPATION: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_ROLE: Final = "http://terminology.hl7.org/CodeSystem/object-role"
_TYPE: Final = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
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
        {"what": _name("consent", one["consent"]), "type": _code(_TYPE, "2"), "role": _code(_ROLE, "4")},
        {
            "what": _name("request", one["request"]),
            "type": _code(_TYPE, "2"),
            "role": _code(_ROLE, "3"),
            "description": f"{one['dataset']}: {', '.join(one['fields'])}",
        },
    ]
    if one["person"]:
        who = _name("person", one["person"]) | {"type": "Patient"}
        entities.insert(0, {"what": who, "type": _code(_TYPE, "1"), "role": _code(_ROLE, "1")})
    profile = {"meta": {"profile": [_BALP + ("Source" if source else "Recipient")]}} if given and one["person"] else {}
    return {
        "resourceType": "AuditEvent",
        **profile,
        "type": _code(_DCM, what[0]) | {"display": what[1]},
        "subtype": [_code("http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle", "disclose")],
        "action": "R" if source else "C",
        "recorded": one["at"],
        "outcome": "0" if given else "4",
        "outcomeDesc": "disclosed" if given else one["reason"] or one["state"],
        "purposeOfEvent": [{"coding": [{"system": f"{_NAMES}purpose", "code": one["purpose"]}]}],
        "agent": [
            _build_agency(_code(_DCM, "110153"), one["owner"]),
            _build_agency(_code(_DCM, "110152"), one["agency"]),
            {"type": {"coding": [_code(_PARTICIPATION, "IRCP")]}, "who": _name("worker", one["worker"]), "requestor": True},
        ],
        "source": {"observer": _name("agency", one["owner"] if source else one["agency"])},
        "entity": entities,
    }


def _build_agency(code: dict[str, Any], name: str) -> dict[str, Any]:
    return {
        "type": {"coding": [code]},
        "who": _name("agency", name),
        "requestor": False,
        "network": {"address": f"{_NAMES}agency:{name}", "type": "5"},
    }


def _name(kind: str, name: str) -> dict[str, Any]:
    return {"identifier": {"system": f"{_NAMES}{kind}", "value": name}}


def _code(system: str, code: str) -> dict[str, Any]:
    return {"system": system, "code": code}
