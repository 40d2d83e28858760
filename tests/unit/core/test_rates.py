"""S-19: how many of each group matched, beside a table that hides rows: nothing that is hidden is bounded within the small counts."""

from __future__ import annotations

from collections import defaultdict
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from tallystick.core.disclosure.profiles import PROFILES, DisclosureProfile
from tallystick.core.disclosure.rules.match_rates import find_shown_groups
from tallystick.core.disclosure.rules.small_cells import suppress
from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.table import GroupCount
from tests.unit.core.test_suppress import planned

INNER, INNER_BOTH = planned("inner", "l.side"), planned("inner", "l.side", "r.yes")
LEFT, LEFT_BOTH = planned("left", "l.side"), planned("left", "l.side", "r.yes")
CMS = PROFILES["cms"]

People = tuple[int, ...]
"""Of one group of the left side: matched people by right level (those who have none last), then people without a match."""


def table_of(made: Plan, groups: list[People]) -> tuple[list[Any], list[GroupCount]]:
    """Give a table's rows and the groups' counts; groups in the plan's order, those left out are empty."""
    places = [at for at, name in enumerate(made.by) if name in made.group_by]
    rows, counts = [], []
    for at, key in enumerate(made.groups):
        mine = [row for row in made.rows if tuple(row[place] for place in places) == key]
        parts = len(mine) + (kind(made) == "inner") if len(made.by) > len(made.group_by) else 2
        *matched, alone = groups[at] if at < len(groups) else (0,) * parts
        counts.append(GroupCount(key, sum(matched) + alone, sum(matched)))
        cells = [*matched, alone] if made.presences else matched if kind(made) == "inner" else [sum(matched) + alone]
        for levels, count in zip(mine, cells, strict=True):
            row = {**dict(zip(made.by, levels, strict=True)), "count": count, "suppressed": None}
            if count or None not in row_levels(made, row):
                rows.append(row)
    return rows, counts


def row_levels(made: Plan, row: dict[str, Any]) -> list[Any]:
    return [row[name] for name in made.by]


def linkage_of(counts: list[GroupCount], right: int = 10_000) -> Any:
    people, matched = sum(one.people for one in counts), sum(one.matched for one in counts)
    return {"people": {"l": people, "r": right}, "usable": {"l": people, "r": right}, "matched": matched}


def released(made: Plan, groups: list[People], profile: DisclosureProfile) -> tuple[list[Any], Any, dict[int, tuple[int, int]]]:
    """Give all that goes out: the table, the totals, and (people, matched) of the groups that are shown."""
    rows, counts = table_of(made, groups)
    out, totals, _ = suppress(rows, linkage_of(counts), profile, made)
    shown = find_shown_groups(counts, rows, out, totals, profile, made)
    return out, totals, {at: (counts[at].people, counts[at].matched) for at in sorted(shown)}


# --- whoever knows the rules and tries every table -------------------------------------------------------------------------------

WORLDS: dict[Any, tuple[tuple[int, ...], ...]] = {
    (*INNER.by, "inner"): ((0, 3, 4), tuple(range(12))),
    (*LEFT.by, "left"): (tuple(range(8)), tuple(range(8))),
    (*INNER_BOTH.by, "inner"): ((0,), (0, 3), (0, 3), tuple(range(9))),
    (*LEFT_BOTH.by, "left"): ((0,), (0, 3), tuple(range(6)), tuple(range(7))),
}
"""By the shape of a table: the numbers that each part of a group may be, where three are small."""


def worlds(made: Plan) -> list[list[People]]:
    """Give every table of two groups with such parts."""
    one = list(product(*WORLDS[(*made.by, kind(made))]))
    return [list(groups) for groups in product(one, repeat=2)]


def kind(made: Plan) -> str:
    return {"both": "inner", "first": "left"}[made.population.shape]


