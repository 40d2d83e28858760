"""What parties say of themselves beside failures: what keeps them for now, and that they know how a job ended."""

from __future__ import annotations

from typing import Final

from tallystick.coordinator.jobs import MAX_HINT, MAX_MESSAGE, Jobs
from tallystick.coordinator.progress import Trouble
from tallystick.coordinator.records import JobRecord
from tallystick.core.errors import CATALOGUE, Refused
from tallystick.core.net.status import printable
from tallystick.core.net.tls import CertifiedParty

HEARD: Final = "heard"


def hear_trouble(jobs: Jobs, caller: CertifiedParty, job: bytes, code: str, message: str, hint: str) -> JobRecord | None:
    """Take a party's word on what keeps it for now, or with an empty code that nothing does; give the job if that is news.

    Raises:
        Refused: `job-unknown`.
    """
    record, _ = jobs.visible(caller, job)
    known = code if code in CATALOGUE or not code else "internal"
    told = Trouble(caller.name, known, printable(message[:MAX_MESSAGE]), printable(hint[:MAX_HINT]), jobs.now())
    return record if record.ended is None and jobs.progress.keep(job, told) else None


def hear_end(jobs: Jobs, caller: CertifiedParty, job: bytes, state: str) -> JobRecord:
    """Note that a party knows how a job ended, and does nothing more for it.

    Raises:
        Refused: `job-unknown`; `job-state`: it did not end so.
    """
    record, _ = jobs.visible(caller, job)
    if record.ended is None or record.state != state:
        raise Refused("job-state", f"the job is {record.state}")
    jobs.note(job, HEARD, caller.name, record.attempt)
    return record
