"""From opened cells to the table that may go out: the rules of a job's agreement, folded over what opened.

The desk does it with the coordinator's part of the linkage report and with earlier results; the analyst of a direct job does it with neither,
and whoever verifies a direct result does it once more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tallystick.core.contract import Contract
from tallystick.core.disclosure.closed import ClosedCells, close_rows
from tallystick.core.disclosure.noised import release_noisy
from tallystick.core.disclosure.profiles import profile_of
from tallystick.core.disclosure.rule import Context, Draft, fold_rules
from tallystick.core.linkage.quality.report import LinkageCounts
from tallystick.core.overall import WholeTable, work_out_overall
from tallystick.core.statistics.consistency import check_consistent
from tallystick.core.statistics.table import Moments, linkage_numbers, list_rows, row_moments, table
from tallystick.crypto.statistic.gate import Fate


@dataclass(frozen=True)
class OpenedCells:
    """What opened of a job.

    Attributes:
        values: the signed integer of each cell, in the plan's order; of one that did not open it is 0 and says nothing.
        hidden: the cells that did not open; none in a job without a gate.
    """

    values: Sequence[int] = field(repr=False)
    hidden: Mapping[int, Fate] = field(repr=False)


def draft_release(
    contract: Contract, opened: OpenedCells, part: LinkageCounts, earlier: Sequence[Mapping[str, Any]]
) -> tuple[Draft, Sequence[Moments]]:
    """Give the candidate of a job without noise after every rule, not rounded, and the numbers of each of its rows.

    Args:
        contract: the job's.
        opened: its cells.
        part: the coordinator's part of the linkage report; an empty one where there is none.
        earlier: tables of the same family as they went out, in this question's names.

    Raises:
        Broken: `cells-contradict`: the cells cannot all be true.
    """
    plan, profile = contract.plan, profile_of(contract.agreement.disclosure)
    check_consistent(plan, opened.values, opened.hidden)
    moments = row_moments(plan, opened.values)
    closed = ClosedCells(plan, opened.hidden) if contract.gated else None
    keep_empty = profile.zeros_disclosive
    if closed is None:
        shown, rows = list_rows(plan, moments, keep_empty=keep_empty), table(plan, opened.values, keep_empty=keep_empty)
        linkage = linkage_numbers(plan, opened.values)
    else:
        shown, rows = close_rows(closed, opened.values, keep_empty=keep_empty)
        linkage = closed.linkage(opened.values)
    context = Context(
        plan,
        profile,
        opened.values,
        rows,
        [moments[index] for index in shown],
        part,
        contract.agreement.decoys,
        len(contract.passes.exact),
        earlier,
        None if closed is None else closed.hidden,
    )
    return fold_rules(Draft(tuple(context.rows), linkage), context), context.moments


def draft_noisy(contract: Contract, opened: OpenedCells) -> Draft:
    """Give the candidate of a job with noise. Pre-condition: its agreement says so."""
    disclosure = contract.agreement.disclosure
    assert disclosure.noise is not None
    passes = len(contract.passes.told)
    loss = {"epsilon": float(disclosure.noise.of_job), "budget": float(disclosure.noise.of_all), "passes": passes}
    return release_noisy(contract.plan, opened.values, profile_of(disclosure), loss)


def tell_overall(contract: Contract, made: Draft) -> dict[str, Any]:
    """Give what a result says under `overall`: the statistics of the whole table that a job asks for, from the rows that go out."""
    question = contract.job.question
    if not question.overall:
        return {}
    table = WholeTable(question.by, contract.plan.asked, made.rows)
    return {"overall": work_out_overall([one.asked for one in question.overall], table)}


def draft_direct(contract: Contract, opened: OpenedCells) -> Draft:
    """Give what a direct job's analyst reads: nothing that opened is hidden or rounded afterwards (`core/job/release.py`).

    Raises:
        Broken: `cells-contradict`.
    """
    if contract.plan.noise:
        return draft_noisy(contract, opened)
    return draft_release(contract, opened, LinkageCounts((), None), ())[0]
