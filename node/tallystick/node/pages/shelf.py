"""Keeps what the desk's lists say of each job, and reads again only the jobs that changed."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, Final

from tallystick.core.documents import decode_document
from tallystick.core.job.model import Job
from tallystick.node.ports import KeptJob, NodeStorage
from tallystick.node.store import Store
from tallystick.node.view_builders import build_job_summary
from tallystick.node.views import JobSummary

MOST_JOBS: Final = 1000
"""The newest ones, and all that wait for a decision."""
_AT_ONCE: Final = 50
"""So that a first look at many jobs holds the store's thread up for moments only."""


@dataclass(frozen=True)
class ShelvedJob:
    """A job of a list, and what an earlier job is compared by.

    Attributes:
        seen: when this node met it.
        ours: datasets of this agency that it names.
        question: what it asks, as a JSON value.
    """

    summary: JobSummary
    seen: datetime
    ours: frozenset[str]
    question: dict[str, Any] = field(repr=False)


class JobShelf:
    """The jobs of a node's lists, by digest. Methods block."""

    def __init__(self, store: Store, agency: str) -> None:
        """Take the node's state, and whose it is."""
        self._store = store
        self._agency = agency
        self._kept: dict[str, tuple[int, ShelvedJob]] = {}
        self._reading = threading.Lock()

    def read(self) -> list[ShelvedJob]:
        """Give the newest jobs and all that wait for a decision, newest first."""
        with self._reading:
            versions = self._store.submit(_list_versions).result()
            self._kept = {job: kept for job, kept in self._kept.items() if versions.get(job) == kept[0]}
            changed = iter([job for job in versions if job not in self._kept])
            while wanted := list(islice(changed, _AT_ONCE)):
                for record in self._fetch(wanted):
                    self._kept[record.job] = (record.version, self._shelve(record))
            return sorted((one for _, one in self._kept.values()), key=lambda one: one.seen, reverse=True)

    def _fetch(self, wanted: Sequence[str]) -> Sequence[KeptJob]:
        def fetch(storage: NodeStorage) -> list[KeptJob]:
            return [record for job in wanted if (record := storage.job(job)) is not None]

        return self._store.submit(fetch).result()

    def _shelve(self, record: KeptJob) -> ShelvedJob:
        question = decode_document(record.document, kind="job").read(Job).question
        ours = frozenset(one.dataset for one in question.people.values() if one.agency == self._agency)
        return ShelvedJob(build_job_summary(record), record.seen, ours, question.json_value())


def _list_versions(storage: NodeStorage) -> dict[str, int]:
    return dict(storage.list_versions(MOST_JOBS)) | {one.job: one.version for one in _list_awaiting(storage)}


def _list_awaiting(storage: NodeStorage) -> Iterator[KeptJob]:
    last: KeptJob | None = None
    while page := storage.awaiting(last):
        yield from page
        last = page[-1]
