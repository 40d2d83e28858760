"""S-19 between results: what two tables of the same people differ by is held to the rules of a table."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.core.disclosure.profiles import PROFILES, DisclosureProfile
from tallystick.core.disclosure.rules.differences import without_differences
from tallystick.core.disclosure.rules.small_cells import suppress
from tallystick.core.statistics.plan import Plan
from tests.unit.core.test_suppress import linkage_of, planned

CMS = PROFILES["cms"]
INNER, LEFT_BY_RIGHT = planned("inner", "l.side"), planned("left", "r.side")
MEASURED = planned("inner", "l.side", measures=("count", {"sum": "l.pay"}, {"mean": "r.yes"}))


def table(
    made: Any, counts: tuple[int, ...], profile: DisclosureProfile, *, people: int = 5000, matched: int | None = None
) -> dict[str, Any]:
    """Give a table as every other rule leaves it."""
    keyed = zip(made.rows, counts, strict=True)
    rows = [dict(zip(made.by, key, strict=True)) | {"count": count, "suppressed": None} for key, count in keyed]
    inner = made.population.shape == "both"
    total = sum(counts) if inner else sum(counts[:4])
    linkage = linkage_of((people if inner else sum(counts), 9000), total if matched is None else matched)
    out, totals, _ = suppress(rows, linkage, profile, made)
    return {"rows": out, "linkage": totals}


def counts_of(value: dict[str, Any]) -> list[int | None]:
    return [row["count"] for row in value["rows"]]


def test_s19_a_row_that_differs_by_few_is_hidden_and_takes_another_with_it() -> None:
    strict, loose = table(INNER, (100, 200, 300, 0), CMS), table(INNER, (103, 250, 360, 0), CMS)
    made, hidden = without_differences(loose, [strict], CMS, INNER)
    assert counts_of(made) == [None, None, 360, 0]
    assert {row["suppressed"] for row in made["rows"][:2]} == {"difference"}
    assert hidden == 2
    assert made["linkage"]["matched"] == 713


def test_the_same_table_again_is_shown_again() -> None:
    one = table(INNER, (100, 4, 300, 0), CMS)
    assert without_differences(one, [one], CMS, INNER) == ({"rows": one["rows"], "linkage": one["linkage"] | {"passes": []}}, 0)


def test_differences_that_are_not_few_are_shown() -> None:
    strict, loose = table(INNER, (100, 200, 300, 0), CMS), table(INNER, (111, 250, 360, 0), CMS)
    made, hidden = without_differences(loose, [strict], CMS, INNER)
    assert (counts_of(made), hidden) == ([111, 250, 360, 0], 0)


def test_s19_a_row_that_an_earlier_table_hides_stays_hidden() -> None:
    strict, loose = table(INNER, (100, 5, 300, 0), CMS), table(INNER, (150, 60, 360, 0), CMS)
    assert counts_of(strict) == [None, None, 300, 0]
    made, _ = without_differences(loose, [strict], CMS, INNER)
    assert counts_of(made) == [None, None, 360, 0]


def test_s19_if_few_were_added_in_all_the_matches_are_hidden_and_all_that_says_them() -> None:
    strict, loose = table(INNER, (100, 200, 300, 0), CMS), table(INNER, (102, 203, 301, 0), CMS)
    loose["linkage"] = dict(loose["linkage"]) | {
        "passes": [{"pass": "ssn", "tokens": {"l": 5000, "r": 9000}, "matches": 606}],
        "rates": {"overall": {"l": {"value": 0.1}}, "by": ["l.side"], "groups": [{"l.side": "a", "people": 9, "matched": 9, "rate": {}}]},
        "quality": {"precision": {"value": 1.0}, "recall": None},
    }  # fmt: skip
    made, _ = without_differences(loose, [strict], CMS, INNER)
    linkage = made["linkage"]
    assert counts_of(made)[:3] == [None, None, None]
    assert linkage["matched"] is None
    assert linkage["passes"][0]["matches"] is None
    assert linkage["rates"]["overall"] == {"l": None}
    assert linkage["rates"]["groups"] == [{"l.side": "a", "people": None, "matched": None, "rate": None}]
    assert linkage["quality"] == {"precision": None, "recall": None}


def test_s19_a_sum_of_zeros_and_ones_that_differs_by_few_is_hidden() -> None:
    def row(count: int, yes: int) -> dict[str, Any]:
        return {
            "l.side": "a", "count": count, "sum(l.pay)": count * 3, "count(l.pay)": count,
            "mean(r.yes)": yes / count, "count(r.yes)": count, "suppressed": None,
        }  # fmt: skip

    linkage = linkage_of((5000, 5000), 300)
    past, now = {"rows": [row(200, 100)], "linkage": linkage}, {"rows": [row(300, 104)], "linkage": linkage | {"matched": 400}}
    made, hidden = without_differences(now, [past], CMS, MEASURED)
    (only,) = made["rows"]
    assert (only["count"], only["mean(r.yes)"], only["hidden"], hidden) == (300, None, ["mean(r.yes)"], 0)


def test_an_open_profile_compares_nothing() -> None:
    strict, loose = table(INNER, (1, 2, 3, 0), PROFILES["open"]), table(INNER, (2, 2, 3, 0), PROFILES["open"])
    assert without_differences(loose, [strict], PROFILES["open"], INNER)[1] == 0


# --- whoever subtracts -----------------------------------------------------------------------------------------------------------


@st.composite
def pairs(draw: st.DrawFn) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    """Give k, a table, and one of the same people after more of them matched."""
    k = draw(st.sampled_from([3, 5, 11]))
    often_small = st.integers(0, k) | st.integers(0, 6 * k)
    first = tuple(draw(st.lists(often_small, min_size=4, max_size=4)))
    more = tuple(draw(st.lists(st.just(0) | often_small, min_size=4, max_size=4)))
    return k, first, more


@settings(max_examples=300, deadline=None)
@given(pairs())
def test_s19_no_small_difference_of_two_tables_can_be_worked_out(case: tuple[int, tuple[int, ...], tuple[int, ...]]) -> None:
    k, first, more = case
    profile = DisclosureProfile("custom", k)
    second = tuple(a + b for a, b in zip(first, more, strict=True))
    earlier = table(INNER, first, profile)
    made, _ = without_differences(table(INNER, second, profile), [earlier], profile, INNER)
    before, after = counts_of(earlier), counts_of(made)
    for a, b in zip(before, after, strict=True):
        assert a is None or b is None or not profile.is_small(b - a)
        assert a is not None or b is None
    then, now = earlier["linkage"]["matched"], made["linkage"]["matched"]
    assert then is None or now is None or not profile.is_small(now - then)
    if then is not None and now is not None:
        # what totals and shown rows leave of the difference, for the rows that are hidden now
        left = now - then - sum(b - a for a, b in zip(before, after, strict=True) if a is not None and b is not None)
        gone = [at for at, number in enumerate(after) if number is None]
        assert gone or left == 0
        assert not profile.is_small(left)
        small = [at for at in gone if profile.is_small(more[at])]
        assert not small or len(gone) >= 2, (before, after)


@settings(max_examples=100, deadline=None)
@given(pairs(), st.permutations(range(2)))
def test_s19_whatever_the_order_no_two_of_three_tables_differ_by_few(
    case: tuple[int, tuple[int, ...], tuple[int, ...]], order: list[int]
) -> None:
    k, first, more = case
    profile = DisclosureProfile("custom", k)
    steps = [tuple(a + times * b for a, b in zip(first, more, strict=True)) for times in (0, 1, 2)]
    kept: list[dict[str, Any]] = []
    for at in (order[0], 2, order[1]):
        kept.append(without_differences(table(INNER, steps[at], profile), kept, profile, INNER)[0])
    for one in kept:
        for other in kept:
            for a, b in zip(counts_of(one), counts_of(other), strict=True):
                assert a is None or b is None or not profile.is_small(abs(a - b))


# --- whoever knows the rules -----------------------------------------------------------------------------------------------------

LEFT_BY_BOTH = planned("left", "l.side", "r.side")
MATCHED_BY_BOTH = planned("inner", "l.side", "r.side")


def told(made: dict[str, Any]) -> tuple[Any, ...]:
    """Give all that a table tells."""
    linkage = made["linkage"]
    return (*counts_of(made), linkage["matched"], *linkage["people"].values())


def inner_by_both(counts: tuple[int, ...]) -> dict[str, Any]:
    names = MATCHED_BY_BOTH.by
    rows = [dict(zip(names, key, strict=True)) | {"count": n} for key, n in zip(MATCHED_BY_BOTH.rows, counts, strict=False)]
    return {"rows": rows, "linkage": linkage_of((5000, 9000), sum(counts))}


def left_by_both(matched: tuple[int, ...]) -> dict[str, Any]:
    """Give two groups of 100 people: those matched at two levels, and all others."""
    rows = []
    for side, (a, b) in (("a", matched[:2]), ("b", matched[2:])):
        levels = (("a", a), ("b", b), (None, 0), (None, 100 - a - b))
        rows += [{"l.side": side, "r.present": True, "r.side": level, "count": count} for level, count in levels]
        rows[-1]["r.present"] = False
    return {"rows": rows, "linkage": linkage_of((200, 9000), sum(matched))}


@pytest.mark.parametrize(
    ("k", "rows", "most", "made", "plan"),
    [
        (3, 3, 9, inner_by_both, MATCHED_BY_BOTH),
        (3, 5, 4, inner_by_both, MATCHED_BY_BOTH),
        (4, 3, 9, inner_by_both, MATCHED_BY_BOTH),
        (3, 4, 5, left_by_both, LEFT_BY_BOTH),
    ],
)
def test_s19_whoever_knows_the_rules_cannot_tell_by_how_few_a_row_differs(
    k: int, rows: int, most: int, made: Callable[[tuple[int, ...]], dict[str, Any]], plan: Plan
) -> None:
    """Among all tables that are released alike, no hidden small difference has one value only."""
    profile, past = DisclosureProfile("custom", k), made((20,) * rows)
    alike: dict[tuple[Any, ...], list[tuple[int, ...]]] = {}
    for more in product(range(most + 1), repeat=rows):
        after, _ = without_differences(made(tuple(20 + one for one in more)), [past], profile, plan)
        alike.setdefault(told(after), []).append(more)
    assert len(alike) > 100
    for several in alike.values():
        if sum(several[0]) > most:
            continue  # others may be alike that were not tried
        for column in zip(*several, strict=True):
            assert len(set(column)) > 1 or not 0 < column[0] < k, several
        for pair in (slice(0, 2), slice(2, 4)) if plan is LEFT_BY_BOTH else ():
            sums = {sum(one[pair]) for one in several}
            assert len(sums) > 1 or not 0 < min(sums) < k, several


def test_s19_the_matches_are_hidden_where_they_would_say_who_has_a_value() -> None:
    by_left = planned("left", "l.side", measures=("count", {"mean": "r.yes"}))

    def table(*present: int) -> dict[str, Any]:
        rows = [
            {"l.side": side, "count": 500, "mean(r.yes)": 0.5, "count(r.yes)": some, "suppressed": None}
            for side, some in zip(("a", "b", "c"), present, strict=True)
        ]
        return {"rows": rows, "linkage": linkage_of((1500, 9000), sum(present))}

    made, _ = without_differences(table(111, 100, 101), [table(100, 100, 100)], CMS, by_left)
    assert counts_of(made) == [None, 500, None]
    assert made["linkage"]["matched"] is None
    made, _ = without_differences(table(160, 100, 101), [table(100, 100, 100)], CMS, by_left)
    assert (counts_of(made), made["linkage"]["matched"]) == ([None, 500, None], 361)


def test_s19_a_formula_the_other_way_round_shows_no_second_margin_of_one_table() -> None:
    """`l and r` tells matches by the levels of l, `r and l` by those of r: together they would be both margins of the hidden rows."""
    by = ("l.side", "r.yes")
    one, other = planned("inner", *by), planned("r and l", *by)
    assert (one.group_by, other.group_by) == (("l.side",), ("r.yes",))

    def shown(made: Plan) -> dict[str, Any]:
        rows = [dict(zip(made.by, key, strict=True)) | {"count": 100, "suppressed": None} for key in made.rows]
        groups = [
            dict(zip(made.group_by, key, strict=True)) | {"people": 900, "matched": 300, "rate": {"value": 0.3}}
            for key in made.groups
        ]
        rates = {"overall": {"l": {"value": 0.1}, "r": None}, "by": list(made.group_by), "groups": groups}
        linkage = linkage_of((5000, 9000), 100 * len(rows)) | {"passes": [], "rates": rates, "quality": {}}
        return {"rows": rows, "linkage": linkage}

    made, hidden = without_differences(shown(other), [shown(one)], CMS, other)
    assert {group["matched"] for group in made["linkage"]["rates"]["groups"]} == {None}
    assert hidden == 0
    again, _ = without_differences(shown(one), [shown(one)], CMS, one)
    assert {group["matched"] for group in again["linkage"]["rates"]["groups"]} == {300}
