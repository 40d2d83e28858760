"""Reads what the desk's pages show from a running node. Methods block, and are called in threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tallystick.core.agreement.model import Agreement
from tallystick.core.clock import Clock
from tallystick.core.documents import SignedDocument, decode_document
from tallystick.core.errors import TallyError
from tallystick.core.ids import resolve_digest
from tallystick.core.job.model import Job
from tallystick.node.approvals import Approvals
from tallystick.node.asking import AskedJob, describe_job
from tallystick.node.pages.collecting import Collected, Signers, check_signature, find_signers
from tallystick.node.pages.logbook import LogPage, LogReader
from tallystick.node.pages.offering import Offer, list_offers
from tallystick.node.pages.rates import KeptRates, find_rates
from tallystick.node.pages.shelf import JobShelf
from tallystick.node.past import compare_questions
from tallystick.node.ports import KeptJob
from tallystick.node.storage.rules import job_unknown
from tallystick.node.store import Store
from tallystick.node.view_builders import TIME, build_job_detail
from tallystick.node.views import Health, JobDetail, PastJob
from tallystick.records.survey import DatasetCheck


@dataclass(frozen=True)
class DeskPage:
    """One job as the steward decides about it.

    Attributes:
        asked: what is asked; None where the agreement says nothing of the job any more.
        signers: who may sign, and how many must; None as `asked`.
        signed: who has signed what is awaited.
        offers: changes that would pass.
        past: earlier jobs over the same data, newest first.
        rates: match rates of the candidate, by agency and dataset; empty without one.
        rates_before: the same of earlier jobs that this desk let out, by job.
        counted: what our datasets of the job hold, as counted last, and when.
    """

    detail: JobDetail
    job: Job
    asked: AskedJob | None
    signers: Signers | None
    signed: tuple[str, ...]
    offers: list[Offer]
    past: list[PastJob]
    rates: dict[str, float]
    rates_before: dict[str, dict[str, float]]
    counted: dict[str, DatasetCheck]
    counted_at: datetime | None


@dataclass
class DeskReading:
    """Reads the parts of a node.

    Attributes:
        accounts: gives the public keys of the desk's accounts.
        count: counts what the datasets hold; reads them whole.
    """

    approvals: Approvals
    store: Store
    health: Callable[[], Health]
    count: Callable[[], Iterable[DatasetCheck]]
    accounts: Callable[[], dict[str, str]]
    collected: Collected
    kept_rates: KeptRates
    clock: Clock
    _counted: dict[str, DatasetCheck] = field(default_factory=dict)
    _counted_at: datetime | None = None
    _counting: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Make what reads the log and the lists, which keep what they have read."""
        self._log = LogReader(self.store.blocking, self.clock)
        self._shelf = JobShelf(self.store, self.agency)

    @property
    def agency(self) -> str:
        """Whose node it is."""
        return self.approvals.config.agency

    def look(self) -> Hashable:
        """Give a value that differs whenever a page would."""
        storage = self.store.blocking
        health = self.health()
        return (
            tuple(sorted(storage.count_jobs().items())),
            tuple((one.job, one.version) for one in storage.awaiting()),
            health.connected,
            tuple((one.job, one.phase, one.done) for one in health.sessions),
            self._counted_at,
        )

    def list_jobs(self) -> dict[str, Any]:
        """Give the jobs that wait for a decision, the others newest first, and how the node is."""
        jobs = self._shelf.read()
        return {
            "waiting": [one.summary for one in reversed(jobs) if one.summary.awaits],
            "others": [(one.summary, one.seen) for one in jobs if not one.summary.awaits],
            "health": self.health(),
        }

    def show_job(self, name: str) -> DeskPage:
        """Give one job in full.

        Raises:
            Invalid: `job-unknown`.
        """
        record = self.find(name)
        job = decode_document(record.document, kind="job").read(Job)
        agreement, asked, signers, offers = self._read_agreement(job), None, None, list[Offer]()
        detail = build_job_detail(record, agreement)
        signed: list[SignedDocument] = []
        if isinstance(agreement, Agreement):
            try:
                asked = describe_job(job, agreement, self.agency)
            except TallyError:
                asked = None
            signers = find_signers(agreement, self.agency, self.accounts())
            signed = self.list_signed(detail, job, agreement, signers)
            if record.awaits == "approve":
                offers = list_offers(job, agreement, self.approvals.judge)
        ours = {one.dataset for one in job.question.people.values() if one.agency == self.agency}
        past = self._find_past(record, job)
        return DeskPage(
            detail=detail,
            job=job,
            asked=asked,
            signers=signers,
            signed=tuple(one.signers[0] for one in signed),
            offers=offers,
            past=past,
            rates=find_rates(detail.candidate.linkage, job.question) if detail.candidate is not None else {},
            rates_before=self.kept_rates.read(one.job for one in past) if detail.candidate is not None else {},
            counted={name: check for name, check in self._counted.items() if name in ours},
            counted_at=self._counted_at,
        )

    def list_signed(self, detail: JobDetail, job: Job, agreement: Agreement, signers: Signers) -> list[SignedDocument]:
        """Give the signatures over what a job awaits that are kept and still count."""
        found = []
        for document in self.collected.read(detail.summary.job, detail.summary.awaits) if detail.summary.awaits else ():
            try:
                check_signature(document, detail, job, agreement, signers, self.agency, self.clock.now())
            except TallyError:
                continue  # it was over another candidate, or its time is over
            found.append(document)
        return found

    def find(self, name: str) -> KeptJob:
        """Give a job by the first digits of its digest.

        Raises:
            Invalid: `job-unknown`.
        """
        storage = self.store.blocking
        record = storage.job(resolve_digest(name, storage.find_jobs(name)))
        if record is None:
            raise job_unknown()
        return record

    def count_people(self) -> None:
        """Count what the datasets hold, once at a time; reads them whole."""
        with self._counting:
            self._counted = {check.dataset: check for check in self.count()}
            self._counted_at = self.clock.now()

    def read_log(self, *, whole: bool = False) -> LogPage:
        """Give the newest entries of the log, checked (`logbook.py`).

        Args:
            whole: read and check every entry again.

        Raises:
            Broken: `state-corrupt`: an entry was changed, left out or put in.
        """
        return self._log.read(whole=whole)

    def read_agreement(self, job: Job) -> Agreement:
        """Give the agreement that a job names, if it counts now.

        Raises:
            TallyError: why it does not.
        """
        return self.approvals.agreements.of(job.agreement)[0]

    def _read_agreement(self, job: Job) -> Agreement | str:
        try:
            return self.read_agreement(job)
        except TallyError as error:
            return error.message

    def _find_past(self, record: KeptJob, job: Job) -> list[PastJob]:
        """Give the earlier jobs that name a dataset of ours that this one names, newest first."""
        ours = {one.dataset for one in job.question.people.values() if one.agency == self.agency}
        found = []
        for one in self._shelf.read():
            if one.summary.job == record.job or one.seen > record.seen or not ours & one.ours:
                continue
            differs = compare_questions(job.question.json_value(), one.question)
            differs += [] if job.analyst == one.summary.analyst else ["analyst"]
            summary = one.summary
            found.append(
                PastJob(summary.job, summary.title, summary.analyst, summary.state, tuple(differs), one.seen.strftime(TIME))
            )
        return found
