"""Whether opened cells can be counts of people at all: what honest agencies seal always adds up, whatever their records are.

A cell is a sum of the agencies' shares, so an agency that seals another number than its own changes it unseen. Most such lies only
make a wrong result, which nothing here prevents. One that cannot be true of any lists is found before the cells are used:

1. No count is negative; in a group, people >= usable people; in a list, the usable people of its groups >= people with a token at any
   one pass; people whom two groups both have are at most the usable people of either, or the people where one agency has both.
2. People of one list who share a token at a pass are pairs of those who have one. People whose identifier was not read or denied are
   together no more than the people of the list's groups.
3. In a group of the linkage report matches are at most people; these add up to the first group's people and to the matches.
4. The rows add up to what the formula makes of people and matches, where it multiplies no more than two groups: to the matches of
   `a and b`, to the people of `a`; and to the table's totals. So do the rows of each group of the linkage report.
   Rows whose people are in a group are together at most that group's people; of `a` by b's levels those in b are the matches.
5. Of a row's people no more have a value than there are, and these add up to no more than the column's declared bounds allow.
6. Of n people whose values are whole numbers x from a to b: (Σx)² <= n·Σx² (Cauchy and Schwarz), |Σx| <= Σx², and, since
   (x - a)·(b - x) >= 0, Σx² <= (a + b)·Σx - n·a·b. Decimals are whole numbers of their last digit.
7. Of a table by the time since an event, rules 5 and 6; and the rows of a period have no more people than the event's group.

Security: that a job fails tells every party that a rule is broken, and which; no number, level or row is told. An agency that seals a
false number on purpose so learns whether what the others sealed bounds it: a few bits a job, which all parties must approve and will see
failing. Who sealed it cannot be told from the sums.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from math import comb
from typing import Final, Literal

from tallystick.core.errors import Broken
from tallystick.core.job.columns import split
from tallystick.core.job.derive import WHOLE
from tallystick.core.job.since import PERIOD
from tallystick.core.linkage.quality.sharing import ListNumber
from tallystick.core.moments import Banded, Count, EmployersOf, HouseholdsOf, Present, Sum
from tallystick.core.statistics.keys import (
    GroupPeople,
    InGroup,
    InMargin,
    InReport,
    InRow,
    InSystems,
    Key,
    Matched,
    Number,
    OfList,
    Usable,
)
from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.table import GroupCount, Moments, group_counts, numbers, row_moments

_OF_LIST: Final[tuple[Literal["tokens", "alike", "doubtful"], ...]] = ("tokens", "alike", "doubtful")
_OF_IDENTIFIER: Final[tuple[Literal["unread", "denied"], ...]] = ("unread", "denied")


def check_consistent(plan: Plan, opened: Sequence[int], hidden: Collection[int] = ()) -> None:
    """Check that opened cells do not contradict each other.

    Args:
        plan: the job's.
        opened: the signed integer of each cell, in the plan's order.
        hidden: the cells that did not open. If there are any, what opened of each row is held against itself (rules 5, 6), and rows that all
            opened against the total that they add up to.

    Raises:
        Broken: `cells-contradict`: names the first rule that they break; `internal`: another number of cells than the plan has.
    """
    for what in _of_opened(plan, opened, frozenset(hidden)) if hidden else _contradictions(plan, opened):
        raise Broken(
            "cells-contradict",
            f"the agencies' sealed numbers contradict each other: {what}",
            hint="the agencies compare their nodes' software and logs; the sums do not say who is at fault",
        )


def _contradictions(plan: Plan, opened: Sequence[int]) -> Iterator[str]:
    """Give what is broken, in words without data."""
    report = {key.number: value for key, value in numbers(plan, opened).items() if isinstance(key.place, InReport)}
    yield from _of_groups(plan, report)
    yield from _of_pairs(plan, report)
    yield from _of_lists(plan, report)
    clusters = {number.groups: value for number, value in report.items() if isinstance(number, InSystems)}
    if any(value < 0 for value in clusters.values()):
        yield "fewer than no people in a number of groups"
    people = {group: report[GroupPeople(group)] for group in plan.population.groups}
    if clusters and sum(groups * value for groups, value in clusters.items()) != sum(people.values()):
        yield "people by how many groups have them that do not add up to the people of the groups"
    groups = group_counts(plan, opened)
    if groups:
        first = plan.population.first
        if any(not 0 <= one.matched <= one.people for one in groups):
            yield f"matches of a group of {first} beside its people"
        if sum(one.people for one in groups) != people[first]:
            yield f"groups of {first} that do not add up to its people"
        if sum(one.matched for one in groups) != report[Matched()]:
            yield f"groups of {first} that do not add up to the matches"
    yield from _of_margins(plan, opened)
    if plan.follow is None:
        yield from _of_rows(plan, opened, people, groups, report)
    else:
        yield from _of_periods(plan, opened, people)


def _of_opened(plan: Plan, opened: Sequence[int], hidden: frozenset[int]) -> Iterator[str]:
    """Hold what opened of a job with a gate against itself."""
    closed = {plan.cells[at].key for at in hidden}
    rows = [
        {moment: value for moment, value in row.items() if Key(InRow(index), moment) not in closed}
        for index, row in enumerate(row_moments(plan, opened))
    ]
    for row in rows:
        if Count() in row:
            yield from _of_row(row, plan)
    yield from _of_opened_report(plan, {key: value for key, value in numbers(plan, opened).items() if key not in closed})
    yield from _of_margins(plan, opened, closed)
    population = plan.population
    if population.shape == "other" or not all(Count() in row for row in rows):
        return
    key = Key(InReport(), Matched() if population.shape == "both" else GroupPeople(population.first))
    if key not in closed and numbers(plan, opened)[key] != sum(row[Count()] for row in rows):
        yield f"rows of the table that do not add up to {_total(plan)}"


def _of_opened_report(plan: Plan, values: Mapping[Key, int]) -> Iterator[str]:
    """Hold what opened of the linkage report against itself."""
    people = {key: value for key, value in values.items() if not isinstance(key.place, InRow)}
    if any(value < 0 for value in people.values()):
        yield "fewer than no people in the linkage report"
    for group in plan.population.groups:
        whole = values.get(Key(InReport(), GroupPeople(group)))
        inside = [values.get(Key(InReport(), Usable(group)))]
        inside += [
            values.get(Key(InReport(), number)) for pair in plan.pairs if group in pair for number in (Matched(), Matched(pair))
        ]
        if whole is not None and any(part is not None and part > whole for part in inside):
            yield f"usable people or matches of {group} beside its people"
    for index in range(len(plan.groups)):
        everybody = values.get(Key(InGroup(index), GroupPeople(plan.population.first)))
        matched = values.get(Key(InGroup(index), Matched()))
        if everybody is not None and matched is not None and matched > everybody:
            yield f"matches of a group of {plan.population.first} beside its people"
    clusters = {key.number.groups: value for key, value in values.items() if isinstance(key.number, InSystems)}
    known = [values.get(Key(InReport(), GroupPeople(group))) for group in plan.population.groups]
    whole = sum(value for value in known if value is not None)
    if len(clusters) == len(known) and None not in known and sum(n * value for n, value in clusters.items()) != whole:
        yield "people by how many groups have them that do not add up to the people of the groups"


def _of_margins(plan: Plan, opened: Sequence[int], closed: Collection[Key] = ()) -> Iterator[str]:
    """Hold the table's totals against the rows that they are sums of."""
    values = numbers(plan, opened)
    for index, margin in enumerate(plan.margins):
        key, rows = Key(InMargin(index), Count()), [Key(InRow(row), Count()) for row in margin.rows]
        if key in closed:
            continue
        shown = sum(values[row] for row in rows if row not in closed)
        if values[key] < shown or (values[key] > shown and not any(row in closed for row in rows)):
            yield "rows of the table that do not add up to its totals"


