"""What the store holds of a job beside the job itself, read once for each change and not once for each party that hears of it.

A job of many agencies has hundreds of messages, and each of them is news for all: whoever reads all rows at each change reads them in the
square of their number. Messages are only ever added to an attempt, so of a later version only those that came since are read.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tallystick.coordinator.ports import CoordinatorStorage
from tallystick.coordinator.records import Deposit, FailureRecord, JobRecord, MessageRecord
from tallystick.crypto.machine import Ref

MAX_KEPT: Final = 256
"""Jobs whose rows are kept to be shown again."""
LOCKS: Final = 16


@dataclass(frozen=True)
class JobRows:
    """What the store holds of one job, beside the job itself.

    Attributes:
        messages: of the attempt, complete ones, in the order of their completion.
        failures: of all attempts.
        held: the same messages by their place in the protocol.
        bytes: of all of them.
    """

    deposits: Sequence[Deposit]
    messages: tuple[MessageRecord, ...]
    failures: Sequence[FailureRecord]
    held: Mapping[Ref, MessageRecord] = field(repr=False)
    bytes: int


class RowReader:
    """Reads rows, and keeps those of the latest version of each job. Methods may be called from any thread."""

    def __init__(self, storage: CoordinatorStorage) -> None:
        """Take where rows are."""
        self._storage = storage
        self._kept: dict[bytes, tuple[JobRecord, JobRows]] = {}
        self._locks = [threading.Lock() for _ in range(LOCKS)]
        self._keeping = threading.Lock()

    def of(self, record: JobRecord) -> JobRows:
        """Give the rows of a job: at least those that its record's version has."""
        with self._locks[hash(record.job) % LOCKS]:  # of several that ask after one change one reads
            seen, rows = self._kept.get(record.job, (None, None))
            if seen is None or rows is None or seen.attempt != record.attempt:
                rows = self._read(record, ())
            elif seen.version >= record.version:
                return rows
            else:  # an ended job's messages are gone
                rows = self._read(record, () if record.ended is not None else rows.messages)
            self._keep(record, rows)
            return rows

    def _read(self, record: JobRecord, before: tuple[MessageRecord, ...]) -> JobRows:
        storage, job = self._storage, record.job
        added = storage.messages(job, len(before))
        messages = (*before, *(one for one in added if one.name.attempt == record.attempt))
        held = {one.name.ref: one for one in messages}
        return JobRows(storage.deposits(job), messages, storage.failures(job), held, sum(one.bytes for one in messages))

    def _keep(self, record: JobRecord, rows: JobRows) -> None:
        with self._keeping:
            self._kept.pop(record.job, None)
            self._kept[record.job] = (record, rows)
            while len(self._kept) > MAX_KEPT:
                del self._kept[next(iter(self._kept))]
