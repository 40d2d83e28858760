"""Plans over any population, through the rule: what is small stays closed, every test was foreseen, and known totals are the agencies' own."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from tallystick.core.disclosure.profiles import PROFILES
from tallystick.core.disclosure.rule import DisclosureProfile
from tallystick.core.disclosure.totals.design import TableDesign
from tallystick.core.disclosure.totals.gated import gate_of
from tallystick.core.disclosure.totals.pattern import Mark, Pattern
from tallystick.core.disclosure.totals.planned import PlannedTables
from tallystick.core.moments import Banded, Count, Present, Sum
from tallystick.core.statistics.keys import GroupPeople, InReport, InRow, Key, Matched, Usable
from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.planner import plan
from tallystick.crypto.statistic.gate import Fate
from tests.populations import frame_of
from tests.protocol.test_gated_tables import drive
from tests.unit.core.test_planner import evaluate
from tests.unit.core.test_populations import TERMS, lists_of, question_over
from tests.worlds import look, plain_design, small_cells, tables_up_to

CMS = PROFILES["cms"]
LOW = DisclosureProfile("custom", 3)


def opened_of(
    keep: str,
    by: tuple[str, ...],
    people: list[frozenset[str]],
    measures: tuple[Any, ...] = ("count",),
    profile: DisclosureProfile = LOW,
    owners: dict[str, str] | None = None,
) -> tuple[Plan, list[int], tuple[Fate, ...]]:
    """Give a plan, its cells' values, and what becomes of each."""
    owners = owners or {"a": "one", "b": "two"}
    asked = question_over(owners, keep, by, measures)
    rng = np.random.default_rng(len(people))
    frames = {group: frame_of(sum(group in have for have in people), rng) for group in owners}
    made = plan(asked, TERMS)
    values = evaluate(made, lists_of(asked, people, frames), len(people))
    tables = PlannedTables(made, profile)
    return made, values, drive(gate_of(tables.layers, tables.cells), values)


def check_nothing_small(made: Plan, values: list[int], fates: tuple[Fate, ...], least: int) -> None:
    flags = {column for column, quantity in made.quantities if quantity.flag}
    at = {cell.key: index for index, cell in enumerate(made.cells)}
    for key, index in at.items():
        number = key.number
        count = not isinstance(number, Sum) or set(number.columns) <= flags
        assert fates[index] != Fate.OPENED or not count or not 1 <= values[index] < least, key
        if isinstance(number, Sum) and fates[index] == Fate.OPENED:
            assert fates[at[type(key)(key.place, Present(tuple(dict.fromkeys(number.columns))))]] == Fate.OPENED
        if isinstance(number, Present) and fates[index] == Fate.OPENED:
            assert fates[at[type(key)(key.place, Count())]] == Fate.OPENED
            left = values[at[type(key)(key.place, Count())]] - values[index]
            assert not 1 <= left < least, "who has no value follows from it"


def crowd(source: random.Random, groups: str, people: int) -> list[frozenset[str]]:
    some = [frozenset(one) for size in range(1, len(groups) + 1) for one in combinations(groups, size)]
    weights = [source.choice([0, 1, 5, 20]) + 0.01 for _ in some]
    return source.choices(some, weights, k=people)


@pytest.mark.parametrize("seed", range(30))
def test_s19_no_count_of_a_plan_opens_that_is_small(seed: int) -> None:
    source = random.Random(seed)
    groups = "abc"[: source.randint(1, 3)]
    owners = {group: source.choice(["one", "two", "three"]) for group in groups}
    keep = source.choice([" and ".join(groups), " or ".join(groups), groups[0]])
    names = [f"{group}.{name}" for group in groups for name in ("place", "young")]
    by = tuple(source.sample(names, source.randint(0, 2)))
    measures: tuple[Any, ...] = (
        "count",
        *({source.choice(["mean", "variance"]): f"{groups[0]}.{name}"} for name in ("age", "young")),
    )
    least = source.choice([3, 5])
    made, values, fates = opened_of(
        keep, by, crowd(source, groups, source.choice([20, 90, 300])), measures, DisclosureProfile("custom", least), owners
    )
    check_nothing_small(made, values, fates, least)


def test_a_count_and_its_groups_open_together_if_nobody_is_left_over_who_are_few() -> None:
    both, only = frozenset("ab"), frozenset("a")
    made, values, fates = opened_of("a and b", (), [both] * 40 + [only] * 20 + [frozenset("b")] * 30, profile=CMS)
    shown = {cell.key.number: value for cell, value, fate in zip(made.cells, values, fates, strict=True) if fate == Fate.OPENED}
    assert shown == {Count(): 40, GroupPeople("a"): 60, GroupPeople("b"): 70, Matched(): 40, Usable("b"): 70}
    made, values, fates = opened_of("a and b", (), [both] * 40 + [only] * 5 + [frozenset("b")] * 30, profile=CMS)
    assert Fate.OPENED not in fates, "5 people of a are not in b"


def shown_of(made: Plan, fates: tuple[Fate, ...]) -> set[Key]:
    return {cell.key for cell, fate in zip(made.cells, fates, strict=True) if fate == Fate.OPENED}


def test_all_people_of_a_group_open_by_its_own_columns_and_what_would_bound_them_does_not() -> None:
    made, _, fates = opened_of("a", ("a.place",), [frozenset("a")] * 200)
    shown = shown_of(made, fates)
    assert {key for key in shown if isinstance(key.place, InRow)} == {Key(InRow(row), Count()) for row in range(len(made.rows))}
    assert {key.number for key in shown if isinstance(key.place, InReport)} == {
        GroupPeople("a"),
        GroupPeople("b"),
        Matched(),
        Usable("a"),
    }