@pytest.mark.parametrize("made", [INNER, LEFT, INNER_BOTH, pytest.param(LEFT_BOTH, marks=pytest.mark.slow)])
def test_s19_among_all_tables_that_release_the_same_no_small_number_has_one_value_for_its_groups_sake(made: Plan) -> None:
    profile = DisclosureProfile("custom", 3)
    seen: dict[str, list[list[People]]] = defaultdict(list)
    beside: dict[str, list[list[People]]] = defaultdict(list)
    most = [max(values) for values in WORLDS[(*made.by, kind(made))]]
    for groups in worlds(made):
        out, totals, shown = released(made, groups, profile)
        for people, matched in shown.values():
            assert not any(map(profile.is_small, (people, matched, people - matched)))
        seen[repr((out, totals, shown))].append(groups)
        beside[repr((out, totals))].append(groups)
    for alone in beside.values():
        by_groups = [same for same in seen.values() if same[0] in alone]
        if any(
            sum(part) > top for groups in alone for part, top in zip(zip(*groups, strict=True), most, strict=True) if top > 4
        ):
            continue  # larger numbers, which are not tried here, would release the same
        for same in by_groups:
            for group, part in product(range(2), range(len(same[0][0]))):
                values = {groups[group][part] for groups in same}
                if len(values) == 1 and profile.is_small(min(values)):
                    assert {groups[group][part] for groups in alone} == values, (made.by, same[:3], group, part)
    if made.presences:
        assert len(seen) == len(beside)  # all of it is said by the table
    else:
        assert len(seen) > len(beside)  # more is said than by the table alone


# --- whoever writes down every equation ------------------------------------------------------------------------------------------


def bounds_of(made: Plan, out: list[Any], totals: Any, shown: dict[int, tuple[int, int]], k: int) -> dict[tuple[int, int], Any]:
    """Give, by group and part, the least and largest number that everything released leaves, by linear programming."""
    right = len(made.by) > 1
    parts = 4 if right else 2
    groups = len(made.groups)
    at = {(g, p): g * parts + p for g in range(groups) for p in range(parts)}
    equal: list[tuple[list[int], float]] = []
    limits: list[tuple[list[int], float, float | None]] = []
    present = {tuple(row_levels(made, row)): row for row in out}
    for g, key in enumerate(made.groups):
        for p, levels in enumerate(levels for levels in made.rows if levels[0] == key[0]):
            cells = [at[g, p]]
            if made is LEFT:
                cells.append(at[g, parts - 1])
            row = present.get(levels)
            if row is None:
                equal.append((cells, 0))
            elif row["count"] is not None:
                equal.append((cells, row["count"]))
            elif row["suppressed"] == "small-cell":
                limits.append((cells, 1, k - 1))
            else:
                limits.append((cells, k, None))
        if g in shown:
            people, matched = shown[g]
            equal.append(([at[g, p] for p in range(parts)], people))
            equal.append(([at[g, p] for p in range(parts - 1)], matched))
    everyone = list(at.values())
    if totals["people"]["l"] is not None:
        equal.append((everyone, totals["people"]["l"]))
    if totals["matched"] is not None:
        equal.append(([place for (_, p), place in at.items() if p < parts - 1], totals["matched"]))
    a_eq = np.zeros((len(equal), len(everyone)))
    for at_line, (cells, _) in enumerate(equal):
        a_eq[at_line, cells] = 1
    under, most = [], []
    for cells, low, high in limits:
        line = np.zeros(len(everyone))
        line[cells] = 1
        under.append(-line)
        most.append(-low)
        if high is not None:
            under.append(line)
            most.append(high)
    found = {}
    for key_, place in at.items():
        ends = []
        for sign in (1, -1):
            goal = np.zeros(len(everyone))
            goal[place] = sign
            solved = linprog(
                goal, A_ub=np.array(under) if under else None, b_ub=most or None, A_eq=a_eq, b_eq=[v for _, v in equal],
                bounds=[(0, 100_000)] * len(everyone),
            )  # fmt: skip
            assert solved.status == 0, solved.message
            ends.append(round(sign * solved.fun, 6))
        found[key_] = tuple(ends)
    return found


@st.composite
def tables(draw: st.DrawFn) -> tuple[Plan, int, list[People]]:
    k, made = draw(st.sampled_from([3, 5, 11])), draw(st.sampled_from([INNER, INNER_BOTH, LEFT, LEFT_BOTH]))
    often_small = st.integers(0, k) | st.integers(k, 6 * k) | st.integers(k, 6 * k)
    parts = 4 if len(made.by) > 1 else 2
    return made, k, [tuple(draw(st.lists(often_small, min_size=parts, max_size=parts))) for _ in range(3)]


