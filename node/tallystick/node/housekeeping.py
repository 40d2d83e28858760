"""What a node forgets by itself: old requests for clients' fields, and the tables of earlier results that nothing can be held against.

Requests are forgotten after the days that the local policy says (`node/disclosures.py`, rules 5 and 6). Of tables: the desk keeps what
each result showed, and the exact counts that its measures tell, to hold later ones against it
(`core/disclosure/rules/differences.py`). Rules that this file enforces:

1. A table is kept as long as another answer of its family may be given, and as long again as somebody may hold the one it is of:
   until the agreement's end (`valid_until`) and `retention_days` after it, of whichever version of the agreement that has been in
   force here lies latest. Versions may be renewed after a gap; within these days nothing is lost.
2. Not while a job under the agreement has not ended at this node.
3. What is forgotten is the numbers. That there was a result of the family stays, and a question of the family is refused from then on
   (`answers-forgotten`): who holds the earlier answer, whatever was promised, could subtract it from a new one that nothing was held
   against. So at no time is an answer given while an earlier one of its family went out that it was not held against.
4. It is in the log before it is done.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from tallystick.core.agreement.model import Agreement, moment
from tallystick.core.documents import decode_document
from tallystick.core.errors import Refused
from tallystick.core.job.model import Job
from tallystick.node.policy.model import Policy
from tallystick.node.ports import NodeStorage


def retention_end(agreement: Agreement) -> datetime:
    """Give until when what results under an agreement showed is kept (rule 1)."""
    try:
        return moment(agreement.valid_until) + timedelta(days=agreement.retention_days)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def forget_tables(storage: NodeStorage, agreements: Iterable[Agreement], now: datetime) -> int:
    """Forget the tables whose time is over; give how many.

    Args:
        storage: the node's.
        agreements: those in force here; tables under them are kept as long as they ask for.
        now: the moment.

    Raises:
        Broken: `disk`, `state-corrupt`.
    """
    for agreement in agreements:
        storage.extend_tables(agreement.agreement, retention_end(agreement))
    unended = [storage.job(job) for job in storage.list_unended()]
    busy = {decode_document(kept.document, kind="job").read(Job).agreement.agreement for kept in unended if kept is not None}
    due = [job for job, agreement in storage.tables_due(now) if agreement not in busy]
    for job in due:
        storage.log("table-forgotten", now, job)
        storage.forget_table(job)
    return len(due)


def forget_requests(storage: NodeStorage, policy: Policy, now: datetime) -> int:
    """Forget the requests for clients' fields that the policy does not have kept any longer; give how many.

    Args:
        storage: the node's.
        policy: the local one; nothing is forgotten, and nothing noted, where it does not say how long requests are kept.
        now: the moment.

    Raises:
        Broken: `disk`, `state-corrupt`.
    """
    kept = policy.keep_requests
    if kept is None:
        return 0
    return storage.forget_requests(now - timedelta(days=kept.given_days), now - timedelta(days=kept.nothing_days), now)


def check_remembered(storage: NodeStorage, family: str, *, job: str) -> list[bytes]:
    """Give what earlier results of a family showed (rule 3).

    Raises:
        Refused: `answers-forgotten`: one of them is not kept any more.
    """
    tables = storage.tables(family, but=job)
    kept = [table for table in tables if table is not None]
    if len(kept) < len(tables):
        raise Refused(
            "answers-forgotten",
            "earlier answers of this question were deleted when their time was over, so a new one cannot be held against them",
            hint="ask by other columns, or about other people",
        )
    return kept
