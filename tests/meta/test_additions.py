"""docs/adding.md is what a person who adds something does: a copy of the tree with its files, and no other edit, runs a job with them.

The copy is of the sources alone; a process of its own imports from it, so that discovery is what finds the files. The nodes' code reads the toy
source, the machines link by the toy pass under encryption in memory, the toy measure is worked out, and the desk's code discloses the table
under a profile that has every rule there is.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tallystick.core.overall import list_operations

ROOT: Final = Path(__file__).parents[2]
ROOMS: Final = ("client", "coordinator", "core", "crypto", "lab", "node", "proto", "records")
PAGE: Final = (ROOT / "docs" / "adding.md").read_text(encoding="utf-8")
FILES: Final = dict(re.findall(r"^File: `([^`]+)`\n\n```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
FOLDERS: Final = (
    "core/tallystick/core/disclosure/rules",
    "core/tallystick/core/linkage/passes/kinds",
    "core/tallystick/core/statistics/measures",
    "records/tallystick/records/sources",
)
JOB: Final = """
import json
from pathlib import Path

from tallystick.client.measured import measures_of, number
from tallystick.core import measure
from tallystick.core.clock import FixedClock
from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.core.contract import Contract
from tallystick.core.documents import sign_document
from tallystick.core.linkage.quality.report import count_links, encode_report
from tallystick.core.statistics.table import result_columns
from tallystick.crypto import paillier
from tallystick.crypto.randomness import SystemRandomness
from tallystick.crypto.statistic.desk import DeskSetup
from tallystick.crypto.statistic.states import AgencySetup
from tallystick.crypto.workers import SerialWorkers
from tallystick.node.assignment import Assignment
from tallystick.node.config import NodeConfig, NodeFile
from tallystick.node.desk import Desk
from tallystick.node.prepare import prepare_records
from tallystick.node.storage.memory import MemoryNodeStorage
from tests.governance import NOW, agreement, identity, job, question, signed_agreement
from tests.protocol.bus import Bus
from tests.protocol.cases import paillier_key

assert measure.__file__.startswith(COPY), measure.__file__
paillier.generate = paillier_key
PASS, DECOYS = "guarded-ssn+birth_date", 2
# id, sex in the one list and in the other, young, age, children
PEOPLE = [
    ("a", "F", "F", "true", "30", "2"),
    ("b", "M", "m", "true", "50", "-1"),
    ("c", None, None, "true", None, "1"),
    ("d", "F", "F", "false", "20", "1"),
    ("e", "M", "M", "false", "10", "2"),
    ("f", "M", "F", "false", "40", "3"),  # the guard keeps these two apart
    ("g", "M", None, "true", "40", "3"),
]
rows = {"tanf": [], "wages": []}
for at, (key, one, other, young, age, children) in enumerate(PEOPLE):
    who = {"id": key, "ssn": f"21245670{at + 1}", "dob": "1980-02-29"}
    rows["tanf"].append(who | {"sex": one, "young": young, "age": age})
    rows["wages"].append(who | {"sex": other, "children": children})
