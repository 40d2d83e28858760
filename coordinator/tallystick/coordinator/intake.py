"""Signed documents that parties hand in for a job: approvals and hellos.

Rules that this file enforces:

1. A document is kept only if it verifies, and only from whom it speaks for: an agency brings its own and its stewards', an approver
   its own. It decides nothing here that a node would not check again.
2. The same bytes again change nothing. One attempt has one hello of a party: another means that the party has lost its keys.
3. One refusal ends a job, at any time before it is released. The class of its reason goes out, the reason does not (S-27).
"""

from __future__ import annotations

from tallystick.coordinator.changes import JobChange
from tallystick.coordinator.documents import read_document
from tallystick.coordinator.jobs import Jobs
from tallystick.coordinator.ports import CoordinatorStorage
from tallystick.coordinator.records import FOREVER, Deposit, FailureRecord, JobRecord
from tallystick.coordinator.waiting import APPROVAL, HELLO
from tallystick.core.contract import Contract
from tallystick.core.errors import Invalid, Refused
from tallystick.core.job.approval import Approval, verify_approval
from tallystick.core.job.hello import verify_hello
from tallystick.core.job.lifecycle import JobEvent, JobState
from tallystick.core.net.tls import CertifiedParty


class Intake:
    """See the module's rules. Methods block; callers run them in threads."""

    def __init__(self, jobs: Jobs, storage: CoordinatorStorage) -> None:
        """Take the jobs that documents are for."""
        self._jobs = jobs
        self._storage = storage

    def deposit(self, caller: CertifiedParty, job: bytes, data: bytes) -> JobRecord:
        """Keep an agency's approval, that of one of its stewards, or its hello; an approver's approval.

        Raises:
            Refused: `job-unknown`, `job-state`, `approval-invalid`, `party-restarted` (another hello is held for this attempt).
            Broken: `protocol-broken`. Invalid: `document-invalid`.
        """
        record, contract = self._jobs.visible(caller, job)
        if caller.role == "agency" and _is_hello(data):
            return self._hello(caller, record, contract, data)
        return self._approval(caller, record, contract, data)

    def _hello(self, caller: CertifiedParty, record: JobRecord, contract: Contract, data: bytes) -> JobRecord:
        if caller.name not in contract.participants:
            raise Refused("not-allowed", "only a party that takes part says hello")
        document = read_document(data, "hello")

        def decide(record: JobRecord) -> JobChange | None:
            if record.state != JobState.RUNNING:
                raise Refused("job-state", f"the job is {record.state}: no hello is awaited")
            verify_hello(
                document, job=record.job.hex(), attempt=record.attempt, agency=caller.name, agreement=contract.agreement
            )
            deposit = Deposit(HELLO, caller.name, record.attempt, document.encode())
            held = self._find_deposit(record.job, deposit)
            if held == deposit.document:
                return None
            if held is not None:
                raise Refused(
                    "party-restarted",
                    "another hello of this attempt is held",
                    hint="report party-restarted, to begin the next attempt",
                )
            return JobChange(deposits=(deposit,))

        return self._jobs.change(record.job, decide)

    def _approval(self, caller: CertifiedParty, record: JobRecord, contract: Contract, data: bytes) -> JobRecord:
        document = read_document(data, "approval")
        approval = document.read(Approval)
        speaks_for = approval.agency if approval.role == "steward" else approval.signer
        roles = {"agency", "approver"} if approval.role == "approver" else {"agency"}
        if speaks_for != caller.name or caller.role not in roles:
            raise Refused("not-allowed", f"{caller.name} cannot hand in the approval of {approval.signer}")
        deposit = Deposit(APPROVAL, approval.signer, FOREVER, document.encode())

        def decide(record: JobRecord) -> JobChange | None:
            if self._find_deposit(record.job, deposit) == deposit.document:
                return None
            verify_approval(document, contract.job, contract.agreement, self._jobs.now())
            if approval.decision == "refuse":
                return JobChange(JobEvent.REFUSE, deposits=(deposit,), failures=(_refusal(record, approval),))
            if record.state not in {JobState.SUBMITTED, JobState.APPROVING}:
                raise Refused("job-state", f"the job is {record.state}: no approval is awaited")
            return JobChange(deposits=(deposit,))

        return self._jobs.change(record.job, decide)

    def _find_deposit(self, job: bytes, like: Deposit) -> bytes | None:
        for deposit in self._storage.deposits(job):
            if (deposit.kind, deposit.party, deposit.attempt) == (like.kind, like.party, like.attempt):
                return deposit.document
        return None


def _is_hello(data: bytes) -> bool:
    """Say whether a document says of itself that it is a hello; whatever else it is, it is read as an approval."""
    try:
        read_document(data, HELLO)
    except Invalid:
        return False
    return True


def _refusal(record: JobRecord, approval: Approval) -> FailureRecord:
    """Give a refusal in words: who, and the fixed class of reasons; the reason itself stays with who refused (S-27)."""
    reason = approval.reason_class or "other"
    code = {"policy": "policy-refuses", "agreement": "job-not-allowed"}.get(reason, "steward-refuses")
    return FailureRecord(
        record.attempt,
        approval.signer,
        code,
        f"{approval.signer} refused this job ({reason})",
        f"ask {approval.signer} why",
        retry=False,
    )
