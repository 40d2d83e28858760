"""What the operator and monitoring see of a running coordinator: who is connected, what runs, what waits, and for whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from tallystick.coordinator.admission import Admission
from tallystick.coordinator.jobs import Jobs
from tallystick.coordinator.ports import CoordinatorStorage
from tallystick.coordinator.records import JobRecord
from tallystick.coordinator.views import JobStatus, Views, write_moment
from tallystick.core.contract import Contract
from tallystick.core.errors import Refused
from tallystick.core.job.lifecycle import JobState
from tallystick.core.metrics import Figure
from tallystick.core.net.tls import CertifiedParty, load_certificate


class Contacts(Protocol):
    """Who is connected to this process, and who called when."""

    @property
    def connected(self) -> Any:
        """Give the parties that are connected now."""
        ...

    @property
    def since(self) -> Mapping[str, datetime]:
        """Give since when each is, or is not."""
        ...

    @property
    def software(self) -> Mapping[str, str]:
        """Give the version that each says that it runs."""
        ...

    @property
    def contacts(self) -> Mapping[CertifiedParty, datetime]:
        """Give when each member called last."""
        ...


def show_job(jobs: Jobs, views: Views, record: JobRecord, is_connected: Callable[[str], bool]) -> JobStatus:
    """Show a job to the operator; of one whose agreement's file is gone, what the rows say."""
    contract: Contract | str
    try:
        contract = jobs.contract(record)
    except Refused as error:
        contract = error.code
    return views.status(record, contract, is_connected)


@dataclass(frozen=True)
class Watching:
    """Reads the parts of a running coordinator. Methods block."""

    network: str
    jobs: Jobs
    storage: CoordinatorStorage
    views: Views
    admission: Admission
    hub: Contacts
    certificate: Callable[[], bytes]
    began: datetime

    def status(self, *, ended: bool) -> dict[str, Any]:
        """Give how the coordinator is, as a JSON value."""
        here = self.hub.connected
        shown = [
            show_job(self.jobs, self.views, record, lambda party: party in here) for record in self.storage.jobs(ended=ended)
        ]
        return {
            "coordinator": {
                "network": self.network,
                "since": write_moment(self.began),
                "certificate_days": self.certificate_days,
                "running": sum(one.state == JobState.RUNNING for one in shown),
                "running_at_most": self.admission.most,
                "waiting": len(self.admission.places()),
            },
            "connected": {party: write_moment(at) for party, at in sorted(self.hub.since.items()) if party in here},
            "called": {f"{who.role} {who.name}": write_moment(at) for who, at in sorted(self.hub.contacts.items(), key=str)},
            "jobs": [one.json_value() for one in shown],
            "parties": {party: write_moment(at) for party, at in sorted(self.storage.connection_times().items())},
        }

    @property
    def certificate_days(self) -> int:
        """Whole days until the coordinator's certificate ends."""
        return (load_certificate(self.certificate()).not_valid_after_utc - self.jobs.now()).days

    def figures(self) -> list[Figure]:
        """Give the figures of this moment."""
        records = self.storage.jobs(ended=False)
        states = Counter(record.state for record in records)
        book, now = self.jobs.progress, self.jobs.now()
        oldest = max(((now - one.submitted).total_seconds() for one in records), default=0.0)
        still = sum(book.still(record.job) is not None for record in records)
        troubled = Counter(trouble.code for record in records for trouble in book.troubles(record.job).values())
        open_ = [state for state in JobState if not state.final]
        return [
            Figure("jobs", "gauge", "Unended jobs by state.", {(s,): float(states[s]) for s in open_}, ("state",)),
            Figure("jobs_running_at_most", "gauge", "Jobs that run at once, at most.", {(): float(self.admission.most)}),
            Figure("jobs_waiting", "gauge", "Jobs that wait for their turn.", {(): float(len(self.admission.places()))}),
            Figure("jobs_still", "gauge", "Running jobs of which nothing moves.", {(): float(still)}),
            Figure("oldest_job_seconds", "gauge", "Age of the oldest unended job.", {(): oldest}),
            Figure(
                "troubles",
                "gauge",
                "What keeps parties now, by code.",
                {(c,): float(n) for c, n in troubled.items()},
                ("code",),
            ),
            Figure("nodes_connected", "gauge", "Agencies' nodes that are connected.", {(): float(len(self.hub.connected))}),
            Figure(
                "certificate_days",
                "gauge",
                "Days until the coordinator's certificate ends.",
                {(): float(self.certificate_days)},
            ),
            Figure("job_changes", "counter", "Jobs that came into a state.", book.counts.of("job_changes"), ("state",)),
            Figure("failures", "counter", "Failures of jobs and attempts by code.", book.counts.of("failures"), ("code",)),
            Figure("phases", "counter", "Phases that ended.", book.counts.of("phases"), ("phase",)),
            Figure("phase_seconds", "counter", "Seconds that ended phases took.", book.counts.of("phase_seconds"), ("phase",)),
            Figure("message_bytes", "counter", "Bytes of messages that were received whole.", book.counts.of("message_bytes")),
        ]
