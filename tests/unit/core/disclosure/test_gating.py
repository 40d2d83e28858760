"""S-19: jobs under an agreement that closes small cells: which have a gate, what agencies answer of their own, what a result shows."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from tallystick.core.agreement.model import Agreement, Disclosure
from tallystick.core.disclosure.closed import GROUP, SMALL, UNTESTED, ClosedCells, close_rows, tell_closed
from tallystick.core.disclosure.families import Names, cohort_of, family_of
from tallystick.core.disclosure.gating import answer_own_tests, computation_under
from tallystick.core.disclosure.leakage import leakage_statement
from tallystick.core.disclosure.overlap import check_overlap
from tallystick.core.disclosure.profiles import profile_of
from tallystick.core.disclosure.rule import Context, Draft, fold_rules
from tallystick.core.errors import Broken, Invalid, Refused
from tallystick.core.job.check import question_problems
from tallystick.core.linkage.quality.report import LinkageCounts
from tallystick.core.moments import Count
from tallystick.core.statistics.consistency import check_consistent
from tallystick.core.statistics.keys import GroupPeople, InReport, InRow, Key, Matched
from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.planner import plan
from tallystick.core.statistics.table import row_moments
from tallystick.crypto.statistic.gate import Fate, SharedSum, SharedTest
from tests.populations import frame_of
from tests.protocol.test_gated_tables import drive
from tests.unit.core.disclosure.totals.test_planned import crowd
from tests.unit.core.test_planner import evaluate
from tests.unit.core.test_populations import TERMS, lists_of, question_over

K = 5


def terms(**disclosure: Any) -> Agreement:
    value = TERMS.json_value()
    value["disclosure"] = {"min_cell": K, "gate": True, **disclosure}
    return Agreement.read(value, what="agreement")


def test_a_job_has_a_gate_if_its_agreement_says_so_and_something_can_hide() -> None:
    made = plan(question_over({"a": "one", "b": "two"}, "a and b", ("a.place",)), TERMS)
    assert computation_under(made, terms()).gate is not None
    assert computation_under(made, terms(gate=None)).gate is None
    assert computation_under(made, terms(min_cell=0)).gate is None
    assert computation_under(made, terms()).cells_digest() != computation_under(made, terms(min_cell=K + 1)).cells_digest()
    alone = plan(question_over({"a": "one"}, "a", ("a.place",)), TERMS)
    assert computation_under(alone, terms()).gate is None


def test_an_agreement_without_the_key_keeps_its_digest() -> None:
    assert Disclosure(profile="cms").json_value().keys() == Disclosure(profile="cms", gate=None).json_value().keys()
    assert terms(gate=None).digest() != terms().digest()


@pytest.mark.parametrize(
    ("change", "why"), [({"disclosure": {"min_cell": 101, "gate": True}}, "100 at most"), ({"decoys": 0}, "needs decoys")]
)
def test_what_no_gate_can_keep_is_refused_in_the_agreement(change: dict[str, Any], why: str) -> None:
    with pytest.raises(Invalid, match=why):
        Agreement.read({**terms().json_value(), **change}, what="agreement")


def test_a_desk_that_is_another_agency_opens_no_cells_of_one_agency_alone() -> None:
    asked = question_over({"a": "two"}, "a", ("a.place",))
    agreement = terms()
    assert agreement.release.desk != "two"
    told = [str(problem) for problem in question_problems(asked, agreement, "ann")]
    assert any("would open every cell of two" in one for one in told)
    mine = question_over({"a": str(agreement.release.desk)}, "a", ("a.place",))
    assert not any("would open" in str(problem) for problem in question_problems(mine, agreement, "ann"))


def test_systems_and_stacked_groups_may_be_asked_for_with_a_gate() -> None:
    for asked in (
        question_over({"a": "one", "b": "two"}, "a or b", ("systems",)),
        question_over({"a": "one", "b": "two"}, "x", ("x.place",), stacked={"x": ["a", "b"]}),
    ):
        told = [str(problem) for problem in question_problems(asked, terms(), "ann")]
        assert told == [str(problem) for problem in question_problems(asked, terms(gate=None), "ann")]


@pytest.mark.parametrize("seed", range(40))
def test_s19_an_agency_answers_what_it_is_asked_of_its_own_as_the_clear_numbers_do(seed: int) -> None:
    source = random.Random(seed)
    groups = "abc"[: source.randint(2, 3)]
    owners = {group: source.choice(["one", "two", "three"]) for group in groups}
    if len(set(owners.values())) == 1:
        owners["a"] = "four"
    keep = source.choice([groups[0], " or ".join(groups), f"{groups[0]} and not {groups[1]}", " and ".join(groups)])
    stacked = {"x": ["b", "a"]} if seed % 3 == 0 and owners["a"] != owners["b"] else {}
    called = ["x", *groups[2:]] if stacked else list(groups)
    if stacked:
        keep = source.choice(["x", " or ".join(called), " and ".join(reversed(called)), called[-1]])
    names = [f"{group}.{name}" for group in called for name in ("place", "young")] + ["systems"] * (len(called) > 1)
    by = tuple(source.sample(names, source.randint(0, 2)))
    asked = question_over(owners, keep, by, ("count", {"mean": f"{called[0]}.age"}), stacked)
    people = crowd(source, groups, source.choice([20, 120]))
    rng = np.random.default_rng(seed)
    frames = {group: frame_of(sum(group in have for have in people), rng) for group in owners}
    made, lists = plan(asked, TERMS), lists_of(asked, people, frames)
    values = evaluate(made, lists, len(people))
    gate = computation_under(made, terms()).gate
    assert gate is not None
    knows = {agency: answer_own_tests(made, terms(), agency, lists[agency][0]) for agency in made.agencies}
    rule = gate.rule
    while not rule.finished:
        clear = [any(sum(f * values[c] for c, f in one.terms) in one.small for one in test.any_of) for test in rule.tests]
        for test, bit in zip(rule.tests, clear, strict=True):
            assert test.owner is None or knows[test.owner](test) == bit
        rule = rule.answer(tuple(clear))


def test_an_agency_answers_nothing_that_it_does_not_know() -> None:
    asked = question_over({"a": "one", "b": "two"}, "a", ("a.place", "b.place"))
    people = [frozenset("ab")] * 30
    made = plan(asked, TERMS)
    lists = lists_of(asked, people, {group: frame_of(30, np.random.default_rng(1)) for group in "ab"})
    knows = answer_own_tests(made, terms(), "one", lists["one"][0])
    for test in (SharedTest((SharedSum(((0, 1),), K),), "one"), SharedTest((SharedSum(((0, 1),), K),), "two")):
        with pytest.raises(Broken, match="does not know"):
            knows(test)


@pytest.mark.parametrize("counted", [True, False])
def test_s19_who_knows_that_one_of_its_people_alone_can_be_in_a_cell_reads_whether_this_person_is(*, counted: bool) -> None:
    """A bound that no test knows of: a count of 0 opens, and one of 1 does not."""
    asked = question_over({"a": "one", "b": "two"}, "a and b", ("a.place",))
    people = [frozenset("ab") if counted else frozenset("a"), *[frozenset("ab")] * 30]
    frame = frame_of(31, np.random.default_rng(3))
    frame["place"] = ["north", *["south"] * 30]
    made = plan(asked, TERMS)
    values = evaluate(made, lists_of(asked, people, {"a": frame, "b": frame.iloc[: 30 + counted]}), len(people))
    gate = computation_under(made, terms()).gate
    assert gate is not None
    fates = drive(gate, values)
    at = next(cell for cell, one in enumerate(made.cells) if one.key == Key(InRow(made.rows.index(("north",))), Count()))
    assert (fates[at] == Fate.HIDDEN) == counted


def test_the_leakage_statement_says_what_a_gate_keeps_and_what_not() -> None:
    agreement = terms()
    desk = str(agreement.release.desk)
    asked = question_over({"a": "one", "b": "two"}, "a and b", ("a.place",))
    told, without = leakage_statement(asked, agreement), leakage_statement(asked, terms(gate=None))
    assert any("whether each is small (1 to 4 for a count)" in line for line in told["one"])
    assert not any("tested" in line for line in without["one"])
    assert any("no count of 1 to 4 people" in line for line in told[desk])
    assert not any("small ones too" in line for line in told[desk])
    assert any("small ones too" in line for line in without[desk])
    assert any("blurred by" in line for line in told[desk])
    assert any("an agency that lies of its shares" in line for line in told[desk])
    assert any("opened for nobody" in line for line in told["analyst"])
    together = " ".join(told.get(f"coordinator + {desk}", ()))
    assert "of one person the value" not in together


# --- what a result shows --------------------------------------------------------------------------------------------------------


def drafted(made: Plan, values: list[int], hidden: dict[int, Fate]) -> Draft:
    shown = [0 if cell in hidden else value for cell, value in enumerate(values)]
    profile = profile_of(terms().disclosure)
    closed = ClosedCells(made, hidden)
    check_consistent(made, shown, hidden)
    indices, rows = close_rows(closed, shown, keep_empty=False)
    moments = row_moments(made, shown)
    context = Context(
        made, profile, shown, rows, [moments[at] for at in indices], LinkageCounts((0,) * len(made.passes), None),
        1024, 0, (), hidden,
    )  # fmt: skip
    return fold_rules(Draft(tuple(rows), closed.linkage(shown)), context)


def table_of() -> tuple[Plan, list[int], dict[Key, int]]:
    asked = question_over(
        {"a": "one", "b": "two"}, "a and b", ("a.place",), ("count", {"mean": "b.age"}, {"variance": "b.young"})
    )
    people = [frozenset("ab")] * 60
    made = plan(asked, TERMS)
    values = evaluate(made, lists_of(asked, people, {group: frame_of(60, np.random.default_rng(2)) for group in "ab"}), 60)
    return made, values, {cell.key: at for at, cell in enumerate(made.cells)}


def test_s19_rows_and_measures_that_did_not_open_say_why_and_show_no_number() -> None:
    made, values, at = table_of()
    report = {cell: Fate.HIDDEN for cell, one in enumerate(made.cells) if not isinstance(one.key.place, InRow)}
    of_row = {row: [cell for cell, one in enumerate(made.cells) if one.key.place == InRow(row)] for row in (0, 1, 2)}
    ages = [cell for cell in of_row[2] if "age" in made.cells[cell].label]
    assert ages
    hidden = {**report, **dict.fromkeys(of_row[0], Fate.HIDDEN), **dict.fromkeys(of_row[1], Fate.STRUCK)}
    hidden |= dict.fromkeys(ages, Fate.HIDDEN)
    made_ = drafted(made, values, hidden)
    rows = {row["a.place"]: row for row in made_.rows}
    first, second, third = (rows[made.rows[index][0]] for index in (0, 1, 2))
    assert (first["suppressed"], second["suppressed"]) == (SMALL, GROUP)
    assert all(first[name] is None and second[name] is None for name in first if name not in ("a.place", "suppressed"))
    assert third["count"] == values[at[Key(InRow(2), Count())]]
    assert third["suppressed"] == SMALL
    assert third["mean(b.age)"] is None
    assert "mean(b.age)" in third["hidden"]
    assert third["variance(b.young)"] is not None
    assert made_.told["rows_hidden"] == {SMALL: 1, GROUP: 1}
    assert made_.told["gate"] is True
    assert made_.linkage["matched"] is None
    assert set(made_.linkage["people"].values()) == {None}
    assert "matched" in made_.told["linkage_hidden"]


def test_a_hidden_row_of_a_missing_level_is_shown_as_hidden_and_an_empty_one_is_left_out() -> None:
    made, values, _at = table_of()
    missing = next(index for index, levels in enumerate(made.rows) if None in levels)
    report = {cell: Fate.HIDDEN for cell, one in enumerate(made.cells) if not isinstance(one.key.place, InRow)}
    cells = [cell for cell, one in enumerate(made.cells) if one.key.place == InRow(missing)]
    with_it = drafted(made, values, {**report, **dict.fromkeys(cells, Fate.HIDDEN)})
    assert [row["suppressed"] for row in with_it.rows if row["a.place"] is None] == [SMALL]
    for cell in cells:
        values[cell] = 0
    assert not [row for row in drafted(made, values, report).rows if row["a.place"] is None]


def test_cells_that_opened_and_contradict_each_other_are_found() -> None:
    made, values, at = table_of()
    report = {cell: Fate.HIDDEN for cell, one in enumerate(made.cells) if not isinstance(one.key.place, InRow)}
    values[at[Key(InRow(0), Count())]] = -1
    with pytest.raises(Broken, match="fewer than no people"):
        check_consistent(made, values, report)
    made, values, at = table_of()
    matched = at[Key(InReport(), Matched())]
    del report[matched]
    values[matched] += 1
    with pytest.raises(Broken, match="do not add up"):
        check_consistent(made, values, report)


def test_s19_a_table_of_the_same_people_by_other_columns_is_refused() -> None:
    agreement, owners = terms(), {"a": "one", "b": "two"}
    first = question_over(owners, "a and b", ("a.place",))
    other = question_over(owners, "a and b", ("a.young",))
    again = question_over(owners, "b and a", ("a.place",), ("count", {"mean": "b.age"}))
    assert cohort_of(first, agreement) == cohort_of(other, agreement) == cohort_of(again, agreement)
    assert cohort_of(first, agreement) != family_of(first, agreement)
    assert cohort_of(first, agreement) != cohort_of(question_over(owners, "a", ("a.place",)), agreement)
    kept = [{"names": Names.of(first, agreement).json_value()}]
    check_overlap(again, agreement, kept)
    with pytest.raises(Refused, match="other columns"):
        check_overlap(other, agreement, kept)


def test_what_a_result_says_of_its_rules_names_what_is_withheld() -> None:
    made, _, at = table_of()
    people = at[Key(InReport(), GroupPeople("b"))]
    closed = ClosedCells(made, {at[Key(InReport(), Matched())]: Fate.HIDDEN, people: Fate.STRUCK})
    told = tell_closed(closed, (), {"people": {"a": 60, "b": None}, "matched": None}, profile_of(terms().disclosure))
    assert told["linkage_hidden"] == ["matched", "people(b)"]
    assert told["linkage_why"] == {"matched": SMALL, "people(b)": UNTESTED}
