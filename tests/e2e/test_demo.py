"""`tally demo` as a newcomer runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

TALLY = [sys.executable, "-m", "tallystick.client.cli"]


@pytest.fixture(name="done", scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    folder = tmp_path_factory.mktemp("demo")
    command = [*TALLY, "demo", "--people", "400", "--out", "here"]
    return folder, subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=180, check=False)


def test_it_prints_what_a_newcomer_should_see(done: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, run = done
    assert run.returncode == 0, run.stderr
    for words in (
        "Employment after leaving TANF, by region and industry",
        "mean(wages.earnings)",
        "Overlap of TANF and homelessness services, by region",
        "linkage: ",
        "people of tanf",
        "matched",
        "Who learned what",
        "which anonymous tags",
        "here/employment.result.json, here/overlap.result.json, here/work.result.json",
        "Work two and four quarters after leaving TANF, by region",
        "Try next",
        "result verify here/employment.result.json",
    ):
        assert words in run.stdout, words
    assert sorted(path.name for path in (folder / "here").iterdir()) == [
        ".made.json",
        "employment.result.json",
        "hmis_entries.csv",
        "jobs",
        "lab.yaml",
        "overlap.result.json",
        "tanf_exits.csv",
        "truth.csv",
        "ui_wages.csv",
        "work.result.json",
    ]


def test_no_small_cell_is_in_anything_that_it_wrote(done: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, run = done
    assert run.returncode == 0, run.stderr
    hidden = 0
    for name in ("employment", "overlap", "work"):
        result = json.loads((folder / "here" / f"{name}.result.json").read_text(encoding="utf-8"))
        for row in [*result["rows"], *result["proof"]["body"]["rows"]]:
            if row["suppressed"]:
                hidden += 1
                assert row["count"] is None
            else:
                assert row["count"] == 0 or row["count"] >= 11
    assert hidden > 0


def test_what_it_says_to_try_next_works(done: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, run = done
    assert run.returncode == 0, run.stderr
    tries = run.stdout.partition("Try next\n")[2].splitlines()
    assert len(tries) == 5
    for line in tries:  # as printed: whoever reads it pastes it into a shell
        again = subprocess.run(line, shell=True, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
        assert again.returncode == 0, f"{line}\n{again.stderr}"
    for name in ("work.png", "mine.png"):
        assert (folder / name).read_bytes()[:4] == b"\x89PNG", name


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    run = subprocess.run(
        [*TALLY, "demo", "--people", "60", "--out", "mine"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 1
    assert "[file-exists]" in run.stderr
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]
