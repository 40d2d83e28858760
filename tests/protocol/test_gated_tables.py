"""S-19: the rule of totals drives the gate: what it asks was foreseen, and jobs in memory open what the rule opens over counts in the clear."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from tallystick.core.disclosure.totals.clear import decide_pattern
from tallystick.core.disclosure.totals.design import TableCell, TableDesign, TableTotal
from tallystick.core.disclosure.totals.gated import GatedTables, Layer, PlanCells, gate_of
from tallystick.core.disclosure.totals.parts import Split, find_open_splits, split_design
from tallystick.core.disclosure.totals.pattern import Mark, Pattern
from tallystick.core.errors import Broken
from tallystick.crypto import paillier
from tallystick.crypto.statistic.gate import Fate, Gate
from tests.protocol.cases import paillier_key
from tests.protocol.gates import NAMES, K, Levels, bus_of
from tests.worlds import plain_design

WHO = frozenset({NAMES[1]})


def drive(gate: Gate, values: Sequence[int]) -> tuple[Fate, ...]:
    """Answer a gate's tests in the clear, and check of each that it was foreseen, as the machines do."""
    rule, counts, free, tested = gate.rule, gate.of_cell, list(gate.sums), set()
    for stage in range(gate.stages):
        if rule.finished:
            break
        tests = rule.tests
        several = sorted((len(test.any_of) for test in tests if len(test.any_of) > 1), reverse=True)
        said = gate.several[stage - 1] if 0 < stage <= len(gate.several) else ()
        assert stage == 0 or (len(tests) <= gate.tests and len(several) <= len(said))
        assert stage == 0 or all(many <= most for many, most in zip(several, said, strict=False))
        for test in tests:
            assert test.owner is None or len(test.any_of) == 1
            for one in test.any_of if test.owner is None else ():
                cell = one.terms[0][0]
                if len(one.terms) == 1 and one.terms[0][1] == 1 and cell in counts:
                    assert counts[cell].sum == one
                    assert cell not in tested, "a count is tested twice"
                    tested.add(cell)
                else:
                    free.remove(min(size for size in free if size >= len(one.small)))
        bits = [
            any(sum(factor * values[cell] for cell, factor in one.terms) in one.small for one in test.any_of) for test in tests
        ]
        rule = rule.answer(tuple(bits))
    assert rule.finished
    return rule.opened


def layers_of(design: TableDesign) -> list[Layer]:
    return [lambda patterns: [design]]


def random_design(source: random.Random) -> TableDesign:
    count = source.randint(1, 9)
    totals = []
    for cell in range(source.randint(0, 5)):
        first = source.randint(0, count - 1)
        run = range(first, source.randint(first + 1, count))
        cells = frozenset(run if source.random() < 0.7 else source.sample(range(count), source.randint(1, count)))
        known = WHO if source.random() < 0.4 else frozenset[str]()
        asked = source.random() < 0.6
        own = count + cell if asked and len(cells) > 1 and source.random() < 0.5 else None
        totals.append(TableTotal(cells, asked, known, earlier=source.random() < 0.15, untested=source.random() < 0.2, cell=own))
    cells_ = tuple(TableCell(((1, n),), source.random() < 0.1, source.random() < 0.05) for n in range(count))
    return TableDesign(K, cells_, tuple(totals), source.random() < 0.2)


@pytest.mark.parametrize("seed", range(150))
def test_whatever_is_known_the_tests_are_those_that_were_foreseen(seed: int) -> None:
    source = random.Random(seed)
    design = random_design(source)
    counts = [source.choice([0, source.randint(1, K - 1), source.randint(K, 4 * K), 10 * K]) for _ in design.cells]
    sums = [sum(counts[cell] for cell in total.cells) for total in design.totals]
    values = [*counts, *sums]
    cells = PlanCells(len(values), {})
    rule = GatedTables(cells, {}, tuple(layers_of(design))).go_on()
    if rule.finished:
        return
    fates = drive(gate_of(layers_of(design), cells), values)
    pattern = decide_pattern(design, values)
    assert [fate == Fate.OPENED for fate in fates[: len(counts)]] == [mark is Mark.OPENED for mark in pattern.cells]
    for total, mark in zip(design.totals, pattern.totals, strict=True):
        if total.cell is not None:
            assert (fates[total.cell] == Fate.OPENED) == (mark is Mark.OPENED)


