"""S-40, S-27: whatever number an agency seals in place of its own, the desk gives a candidate or refuses by its rules, and tells no number.

Shares are opened as sums, so a lying agency can add anything to any cell. Whole nodes under this attack: tests/integration/test_node_jobs.py.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.core.disclosure.families import family_of
from tallystick.core.disclosure.profiles import profile_of
from tallystick.core.disclosure.rules.linkage_report import linkage_report
from tallystick.core.disclosure.rules.small_cells import suppress
from tallystick.core.errors import CATALOGUE, Broken
from tallystick.core.linkage.quality.report import LinkageCounts
from tallystick.core.statistics.table import linkage_numbers, table
from tallystick.crypto.statistic.desk import Opened
from tests.attacks.test_s27_canaries import shown
from tests.cells import names
from tests.stores import all_jobs
from tests.unit.node.test_desk import MATCHED, TERMS, Room, assignment, opened

PART = assignment()
HONEST = opened(PART, MATCHED)
CELLS = names(PART.contract.plan)
FAMILY = family_of(PART.contract.job.question, PART.contract.agreement)
LARGEST = (1 << 29) - 1
"""Of a cell of one prime: more does not fit."""


def lied(lies: dict[tuple[int, str], int]) -> Opened:
    """Give what the desk opens where something was added to some cells."""
    values = [value + lies.get(cell, 0) for cell, value in zip(CELLS, HONEST.values, strict=True)]
    return replace(HONEST, values=tuple(max(-LARGEST, min(LARGEST, value)) for value in values))


def refusal(room: Room, cells: Opened) -> Broken | None:
    """Give why the desk makes no candidate, or None."""
    try:
        room.made(PART, cells)
    except Broken as error:
        return error
    return None


def check(lies: dict[tuple[int, str], int]) -> Broken | None:
    """Let the desk have the cells: it may refuse, with one code, without data, and keeping nothing."""
    room, cells = Room(), lied(lies)
    error = refusal(room, cells)
    kept = (room.storage.tables(FAMILY, but=""), [record.candidate for record in all_jobs(room.storage)])
    if error is None:
        assert kept[0] != []
        return None
    assert error.code == "cells-contradict"
    assert kept == ([], [None])
    text = shown(error)
    for name in sorted(PART.contract.plan.passes, key=len, reverse=True):  # a name may begin another
        text = text.replace(name, "")
    assert not re.search(r"\d", text)
    assert not any(region in text for region in MATCHED if region)
    return error


LIES = st.dictionaries(st.sampled_from(CELLS), st.sampled_from([1, -1, 11, -400, 1600, LARGEST, -LARGEST]), max_size=4)


@settings(max_examples=120, deadline=None)
@given(LIES)
def test_s40_any_sealed_numbers_are_shown_under_the_rules_or_refused(lies: dict[tuple[int, str], int]) -> None:
    check(lies)


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"{cell[1]} of {cell[0]}")
def test_s40_a_number_far_too_large_or_below_nothing_is_always_refused(cell: tuple[int, str]) -> None:
    assert check({cell: -LARGEST}) is not None
    assert (check({cell: LARGEST}) is None) == (cell[1] in {"people(wages)"})  # a list may be said to be longer than it is


def test_s40_more_matches_than_people_end_with_a_name_and_without_a_release() -> None:
    """The attack that made this rule: without it the report's interval takes the root of a negative number."""
    cells = lied({(-1, "people(wages)"): -1100, (-1, "usable(wages)"): -1100})
    profile = profile_of(TERMS.disclosure)
    before = table(PART.contract.plan, cells.values)
    rows, totals, _ = suppress(before, linkage_numbers(PART.contract.plan, cells.values), profile, PART.contract.plan)
    links: Any = LinkageCounts((570, *([0] * (len(PART.contract.passes.told) - 1))), None)
    with pytest.raises(ValueError, match="math domain"):
        linkage_report(PART.contract.plan, cells.values, (before, rows), totals, links, decoys=0, exact=1, profile=profile)
    error = refusal(Room(), cells)
    assert error is not None
    assert error.code in CATALOGUE
    assert "more matches than usable people of wages" in error.message
