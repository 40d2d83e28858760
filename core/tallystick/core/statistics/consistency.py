"""Whether opened cells can be counts of people at all: what honest agencies seal always adds up, whatever their records are.

A cell is a sum of the agencies' shares, so an agency that seals another number than its own changes it unseen. Most such lies only
make a wrong result, which nothing here prevents. One that cannot be true of any two lists is found before the cells are used:

1. No count is negative; in a list, people >= usable people >= people with a token at any one pass, and matches are at most the usable
   people of either list.
2. People of one list who share a token at a pass are pairs of those who have one.
3. In a group matches are at most people; the groups add up to the left list's people and to the matches.
4. The rows of a group add up to its matches in an inner join, to its people in a left join, where those with any level of the right
   side are at most its matches.
5. Of a row's people no more have a value than there are, and these add up to no more than the column's declared bounds allow.

Security: that a job fails tells every party that a rule is broken, and which; no number, level or row is told. An agency that seals a
false number on purpose so learns whether what the others sealed bounds it: a few bits a job, which all parties must approve and will see
failing. Who sealed it cannot be told from the sums.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import comb
from typing import cast

from tallystick.core.errors import Broken
from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.table import GroupCount, group_counts, linkage_numbers, list_counts, values_by_row


def check_consistent(plan: Plan, opened: Sequence[int]) -> None:
    """Check that opened cells do not contradict each other.

    Args:
        plan: the job's.
        opened: the signed integer of each cell, in the plan's order.

    Raises:
        Broken: `cells-contradict`: names the first rule that they break; `internal`: another number of cells than the plan has.
    """
    for what in _contradictions(plan, opened):
        raise Broken(
            "cells-contradict",
            f"the agencies' sealed numbers contradict each other: {what}",
            hint="the agencies compare their nodes' software and logs; the sums do not say who is at fault",
        )


def _contradictions(plan: Plan, opened: Sequence[int]) -> Iterator[str]:
    """Give what is broken, in words without data."""
    totals = linkage_numbers(plan, opened)
    people, usable = cast("dict[str, int]", totals["people"]), cast("dict[str, int]", totals["usable"])
    matched = cast("int", totals["matched"])
    if matched < 0:
        yield "fewer than no matches"
    for group in (plan.left, plan.right):
        if not 0 <= usable[group] <= people[group]:
            yield f"usable people of {group} beside all people of it"
        if matched > usable[group]:
            yield f"more matches than usable people of {group}"
    yield from _of_lists(plan, opened, usable)
    everyone = GroupCount((), people[plan.left], matched)
    groups = group_counts(plan, opened)
    for one in groups:
        if not 0 <= one.matched <= one.people:
            yield f"matches of a group of {plan.left} beside its people"
    if groups and sum(one.people for one in groups) != everyone.people:
        yield f"groups of {plan.left} that do not add up to its people"
    if groups and sum(one.matched for one in groups) != everyone.matched:
        yield f"groups of {plan.left} that do not add up to the matches"
    yield from _of_rows(plan, opened, groups or [everyone])


def _of_lists(plan: Plan, opened: Sequence[int], usable: dict[str, int]) -> Iterator[str]:
    """Hold what each list says of itself by pass against its people."""
    tokens, alike, doubtful = (list_counts(plan, opened, what) for what in ("tokens", "alike", "doubtful"))
    for group in (plan.left, plan.right):
        for name, held, certain, more in zip(plan.passes, tokens[group], alike[group], doubtful[group], strict=True):
            if not 0 <= held <= usable[group]:
                yield f"people of {group} with a token of {name} beside its usable people"
            elif min(certain, more) < 0 or certain + more > comb(held, 2):
                yield f"pairs of {group} who share a token of {name} beside those who have one"


def _of_rows(plan: Plan, opened: Sequence[int], groups: Sequence[GroupCount]) -> Iterator[str]:
    """Hold the table's rows against their groups, and what is measured in a row against its count."""
    cells = values_by_row(plan, opened)
    bounds = {cell.label: cell.bound for cell in plan.cells if cell.row >= 0}
    by_left = [at for at, name in enumerate(plan.by) if name in plan.group_by]
    by_right = [at for at, name in enumerate(plan.by) if name.split(".", 1)[0] == plan.right]
    sums: defaultdict[tuple[object, ...], int] = defaultdict(int)
    fronts: defaultdict[tuple[object, ...], int] = defaultdict(int)
    for index, levels in enumerate(plan.rows):
        values = {label: value for label, (value, _) in cells[index].items()}
        count = values["count"]
        if count < 0:
            yield "a row of the table with fewer than no people"
        for label in [label for label in values if label.startswith("sum(")]:
            column = label[4:-1]
            present = values[f"count({column})"]
            if not 0 <= present <= count:
                yield f"values of {column} in a row beside its people"
            elif abs(values[label]) > bounds[label] * present:
                yield f"a sum of {column} beyond its declared bounds"
        key = tuple(levels[at] for at in by_left)
        sums[key] += count
        if any(levels[at] is not None for at in by_right):
            fronts[key] += count
    inner = not any(cell.own for cell in plan.cells if cell.label == "count")
    total = "matches" if inner else f"people of {plan.left}"
    for group in groups:
        if sums[group.levels] != (group.matched if inner else group.people):
            yield f"rows of the table that do not add up to the {total}"
        elif fronts[group.levels] > group.matched:
            yield f"more people with a level of {plan.right} than matches"
