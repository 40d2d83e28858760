"""A network whose agencies read from databases, and from a type of source that the project does not have: one file, and no other edit."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from tallystick.core.yaml import load_yaml
from tallystick.lab.county.write import generate
from tests.postgres import PASSWORD, postgres
from tests.sources import Postgresql, Sqlite

TALLY: Final = [sys.executable, "-m", "tallystick.client.cli"]
PEOPLE: Final = 300
LINES: Final = '''\
"""A file of JSON lines: a type of source that a test adds."""

import json
from contextlib import nullcontext

from tallystick.core.model import Document
from tallystick.records.textblocks import text_blocks


class LinesSettings(Document):
    """Settings: a file."""

    file: str


class OpenedLines:
    """A file of JSON lines."""

    hint = ""

    def __init__(self, path, connection):
        self.path, self.connection = path, connection
        with path.open() as file:
            self.columns = dict.fromkeys(json.loads(next(file)), "text")

    def blocks(self, names):
        """Read the rows."""
        with self.path.open() as file:
            yield from text_blocks(self.connection, names, ([json.loads(line)[name] for name in names] for line in file))


class LinesSource:
    """Files of JSON lines."""

    settings = LinesSettings
    short = "file"
    paths = ("file",)

    def open(self, dataset, settings, folder, connection):
        """Open a file."""
        return nullcontext(OpenedLines(folder / settings.file, connection))


SOURCE = LinesSource()
'''


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def tally(folder: Path, *words: str, path: str = "") -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [path, os.environ.get("PYTHONPATH", "")]))}
    command = [*TALLY, "lab", *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    return done.stdout


def checked(folder: Path, lab: str, job: str, path: str = "") -> Any:
    return json.loads(tally(folder, "check", lab, job, "--format", "json", path=path))


def without_places(found: Any) -> Any:
    """Leave out where the first unread value stands: a line of a file here, a row of a database there."""
    if not isinstance(found, dict):
        return found
    return {key: without_places(value) for key, value in found.items() if key != "first_unread"}


def run(folder: Path, lab: str, path: str = "") -> Any:
    tally(folder, "run", lab, "jobs/employment.yaml", "jobs/overlap.yaml", "--out", f"{lab}.json", path=path)
    return json.loads((folder / f"{lab}.json").read_text(encoding="utf-8"))


@pytest.fixture(name="value")
def county(tmp_path: Path) -> Any:
    """A county's lab file whose housing agency has a source of a new type, found in the folder `new`."""
    lab = generate(tmp_path, PEOPLE).lab
    lab.write_text(lab.read_text(encoding="utf-8").replace("{profile: cms}", "{min_cell: 0}"), encoding="utf-8")
    new = tmp_path / "new" / "tallystick" / "records" / "sources"
    new.mkdir(parents=True)
    (new / "jsonlines.py").write_text(LINES)
    entries = rows_of(tmp_path / "hmis_entries.csv")
    (tmp_path / "hmis.jsonl").write_text("".join(json.dumps(row) + "\n" for row in entries))
    value: Any = load_yaml(lab.read_text(encoding="utf-8"), what="lab")
    value["agencies"]["housing"]["datasets"]["hmis_entries"]["source"] = {"jsonlines": "hmis.jsonl"}
    return value


def test_a_new_type_of_source_is_one_file(tmp_path: Path, value: Any) -> None:
    (tmp_path / "new.yaml").write_text(json.dumps(value))
    found = checked(tmp_path, "new.yaml", "jobs/overlap.yaml", str(tmp_path / "new"))
    assert found["problems"] == []
    assert without_places(found["files"]) == without_places(checked(tmp_path, "lab.yaml", "jobs/overlap.yaml")["files"])


@pytest.mark.slow
def test_a_network_over_databases_and_a_new_type_releases_what_one_over_files_does(tmp_path: Path, value: Any) -> None:
    with postgres() as server:
        held = {"human-services": Postgresql(tmp_path, server), "labor": Sqlite(tmp_path)}
        for agency, case in held.items():
            ((name, dataset),) = value["agencies"][agency]["datasets"].items()
            rows = rows_of(tmp_path / f"{name}.csv")
            case.write(dict.fromkeys(rows[0], "text"), [tuple(row.values()) for row in rows])
            dataset["source"] = case.declared()
        (tmp_path / "databases.yaml").write_text(json.dumps(value))
        path = str(tmp_path / "new")
        found = checked(tmp_path, "databases.yaml", "jobs/employment.yaml", path)
        over_databases = run(tmp_path, "databases.yaml", path)
    over_files = run(tmp_path, "lab.yaml")
    assert found["files"] == checked(tmp_path, "lab.yaml", "jobs/employment.yaml")["files"]
    assert [result["status"] for result in over_databases] == ["released"] * 2
    assert [result["rows"] for result in over_databases] == [result["rows"] for result in over_files]
    assert all(result["rows"] for result in over_databases)
