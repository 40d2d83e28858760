"""The ledger of a node: what opened, and what did not, of tables whose small cells nobody opens, kept before this agency's share leaves.

A later table of the same people is held against it (`core/disclosure/totals/ledger.py`). What was sealed counts from then on, but for jobs
that ended here without a result. Where two nodes count other jobs, as of two that run side by side, their tests differ and the later job
fails; the desk, which keeps what it opened, opens no table that the tests were not held against.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from tallystick.core.canonical import canonical_bytes
from tallystick.core.contract import Contract
from tallystick.core.disclosure.families import ledger_of
from tallystick.core.disclosure.totals.ledger import NamedPlan, describe_pattern
from tallystick.core.job.lifecycle import JobState
from tallystick.crypto.codec import digest
from tallystick.crypto.statistic.gate import Fate
from tallystick.node.housekeeping import check_remembered, retention_end
from tallystick.node.ports import NodeStorage
from tallystick.node.store import Store

ENDED: Final = frozenset({JobState.REFUSED, JobState.CANCELLED, JobState.FAILED, JobState.EXPIRED})
"""States of jobs that gave no result."""


def keep_pattern(storage: NodeStorage, contract: Contract, attempt: int, fates: Sequence[Fate]) -> None:
    """Keep what opens in an attempt of a job with a gate.

    Raises:
        Broken: `attempts-differ`: something else opened in another attempt; `disk`.
    """
    named = NamedPlan(contract.plan, contract.job.question, contract.agreement)
    entry = describe_pattern(named, job=contract.digest.hex(), linkage=contract.job.linkage, fates=fates)
    storage.keep_table(
        _name(contract),
        attempt,
        ledger_of(contract.job.question, contract.agreement),
        canonical_bytes(entry),
        numbers=digest("kept pattern", bytes(fates)),
        agreement=contract.agreement.agreement,
        until=retention_end(contract.agreement),
    )


def recall_patterns(storage: NodeStorage, contract: Contract) -> tuple[dict[str, Any], ...]:
    """Give what was kept of earlier tables of a job's people; nothing of a job without a gate, or by the time since an event.

    Rows of periods count other people than those of a table by columns: the desk opens no two that ask otherwise.

    Raises:
        Refused: `answers-forgotten`.
    """
    if not contract.gated or contract.job.question.since is not None:
        return ()
    family = ledger_of(contract.job.question, contract.agreement)
    entries = [json.loads(one) for one in check_remembered(storage, family, job=_name(contract))]
    records = [(entry, storage.job(entry["job"])) for entry in entries]
    return tuple(entry for entry, record in records if record is None or JobState(record.state) not in ENDED)


def _name(contract: Contract) -> str:
    """Give the name under which a job's pattern is kept, beside the table of its result."""
    return f"{contract.digest.hex()}#pattern"


async def hold_against_earlier(store: Store, contract: Contract) -> Contract:
    """Give a job with what is kept of earlier tables of its people.

    Raises:
        Refused: `table-overlaps`, `answers-forgotten`.
    """
    earlier = await store.run(lambda storage: recall_patterns(storage, contract))
    held = replace(contract, earlier=earlier)
    await asyncio.to_thread(lambda: held.restriction)
    return held
