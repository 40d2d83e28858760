"""Plans over any population and up to five agencies, evaluated in the clear, against the oracle that never saw a plan."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from tallystick.core.agreement.model import Agreement
from tallystick.core.disclosure.profiles import PROFILES
from tallystick.core.disclosure.rules.differences import without_differences
from tallystick.core.disclosure.rules.small_cells import suppress
from tallystick.core.errors import Invalid, Refused
from tallystick.core.job.keep import parse_keep
from tallystick.core.job.model import Question
from tallystick.core.moments import Present, Sum
from tallystick.core.statistics.columns import AgencyList, GroupMembers
from tallystick.core.statistics.computation import computation_of
from tallystick.core.statistics.consistency import check_consistent
from tallystick.core.statistics.keys import InRow
from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.planner import plan
from tallystick.core.statistics.rulebook import plan_job
from tallystick.core.statistics.table import linkage_numbers, pair_name, table
from tests.oracle import expected_rows_of
from tests.populations import add_derived, derivations, derived_columns, formulas, frame_of, stacks
from tests.unit.core.test_planner import agreement, evaluate, person_columns

AGENCIES = ("one", "two", "three", "four", "five")
GROUPS = ("a", "b", "c", "d", "e", "f", "g", "h")
BY = ("place", "young")
VALUES = ("age", "young")
QUICK = [phase for phase in Phase if phase not in (Phase.shrink, Phase.explain)]
"""Without looking for a smaller example, which takes minutes."""
People = list[frozenset[str]]
"""Of everybody, the groups that have them."""


def terms() -> Agreement:
    """Give an agreement with a dataset of each agency, of which a job may have several groups."""
    value = agreement().json_value()
    (columns,) = {str(entry["columns"]): entry["columns"] for entry in value["datasets"].values()}.values()
    value["parties"] = {name: {"key": f"{at:02x}" * 32} for at, name in enumerate(AGENCIES, start=1)}
    value["datasets"] = {f"{name}_set": {"agency": name, "columns": columns, "identifiers": ["ssn"]} for name in AGENCIES}
    value["coordinator"]["key"], value["analysts"]["ann"]["key"] = "aa" * 32, "bb" * 32
    return Agreement.read(value, what="agreement")


TERMS = terms()


def question_over(
    owners: dict[str, str],
    keep: str,
    by: tuple[str, ...] = (),
    measures: tuple[Any, ...] = ("count",),
    stacked: dict[str, list[str]] | None = None,
    bins: dict[str, list[int]] | None = None,
    derive: dict[str, str] | None = None,
) -> Question:
    """Give a question over groups of these agencies, which all derive the same columns."""
    made = {"derive": derive} if derive else {}
    people = {group: {"agency": owner, "dataset": f"{owner}_set"} | made for group, owner in owners.items()}
    value = {"agreement": "a", "purpose": "p", "people": people, "keep": keep, "by": list(by), "measures": list(measures)}
    value |= ({"stacked": stacked} if stacked else {}) | ({"bins": bins} if bins else {})
    return Question.read(value, what="job")


@st.composite
def cases(draw: st.DrawFn) -> tuple[Question, People, dict[str, pd.DataFrame]]:
    """Give a question over groups of two to five agencies (seldom of one), who is in which group, and what the groups say of them."""
    groups = GROUPS[: draw(st.integers(1, 6))]
    owners = {group: draw(st.sampled_from(AGENCIES[: draw(st.integers(1, 5))])) for group in groups}
    stacked = draw(stacks(owners)) if draw(st.booleans()) else {}
    inside = {part for parts in stacked.values() for part in parts}
    physical, groups = groups, (*(group for group in groups if group not in inside), *stacked)
    keep = draw(formulas(groups) | st.sampled_from([" and ".join(groups), " or ".join(groups), groups[0]]))
    references = [f"{group}.{name}" for group in groups for name in (*BY, "present")]
    references += ["systems"] * (3 if len(groups) > 1 else 0)
    references += [f"{group}.{name}" for group in groups for name in ("age", "paid")]
    derive = draw(derivations()) if draw(st.booleans()) else {}
    references += [f"{group}.{name}" for group in groups for name in derive]
    by = tuple(draw(st.lists(st.sampled_from(references), max_size=3, unique=True)))
    values = [f"{group}.{name}" for group in groups for name in (*VALUES, *(("few",) if derive else ()))]
    measured = st.tuples(st.sampled_from(("sum", "mean", "variance")), st.sampled_from(values))
    measures = ("count", *({operation: column} for operation, column in draw(st.lists(measured, max_size=2, unique=True))))
    everybody: People = [
        frozenset(some) for some in draw(st.lists(st.sets(st.sampled_from(physical), min_size=1), max_size=12))
    ]
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    frames = {group: add_derived(frame_of(sum(group in have for have in everybody), rng), derive) for group in physical}
    edges = st.lists(st.integers(-110, 119), min_size=1, max_size=3, unique=True).map(sorted)
    bins = {name: draw(edges) for name in by if name.endswith((".age", ".paid"))}
    return question_over(owners, keep, by, measures, stacked, bins, derive), everybody, frames


def lists_of(asked: Question, people: People, frames: dict[str, pd.DataFrame]) -> dict[str, tuple[AgencyList, Any]]:
    """Give each agency's list, and the slots of its people: a person's is the same at every agency."""
    places = np.random.default_rng(len(people)).permutation(len(people))
    lists = {}
    for agency in sorted({one.agency for one in asked.people.values()}):
        mine = [group for group, one in asked.people.items() if one.agency == agency]
        inside = [at for at, have in enumerate(people) if have & set(mine)]
        members = {
            group: GroupMembers(
                person_columns(frames[group]) | derived_columns(asked, TERMS, group, frames[group]),
                np.array([i for i, at in enumerate(inside) if group in people[at]], dtype=np.int64),
            )
            for group in mine
        }
        lists[agency] = (AgencyList(len(inside), members), places[inside])
    return lists


def check_against_oracle(asked: Question, people: People, frames: dict[str, pd.DataFrame]) -> None:
    try:
        made = plan(asked, TERMS)
    except Refused as error:
        assume(error.code != "table-too-large")
        raise
    values = evaluate(made, lists_of(asked, people, frames), len(people))
    positions: Counter[str] = Counter()
    everybody = []
    for have in people:
        everybody.append({group: positions[group] for group in have})
        positions.update(have)
    assert table(made, values) == expected_rows_of(asked, TERMS, frames, everybody)
    check_consistent(made, values)
    check_linkage(made, values, people)
    check_terms(made)


def check_linkage(made: Plan, values: list[int], people: People) -> None:
    linkage, groups = linkage_numbers(made, values), made.population.groups
    assert linkage["people"] == {group: sum(group in have for have in people) for group in groups}
    both = {pair: sum(set(pair) <= have for have in people) for pair in combinations(groups, 2)}
    if len(groups) == 2:
        assert linkage["matched"] == both[groups]
        return
    assert linkage.get("pairs", {}) == {pair_name(pair): count for pair, count in both.items()}
    if made.clusters:
        have = Counter(len(have) for have in people)
        assert linkage["in_groups"] == {str(k): have[k] for k in range(1, len(groups) + 1)}


def check_terms(made: Plan) -> None:
    """The machines take the terms: at most one column of an agency, and each once."""
    computation = computation_of(made)
    assert len(computation.term_plan.chains) == len(made.terms)
    assert all(len({place for place, _ in term}) == len(term) >= 2 for term in made.terms)


def feasible(asked: Question) -> bool:
    """Tell whether a formula counts somebody, and nobody whom no group has."""
    try:
        parse_keep(asked.keep or "", asked.groups, asked.stacked)
    except Invalid:
        return False
    return True


@settings(max_examples=1000, deadline=None, phases=QUICK)
@given(cases())
def test_s11_a_thousand_populations_equal_the_oracle(case: tuple[Question, People, dict[str, pd.DataFrame]]) -> None:
    assume(feasible(case[0]))
    check_against_oracle(*case)


@pytest.mark.slow
@settings(max_examples=10_000, deadline=None)
@given(cases())
def test_s11_ten_thousand_populations_equal_the_oracle(case: tuple[Question, People, dict[str, pd.DataFrame]]) -> None:
    assume(feasible(case[0]))
    check_against_oracle(*case)


TWO = {"a": "one", "b": "two"}
THREE = {"a": "one", "b": "two", "c": "three"}


def cells_of(made: Plan, row: int) -> list[tuple[int, int]]:
    """Give how many terms and own totals the cells of a row have."""
    return [(len(cell.terms), len(cell.own)) for cell in made.cells if cell.key.place == InRow(row)]


def test_a_row_of_nobody_there_costs_no_further_term() -> None:
    made = plan(question_over(TWO, "a", ("a.place", "b.young")), TERMS)
    assert made.rows[2:4] == (("north", True, None), ("north", False, None))
    assert [cells_of(made, at) for at in range(4)] == [[(1, 0)], [(1, 0)], [(1, 0)], [(1, 1)]]
    # 4 levels of place by 3 of young, and by all of b; all of a by all of b
    assert len(made.terms) == 4 * 4 + 1


def test_what_is_measured_of_people_who_are_not_there_has_no_cell() -> None:
    made = plan(question_over(TWO, "a", ("b.young",), ({"sum": "b.age"},)), TERMS)
    absent = made.rows.index((False, None))
    numbers = [cell.key.number for cell in made.cells if cell.key.place == InRow(absent)]
    assert not any(isinstance(number, (Present, Sum)) for number in numbers)


def test_a_term_of_three_agencies_has_a_column_of_each() -> None:
    made = plan(question_over(THREE, "a and b and c", ("a.place", "b.young", "c.young")), TERMS)
    rows = [term for term in made.terms if len(term) == 3]
    assert len(rows) == 4 * 3 * 3
    assert [{place for place, _ in term} for term in rows] == [{0, 1, 2}] * len(rows)


def test_groups_of_one_agency_are_multiplied_at_home() -> None:
    made = plan(question_over({"a": "one", "b": "one", "c": "two"}, "a and b and c"), TERMS)
    assert all(len(term) == 2 for term in made.terms)
    alone = plan(question_over({"a": "one", "b": "one"}, "a and not b", ("a.place",)), TERMS)
    assert alone.terms == ()
    assert alone.agencies == ("one",)


def test_clusters_are_counted_where_the_table_has_all_their_products() -> None:
    assert plan(question_over(THREE, "a or b or c"), TERMS).clusters
    assert not plan(question_over(THREE, "a or b or c", ("a.place", "b.place", "c.place")), TERMS).clusters


def test_a_table_of_too_many_products_is_refused_with_what_would_fit() -> None:
    owners = dict(zip(GROUPS, (*AGENCIES, *AGENCIES), strict=False))
    by = ("a.place", "b.place", "c.place", "d.place", "e.place")
    with pytest.raises(Refused) as refusal:
        plan(question_over(owners, " or ".join(GROUPS), by), TERMS)
    assert refusal.value.code == "table-too-large"
    assert "leave out a column" in refusal.value.hint


def test_products_at_slots_that_nobody_can_hold_are_refused_before_anybody_is_asked() -> None:
    value = TERMS.json_value()
    wide = {"type": "category", "values": [f"v{at}" for at in range(30)]}
    for entry in value["datasets"].values():
        entry |= {"people": 1_500_000, "columns": {**entry["columns"], "wide": wide}}
    many = Agreement.read(value, what="agreement")
    asked = question_over(THREE, "a and b and c", ("a.wide", "b.wide", "c.place"))
    with pytest.raises(Refused) as refusal:
        plan_job(asked, many)
    assert refusal.value.code == "table-too-large"
    assert "pairs of columns at each of" in refusal.value.message
    assert plan_job(question_over(THREE, "a and b and c", ("a.young", "b.young")), many).terms


def hidden(keep: str, owners: dict[str, str], counts: list[int]) -> tuple[list[int | None], dict[str, Any]]:
    """Give what the rule of small cells leaves of a table by a.young whose rows have these counts, and of its linkage report."""
    made = plan(question_over(owners, keep, ("a.young",)), TERMS)
    keyed = zip(made.rows, counts, strict=True)
    rows: list[Any] = [dict(zip(made.by, key, strict=True)) | {"count": count, "suppressed": None} for key, count in keyed]
    groups = made.population.groups
    linkage: Any = {"people": dict.fromkeys(groups, 500), "usable": dict.fromkeys(groups, 500), "matched": None}
    linkage |= {"pairs": {pair_name(pair): 100 for pair in combinations(groups, 2)}}
    out, shown, _ = suppress(rows, linkage, PROFILES["cms"], made)
    return [row["count"] for row in out], shown


def test_s19_the_report_of_more_than_two_groups_is_withheld_whole_where_small_counts_are_hidden() -> None:
    counts, linkage = hidden("a and (b or c)", THREE, [20, 40, 0])
    assert counts == [20, 40, 0]
    assert {number for part in linkage.values() if part for number in part.values()} == {None}


def test_s19_a_small_row_takes_another_of_its_block_with_it() -> None:
    assert hidden("a or b or c", THREE, [7, 40, 60, 90])[0] == [None, None, 60, 90]
    assert hidden("a or b or c", THREE, [70, 40, 60, 9])[0] == [70, 40, 60, None]


def test_s19_a_table_of_any_formula_that_differs_by_few_from_an_earlier_one_is_hidden_whole() -> None:
    made = plan(question_over(TWO, "a or b", ("a.young",)), TERMS)
    assert made.population.shape == "other"

    def table_of(*counts: int) -> dict[str, Any]:
        keyed = zip(made.rows, counts, strict=True)
        rows = [dict(zip(made.by, key, strict=True)) | {"count": count, "suppressed": None} for key, count in keyed]
        numbers = {"people": {"a": 400, "b": 400}, "usable": {"a": 400, "b": 400}, "matched": 300}
        return {
            "rows": rows,
            "linkage": numbers | {"passes": [{"pass": "ssn", "tokens": {"a": 400, "b": 400}, "matches": 300}]},
        }

    first, cms = table_of(100, 300, 0, 100), PROFILES["cms"]
    same, gone = without_differences(first, [first], cms, made)
    assert (same["rows"], gone) == (first["rows"], 0)
    made_of, gone = without_differences(table_of(100, 300, 0, 103), [first], cms, made)
    assert [row["count"] for row in made_of["rows"]] == [None] * 4
    assert gone == 4
    assert made_of["linkage"]["people"] == {"a": None, "b": None}
    assert made_of["linkage"]["matched"] is None
    far, gone = without_differences(table_of(100, 300, 0, 150), [first], cms, made)
    assert ([row["count"] for row in far["rows"]], gone) == ([100, 300, 0, 150], 0)


@pytest.mark.parametrize("written", ["b and a or a", "(b or not b) and a", "a or a and b", "not (not a)"])
def test_s19_whose_people_are_all_counted_does_not_depend_on_how_the_formula_is_written(written: str) -> None:
    """If the rows of all people of a were taken to add up to b, the report would tell matches by b's levels, and so few of b without one."""
    by = ("b.place",)
    plain, other = (plan(question_over(TWO, keep, by), TERMS) for keep in ("a", written))
    assert (other.population.shape, other.population.first, other.population.second) == ("first", "a", "b")
    assert (other.group_by, other.groups, other.rows) == (plain.group_by, plain.groups, plain.rows)
    assert {cell.key for cell in other.cells} == {cell.key for cell in plain.cells}