folder = Path.cwd()
for name, lines in rows.items():
    (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\\n" for line in lines))
AGENCIES = {"tanf": "human-services", "wages": "labor"}
COLUMNS = {
    "tanf": {"young": {"type": "boolean"}, "age": {"type": "integer", "min": 0, "max": 120}},
    "wages": {"children": {"type": "integer", "min": -20, "max": 20}},
}
declared = {
    name: {
        "source": {"jsonlines": f"{name}.jsonl"}, "person": "id", "people": 1000, "columns": COLUMNS[name],
        "identifiers": {"ssn": "ssn", "birth_date": "dob", "sex": "sex"},
    }
    for name in AGENCIES
}
datasets = {name: DeclaredDataset.read(one, what=name).to_dataset(AGENCIES[name]).json_value() for name, one in declared.items()}
terms = agreement(
    datasets=datasets, link=[PASS], operations=["count", "comoment"], decoys=DECOYS, stewards={}, approvers={}, disclosure={"profile": "open"}
)
asked = question(
    people={name: {"agency": agency, "dataset": name} for name, agency in AGENCIES.items()}, keep="tanf and wages", link=None,
    measures=["count", {"comoment": ["tanf.age", "wages.children"]}], by=["tanf.young"],
)
contract = job(terms, asked)
part = Contract(contract, sign_document("job", contract, "ana", identity("ana")), terms, signed_agreement(terms))
assert part.passes.names == (PASS,)
setups = {}
for name, agency in AGENCIES.items():
    storage = MemoryNodeStorage()
    file = {"agency": agency, "coordinator": {"address": "127.0.0.1:1"}, "datasets": {name: declared[name]}}
    made = prepare_records(Assignment(agency, part), NodeConfig(NodeFile.read(file, what="node.yaml"), folder), storage)
    assert made.people == len(PEOPLE)
    setups[agency] = AgencySetup(
        me=agency, agencies=part.agencies, desk=part.desk, job=part.digest, attempt=1, passes=made.passes, people=made.people,
        ladder=part.passes.ladder,
        decoys=DECOYS, most_rows=part.most_rows, coin_key=storage.secret(), columns=made.over_slots, own=made.own,
        computation=part.computation, sign=identity(agency).sign, randomness=SystemRandomness(),
        workers=SerialWorkers(), tell=lambda *_: None,
    )


def report(tags, matches):
    return encode_report(count_links(tags, matches, part.passes.exact, DECOYS), job=part.digest, attempt=1, passes=part.passes.digest)


public = {agency: bytes.fromhex(terms.parties[agency].key) for agency in setups}
opened = Bus(setups, DeskSetup(part.desk, part.agencies, part.digest, 1, public, part.computation, SystemRandomness()), report=report).run()
label, both = "comoment(tanf.age, wages.children)", "count(tanf.age, wages.children)"
assert result_columns(part.plan) == ["tanf.young", "count", label, both, "suppressed"]


desk = Desk(part.desk, identity(part.desk), MemoryNodeStorage(), FixedClock(NOW), "ask")
made = desk._disclose(Assignment(part.desk, part), 1, opened)
rows, linkage = made.rows, made.linkage
assert linkage["matched"] == 5, linkage
found = {row["tanf.young"]: (row["count"], row[label], row[both], row["suppressed"]) for row in rows}
assert found == {False: (2, 80, 2, None), True: (None, None, None, "large-cell")}, found
assert number(80, label, measures_of(asked.json_value())) == "80"
print("it runs")
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a copy of the sources with the page's files."""
    folder = tmp_path_factory.mktemp("tree")
    for room in (*ROOMS, "tests"):
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    for name, text in FILES.items():
        assert not (folder / name).exists()
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_the_page_has_one_file_for_each_folder_of_additions() -> None:
    assert sorted(str(Path(name).parent) for name in FILES) == sorted(FOLDERS)
    assert PAGE.count("```python") == len(FILES) + 1
    [row] = re.findall(r"^```python\n(TOY = .*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert row in (ROOT / "tests" / "unit" / "crypto" / "test_rounds.py").read_text(encoding="utf-8")


def test_a_measure_a_source_a_rule_and_a_pass_are_one_file_each_and_a_job_runs_with_them(copy: Path) -> None:
    code, said = run(copy)
    assert (code, said) == (0, "it runs"), said


MISSING: Final = {
    "comoment": f"must be one of: {', '.join(repr(name) for name in list_operations())} [document-invalid]",
    "guarded": "a recipe is fields joined by + [link-invalid]",
    "jsonlines": "source.jsonlines: unknown key [document-invalid] (known here: csv, parquet, ",
    "large_cells": "AssertionError: {False: (2, 80, 2, None), True: (3, 20, 2, None)}",
}
"""By file, what a job that uses it says where there is no such file."""


@pytest.mark.parametrize("name", sorted(FILES), ids=lambda name: Path(name).stem)
def test_without_one_of_the_files_there_is_no_such_job(copy: Path, name: str) -> None:
    (copy / name).unlink()
    try:
        code, said = run(copy)
        assert code == 1
        assert MISSING[Path(name).stem] in said.splitlines()[-1], said
    finally:
        (copy / name).write_text(FILES[name], encoding="utf-8")


def run(copy: Path) -> tuple[int, str]:
    """Run the job in the copy; give how it ended, and what it wrote."""
    script = copy / "job.py"
    script.write_text(f"COPY = {str(copy)!r}\n{JOB}", encoding="utf-8")
    path = os.pathsep.join(str(copy / room) for room in ("", *ROOMS))
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, str(script)], cwd=copy, env=environment, capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout.strip() or done.stderr[-3000:]