def open_all(design: TableDesign) -> Pattern:
    return Pattern((Mark.OPENED,) * len(design.cells), tuple(Mark.OPENED if one.asked else None for one in design.totals))


def test_s19_two_columns_of_zeros_and_ones_open_together_and_only_if_no_way_to_have_them_is_small() -> None:
    """The ratio of two booleans at two agencies: counts of both, of each alone and of neither, of which none that is small opens."""
    both = frozenset("ab")
    columns, opened = ("a.young", "b.young"), 0
    for people in (12, 60, 200, 400):
        made, values, fates = opened_of("a and b", ("a.place",), [both] * people, ({"ratio": list(columns)},))
        found = {cell.key: (value, fate) for cell, value, fate in zip(made.cells, values, fates, strict=True)}
        for row in range(len(made.rows)):
            cells = [
                found.get(Key(InRow(row), one))
                for one in (Present(columns), Sum(columns[:1], columns), Sum(columns[1:], columns), Sum(columns, columns))
            ]
            if None in cells:
                continue
            numbers, ends = zip(*cells, strict=True)
            there, one, other, ones = numbers
            ways = (ones, one - ones, other - ones, there - one - other + ones)
            if Fate.OPENED in ends[1:3] or ends[3] == Fate.OPENED:
                assert ends[0] == Fate.OPENED
            if all(end == Fate.OPENED for end in ends):
                assert not any(1 <= way < LOW.min_cell for way in ways)
                opened += 1
            if ends[1] == Fate.OPENED:
                assert ends[3] == Fate.OPENED, "a margin opens only with its cells"
    assert opened


def test_s19_the_table_of_two_columns_leaves_every_small_value_possible() -> None:
    made = plan(question_over({"a": "one", "b": "two"}, "a and b", (), ({"ratio": ["a.young", "b.young"]},)), TERMS)
    tables = PlannedTables(made, LOW)
    (design,) = tables.layers[0]([])
    patterns = [open_all(design)]
    (split,) = tables.layers[1](patterns)
    pair, *_ = tables.layers[2]([*patterns, open_all(split)])
    assert [len(cell.terms) for cell in pair.cells] == [1, 2, 2, 4]
    worlds = tables_up_to(4, 16)
    plain = plain_design(4, [replace(total, cell=None) for total in pair.totals], min_cell=LOW.min_cell)
    assert not look(plain, worlds).leaks(small_cells(plain)).any()


BANDED: tuple[Any, ...] = (
    {"histogram": {"of": "a.age", "at": [20, 40, 60]}},
    {"survival": {"of": "a.age", "event": "b.young", "at": [20, 40, 60]}},
    {"concentration": {"of": "a.age", "at": [40]}},
)


@pytest.mark.parametrize("measure", BANDED, ids=lambda one: next(iter(one)))
def test_s19_bands_open_only_where_none_that_follows_is_small(measure: dict[str, Any]) -> None:
    opened = 0
    for people in (20, 100, 500):
        made, values, fates = opened_of("a and b", ("b.place",), [frozenset("ab")] * people, (measure,))
        found = {cell.key: (value, fate) for cell, value, fate in zip(made.cells, values, fates, strict=True)}
        (asked,) = made.asked
        for row in range(len(made.rows)):
            bands = [one for one in asked.moments if isinstance(one, Banded) and one.of is None]
            cells = [found[Key(InRow(row), one)] for one in bands if Key(InRow(row), one) in found]
            there = found.get(Key(InRow(row), asked.rests_on))
            if there is None or len(cells) < len(bands):
                continue
            whole = there[1] == Fate.OPENED
            assert whole or all(fate != Fate.OPENED for _, fate in cells)
            assert not any(fate == Fate.OPENED and 1 <= value < LOW.min_cell for value, fate in cells)
            closed = [value for value, fate in cells if fate != Fate.OPENED]
            assert not whole or len(closed) != 1, "one hidden band is what is left of all"
            for band in bands:
                for one in asked.moments:
                    if isinstance(one, Banded) and one.of is not None and one.counted == band:
                        value, fate = found[Key(InRow(row), one)]
                        total, end = found[Key(InRow(row), band)]
                        if one.of == "a.age":
                            assert fate == end
                        elif fate == Fate.OPENED:
                            small = set(range(1, LOW.min_cell))
                            assert value not in small
                            assert end != Fate.OPENED or total - value not in small
            opened += not closed
    assert opened


def test_s19_the_table_of_bands_and_events_leaves_every_small_value_possible() -> None:
    asked = question_over(
        {"a": "one", "b": "two"}, "a and b", (), ({"survival": {"of": "a.age", "event": "b.young", "at": [40]}},)
    )
    tables = PlannedTables(plan(asked, TERMS), LOW)
    (design,) = tables.layers[0]([])
    patterns = [open_all(design)]
    (split,) = tables.layers[1](patterns)
    bands, *_ = tables.layers[2]([*patterns, open_all(split)])
    assert [len(cell.terms) for cell in bands.cells] == [1, 2, 1, 2]
    worlds = tables_up_to(4, 16)
    plain = plain_design(4, [replace(total, cell=None) for total in bands.totals], min_cell=LOW.min_cell)
    assert not look(plain, worlds).leaks(small_cells(plain)).any()
