"""What a job waits for, read off what is there: pure functions over its rows.

The order of rounds is docs/protocol.md §4's; a party is waited for only when it has everything that it needs.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from tallystick.coordinator.contract import Contract
from tallystick.coordinator.records import FOREVER, Deposit, JobRecord
from tallystick.core.documents import decoded
from tallystick.core.job.approval import Approval, required
from tallystick.core.job.lifecycle import JobState, Phase
from tallystick.crypto.machine import Ref
from tallystick.crypto.statistic import messages as kinds
from tallystick.crypto.statistic.messages import COORDINATOR

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
    if state != JobState.RUNNING:
        return None
    if all(ref in complete for ref in contract.slots):
        return Phase.COMPUTE
    if all(ref in complete for ref in contract.tags):
        return Phase.MATCH
    return Phase.TAG if any(ref.kind in {kinds.POINTS, kinds.TAGS} for ref in complete) else Phase.DERIVE


def silent(contract: Contract, record: JobRecord, deposits: Sequence[Deposit], complete: Collection[Ref]) -> tuple[Silent, ...]:
    """Give who is waited for now."""
    match JobState(record.state):
        case JobState.SUBMITTED | JobState.APPROVING:
            return _approvals(contract, deposits)
        case JobState.RUNNING:
            met = {d.party for d in deposits if d.kind == HELLO and d.attempt == record.attempt}
            missing = tuple(Silent(party, HELLO) for party in contract.participants if party not in met)
            return missing or _rounds(contract, frozenset(complete))
        case JobState.RELEASING:
            return () if contract.release in complete else (Silent(contract.desk, kinds.RELEASE),)
        case _:
            return ()


def _approvals(contract: Contract, deposits: Sequence[Deposit]) -> tuple[Silent, ...]:
    given = {d.party for d in deposits if d.kind == APPROVAL and d.attempt == FOREVER and _says_yes(d)}
    need = required(contract.job, contract.agreement)
    waited = [name for name in (*need.agencies, *need.approvers) if name not in given]
    for _, count, stewards in need.stewards:
        if len(given.intersection(stewards)) < count:
            waited += [name for name in stewards if name not in given]
    return tuple(Silent(name, APPROVAL) for name in waited)


def _says_yes(deposit: Deposit) -> bool:
    return decoded(deposit.document, kind="approval").read(Approval).decision == "approve"


def _rounds(contract: Contract, complete: frozenset[Ref]) -> tuple[Silent, ...]:
    if not all(ref in complete for ref in contract.tags):
        waited = _before_matching(contract, complete)
    elif not all(ref in complete for ref in contract.slots):
        return (Silent(COORDINATOR, kinds.SLOTS),)
    else:
        waited = _before_sealing(contract, complete)
    return tuple(Silent(ref.sender, ref.round) for ref in waited)


def _before_matching(contract: Contract, complete: frozenset[Ref]) -> list[Ref]:
    """Seeds first; then each list waits at one hop of its ring; corrections wait for nothing but the seeds."""
    pairs = [(a, b) for a in contract.agencies for b in contract.agencies if a != b]
    seeds = [ref for a, b in pairs if (ref := Ref(kinds.SEED, a, b)) not in complete]
    if seeds:
        return seeds
    waited = []
    for owner in contract.agencies:
        ring = contract.ring(owner)
        hops = [Ref(kinds.POINTS, a, b, owner) for a, b in zip((owner, *ring), ring, strict=False)]
        hops.append(Ref(kinds.TAGS, ring[-1], COORDINATOR, owner))
        waited += [hop for hop in hops if hop not in complete][:1]
    return waited + [ref for ref in contract.tags if ref.kind == kinds.CORRECTION and ref not in complete]


def _before_sealing(contract: Contract, complete: frozenset[Ref]) -> list[Ref]:
    """Columns, then products, then the audit of the links; beside them the desk's key; then the shares."""
    encryptor, multiplier = contract.computing
    waited = [Ref(kinds.COLUMNS, encryptor, multiplier), Ref(kinds.PRODUCTS, multiplier, encryptor)]
    waited = [ref for ref in waited if ref not in complete][:1]
    waited = waited or [ref for ref in contract.audits if ref not in complete]
    others = [agency for agency in contract.agencies if agency != contract.desk]
    waited += [ref for agency in others if (ref := Ref(kinds.RECIPIENT, contract.desk, agency)) not in complete]
    return waited or [ref for ref in contract.shares if ref not in complete]