def counts_and_parts(rows: int, own: bool) -> list[Layer]:
    """Give rows of which each has a count, and who among it has a value: cells 0 to rows - 1, and those after them."""

    def counts(patterns: Sequence[Pattern]) -> list[TableDesign]:
        return [plain_design(rows, [TableTotal(frozenset(range(rows)), known_to=WHO)])]

    def parts(patterns: Sequence[Pattern]) -> list[TableDesign]:
        splits = [Split(((1, row),), ((1, rows + row),), mark is Mark.OPENED) for row, mark in enumerate(patterns[0].cells)]
        known = {NAMES[1]: [frozenset(range(rows))]} if own else None
        return [split_design(splits, min_cell=K, own=known, unit_tests=False)]

    return [counts, parts]


@pytest.mark.parametrize("own", [False, True])
def test_parts_are_tested_after_what_they_are_parts_of(*, own: bool) -> None:
    values = [60, 4, 50, 40, 30, 4, 25, 3, *range(4)]
    gate = gate_of(counts_and_parts(4, own), PlanCells(12, {row: (4 + row,) for row in range(4, 8)}))
    opened = [cell for cell, fate in enumerate(drive(gate, values)) if fate == Fate.OPENED]
    assert opened == ([2, 3] if own else [2, 3, 6, 10]), "4 is small and 60 hides with it; of 40, 3 is a small part"
    assert find_open_splits(Pattern((Mark.OPENED, Mark.SMALL), ())) == (False,)


@pytest.mark.usefixtures("_one_paillier_key")
@pytest.mark.parametrize("known", [True, False])
def test_s47_what_an_earlier_table_hid_is_not_asked_and_messages_are_as_long(*, known: bool) -> None:
    levels = Levels((3 * K, K, K, K))
    totals = [TableTotal(frozenset(range(4)), known_to=WHO)] if known else []
    resting = {row: (4 + row,) for row in range(4)}
    sizes = []
    for hidden in ((), (1, 2)):
        cells = tuple(TableCell(((1, cell),), hidden_before=cell in hidden) for cell in range(4))
        gate = gate_of(layers_of(plain_design(4, totals)), PlanCells(8, resting), layers_of(TableDesign(K, cells)))
        bus = bus_of(levels, gate)
        opened = bus.run()
        assert set(opened.hidden) == {cell + shift for cell in hidden for shift in (0, 4)}
        assert all(opened.values[cell] == value for cell, value in enumerate(levels.clear()) if cell not in opened.hidden)
        sizes.append(
            {ref: sum(map(len, chunks)) for ref, chunks in bus.transcript.items() if "gate" in ref.about or ref.kind == "gate"}
        )
    plain = bus_of(levels, gate_of(layers_of(plain_design(4, totals)), PlanCells(8, resting)))
    plain.run()
    sizes.append(
        {ref: sum(map(len, chunks)) for ref, chunks in plain.transcript.items() if "gate" in ref.about or ref.kind == "gate"}
    )
    assert sizes[0] == sizes[1] == sizes[2]


def test_what_opens_is_known_at_the_end_alone() -> None:
    rule = GatedTables(PlanCells(2, {}), {}, tuple(layers_of(plain_design(2)))).go_on()
    with pytest.raises(Broken, match="before all tests"):
        _ = rule.opened
    with pytest.raises(Broken, match="1 answers to 2 tests"):
        rule.answer((True,))


@pytest.fixture
def _one_paillier_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paillier, "generate", paillier_key)


@pytest.mark.usefixtures("_one_paillier_key")
@pytest.mark.parametrize(
    ("sizes", "totals", "open_rows"),
    [
        ((3 * K, 1, K, K), [TableTotal(frozenset(range(4)), known_to=WHO)], {2, 3}),
        ((K, 1, 3 * K, K), [TableTotal(frozenset(range(4)), known_to=WHO)], set()),  # 11 and 1 are few together
        ((K, 1, K, K), [TableTotal(frozenset(range(4)), known_to=WHO)], set()),  # 34 people in four rows are struck
        ((K, 0, 30, 9), [], {0, 1, 2}),
        ((K, 30, 30, 9), [TableTotal(frozenset({0, 1}), known_to=WHO), TableTotal(frozenset({1, 2}), known_to=WHO)], {0, 1, 2}),
        ((K, 9, 30, 30), [TableTotal(frozenset({0, 1}), known_to=WHO), TableTotal(frozenset({1, 2}), known_to=WHO)], {3}),
    ],
)
def test_a_job_in_memory_opens_what_the_rule_opens(
    sizes: tuple[int, ...], totals: list[TableTotal], open_rows: set[int]
) -> None:
    levels = Levels(sizes)
    count = len(sizes)
    resting = {row: (count + row,) for row in range(count)}
    gate = gate_of(layers_of(plain_design(count, totals)), PlanCells(2 * count, resting))
    opened = bus_of(levels, gate).run()
    shown = open_rows | {count + row for row in open_rows}
    assert set(opened.hidden) == set(range(2 * count)) - shown
    assert all(opened.values[cell] == levels.clear()[cell] for cell in shown)
