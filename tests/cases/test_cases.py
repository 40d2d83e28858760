"""Every case of this folder, through the command that it names: README.md."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import duckdb
import pytest
import yaml

from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.core.linkage.fields.normalise import normalise
from tallystick.records.reading import load_dataset

CASES: Final[dict[str, Any]] = {
    path.stem: yaml.safe_load(path.read_text("utf-8")) for path in sorted(Path(__file__).parent.glob("*.yaml"))
}


def of(key: str) -> list[str]:
    return [name for name, case in CASES.items() if key in case]


def tried(*arguments: str, tz: str = "UTC") -> subprocess.CompletedProcess[str]:
    """Run `tally link try` as a process of its own, so that its time zone is the case's."""
    command = [sys.executable, "-m", "tallystick.client.cli", "link", "try", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, "TZ": tz}, check=False)


def test_every_case_is_tried() -> None:
    kinds = [set(of(key)) for key in ("pairs", "identifier", "says", "column", "files")]
    assert set().union(*kinds) == set(CASES)
    assert sum(map(len, kinds)) == len(CASES) > 15


@pytest.mark.parametrize("name", of("identifier"))
def test_values_of_an_identifier(name: str) -> None:
    case = CASES[name]

    def one(raw: str) -> str | None:
        return normalise(case["identifier"], [raw]).texts()[0]

    for first, second in case.get("same", []):
        assert one(first) == one(second) is not None, (first, second)
    for first, second in case.get("apart", []):
        assert one(first) != one(second), (first, second)
    assert [raw for raw in case.get("missing", []) if one(raw) is not None] == []


@pytest.mark.parametrize("name", of("pairs"))
def test_links_of_two_files(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    if "a_sql" in case:
        first = tmp_path / "a.parquet"
        duckdb.sql(f"COPY ({case['a_sql']}) TO '{first}' (FORMAT parquet)")
    else:
        first.write_text(case["a"], "utf-8")
    second.write_text(case["b"], "utf-8")
    arguments = [str(first), str(second), "--format", "json", *(word for link in case["link"] for word in ("--link", link))]
    if case["pairs"]:
        truth = tmp_path / "truth.csv"
        truth.write_text("a,b\n" + "".join(f"{a},{b}\n" for a, b in case["pairs"]), "utf-8")
        arguments += ["--truth", str(truth)]
    done = tried(*arguments, tz=case.get("tz", "UTC"))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["links"] == len(case["pairs"])
    if case["pairs"]:
        assert (found["score"]["found"], found["score"]["wrong"]) == (len(case["pairs"]), 0)


@pytest.mark.parametrize("name", of("says"))
def test_what_is_said_of_two_files(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    data = case["file_a"].encode()
    first.write_bytes(gzip.compress(data) if case.get("gzip") else data)
    second.write_text(case["file_b"], "utf-8")
    done = tried(str(first), str(second), *case.get("arguments", []))
    assert re.search(case["says"], done.stdout + done.stderr)
    assert done.returncode == case.get("exit", done.returncode)


def written_column(case: dict[str, Any], path: Path) -> dict[str, Any]:
    """Write a case's column as a file, and give the dataset's declaration."""
    cells = [case["cells"].get(str(at), case["cells"]["rest"]) for at in range(1, case["people"] + 1)]
    rows = (f'{at},{223456000 + at},"{cell}"\n' for at, cell in enumerate(cells, 1))
    path.write_text("id,ssn,x\n" + "".join(rows), "utf-8")
    return {"source": {"csv": path.name}, "person": "id", "identifiers": {"ssn": "ssn"}, "columns": {"x": case["column"]}}


@pytest.mark.parametrize("name", of("column"))
def test_the_values_of_a_column(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    value = written_column(case, tmp_path / "a.csv")
    with load_dataset("a", DeclaredDataset.read(value, what="a"), tmp_path, max_memory_mib=256) as records:
        total, counted = records.connection.execute("SELECT sum(x), count(x) FROM records").fetchone()
    assert (total, counted) == (Decimal(str(case["sum"])), case["counted"])


@pytest.mark.slow
@pytest.mark.parametrize("name", of("column"))
def test_what_a_network_of_two_agencies_releases_of_a_column(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    left = written_column(case, tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("id,ssn\n" + "".join(f"{at},{223456000 + at}\n" for at in range(1, case["people"] + 1)))
    right = {**left, "source": {"csv": "b.csv"}, "columns": {}}
    lab = {
        "agencies": {"one": {"datasets": {"a": left}}, "two": {"datasets": {"b": right}}},
        "agreement": {"disclosure": {"min_cell": 0}, "link": ["ssn"], "decoys": 0},
    }
    job = {
        "agreement": "own",
        "purpose": "rehearsal",
        "people": {"a": {"agency": "one", "dataset": "a"}, "b": {"agency": "two", "dataset": "b"}},
        "keep": "a and b",
        "measures": ["count", {"sum": "a.x"}],
    }
    (tmp_path / "lab.yaml").write_text(json.dumps(lab), "utf-8")
    (tmp_path / "job.yaml").write_text(json.dumps(job), "utf-8")
    command = [sys.executable, "-m", "tallystick.client.cli", "lab", "run", "lab.yaml", "job.yaml", "--out", "out.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads((tmp_path / "out.json").read_text("utf-8"))["rows"]
    assert (row["count"], row["sum(a.x)"], row["count(a.x)"]) == (case["people"], case["sum"], case["counted"])


@pytest.mark.parametrize("name", of("files"))
def test_bounds_of_two_larger_files(name: str) -> None:
    case, folder = CASES[name], Path(__file__).parent
    files = [str(folder / file) for file in case["files"]]
    truth = ["--truth", str(folder / case["truth"])] if "truth" in case else []

    def linked(link: str) -> dict[str, Any]:
        words = [part for word in link.split(",") for part in ("--link", word)]
        done = tried(*files, *truth, "--format", "json", *words)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    for link, most in case.get("at_most", {}).items():
        assert linked(link)["links"] <= most, link
    for more, fewer in case.get("no_fewer", []):
        assert linked(more)["score"]["found"] >= linked(fewer)["score"]["found"], (more, fewer)
