"""Reads what the operator's pages show from a running coordinator. Methods block, and are called in threads."""

from __future__ import annotations

import os
import shutil
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from tallystick.coordinator.agreements import AgreementFiles
from tallystick.coordinator.pages.lines import (
    AgencyLine,
    AgreementLine,
    ApprovalLine,
    JobLine,
    PartyWorkLine,
    build_agencies,
    build_agreements,
    build_approvals,
    build_job_line,
    build_work,
    write_count,
)
from tallystick.coordinator.records import JobRecord
from tallystick.coordinator.views import JobStatus, JobView
from tallystick.coordinator.watching import Watching, show_job
from tallystick.core.contract import Contract
from tallystick.core.errors import Invalid, Refused
from tallystick.core.ids import is_name, resolve_digest
from tallystick.core.job.lifecycle import JobState
from tallystick.core.net.tls import CertifiedParty

LOOKED_UP: Final = 50
"""Of how many unended jobs the list says who is waited for: that is read from each job's messages."""
MOST_SHOWN: Final = 1000
"""Ended jobs in the list; older ones have their pages still."""
_DIGEST: Final = 64
"""Letters of a whole digest."""


@dataclass(frozen=True)
class JobPage:
    """One job in full.

    Attributes:
        line: as in the list.
        sizes: rows of each list as it was sent, padding and decoys among them, as text.
        agencies: of its agreement: the parties of which it can be said whether they are connected.
    """

    line: JobLine
    status: JobStatus
    work: list[PartyWorkLine]
    approvals: list[ApprovalLine]
    sizes: dict[str, str]
    agencies: frozenset[str]


@dataclass(frozen=True)
class Machine:
    """What the coordinator runs on, and how it is.

    Attributes:
        load: of the last minute; None where the system does not say.
        cores: processors.
        disk_free, disk_total: bytes, where the state lies.
        problems: files that hold no agreement, and why.
    """

    network: str
    began: datetime
    certificate_days: int
    running: int
    running_at_most: int
    waiting: int
    load: float | None
    cores: int
    disk_free: int
    disk_total: int
    problems: dict[str, str]


@dataclass(frozen=True)
class Reading:
    """Reads the parts of a coordinator.

    Attributes:
        state: its folder.
    """

    watching: Watching
    agreements: AgreementFiles
    state: Path

    def look(self) -> Hashable:
        """Give a value that differs whenever a page would."""
        watching = self.watching
        return (
            watching.storage.count_changes(),
            watching.jobs.progress.count_moves(),
            frozenset(watching.hub.connected),
            watching.admission.places(),
        )

    def list_jobs(self) -> dict[str, Any]:
        """Give the lines of all unended jobs and the newest ended ones, newest first."""
        storage = self.watching.storage
        open_ = list(storage.jobs(ended=False))[::-1]
        ended = [record for record in storage.newest_jobs(MOST_SHOWN + len(open_)) if record.ended is not None][:MOST_SHOWN]
        looked = {record.job: self._find_waits(record) for record in open_[:LOOKED_UP]}
        return {
            "open_jobs": [self._line(record, looked.get(record.job, ())) for record in open_],
            "ended_jobs": [self._line(record, ()) for record in ended],
            "machine": self.read_machine(open_),
            "looked_up": LOOKED_UP,
        }

    def show_job(self, name: str) -> JobPage:
        """Give one job in full, by the first digits of its digest.

        Raises:
            Invalid: `job-unknown`.
        """
        record = self._find(name)
        contract: Contract | None
        try:
            contract = self.watching.jobs.contract(record)
        except Refused:
            contract = None
        status = self._status(record)
        now = record.ended or self.watching.jobs.now()
        deposits = self.watching.storage.deposits(record.job)
        return JobPage(
            line=self._line(record, [one.party for one in status.waiting]),
            status=status,
            work=build_work(status),
            approvals=build_approvals(deposits, contract, now),
            sizes={owner: write_count(rows) for owner, rows in status.condition.sizes.items()},
            agencies=frozenset(contract.agreement.parties if contract is not None else ()),
        )

    def list_agencies(self) -> list[AgencyLine]:
        """Give the lines of all agencies."""
        watching, storage = self.watching, self.watching.storage
        contacts = dict(storage.connection_times())
        for who, at in watching.hub.contacts.items():
            if who.role == "agency":
                contacts[who.name] = max(at, contacts.get(who.name, at))
        return build_agencies(
            [agreement for agreement, _ in self.agreements.list_agreements().values()],
            storage.certificates(),
            storage.list_bounds(),
            connected=watching.hub.connected,
            since=watching.hub.since,
            contacts=contacts,
            software=watching.hub.software,
            now=watching.jobs.now(),
        )

    def list_agreements(self) -> list[AgreementLine]:
        """Give the lines of all agreements."""
        return build_agreements(self.agreements.list_agreements())

    def list_own_jobs(self, analyst: str) -> list[JobLine]:
        """Give the lines of an analyst's own jobs, newest first."""
        own = [record for record in self.watching.storage.jobs(ended=True) if record.analyst == analyst]
        return [self._line(record, ()) for record in own[::-1][:MOST_SHOWN]]

    def show_own_job(self, analyst: str, name: str) -> tuple[JobLine, JobView]:
        """Give one of an analyst's own jobs, as the coordinator tells the analyst of it by any other way.

        Args:
            analyst: whose it is.
            name: the job's whole digest.

        Raises:
            Invalid, Refused: `job-unknown`: there is none, or it is somebody else's; which, is not said.
        """
        if not is_name(name) or len(name) != _DIGEST:
            raise Invalid("job-unknown", "that is not the name of a job")
        who, watching = CertifiedParty(self.watching.network, "analyst", analyst), self.watching
        record, contract = watching.jobs.visible(who, bytes.fromhex(name))
        return self._line(record, ()), watching.views.of(who, record, contract, watching.hub.connected)

    def read_machine(self, open_: list[JobRecord]) -> Machine:
        """Give how the coordinator and its machine are."""
        watching, disk = self.watching, shutil.disk_usage(self.state)
        try:
            load: float | None = os.getloadavg()[0]
        except OSError:
            load = None
        return Machine(
            network=watching.network,
            began=watching.began,
            certificate_days=watching.certificate_days,
            running=sum(record.state == JobState.RUNNING for record in open_),
            running_at_most=watching.admission.most,
            waiting=len(watching.admission.places()),
            load=load,
            cores=os.cpu_count() or 1,
            disk_free=disk.free,
            disk_total=disk.total,
            problems={Path(path).name: problem for path, problem in self.agreements.problems().items()},
        )

    def _find(self, name: str) -> JobRecord:
        if not is_name(name):
            raise Invalid("job-unknown", "that is not the name of a job")
        exact = self.watching.storage.job(bytes.fromhex(name)) if len(name) == _DIGEST else None
        if exact is not None:
            return exact
        records = {record.job.hex(): record for record in self.watching.storage.newest_jobs(MOST_SHOWN)}
        return records[resolve_digest(name, [digest for digest in records if digest.startswith(name)])]

    def _status(self, record: JobRecord) -> JobStatus:
        here = frozenset(self.watching.hub.connected)
        return show_job(self.watching.jobs, self.watching.views, record, lambda party: party in here)

    def _find_waits(self, record: JobRecord) -> list[str]:
        return [one.party for one in self._status(record).waiting]

    def _line(self, record: JobRecord, waits: Any) -> JobLine:
        book = self.watching.jobs.progress
        return build_job_line(record, book.of(record.job), book.phases(record.job), book.still(record.job), waits)
