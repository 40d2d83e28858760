"""The desk: from opened cells to a candidate table, and from a candidate that was looked at to the sealed result.

Rules that this file enforces:

1. What is opened must be numbers that can be true together (`core/statistics/consistency.py`); else the job fails and nothing is kept.
   It is turned into rows and put under the agreement's disclosure rules before anybody sees it or it is stored.
   So is the linkage report, with the coordinator's part of it; and what an earlier result of the same people and groups would turn
   into a small number (`core/disclosure/rules/differences.py`): what goes out is kept for that (until when: `housekeeping.py`).
2. `desk: ask` waits for this agency's people; `desk: auto` releases at once. Where the agreement names reviewers, both wait for them and
   then for this agency's people (`reviews.py`); what they said goes along.
3. That shares are opened is noted before it is done, and those of one attempt of a job only. What is opened is kept at once, in the same step.
   Numbers of another attempt that was opened all the same must be equal, else nothing is kept and the job fails (S-18, S-41).
4. The result is signed, sealed to the job's own result key, and stored before it is sent; asked again, the same bytes go out.

5. In a job with a gate the desk opens only what passed it (docs/adr/0011-gate.md), and the rules begin with that. No table of people of
   whom it opened one by other columns is opened, unless the agencies' tests were held against that one (`ledger.py`). Nor, gate or not, is
   a table by the time since an event beside an earlier one of the same people that asks otherwise: they count different ones of them; nor,
   without a gate, one of the same people and columns that parts them in another condition, other bands or by another cap.
6. In a direct job the desk opens nothing: it hands on what agencies sealed under the analyst's key, of one attempt, as rule 3 says of opening.
7. In a job with noise every number has it when it is opened. None of these rules of consistency, families and reports applies: noisy
   numbers need not be true together, and what was charged bounds what earlier results say beside this one (docs/adr/0018-noise.md).
"""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass, field, replace
from typing import Literal

from tallystick.core.agreement.model import Agreement
from tallystick.core.canonical import Json, canonical_bytes
from tallystick.core.clock import Clock
from tallystick.core.contract import Contract
from tallystick.core.decimals import exact
from tallystick.core.disclosure.families import Names, rename_table
from tallystick.core.disclosure.kept import extract_counts
from tallystick.core.disclosure.leakage import leakage_statement
from tallystick.core.disclosure.profiles import profile_of
from tallystick.core.disclosure.rounding import round_table, round_total
from tallystick.core.disclosure.rule import Draft
from tallystick.core.documents import decode_document
from tallystick.core.drafting import OpenedCells, draft_noisy, draft_release, tell_overall
from tallystick.core.errors import Invalid
from tallystick.core.job.lifecycle import JobState
from tallystick.core.job.regimes import notices_of
from tallystick.core.keyfile import IdentityKey
from tallystick.core.linkage.quality.report import LinkageCounts, read_seen
from tallystick.core.linkage.quality.silence import tell_silent
from tallystick.core.linkage.quality.unread import tell_lost_of_lists
from tallystick.core.opening import encode_handed
from tallystick.core.released import Released, document_json, shares_evidence
from tallystick.core.results import seal_result
from tallystick.core.statistics.table import result_columns
from tallystick.crypto.codec import derive, digest
from tallystick.crypto.randomness import Randomness
from tallystick.crypto.statistic.desk import DeskSetup, Opened
from tallystick.crypto.statistic.gate import Fate
from tallystick.crypto.statistic.handing import HandedOn
from tallystick.node.assignment import Assignment
from tallystick.node.changes import KeptChange, decide_job
from tallystick.node.earlier import find_falls, find_silent_fields, name_family, recall_tables
from tallystick.node.housekeeping import retention_end
from tallystick.node.ledger import keep_pattern
from tallystick.node.ports import Awaits, KeptJob, NodeStorage, Note
from tallystick.node.reviews import carry_review

