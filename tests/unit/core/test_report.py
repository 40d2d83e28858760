"""The linkage report: what a list says of itself, what the coordinator adds, and what of both may be shown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.core.canonical import canonical_bytes
from tallystick.core.disclosure.profiles import PROFILES, DisclosureProfile
from tallystick.core.disclosure.rules.linkage_report import linkage_report
from tallystick.core.errors import Broken, Invalid
from tallystick.core.linkage.matching.matching import match_tags
from tallystick.core.linkage.passes.recipes import parse_recipe
from tallystick.core.linkage.quality.estimates import Estimate, recall
from tallystick.core.linkage.quality.report import (
    THOUSAND,
    LinkageCounts,
    count_links,
    decoy_patterns,
    encode_report,
    read_seen,
    spread,
)
from tallystick.core.linkage.quality.sharing import ListNumber, list_counts
from tallystick.core.statistics.columns import AgencyList, GroupMembers, own_totals, usable_column
from tallystick.core.statistics.planner import plan
from tallystick.core.statistics.table import linkage_numbers, table
from tallystick.crypto import tags
from tallystick.crypto.decoys import decoy_shapes
from tests.passes import ladder_of
from tests.unit.core.test_planner import agreement, question

CMS = PROFILES["cms"]
JOB = bytes(range(32))
NAMES = ("ssn+birth_date", "first_name+last_name+birth_date", "ssn+last_name:4")
RECIPES = [parse_recipe(name) for name in NAMES]
PLACE: dict[str, Any] = {"job": JOB, "attempt": 2, "passes": "ab" * 32}


# --- what a list says of itself --------------------------------------------------------------------------------------------------


def test_tokens_and_pairs_who_share_one_are_counted() -> None:
    people: dict[str, Any] = {
        "ssn": ["219451237", "219451237", "219451238", None, "219451240"],
        "first_name": ["ann", "bob", "eve", "eve", None],
        "last_name": ["lee", "lee", "roe", "roe", "doe"],
        "birth_date": ["1980-01-02", "1981-01-02", "1990-05-06", "1990-05-06", "1999-09-09"],
    }
    counts = list_counts(RECIPES, people, 5)
    assert [counts[ListNumber("tokens", name)] for name in NAMES] == [4, 4, 4]
    alike = [counts[ListNumber("alike", name)] for name in NAMES]
    doubtful = [counts[ListNumber("doubtful", name)] for name in NAMES]
    # ann and bob share a number and a last name: two people, whom their birth dates tell apart
    assert alike == [0, 0, 1]
    # nothing tells the two eves apart, and they agree in far more bits than five people have pairs: rather one person twice
    assert doubtful == [0, 0, 0]


def test_passes_of_one_recipe_count_the_same_pairs_whatever_their_guards() -> None:
    people: dict[str, Any] = {
        "first_name": ["ann"] * 3, "last_name": ["lee"] * 3, "birth_date": ["1980-01-02"] * 3, "ssn": ["219451237", "319458621", None],
    }  # fmt: skip
    n = 40_000
    people = {name: [*values, *[None] * (n - 3)] for name, values in people.items()}
    recipes = [parse_recipe(NAMES[1] + guard) for guard in ("~ssn4", "^ssn4")]
    counts = list_counts(recipes, people, n)
    assert [counts[ListNumber("tokens", recipe.name)] for recipe in recipes] == [3, 3]
    assert [counts[ListNumber("alike", recipe.name)] for recipe in recipes] == [3, 3]


def test_people_who_look_alike_by_chance_are_counted_at_their_strictest_pass() -> None:
    drawn = np.random.default_rng(1)
    n = 4000
    people: dict[str, Any] = {
        "ssn": [f"{219000000 + 7 * at}" for at in range(n)],
        "first_name": [f"name{chr(97 + at % 26)}" for at in range(n)],
        "last_name": [f"last{chr(97 + drawn.integers(26))}" for _ in range(n)],
        "birth_date": [f"19{drawn.integers(40, 44)}-01-{drawn.integers(1, 10):02d}" for _ in range(n)],
    }
    keys = list(zip(people["first_name"], people["last_name"], people["birth_date"], strict=True))
    same = {key: keys.count(key) for key in set(keys)}
    counts = list_counts(RECIPES, people, n)
    found = counts[ListNumber("alike", NAMES[1])] + counts[ListNumber("doubtful", NAMES[1])]
    every = sum(size * (size - 1) // 2 for size in same.values())
    # two whose numbers are alike in part as well agree in more bits than chance makes: rather one person twice
    # of those whose numbers differ by a slip some are taken for one person
    assert 0.85 * every < found <= every


def test_a_similarity_pass_counts_who_has_any_band() -> None:
    people: dict[str, Any] = {"ssn": ["219451237", None, "219451238"], "birth_date": ["1980-01-02", "1980-01-03", None]}
    exact = [parse_recipe("ssn+birth_date")]
    in_any_band = np.array([True, False, True])
    counts = list_counts(exact, people, 3, in_any_band=in_any_band)
    read = [("tokens", "ssn+birth_date"), ("tokens", "similarity"), ("alike", "similarity")]
    assert [counts[ListNumber(what, name)] for what, name in read] == [1, 2, 0]  # type: ignore[arg-type]  # literals


def test_a_plan_with_passes_takes_what_lists_say_and_none_else() -> None:
    made = plan(question(), agreement(), NAMES)
    whats: tuple[Any, ...] = ("tokens", "alike", "doubtful")
    counts = {ListNumber(what, name): at + step for at, what in enumerate(whats) for step, name in enumerate(NAMES)}
    people = AgencyList(3, {"l": GroupMembers({"#usable": usable_column(np.ones(3, dtype=np.bool_))})})
    mine = own_totals(made, "one", people, counts)
    labels = {cell.label: value for cell, value in zip(made.cells, mine, strict=True)}
    assert labels[f"tokens({NAMES[2]}) l"] == 2
    assert labels[f"tokens({NAMES[2]}) r"] == 0
    with pytest.raises(Broken):
        own_totals(made, "one", people, {})


# --- the coordinator's part ------------------------------------------------------------------------------------------------------


def lists(people: int, decoys: int, seed: int) -> tuple[list[Any], list[set[int]]]:
    """Give two lists of tags of the same people, in whose passes 0, 1 and 2 some do not coincide, with decoys as nodes make them."""
    drawn = np.random.default_rng(seed)
    holds = drawn.random((3, people)) < np.array([[0.8], [0.7], [0.9]])
    rows = tags.rows_of(people, 3, decoys)
    both = [drawn.integers(0, 256, (3, rows, 16), dtype=np.uint8) for _ in range(2)]
    both[1][:, :people][holds] = both[0][:, :people][holds]
    at = people
    for own in NAMES:
        shapes = decoy_shapes(b"s" * 32, own, ladder_of(NAMES), decoys)
        for one in np.flatnonzero(drawn.random(decoys) < 0.25):
            both[1][shapes[:, one], at] = both[0][shapes[:, one], at]
            at += 1
    order = drawn.permutation(rows)
    both[1] = np.ascontiguousarray(both[1][:, order])
    return both, [set(np.flatnonzero(one)) for one in holds]


def test_the_links_of_a_pass_less_a_quarter_of_its_decoys_are_its_people() -> None:
    both, holds = lists(5000, 400, 1)
    part = count_links(both, match_tags(both), RECIPES, 400)
    first = [len(holds[0]), len(holds[1] - holds[0]), len(holds[2] - holds[1] - holds[0])]
    for told, true in zip(part.people(400), first, strict=True):
        assert abs(told - true) < 5 * spread(400)


def test_whoever_knows_the_matches_in_all_knows_how_many_links_are_decoys() -> None:
    both, holds = lists(2000, 400, 4)
    found = match_tags(both)
    decoys = int(np.count_nonzero(found.pairs(0, 1)[0] >= 2000))
    matches = len(set.union(*holds))  # as the desk opens them
    assert decoys > 200
    assert sum(count_links(both, found, RECIPES, 400).links) - matches == decoys


def test_recall_is_that_of_the_people_although_decoys_stand_among_them() -> None:
    both, holds = lists(8000, 600, 2)
    part = count_links(both, match_tags(both), RECIPES, 600)
    patterns = np.zeros((3, 8000), dtype=np.bool_)
    for row, one in zip(patterns, holds, strict=True):
        row[list(one)] = True
    clean = recall(patterns[:, patterns.any(axis=0)], RECIPES, [0.0] * 3)
    assert part.recall is not None
    assert clean is not None
    assert part.recall.low <= clean.value <= part.recall.high
    assert abs(part.recall.value - clean.value) < 0.01


def test_where_decoys_crowd_out_people_recall_is_not_told() -> None:
    both, _ = lists(60, 1000, 3)
    assert count_links(both, match_tags(both), RECIPES, 1000).recall is None


@pytest.mark.parametrize("passes", [1, 2, 7])
def test_expected_decoys_are_a_quarter_of_each_pass(passes: int) -> None:
    among = decoy_patterns(passes, 1000)
    first = np.argmax(among.patterns, axis=0)
    assert [among.weights[first == own].sum() for own in range(passes)] == pytest.approx([250.0] * passes)
    assert decoy_patterns(passes, 0).weights.sum() == 0


def test_expected_shapes_are_those_that_nodes_draw() -> None:
    among = decoy_patterns(3, 4)  # one link of each pass, as shares
    for own, name in enumerate(NAMES):
        shapes = decoy_shapes(b"x" * 32, name, ladder_of(NAMES), 20_000)
        drawn = np.mean(shapes, axis=1)
        mine = np.argmax(among.patterns, axis=0) == own
        expected = (among.patterns[:, mine] * among.weights[mine]).sum(axis=1)
        assert np.abs(drawn - expected).max() < 0.02


def test_the_message_comes_back_as_it_was_sent() -> None:
    part = LinkageCounts((10, 0, 7), Estimate(0.9714, 0.9501, 0.9899))
    data = encode_report(part, job=JOB, attempt=2, passes="ab" * 32)
    assert read_seen(data, **PLACE, count=3) == LinkageCounts((10, 0, 7), Estimate(0.971, 0.95, 0.99))
    assert read_seen(encode_report(LinkageCounts((1,), None), **PLACE), **PLACE, count=1) == LinkageCounts((1,), None)


GOOD: dict[str, Any] = {"job": JOB.hex(), "attempt": 2, "passes": "ab" * 32, "links": [3, 4], "recall": [971, 950, 990]}
BAD: dict[str, Any] = {
    "another job": GOOD | {"job": "00" * 32},
    "another attempt": GOOD | {"attempt": 1},
    "other passes": GOOD | {"passes": "cd" * 32},
    "a pass less": GOOD | {"links": [3]},
    "a pass more": GOOD | {"links": [3, 4, 5]},
    "a negative count": GOOD | {"links": [3, -4]},
    "a count that is a truth value": GOOD | {"links": [3, True]},
    "a count beyond all people": GOOD | {"links": [3, 1 << 41]},
    "text for counts": GOOD | {"links": "34"},
    "an interval upside down": GOOD | {"recall": [971, 990, 950]},
    "a share above one": GOOD | {"recall": [1001, 950, 1002]},
    "another key": GOOD | {"more": 1},
    "a key less": {key: value for key, value in GOOD.items() if key != "recall"},
    "no object": [1, 2],
}


@pytest.mark.parametrize("what", BAD)
def test_s32_a_report_of_something_else_or_of_nonsense_is_refused_and_named(what: str) -> None:
    assert read_seen(canonical_bytes(GOOD), **PLACE, count=2).links == (3, 4)
    with pytest.raises(Broken) as refusal:
        read_seen(canonical_bytes(BAD[what]), **PLACE, count=2)
    assert refusal.value.code == "protocol-broken"


@pytest.mark.parametrize(
    "data", [b"", b"{", b"\xff", b"null", json.dumps(GOOD, indent=1).encode(), b"[" * 70_000, b" " * 70_000]
)
def test_bytes_that_are_no_report_are_refused(data: bytes) -> None:
    with pytest.raises((Broken, Invalid)):
        read_seen(data, **PLACE, count=2)


@given(st.binary(max_size=300))
def test_s40_no_bytes_but_a_report_are_read(data: bytes) -> None:
    with pytest.raises((Broken, Invalid)):
        read_seen(data, **PLACE, count=2)


# --- what may be shown -----------------------------------------------------------------------------------------------------------


def report(
    tokens: Sequence[tuple[int, int]],
    links: Sequence[int],
    profile: DisclosureProfile = CMS,
    *,
    people: tuple[int, int] = (1000, 1000),
    hidden: tuple[str, ...] = (),
    alike: int = 0,
    decoys: int = 0,
    told: Estimate | None = None,
) -> dict[str, Any]:
    """Give a report of a job without groups, whose totals a rule may have hidden."""
    asked = question()
    made = plan(asked, agreement(), NAMES[: len(tokens)])
    matched_people = round(sum(max(0, one - decoys / 4) for one in links))
    known = {
        "people(l)": people[0],
        "people(r)": people[1],
        "usable(l)": people[0],
        "usable(r)": people[1],
        "matched": matched_people,
    }
    for name, (one, two) in zip(NAMES, tokens, strict=False):
        known |= {f"tokens({name}) l": one, f"tokens({name}) r": two, f"alike({name}) l": alike}
    opened = [matched_people if cell.label == "count" else known.get(cell.label, 0) for cell in made.cells]
    rows = table(made, opened)
    totals: Any = linkage_numbers(made, opened)
    for name in hidden:
        if "(" in name:
            what, group = name[:-1].split("(")
            totals[what] = totals[what] | {group: None}
        else:
            totals[name] = None
    return linkage_report(
        made, opened, (rows, rows), totals, LinkageCounts(tuple(links), told), decoys=decoys, exact=len(tokens), profile=profile
    )


def shown_tokens(value: dict[str, Any], group: str) -> list[int | None]:
    return [one["tokens"][group] for one in value["passes"]]


def shown_matches(value: dict[str, Any]) -> list[int | None]:
    return [one["matches"] for one in value["passes"]]


def test_s19_tokens_that_leave_few_people_out_are_hidden() -> None:
    value = report([(995, 900), (980, 893), (3, 100)], [200, 200, 200])
    assert shown_tokens(value, "l") == [None, 980, None]
    assert shown_tokens(value, "r") == [900, None, 100]


def test_s19_of_a_list_whose_size_is_hidden_no_tokens_are_shown() -> None:
    value = report([(900, 900)], [200], hidden=("people(l)",))
    assert (shown_tokens(value, "l"), shown_tokens(value, "r")) == ([None], [900])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=3), st.integers(30, 60), st.sampled_from([3, 5, 11]))
def test_s19_no_two_numbers_of_one_list_that_are_shown_differ_by_few(counts: list[int], people: int, k: int) -> None:
    profile = DisclosureProfile("custom", k)
    counts = [min(count, people) for count in counts]
    value = report([(count, people) for count in counts], [10] * len(counts), profile, people=(people, people))
    shown = [*[number for number in shown_tokens(value, "l") if number is not None], people]
    assert not [1 for one in shown for other in shown if profile.is_small(abs(one - other))]


def test_s19_matches_of_a_pass_whose_interval_reaches_a_small_count_are_hidden() -> None:
    value = report([(900, 900)] * 3, [256 + 300, 256 + 39, 256 + 38], decoys=1024)
    assert shown_matches(value) == [300, 39, None]
    assert value["blur"] == {"decoys": 1024, "standard_deviation": 13.9}


def test_s19_where_decoys_hardly_blur_one_hidden_pass_hides_all() -> None:
    assert shown_matches(report([(900, 900)] * 3, [300, 200, 4], decoys=0)) == [None, None, None]
    assert shown_matches(report([(900, 900)] * 3, [300, 200, 0], decoys=0)) == [300, 200, 0]
    assert shown_matches(report([(900, 900)] * 3, [300, 200, 5], decoys=16)) == [None, None, None]


def test_s19_without_the_matches_in_all_nothing_that_says_them_is_shown() -> None:
    value = report([(900, 900)] * 3, [300, 200, 100], hidden=("matched",), told=Estimate(0.9, 0.8, 0.95))
    assert shown_matches(value) == [None, None, None]
    assert value["rates"]["overall"] == {"l": None, "r": None}
    assert value["quality"] == {"precision": None, "recall": None}


def test_no_count_is_negative() -> None:
    assert shown_matches(report([(900, 900)] * 2, [256 - 40, 256 + 300], PROFILES["open"], decoys=1024)) == [0, 300]


def test_precision_rests_on_look_alikes_and_few_of_them_are_not_told() -> None:
    none, few, many = (report([(1000, 1000)] * 2, [400, 100], alike=alike)["quality"]["precision"] for alike in (0, 3, 40))
    assert none["value"] == 1.0
    assert few["value"] is None
    assert (few["low"], few["high"]) == (report([(1000, 1000)] * 2, [400, 100], alike=5)["quality"]["precision"]["low"], 1.0)
    assert many["low"] < many["value"] < few["low"] < 1.0
    assert all(round(many[name] * THOUSAND, 6).is_integer() for name in many)


def test_recall_is_handed_on_where_the_totals_are_shown() -> None:
    value = report([(1000, 1000)] * 2, [400, 100], told=Estimate(0.9, 0.8, 0.95))
    assert value["quality"]["recall"] == {"value": 0.9, "low": 0.8, "high": 0.95}
    assert report([(1000, 1000)], [40], told=Estimate(0.9, 0.8, 0.95))["quality"]["recall"] is None
