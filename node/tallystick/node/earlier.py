"""Earlier results at the desk: those that a job's table is held against, and what their linkage reports say beside its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tallystick.core.contract import Contract
from tallystick.core.decimals import numbers
from tallystick.core.disclosure.families import Names, cohort_of, family_of
from tallystick.core.disclosure.overlap import check_overlap, check_thresholds
from tallystick.core.disclosure.profiles import profile_of
from tallystick.core.linkage.quality.falling import warn_of_matches
from tallystick.core.linkage.quality.silence import find_silent
from tallystick.node.housekeeping import check_remembered
from tallystick.node.ports import NodeStorage


def recall_tables(storage: NodeStorage, contract: Contract) -> list[dict[str, Any]]:
    """Give the tables that a job's is held against, as they were kept; none of a job with noise.

    Raises:
        Refused: `answers-forgotten`; `table-overlaps`: by `check_overlap`, of a job with a gate or by the time since an event, or by
            `check_thresholds`.
    """
    if contract.agreement.disclosure.noise is not None:
        return []
    # it may have had no gate before
    families = {name_family(contract), family_of(contract.job.question, contract.agreement)}
    kept = [
        numbers(json.loads(one))
        for family in sorted(families)
        for one in check_remembered(storage, family, job=contract.digest.hex())
    ]
    if contract.gated or contract.job.question.since is not None:
        held = contract.restriction.jobs if contract.restriction is not None else ()
        check_overlap(contract.job.question, contract.agreement, kept, held=held)
        mine = sorted(meant for _, meant in Names.of(contract.job.question, contract.agreement).by)
        # the tests saw the others
        kept = [one for one in kept if sorted(meant for _, meant in Names.read(one["names"]).by) == mine]
    elif profile_of(contract.agreement.disclosure).hides:
        check_thresholds(contract.job.question, contract.agreement, kept)
    return kept


def find_silent_fields(storage: NodeStorage, contract: Contract, linkage: Mapping[str, Any]) -> list[str]:
    """Give the fields that linked people in earlier results of the family, as they went out, and now link nobody (`silence.py`)."""
    kept = storage.tables(name_family(contract), but=contract.digest.hex())
    return find_silent(linkage, [json.loads(one)["linkage"] for one in kept if one is not None])


def find_falls(storage: NodeStorage, contract: Contract, linkage: Mapping[str, Any]) -> list[str]:
    """Say where nobody matches, or far fewer than in earlier results of the family, as they went out (`falling.py`)."""
    kept = storage.tables(name_family(contract), but=contract.digest.hex())
    return warn_of_matches(linkage, [numbers(json.loads(one))["linkage"] for one in kept if one is not None])


def name_family(contract: Contract) -> str:
    """Give what a job's table has in common with those that it is held against: with a gate, all of the same people."""
    question, agreement = contract.job.question, contract.agreement
    return cohort_of(question, agreement) if contract.gated else family_of(question, agreement)
