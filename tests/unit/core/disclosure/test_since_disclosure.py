"""S-19: rows by the time since an event under the disclosure rules, at a desk and under a gate."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import Any

import numpy as np
import pytest

from tallystick.core.agreement.model import Agreement
from tallystick.core.disclosure.closed import ClosedCells, close_rows
from tallystick.core.disclosure.gating import answer_own_tests, computation_under
from tallystick.core.disclosure.leakage import leakage_statement
from tallystick.core.disclosure.profiles import PROFILES
from tallystick.core.disclosure.rule import Context, Draft
from tallystick.core.disclosure.rules import small_cells
from tallystick.core.disclosure.rules.dominance import Dominance
from tallystick.core.disclosure.rules.small_cells import suppress
from tallystick.core.disclosure.totals.planned import PlannedTables
from tallystick.core.disclosure.totals.rows import find_own_totals
from tallystick.core.job.check import question_problems
from tallystick.core.job.model import Question
from tallystick.core.linkage.quality.report import LinkageCounts
from tallystick.core.moments import Count, Present, Sum
from tallystick.core.statistics.consistency import check_consistent
from tallystick.core.statistics.keys import InReport, InRow, Key
from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.planner import plan
from tallystick.core.statistics.table import Moments, Row, row_moments
from tallystick.crypto.statistic.gate import Fate
from tests.follow import Case, expected_periods, list_of
from tests.followed import EMPLOYED, TERMS, asked, people_of, terms
from tests.protocol.test_gated_tables import drive
from tests.unit.core.test_planner import evaluate

K = 5
GATED = terms(disclosure={"min_cell": K, "gate": True})
CMS = PROFILES["cms"]


def counted(made: Plan, counts: list[int]) -> tuple[list[int | None], list[str | None], Any]:
    """Give what the rule of small cells leaves of rows with these counts: counts, reasons and the linkage report."""
    rows: list[Any] = [
        {**dict(zip(made.by, key, strict=True)), "count": count, "suppressed": None}
        for key, count in zip(made.rows, counts, strict=True)
    ]
    linkage: Any = {"people": {"exits": 900, "wages": 900}, "usable": {"exits": 900, "wages": 900}, "matched": 500}
    out, shown, _ = suppress(rows, linkage, CMS, made)
    return [row["count"] for row in out], [row["suppressed"] for row in out], shown


def possible(made: Plan, counts: list[int | None], reasons: list[str | None], least: int) -> list[str]:
    """Say which hidden small counts cannot have some small value, for who knows that a class has as many people in every period."""
    groups: defaultdict[tuple[Any, ...], defaultdict[Any, list[int]]] = defaultdict(lambda: defaultdict(list))
    fixed = [at for at, name in enumerate(made.by) if name.startswith("exits.")]
    for index, levels in enumerate(made.rows):
        groups[tuple(levels[at] for at in fixed)][levels[0]].append(index)
    far = 10**6

    def reach(index: int) -> tuple[int, int]:
        count = counts[index]
        if count is not None:
            return count, count
        return (1, least - 1) if reasons[index] == "small-cell" else (least, far)

    told = []
    for periods in groups.values():
        if all(counts[at] is None for rows in periods.values() for at in rows):
            continue  # nothing is shown, and one word stands for all
        sums = {period: tuple(sum(reach(at)[end] for at in rows) for end in (0, 1)) for period, rows in periods.items()}
        for period, rows in periods.items():
            for index in rows:
                if reasons[index] != "small-cell":
                    continue
                for value in range(1, least):
                    moved = sums | {period: tuple(sums[period][end] - reach(index)[end] + value for end in (0, 1))}
                    if max(low for low, _ in moved.values()) > min(high for _, high in moved.values()):
                        told.append(f"row {made.rows[index]} cannot be {value}")
    return told


def random_counts(made: Plan, source: random.Random) -> list[int]:
    """Give counts of rows whose classes have as many people in every period."""
    fixed = [at for at, name in enumerate(made.by) if name.startswith("exits.")]
    totals: dict[Any, int] = {}
    counts: list[int] = []
    left: dict[Any, int] = {}
    for index, levels in enumerate(made.rows):
        key = tuple(levels[at] for at in fixed)
        total = totals.setdefault(key, source.choice([0, 3, 14, 30, 60, 200]))
        rest = left.setdefault((key, levels[0]), total)
        more = any(tuple(row[at] for at in fixed) == key and row[0] == levels[0] for row in made.rows[index + 1 :])
        count = min(rest, source.choice([0, 1, 4, 10, 11, 12, 25, 90])) if more else rest
        left[key, levels[0]] -= count
        counts.append(count)
    return counts


TABLES = [("wages.present",), ("exits.county", "wages.present"), ("wages.industry",), ("wages.industry", "exits.county")]


def leaks_of(by: tuple[str, ...], seeds: range) -> int:
    made, leaks = plan(asked(EMPLOYED, by=by), TERMS), 0
    for seed in seeds:
        counts, reasons, shown = counted(made, random_counts(made, random.Random(seed)))
        leaks += bool(possible(made, counts, reasons, CMS.min_cell))
        assert shown["matched"] is None
        assert set(shown["people"].values()) == set(shown["usable"].values()) == {None}
    return leaks


@pytest.mark.parametrize("by", TABLES)
def test_s19_another_period_does_not_say_a_hidden_small_count(by: tuple[str, ...]) -> None:
    assert leaks_of(by, range(300)) == 0


def test_s19_periods_each_by_itself_would_say_hidden_small_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: the rule of blocks, which does not know that classes add up alike, lets the attacker in."""

    def by_blocks(shape: Any, reasons: Any) -> set[str]:
        small_cells._hide_in_blocks(shape, reasons)
        return set(shape.totals)

    monkeypatch.setattr(small_cells, "_hide_in_periods", by_blocks)
    assert leaks_of(("exits.county", "wages.present"), range(100)) > 0


