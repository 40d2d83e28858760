"""The ledger of cohorts: which of this agency's people each job selects, kept before anything of the job leaves, and held against earlier jobs.

Rules that this file enforces:

1. A job is kept, then compared with all others over the same people: of two jobs that begin side by side each sees the other.
2. It is kept once, whatever attempt: once a share left, another attempt is over the same records (`pin_table`).
3. A job that is refused here is forgotten at once: nothing of it left. Any other counts, and is charged, also if it fails later.
4. Kept under an agreement that says so, or that has a budget, and until when the tables of results are (`housekeeping.py`). What was
   forgotten is compared with nothing.

Security: people are kept as digests of their keys under the node's secret. A refusal says the same of people who differ by few and by none.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tallystick.core.contract import Contract
from tallystick.core.disclosure.cohorts import Selection, draw_prime, find_close, list_selections
from tallystick.core.disclosure.profiles import profile_of
from tallystick.core.errors import Refused
from tallystick.crypto.codec import derive, digest
from tallystick.node.assignment import Assignment
from tallystick.node.housekeeping import retention_end
from tallystick.node.ports import NodeStorage

_NAME_BYTES: Final = 8
Strings = npt.NDArray[np.object_]


def has_ledger(contract: Contract) -> bool:
    """Tell whether whom a job selects is kept."""
    disclosure = contract.agreement.disclosure
    return bool(disclosure.cohorts) or disclosure.budget is not None


def least_selected(contract: Contract) -> int:
    """Give the fewest people that a group may have: with fewer, none included, the answer is the same, so that it does not tell 0 from few."""
    profile = profile_of(contract.agreement.disclosure)
    return profile.min_cell if contract.agreement.disclosure.cohorts and profile.hides else 0


def enter_cohort(storage: NodeStorage, assignment: Assignment, keys: Mapping[str, Strings]) -> None:
    """Keep whom a job selects here, and hold it against earlier jobs (rule 1).

    Args:
        storage: the node's.
        assignment: my part of a job whose agreement has a ledger.
        keys: of each of my groups, its people's keys.

    Raises:
        Refused: `cohort-too-close`, `budget-spent`.
        Broken: `disk`.
    """
    contract = assignment.contract
    job, terms = contract.digest.hex(), contract.agreement
    scope, secret = _name_people(assignment), storage.secret()
    name_key = derive(secret, "cohort", scope.encode())
    members = {group: _name_keys(some, name_key) for group, some in keys.items()}
    selections = list_selections(contract.job.question, terms, members)
    mine = _Entry(job, (terms.agreement, terms.version), len(contract.plan.cells), selections)
    kept_as, family = f"{job}#cohort", digest("cohorts", scope.encode()).hex()
    storage.keep_table(
        kept_as,
        0,
        family,
        mine.encode(),
        numbers=digest("kept cohort", contract.digest),
        agreement=terms.agreement,
        until=retention_end(terms),
    )
    earlier = [_Entry.read(one) for one in storage.tables(family, but=kept_as) if one is not None]
    try:
        _check_budget(mine, earlier, terms.disclosure.budget)
        _check_close(mine, earlier, contract, draw_prime(derive(secret, "cohort prime", scope.encode())))
    except Refused:
        storage.forget_table(kept_as)
        raise


@dataclass(frozen=True)
class _Entry:
    """What is kept of a job.

    Attributes:
        job: its digest.
        under: name and version of its agreement.
        cells: how many it computes.
        selections: of this agency.
    """

    job: str
    under: tuple[str, int]
    cells: int
    selections: Sequence[Selection]

    def encode(self) -> bytes:
        """Give it for storage: a line of JSON, and the numbers of each selection after it."""
        plain = [bool(np.all(one.weights == 1)) for one in self.selections]
        head = {
            "job": self.job,
            "under": list(self.under),
            "cells": self.cells,
            "selections": [[one.name, len(one.people), all_ones] for one, all_ones in zip(self.selections, plain, strict=True)],
        }
        parts = [json.dumps(head).encode() + b"\n"]
        for one, all_ones in zip(self.selections, plain, strict=True):
            parts += [one.people.astype("<u8").tobytes(), b"" if all_ones else one.weights.astype("<i8").tobytes()]
        return b"".join(parts)

    @classmethod
    def read(cls, data: bytes) -> _Entry:
        """Give what `encode` gave."""
        line, _, numbers = data.partition(b"\n")
        head: dict[str, Any] = json.loads(line)
        selections, at = [], 0
        for name, count, all_ones in head["selections"]:
            people = np.frombuffer(numbers, dtype="<u8", count=count, offset=at).astype(np.uint64)
            at += 8 * count
            weights = np.ones(count, dtype=np.int64)
            if not all_ones:
                weights = np.frombuffer(numbers, dtype="<i8", count=count, offset=at).astype(np.int64)
                at += 8 * count
            selections.append(Selection(name, people, weights))
        return cls(head["job"], (head["under"][0], head["under"][1]), head["cells"], tuple(selections))


def _name_people(assignment: Assignment) -> str:
    """Name whose keys are the same people's: those of a dataset, or of all datasets that share their keys."""
    datasets = {one.people.dataset for one in assignment.groups}
    shared = {assignment.contract.agreement.dataset_of(name).keys for name in datasets}
    (keys, *_) = shared
    return f"keys {keys}" if keys is not None else f"dataset {min(datasets)}"


def _name_keys(keys: Strings, key: bytes) -> npt.NDArray[np.uint64]:
    """Give keyed digests of people's keys, ascending, each once."""
    names = b"".join(hashlib.blake2b(str(one).encode(), digest_size=_NAME_BYTES, key=key).digest() for one in keys)
    return np.unique(np.frombuffer(names, dtype="<u8").astype(np.uint64))


def _check_budget(mine: _Entry, earlier: Sequence[_Entry], budget: int | None) -> None:
    """Check that a job's cells are within what its agreement's version allows.

    Raises:
        Refused: `budget-spent`.
    """
    if budget is None:
        return
    left = budget - sum(one.cells for one in earlier if one.under == mine.under)
    if mine.cells > left:
        raise Refused(
            "budget-spent",
            f"the job computes {mine.cells} cells, and of the {budget} that the agreement allows over the dataset {max(left, 0)} are left",
            hint="ask by fewer columns or measures, or let the parties sign a new version of the agreement",
        )


def _check_close(mine: _Entry, earlier: Sequence[_Entry], contract: Contract, prime: int) -> None:
    """Check that whom a job selects isolates nobody beside earlier jobs.

    Raises:
        Refused: `cohort-too-close`.
    """
    least = least_selected(contract)
    if not least:
        return
    known = [selection for one in earlier for selection in one.selections]
    if find_close(mine.selections, known, least=least, prime=prime) is not None:
        raise Refused(
            "cohort-too-close",
            f"the people of this job, here, differ by fewer than {least} from those of earlier jobs, "
            "or from what follows from several of them",
            hint=f"select people as an earlier job did, word for word, or such as differ by {least} or more; "
            "to compare parts of one group ask one table by the column that parts them",
        )
