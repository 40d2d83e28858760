"""S-19: what opens of a linkage report tells nobody a small number: of the report, of the table beside it, or what one leaves of the other.

People are of few kinds: which groups have them, and what of them is a level, a value that is missing, or a token that is. Every cell of a
plan is a sum over kinds. So an attacker with a solver, who is given all answers, all that opens and what one agency knows of its own people,
is asked which values a hidden number may still have.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest

from tallystick.core.disclosure.rule import DisclosureProfile
from tallystick.core.disclosure.totals.design import TableCell, TableDesign
from tallystick.core.disclosure.totals.gated import GatedTables, gate_of, mark_cells
from tallystick.core.disclosure.totals.ledger import NamedPlan, Restriction, describe_pattern, restrict_plan
from tallystick.core.disclosure.totals.pattern import Mark, Pattern
from tallystick.core.disclosure.totals.planned import PlannedTables
from tallystick.core.disclosure.totals.report import ReportTables, Shown
from tallystick.core.disclosure.totals.sums import AnyTest, SumTest, Terms
from tallystick.core.job.model import Question
from tallystick.core.statistics.columns import USABLE, AgencyList, GroupMembers, usable_column
from tallystick.core.statistics.keys import GroupPeople, InReport, Key, Matched
from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.planner import plan
from tallystick.crypto.statistic.gate import SharedTest
from tests.populations import frame_of
from tests.totals_attacker import Attacker, Transcript
from tests.unit.core.disclosure.test_gating import terms
from tests.unit.core.test_planner import evaluate, person_columns
from tests.unit.core.test_populations import question_over

LEAST = 3
AGREEMENT = terms(min_cell=LEAST)
PROFILE = DisclosureProfile("custom", LEAST)
LAYERS = 5
REPORT = 3
"""From this layer on tests are of the report (beside those of zeros and ones)."""


@dataclass(frozen=True)
class Kind:
    """People of whom everything is alike: the groups that have them, a's level, whether b's values are there, and whose tokens are not."""

    have: tuple[str, ...]
    place: str
    age: bool
    paid: bool
    usable: bool


def kinds_of(groups: str) -> list[Kind]:
    found = []
    for size in range(1, len(groups) + 1):
        for have in combinations(groups, size):
            places = ("north", "south") if "a" in have else ("",)
            values = ((True, True), (False, True), (True, False)) if "b" in have else ((True, True),)
            tokens = (True, False) if size == 1 else (True,)
            found += [Kind(have, where, age, paid, token) for where, (age, paid), token in product(places, values, tokens)]
    return found


@lru_cache(maxsize=64)
def made_of(keep: str, by: tuple[str, ...], measured: tuple[str, ...], groups: str) -> tuple[Plan, tuple[Terms, ...]]:
    """Give a plan and, of each of its cells, how many of each kind of people it counts."""
    owners = dict(zip(groups, ("one", "two", "three"), strict=False))
    made = plan(question_of(keep, by, measured, groups), AGREEMENT)
    counted = np.array([count_kind(made, owners, kind) for kind in kinds_of(groups)])
    return made, tuple(tuple((int(many), at) for at, many in enumerate(cell) if many) for cell in counted.T)


def question_of(keep: str, by: tuple[str, ...], measured: tuple[str, ...], groups: str) -> Question:
    measures: tuple[Any, ...] = ("count", *({"mean": column} for column in measured))
    return question_over(dict(zip(groups, ("one", "two", "three"), strict=False)), keep, by, measures)


def count_kind(made: Plan, owners: dict[str, str], kind: Kind) -> list[int]:
    lists = {}
    for group, agency in owners.items():
        frame = frame_of(1 if group in kind.have else 0, np.random.default_rng(1)).astype(object)
        if len(frame):
            frame.loc[0] = [kind.place or "north", "a", True, 1, 7 if kind.age else None, 5 if kind.paid else None]
        columns = {**person_columns(frame), USABLE: usable_column(np.full(len(frame), kind.usable))}
        places = np.arange(len(frame))
        lists[agency] = (AgencyList(len(frame), {group: GroupMembers(columns, places)}), places)
    return evaluate(made, lists, 1)


def in_kinds(sums: Iterable[tuple[int, int]], cells: Sequence[Terms]) -> Terms:
    """Give a sum of cells, as (coefficient, cell), over kinds of people."""
    added: dict[int, int] = {}
    for coefficient, cell in sums:
        for many, kind in cells[cell]:
            added[kind] = added.get(kind, 0) + coefficient * many
    return tuple((coefficient, kind) for kind, coefficient in sorted(added.items()) if coefficient)


def put_in_kinds(test: SharedTest, cells: Sequence[Terms]) -> AnyTest:
    return AnyTest(
        tuple(
            SumTest(in_kinds(((factor, cell) for cell, factor in one.terms), cells), one.below, one.from_zero)
            for one in test.any_of
        )
    )


@dataclass
class Job:
    """A job whose tests are answered in the clear, and what is seen of it.

    Attributes:
        seen: at the end; `before`: before the first test of the report.
    """

    made: Plan
    cells: tuple[Terms, ...]
    seen: Transcript
    before: Transcript
    rule: GatedTables
    rows: int


def run(made: Plan, cells: tuple[Terms, ...], people: Sequence[int], earlier: Restriction | None = None) -> Job:
    tables = PlannedTables(made, PROFILE)
    restricted = None if earlier is None else replace(tables, earlier=earlier).layers
    gate = gate_of(tables.layers, tables.cells, restricted)
    rule, stage = gate.rule, 0
    assert isinstance(rule, GatedTables)
    transcript, before, rows = Transcript(people), None, 0
    while True:
        if before is None and (rule.finished or LAYERS - len(rule.layers) > REPORT - 1):
            before, rows = replace(transcript, answers=list(transcript.answers)), len(rule.done)
        if rule.finished:
            break
        assert stage < gate.stages
        assert len(rule.tests) <= (gate.tests if stage else len(gate.begins))
        stage += 1
        tests = [put_in_kinds(test, cells) for test in rule.tests]
        bits = tuple(test.holds(people) for test in tests)
        transcript.answers += zip(tests, bits, strict=True)
        rule = rule.answer(bits)
    assert before is not None
    before.sums = [(in_kinds([(1, cell)], cells), 0) for cell in opened(rule.done[:rows])]
    transcript.sums = [(in_kinds([(1, cell)], cells), 0) for cell in opened(rule.done)]
    for one in (before, transcript):
        one.sums = [(sums, sum(many * people[kind] for many, kind in sums)) for sums, _ in one.sums]
    return Job(made, cells, transcript, before, rule, rows)


def opened(done: Iterable[tuple[TableDesign, Pattern]]) -> list[int]:
    return [cell for design, pattern in done for cell, mark in mark_cells(design, pattern).items() if mark is Mark.OPENED]


def known_to(group: str, kinds: Sequence[Kind]) -> list[Terms]:
    """Give what an agency knows of its own people: how many there are of each kind that it can tell apart."""
    found: dict[object, list[int]] = {}
    for at, kind in enumerate(kinds):
        if group in kind.have:
            mine = (kind.place,) if group == "a" else (kind.age, kind.paid) if group == "b" else ()
            found.setdefault((*mine, kind.usable if len(kind.have) == 1 else True), []).append(at)
    return [tuple((1, at) for at in some) for some in found.values()]


def find_lost(job: Job, groups: str) -> list[str]:
    """Give what small values hidden numbers of the table and of the report have lost by the report, to whom."""
    kinds, people, told = kinds_of(groups), job.seen.counts, []
    for who in ("", *groups):
        own = known_to(who, kinds) if who else []
        seen, before = (Attacker.who_sees(one, own, room=12 * LEAST) for one in (job.seen, job.before))
        hidden = {
            in_kinds(cell.terms, job.cells)
            for design, pattern in job.rule.done
            for cell, mark in zip(design.cells, pattern.cells, strict=True)
            if mark is not Mark.OPENED
        }
        for sums in hidden:
            if all(kinds[kind].have == (who,) for _, kind in sums):
                continue  # of its own people alone: it knows how many match, and so how many do not
            if not 1 <= sum(many * people[kind] for many, kind in sums) < LEAST:
                continue
            told += [
                f"{who or 'outside'}: {sums} is not {value}"
                for value in range(1, LEAST)
                if seen.example(sums, value) is None and before.example(sums, value) is not None
            ]
    return told


SHAPES: list[tuple[str, tuple[str, ...], str]] = [
    ("a and b", ("a.place",), "ab"),
    ("a and b", (), "ab"),
    ("a", ("a.place",), "ab"),
    ("a", ("a.place", "b.present"), "ab"),
    ("a", (), "ab"),
    ("a or b", ("a.present", "b.present"), "ab"),
    ("a or b", (), "ab"),
    ("a and not b", ("a.place",), "ab"),
    ("a and b and c", (), "abc"),
    ("a or b or c", (), "abc"),
    ("a", ("a.place", "b.present"), "abc"),
    ("a and (b or c)", ("c.present",), "abc"),
    ("a or b", ("systems",), "ab"),
    ("a or b or c", ("systems",), "abc"),
]


def draw_people(source: random.Random, groups: str) -> list[int]:
    """Draw how many people there are of each kind: few of many kinds, or many of most."""
    few = source.choice([0.1, 0.3, 0.6])
    return [
        source.choice([0, 0, source.randint(1, LEAST)])
        if source.random() < few
        else source.choice([0, source.randint(LEAST, 30)])
        for _ in kinds_of(groups)
    ]


def draw(seed: int) -> tuple[Job, str]:
    source = random.Random(seed)
    keep, by, groups = SHAPES[seed % len(SHAPES)]
    measured = tuple(source.sample(["b.age", "b.paid"], source.randint(0, 2)))
    made, cells = made_of(keep, by, measured, groups)
    people = draw_people(source, groups)
    return run(made, cells, people), groups


@pytest.mark.parametrize("seed", range(2 * len(SHAPES)))
def test_s19_the_report_takes_no_small_value_from_a_hidden_number(seed: int) -> None:
    job, groups = draw(seed)
    assert not find_lost(job, groups), (seed, job.seen.counts)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(1000, 4000, 100))
def test_s19_the_report_takes_no_small_value_in_thousands_of_jobs(start: int) -> None:
    for seed in range(start, start + 100):
        job, groups = draw(seed)
        assert not find_lost(job, groups), (seed, job.seen.counts)


def test_the_attacker_finds_what_a_report_tells_that_is_not_held_against_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """A control: people of a group open if they are not few themselves, whatever the matches leave of them."""

    def itself(self: ReportTables, people: Key) -> TableCell:
        return TableCell(((1, self._at[people]), (0, self._at[Key(people.place, Matched())])), opens=(self._at[people],))

    monkeypatch.setattr(ReportTables, "_rest", itself)
    assert any(derive_few(seed) for seed in range(0, 2800, len(SHAPES)))


def test_the_attacker_finds_what_matches_tell_of_hidden_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Shown, "whole", property(lambda self: all(self.rows)))
    assert any(find_lost(*draw(seed)) for seed in range(2, 2800, len(SHAPES)))


def derive_few(seed: int) -> bool:
    """Tell whether people of a group less those matched, of whom both opened, are few."""
    job, _ = draw(seed)
    shown, values = set(opened(job.rule.done)), job.seen.counts
    at = {cell.key: index for index, cell in enumerate(job.made.cells)}
    told = {key: sum(many * values[kind] for many, kind in job.cells[cell]) for key, cell in at.items() if cell in shown}
    matched = told.get(Key(InReport(), Matched()))
    rests = (
        [told[key] - matched for key in told if key.place == InReport() and isinstance(key.number, GroupPeople)]
        if matched
        else []
    )
    return any(1 <= rest < LEAST for rest in rests)


@pytest.mark.parametrize("seed", range(0, 20 * len(SHAPES), len(SHAPES)))
def test_s19_people_less_those_matched_are_never_few(seed: int) -> None:
    assert not derive_few(seed)


# --- tables of the same people, one after the other ---

SEQUENCES: list[tuple[str, tuple[str, ...], str]] = [
    ("a and b", ("a.place", "b.young"), "ab"),
    ("a", ("a.place", "b.present"), "ab"),
    ("a or b", ("a.present", "b.present"), "ab"),
    ("a", ("a.place",), "ab"),
]


def ask_again(seed: int, *, forget: bool = False) -> list[str]:
    """Ask for a table, then for one or two by fewer columns and other measures; give what hidden numbers of any have lost by those after it."""
    source = random.Random(seed)
    keep, finest, groups = SEQUENCES[seed % len(SEQUENCES)]
    people = draw_people(source, groups)
    asked = [finest, *(tuple(name for name in finest if source.random() < 0.5) for _ in range(source.randint(1, 2)))]
    entries: list[dict[str, Any]] = []
    jobs: list[Job] = []
    for number, by in enumerate(asked):
        measured = tuple(source.sample(["b.age", "b.paid"], source.randint(0, 2)))
        made, cells = made_of(keep, by, measured, groups)
        named = NamedPlan(made, question_of(keep, by, measured, groups), AGREEMENT)
        earlier = None if forget else restrict_plan(named, linkage="passes", entries=entries)
        jobs.append(run(made, cells, people, earlier))
        entries.append(describe_pattern(named, job=str(number), linkage="passes", fates=jobs[-1].rule.opened))
    return [lost for at in range(len(jobs) - 1) for lost in find_lost_by(jobs, at, groups)]


def find_lost_by(jobs: Sequence[Job], at: int, groups: str) -> list[str]:
    """Give what hidden numbers of a job lose by all that is seen of the jobs after it, to who saw those before it, too."""

    def together(some: Sequence[Job]) -> Transcript:
        answers = [one for job in some for one in job.seen.answers]
        return replace(jobs[at].seen, answers=answers, sums=[one for job in some for one in job.seen.sums])

    return find_lost(replace(jobs[at], before=together(jobs[: at + 1]), seen=together(jobs)), groups)


@pytest.mark.parametrize("seed", range(32))
def test_s47_a_later_table_takes_no_small_value_from_a_hidden_number_of_an_earlier_one(seed: int) -> None:
    assert not ask_again(seed)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(1000, 3000, 100))
def test_s47_thousands_of_later_tables_take_no_small_value(start: int) -> None:
    for seed in range(start, start + 100):
        assert not ask_again(seed), seed


def test_the_attacker_finds_what_a_later_table_tells_that_forgets_the_earlier_one() -> None:
    assert any(ask_again(seed, forget=True) for seed in range(200))
