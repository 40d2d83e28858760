"""What a node says to a job, and when it may move.

Rules that this file enforces:

1. A job counts when its analyst signed it, under an agreement that every party signed and that pins this node's own key.
2. The agreement must allow the job, this node's datasets must be declared as the agreement says, and the local policy must not say no.
   An empty policy says no to everything; a policy cannot say yes to what the agreement does not. The desk says no to a question
   whose earlier answers it was made to forget (`housekeeping.py`).
3. `auto` is signed at once; `ask` waits for this agency's people; where the agreement names stewards, their signatures are needed too.
4. A no goes out as a class (`ReasonClass`); the reasons stay here.
5. Every decision is in the log and in the store before it leaves.
6. The node moves only when it holds, and has itself verified, every approval that the agreement asks for: `ready`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from tallystick.core.agreement.model import Agreement, moment
from tallystick.core.clock import Clock
from tallystick.core.contract import Contract
from tallystick.core.disclosure.families import family_of
from tallystick.core.documents import decode_document, sign_document
from tallystick.core.errors import Invalid, Refused, TallyError
from tallystick.core.failpoint import failpoint
from tallystick.core.job.approval import Approval, ReasonClass, complete_approvals, verify_approval
from tallystick.core.job.check import participants, verify_job
from tallystick.core.job.model import Job, Question
from tallystick.core.job.releasing import complete_release
from tallystick.core.keyfile import IdentityKey
from tallystick.core.statistics.rulebook import plan_allowed_job
from tallystick.node.agreements import NodeAgreements
from tallystick.node.changes import Decide, KeptChange, decide_job
from tallystick.node.config import NodeConfig
from tallystick.node.desk import digest_candidate, read_candidate_agreement
from tallystick.node.housekeeping import check_remembered
from tallystick.node.policy.evaluate import Verdict
from tallystick.node.ports import Decision, KeptJob, NodeStorage, Note
from tallystick.node.reviews import Reviews, carry_review
from tallystick.node.suspending import check_suspended

Judge = Callable[[Job, Agreement], Verdict]

MAX_DEPOSITS: Final = 16
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"


@dataclass
class Approvals:
    """Decides about jobs; see the module's rules.

    Attributes:
        judge: the local policy.
    """

    config: NodeConfig
    identity: IdentityKey
    agreements: NodeAgreements
    storage: NodeStorage
    clock: Clock
    judge: Judge

    @property
    def reviews(self) -> Reviews:
        """What is kept of reviews, where this agency is the desk."""
        return Reviews(self.config.agency, self.identity, self.storage, self.clock)

    def contract(self, document: bytes, digest: str) -> Contract:
        """Give the job that a signed document holds, if it counts and is the one of this digest (rules 1 and 2).

        Raises:
            TallyError: it does not: whose rule, and what would pass.
        """
        job_document = decode_document(document, kind="job")
        if job_document.digest != digest:
            raise Invalid("job-invalid", "the coordinator names the job by another digest than its own")
        agreement, agreement_document = self.agreements.of(job_document.read(Job).agreement)
        job = verify_job(job_document, agreement)
        check_suspended(self.config, agreement.agreement, job.question)
        plan_allowed_job(job, agreement, digest=agreement_document.digest, now=self.clock.now())
        if self.config.agency not in participants(job, agreement):
            raise Refused("not-allowed", f"{self.config.agency} takes no part in this job")
        self.config.check_declared(agreement)
        for people in job.question.people.values():
            if people.agency == self.config.agency:
                self.config.dataset(people.dataset)
        if agreement.release.desk == self.config.agency:
            check_remembered(self.storage, family_of(job.question, agreement), job=digest)
        return Contract(job, job_document, agreement, agreement_document)

    def consider(self, document: bytes, digest: str) -> KeptJob | None:
        """Meet a job: decide, or put it before this agency's people. What was decided before stays decided.

        Returns:
            What is kept of the job; None where it is no job at all (not signed by an analyst of an agreement held here), to
            which nothing is said.
        """
        known = self.storage.job(digest)
        if known is not None:
            return known
        now = self.clock.now()
        record = KeptJob(digest, document, now)
        try:
            contract = self.contract(document, digest)
        except TallyError as error:
            if not self._from_its_analyst(document, digest):
                self.storage.log("job-ignored", now, digest, code=error.code)
                return None
            record = replace(record, verdict="never", reasons=_reasons(error))
            return self._meet(self._decide(record, "refuse", _class_of(error), by="agreement"))
        verdict = self.judge(contract.job, contract.agreement)
        reasons = tuple(reason.message for reason in verdict.reasons)
        record = replace(record, verdict=verdict.decision, reasons=reasons)
        if verdict.decision == "never":
            return self._meet(self._decide(record, "refuse", "policy", by="policy"))
        if verdict.decision == "auto" and self.config.agency not in contract.agreement.stewards:
            return self._meet(self._decide(record, "approve", None, by="policy"))
        asks = Note("job-asks", now, {"analyst": contract.job.analyst, "purpose": contract.job.question.purpose})
        return self.storage.add_job(replace(record, awaits="approve"), asks)

    def approve(self, digest: str, documents: Sequence[bytes] = ()) -> KeptJob:
        """Say yes on behalf of this agency's people.

        Args:
            digest: the job's.
            documents: signed approvals of the agency's stewards, as many as the agreement asks for.

        Raises:
            Refused: `approval-missing`: of stewards; `approval-invalid`; whatever has changed since the job came.
            Invalid: `job-unknown`, `job-state`.
        """
        return self._settle(digest, lambda kept: self._approve(kept, documents))

    def _approve(self, record: KeptJob, documents: Sequence[bytes]) -> KeptChange:
        _check_undecided(record, "approve")
        contract = self.contract(record.document, record.job)
        verdict = self.judge(contract.job, contract.agreement)
        if verdict.decision == "never":
            raise Refused(
                "policy-refuses",
                "the agency's local policy does not allow this job",
                hint="; ".join(r.hint for r in verdict.reasons),
            )
        self._check_stewards(contract, documents)
        record = replace(record, deposits=tuple(documents[:MAX_DEPOSITS]))
        return self._decide(record, "approve", None, by="steward")

    def refuse(self, digest: str, reason_class: ReasonClass, reason: str, instead: Question | None = None) -> KeptJob:
        """Say no on behalf of this agency's people; the text stays here.

        Before the job runs, at the desk, or after a yes that is taken back: one no ends a job that is not released.

        Args:
            digest: the job's.
            reason_class: what others learn.
            reason: why, for this agency's people.
            instead: a question that this agency would allow, which the analyst is told.

        Raises:
            Invalid: `job-unknown`, `job-state`.
        """

        def decide(kept: KeptJob) -> KeptChange:
            if kept.decision != "approve":
                _check_undecided(kept, "approve", "release")
            desk: Decision = "refuse" if kept.awaits == "release" else ""
            record = replace(kept, reasons=(*kept.reasons, reason), candidate=None, desk=desk)
            return self._decide(record, "refuse", reason_class, by="steward", instead=instead)

        return self._settle(digest, decide)

    def check_release(self, record: KeptJob, documents: Sequence[bytes]) -> None:
        """Let a candidate go out, if as many of this agency's stewards as its agreement asks for signed that (S-24).

        Args:
            record: of a job whose candidate waits.
            documents: signed release approvals.

        Raises:
            Refused: `approval-missing`, `approval-invalid`; `review-missing`, `review-objected`, `review-invalid`: as of reviewers.
            Invalid: `job-state`: no candidate waits.
        """
        if record.candidate is None or record.awaits != "release":
            raise Invalid("job-state", "nothing waits at the desk for this job", hint="tally node pending")
        agreement = read_candidate_agreement(record.candidate)
        carry_review(record, agreement, self.clock.now())
        signed = [decode_document(document, kind="release") for document in documents]
        if signed and self.config.agency not in agreement.stewards:
            raise Refused("approval-invalid", f"the agreement names no stewards of {self.config.agency}")
        names = complete_release(
            signed,
            agreement,
            job=record.job,
            candidate=digest_candidate(record.candidate),
            agency=self.config.agency,
            now=self.clock.now(),
        )
        if names:
            self.storage.log("release-signed", self.clock.now(), record.job, stewards=[*names])

    def ready(self, contract: Contract, approvals: Sequence[bytes]) -> None:
        """Let the node move, or raise (rule 6).

        Raises:
            Refused: `approval-missing`, `approval-invalid`, `steward-refuses`.
            Invalid: `document-invalid`.
        """
        documents = [decode_document(document, kind="approval") for document in approvals]
        complete_approvals(contract.job, contract.agreement, documents, self.clock.now())
        record = self.storage.job(contract.document.digest)
        if record is None or record.decision != "approve":
            raise Refused("approval-missing", "this node has not approved the job itself")

    def _meet(self, decision: KeptChange) -> KeptJob:
        """Keep a new job with its decision."""
        record = self.storage.add_job(decision.after, decision.note)
        failpoint("node-approval-stored")
        return record

    def _settle(self, digest: str, decide: Decide) -> KeptJob:
        """Keep a decision about a job that is known."""
        record = decide_job(self.storage, digest, decide)
        failpoint("node-approval-stored")
        return record

    def _check_stewards(self, contract: Contract, documents: Sequence[bytes]) -> None:
        stewards = contract.agreement.stewards.get(self.config.agency)
        names = set()
        for document in documents:
            approval = verify_approval(
                decode_document(document, kind="approval"), contract.job, contract.agreement, self.clock.now()
            )
            if (approval.role, approval.agency, approval.decision) != ("steward", self.config.agency, "approve"):
                raise Refused("approval-invalid", f"{approval.signer}: not an approval by a steward of {self.config.agency}")
            names.add(approval.signer)
        if stewards is not None and len(names) < stewards.need:
            raise Refused(
                "approval-missing",
                f"the agreement asks for {stewards.need} stewards of {self.config.agency}; {len(names)} signed",
                hint=f"sign as one of {', '.join(sorted(stewards.keys))}: tally node approve JOB --steward NAME --key FILE",
            )

    def _decide(
        self, record: KeptJob, decision: str, reason_class: ReasonClass | None, *, by: str, instead: Question | None = None
    ) -> KeptChange:
        """Sign a decision, which is logged and stored at once; it is handed in from the store."""
        now = self.clock.now()
        job = decode_document(record.document, kind="job").read(Job)
        refused = decision == "refuse"
        approval = Approval(
            job=record.job,
            agreement=job.agreement.digest,
            signer=self.config.agency,
            role="agency",
            agency=self.config.agency,
            decision="refuse" if refused else "approve",
            reason_class=reason_class,
            signed_at=now.strftime(_TIME),
            expires=_expiry(job, now),
            instead=instead,
        )
        own = sign_document("approval", approval, self.config.agency, self.identity).encode()
        note = Note("refused" if refused else "approved", now, {"by": by, "reason": reason_class or ""})
        after = replace(
            record,
            awaits="",
            decision="refuse" if refused else "approve",
            reason_class=reason_class or "",
            deposits=(own, *(() if refused else record.deposits)),
        )
        return KeptChange(after, note)

    def _from_its_analyst(self, document: bytes, digest: str) -> bool:
        """Tell whether a job is at least signed by an analyst of an agreement that is held here."""
        try:
            job_document = decode_document(document, kind="job")
            agreement, _ = self.agreements.of(job_document.read(Job).agreement)
            job = verify_job(job_document, agreement)
        except TallyError:
            return False
        return job_document.digest == digest and self.config.agency in agreement.parties and job.analyst in agreement.analysts


def _check_undecided(record: KeptJob, *awaits: str) -> None:
    if record.awaits not in awaits:
        raise Invalid("job-state", "nothing is to be decided about this job now", hint="tally node pending")


def _expiry(job: Job, now: datetime) -> str:
    """Give until when a decision counts: as long as the job; a second at least, so that even a late no is a document."""
    try:
        deadline = moment(job.deadline)
    except ValueError:
        deadline = now
    return job.deadline if deadline > now else datetime.fromtimestamp(int(now.timestamp()) + 60, tz=now.tzinfo).strftime(_TIME)


def _reasons(error: TallyError) -> tuple[str, ...]:
    return tuple(part for part in (error.message, error.detail, error.hint) if part)


def _class_of(error: TallyError) -> ReasonClass:
    return "data" if error.code.startswith("source-") else "agreement"