def _of_groups(plan: Plan, report: Mapping[Number, int]) -> Iterator[str]:
    """Hold a group's usable people against all of its people."""
    for group in plan.population.groups:
        if report[GroupPeople(group)] < 0:
            yield f"fewer than no people of {group}"
        if not 0 <= report.get(Usable(group), 0) <= report[GroupPeople(group)]:
            yield f"usable people of {group} beside all people of it"


def _of_lists(plan: Plan, report: Mapping[Number, int]) -> Iterator[str]:
    """Hold a list's tokens against the usable people of its groups."""
    for called, agency in plan.lists:
        usable = sum(report[Usable(group)] for group, owner in plan.population.members if owner == agency)
        for name in plan.passes:
            held, certain, more = (report[OfList(ListNumber(what, name), called)] for what in _OF_LIST)
            if not 0 <= held <= usable:
                yield f"people of {called} with a token of {name} beside its usable people"
            elif min(certain, more) < 0 or certain + more > comb(held, 2):
                yield f"pairs of {called} who share a token of {name} beside those who have one"
    yield from _of_identifiers(plan, report)


def _of_identifiers(plan: Plan, report: Mapping[Number, int]) -> Iterator[str]:
    """Hold people whose identifier was not read, or denied, against those of the list's groups."""
    for called, agency in plan.lists:
        people = sum(report[GroupPeople(group)] for group, owner in plan.population.members if owner == agency)
        for name in dict(plan.identifiers).get(called, ()):
            unread, denied = (report[OfList(ListNumber(what, name), called)] for what in _OF_IDENTIFIER)
            if min(unread, denied) < 0 or unread + denied > people:
                yield f"people of {called} whose {name} makes no token beside its people"


