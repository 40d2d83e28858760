"""`tally result annex` and `triple`, as people call them, on results that verify and on one that does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tallystick.client.cli import tally
from tallystick.client.results import Result as Released
from tallystick.client.results import build_display
from tallystick.core.decimals import exact
from tests.unit.client.test_triple import DEFAULT, LOOSE, STRICT
from tests.unit.core.test_results import BAD, released, result


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(tally, ["result", *map(str, arguments)])


def written(folder: Path, name: str, document: Any) -> Path:
    path = folder / name
    path.write_bytes(Released(document, build_display(document), ()).encode())
    return path


def test_an_annex_is_one_page_that_says_what_was_checked(tmp_path: Path) -> None:
    done = run("annex", written(tmp_path, "r.json", result()), "--out", tmp_path / "a.html")
    assert (done.exit_code, done.output) == (0, f"wrote {tmp_path / 'a.html'}\n")
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "the desk signed the result" in page
    assert "8,123.50" in page


def test_a_result_that_does_not_verify_has_no_annex(tmp_path: Path) -> None:
    bad = result(released(**BAD["an approval less"]))
    done = run("annex", written(tmp_path, "r.json", bad), "--out", tmp_path / "a.html")
    assert done.exit_code == 1
    assert "signature-invalid" in done.output
    assert not (tmp_path / "a.html").exists()


def test_a_triple_reads_strict_to_loose(tmp_path: Path) -> None:
    files = [written(tmp_path, f"{at}.json", one) for at, one in enumerate((LOOSE, STRICT, DEFAULT))]
    lines = run("triple", *files).output.splitlines()
    assert lines[0].split() == ["tanf.region", "number", "strict", "default", "loose", "moves", "by"]
    assert lines[1].split() == ["north", "count", "100", "120", "110", "20.0%"]
    assert any(line.split() == ["south", "count", "50", "(hidden)", "61"] for line in lines)
    value = json.loads(run("triple", *files, "--format", "json").output)
    assert value["ladders"] == ["strict", "default", "loose"]


def table_of(output: str) -> list[str]:
    """Give the lines of the table of a result."""
    lines = output.splitlines()
    return lines[next(at for at, line in enumerate(lines) if line.startswith("tanf.region")) :]


def test_a_row_whose_measure_alone_is_hidden_shows_its_count(tmp_path: Path) -> None:
    rows = [
        {"tanf.region": "north", "count": 4321, "mean(wages.earnings)": None, "hidden": ["mean(wages.earnings)"], "suppressed": "small-cell"},
        {"tanf.region": "south", "count": None, "mean(wages.earnings)": None, "suppressed": "difference"},
    ]  # fmt: skip
    lines = table_of(run("show", written(tmp_path, "r.json", result(released(rows=rows)))).output)
    assert lines[1].split() == ["north", "4,321", "hidden"]
    assert lines[2].split() == ["south", "hidden", "d", "hidden", "d"]


def test_a_measure_that_cannot_be_worked_out_says_why_and_is_missing_in_a_data_frame(tmp_path: Path) -> None:
    label = "sd(wages.earnings)"
    rows = [
        {"tanf.region": "north", "count": 4321, label: 10.5, "suppressed": None},
        {"tanf.region": "south", "count": 11, label: None, "suppressed": None, "undefined": {label: "fewer than two values"}},
    ]
    body = released(rows=exact(rows), columns=["tanf.region", "count", label, "suppressed"])
    document = result(body)
    lines = table_of(run("show", written(tmp_path, "r.json", document)).output)
    assert lines[1].split() == ["north", "4,321", "10.50"]
    assert lines[2].split() == ["south", "11", "fewer", "than", "two", "values"]
    frame = Released(document, build_display(document), ()).to_pandas()
    assert frame[label].isna().tolist() == [False, True]
    assert list(frame.columns) == list(body.columns)


@pytest.mark.parametrize(("files", "code"), [(1, 2), (0, 2)])
def test_a_triple_needs_two_results(tmp_path: Path, files: int, code: int) -> None:
    assert run("triple", *[written(tmp_path, f"{at}.json", STRICT) for at in range(files)]).exit_code == code