_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass
class Desk:
    """See the module's rules.

    Attributes:
        mode: who releases.
    """

    agency: str
    identity: IdentityKey
    storage: NodeStorage
    clock: Clock
    mode: Literal["auto", "ask"]
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def begin_opening(self, job: str, attempt: int) -> None:
        """Note that the shares of an attempt are opened now (rule 3).

        Raises:
            Refused: `attempt-opened`: those of another attempt were.
            Invalid: `job-state`: the job ended here, or is in a later attempt.
        """
        self.storage.begin_opening(job, attempt)
        self.storage.log("opening", self.clock.now(), job, attempt=attempt)

    def check_overlap(self, contract: Contract) -> None:
        """Refuse a job that must not be opened beside an earlier one (rule 5).

        Raises:
            Refused: `table-overlaps`; `answers-forgotten`.
        """
        recall_tables(self.storage, contract)

    def make_candidate(
        self, assignment: Assignment, attempt: int, opened: Opened | HandedOn, approvals: list[bytes]
    ) -> KeptJob:
        """Make and keep the candidate of an attempt; one whose job ended or went on to another attempt meanwhile is not kept.

        Raises:
            Broken: `protocol-broken`: the coordinator's part of the linkage report is not of this job; `cells-contradict`: the
                opened cells cannot all be true; `attempts-differ`; `disk`.
            Refused: `answers-forgotten`: earlier results of the family are not kept any more.
        """
        contract, plan = assignment.contract, assignment.contract.plan
        job = contract.digest.hex()
        record = self.storage.job(job)
        assert record is not None
        silent, falls = list[str](), list[str]()
        if isinstance(opened, HandedOn):
            made, documents = Draft((), {}), opened.documents
        else:
            documents = opened.evidence
            with self._one_at_a_time:  # two results of one family must not miss each other
                made = self._disclose(assignment, attempt, opened)
                if not plan.noise:
                    silent = find_silent_fields(self.storage, contract, made.linkage)
                    falls = find_falls(self.storage, contract, made.linkage)
        seconds = int((self.clock.now() - record.seen).total_seconds())
        body = {
            "job": job,
            "attempt": attempt,
            "desk": self.agency,
            "status": "released",
            "columns": result_columns(plan),
            "rows": exact(made.rows),
            **({"totals": exact(made.totals)} if made.totals else {}),
            **({} if isinstance(opened, HandedOn) else exact(tell_overall(contract, made))),
            "linkage": exact(made.linkage),
            "disclosure": exact(made.told),
            "leakage": leakage_statement(contract.job, contract.agreement),
            **({"notices": list(notices)} if (notices := notices_of(contract.job.question, contract.agreement)) else {}),
            "timing": {"seconds_since_seen_by_desk": seconds},
            "document": document_json(contract.document),
            "agreement": document_json(contract.agreement_document),
            "approvals": [document_json(decode_document(approval, kind="approval")) for approval in approvals],
            "shares": {agency: one.json_value() for agency, one in shares_evidence(documents).items()},
            **({"handed": encode_handed(documents)} if isinstance(opened, HandedOn) else {}),
        }
        asks = self.mode == "ask" or contract.agreement.review is not None
        candidate = canonical_bytes(body)
        details: dict[str, Json] = {"attempt": attempt, "asks": asks}
        if silent:
            details["links_nobody"] = list(silent)
        if falls:
            details["fewer_matches"] = True
        note = Note("candidate", self.clock.now(), details)
        lost = tell_lost_of_lists(made.linkage) if made.linkage else ""
        warnings = [one for one in (tell_silent(silent), lost, *falls) if one]

        def decide(kept: KeptJob) -> KeptChange | None:
            if JobState(kept.state).final or kept.attempt > attempt:  # it is over: nothing of it waits, nothing goes out
                return None
            awaits: Awaits = "release" if asks else ""
            reasons = (*kept.reasons, *(one for one in warnings if one not in kept.reasons))
            return KeptChange(
                replace(
                    kept,
                    candidate=candidate,
                    candidate_attempt=attempt,
                    awaits=awaits,
                    desk="",
                    reasons=reasons,
                    review_begun=None,
                    reviews=(),
                ),
                note,
            )

        return decide_job(self.storage, job, decide)

    def approve(self, digest: str) -> KeptJob:
        """Let a job's candidate go out.

        Raises:
            Invalid: `job-unknown`; `job-state`: there is none.
        """

        def decide(kept: KeptJob) -> KeptChange:
            if kept.awaits != "release" or kept.candidate is None:
                raise Invalid("job-state", "nothing waits at the desk for this job", hint="tally node pending")
            note = Note("release-approved", self.clock.now(), {"attempt": kept.candidate_attempt})
            return KeptChange(replace(kept, awaits="", desk="approve"), note)

        return decide_job(self.storage, digest, decide)

    def seal_result(self, record: KeptJob, contract: Contract) -> bytes:
        """Give the signed, sealed result of a candidate; the same bytes every time.

        Raises:
            Invalid: `job-state`: this agency's people have not let it go out.
            Refused: `review-missing`, `review-objected`, `review-invalid`: as of reviewers.
        """
        kept = self.storage.result(record.job, record.candidate_attempt)
        if kept is not None:
            return kept
        reviewed = contract.agreement.review is not None
        if record.candidate is None or ((self.mode == "ask" or reviewed) and record.desk != "approve"):
            raise Invalid("job-state", "the desk has not released this job", hint="tally node approve")
        now = self.clock.now()
        body = {
            **json.loads(record.candidate),
            "released": now.strftime(_TIME),
            **carry_review(record, contract.agreement, now),
        }
        released = Released.read(body, what="result")
        self.storage.log("released", now, record.job, attempt=record.candidate_attempt, digest=released.digest())
        sealed = seal_result(released, bytes.fromhex(contract.job.result_key), self.identity)
        return self.storage.keep_result(record.job, record.candidate_attempt, sealed)

    def _disclose(self, assignment: Assignment, attempt: int, opened: Opened) -> Draft:
        """Turn opened cells into rows, totals and the linkage report, with what may not be shown hidden; keep them (rule 1)."""
        contract = assignment.contract
        plan, passes, question, job = contract.plan, contract.passes, contract.job.question, contract.digest.hex()
        if plan.noise:
            return self._disclose_noisy(assignment, attempt, opened)
        part = LinkageCounts((), None)
        if len(contract.agencies) > 1:
            part = read_seen(opened.report, job=contract.digest, attempt=attempt, passes=passes.digest, count=len(passes.told))
        family, names = name_family(contract), Names.of(question, contract.agreement)
        kept = [rename_table(one, Names.read(one["names"]), names) for one in recall_tables(self.storage, contract)]
        made, moments = draft_release(contract, OpenedCells(opened.values, opened.hidden), part, kept)
        if (
            contract.gated and question.since is None and self.agency not in contract.agencies
        ):  # else it was kept before this agency's share left
            fates = [opened.hidden.get(cell, Fate.OPENED) for cell in range(len(plan.cells))]
            keep_pattern(self.storage, contract, attempt, fates)
        counts = extract_counts(plan, made.rows, moments)
        body = {"job": job, "rows": made.rows, "linkage": made.linkage, "counts": counts}
        self.storage.keep_table(
            job,
            attempt,
            family,
            canonical_bytes(exact({**body, "names": names.json_value()})),
            numbers=self._digest_numbers(assignment, opened),
            agreement=question.agreement,
            until=retention_end(contract.agreement),
        )
        profile = profile_of(contract.agreement.disclosure)
        if profile.rounding is None:
            return made
        rounded, report = round_table(made.rows, made.linkage, plan, profile.rounding)
        totals = tuple(round_total(total, profile.rounding) for total in made.totals)
        told = {**made.told, "rounding": profile.rounding.text}
        return replace(made, rows=tuple(rounded), linkage=report, told=told, totals=totals)

    def _disclose_noisy(self, assignment: Assignment, attempt: int, opened: Opened) -> Draft:
        """Turn opened cells with noise into rows (rule 7); keep that there were some, so that another attempt's must be the same."""
        contract = assignment.contract
        made, job = draft_noisy(contract, OpenedCells(opened.values, opened.hidden)), contract.digest.hex()
        self.storage.keep_table(
            job,
            attempt,
            digest("opened with noise", contract.digest).hex(),  # no family: nothing is held against it
            b"{}",
            numbers=self._digest_numbers(assignment, opened),
            agreement=contract.job.question.agreement,
            until=retention_end(contract.agreement),
        )
        return made

    def _digest_numbers(self, assignment: Assignment, opened: Opened) -> bytes:
        """Give a digest of opened numbers that says nothing of them to who does not have the node's secret."""
        values = ",".join(str(value) for value in opened.values).encode()
        if opened.hidden:
            values += b";" + ",".join(f"{cell}={int(fate)}" for cell, fate in sorted(opened.hidden.items())).encode()
        return derive(self.storage.secret(), "opened numbers", assignment.contract.digest, values)


