"""Earlier jobs over the same data of an agency, for its stewards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from tallystick.core.documents import decode_document
from tallystick.core.job.model import Job
from tallystick.node.ports import KeptJob, NodeStorage
from tallystick.node.view_builders import build_past_job
from tallystick.node.views import PastJob

MOST_JOBS: Final = 1000
"""Jobs that are looked at."""


def read_jobs(storage: NodeStorage) -> list[KeptJob]:
    """Read the jobs that a node has met, `MOST_JOBS` of them at most."""
    found = (storage.job(digest) for digest in storage.find_jobs("", MOST_JOBS))
    return [one for one in found if one is not None]


def find_past(records: Iterable[KeptJob], record: KeptJob, agency: str) -> list[PastJob]:
    """Give the earlier jobs that name a dataset of an agency that a job names, newest first.

    Args:
        records: of jobs.
        record: of the job.
        agency: whose datasets.
    """
    job = decode_document(record.document, kind="job").read(Job)
    ours = {one.dataset for one in job.question.people.values() if one.agency == agency}
    past: list[tuple[KeptJob, Job]] = []
    for other in records:
        if other.job == record.job or other.seen > record.seen:
            continue
        its = decode_document(other.document, kind="job").read(Job)
        if ours & {one.dataset for one in its.question.people.values() if one.agency == agency}:
            past.append((other, its))
    past.sort(key=lambda one: one[0].seen, reverse=True)
    return [build_past_job(other, its, _compare(job, its)) for other, its in past]


def compare_questions(one: Mapping[str, Any], two: Mapping[str, Any]) -> list[str]:
    """Give the keys of a job file in which two questions, as JSON values, differ; titles may."""
    return [key for key in dict.fromkeys([*one, *two]) if key != "title" and one.get(key) != two.get(key)]


def _compare(job: Job, other: Job) -> list[str]:
    """Say in what two jobs' questions differ, and whether another analyst asks."""
    keys = compare_questions(job.question.json_value(), other.question.json_value())
    return keys if job.analyst == other.analyst else [*keys, "analyst"]
