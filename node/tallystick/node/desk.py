"""The desk: from opened cells to a candidate table, and from a candidate that was looked at to the sealed result.

Rules that this file enforces:

1. What is opened is turned into rows and put under the agreement's disclosure rules before anybody sees it or it is stored.
2. `desk: ask` waits for this agency's people; `desk: auto` releases at once.
3. The result is signed, sealed to the job's own result key, and stored before it is sent; asked again, the same bytes go out.

The encrypted small-cell test of DESIGN §8, once it is there, takes rule 1's place before opening: then the desk opens only cells that
passed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Literal

from tallystick.core.canonical import canonical_bytes
from tallystick.core.clock import Clock
from tallystick.core.disclosure.profiles import profile_of
from tallystick.core.disclosure.suppress import Report, suppress
from tallystick.core.documents import decoded
from tallystick.core.errors import Invalid
from tallystick.core.job.leakage import leakage_statement
from tallystick.core.keyfile import Identity
from tallystick.core.results import Released, document_json, exact, sealed_result, shares_evidence
from tallystick.core.statistics.table import Linkage, Row, linkage_numbers, result_columns, table
from tallystick.crypto.statistic.desk import Opened
from tallystick.node.approvals import Contract
from tallystick.node.assignment import Assignment
from tallystick.node.ports import JobRecord, Storage

_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass
class Desk:
    """See the module's rules.

    Attributes:
        mode: who releases.
    """

    agency: str
    identity: Identity
    storage: Storage
    clock: Clock
    mode: Literal["auto", "ask"]

    def candidate(self, assignment: Assignment, attempt: int, opened: Opened, approvals: list[bytes]) -> JobRecord:
        """Make and keep the candidate of an attempt."""
        contract, plan = assignment.contract, assignment.plan
        question = contract.job.question
        job = assignment.job.hex()
        record = self.storage.job(job)
        assert record is not None
        rows, linkage, disclosure = _disclosed(assignment, opened)
        seconds = int((self.clock.now() - record.seen).total_seconds())
        body = {
            "job": job,
            "attempt": attempt,
            "desk": self.agency,
            "status": "released",
            "columns": result_columns(plan, question),
            "rows": exact(rows),
            "linkage": exact(linkage),
            "disclosure": exact(disclosure),
            "leakage": leakage_statement(contract.job, contract.agreement),
            "timing": {"seconds_since_seen_by_desk": seconds},
            "document": document_json(contract.document),
            "agreement": document_json(contract.agreement_document),
            "approvals": [document_json(decoded(approval, kind="approval")) for approval in approvals],
            "shares": {agency: one.json_value() for agency, one in shares_evidence(opened.evidence).items()},
        }
        asks = self.mode == "ask"
        self.storage.log("candidate", self.clock.now(), job, attempt=attempt, asks=asks)
        record = replace(
            record, candidate=canonical_bytes(body), candidate_attempt=attempt, awaits="release" if asks else "", desk=""
        )
        self.storage.save_job(record)
        return record

    def approve(self, record: JobRecord) -> JobRecord:
        """Let a candidate go out.

        Raises:
            Invalid: `job-state`: there is none.
        """
        if record.awaits != "release" or record.candidate is None:
            raise Invalid("job-state", "nothing waits at the desk for this job", hint="tally node pending")
        self.storage.log("release-approved", self.clock.now(), record.job, attempt=record.candidate_attempt)
        record = replace(record, awaits="", desk="approve")
        self.storage.save_job(record)
        return record

    def sealed(self, record: JobRecord, contract: Contract) -> bytes:
        """Give the signed, sealed result of a candidate; the same bytes every time.

        Raises:
            Invalid: `job-state`: this agency's people have not let it go out.
        """
        kept = self.storage.result(record.job, record.candidate_attempt)
        if kept is not None:
            return kept
        if record.candidate is None or (self.mode == "ask" and record.desk != "approve"):
            raise Invalid("job-state", "the desk has not released this job", hint="tally node approve")
        now = self.clock.now()
        body = {**json.loads(record.candidate), "released": now.strftime(_TIME)}
        released = Released.read(body, what="result")
        self.storage.log("released", now, record.job, attempt=record.candidate_attempt, digest=released.digest())
        sealed = sealed_result(released, bytes.fromhex(contract.job.result_key), self.identity)
        return self.storage.keep_result(record.job, record.candidate_attempt, sealed)


def _disclosed(assignment: Assignment, opened: Opened) -> tuple[list[Row], Linkage, Report]:
    """Turn opened cells into rows and the linkage report, with what may not be shown hidden (rule 1)."""
    contract, plan = assignment.contract, assignment.plan
    profile = profile_of(contract.agreement.disclosure)
    rows = table(plan, opened.values, contract.job.question, keep_empty=profile.zeros_disclosive)
    return suppress(rows, linkage_numbers(plan, opened.values), profile, plan)