def digest_candidate(body: bytes) -> str:
    """Give the digest by which a release's approvals name a candidate."""
    return hashlib.sha256(body).hexdigest()


def read_candidate_agreement(body: bytes) -> Agreement:
    """Give the agreement that a candidate was made under; it counted when the job began."""
    kept = canonical_bytes(json.loads(body)["agreement"])
    return decode_document(kept, kind="agreement").read(Agreement)


@dataclass(frozen=True)
class DeskAttempt:
    """The desk's part in one attempt, for the session that brings the shares.

    Attributes:
        approvals: as this node has verified them; the result carries them.
    """

    desk: Desk
    assignment: Assignment
    attempt: int
    approvals: tuple[bytes, ...] = field(repr=False)

    def setup(self, randomness: Randomness) -> DeskSetup:
        """Give what the desk's machine brings to the attempt."""
        contract = self.assignment.contract
        return DeskSetup(
            me=self.desk.agency,
            agencies=contract.agencies,
            job=contract.digest,
            attempt=self.attempt,
            keys={name: bytes.fromhex(contract.agreement.parties[name].key) for name in contract.agencies},
            computation=contract.computation,
            randomness=randomness,
            recipient=contract.recipient,
        )

    def check(self) -> None:
        """Refuse what must not be opened beside an earlier table; as `Desk.check_overlap`."""
        self.desk.check_overlap(self.assignment.contract)

    def begin(self) -> None:
        """Note that the shares are opened; as `Desk.begin_opening`, after `check`."""
        self.check()
        self.desk.begin_opening(self.assignment.contract.digest.hex(), self.attempt)

    def keep(self, opened: Opened | HandedOn) -> KeptJob:
        """Make and keep the candidate; as `Desk.candidate`."""
        return self.desk.make_candidate(self.assignment, self.attempt, opened, list(self.approvals))
