"""`tally lab run` on a user's own CSV and Parquet files: every number as in the clear, and no trace left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

TALLY = [sys.executable, "-m", "tallystick.client.cli"]
LAB = """
agencies:
  clinic:
    datasets:
      visits:
        source: {csv: in/visits.csv}
        person: mrn
        identifiers: {ssn: nr, birth_date: born}
        columns:
          ward: {type: category, values: ["no", "on", "2025"], from: station}
          age: {type: integer, min: 0, max: 120}
        rows_per_person: 3
  school:
    datasets:
      pupils:
        source: {parquet: in/pupils.parquet}
        person: id
        identifiers: {ssn: ssn, birth_date: dob}
        columns:
          absent: {type: integer, min: 0, max: 200}
          points: {type: decimal, scale: 1, min: "-10", max: "100.5"}
          boarding: {type: boolean}
        rows_per_person: 4
agreement:
  disclosure: {min_cell: 0}
  link: [ssn+birth_date]
  decoys: 64
  release: {desk: school}
"""
JOB = """
agreement: own
purpose: rehearsal
people:
  sick: {agency: clinic, dataset: visits, where: "age >= 6"}
  pupil: {agency: school, dataset: pupils, derive: {days: sum(absent), best: max(points)}}
keep: sick
measures: [count, {sum: pupil.days}, {mean: pupil.best}]
by: [sick.ward, pupil.boarding]
"""


def ssn(number: int) -> str:
    return f"7735{number:05d}"


def write_files(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Sixty patients and fifty pupils; thirty-five are both."""
    rng = np.random.default_rng(11)
    (folder / "in").mkdir()
    born = [str(day) for day in np.datetime64("2008-03-01") + np.arange(120) * 17]
    sick = pd.DataFrame(
        {
            "mrn": [f"m{i}" for i in range(60)],
            "nr": [ssn(i + 1) for i in range(60)],
            "born": born[:60],
            "station": rng.choice(["no", "on", "2025", ""], 60),
            "age": rng.integers(4, 18, 60),
        }
    )
    sick.loc[3, "nr"] = ""  # a blank links nobody
    sick.to_csv(folder / "in" / "visits.csv", index=False)
    people = np.arange(25, 75)
    rows = np.concatenate([people, people[::3]])
    pupils = pd.DataFrame(
        {
            "id": rows,
            "ssn": [ssn(i + 1) for i in rows],
            "dob": [born[i] for i in rows],
            "absent": rng.integers(0, 40, len(rows)),
            "points": [f"{value / 10:.1f}" for value in rng.integers(-100, 1006, len(rows))],
            "boarding": (rows % 3 == 0),
        }
    )
    pupils["points"] = pupils["points"].map(float)
    pupils.to_parquet(folder / "in" / "pupils.parquet")
    (folder / "lab.yaml").write_text(LAB, encoding="utf-8")
    (folder / "job.yaml").write_text(JOB, encoding="utf-8")
    return sick, pupils


def expected(sick: pd.DataFrame, pupils: pd.DataFrame) -> dict[tuple[Any, Any], tuple[int, int, float | None]]:
    grouped = pupils.groupby("id").agg(
        ssn=("ssn", "first"),
        dob=("dob", "first"),
        boarding=("boarding", "first"),
        days=("absent", "sum"),
        best=("points", "max"),
    )
    joined = sick[sick.age >= 6].merge(grouped, how="left", left_on=["nr", "born"], right_on=["ssn", "dob"])
    cells: dict[tuple[Any, Any], tuple[int, int, float | None]] = {}
    for (ward, boarding), group in joined.groupby([joined.station.replace("", None), "boarding"], dropna=False):
        best = [Fraction(str(value)) for value in group.best.dropna()]
        mean = float(sum(best) / len(best)) if best else None
        key = (None if pd.isna(ward) else ward, None if pd.isna(boarding) else bool(boarding))
        cells[key] = (len(group), int(group.days.sum()), mean)
    return cells


@pytest.fixture(name="folder", scope="module")
def lab_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(name="frames", scope="module")
def written(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    return write_files(folder)


@pytest.fixture(name="done", scope="module")
def lab_run(folder: Path, frames: tuple[pd.DataFrame, pd.DataFrame]) -> subprocess.CompletedProcess[str]:
    (folder / "tmp").mkdir()
    return subprocess.run(
        [*TALLY, "lab", "run", "lab.yaml", "job.yaml", "--out", "result.json"],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(folder / "tmp")},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def test_s11_every_number_is_that_of_the_joined_files(
    done: subprocess.CompletedProcess[str], folder: Path, frames: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    assert done.returncode == 0, done.stderr
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    assert result["status"] == "released"
    shown = {
        (row["sick.ward"], row["pupil.boarding"]): (row["count"], row["sum(pupil.days)"] or 0, row["mean(pupil.best)"])
        for row in result["rows"]
        if row["count"]
    }
    assert shown == expected(*frames)
    assert all(row["suppressed"] is None for row in result["rows"])


def test_a_result_has_all_that_it_should(done: subprocess.CompletedProcess[str], folder: Path) -> None:
    assert done.returncode == 0, done.stderr
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    assert result["columns"][:3] == ["sick.ward", "pupil.boarding", "count"]
    assert {"job", "linkage", "disclosure", "leakage", "timing", "signatures", "proof"} <= result.keys()
    assert len(result["job"]) == 64
    signed = {(one["kind"], one["signer"]) for one in result["signatures"]}
    parties = {"clinic", "school"}
    for kind in ("agreement", "approval", "shares"):
        assert {signer for of, signer in signed if of == kind} == parties
    assert ("job", "analyst") in signed
    assert ("result", "school") in signed


def test_a_result_verifies_offline_and_an_altered_one_does_not(done: subprocess.CompletedProcess[str], folder: Path) -> None:
    assert done.returncode == 0, done.stderr

    def verify(name: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*TALLY, "result", "verify", name, "--format", "json"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    good = verify("result.json")
    assert good.returncode == 0, good.stderr
    assert json.loads(good.stdout)["verified"] is True
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    result["rows"][0]["count"] += 1
    (folder / "altered.json").write_text(json.dumps(result), encoding="utf-8")
    altered = verify("altered.json")
    assert altered.returncode == 1
    assert "not those that were signed" in altered.stderr
    result["rows"][0]["count"] -= 1
    result["proof"]["body"]["rows"][0]["count"] += 1
    for kept in ({**result, "rows": result["proof"]["body"]["rows"]}, result["proof"]):
        (folder / "forged.json").write_text(json.dumps(kept), encoding="utf-8")
        forged = verify("forged.json")
        assert forged.returncode == 1


def test_nothing_is_left_behind(done: subprocess.CompletedProcess[str], folder: Path) -> None:
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (folder / "tmp").iterdir() if path.name.startswith("tally-lab-")] == []
    assert processes_in(folder) == []


def processes_in(folder: Path) -> list[str]:
    """Give the command lines of processes that work in a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder) in str((entry / "cwd").readlink()) or str(folder).encode() in (entry / "cmdline").read_bytes():
                found.append((entry / "cmdline").read_bytes().decode().replace("\0", " "))
        except OSError:
            continue
    return found
