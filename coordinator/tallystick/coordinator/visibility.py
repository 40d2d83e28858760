"""Who may see a job: its analyst, the agencies that take part, and the approvers of its agreement."""

from __future__ import annotations

from tallystick.coordinator.records import JobRecord
from tallystick.core.contract import Contract
from tallystick.core.net.tls import CertifiedParty


def may_see(caller: CertifiedParty, record: JobRecord, contract: Contract) -> bool:
    """Say whether a caller may see a job."""
    match caller.role:
        case "analyst":
            return record.analyst == caller.name
        case "agency":
            return caller.name in contract.participants or caller.name in contract.agreement.approvers
        case "approver":
            return caller.name in contract.agreement.approvers
        case _:
            return False
