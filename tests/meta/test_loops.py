"""No phase of a job has a Python loop over people: four times as many people cost nearly as many instructions of Python.

What is counted are the interpreter's own steps (opcodes), so the test does not depend on the machine. Names, dates, cities and ZIP codes come
from fixed lists, as their rules go over distinct values; numbers, streets and telephones are everybody's own. A loop over people has at
least four steps for each; `STEPS` allows for arrays that come in some more blocks.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.core.linkage.matching.matching import match_tags
from tallystick.core.linkage.passes.bands import band_columns
from tallystick.core.linkage.passes.ladders import LADDERS
from tallystick.core.linkage.passes.recipes import parse_recipe
from tallystick.core.linkage.passes.similarity import plan_of
from tallystick.core.linkage.passes.spellings import build_spelled_columns, expand_ladder
from tallystick.core.linkage.passes.tokens import token_columns
from tallystick.core.linkage.quality.report import count_links
from tallystick.core.linkage.quality.sharing import list_counts
from tallystick.core.statistics.columns import AgencyList, GroupMembers, agency_columns, own_totals, usable_column
from tallystick.core.statistics.planner import plan
from tallystick.crypto import paillier
from tallystick.crypto.randomness import SystemRandomness
from tallystick.node.fingerprint import fingerprint
from tallystick.records.features import people_table
from tallystick.records.reading import load_dataset
from tests.passes import ladder_of
from tests.protocol.bus import Bus
from tests.protocol.cases import Side, all_pairs, desk_setup, paillier_key, setups
from tests.unit.core.test_planner import agreement, person_columns, question

FEW: Final = 420
MANY: Final = 4 * FEW
STEPS: Final = 3.5
"""Steps that each further person may cost."""

FIRST: Final = [a + b for a, b in product(("An", "Be", "Cor", "Dé"), ("na", "bert", "lia", "mond"))]
LAST: Final = [a + b for a, b in product(("Gar", "Smi", "O'B", "Lop"), ("cia", "th", "rien", "ez Diaz"))]
RECIPES: Final = [parse_recipe(name) for name in LADDERS["loose"]]
NUMBERED: Final = [recipe for recipe in RECIPES if recipe.has_number]
"""Recipes by which nobody of a list looks like another: pairs of look-alikes cost a step for every so many, whoever they are."""
GUARDED: Final = [parse_recipe(f"first_name+last_name+birth_date{guard}") for guard in ("~ssn4", "^ssn4")]
Texts = npt.NDArray[np.object_]


class Steps:
    """Counts the interpreter's steps, by function."""

    def __init__(self) -> None:
        self.by_code: Counter[CodeType] = Counter()

    def __enter__(self) -> Self:
        self._before = sys.gettrace()
        sys.settrace(self._call)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    def _call(self, frame: FrameType, event: str, _: Any) -> Any:
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        code = frame.f_code

        def step(_: FrameType, event: str, __: Any) -> Any:
            if event == "opcode":
                self.by_code[code] += 1
            return step

        return step if event == "call" else None


def steps(work: Callable[[], object]) -> Counter[CodeType]:
    with Steps() as counted:
        work()
    return counted.by_code


def check(phase: Callable[[int], Callable[[], object]]) -> None:
    """Compare the steps of a phase with few and with many people; the work is made ready before it is counted."""
    ready = {n: phase(n) for n in (FEW, MANY)}
    ready[FEW]()  # what is made once, such as caches
    few, many = steps(ready[FEW]), steps(ready[MANY])
    most = sorted(many, key=lambda code: few[code] - many[code])[:5]
    told = {f"{Path(code.co_filename).name}:{code.co_firstlineno} {code.co_name}": (few[code], many[code]) for code in most}
    assert sum(few.values()) > 50
    assert sum(many.values()) - sum(few.values()) < STEPS * (MANY - FEW), f"a loop over people? steps with few and many: {told}"


