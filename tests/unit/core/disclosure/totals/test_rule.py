"""The rule of totals, a to g, on tables that can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tallystick.core.disclosure.totals.advise import DesignRisk, advise, estimate_opened
from tallystick.core.disclosure.totals.clear import decide_pattern
from tallystick.core.disclosure.totals.design import TableCell, TableDesign, TableTotal
from tallystick.core.disclosure.totals.parts import Split, find_open_splits, split_design, sum_up
from tallystick.core.disclosure.totals.pattern import Mark, Pattern
from tallystick.core.disclosure.totals.state import TotalsState, begin_totals
from tallystick.core.disclosure.totals.sums import AnyTest, OwnerTest, SumTest
from tallystick.core.errors import Broken
from tests.worlds import plain_design

A, B = frozenset({"a"}), frozenset({"b"})
OPEN, SMALL, BESIDE, RESIDUAL, STRUCK, UNIT, SHUT = Mark


def group(*cells: int) -> frozenset[int]:
    return frozenset(cells)


def decide(counts: list[int], *totals: TableTotal, least: int = 11, zeros: bool = False) -> Pattern:
    return decide_pattern(plain_design(len(counts), totals, min_cell=least, zeros_disclosive=zeros), counts)


def stages(state: TotalsState, counts: list[int]) -> list[list[int]]:
    """Give how many sums each test of each stage is over."""
    found = []
    state = state.strike([one.test.holds(counts) for one in state.strikes])
    while not state.finished:
        found.append([len(test.coefficients) for test in state.tests if isinstance(test, SumTest)])
        assert len(found[-1]) <= state.stages[0].tests
        state = state.answer([test.holds(counts) for test in state.tests])
    return found


def test_without_a_known_total_small_cells_are_hidden_alone() -> None:
    assert decide([3, 0, 11, 10]).cells == (SMALL, OPEN, OPEN, SMALL)
    assert decide([3, 0, 11], zeros=True).cells == (SMALL, SMALL, OPEN)


def test_a_total_that_opens_is_tested_like_a_cell_and_a_small_one_strikes_its_parts() -> None:
    total = TableTotal(group(0, 1), asked=True)
    small = decide([3, 5], total)
    assert (small.cells, small.totals) == ((STRUCK, STRUCK), (SMALL,))
    assert stages(begin_totals(plain_design(2, [total])), [3, 5]) == [[2], [], []], "no cell was tested"
    none = decide([0, 0], total)
    assert (none.cells, none.totals) == ((STRUCK, STRUCK), (OPEN,))
    assert decide([0, 0], total, zeros=True).totals == (SMALL,)


def test_a_group_below_k_times_its_cells_is_struck_before_its_cells_are_tested() -> None:
    total = TableTotal(group(0, 1, 2), known_to=A)
    assert decide([32, 0, 0], total).cells == (STRUCK, STRUCK, STRUCK)
    assert decide([33, 0, 0], total).cells == (OPEN, OPEN, OPEN)
    assert decide([32, 0, 0], total).totals == (None,), "nobody asked for it"


def test_the_first_other_cell_hides_with_a_small_one_zero_or_not() -> None:
    total = TableTotal(group(0, 1, 2, 3), asked=True)
    assert decide([50, 3, 40, 60], total).cells == (BESIDE, SMALL, OPEN, OPEN)
    assert decide([0, 3, 40, 60], total).cells == (BESIDE, SMALL, RESIDUAL, RESIDUAL), "3 + 0 is below 22"


@pytest.mark.parametrize(("beside", "mark"), [(19, OPEN), (18, RESIDUAL)])
def test_one_residual_test_decides_about_the_others(beside: int, mark: Mark) -> None:
    assert decide([3, beside, 60], TableTotal(group(0, 1, 2), asked=True)).cells == (SMALL, BESIDE, mark)  # 22 and 21 of 22


@pytest.mark.parametrize(("beside", "mark"), [(17, OPEN), (16, RESIDUAL)])
def test_each_further_small_cell_asks_one_more_of_the_residual(beside: int, mark: Mark) -> None:
    counts = [3, 3, beside, 60]  # 23 and 22 of 23
    assert decide(counts, TableTotal(group(0, 1, 2, 3), asked=True)).cells == (SMALL, SMALL, BESIDE, mark)


def test_crossing_margins_open_only_if_all_their_cells_do() -> None:
    rows = [TableTotal(group(0, 1, 2), asked=True), TableTotal(group(3, 4, 5), asked=True)]
    columns = [TableTotal(group(n, n + 3), asked=True) for n in range(3)]
    whole = TableTotal(group(0, 1, 2, 3, 4, 5), asked=True)
    pattern = decide([3, 30, 30, 40, 40, 40], *rows, *columns, whole)
    assert pattern.cells == (SMALL, BESIDE, OPEN, OPEN, OPEN, OPEN)
    assert pattern.totals == (OPEN, OPEN, SHUT, SHUT, OPEN, OPEN), "the whole is the sum of two rows that opened"
    assert pattern.opened_totals == (0, 1, 4, 5)


def test_crossing_known_totals_make_a_table_one_unit() -> None:
    totals = [*(TableTotal(row, known_to=A) for row in (group(0, 1), group(2, 3)))]
    totals += [*(TableTotal(column, known_to=B) for column in (group(0, 2), group(1, 3)))]
    assert decide([30, 0, 40, 50], *totals).cells == (OPEN,) * 4
    assert decide([30, 1, 40, 50], *totals).cells == (UNIT,) * 4
    state = begin_totals(plain_design(4, totals)).strike([])
    assert state.tests == (AnyTest(tuple(SumTest(((1, cell),), 11) for cell in range(4))),)
    assert [(stage.tests, len(stage.plain), stage.sums) for stage in state.stages] == [(1, 4, ())]
    closed = replace(plain_design(4, totals), unit_tests=False)
    assert begin_totals(closed).strike([]).stages == ()
    assert decide_pattern(closed, [30, 30, 40, 50]).cells == (UNIT,) * 4


def test_two_counties_whose_totals_cross_are_two_units() -> None:
    totals = [TableTotal(group(n, n + 1), known_to=A) for n in (0, 2, 4, 6)]
    totals += [TableTotal(group(n, n + 2), known_to=B) for n in (0, 1, 4, 5)]
    totals += [TableTotal(group(*range(8)), known_to=A)]  # A adds it up itself
    assert decide([30, 1, 30, 30, 50, 50, 50, 50], *totals).cells == (UNIT,) * 4 + (OPEN,) * 4


def test_what_is_hidden_strikes_all_its_parts_however_deep() -> None:
    rows = [TableTotal(group(0, 1), asked=True), TableTotal(group(2, 3), asked=True), TableTotal(group(4, 5), asked=True)]
    whole = TableTotal(group(*range(6)), asked=True)
    pattern = decide([2, 3, 30, 30, 40, 40], whole, *rows)
    assert pattern.totals == (OPEN, SMALL, BESIDE, OPEN)
    assert pattern.cells == (STRUCK, STRUCK, STRUCK, STRUCK, OPEN, OPEN)
    assert stages(begin_totals(plain_design(6, [whole, *rows])), [2, 3, 30, 30, 40, 40]) == [
        [6],
        [6],
        [2, 2, 2],
        [4],
        [2],
        [1, 1],
    ]


def test_who_knows_a_total_answers_for_it_before_the_first_stage() -> None:
    state = begin_totals(plain_design(4, [TableTotal(group(0, 1), known_to=A | B), TableTotal(group(2, 3), asked=True)]))
    assert (state.asks_owner("a"), state.asks_owner("b"), state.asks_owner("c")) == ((0,), (0,), ())
    assert state.strikes == (OwnerTest(A | B, SumTest(((1, 0), (1, 1)), 22, from_zero=True)),)
    assert state.tests == ()
    first = state.strike([False])
    assert [len(test.coefficients) for test in first.tests if isinstance(test, SumTest)] == [2]
    assert [stage.tests for stage in first.stages] == [1, 1, 4]
    with pytest.raises(Broken, match="1 answers about 1 own totals"):
        first.strike([False])
    with pytest.raises(Broken, match="0 answers about 1 own totals"):
        state.strike([])


def test_a_total_with_a_cell_of_its_own_is_tested_by_it() -> None:
    design = plain_design(4, [TableTotal(group(0, 1), asked=True, cell=9), TableTotal(group(0, 1, 2), asked=True, cell=8)])
    assert begin_totals(design).strike([]).tests == (SumTest(((1, 3),), 11), SumTest(((1, 8),), 11))
    beside = plain_design(4, [TableTotal(group(0), earlier=True), TableTotal(group(0, 1, 2), asked=True, cell=8)])
    assert begin_totals(beside).strike([]).tests[1] == SumTest(((1, 1), (1, 2)), 11), (
        "what is left beside the cell that is known"
    )


def test_a_group_that_is_too_wide_to_test_is_not_opened_by_its_total() -> None:
    totals = [TableTotal(frozenset(range(4)), asked=True)]
    design = replace(plain_design(5, totals), widest_test=43)
    pattern = decide_pattern(design, [50] * 5)
    assert (pattern.cells, pattern.totals) == ((OPEN,) * 5, (OPEN,)), "as a total that is not tested"
    earlier = replace(plain_design(5, [replace(totals[0], earlier=True)]), widest_test=43)
    assert decide_pattern(earlier, [50] * 5).cells == (STRUCK,) * 4 + (OPEN,)
    known = replace(plain_design(5, [replace(totals[0], known_to=A)]), widest_test=43)
    assert decide_pattern(known, [50] * 5).cells == (OPEN,) * 5, "its owner needs no shares"


def test_a_cell_that_opened_before_is_open_and_beside_nothing() -> None:
    known = [TableTotal(group(0), earlier=True), TableTotal(group(0, 1, 2), earlier=True)]
    assert decide([30, 4, 30], *known).cells == (OPEN, SMALL, BESIDE)
    assert decide([30, 4, 10], *known).cells == (OPEN, STRUCK, STRUCK), "the two have 14 of 22 people"


def test_what_is_left_of_a_total_beside_what_opened_before_is_tested_like_a_cell() -> None:
    pattern = decide([30, 4], TableTotal(group(0), earlier=True), TableTotal(group(0, 1), asked=True))
    assert (pattern.cells, pattern.totals) == ((OPEN, STRUCK), (OPEN, SMALL))


def test_a_cell_that_was_hidden_before_stays_hidden_and_its_group_with_it() -> None:
    cells = tuple(TableCell(((1, n),), hidden_before=n == 1) for n in range(5))
    totals = (TableTotal(group(0, 1), known_to=A), TableTotal(group(3, 4), asked=True), TableTotal(group(1, 2), asked=True))
    pattern = decide_pattern(TableDesign(11, cells, totals), [50] * 5)
    assert pattern.cells == (STRUCK, STRUCK, OPEN, OPEN, OPEN)
    assert pattern.totals == (None, OPEN, SHUT)


def test_cumulative_numbers_open_only_if_all_cells_on_one_side_do() -> None:
    start = TableTotal(group(0, 1, 2, 3, 4), asked=True)
    pattern = decide([40, 40, 5, 40, 40], start, *sum_up(5))
    assert pattern.cells == (BESIDE, OPEN, SMALL, OPEN, OPEN)
    assert pattern.totals == (OPEN, BESIDE, SHUT, OPEN, OPEN, OPEN), "the last two are the start without cells that opened"
    assert decide([40, 40, 5, 40, 40], *sum_up(5)).totals == (OPEN, OPEN, SHUT, SHUT, SHUT)


def test_a_cumulative_number_is_not_worked_out_from_what_opened_before() -> None:
    known = [TableTotal(group(0, 1, 2), earlier=True), TableTotal(group(2), earlier=True)]
    pattern = decide([1, 1, 30], *known, TableTotal(group(0, 1), asked=True, cumulative=True))
    assert (pattern.cells, pattern.totals) == ((STRUCK, STRUCK, OPEN), (OPEN, OPEN, SHUT))


def test_if_one_of_two_parts_is_small_neither_opens() -> None:
    wholes = {"few": (30, 4), "fine": (30, 12), "all": (30, 30), "short": (21, 21), "none": (30, 0)}
    values = [value for pair in wholes.values() for value in pair]
    splits = [Split(((1, 2 * n),), ((1, 2 * n + 1),), opened=True) for n in range(len(wholes))]
    pattern = decide_pattern(split_design(splits, min_cell=11), values)
    assert dict(zip(wholes, find_open_splits(pattern), strict=True)) == {
        "few": False, "fine": True, "all": True, "short": False, "none": True,
    }  # fmt: skip
    strict = [Split(one.whole, one.part, opened=True, rest_from_zero=True) for one in splits]
    assert find_open_splits(decide_pattern(split_design(strict, min_cell=11), values)) == (False, True, False, False, True)


def test_nothing_rests_on_a_hidden_whole() -> None:
    splits = [Split(((1, 0),), ((1, 1),), opened=False), Split(((1, 2),), ((1, 3),), opened=True)]
    state = begin_totals(split_design(splits, min_cell=11)).strike([])
    assert [test.coefficients for test in state.tests if isinstance(test, SumTest)] == [((1, 2),)], (
        "the hidden whole is not tested again"
    )
    assert find_open_splits(decide_pattern(split_design(splits, min_cell=11), [5, 5, 40, 20])) == (False, True)


def test_parts_whose_sums_an_agency_knows_open_by_row() -> None:
    splits = [Split(((1, 2 * n),), ((1, 2 * n + 1),), opened=True) for n in range(4)]
    design = split_design(splits, min_cell=11, own={"a": [group(0, 1), group(2, 3)]})
    values = [40, 20, 40, 3, 40, 20, 40, 20]
    assert find_open_splits(decide_pattern(design, values)) == (False, False, True, True)


@pytest.mark.parametrize("bits", [[], [True, False, True]])
def test_another_number_of_answers_is_refused(bits: list[bool]) -> None:
    with pytest.raises(Broken, match="answers to 2 tests"):
        begin_totals(plain_design(2)).strike([]).answer(bits)


def test_answers_that_cannot_be_true_open_nothing_small() -> None:
    state = begin_totals(plain_design(2, [TableTotal(group(0, 1), known_to=A)])).strike([False]).answer([True, True])
    assert (state.finished, state.pattern.cells) == (True, (SMALL, SMALL))


def test_a_pattern_is_had_only_at_the_end() -> None:
    with pytest.raises(Broken, match="before all tests"):
        _ = begin_totals(plain_design(2)).pattern


@pytest.mark.parametrize("cells", [group(), group(2), group(-1, 0)])
def test_a_total_of_cells_that_there_are_not_is_refused(cells: frozenset[int]) -> None:
    with pytest.raises(Broken, match="a total of a table of 2 cells"):
        plain_design(2, [TableTotal(cells)])


def test_a_least_count_that_would_hide_only_one_value_is_refused() -> None:
    with pytest.raises(Broken, match="3 or more"):
        plain_design(2, min_cell=2)


def test_an_empty_table_is_finished() -> None:
    assert begin_totals(plain_design(0)).strike([]).pattern == Pattern((), ())


def test_a_large_table_is_decided_in_few_stages() -> None:
    rows = [TableTotal(frozenset(range(at, at + 8)), asked=True) for at in range(0, 4000, 8)]
    columns = [TableTotal(frozenset(range(at, 4000, 8)), asked=True) for at in range(8)]
    design = plain_design(4000, [*rows, *columns, TableTotal(frozenset(range(4000)), asked=True, untested=True)])
    counts = [(37 * n) % 101 for n in range(4000)]
    found = stages(begin_totals(design), counts)
    assert len(found) == 4 <= advise(design).stages
    assert sum(map(len, found)) <= advise(design).tests


# --- advice ---


def test_advice_names_what_a_design_loses_and_what_to_ask_instead() -> None:
    rows = [TableTotal(group(0, 1), known_to=A), TableTotal(group(2, 3), known_to=A)]
    columns = [TableTotal(group(0, 2), known_to=B), TableTotal(group(1, 3), known_to=B)]
    (crossing,) = advise(plain_design(4, [*rows, *columns])).notes
    assert crossing.risk is DesignRisk.CROSSING
    assert "a and b" in crossing.message
    earlier = [TableTotal(total.cells, earlier=True) for total in (*rows, *columns)]
    assert [note.risk for note in advise(plain_design(4, earlier)).notes] == [DesignRisk.CROSSED_EARLIER]
    asked = [TableTotal(total.cells, asked=True) for total in columns]
    assert [note.risk for note in advise(plain_design(4, [*rows, *asked])).notes] == [DesignRisk.UNTESTED, DesignRisk.NARROW]
    assert advise(plain_design(4)).notes == ()


def test_advice_counts_stages_tests_and_factors() -> None:
    free = advise(plain_design(5))
    assert (free.stages, free.tests, free.degree) == (1, 5, 10)
    rows = advise(plain_design(6, [TableTotal(group(0, 1, 2), asked=True), TableTotal(group(3, 4, 5), known_to=A)]))
    assert (rows.stages, rows.tests, rows.degree) == (4, 10, 33)


def test_an_estimate_falls_with_levels_and_is_the_same_for_everybody() -> None:
    few = plain_design(4, [TableTotal(frozenset(range(4)), asked=True)])
    many = plain_design(40, [TableTotal(frozenset(range(40)), asked=True)])
    assert estimate_opened(few, 1000) > 0.9 > estimate_opened(many, 1000)
    assert estimate_opened(many, 1000) == estimate_opened(many, 1000)
    assert estimate_opened(few, 10) == 0
    assert estimate_opened(plain_design(0), 10) == 0
