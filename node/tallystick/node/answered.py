"""The ledger of questions: whose people a job of two or more agencies counts, kept before anything of it leaves, for direct results' sake.

A desk holds a table against earlier ones after it opened both. A direct result is opened by its analyst, so what a desk would find by
comparing is refused before anything leaves: two tables of the same people may differ by few of them (records that changed, links by another
ladder, or links by chance). Rules that this file enforces:

1. Of the people that a direct job counts no other table goes out: neither before it nor after it, by whatever columns, ladder or agreement.
2. A job that ended without a result does not count, unless this agency, as its desk, handed it on: whatever the coordinator says of it.
3. A job is held against the others and kept in one transaction: of two that begin side by side the second is refused.
4. Nothing is kept of a job with noise, whose numbers are bounded by the agreement's budget, however often they are asked for; nor under rules
   that hide nothing.

Security: an entry names a question by a digest; it holds nothing of the records.
"""

from __future__ import annotations

import json

from tallystick.core.canonical import canonical_bytes
from tallystick.core.contract import Contract
from tallystick.core.disclosure.families import name_people
from tallystick.core.disclosure.profiles import profile_of
from tallystick.core.errors import Refused
from tallystick.core.job.lifecycle import JobState
from tallystick.crypto.codec import digest
from tallystick.node.housekeeping import check_remembered, retention_end
from tallystick.node.ledger import ENDED
from tallystick.node.ports import NodeStorage


def enter_question(storage: NodeStorage, contract: Contract) -> None:
    """Hold a job against the earlier ones of the same people, and keep whose people it counts.

    Raises:
        Refused: `asked-before`; `answers-forgotten`.
        Broken: `disk`.
    """
    hides = profile_of(contract.agreement.disclosure).hides
    if contract.plan.noise or not hides or len(contract.agencies) == 1:
        return
    job, family = contract.digest.hex(), _name_family(contract)
    kept_as = f"{job}#question"
    for entry in map(json.loads, check_remembered(storage, family, job=kept_as)):
        if (contract.direct or entry["direct"]) and _counts(storage, entry["job"]):
            raise Refused(
                "asked-before",
                f"the people of this job were counted before, by job {entry['job'][:12]}, and one of the two results is direct",
                hint="ask one table by all columns at once; to ask again of the same people let the agreement release by the desk",
            )
    storage.keep_table(
        kept_as,
        0,
        family,
        canonical_bytes({"job": job, "direct": contract.direct}),
        numbers=digest("kept question", contract.digest),
        agreement=contract.agreement.agreement,
        until=retention_end(contract.agreement),
    )


def _name_family(contract: Contract) -> str:
    return digest("questions", name_people(contract.job.question, contract.agreement).encode()).hex()


def _counts(storage: NodeStorage, job: str) -> bool:
    """Tell whether something of an earlier job may be known (rule 2)."""
    record = storage.job(job)
    return record is None or JobState(record.state) not in ENDED or storage.opening(job) is not None