def people(n: int, seed: int) -> dict[str, Texts]:
    """Give raw identifiers as an agency's files have them, one in ten missing; halves of two lists are the same people."""
    drawn = np.random.default_rng(seed)
    who = np.where(np.arange(n) % 2, np.arange(n), np.arange(n) + seed * 10 * MANY)

    def each(made: Callable[[int], str]) -> Texts:
        values = np.array([made(int(at)) for at in who], dtype=object)
        values[drawn.random(n) < 0.1] = None
        return values

    return {
        "ssn": each(lambda at: f"{212 + at % 400:03d}-{10 + at // 400 % 80:02d}-{1000 + at % 8999:04d}"),
        "first_name": each(lambda at: FIRST[at * 7 // 3 % len(FIRST)]),
        "middle_name": each(lambda at: "ABCDE"[at % 5]),
        "last_name": each(lambda at: LAST[at * 5 // 2 % len(LAST)]),
        "birth_date": each(lambda at: f"19{40 + at % 60}-{1 + at % 12:02d}-{1 + at % 20:02d}"),
        "sex": each(lambda at: "FM"[at % 2]),
        "street": each(lambda at: f"{at} North Main Street Apt {at % 9}"),
        "city": each(lambda at: ("Saint Paul", "Riverside")[at % 2]),
        "zip": each(lambda at: ("55101", "90210-1234")[at % 2]),
        "phone": each(lambda at: f"({200 + at % 700}) {200 + at // 700 % 700}-{at % 10000:04d}"),
        "state_id": each(lambda at: f"S{at:07d}"),
        "school_id": each(lambda at: f"{at:06d}"),
    }


def test_reading_merging_and_spelling_people(tmp_path: Path) -> None:
    def phase(n: int) -> Callable[[], object]:
        raw = people(n, 1)
        rows = pd.DataFrame({**raw, "key": [f"k{at}" for at in range(n)], "region": ["north", "south"] * (n // 2), "paid": 7})
        # so many that with few people, too, their other spellings have every date of the list
        again = rows.head(n // 2).assign(last_name="Other", phone="(206) 555-1234")
        twice = rows.iloc[n // 2 : n // 2 + n // 8].assign(key=lambda some: some.key + "x")
        pd.concat([rows, again, twice]).to_csv(tmp_path / f"{n}.csv", index=False)
        dataset = DeclaredDataset.read(
            {
                "source": {"csv": f"{n}.csv"}, "person": "key", "people": 2 * n, "identifiers": {name: name for name in raw},
                "columns": {"region": {"type": "category", "values": ["north", "south"]}, "paid": {"type": "integer", "min": 0, "max": 9}},
                "duplicates": {"link": ["ssn+birth_date"]}, "aliases": {"most": 1},
            },
            what="dataset",
        )  # fmt: skip
        spelled_recipes = expand_ladder(RECIPES[:8], 1, 0)

        def work() -> None:
            with load_dataset("x", dataset, tmp_path, max_memory_mib=1024) as records:
                table = people_table(records, "g", where="paid > 0", used=["region", "paid"], derived={})
            assert table.spellings is not None
            assert table.duplicates is not None
            assert sum(table.duplicates.merged.values()) > n // 20
            fingerprint(table, secret=bytes(32), job=bytes(32))
            build_spelled_columns(spelled_recipes, 0, table.identifiers, table.n, table.spellings, SystemRandomness())

        return work

    check(phase)


def test_tokens_and_what_a_list_says_of_itself() -> None:
    def phase(n: int) -> Callable[[], object]:
        raw = people(n, 1)

        def work() -> None:
            token_columns(RECIPES, raw, n)
            list_counts(NUMBERED, raw, n)
            build_spelled_columns(GUARDED, 0, raw, n, None, SystemRandomness())

        return work

    check(phase)


def test_bands() -> None:
    names = tuple(people(2, 1))
    plan = replace(plan_of(names, names, MANY, "similarity-no-twins"), bands=6, need=2)

    def phase(n: int) -> Callable[[], object]:
        raw = people(n, 1)
        return lambda: [column.usable.sum() for column in band_columns(plan, raw, n, bytes(32)).values()]

    check(phase)


def test_columns_over_slots() -> None:
    asked = question("left", ("l.place", "r.trade"), ("count", {"mean": "l.age"}, {"sum": "r.paid"}))
    made = plan(asked, agreement())
    person = pd.DataFrame([["north", "a", True, 1, 30, None], [None, "b", None, -1, None, None]], dtype=object)
    person.columns = ["place", "trade", "young", "children", "age", "paid"]

    def phase(n: int) -> Callable[[], object]:
        columns = person_columns(pd.concat([person] * (n // 2))) | {"#usable": usable_column(np.ones(n, dtype=np.bool_))}
        slots = np.random.default_rng(1).permutation(2 * n)[:n]
        people = AgencyList(n, {"l": GroupMembers(columns)})
        return lambda: (agency_columns(made, "one", people, slots, 2 * n), own_totals(made, "one", people))

    check(phase)


def test_matching_and_the_coordinators_report() -> None:
    def phase(n: int) -> Callable[[], object]:
        drawn = np.random.default_rng(1)
        one = drawn.integers(0, 256, (6, n, 16), dtype=np.uint8)
        two = drawn.integers(0, 256, (6, n, 16), dtype=np.uint8)
        for step in range(6):
            same = np.flatnonzero(np.arange(n) % 7 > step)
            two[step, same] = one[
                step, same
            ]  # as many of each pattern in each part: the fit takes as many rounds for few and many
        return lambda: count_links([one, two], match_tags([one, two]), RECIPES[:6], 0)

    check(phase)


def test_the_machines_from_tokens_to_opened_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paillier, "generate", paillier_key)
    recipes = RECIPES[2:4]

    def phase(n: int) -> Callable[[], object]:
        sides, passes = {}, {}
        for seed, name in enumerate(("housing", "labor"), 1):
            sides[name] = Side({recipe.name: [None] * n for recipe in recipes}, np.ones((1, n), dtype=np.int64))
            passes[name] = token_columns(recipes, people(n, seed), n)
        computation = all_pairs("housing", "labor", sides, bound=1)
        made = setups(sides, computation, desk="housing", decoys=2)
        made = {name: replace(setup, passes=passes[name], ladder=ladder_of(list(passes[name]))) for name, setup in made.items()}

        desk = desk_setup(sides, computation, desk="housing")
        # made once a job, whatever the people: few have them from the run before
        assert all(schedule.expected for schedule in (desk.schedule, *(setup.schedule for setup in made.values())))

        def work() -> None:
            opened = Bus(made, desk).run()
            assert opened.values[0] > n // 4

        return work

    check(phase)


LOOPS: Final[dict[str, Callable[[int], object]]] = {
    "comprehension": lambda n: [at + 1 for at in range(n)],
    "generator": lambda n: sum(at for at in range(n)),
    "function": lambda n: list(map(lambda at: at + 1, range(n))),  # noqa: C417 - what is tested
}


@pytest.mark.parametrize("loop", LOOPS)
def test_a_loop_over_people_is_seen(loop: str) -> None:
    with pytest.raises(AssertionError, match="a loop over people"):
        check(lambda n: lambda: LOOPS[loop](n))
