"""S-19 of measures at the desk: whatever shows a sum of zeros and ones is hidden where the number of people would be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tallystick.core.errors import Broken, Refused
from tallystick.core.measure import load_measures
from tallystick.crypto.statistic.desk import Opened
from tallystick.node.assignment import Assignment
from tests.cells import names
from tests.governance import agreement
from tests.unit.node.test_desk import MATCHED, REGIONS, Room, assignment, opened

COLUMN = "tanf.employed"
TERMS = agreement(link=["strict", "default"], decoys=0, operations=list(load_measures()))
TELLING = ("sum", "mean", "variance", "sd")
YES: dict[str | None, int] = {"north": 60, "south": 90, "east": 70, "west": 50}


def part_of(*measures: str, **changes: Any) -> Assignment:
    return assignment(TERMS, measures=["count", *({name: COLUMN} for name in measures)], **changes)


def cells(part: Assignment, yes: Mapping[str | None, int], matched: Mapping[str | None, int] = MATCHED) -> Opened:
    """Give what the desk opens where everybody has a value and so many of each region have a yes."""
    base = opened(part, matched)
    values: dict[tuple[int, str], int] = {}
    for at, region in enumerate(REGIONS):
        ones = yes.get(region, 0)
        values |= {(at, f"count({COLUMN})"): matched.get(region, 0)}
        values |= {(at, f"sum({COLUMN})"): ones, (at, f"sum({COLUMN} * {COLUMN})"): ones}
    merged = [values.get(name, value) for name, value in zip(names(part.contract.plan), base.values, strict=True)]
    return replace(base, values=tuple(merged))


def row(body: dict[str, Any], region: str) -> dict[str, Any]:
    (found,) = [one for one in body["rows"] if one["tanf.region"] == region]
    return dict(found)


@pytest.mark.parametrize("name", TELLING)
@pytest.mark.parametrize("few", [7, 93])
def test_s19_a_measure_of_a_yes_or_no_is_hidden_where_few_say_yes_or_few_say_no(name: str, few: int) -> None:
    part, label = part_of(name), f"{name}({COLUMN})"
    body = Room().made(part, cells(part, YES | {"north": few}))
    north, south = row(body, "north"), row(body, "south")
    assert (north["count"], north[f"count({COLUMN})"], north[label]) == (100, 100, None)
    assert (north["hidden"], north["suppressed"]) == ([label], "small-cell")
    assert south[label] is not None
    assert body["disclosure"]["measures_hidden"] == 1


def test_a_variance_of_a_yes_or_no_is_shown_where_many_say_either() -> None:
    part = part_of("variance", "sd")
    body = Room().made(part, cells(part, YES))
    north = row(body, "north")
    assert north[f"variance({COLUMN})"] == pytest.approx(100 / 99 * 0.6 * 0.4)
    assert north[f"sd({COLUMN})"] == pytest.approx((100 / 99 * 0.6 * 0.4) ** 0.5)
    assert body["columns"] == [
        "tanf.region", "count", f"variance({COLUMN})", f"count({COLUMN})", f"sd({COLUMN})", "suppressed",
    ]  # fmt: skip


@pytest.mark.parametrize("first", TELLING)
@pytest.mark.parametrize("second", TELLING)
def test_s19_no_two_measures_of_a_yes_or_no_tell_by_how_few_it_differs(first: str, second: str) -> None:
    """The desk keeps the exact numbers: from a variance alone, of the first job, they could not be read off."""
    room, many = Room(), MATCHED | {"north": 200}
    one, other = part_of(first, link="strict"), part_of(second, link="default")
    body = room.made(one, cells(one, YES))
    assert row(body, "north")[f"{first}({COLUMN})"] is not None
    after = room.made(other, cells(other, YES | {"north": 64}, many))
    north = row(after, "north")
    assert (north["count"], north[f"{second}({COLUMN})"]) == (200, None)
    assert (north["hidden"], north["suppressed"]) == ([f"{second}({COLUMN})"], "difference")
    assert after["disclosure"]["compared_with"] == 1


@pytest.mark.parametrize("second", TELLING)
def test_s19_what_one_measure_hides_no_other_shows_of_more_people(second: str) -> None:
    room, many = Room(), MATCHED | {"north": 300}
    one, other = part_of("variance", link="strict"), part_of(second, link="default")
    assert row(room.made(one, cells(one, YES | {"north": 5})), "north")["hidden"] == [f"variance({COLUMN})"]
    north = row(room.made(other, cells(other, YES | {"north": 120}, many)), "north")
    assert north["hidden"] == [f"{second}({COLUMN})"]


def test_s19_other_names_do_not_hide_what_was_told() -> None:
    room = Room()
    one = part_of("variance", link="strict")
    room.made(one, cells(one, YES))
    people = one.contract.job.question.json_value()["people"]
    named = {"people": {"a": people["tanf"], "b": people["wages"]}, "keep": "a and b", "by": ["a.region"]}
    other = assignment(TERMS, measures=["count", {"sd": "a.employed"}], link="default", **named)
    values = dict(zip(names(other.contract.plan), opened(other, MATCHED | {"north": 200}).values, strict=True))
    for at, region in enumerate(REGIONS):
        ones = (YES | {"north": 64}).get(region, 0)
        values |= {(at, "count(a.employed)"): (MATCHED | {"north": 200}).get(region, 0)}
        values |= {(at, "sum(a.employed)"): ones, (at, "sum(a.employed * a.employed)"): ones}
    for what in ("people", "usable"):
        values |= {(-1, f"{what}({group})"): 1600 for group in ("a", "b")}
    body = room.made(other, replace(opened(other, MATCHED), values=tuple(values[name] for name in names(other.contract.plan))))
    (north,) = [one for one in body["rows"] if one["a.region"] == "north"]
    assert north["hidden"] == ["sd(a.employed)"]


def test_s40_squares_of_zeros_and_ones_that_are_not_their_sum_are_refused() -> None:
    part = part_of("variance")
    honest = cells(part, YES)
    at = names(part.contract.plan).index((0, f"sum({COLUMN} * {COLUMN})"))
    lie = replace(honest, values=(*honest.values[:at], honest.values[at] + 1, *honest.values[at + 1 :]))
    with pytest.raises(Broken) as refused:
        Room().made(part, lie)
    assert refused.value.code == "cells-contradict"


def ask_threshold(years: int, **changes: Any) -> Assignment:
    """Give a job that asks, by region, for the share of people of so many years and more."""
    return assignment(TERMS, measures=["count", {"share": {"of": f"tanf.age >= {years}"}}], link="strict", **changes)


def of_threshold(part: Assignment, yes: Mapping[str | None, int]) -> Opened:
    """Give what the desk opens where so many of each region are of the job's years and more."""
    base = opened(part, MATCHED)
    ((reference,),) = [measure.columns for measure in part.contract.job.question.measures if measure.columns]
    values: dict[tuple[int, str], int] = {}
    for at, region in enumerate(REGIONS):
        values |= {(at, f"count({reference})"): MATCHED.get(region, 0), (at, f"sum({reference})"): yes.get(region, 0)}
    merged = [values.get(name, value) for name, value in zip(names(part.contract.plan), base.values, strict=True)]
    return replace(base, values=tuple(merged))


