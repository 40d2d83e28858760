"""S-19: totals that are shown beside hidden rows leave every small number possible, and totals are what their rows add up to."""

from __future__ import annotations

from collections import defaultdict
from itertools import product
from typing import Any

import pytest

from tallystick.core.disclosure.closed import ClosedCells, close_rows
from tallystick.core.disclosure.rule import Context, DisclosureProfile, Draft
from tallystick.core.disclosure.rules.margins import RULE, is_loose
from tallystick.core.disclosure.rules.small_cells import suppress
from tallystick.core.disclosure.totals.gated import gate_of
from tallystick.core.disclosure.totals.planned import PlannedTables
from tallystick.core.errors import Broken
from tallystick.core.job.model import Question
from tallystick.core.linkage.quality.report import LinkageCounts
from tallystick.core.moments import Count
from tallystick.core.statistics.consistency import check_consistent
from tallystick.core.statistics.keys import GroupPeople, InGroup, InMargin, InReport, InRow, Key, Matched, Usable
from tallystick.core.statistics.margins import list_margins
from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.planner import plan
from tallystick.core.statistics.table import row_moments, table
from tallystick.crypto.statistic.gate import Fate
from tests.protocol.test_gated_tables import drive
from tests.unit.core.test_suppress import agreement
from tests.worlds import tables_up_to

K = 3
PROFILE = DisclosureProfile("custom", K)


def planned(by: tuple[str, ...], totals: str, keep: str = "l and r") -> Plan:
    people = {"l": {"agency": "one", "dataset": "x"}, "r": {"agency": "two", "dataset": "y"}}
    value = {"agreement": "a", "purpose": "p", "people": people, "keep": keep, "by": list(by), "measures": ["count"]}
    return plan(Question.read(value | {"totals": totals}, what="job"), agreement())


def opened_of(made: Plan, counts: dict[tuple[Any, ...], int], more: int = 0) -> list[int]:
    """Give a plan's opened cells: counts of rows, and the sums that they make; `more` people of each group did not match."""
    rows = [counts.get(levels, 0) for levels in made.rows]
    total = sum(rows)
    first = [made.by.index(name) for name in made.group_by]
    of_group: defaultdict[tuple[Any, ...], int] = defaultdict(int)
    for levels, count in zip(made.rows, rows, strict=True):
        of_group[tuple(levels[at] for at in first)] += count
    found = []
    for cell in made.cells:
        match cell.key.place, cell.key.number:
            case InRow(index), Count():
                found.append(rows[index])
            case InMargin(index), Count():
                found.append(sum(rows[row] for row in made.margins[index].rows))
            case InGroup(index), _:
                found.append(of_group[made.groups[index]])
            case InReport(), GroupPeople() | Usable():
                found.append(total + more)
            case InReport(), Matched():
                found.append(total)
            case _:
                found.append(0)
    return found


def release(made: Plan, opened: list[int]) -> Draft:
    """Give what the desk shows of rows, matches and totals."""
    rows = table(made, opened)
    total = opened[[cell.key for cell in made.cells].index(Key(InReport(), Matched()))]
    linkage: Any = {
        "people": {"l": total + 1000, "r": total + 1000},
        "usable": {"l": total + 1000, "r": total + 1000},
        "matched": total,
    }
    shown, linkage, told = suppress(rows, linkage, PROFILE, made, row_moments(made, opened))
    context = Context(made, PROFILE, opened, rows, [], LinkageCounts((), None), 0, 1)
    return RULE.apply(Draft(tuple(shown), linkage, told), context)


def worlds(made: Plan, most: int) -> dict[Any, list[tuple[int, ...]]]:
    """Give all tables of up to so many people by what is shown of them; rows of missing levels have nobody."""
    full = [levels for levels in made.rows if None not in levels]
    seen: dict[Any, list[tuple[int, ...]]] = defaultdict(list)
    for counts in map(tuple, tables_up_to(len(full), most).tolist()):
        draft = release(made, opened_of(made, dict(zip(full, counts, strict=True)), 1000))
        rows = tuple((row["count"], row["suppressed"]) for row in draft.rows)
        seen[rows, draft.linkage["matched"], tuple(total["count"] for total in draft.totals)].append(counts)
    return seen


def check_loose(made: Plan, most: int) -> int:
    """Check that no hidden small number is known; give how many totals are shown beside hidden rows."""
    beside = 0
    full = [index for index, levels in enumerate(made.rows) if None not in levels]
    for (rows, matched, totals), tables in worlds(made, most).items():
        for at, (count, reason) in enumerate(rows):
            if count is None and reason == "small-cell":
                lost = set(range(1, K)) - {one[at] for one in tables}
                cut_off = matched is None and max(map(sum, tables)) == most  # there are larger tables that look the same
                assert not lost or cut_off, (rows, totals, tables[:3])
        hidden = {full[at] for at, (count, _) in enumerate(rows) if count is None}
        beside += sum(
            total is not None and bool(margin.rows & hidden) for margin, total in zip(made.margins, totals, strict=True)
        )
    return beside


@pytest.mark.parametrize("totals", ["rows", "columns"])
def test_s19_totals_of_every_small_table_leave_every_small_number_possible(totals: str) -> None:
    assert check_loose(planned(("l.yes", "r.yes"), totals), 14) > 100


@pytest.mark.slow
@pytest.mark.parametrize("totals", ["rows", "columns"])
def test_s19_totals_of_every_table_of_six_rows_leave_every_small_number_possible(totals: str) -> None:
    assert check_loose(planned(("l.yes", "r.side"), totals), 14) > 100