def test_s19_people_of_another_period_stay_shown_where_they_say_nothing() -> None:
    made = plan(asked(EMPLOYED, by=("wages.industry",)), TERMS)
    assert made.by == ("period", "wages.present", "wages.industry")
    first, second = [40, 50, 60, 100], [45, 3, 70, 132]
    counts, reasons, _ = counted(made, [*first, *second])
    assert counts[:4] == first
    assert counts[4:] == [None, None, 70, 132]
    assert reasons[4:6] == ["complementary", "small-cell"]
    # of one county 3 of 14 people have no row in the second period: the first would say it, so the county is hidden in both
    made = plan(asked(EMPLOYED, by=("exits.county", "wages.present")), TERMS)
    counts, reasons, _ = counted(made, [14, 0, 60, 30, 0, 0, 11, 3, 50, 40, 0, 0])
    assert counts == [None, None, 60, 30, 0, 0, None, None, 50, 40, 0, 0]
    assert set(reasons) == {None, "complementary"}
    # of another, 87 stand beside the 3, and could be more or fewer
    counts, _, _ = counted(made, [40, 50, 60, 30, 0, 0, 87, 3, 50, 40, 0, 0])
    assert counts == [40, 50, 60, 30, 0, 0, None, None, 50, 40, 0, 0]


