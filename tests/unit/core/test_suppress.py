"""S-19: what is hidden stays hidden, also from who knows the rules and adds up everything that is shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from tallystick.core.agreement.model import Agreement, Disclosure
from tallystick.core.disclosure.profiles import PROFILES, RULES, DisclosureProfile, combine_profiles, profile_of
from tallystick.core.disclosure.rules.small_cells import suppress
from tallystick.core.job.model import Question
from tallystick.core.moments import Sum
from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.planner import plan
from tallystick.core.statistics.table import Moments

CMS = PROFILES["cms"]
LEVELS = ("a", "b", "c")


def agreement() -> Agreement:
    columns = {
        "side": {"type": "category", "values": list(LEVELS)},
        "yes": {"type": "boolean"},
        "pay": {"type": "integer", "min": 0, "max": 99},
    }
    datasets = {n: {"agency": a, "columns": columns, "identifiers": ["ssn"]} for n, a in (("x", "one"), ("y", "two"))}
    value = {
        "agreement": "a",
        "valid_from": "2026-01-01T00:00:00Z",
        "valid_until": "2027-01-01T00:00:00Z",
        "parties": {"one": {"key": "11" * 32}, "two": {"key": "22" * 32}},
        "coordinator": {"key": "33" * 32, "sealing_key": "00" * 1216},
        "analysts": {},
        "purposes": ["p"],
        "datasets": datasets,
        "operations": ["count", "sum", "mean"],
        "joins": ["inner", "left", "any"],
        "link": [],
        "disclosure": {},
        "release": {"mode": "desk", "desk": "one"},
    }
    return Agreement.read(value, what="agreement")


def planned(kind: str, *by: str, measures: tuple[Any, ...] = ("count",)) -> Plan:
    people = {"l": {"agency": "one", "dataset": "x"}, "r": {"agency": "two", "dataset": "y"}}
    keep = {"inner": "l and r", "left": "l"}.get(kind, kind)
    value = {"agreement": "a", "purpose": "p", "people": people, "keep": keep, "by": list(by), "measures": list(measures)}
    return plan(Question.read(value, what="job"), agreement())


INNER, LEFT_BY_LEFT, LEFT_BY_RIGHT = planned("inner", "l.side"), planned("left", "l.side"), planned("left", "r.side")
EITHER = planned("l or r", "l.side")


def rows_of(made: Plan, counts: tuple[int, ...]) -> list[Any]:
    """Give rows as `table` does: an empty row of missing people is left out."""
    keyed = zip(made.rows, counts, strict=True)
    return [dict(zip(made.by, key, strict=True)) | {"count": n, "suppressed": None} for key, n in keyed if n or None not in key]


def linkage_of(people: tuple[int, int], matched: int, blank: tuple[int, int] = (0, 0)) -> Any:
    usable = {"l": people[0] - blank[0], "r": people[1] - blank[1]}
    return {"people": {"l": people[0], "r": people[1]}, "usable": usable, "matched": matched}


def released(rows: Any, linkage: Any) -> str:
    """Give all that an outsider sees, as something to compare."""
    return repr((rows, linkage))


# --- whoever knows the rules and tries every table -------------------------------------------------------------------------------


def inner_worlds(top: int) -> Iterator[tuple[Any, Any, dict[str, int]]]:
    for counts in product(range(top), repeat=3):
        matched = sum(counts)
        for left in range(matched, top):
            for right in range(left, top):
                secrets = {"without a match at l": left - matched, "without a match at r": right - matched}
                yield rows_of(INNER, (*counts, 0)), linkage_of((left, right), matched), secrets


def left_worlds(top: int) -> Iterator[tuple[Any, Any, dict[str, int]]]:
    for first, second, blank, neither in product(range(top), repeat=4):
        matched, left = first + second + blank, first + second + blank + neither
        if left < top:
            for right in range(matched, top):
                secrets = {"without a match at r": right - matched}
                yield rows_of(LEFT_BY_RIGHT, (first, second, 0, blank, neither)), linkage_of((left, right), matched), secrets


def either_worlds(top: int) -> Iterator[tuple[Any, Any, dict[str, int]]]:
    for first, second, alone in product(range(top), repeat=3):
        left = first + second
        for matched in range(min(left, top - alone) + 1):
            if left + alone < top:
                secrets = {"in both": matched, "in l alone": left - matched}
                yield rows_of(EITHER, (first, second, 0, 0, alone)), linkage_of((left, matched + alone), matched), secrets


@pytest.mark.parametrize("k", [3, 4])
@pytest.mark.parametrize(("made", "worlds"), [(INNER, inner_worlds), (LEFT_BY_RIGHT, left_worlds), (EITHER, either_worlds)])
def test_s19_among_all_tables_that_release_the_same_every_hidden_small_number_has_two_values_or_more(
    made: Plan, worlds: Any, k: int
) -> None:
    profile, top = DisclosureProfile("custom", k), 5 * k
    seen: dict[str, list[tuple[list[Any], dict[str, int]]]] = defaultdict(list)
    for rows, linkage, secrets in worlds(top):
        out, shown, _ = suppress(rows, linkage, profile, made)
        for row, true in zip(out, rows, strict=True):
            assert not profile.is_small(row["count"] if isinstance(row["count"], int) else 0)
            assert (row["suppressed"] == "small-cell") == profile.is_small(true["count"])
        seen[released(out, shown)].append((rows, secrets | {"people": max(linkage["people"].values())}))
    for same in seen.values():
        if min(secrets.pop("people") for _, secrets in same) > top - 2 * k:
            continue  # larger tables, which are not tried here, would release the same
        for at in range(len(same[0][0])):
            values = {rows[at]["count"] for rows, _ in same}
            assert not (len(values) == 1 and profile.is_small(min(values))), (values, same[:3])
        for name in same[0][1]:
            values = {secrets[name] for _, secrets in same}
            assert not (len(values) == 1 and profile.is_small(min(values))), (name, same[:3])
    assert len(seen) > 100


# --- whoever writes down every equation ------------------------------------------------------------------------------------------


def interval(out: list[Any], linkage: Any, at: int, k: int, made: Plan) -> tuple[int, int]:
    """Give the least and largest count that row `at` can have, by linear programming over everything released.

    Unknowns: the counts of all rows, then matched, people and usable of both groups.
    """
    rows = len(out)
    matched, people_l, people_r, usable_l, usable_r = range(rows, rows + 5)
    bounds: list[tuple[float, float | None]] = []
    for row in out:
        if row["count"] is not None:
            bounds.append((row["count"], row["count"]))
        else:
            bounds.append((1, k - 1) if row["suppressed"] == "small-cell" else (k, None))
    numbers = [linkage["matched"], *linkage["people"].values(), *linkage["usable"].values()]
    bounds += [(0, None) if number is None else (number, number) for number in numbers]
    equal, under = [], []

    def line(plus: list[int], minus: list[int]) -> list[float]:
        coefficients = np.zeros(rows + 5)
        coefficients[plus], coefficients[minus] = 1, -1
        return list(coefficients)

    everyone = list(range(rows))
    there = [at for at in everyone if all(out[at][name] for name in made.presences)]
    absent = [at for at in everyone if at not in there]
    if made is INNER:
        equal.append(line(everyone, [matched]))
    elif made is EITHER:
        equal.append(line(there, [people_l]))
        equal.append(line([*absent, matched], [people_r]))
    else:
        equal.append(line(everyone, [people_l]))
        if made is LEFT_BY_RIGHT:
            equal.append(line(there, [matched]))
    under += [
        line([matched], [usable_l]),
        line([matched], [usable_r]),
        line([usable_l], [people_l]),
        line([usable_r], [people_r]),
    ]
    goal = line([at], [])
    found = []
    for sign in (1, -1):
        solved = linprog(
            sign * np.array(goal), A_ub=under, b_ub=[0] * len(under), A_eq=equal, b_eq=[0] * len(equal), bounds=bounds
        )
        assert solved.status == 0
        found.append(round(sign * solved.fun))
    return found[0], found[1]


@st.composite
def tables(draw: st.DrawFn) -> tuple[Plan, int, tuple[int, ...], Any]:
    k, made = draw(st.sampled_from([3, 5, 11])), draw(st.sampled_from([INNER, LEFT_BY_LEFT, LEFT_BY_RIGHT, EITHER]))
    often_small = st.integers(0, k) | st.integers(0, 4 * k)
    counts = tuple(draw(st.lists(often_small, min_size=len(made.rows), max_size=len(made.rows))))
    total, absent = sum(counts), counts[-1] if made.presences else 0
    if made is INNER:
        matched, people_l = total, total + draw(often_small)
    elif made is LEFT_BY_RIGHT:
        matched, people_l = total - absent, total
    else:
        people_l = total - absent
        matched = draw(st.integers(0, people_l))
    people_r = matched + (absent if made is EITHER else draw(often_small))
    blank = (draw(st.integers(0, people_l - matched)), draw(st.integers(0, people_r - matched)))
    return made, k, counts, linkage_of((people_l, people_r), matched, blank)


def check_against_linear_programme(made: Plan, k: int, counts: tuple[int, ...], linkage: Any) -> None:
    out, shown, _ = suppress(rows_of(made, counts), linkage, DisclosureProfile("custom", k), made)
    for at, row in enumerate(out):
        if row["suppressed"] == "small-cell":
            assert interval(out, shown, at, k, made) == (1, k - 1), (counts, linkage, out, shown)


@settings(max_examples=150, deadline=None)
@given(tables())
def test_s19_a_linear_programme_over_everything_released_says_no_more_than_small(case: tuple[Any, ...]) -> None:
    check_against_linear_programme(*case)


@pytest.mark.slow
@settings(max_examples=10_000, deadline=None)
@given(tables())
def test_s19_ten_thousand_tables_withstand_a_linear_programme(case: tuple[Any, ...]) -> None:
    check_against_linear_programme(*case)


# --- rules one by one ------------------------------------------------------------------------------------------------------------


def test_s19_ten_is_hidden_and_eleven_shown_under_cms() -> None:
    out, _, report = suppress(rows_of(INNER, (10, 11, 40, 0)), linkage_of((100, 200), 61), CMS, INNER)
    assert [row["count"] for row in out] == [None, None, 40]
    assert [row["suppressed"] for row in out] == ["small-cell", "complementary", None]
    assert report["rows_hidden"] == {"small-cell": 1, "complementary": 1}


def test_s19_zero_is_shown_under_cms_and_small_where_zeros_are_disclosive() -> None:
    rows, linkage = rows_of(INNER, (0, 50, 40, 0)), linkage_of((200, 200), 90)
    assert [row["count"] for row in suppress(rows, linkage, CMS, INNER)[0]] == [0, 50, 40]
    out, _, _ = suppress(rows, linkage, DisclosureProfile("custom", 11, zeros_disclosive=True), INNER)
    assert [row["suppressed"] for row in out] == ["small-cell", "complementary", None]


def test_an_open_profile_hides_nothing() -> None:
    rows, linkage = rows_of(INNER, (1, 2, 3, 4)), linkage_of((11, 12), 10)
    out, shown, report = suppress(rows, linkage, PROFILES["open"], INNER)
    assert (out, shown) == (rows, linkage)
    assert report["rows_hidden"] == {"small-cell": 0, "complementary": 0}


@pytest.mark.parametrize(
    ("people", "matched", "blank", "hidden"),
    [
        ((100, 100), 60, (0, 0), []),
        ((100, 100), 60, (4, 0), ["usable(l)"]),
        ((64, 100), 60, (0, 0), ["matched"]),
        ((100, 70), 60, (0, 0), ["matched"]),
        ((100, 100), 60, (38, 0), ["matched"]),
        ((100, 7), 0, (0, 0), ["people(l)", "people(r)", "usable(l)", "usable(r)", "matched"]),
    ],
)
def test_s19_small_numbers_of_the_linkage_report_and_small_remainders_are_hidden(
    people: tuple[int, int], matched: int, blank: tuple[int, int], hidden: list[str]
) -> None:
    rows = rows_of(LEFT_BY_LEFT, (people[0], 0, 0, 0))
    _, shown, report = suppress(rows, linkage_of(people, matched, blank), CMS, LEFT_BY_LEFT)
    assert report["linkage_hidden"] == sorted(hidden)
    assert (shown["matched"] is None) == ("matched" in hidden)


MEASURED = planned("inner", "l.side", measures=("count", {"mean": "l.pay"}, {"sum": "r.yes"}))


def measured(count: int, paid: int, said: int, yes: int) -> dict[str, Any]:
    return {
        "l.side": "a",
        "count": count,
        "mean(l.pay)": 5.5,
        "count(l.pay)": paid,
        "sum(r.yes)": yes,
        "count(r.yes)": said,
        "suppressed": None,
    }


@pytest.mark.parametrize(
    ("row", "hidden"),
    [
        (measured(100, 60, 100, 50), []),
        (measured(100, 7, 100, 50), ["mean(l.pay)", "count(l.pay)"]),
        (measured(100, 93, 100, 50), ["mean(l.pay)", "count(l.pay)"]),
        (measured(100, 100, 100, 3), ["sum(r.yes)"]),
        (measured(100, 100, 100, 97), ["sum(r.yes)"]),
        (measured(100, 100, 95, 50), ["sum(r.yes)", "count(r.yes)"]),
        (measured(100, 0, 100, 0), []),
    ],
)
def test_s19_a_measure_that_rests_on_few_people_or_leaves_few_out_is_hidden(row: dict[str, Any], hidden: list[str]) -> None:
    other = measured(500, 400, 400, 200)
    moments: list[Moments] = [{Sum(("r.yes",)): one["sum(r.yes)"]} for one in (row, other)]
    out, _, report = suppress([row, other], linkage_of((5000, 5000), row["count"] + 500), CMS, MEASURED, moments)
    assert out[0].get("hidden", []) == hidden
    assert [label for label in row if row[label] is not None and out[0][label] is None] == hidden
    assert out[0]["count"] == 100
    assert out[0]["suppressed"] == ("small-cell" if hidden else None)
    assert report["measures_hidden"] == len(hidden)


def test_s19_the_mean_of_zeros_and_ones_is_a_count() -> None:
    made = planned("inner", "l.side", measures=({"mean": "r.yes"},))
    rows: list[Any] = [{"l.side": "a", "count": 300, "mean(r.yes)": 7 / 300, "count(r.yes)": 300, "suppressed": None}]
    (row,), _, _ = suppress(rows, linkage_of((5000, 5000), 300), CMS, made, [{Sum(("r.yes",)): 7}])
    assert row["hidden"] == ["mean(r.yes)"]


def test_s19_present_values_that_add_up_to_nearly_everyone_are_not_all_shown() -> None:
    made = planned("left", measures=({"mean": "r.pay"},))
    rows: list[Any] = [{"count": 500, "mean(r.pay)": 3.0, "count(r.pay)": 297, "suppressed": None}]
    (row,), shown, _ = suppress(rows, linkage_of((500, 300), 297), CMS, made)
    assert shown["matched"] is None
    assert row["hidden"] == ["mean(r.pay)", "count(r.pay)"]


def test_s19_which_row_goes_along_depends_on_the_pattern_alone() -> None:
    linkage = linkage_of((9000, 9000), 3003)
    first = suppress(rows_of(INNER, (3, 1000, 2000, 0)), linkage, CMS, INNER)[0]
    second = suppress(rows_of(INNER, (3, 2000, 1000, 0)), linkage, CMS, INNER)[0]
    assert (
        [row["suppressed"] for row in first] == [row["suppressed"] for row in second] == ["small-cell", "complementary", None]
    )


def test_profiles_combine_to_the_stricter() -> None:
    assert profile_of(Disclosure()) == CMS
    assert profile_of(Disclosure(profile="open")).min_cell == 0
    assert profile_of(Disclosure(profile="cms", min_cell=5)).min_cell == 11
    assert profile_of(Disclosure(profile="cms", min_cell=20)).min_cell == 20
    assert profile_of(Disclosure(min_cell=0)).hides is False
    assert profile_of(Disclosure(min_cell=2)).min_cell == 3
    assert combine_profiles(DisclosureProfile("a", 5, zeros_disclosive=True), CMS) == DisclosureProfile(
        "cms", 11, zeros_disclosive=True, rules=CMS.rules
    )


def test_no_profile_lacks_a_rule_and_earlier_results_come_after_all_rules_of_rows() -> None:
    names = [type(rule).__name__ for rule in RULES]
    assert {"SmallCells", "LinkageReport", "Differences"} <= set(names)
    assert (names[0], names[-2:]) == ("SmallCells", ["Differences", "Margins"])  # totals are of rows as they go out
    assert all(profile.rules == RULES for profile in PROFILES.values())
