"""However a lab ends, its processes and its folder are gone, and what happened is said."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tallystick.lab.county.write import generate

TALLY = [sys.executable, "-m", "tallystick.client.cli"]
PEOPLE = 400


def start(folder: Path) -> tuple[subprocess.Popen[str], Path]:
    """Start a lab whose folders can be looked at."""
    generate(folder / "county", PEOPLE)
    (folder / "tmp").mkdir()
    command = [
        *TALLY,
        "lab",
        "run",
        "county/lab.yaml",
        "county/jobs/employment.yaml",
        "county/jobs/overlap.yaml",
        "--out",
        "r.json",
    ]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "TMPDIR": str(folder / "tmp")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return process, folder / "tmp"


def line_with(process: subprocess.Popen[str], words: str) -> None:
    """Read progress until a line has these words."""
    assert process.stderr is not None
    for line in process.stderr:
        if words in line:
            return
    raise AssertionError(f"the lab never said: {words}")


def cwd_of(entry: Path) -> str:
    try:
        return str((entry / "cwd").readlink())
    except OSError:
        return ""


def living(folder: Path) -> list[int]:
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if cwd_of(entry).startswith(str(folder))]


def gone(folder: Path, *, within: float = 15.0) -> bool:
    end = time.monotonic() + within
    while living(folder) and time.monotonic() < end:
        time.sleep(0.05)
    return not living(folder)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_stops_everything(tmp_path: Path, number: signal.Signals) -> None:
    process, folder = start(tmp_path)
    line_with(process, "running")
    assert len(living(folder)) >= 4
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert gone(folder)
    assert [path.name for path in folder.iterdir() if path.name.startswith("tally-lab-")] == []
    assert not (tmp_path / "r.json").exists()


def test_a_node_that_dies_is_named_and_everything_is_stopped(tmp_path: Path) -> None:
    process, folder = start(tmp_path)
    line_with(process, "running")
    (lab,) = folder.glob("tally-lab-*")
    victim = next(
        int(entry.name)
        for entry in Path("/proc").glob("[0-9]*")
        if cwd_of(entry) == str(lab / "labor") and b"node\0serve" in (entry / "cmdline").read_bytes()
    )
    os.kill(victim, signal.SIGKILL)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "error: labor's node was ended by signal 9" in told
    assert gone(folder)


def test_a_job_that_an_agency_refuses_is_written_with_its_reason(tmp_path: Path) -> None:
    generate(tmp_path / "county", 60)
    lab = tmp_path / "county" / "lab.yaml"
    # what only the agency can see: a value outside the declared bounds
    lab.write_text(
        lab.read_text(encoding="utf-8").replace("{type: integer, min: 0, max: 120}", "{type: integer, min: 0, max: 5}"),
        encoding="utf-8",
    )
    command = [*TALLY, "lab", "run", "county/lab.yaml", "county/jobs/employment.yaml", "--out", "r.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    result = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert result["status"] in {"refused", "failed"}
    assert result["rows"] == []
    (reason,) = [one for one in result["reasons"] if one["code"] == "source-bounds"]
    assert reason["party"] == "human-services"
    assert "source-bounds" in done.stderr