def crowd(source: random.Random, people: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(source.randint(0, 999))
    return [
        people_of(source.choice([("exits",), ("exits", "wages"), ("exits", "wages"), ("wages",)]), rng, "quarter")
        for _ in range(people)
    ]


def question_under(source: random.Random) -> Question:
    keep = source.choice(["exits", "exits and wages", "exits and not wages"])
    names = ["exits.county"] if "not" in keep else ["exits.county", "wages.present", "wages.employed"]
    by = source.sample(names, source.randint(0, len(names) - 1))
    measures = ["count", *source.sample([{"mean": "wages.wage"}, {"sum": "wages.employed"}, {"mean": "exits.benefit"}], 1)]
    if "not" in keep:
        measures = ["count", {"mean": "exits.benefit"}]
    elif keep == "exits" and not any("wages" in str(one) for one in (*by, *measures)):
        by.append("wages.present")
    return asked(EMPLOYED, keep=keep, by=tuple(by), measures=tuple(measures))


@pytest.mark.parametrize("seed", range(30))
def test_s19_summed_cells_pass_the_gate_as_counts_and_agencies_answer_of_their_own(seed: int) -> None:
    source = random.Random(seed)
    question = question_under(source)
    case = Case(question, GATED, crowd(source, source.choice([15, 60, 150])))
    assert list(question_problems(question, GATED, "ann")) == []
    made = plan(question, GATED)
    places = np.random.default_rng(seed).permutation(len(case.people))
    lists = {agency: list_of(case, agency, made, places) for agency in made.agencies}
    values = evaluate(made, lists, len(case.people))
    gate = computation_under(made, GATED).gate
    assert gate is not None
    fates = drive(gate, values)
    hidden = {cell: fate for cell, fate in enumerate(fates) if fate != Fate.OPENED}
    check_consistent(made, [0 if cell in hidden else value for cell, value in enumerate(values)], hidden)
    # what opens is as the oracle has it, no count among it is small, and no number of the linkage report opens
    expected = {tuple(row[name] for name in made.by): row for row in expected_periods(case)}
    _, rows = close_rows(ClosedCells(made, hidden), values, keep_empty=False)
    for row in rows:
        assert row["count"] is None or row["count"] == expected[tuple(row[name] for name in made.by)]["count"]
        assert row["count"] not in range(1, K)
    assert all(cell in hidden for cell, one in enumerate(made.cells) if isinstance(one.key.place, InReport))
    knows = {agency: answer_own_tests(made, GATED, agency, lists[agency][0]) for agency in made.agencies}
    rule = gate.rule
    while not rule.finished:
        clear = [any(sum(f * values[c] for c, f in one.terms) in one.small for one in test.any_of) for test in rule.tests]
        for test, bit in zip(rule.tests, clear, strict=True):
            assert test.owner is None or knows[test.owner](test) == bit
        rule = rule.answer(tuple(clear))


def test_s19_the_agency_of_the_event_knows_its_people_of_each_period_and_the_gate_reckons_with_it() -> None:
    made = plan(asked(EMPLOYED, by=("exits.county", "wages.present")), GATED)
    totals = find_own_totals(PlannedTables(made, CMS).rows)
    assert {total.known_to for total in totals} == {frozenset({"one"})}
    assert sorted(sorted(total.cells) for total in totals) == [[at, at + 1] for at in range(0, 12, 2)]
    assert [made.rows[at][:2] for at in range(0, 12, 2)] == [(p, c) for p in (-1, 2) for c in ("north", "south", None)]


@pytest.mark.parametrize(
    ("groups", "keep", "refused"),
    [
        (("exits", "wages"), "exits", False),
        (("exits", "wages", "more"), "exits and more", True),  # another agency's group: its sums are alike in all periods
        (("exits", "wages", "pay"), "exits and not pay", True),
    ],
)
def test_s19_under_a_gate_what_no_agency_knows_of_every_period_is_refused(
    groups: tuple[str, ...], keep: str, *, refused: bool
) -> None:
    problems = [one.message for one in question_problems(asked(EMPLOYED, keep=keep, groups=groups), GATED, "ann")]
    assert any("a job with since has one group beside those of one" in one for one in problems) == refused, problems
    ungated = [one.message for one in question_problems(asked(EMPLOYED, keep=keep, groups=groups), TERMS, "ann")]
    assert ungated == []


def test_s19_a_measure_that_is_hidden_in_one_period_is_hidden_in_all() -> None:
    """Who of a county has a benefit on record does not depend on the period: two periods beside each other would say it."""
    made = plan(asked(EMPLOYED, by=("wages.present",), measures=("count", {"mean": "exits.benefit"})), TERMS)
    counts, present = [100, 100, 90, 110], [97, 100, 60, 137]
    rows: list[Any] = []
    for key, count, there in zip(made.rows, counts, present, strict=True):
        numbers = {"count": count, "mean(exits.benefit)": 3.5, "count(exits.benefit)": there, "suppressed": None}
        rows.append({**dict(zip(made.by, key, strict=True)), **numbers})
    linkage: Any = {"people": {"exits": 900, "wages": 900}, "usable": {"exits": 900, "wages": 900}, "matched": 500}
    out, _, _ = suppress(rows, linkage, CMS, made)
    assert [row["count"] for row in out] == counts
    assert [row["mean(exits.benefit)"] for row in out] == [None] * 4
    assert [row["count(exits.benefit)"] for row in out] == [None] * 4


def test_s19_a_sum_that_two_people_may_make_up_in_one_period_is_hidden_in_all() -> None:
    """A county's benefits add up alike in every period, so what one period hides of them another would say."""
    value = TERMS.json_value()
    value["datasets"]["exits_set"]["columns"]["benefit"] |= {"min": 0, "max": 50}
    made = plan(
        asked(EMPLOYED, by=("wages.present",), measures=({"sum": "exits.benefit"},)), Agreement.read(value, what="agreement")
    )
    sums = [2000, 2100, 3990, 110]
    rows: list[Row] = []
    moments: list[Moments] = []
    for key, number in zip(made.rows, sums, strict=True):
        numbers = {"count": 90, "sum(exits.benefit)": number, "count(exits.benefit)": 90, "suppressed": None}
        rows.append({**dict(zip(made.by, key, strict=True)), **numbers})
        moments.append({Count(): 90, Sum(("exits.benefit",)): number, Present(("exits.benefit",)): 90})
    context = Context(made, PROFILES["acro"], (), rows, moments, LinkageCounts((), None), 0, 1)
    done = Dominance().apply(Draft(tuple(rows), {}), context)
    assert [row["sum(exits.benefit)"] for row in done.rows] == [None] * 4, "one of them alone may be of two people"
    assert [row["count"] for row in done.rows] == [90] * 4


def test_the_leakage_statement_says_what_cells_are_sums_of_and_whom_they_count() -> None:
    told = leakage_statement(asked(EMPLOYED), GATED)["analyst"]
    (line,) = [one for one in told if one.startswith("the cells by quarters since exits.exit_quarter (-1, 2):")]
    assert (
        "each is a sum over the quarters of the event, and of one quarter there is a number only where a column of by tells it"
        in line
    )
    assert "people whose exits.exit_quarter is from 2023-Q1 to 2024-Q1" in line
    assert "of linkage nothing: beside rows by the time since an event its totals are hidden whole" in told
    assert Key(InRow(0), Count()) in {cell.key for cell in plan(asked(EMPLOYED), GATED).cells}


def test_bins_of_an_agencys_own_column_are_answered_under_a_gate() -> None:
    """The levels of bins, months and quarters are ranges, which the agency that answers of its own must have, too."""
    for by, bins in ((("exits.benefit",), {"exits.benefit": [10, 20]}), (("exits.exit_quarter",), None)):
        question = asked(None, keep="exits", by=(*by, "wages.present"), bins=bins)
        case = Case(question, GATED, crowd(random.Random(1), 120))
        made = plan(question, GATED)
        places = np.random.default_rng(1).permutation(len(case.people))
        lists = {agency: list_of(case, agency, made, places) for agency in made.agencies}
        values = evaluate(made, lists, len(case.people))
        assert sum(row[Count()] for row in row_moments(made, values)) == sum("exits" in person for person in case.people)
        knows = answer_own_tests(made, GATED, "one", lists["one"][0])
        gate = computation_under(made, GATED).gate
        assert gate is not None
        asked_of = [test for test in gate.rule.tests if test.owner == "one"]
        assert asked_of
        for test in asked_of:
            (one,) = test.any_of
            assert knows(test) == (sum(f * values[c] for c, f in one.terms) in one.small)


def test_an_agreement_reads_quarters_and_months_as_bounds() -> None:
    value = TERMS.json_value()
    value["datasets"]["exits_set"]["columns"]["exit_quarter"]["max"] = "2024-06"
    with pytest.raises(Exception, match="min and max of a quarter column are quarters, such as 2024-Q1"):
        Agreement.read(value, what="agreement")