def check_against_linear_programme(made: Plan, k: int, groups: list[People]) -> bool:
    """Check that who matched by group bounds no small number that the table alone leaves free; tell whether anything was shown."""
    profile = DisclosureProfile("custom", k)
    out, totals, shown = released(made, groups, profile)
    if not shown or len(shown) == len(made.groups):
        return bool(shown)
    before, after = bounds_of(made, out, totals, {}, k), bounds_of(made, out, totals, shown, k)
    for (group, part), (low, high) in after.items():
        true = groups[group][part] if group < len(groups) else 0
        if not profile.is_small(true) or group in shown:
            continue
        was = before[group, part]
        free = low <= 1 and high >= k - 1
        assert free or (low, high) == was, (made.by, groups, group, part, was, (low, high), shown)
    return True


@settings(max_examples=120, deadline=None)
@given(tables())
def test_s19_a_linear_programme_over_table_and_groups_says_no_more_than_small(case: tuple[Any, ...]) -> None:
    check_against_linear_programme(*case)


@pytest.mark.slow
@settings(max_examples=1_000, deadline=None)
@given(tables())
def test_s19_a_thousand_tables_with_groups_withstand_a_linear_programme(case: tuple[Any, ...]) -> None:
    check_against_linear_programme(*case)


# --- rules one by one ------------------------------------------------------------------------------------------------------------


def shown_of(made: Plan, groups: list[People], profile: DisclosureProfile = CMS) -> list[int]:
    return list(released(made, groups, profile)[2])


def test_all_groups_are_shown_where_nothing_is_small() -> None:
    assert shown_of(INNER, [(100, 50), (200, 60), (300, 70)]) == [0, 1, 2, 3]
    assert shown_of(LEFT_BOTH, [(40, 50, 20, 100), (40, 50, 20, 200), (40, 50, 20, 300)]) == [0, 1, 2, 3]


def test_s19_a_group_with_few_unmatched_people_takes_others_with_it_until_they_are_a_crowd() -> None:
    many = planned("left", "l.side", "l.yes")
    assert len(many.groups) == 12
    groups: list[People] = [(100 + at, 60 + at) for at in range(12)]
    assert shown_of(many, groups) == list(range(12))
    assert shown_of(many, [*groups[:5], (100, 7), *groups[6:]]) == [3, 4, *range(6, 12)]
    assert shown_of(many, [*groups[:5], (100, 7), (5, 100), *groups[7:]]) == [2, 3, 4, *range(7, 12)]


def test_s19_of_few_groups_all_are_hidden_or_none() -> None:
    assert shown_of(LEFT, [(100, 7), (200, 60), (300, 70)]) == []


def test_s19_nothing_is_shown_by_group_where_the_matches_are_hidden() -> None:
    assert shown_of(INNER, [(100, 3), (200, 0), (300, 4)]) == []


def test_s19_the_rows_of_a_group_must_be_loose_once_their_sum_is_known() -> None:
    made = planned("inner", "l.side", "l.yes", "r.yes")
    groups: list[People] = [(40 + at, 50, 60, 100) for at in range(12)]
    assert shown_of(made, groups) == list(range(12))
    beside = [(3, 90, 50, 100), *groups[1:]]  # the row that protects the small one stands in the same group
    assert shown_of(made, beside) == list(range(12))
    apart = [*[(6, 90, 50, 100)] * 4, *groups[4:]]
    assert shown_of(made, apart) == list(range(4, 12))  # four hidden rows need no fifth, but each group has one


@pytest.mark.parametrize(("present", "shown"), [((40, 50, 60, 0), 4), ((40, 50, 53, 0), 0), ((0, 0, 0, 0), 4)])
def test_s19_matches_may_not_tell_of_few_people_whose_value_is_missing(present: tuple[int, ...], shown: int) -> None:
    made = planned("left", "l.side", measures=("count", {"mean": "r.pay"}))
    matched, everyone = (70, 80, 60, 0), (200, 300, 400, 0)
    groups = [GroupCount(key, of, found) for key, of, found in zip(made.groups, everyone, matched, strict=True)]
    rows: list[Any] = [
        {"l.side": key[0], "count": of, "mean(r.pay)": 1.5, "count(r.pay)": there, "suppressed": None}
        for key, of, there in zip(made.rows, everyone, present, strict=True)
    ]
    totals: Any = linkage_of(groups)
    assert len(find_shown_groups(groups, rows, rows, totals, CMS, made)) == shown


def test_an_open_profile_shows_every_group() -> None:
    assert shown_of(LEFT, [(1, 1), (2, 0), (0, 3)], PROFILES["open"]) == [0, 1, 2, 3]