def _of_pairs(plan: Plan, report: Mapping[Number, int]) -> Iterator[str]:
    """Hold the people whom two groups both have against those of either."""
    of = plan.population.agency_of
    for one, other in plan.pairs:
        both = _both(report, (one, other))
        apart = of[one] != of[other]
        if both < 0:
            yield "fewer than no matches"
        for group in (one, other):
            if both > report[Usable(group) if apart else GroupPeople(group)]:
                yield f"more matches than {'usable ' if apart else ''}people of {group}"


def _both(report: Mapping[Number, int], pair: tuple[str, str]) -> int:
    return report[Matched()] if Matched() in report else report[Matched(pair)]


def _count_kept(plan: Plan, report: Mapping[Number, int]) -> int | None:
    """Give how many people the formula keeps, from people and matches; None where it multiplies more than two groups."""
    pairs = {frozenset(pair): _both(report, pair) for pair in plan.pairs}
    pairs |= {frozenset((group,)): report[GroupPeople(group)] for group in plan.population.groups}
    terms = {frozenset(names): coefficient for names, coefficient in plan.population.keep.terms.items()}
    if not terms.keys() <= pairs.keys():
        return None
    return sum(coefficient * pairs[names] for names, coefficient in terms.items())


def _of_rows(
    plan: Plan, opened: Sequence[int], people: Mapping[str, int], groups: Sequence[GroupCount], report: Mapping[Number, int]
) -> Iterator[str]:
    """Hold the table's rows against the totals, and what is measured in a row against its count."""
    moments = row_moments(plan, opened)
    keep, shape = plan.population.keep, plan.population.shape
    places = [at for at, name in enumerate(plan.by) if name in plan.group_by]
    counts: defaultdict[tuple[object, ...], int] = defaultdict(int)
    inside: defaultdict[str, int] = defaultdict(int)
    matched: defaultdict[tuple[object, ...], int] = defaultdict(int)
    second = plan.population.second if shape != "other" else ""
    total = 0
    for levels, row in zip(plan.rows, moments, strict=True):
        yield from _of_row(row, plan)
        key = tuple(levels[at] for at in places)
        total += row[Count()]
        counts[key] += row[Count()]
        absent = {split(name)[0] for name, level in zip(plan.by, levels, strict=True) if name in plan.presences and not level}
        present = ({split(name)[0] for name in plan.by} & people.keys() | set(keep.always)) - absent
        for group in present:
            inside[group] += row[Count()]
        if second in present:
            matched[key] += row[Count()]
    kept = _count_kept(plan, report)
    if kept is not None and kept != total:
        yield f"rows of the table that do not add up to {_total(plan)}"
    for one in groups:
        if counts[one.levels] != (one.matched if shape == "both" else one.people):
            yield f"rows of the table that do not add up to {_total(plan)}"
        elif matched and matched[one.levels] != one.matched:
            yield f"people with a level of {second} beside the matches"
    if shape == "first" and second in inside and inside[second] != report[Matched()]:
        yield f"people with a level of {second} beside the matches"
    if any(number > people[group] for group, number in inside.items()):
        yield "rows of the table with more people of a group than it has"


