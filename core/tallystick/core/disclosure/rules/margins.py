"""Totals of a table: which of them a result shows beside its rows, where a job asks for some (`totals`).

A total whose rows all show their counts says nothing new, and is shown. Of the tested kind (`totals: rows` or `columns`) one with hidden rows
is shown, too, if they are loose: whatever is shown, each hidden small count among them can still be any small number. For that the rule of
small cells hides a second row of each total that has a small one (`small_cells.py`). Either all tested totals with hidden rows are shown or
none, and none where

- the linkage report withholds the number that all rows add up to, or a group of it, since totals would say it;
- rows also say who is in which group, or more than two groups are counted: sums of such rows follow from people and matches;
- an earlier result of the same people is compared with, which may show a row that is hidden here.

With a gate the totals that opened are shown: the agencies decided on shares.

Measures of a total are not worked out. What has an own number for them is a job by fewer columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, cast

from tallystick.core.disclosure.closed import ClosedCells
from tallystick.core.disclosure.rule import Context, DisclosureProfile, Draft
from tallystick.core.moments import Count
from tallystick.core.statistics.keys import InMargin, Key
from tallystick.core.statistics.margins import Margin
from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.table import Row, numbers

BY_SMALL_CELLS: Final = frozenset({"small-cell", "complementary"})


@dataclass(frozen=True)
class Margins:
    """The rule."""

    order: ClassVar[int] = 110

    def apply(self, draft: Draft, context: Context) -> Draft:
        """Give the totals of the table as it goes out; after every rule that hides rows."""
        plan = context.plan
        if not plan.margins:
            return draft
        values = numbers(plan, context.opened)
        counts = [values[Key(InMargin(index), Count())] for index in range(len(plan.margins))]
        if context.hidden is not None:
            closed = ClosedCells(plan, context.hidden).keys
            shown = [Key(InMargin(index), Count()) not in closed for index in range(len(counts))]
        else:
            shown = _list_shown(draft, context, counts)
        totals = tuple(
            _write(plan, margin, count if show else None)
            for margin, count, show in zip(plan.margins, counts, shown, strict=True)
        )
        return replace(draft, totals=totals)


RULE: Final = Margins()


def is_loose(counts: Sequence[int], profile: DisclosureProfile) -> bool:
    """Tell whether hidden counts, of which the sum is known, can each be any small number, also for who knows the rules.

    Args:
        counts: of the hidden rows, small ones and others.
        profile: the rules.
    """
    least, small = 0 if profile.zeros_disclosive else 1, [profile.is_small(count) for count in counts]
    if not any(small):
        return True
    slack = profile.min_cell - least
    over = sum(count - (least if few else profile.min_cell) for count, few in zip(counts, small, strict=True))
    under = sum(profile.min_cell - 1 - count for count in counts)
    return over >= slack and (not all(small) or under >= slack)


def _list_shown(draft: Draft, context: Context, counts: Sequence[int]) -> list[bool]:
    """Tell of each total whether it is shown, where the desk opened all rows."""
    plan, profile = context.plan, context.profile
    at = {tuple(row[name] for name in plan.by): index for index, row in enumerate(context.rows)}
    inside = [[at[plan.rows[row]] for row in sorted(one.rows) if plan.rows[row] in at] for one in plan.margins]
    hidden = [[index for index in rows if draft.rows[index]["count"] is None] for rows in inside]
    if not profile.hides:
        return [True] * len(counts)
    tested = [index for index, one in enumerate(plan.margins) if one.side == plan.tested and hidden[index]]
    open_all = _may_open(draft, context) and all(
        not profile.is_small(counts[index])
        and all(draft.rows[row]["suppressed"] in BY_SMALL_CELLS for row in hidden[index])
        and is_loose([cast("int", context.rows[row]["count"]) for row in hidden[index]], profile)
        for index in tested
    )
    shown = [not rows or (open_all and index in tested) for index, rows in enumerate(hidden)]
    whole = len(plan.margins) - 1
    return [*shown[:whole], shown[whole] or (open_all and bool(tested))]


def _may_open(draft: Draft, context: Context) -> bool:
    """Tell whether totals with hidden rows may be shown at all."""
    plan, linkage = context.plan, draft.linkage
    if context.earlier or plan.presences or plan.population.shape == "other":
        return False
    if plan.population.shape == "both":
        whole: Any = linkage["matched"]
    else:
        whole = linkage["people"][plan.population.first]
    groups: Sequence[Mapping[str, Any]] = (linkage.get("rates") or {}).get("groups") or ()
    return whole is not None and all(one.get("people") is not None and one.get("matched") is not None for one in groups)


def _write(plan: Plan, margin: Margin, count: int | None) -> Row:
    """Give a total as a result has it: levels, which columns are summed over, and how many people."""
    levels = dict(zip(plan.by, margin.levels, strict=True))
    return {**levels, "over": list(margin.over), "count": count}
