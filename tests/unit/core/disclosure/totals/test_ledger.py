"""S-47: what kept patterns leave to a later table of the same people: what is hidden, what is refused, and that lengths do not tell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tallystick.core.disclosure.gating import computation_under
from tallystick.core.disclosure.totals.ledger import Entry, NamedPlan, Restriction, describe_pattern, restrict_plan
from tallystick.core.errors import Refused
from tallystick.core.job.model import Question
from tallystick.core.moments import Count, Present
from tallystick.core.statistics.keys import GroupPeople, InMargin, InReport, InRow, Key, Matched
from tallystick.core.statistics.planner import plan
from tallystick.crypto.statistic.gate import Fate
from tests.unit.core.disclosure.test_gating import terms
from tests.unit.core.test_populations import question_over

OWNERS = {"a": "one", "b": "two"}
BOTH = ("a.place", "b.young")
AGREEMENT = terms()


def named(keep: str = "a and b", by: tuple[str, ...] = BOTH, measures: tuple[Any, ...] = ("count",)) -> NamedPlan:
    asked = question_over(OWNERS, keep, by, measures)
    return NamedPlan(plan(asked, AGREEMENT), asked, AGREEMENT)


def entry(made: NamedPlan, *hidden: Key, job: str = "first", linkage: str = "passes") -> Entry:
    """Give the entry of a job of which everything opened but some cells."""
    fates = [Fate.HIDDEN if cell.key in hidden else Fate.OPENED for cell in made.plan.cells]
    return describe_pattern(made, job=job, linkage=linkage, fates=fates)


def restrict(made: NamedPlan, *entries: Entry, linkage: str = "passes") -> Restriction | None:
    return restrict_plan(made, linkage=linkage, entries=entries)


def test_a_row_is_hidden_where_a_part_of_it_was_and_the_matches_are() -> None:
    first, later = named(), named(by=("a.place",))
    shut = first.plan.rows.index(("south", True))
    found = restrict(later, entry(first, Key(InRow(shut), Count()), Key(InReport(), Matched())))
    assert found is not None
    assert [later.plan.rows[row] for row in found.rows] == [("south",)]
    assert {later.plan.cells[cell].key for cell in found.report} == {Key(InReport(), Matched())}
    assert found.jobs == {"first"}


def test_names_and_order_of_groups_and_columns_do_not_matter() -> None:
    first = named()
    shut = first.plan.rows.index(("south", True))
    asked = question_over({"x": "two", "y": "one"}, "x and y", ("x.young", "y.place"))
    later = NamedPlan(plan(asked, AGREEMENT), asked, AGREEMENT)
    found = restrict(later, entry(first, Key(InRow(shut), Count())))
    assert found is not None
    assert [later.plan.rows[row] for row in found.rows] == [(True, "south")]


def test_columns_that_the_first_table_does_not_have_are_refused_with_those_that_pass() -> None:
    for later in (named(by=("a.place", "a.young")), named(by=(*BOTH, "a.children"))):
        with pytest.raises(Refused, match="other columns") as caught:
            restrict(later, entry(named()))
        assert "one.place, two.young" in str(caught.value.hint)
    assert restrict(named()) is None
    coarser = entry(named(by=("a.place",)), job="second")
    assert restrict(named(by=("b.young",)), entry(named()), coarser) is not None, "the second is a sum of the first"
    with pytest.raises(Refused):
        restrict(named(by=("b.young",)), coarser)


def test_another_ladder_may_ask_by_the_same_columns_alone() -> None:
    first = entry(named(), Key(InRow(0), Count()), linkage="others")
    assert restrict(named(), first) is None
    with pytest.raises(Refused, match="other columns"):
        restrict(named(by=("a.place",)), first)


def test_a_count_of_values_is_hidden_where_a_part_was_or_no_table_by_these_columns_has_it() -> None:
    age = Present(("b.age",))
    with_age = named(measures=("count", {"mean": "b.age"}))
    shut = with_age.plan.rows.index(("south", True))
    later = named(by=("a.place",), measures=("count", {"mean": "b.age"}))
    found = restrict(later, entry(with_age, Key(InRow(shut), age)))
    assert found is not None
    assert not found.rows
    assert [later.plan.rows[row] for row in found.parts[age]] == [("south",)]
    crossing = named(by=("b.young",), measures=("count", {"mean": "b.age"}))
    second = restrict(crossing, entry(named()), entry(later, job="second"))
    assert second is not None
    assert second.parts[age] == frozenset(range(len(crossing.plan.rows))), "values were counted by place"
    third = restrict(crossing, entry(named()))
    assert third is not None
    assert not third.parts[age]


def test_a_new_count_of_values_stays_hidden_where_matches_were_shown_that_it_is_a_part_of() -> None:
    age = Present(("b.age",))
    later = named("a", ("a.place",), ("count", {"mean": "b.age"}))
    first = named("a", ("a.place",))
    found = restrict(later, entry(first))
    assert found is not None
    assert found.parts[age] == frozenset(range(len(later.plan.rows)))
    closed = [cell.key for cell in first.plan.cells if isinstance(cell.key.number, Matched)]
    hidden = restrict(later, entry(first, *closed))
    assert hidden is not None
    assert not hidden.parts[age]


def test_levels_of_the_report_open_only_where_the_first_table_showed_the_same() -> None:
    found = restrict(named(by=("a.place",)), entry(named(by=("a.place", "a.young"))))
    assert found is not None
    later = named(by=("a.place",)).plan
    closed = {later.cells[cell].key for cell in found.report}
    assert {key.place for key in closed} == {cell.key.place for cell in later.cells if "InGroup" in repr(cell.key.place)}
    assert Key(InReport(), GroupPeople("a")) not in closed


@pytest.mark.parametrize("totals", ["none", "rows", "columns"])
@pytest.mark.parametrize(("keep", "by"), [("a and b", BOTH), ("a", ("a.place",)), ("a or b", ("a.present",)), ("a and b", ())])
def test_s08_what_earlier_tables_hid_shows_in_no_length(keep: str, by: tuple[str, ...], totals: str) -> None:
    """Nor beside totals that are asked for: how much is tested, and in how many messages, is the same with an entry and without."""
    asked = question_over(OWNERS, keep, by, ("count", {"mean": "b.age"}))
    asked = Question.read(asked.json_value() | {"totals": totals}, what="job")
    made = NamedPlan(plan(asked, AGREEMENT), asked, AGREEMENT)
    free = computation_under(made.plan, AGREEMENT)
    rows = [Key(InRow(row), Count()) for row in range(len(made.plan.rows))]
    assert any(isinstance(cell.key.place, InMargin) for cell in made.plan.cells) == (totals != "none")
    for hidden in ([], rows[:1], rows):
        held = computation_under(made.plan, AGREEMENT, restrict(made, entry(made, *hidden)))
        assert held.gate is not None
        assert free.gate is not None
        assert held.gate.lengths == free.gate.lengths
        assert held.gate_plan(1000) == free.gate_plan(1000)
        assert held.cells_digest() == free.cells_digest()
        assert replace(held, gate=None) == replace(free, gate=None)