def _of_periods(plan: Plan, opened: Sequence[int], people: Mapping[str, int]) -> Iterator[str]:
    """Hold the rows of each period, whose people are all in the event's group, against its people (rule 7)."""
    assert plan.follow is not None
    group, at = split(plan.follow.event)[0], plan.by.index(PERIOD)
    counts: defaultdict[object, int] = defaultdict(int)
    for levels, row in zip(plan.rows, row_moments(plan, opened), strict=True):
        yield from _of_row(row, plan)
        counts[levels[at]] += row[Count()]
    most = sum(people[part] for part in plan.population.parts_of(group))
    if any(number > most for number in counts.values()):
        yield f"rows of a period with more people of {group} than it has"


def _total(plan: Plan) -> str:
    match plan.population.shape:
        case "both":
            return "the matches"
        case "first":
            return f"the people of {plan.population.first}"
        case "other":
            return "what keep makes of people and matches"


def _of_row(row: Moments, plan: Plan) -> Iterator[str]:
    """Hold the moments of a row against each other."""
    count = row[Count()]
    if count < 0:
        yield "a row of the table with fewer than no people"
    for moment, value in row.items():
        match moment:
            case Present(columns) if not 0 <= value <= count:
                yield f"values of {' and '.join(columns)} in a row beside its people"
            case EmployersOf(group) if not 0 <= value <= count:
                yield f"people of {group} by their employers in a row beside its people"
            case HouseholdsOf(group) if not 0 <= value <= WHOLE * count:
                yield f"households of people of {group} in a row beside its people"
            case Sum():
                yield from _of_sum(moment, row, plan)
            case Banded() if moment.of is None and not 0 <= value <= row.get(moment.people, count):
                yield f"people in a band of {moment.column} beside those who have a value"
            case Banded(of=str(of)):
                yield from _of_band(moment, of, row, plan)


def _of_band(moment: Banded, of: str, row: Moments, plan: Plan) -> Iterator[str]:
    """Hold a sum in a band against how many people are in it."""
    quantity, people = dict(plan.quantities)[of], row.get(moment.counted, row[Count()])
    if not quantity.low * people <= row[moment] <= quantity.high * people:
        yield f"a sum of {of} in a band of {moment.column} beyond its declared bounds"


def _of_sum(moment: Sum, row: Moments, plan: Plan) -> Iterator[str]:
    """Hold a sum against how many people have the values, and a sum of squares against the sum, all as integers at scale."""
    columns, value, names = moment.columns, row[moment], " and ".join(dict.fromkeys(moment.columns))
    present = row.get(moment.people, row[Count()])
    if not 0 <= present <= row[Count()]:
        return  # told already
    quantities = dict(plan.quantities)
    if len(columns) == 1:
        low, high = quantities[columns[0]].low, quantities[columns[0]].high
        if not low * present <= value <= high * present:
            yield f"a sum of {names} beyond its declared bounds"
    elif abs(value) > Sum(columns).bound({column: quantities[column].bound for column in columns}) * present:
        yield f"a sum of products of {names} beyond their declared bounds"
    elif columns == columns[:1] * 2 and (once := Sum(columns[:1], moment.among)) in row:
        first, low, high = row[once], quantities[columns[0]].low, quantities[columns[0]].high
        if first**2 > present * value or abs(first) > value or value > (low + high) * first - present * low * high:
            yield f"a sum of squares of {names} that does not go with its sum"