def test_s19_a_second_table_of_another_threshold_is_refused_without_a_gate_too() -> None:
    """Their difference, in the north one person, is of a count that no rule sees."""
    room, one, other = Room(), ask_threshold(30), ask_threshold(31)
    room.made(one, of_threshold(one, YES))
    with pytest.raises(Refused) as refused:
        room.made(other, of_threshold(other, YES | {"north": 59}))
    assert refused.value.code == "table-overlaps"
    again = ask_threshold(30, title="again")
    body = room.made(again, of_threshold(again, YES))
    assert row(body, "north")["share(tanf.age >= 30)"] == pytest.approx(0.6)
    assert row(room.made(part_of("mean"), cells(part_of("mean"), YES)), "north")[f"mean({COLUMN})"] is not None


def test_limit_without_a_gate_another_threshold_by_other_columns_is_not_compared() -> None:
    """A desk without a gate holds tables of the same people by the same columns against each other, and no others (SECURITY.md)."""
    room, one = Room(), ask_threshold(30)
    room.made(one, of_threshold(one, YES))
    other = ask_threshold(31, by=[])
    people = sum(MATCHED.values())
    base = opened(other, {None: people})
    reference = "tanf.age >= 31"
    told = {(0, "count()"): people, (0, "count"): people, (0, f"count({reference})"): people, (0, f"sum({reference})"): 269}
    values = [told.get(name, value) for name, value in zip(names(other.contract.plan), base.values, strict=True)]
    body = room.made(other, replace(base, values=tuple(values)))
    assert body["rows"][0][f"share({reference})"] == pytest.approx(269 / people)
