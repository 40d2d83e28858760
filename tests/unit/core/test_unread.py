"""People whose identifiers make no token: who they are, and what a linkage report says of how many."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.core.disclosure.profiles import PROFILES, DisclosureProfile
from tallystick.core.disclosure.rules.linkage_report import linkage_report
from tallystick.core.linkage.passes.recipes import parse_recipe
from tallystick.core.linkage.quality.report import LinkageCounts
from tallystick.core.linkage.quality.sharing import ListNumber, list_counts
from tallystick.core.linkage.quality.unread import tell_lost_of_lists
from tallystick.core.statistics.planner import plan
from tallystick.core.statistics.table import linkage_numbers, table
from tests.unit.core.test_planner import agreement, question

CMS = PROFILES["cms"]
NAMES = ("ssn+birth_date", "first_name+last_name+birth_date", "ssn+last_name:4")
RECIPES = [parse_recipe(name) for name in NAMES]


def test_people_whose_identifiers_make_no_token_are_counted_by_why() -> None:
    people: dict[str, Any] = {
        "ssn": ["219451237", "999-99-9999", "21945", None, "000000000"],
        "birth_date": ["1980-01-02", "25/13/1980", "1900-01-01", None, None],
        "first_name": np.array(["ann", "unknown", "Mu?oz", "eve", ""], dtype=object),
    }
    counts = list_counts(RECIPES[:1], people, 5)
    assert {name: (counts[ListNumber("unread", name)], counts[ListNumber("denied", name)]) for name in people} == {
        "ssn": (1, 2), "birth_date": (1, 1), "first_name": (1, 2),
    }  # fmt: skip


IDENTIFIERS = {"one": ("ssn", "birth_date"), "two": ("ssn",)}


def report_lost(
    lost: tuple[int, int], *, people: int = 1000, tokens: int = 0, profile: DisclosureProfile = CMS, hidden: bool = False
) -> Any:
    """Give what the report says of identifiers: `lost` of the ssn of l are unread and denied; nobody's birth date is."""
    made = plan(question(), agreement(), NAMES, IDENTIFIERS)
    values = {"unread(ssn) l": lost[0], "denied(ssn) l": lost[1], "people(l)": people, "people(r)": 900} | {
        f"tokens({name}) l": tokens for name in NAMES
    }
    opened = [values.get(cell.label, 0) for cell in made.cells]
    totals: Any = linkage_numbers(made, opened)
    if hidden:
        totals["people"] = totals["people"] | {"l": None}
    rows = table(made, opened)
    seen = LinkageCounts((0,) * len(NAMES), None)
    value = linkage_report(made, opened, (rows, rows), totals, seen, decoys=0, exact=len(NAMES), profile=profile)
    return value["identifiers"]


def test_a_report_says_how_many_peoples_identifiers_were_not_read() -> None:
    assert report_lost((523, 14), profile=PROFILES["open"]) == [
        {"identifier": "ssn", "unread": {"l": 523, "r": 0}, "denied": {"l": 14, "r": 0}},
        {"identifier": "birth_date", "unread": {"l": 0}, "denied": {"l": 0}},
    ]
    assert report_lost((523, 14))[0] == {"identifier": "ssn", "unread": {"l": 517, "r": 0}, "denied": {"l": 11, "r": 0}}
    assert report_lost((523, 14), hidden=True)[0]["unread"] == {"l": None, "r": 0}


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_s19_no_small_number_follows_from_how_many_identifiers_were_not_read(data: st.DataObject) -> None:
    people, k = data.draw(st.integers(25, 70)), data.draw(st.sampled_from([3, 5, 11]))
    tokens = data.draw(st.sampled_from([0, *range(k, people - k + 1), people]))
    profile = DisclosureProfile("custom", k)

    def told(unread: int, denied: int) -> tuple[int, int]:
        ssn = report_lost((unread, denied), people=people, tokens=tokens, profile=profile)[0]
        return ssn["unread"]["l"], ssn["denied"]["l"]

    lost = data.draw(st.integers(0, people - tokens))
    unread = data.draw(st.integers(0, lost))
    said = told(unread, lost - unread)
    # whatever else could have been said so: of each number and of all that is left, more than the small ones, or 0 among them
    same = [
        (a, b)
        for a in range(people - tokens + 1)
        for b in range(people - tokens - a + 1)
        if told_by(a, b, people - tokens, k) == said
    ]
    assert (unread, lost - unread) in same
    left = people - tokens
    for numbers in zip(*((a, b, a + b, left - a - b) for a, b in same), strict=True):
        assert not all(profile.is_small(one) for one in numbers)


def told_by(unread: int, denied: int, others: int, k: int) -> tuple[int, int]:
    """Work out by hand what is said: multiples of k, of which the larger gives way while fewer than k could be left."""
    told = [unread - unread % k, denied - denied % k]
    while sum(told) and others - sum(told) < k:
        at = 0 if told[0] >= told[1] else 1
        told[at] -= k
    return told[0], told[1]


def test_the_desks_people_are_told_where_half_of_a_list_has_no_usable_value() -> None:
    def report(unread: int | None, denied: int | None) -> str:
        lost = [{"identifier": "birth_date", "unread": {"a + c": unread, "b": 0}, "denied": {"a + c": denied, "b": 0}}]
        return tell_lost_of_lists({"people": {"a": 300, "b": 50, "c": 100}, "identifiers": lost})

    assert "birth_date of a + c (about 209 of 400 people)" in report(198, 11)
    assert report(187, 11) == report(None, None) == tell_lost_of_lists({"people": {"a": 3}}) == ""
