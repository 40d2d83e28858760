"""What a job waits for, read off what is there: pure functions over its rows.

Which message comes after which says the table of rounds (`crypto/statistic/rounds.py`); a party is waited for only when it has
everything that it needs.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tallystick.coordinator.records import FOREVER, Deposit, JobRecord
from tallystick.core.agreement.model import moment
from tallystick.core.contract import Contract
from tallystick.core.documents import decode_document
from tallystick.core.job.approval import Approval, find_required
from tallystick.core.job.lifecycle import JobState, Phase
from tallystick.crypto.machine import Ref

APPROVAL: Final = "approval"
HELLO: Final = "hello"


@dataclass(frozen=True)
class Silent:
    """A party that is waited for, and what for: `approval`, `hello`, or a round."""

    party: str
    for_what: str


def phase_of(contract: Contract, state: JobState, complete: Collection[Ref]) -> Phase | None:
    """Give what a job is doing, from the messages of its attempt that are complete; None unless it runs or releases.

    Place of the encrypted small-cell test (docs/protocol.md §8): between `compute` and the sealing of shares. Until it is there, `check`
    is the desk's: it opens the candidate, hides small cells, and its people look.
    """
    if state == JobState.RELEASING:
        return Phase.RELEASE if contract.release in complete else Phase.CHECK
    return Phase(contract.schedule.phase(complete)) if state == JobState.RUNNING else None


def silent(
    contract: Contract,
    record: JobRecord,
    deposits: Sequence[Deposit],
    complete: Collection[Ref],
    now: datetime | None = None,
) -> tuple[Silent, ...]:
    """Give who is waited for; with `now`, whose approval has expired too."""
    match JobState(record.state):
        case JobState.SUBMITTED | JobState.APPROVING:
            return _approvals(contract, deposits, now)
        case JobState.RUNNING:
            met = {d.party for d in deposits if d.kind == HELLO and d.attempt == record.attempt}
            missing = tuple(Silent(party, HELLO) for party in contract.participants if party not in met)
            waited = missing or (Silent(ref.sender, ref.round) for ref in contract.schedule.silent(complete))
            return tuple(dict.fromkeys(waited))
        case JobState.RELEASING:
            return () if contract.release in complete else (Silent(contract.release.sender, contract.release.round),)
        case _:
            return ()


def _approvals(contract: Contract, deposits: Sequence[Deposit], now: datetime | None) -> tuple[Silent, ...]:
    given = {d.party for d in deposits if d.kind == APPROVAL and d.attempt == FOREVER and _says_yes(d, now)}
    need = find_required(contract.job, contract.agreement)
    waited = [name for name in (*need.agencies, *need.approvers) if name not in given]
    for _, count, stewards in need.stewards:
        if len(given.intersection(stewards)) < count:
            waited += [name for name in stewards if name not in given]
    return tuple(Silent(name, APPROVAL) for name in waited)


def _says_yes(deposit: Deposit, now: datetime | None) -> bool:
    approval = decode_document(deposit.document, kind="approval").read(Approval)
    return approval.decision == "approve" and (now is None or now < moment(approval.expires))
