"""examples/county holds the same files that the package writes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tallystick.lab.county.write import FILES

EXAMPLE = Path(__file__).parents[3] / "examples" / "county"


@pytest.mark.parametrize(
    ("example", "packaged"),
    [
        ("lab.yaml", "lab.yaml"),
        ("jobs/employment.yaml", "employment.yaml"),
        ("jobs/overlap.yaml", "overlap.yaml"),
        ("jobs/work.yaml", "work.yaml"),
    ],
)
def test_the_example_is_what_the_package_writes(example: str, packaged: str) -> None:
    assert (EXAMPLE / example).read_bytes() == (FILES / packaged).read_bytes()


def test_the_script_writes_a_county(tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLE / "generate.py"), "--people", "60", "--out", str(tmp_path / "c")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == [
        "hmis_entries.csv",
        "jobs",
        "lab.yaml",
        "tanf_exits.csv",
        "truth.csv",
        "ui_wages.csv",
    ]
    assert "tally lab run" in done.stdout


def test_the_script_refuses_an_impossible_size(tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLE / "generate.py"), "--people", "3", "--out", str(tmp_path / "c")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
