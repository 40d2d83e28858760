"""S-19: rows in blocks, of any formula over two groups: what totals say of a block is not added to what is hidden in it."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick.core.disclosure.blocks import count_block
from tallystick.core.disclosure.rules.small_cells import suppress
from tests.unit.core.test_suppress import CMS, linkage_of, planned


@pytest.mark.parametrize(
    ("keep", "by", "counts"),
    [
        ("l or r", (), {(): 400}),
        ("l or r", ("l.side",), {(True,): 200, (False,): 200}),
        ("l or r", ("l.side", "r.side"), {(True, True): 100, (True, False): 100, (False, True): 200}),
        ("l and not r", ("l.side",), {(): 100}),
        ("(l and not r) or (r and not l)", (), {(): 300}),
        ("l", ("r.side",), {(True,): 100, (False,): 100}),
        ("l and r", (), {(): 100}),
    ],
)
def test_people_and_matches_say_how_many_each_block_has(keep: str, by: Any, counts: dict[Any, int]) -> None:
    made = planned(keep, *by)
    for block, count in counts.items():
        assert count_block(made, {"l": 200, "r": 300}, 100, block) == count


@pytest.mark.parametrize(
    ("keep", "by", "rows"),
    [
        ("(l and not r) or (r and not l)", (), [{"count": 300, "count(l.pay)": 97}]),
        ("l or r", ("r.present",), [{"r.present": True, "count": 300, "count(l.pay)": 97},
                                    {"r.present": False, "count": 100, "count(l.pay)": 80}]),
    ],
)  # fmt: skip
def test_s19_present_values_do_not_tell_of_few_people_of_one_group_among_those_of_both(
    keep: str, by: Any, rows: list[Any]
) -> None:
    """Of 200 people of l, 100 matched: the row is of r's people too, but the totals say how many of l's are in it."""
    made = planned(keep, *by, measures=("count", {"mean": "l.pay"}))
    given = [row | {"mean(l.pay)": 5.0, "suppressed": None} for row in rows]
    people = (200, 300)
    out: Any
    out, linkage, _ = suppress(given, linkage_of(people, 100), CMS, made, [{}] * len(given))
    assert linkage["matched"] == 100
    assert (out[0]["count(l.pay)"], out[0]["mean(l.pay)"], sorted(out[0]["hidden"])) == (
        None,
        None,
        ["count(l.pay)", "mean(l.pay)"],
    )
    enough = [given[0] | {"count(l.pay)": 80}, *given[1:]]
    assert "hidden" not in suppress(enough, linkage_of(people, 100), CMS, made, [{}] * len(given))[0][0]
