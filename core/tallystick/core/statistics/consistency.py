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
6. Of n people whose values are whole numbers x from a to b: (Σx)² <= n·Σx² (Cauchy and Schwarz), |Σx| <= Σx², and, since
   (x - a)·(b - x) >= 0, Σx² <= (a + b)·Σx - n·a·b. Decimals are whole numbers of their last digit.

Security: that a job fails tells every party that a rule is broken, and which; no number, level or row is told. An agency that seals a
false number on purpose so learns whether what the others sealed bounds it: a few bits a job, which all parties must approve and will see
failing. Who sealed it cannot be told from the sums.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import comb
from typing import Final, Literal

from tallystick.core.errors import Broken
from tallystick.core.linkage.quality.sharing import ListNumber
from tallystick.core.moments import Count, Present, Sum
from tallystick.core.statistics.keys import GroupPeople, InReport, Key, Matched, Number, OfList, Usable
from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.table import GroupCount, Moments, group_counts, numbers, row_moments

_OF_LIST: Final[tuple[Literal["tokens", "alike", "doubtful"], ...]] = ("tokens", "alike", "doubtful")


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
    values = numbers(plan, opened)

    def of_report(number: Number) -> int:
        return values[Key(InReport(), number)]

    matched = of_report(Matched())
    if matched < 0:
        yield "fewer than no matches"
    for group in (plan.left, plan.right):
        people, usable = of_report(GroupPeople(group)), of_report(Usable(group))
        if not 0 <= usable <= people:
            yield f"usable people of {group} beside all people of it"
        if matched > usable:
            yield f"more matches than usable people of {group}"
        for name in plan.passes:
            held, certain, more = (of_report(OfList(ListNumber(what, name), group)) for what in _OF_LIST)
            if not 0 <= held <= usable:
                yield f"people of {group} with a token of {name} beside its usable people"
            elif min(certain, more) < 0 or certain + more > comb(held, 2):
                yield f"pairs of {group} who share a token of {name} beside those who have one"
    everyone = GroupCount((), of_report(GroupPeople(plan.left)), matched)
    groups = group_counts(plan, opened)
    for one in groups:
        if not 0 <= one.matched <= one.people:
            yield f"matches of a group of {plan.left} beside its people"
    if groups and sum(one.people for one in groups) != everyone.people:
        yield f"groups of {plan.left} that do not add up to its people"
    if groups and sum(one.matched for one in groups) != everyone.matched:
        yield f"groups of {plan.left} that do not add up to the matches"
    yield from _of_rows(plan, opened, groups or [everyone])


def _of_rows(plan: Plan, opened: Sequence[int], groups: Sequence[GroupCount]) -> Iterator[str]:
    """Hold the table's rows against their groups, and what is measured in a row against its count."""
    moments = row_moments(plan, opened)
    by_left = [at for at, name in enumerate(plan.by) if name in plan.group_by]
    by_right = [at for at, name in enumerate(plan.by) if name in plan.right_by]
    counts: defaultdict[tuple[object, ...], int] = defaultdict(int)
    fronts: defaultdict[tuple[object, ...], int] = defaultdict(int)
    for levels, row in zip(plan.rows, moments, strict=True):
        yield from _of_row(row, plan)
        key = tuple(levels[at] for at in by_left)
        counts[key] += row[Count()]
        if any(levels[at] is not None for at in by_right):
            fronts[key] += row[Count()]
    inner = plan.population.inner
    total = "matches" if inner else f"people of {plan.left}"
    for group in groups:
        if counts[group.levels] != (group.matched if inner else group.people):
            yield f"rows of the table that do not add up to the {total}"
        elif fronts[group.levels] > group.matched:
            yield f"more people with a level of {plan.right} than matches"


def _of_row(row: Moments, plan: Plan) -> Iterator[str]:
    """Hold the moments of a row against each other."""
    count = row[Count()]
    if count < 0:
        yield "a row of the table with fewer than no people"
    for moment, value in row.items():
        match moment:
            case Present(columns) if not 0 <= value <= count:
                yield f"values of {' and '.join(columns)} in a row beside its people"
            case Sum(columns):
                yield from _of_sum(columns, row, plan)


def _of_sum(columns: tuple[str, ...], row: Moments, plan: Plan) -> Iterator[str]:
    """Hold a sum against how many people have the values, and a sum of squares against the sum, all as integers at scale."""
    value, names = row[Sum(columns)], " and ".join(dict.fromkeys(columns))
    present = row.get(Present(tuple(dict.fromkeys(columns))), row[Count()])
    if not 0 <= present <= row[Count()]:
        return  # told already
    quantities = dict(plan.quantities)
    if len(columns) == 1:
        low, high = quantities[columns[0]].low, quantities[columns[0]].high
        if not low * present <= value <= high * present:
            yield f"a sum of {names} beyond its declared bounds"
    elif abs(value) > Sum(columns).bound({column: quantities[column].bound for column in columns}) * present:
        yield f"a sum of products of {names} beyond their declared bounds"
    elif columns == columns[:1] * 2 and Sum(columns[:1]) in row:
        first, low, high = row[Sum(columns[:1])], quantities[columns[0]].low, quantities[columns[0]].high
        if first**2 > present * value or abs(first) > value or value > (low + high) * first - present * low * high:
            yield f"a sum of squares of {names} that does not go with its sum"