def either(made: Plan, changes: dict[int, int]) -> dict[str, Any]:
    """Give a table of `a or b` by a.place and b.young, as the rule of small cells leaves it; 100 people a row, and so many more."""
    keyed = enumerate(made.rows)
    rows: list[Any] = [
        dict(zip(made.by, key, strict=True)) | {"count": 100 + changes.get(at, 0), "suppressed": None} for at, key in keyed
    ]
    people = {group: sum(row["count"] for row in rows if row[f"{group}.present"]) for group in ("a", "b")}
    matched = sum(row["count"] for row in rows if row["a.present"] and row["b.present"])
    linkage: Any = {"people": people, "usable": dict(people), "matched": matched}
    out, totals, _ = suppress(rows, linkage, PROFILES["cms"], made)
    return {"rows": out, "linkage": totals | {"passes": []}}


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ({0: -89}, {0: -90, 2: 20, 3: -19, 16: -19}),  # 11 people, then 10: hidden with the next, whose sum totals say
        ({0: -95, 1: 50}, {0: -95, 1: 49, 2: 20, 3: -19, 16: -19}),  # both hidden twice, and their sum differs by one
    ],
)
def test_s19_totals_do_not_say_by_how_few_the_hidden_rows_of_any_formula_differ(before: Any, now: Any) -> None:
    made = plan(question_over(TWO, "a or b", ("a.place", "b.young")), TERMS)
    first, second = either(made, before), either(made, now)
    shown, gone = without_differences(second, [first], PROFILES["cms"], made)
    assert [row["count"] for row in shown["rows"]] == [None] * len(made.rows)
    assert (gone > 0, shown["linkage"]["matched"], shown["linkage"]["people"]) == (True, None, {"a": None, "b": None})


def test_a_table_of_any_formula_whose_hidden_rows_stay_as_they_are_is_shown_again() -> None:
    made = plan(question_over(TWO, "a or b", ("a.place", "b.young")), TERMS)
    first = either(made, {0: -95, 1: 50})
    for changes in ({}, {2: 20, 3: -20, 16: -20}):
        second = either(made, {0: -95, 1: 50} | changes)
        assert without_differences(second, [first], PROFILES["cms"], made) == ({k: second[k] for k in ("rows", "linkage")}, 0)
