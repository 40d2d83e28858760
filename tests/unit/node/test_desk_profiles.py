"""What the desk releases under each named profile: the values that their sources name, shown and hidden at their limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tallystick.core.agreement.model import Agreement
from tallystick.core.disclosure.profiles import PROFILES, combine_profiles
from tallystick.core.overall import list_operations
from tallystick.node.assignment import Assignment
from tests.cells import names
from tests.governance import agreement
from tests.unit.node.test_desk import MATCHED as KNOWN
from tests.unit.node.test_desk import REGIONS, Room, assignment, counts, opened
from tests.unit.node.test_desk_measures import row

MATCHED = KNOWN | {None: 130}
"""Also people without a region: where zeros are disclosive, an empty row of them takes another row with it."""
PEOPLE = 400
AGE = "tanf.age"
BENEFIT = "tanf.benefit"


def terms(profile: str) -> Agreement:
    return agreement(link=["strict", "default"], decoys=0, operations=list(list_operations()), disclosure={"profile": profile})


def released(
    part: Assignment, matched: Mapping[str | None, int], sums: Mapping[str, Mapping[str | None, int]] | None = None
) -> Any:
    """Give what goes out where everybody has a value of each column, and these sums."""
    base = opened(part, matched)
    values: dict[tuple[int, str], int] = {(-2 - at, "people"): PEOPLE for at in range(len(REGIONS))}
    values |= {(-1, name): len(REGIONS) * PEOPLE for name in ("people(tanf)", "usable(tanf)")}
    values |= {(-1, f"tokens({name}) tanf"): len(REGIONS) * PEOPLE for name in part.contract.plan.passes}
    for column, by_region in (sums or {}).items():
        for at, region in enumerate(REGIONS):
            values |= {(at, f"count({column})"): matched.get(region, 0), (at, f"sum({column})"): by_region.get(region, 0)}
    merged = [values.get(name, value) for name, value in zip(names(part.contract.plan), base.values, strict=True)]
    return Room().made(part, replace(base, values=tuple(merged)))


@pytest.mark.parametrize(("profile", "least"), [("cms", 11), ("adrf", 10), ("ferpa", 10), ("opensafely", 8), ("acro", 10)])
def test_the_least_count_is_shown_and_one_less_is_not(profile: str, least: int) -> None:
    part = assignment(terms(profile))
    at_least = counts(released(part, dict.fromkeys(REGIONS, least)))
    assert list(at_least.values()) == [least if profile in {"cms", "ferpa"} else 10] * 5
    below = counts(released(part, dict.fromkeys(REGIONS, 200) | {"north": least - 1}))
    assert below["north"] is None


@pytest.mark.parametrize(("profile", "shown"), [("cms", 0), ("adrf", None), ("ferpa", 0), ("opensafely", 0), ("acro", None)])
def test_zeros_are_shown_where_the_profile_allows_them(profile: str, shown: int | None) -> None:
    assert counts(released(assignment(terms(profile)), MATCHED | {"north": 0}))["north"] == shown


def test_adrf_rounds_what_leaves_and_the_linkage_report_with_it() -> None:
    part = assignment(terms("adrf"), measures=["count", {"sum": BENEFIT}, {"mean": BENEFIT}])
    matched = {"north": 104, "south": 349, "east": 155, "west": 120, None: 130}
    body = released(
        part, matched, {BENEFIT: {None: 1_000_000, "north": 12_345_678, "south": 99_999, "east": 1_555_001, "west": 1_000_049}}
    )
    north, south, east = row(body, "north"), row(body, "south"), row(body, "east")
    assert (north["count"], south["count"], east["count"]) == (100, 350, 160)
    assert (north[f"count({BENEFIT})"], north[f"sum({BENEFIT})"]) == (100, 123_500)
    assert north[f"mean({BENEFIT})"] == round(123_456.78 / 104, 2)
    linkage = body["linkage"]
    assert linkage["people"] == {"tanf": 2000, "wages": 1600}
    assert linkage["matched"] == 860
    shown = {one["tanf.region"]: (one["people"], one["matched"], one["rate"]["value"]) for one in linkage["rates"]["groups"]}
    assert shown["north"] == (400, 100, 0.25)
    assert linkage["rates"]["overall"]["tanf"]["value"] == 0.43
    assert body["disclosure"]["rounding"].startswith("counts to 10, from 1,000 on to 100; sums to 100;")


def test_what_is_rounded_is_held_against_exact_numbers_later() -> None:
    room = Room()
    strict, loose = (assignment(terms("opensafely"), link=link) for link in ("strict", "default"))
    first = room.candidate(strict, KNOWN | {"north": 102})
    second = room.candidate(loose, KNOWN | {"north": 104})
    assert first["linkage"]["passes"][0]["matches"] == first["linkage"]["matched"] == 570
    assert counts(first)["north"] == 100  # 105 would be the second: neither is small beside the other, 2 people are
    assert counts(second)["north"] is None


def test_without_a_rounding_profile_nothing_is_rounded() -> None:
    body = released(assignment(terms("cms")), MATCHED | {"north": 104})
    assert (counts(body)["north"], "rounding" in body["disclosure"]) == (104, False)


@pytest.mark.parametrize(("total", "shown"), [(0, False), (240, False), (266, False), (267, True), (5000, True)])
def test_acro_shows_no_sum_that_two_people_may_make_up(total: int, shown: bool) -> None:
    """Two people of 120 years are 0.9 of a sum of 266.67 years."""
    part = assignment(terms("acro"), measures=["count", {"sum": AGE}, {"mean": AGE}])
    body = released(part, MATCHED, {AGE: dict.fromkeys(REGIONS, 5000) | {"north": total}})
    north = row(body, "north")
    assert north["count"] == 100
    assert (north[f"sum({AGE})"] is not None) == (north[f"mean({AGE})"] is not None) == shown
    if not shown:
        assert (north["suppressed"], north["hidden"]) == ("dominance", [f"sum({AGE})", f"mean({AGE})"])
    assert body["disclosure"]["dominated"] == (0 if shown else 2)


def test_other_profiles_ask_nothing_of_dominance() -> None:
    part = assignment(terms("cms"), measures=["count", {"sum": AGE}])
    body = released(part, MATCHED, {AGE: dict.fromkeys(REGIONS, 1)})
    assert row(body, "north")[f"sum({AGE})"] == 1
    assert "dominated" not in body["disclosure"]


EMPLOYED = "tanf.employed"
EVEN = dict.fromkeys(MATCHED, 60) | {None: 65}


@pytest.mark.parametrize(
    ("ones", "value", "coded"),
    [
        (0, 0.05, "at most"),
        (14, 0.05, "at most"),
        (15, 0.05, None),
        (150, 0.5, None),
        (285, 0.95, None),
        (286, 0.95, "at least"),
        (300, 0.95, "at least"),
    ],
)
def test_ferpa_codes_shares_below_5_and_above_95_percent(ones: int, value: float, coded: str | None) -> None:
    part = assignment(terms("ferpa"), measures=["count", {"share": EMPLOYED}, {"mean": EMPLOYED}])
    body = released(part, MATCHED | {"north": 300}, {EMPLOYED: EVEN | {"north": ones}})
    north = row(body, "north")
    labels = [f"share({EMPLOYED})", f"mean({EMPLOYED})"]
    assert [north[label] for label in labels] == [value, value]
    assert north.get("coded") == (None if coded is None else dict.fromkeys(labels, coded))
    assert (labels[0] in north.get("details", {})) == (coded is None)
    assert body["disclosure"]["coded"] == (0 if coded is None else 2)


@pytest.mark.parametrize("name", ["sum", "variance", "sd"])
@pytest.mark.parametrize(("ones", "told"), [(14, False), (15, True), (286, False)])
def test_ferpa_hides_what_else_tells_a_share_that_is_coded(name: str, ones: int, told: bool) -> None:
    part = assignment(terms("ferpa"), measures=["count", {"share": EMPLOYED}, {name: EMPLOYED}])
    base = released_with_squares(part, MATCHED | {"north": 300}, EVEN | {"north": ones})
    north = row(base, "north")
    assert (north[f"{name}({EMPLOYED})"] is not None) == told
    if not told:
        assert (north["suppressed"], north["hidden"]) == ("coding", [f"{name}({EMPLOYED})"])
        assert north[f"share({EMPLOYED})"] in {0.05, 0.95}


def released_with_squares(part: Assignment, matched: Mapping[str | None, int], ones: Mapping[str | None, int]) -> Any:
    """Give what goes out where everybody has a value of 0 or 1, so many of each region a 1."""
    base = opened(part, matched)
    values: dict[tuple[int, str], int] = {(-2 - at, "people"): PEOPLE for at in range(len(REGIONS))}
    values |= {(-1, name): len(REGIONS) * PEOPLE for name in ("people(tanf)", "usable(tanf)")}
    for at, region in enumerate(REGIONS):
        values |= {(at, f"count({EMPLOYED})"): matched.get(region, 0)}
        values |= {(at, f"sum({name})"): ones.get(region, 0) for name in (EMPLOYED, f"{EMPLOYED} * {EMPLOYED}")}
    merged = [values.get(name, value) for name, value in zip(names(part.contract.plan), base.values, strict=True)]
    return Room().made(part, replace(base, values=tuple(merged)))


def test_adrf_s_quantiles_are_means_of_two_beside_them() -> None:
    at = [20, 40, 60, 80]
    part = assignment(
        terms("adrf"), measures=["count", {"median": {"of": AGE, "at": at}}, {"quantiles": {"of": AGE, "at": at}}]
    )
    bands = {"under 20": 20, "20 to under 40": 100, "40 to under 60": 380, "60 to under 80": 480, "80 or over": 20}
    base = opened(part, dict.fromkeys(MATCHED, 1000))
    values: dict[tuple[int, str], int] = {(-2 - place, "people"): 4000 for place in range(len(REGIONS))}
    values |= {(-1, name): 4000 * len(REGIONS) for name in ("people(tanf)", "usable(tanf)", "people(wages)", "usable(wages)")}
    for place in range(len(REGIONS)):
        values |= {(place, f"count({AGE})"): 1000}
        values |= {(place, f"count({AGE} {band} of {AGE})"): many for band, many in bands.items()}
    merged = [values.get(name, value) for name, value in zip(names(part.contract.plan), base.values, strict=True)]
    body = Room().made(part, replace(base, values=tuple(merged)))
    north = row(body, "north")
    median, quantiles = (next(label for label in north if label.startswith(f"{name}(")) for name in ("median", "quantiles"))

    def exact(share: float) -> float:
        return float(np.interp(share * 1000, [20, 120, 500, 980], at))

    assert north[median] == round((exact(0.45) + exact(0.55)) / 2, 2) != round(exact(0.5), 2)
    fuzzy = {
        f"p{share}": round((exact(share / 100 - 0.05) + exact(share / 100 + 0.05)) / 2, 2) for share in (10, 25, 50, 75, 90)
    }
    assert north["details"] == {quantiles: fuzzy}
    assert north[quantiles] == pytest.approx(fuzzy["p75"] - fuzzy["p25"], abs=0.011)
    assert body["disclosure"]["fuzzy_quantiles"] is True


def test_profiles_together_are_the_stricter_of_each_rule() -> None:
    made = combine_profiles(*PROFILES.values())
    assert (made.min_cell, made.zeros_disclosive, made.fuzzy) == (11, True, True)
    assert made.coding == PROFILES["ferpa"].coding
    assert made.dominance == PROFILES["acro"].dominance
    assert made.rounding is not None
    assert [made.rounding.round_count(count) for count in (14, 1049, 1051)] == [10, 1000, 1100]
    assert made.rounding.round_sum(149) == 100
    for one, profile in PROFILES.items():
        assert combine_profiles(profile, PROFILES["open"]) == replace(profile, name=one)


def test_a_coded_share_may_follow_as_a_difference_of_two_tables() -> None:
    """What the rule says that it does not cover: everybody's share less those of the other rows is that of the coded one."""
    label, measures = f"share({EMPLOYED})", ["count", {"share": EMPLOYED}]
    matched, ones = MATCHED | {"north": 300}, EVEN | {"north": 289}
    by_region = released(assignment(terms("ferpa"), measures=measures), matched, {EMPLOYED: ones})
    assert row(by_region, "north")["coded"] == {label: "at least"}
    others = sum(one["details"][label]["held"] for one in by_region["rows"] if label in one.get("details", {}))
    whole = assignment(terms("ferpa"), measures=measures, by=[])
    values = {
        "count": sum(matched.values()),
        f"count({EMPLOYED})": sum(matched.values()),
        f"sum({EMPLOYED})": sum(ones.values()),
    }
    base = opened(whole, matched)
    cells = zip(names(whole.contract.plan), base.values, strict=True)
    told = [values.get(name, value) if place == 0 else value for (place, name), value in cells]
    (everybody,) = Room().made(whole, replace(base, values=tuple(told)))["rows"]
    assert everybody["details"][label]["held"] - others == 289