def test_a_total_with_one_small_row_is_shown_because_a_second_row_is_hidden() -> None:
    made = planned(("l.yes", "r.side"), "rows")
    counts = {(False, "a"): 20, (False, "b"): 2, (False, "c"): 30, (True, "a"): 9, (True, "b"): 8, (True, "c"): 7}
    draft = release(made, opened_of(made, counts, 100))
    assert [row["count"] for row in draft.rows] == [None, None, 30, 9, 8, 7]
    by_levels = {(total["l.yes"], total["r.side"], *total["over"]): total["count"] for total in draft.totals}
    assert by_levels[False, None, "r.side"] == 52
    assert by_levels[True, None, "r.side"] == 24
    assert by_levels[None, "a", "l.yes"] is None, "a column's total, which is not tested, crosses the rows'"
    assert by_levels[None, "c", "l.yes"] == 37
    assert by_levels[None, None, "l.yes", "r.side"] == 76
    without = planned(("l.yes", "r.side"), "none")
    assert (without.margins, without.tested) == ((), None)


def test_totals_beside_hidden_rows_stay_hidden_where_the_report_withholds_what_they_add_up_to() -> None:
    made = planned(("l.yes", "r.yes"), "rows")
    opened = opened_of(made, {(False, False): 20, (False, True): 2, (True, False): 9, (True, True): 8}, 0)
    rows = table(made, opened)
    context = Context(made, PROFILE, opened, rows, [], LinkageCounts((), None), 0, 1)
    shown = [dict(row) | ({"count": None, "suppressed": "complementary"} if at < 2 else {}) for at, row in enumerate(rows)]
    open_report = Draft(tuple(shown), {"matched": 39, "people": {"l": 39, "r": 39}})
    withheld = Draft(tuple(shown), {"matched": None, "people": {"l": 39, "r": 39}})
    hidden_group = Draft(tuple(shown), {"matched": 39, "people": {}, "rates": {"groups": [{"people": None, "matched": None}]}})
    first = [RULE.apply(draft, context).totals[0]["count"] for draft in (open_report, withheld, hidden_group)]
    assert first == [22, None, None]
    earlier = Context(made, PROFILE, opened, rows, [], LinkageCounts((), None), 0, 1, earlier=[{}])
    assert RULE.apply(open_report, earlier).totals[0]["count"] is None


@pytest.mark.parametrize(
    ("counts", "loose"),
    [
        ((1,), False),
        ((1, 2), False),
        ((1, 3), False),
        ((2, 9), True),
        ((1, 1, 1), False),
        ((2, 1, 1), False),
        ((2, 2, 1, 1), True),
    ],
)
def test_hidden_rows_of_a_known_sum_are_loose_if_each_could_be_any_small_number(counts: tuple[int, ...], loose: bool) -> None:
    assert is_loose(counts, PROFILE) is loose


def test_the_totals_of_a_table_are_of_its_rows_of_its_columns_and_of_all() -> None:
    rows = tuple(product((False, True), ("a", "b"), ("x", "y")))
    found = list_margins(("l.yes", "l.side", "r.z"), rows)
    assert [(one.side, len(one.rows)) for one in found] == [("rows", 2)] * 4 + [("columns", 4)] * 2 + [("all", 8)]
    assert found[0].levels == (False, "a", None)
    assert found[4].over == ("l.yes", "l.side")
    assert [one.side for one in list_margins(("l.yes",), ((False,), (True,)))] == ["all"]


def test_s40_totals_that_rows_do_not_add_up_to_are_found() -> None:
    made = planned(("l.yes", "r.yes"), "rows")
    opened = opened_of(made, {(False, False): 20, (True, True): 8})
    check_consistent(made, opened)
    at = [cell.key for cell in made.cells].index(Key(InMargin(0), Count()))
    opened[at] += 1
    with pytest.raises(Broken) as refusal:
        check_consistent(made, opened)
    assert "do not add up to its totals" in refusal.value.message
    row = [cell.key for cell in made.cells].index(Key(InRow(0), Count()))
    check_consistent(made, opened, {row})


def test_s19_with_a_gate_totals_are_tested_on_shares_and_open_beside_hidden_rows() -> None:
    made = planned(("l.yes", "r.side"), "rows")
    counts: dict[tuple[Any, ...], int]
    counts = {(False, "a"): 90, (False, "b"): 2, (False, "c"): 80, (True, "a"): 90, (True, "b"): 80, (True, "c"): 70}
    counts |= {(yes, side): 50 for yes in (False, True, None) for side in ("a", "b", "c", None) if (yes, side) not in counts}
    opened = opened_of(made, counts, 100)
    tables = PlannedTables(made, PROFILE)
    fates = drive(gate_of(tables.layers, tables.cells), opened)
    hidden = {at: fate for at, fate in enumerate(fates) if fate != Fate.OPENED}
    values = [0 if at in hidden else value for at, value in enumerate(opened)]
    closed = ClosedCells(made, hidden)
    _, rows = close_rows(closed, values, keep_empty=False)
    context = Context(made, PROFILE, values, rows, [], LinkageCounts((), None), 2, 1, hidden=hidden)
    draft = RULE.apply(Draft(tuple(rows), {}), context)
    assert sum(row["count"] is None for row in rows) == 2
    first = [total for total in draft.totals if total["over"] == ["r.side"]]
    assert [total["count"] for total in first] == [222, 290, 200]
    check_consistent(made, values, set(hidden))
