"""Each addition is one new file: a copy of the tree with such a file, and no other edit, runs a job with it.

The copy is of the sources alone; a process of its own imports from it, so that discovery is what finds the file.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
ROOMS: Final = ("client", "coordinator", "core", "crypto", "lab", "node", "proto", "records")
MEASURE: Final = '''
"""A toy: from the sum of products of two columns, of two agencies."""

from tallystick.core.measure import Measure, Undefined
from tallystick.core.moments import Sum


class Comoment(Measure):
    """n·Σxy, over people who have both values."""

    name = "comoment"
    arity = 2
    meaning = "a toy"
    note = "for a test"

    def moments(self, columns):
        return (Sum(columns), self.rests_on(columns))

    def value(self, columns, opened):
        n = opened[self.rests_on(columns)]
        return opened[Sum(columns)] * n if n else Undefined("nobody has both values")
'''
RULE: Final = '''
"""A toy: every row of more people than a hundred is hidden."""

from dataclasses import dataclass, replace

from tallystick.core.disclosure.rule import hidden_row


@dataclass(frozen=True)
class LargeCells:
    """The rule."""

    def apply(self, draft, context):
        rows = (row if (row["count"] or 0) <= 100 else hidden_row(row, context.plan, "large-cell") for row in draft.rows)
        return replace(draft, rows=tuple(rows))
'''
JOB: Final = """
from dataclasses import replace
from decimal import Decimal

import pandas as pd

from tallystick.client.measured import measures_of, number
from tallystick.core.agreement.model import Agreement
from tallystick.core.disclosure.profiles import PROFILES
from tallystick.core.disclosure.rule import Context, Draft, fold_rules
from tallystick.core.disclosure.rules.large_cells import LargeCells
from tallystick.core.job.model import Question
from tallystick.core.linkage.quality.report import Seen
from tallystick.core import measure
from tallystick.core.statistics.computation import computation_of
from tallystick.core.statistics.planner import plan
from tallystick.core.statistics.rulebook import plan_job
from tallystick.core.statistics.table import result_columns, table
from tallystick.crypto import paillier, signing
from tallystick.crypto.randomness import SystemRandomness
from tallystick.crypto.statistic.desk import DeskSetup
from tests.protocol.bus import Bus
from tests.protocol.cases import JOB, identity, paillier_key
from tests.protocol.test_random_jobs import AGENCIES, setup_of
from tests.unit.core.test_planner import agreement, question
from tests.unit.core.test_suppress import INNER, linkage_of, rows_of

assert measure.__file__.startswith("{copy}"), measure.__file__
assert "comoment" in measure.registered()

# the measure, from the job file to the written number
paillier.generate = paillier_key
terms = agreement().json_value()
for dataset in terms["datasets"].values():
    dataset["identifiers"] = ["ssn", "birth_date"]
terms = Agreement.read(terms | {{"operations": ["count", "comoment"], "link": ["ssn+birth_date"]}}, what="agreement")
measures = ["count", {{"comoment": ["l.age", "r.children"]}}]
asked = Question.read(question(by=("l.young",)).json_value() | {{"measures": measures}}, what="job")
people = [(True, 30, 2), (True, 50, -1), (True, None, 1), (False, 20, 1), (False, 10, 2)]
rows = [("north", "a", young, children, age, Decimal("1.00")) for young, age, children in people]
frame = pd.DataFrame(rows, columns=["place", "trade", "young", "children", "age", "paid"], dtype=object)
frame["ssn"] = ["212456701", "212456702", "212456704", "212456705", "212456708"]
frame["birth_date"] = ["1980-02-29"] * len(people)
assert plan_job(asked, terms).asked[1].name == "comoment"
made = plan(asked, terms)
computation = computation_of(made, AGENCIES)
setups = {{AGENCIES[side]: setup_of(made, computation, side, frame) for side in ("left", "right")}}
keys = {{name: signing.public_of(identity(name)) for name in setups}}
opened = Bus(setups, DeskSetup("one", ("one", "two"), JOB, 1, keys, computation, SystemRandomness())).run()
label = "comoment(l.age, r.children)"
assert result_columns(made) == ["l.young", "count", label, "count(l.age, r.children)", "suppressed"]
found = {{row["l.young"]: (row["count"], row[label], row["count(l.age, r.children)"]) for row in table(made, opened.values)}}
assert found == {{False: (2, 80, 2), True: (3, 20, 2)}}, found
assert number(80, label, measures_of(asked.json_value())) == "80"

# the rule, in a profile of its own
profile = PROFILES["cms"]
profile = replace(profile, rules=(profile.rules[0], LargeCells()))
many = rows_of(INNER, (101, 50, 40, 0))
context = Context(INNER, profile, (), many, [{{}}] * len(many), Seen((), None), 0, 1)
out = fold_rules(Draft(tuple(many), linkage_of((900, 900), 191)), context)
assert [row["suppressed"] for row in out.rows] == ["large-cell", None, None]
print("it runs")
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a copy of the sources with the new files."""
    folder = tmp_path_factory.mktemp("tree")
    for room in (*ROOMS, "tests"):
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    core = folder / "core" / "tallystick" / "core"
    (core / "statistics" / "measures" / "comoment.py").write_text(MEASURE, encoding="utf-8")
    (core / "disclosure" / "rules" / "large_cells.py").write_text(RULE, encoding="utf-8")
    return folder


def test_a_measure_and_a_rule_are_one_file_each_and_a_job_runs_with_them(copy: Path) -> None:
    script = copy / "job.py"
    script.write_text(JOB.format(copy=str(copy)), encoding="utf-8")
    path = os.pathsep.join(str(copy / room) for room in ("", *ROOMS))
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, str(script)], cwd=copy, env=environment, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout.strip()) == (0, "it runs"), done.stderr[-3000:]
