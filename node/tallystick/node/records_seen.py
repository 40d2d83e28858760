"""Whether the records that a job reads are those that an earlier, answered job of the same reading was made from.

What is kept of a job's records is a keyed digest, under a name that says which datasets, columns and conditions it is of: two jobs that read
the same of an agency have the same name. An agency's people are told where the digests differ, since the answers then differ for a reason
that is not in the question. Nothing of it leaves the node.

Security: a digest is keyed with the node's own secret, so that what is kept says nothing of the records to whoever reads it without the secret.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from tallystick.core.canonical import canonical_bytes
from tallystick.core.clock import Clock
from tallystick.core.ids import short
from tallystick.core.job.lifecycle import JobState
from tallystick.crypto.codec import digest
from tallystick.node.assignment import Assignment
from tallystick.node.changes import KeptChange, decide_job
from tallystick.node.fingerprint import fingerprint
from tallystick.node.housekeeping import retention_end
from tallystick.node.ports import NodeStorage, Note
from tallystick.node.view_builders import TIME
from tallystick.records.features import PeopleTable

_NUMBERS: Final = digest("records seen")
"""Attempts of one job may read other records as long as no share left: they replace each other."""


def warn_changed(assignment: Assignment, tables: Mapping[str, PeopleTable], storage: NodeStorage, clock: Clock) -> None:
    """Keep what a job's records are, and warn the agency's people where they are not those of the last answer.

    Args:
        assignment: my part of the job.
        tables: the people of my groups, by group.
        storage: where digests, jobs and the log are kept.
        clock: for the log and for which answer was the last.

    Raises:
        Broken: `disk`, `state-corrupt`.
    """
    contract, now = assignment.contract, clock.now()
    job = contract.digest.hex()
    family = _name_reading(assignment)
    mark = fingerprint(*tables.values(), secret=storage.secret(), job=bytes.fromhex(family)).hex()
    name = f"{job}#records"
    kept = [json.loads(one) for one in storage.tables(family, but=name) if one is not None]
    answered = [one for one in kept if (it := storage.job(one["job"])) is not None and JobState(it.state) is JobState.RELEASED]
    entry = canonical_bytes({"job": job, "mark": mark, "read": now.strftime(TIME)})
    storage.keep_table(
        name,
        1,
        family,
        entry,
        numbers=_NUMBERS,
        agreement=contract.agreement.agreement,
        until=retention_end(contract.agreement),
    )
    last = max(answered, key=lambda one: str(one["read"]), default=None)
    if last is None or last["mark"] == mark or storage.job(job) is None:
        return
    datasets = " and ".join(dict.fromkeys(one.people.dataset for one in assignment.groups))
    warning = f"the records of {datasets} that it reads are not those of the last answer, job {short(last['job'])} of {last['read'][:10]}"
    note = Note("records-changed", now, {"warning": warning})
    decide_job(
        storage,
        job,
        lambda kept: None if warning in kept.reasons else KeptChange(replace(kept, reasons=(*kept.reasons, warning)), note),
    )


def _name_reading(assignment: Assignment) -> str:
    """Name what a job reads of this agency: datasets, conditions, columns and identifiers, 64 hexadecimal digits."""
    read = [
        [one.people.dataset, one.people.where or "", sorted(one.people.derive.items()), list(one.used), sorted(one.read)]
        for one in assignment.groups
    ]
    return digest("records that a job reads", json.dumps(read, ensure_ascii=False).encode()).hex()
