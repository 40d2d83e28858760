"""`tally lab check`: what the files hold, then what stands against the job."""

from __future__ import annotations

from pathlib import Path

import pytest

from tallystick.client.questions import read_question
from tallystick.lab.county.write import generate
from tallystick.lab.network.check import Checked, check_in_lab
from tallystick.lab.network.model import read_lab


@pytest.fixture(name="county")
def county_(tmp_path: Path) -> Path:
    generate(tmp_path, 80)
    return tmp_path


def checked(county: Path, **people: int) -> Checked:
    return check_in_lab(read_lab(county / "lab.yaml"), read_question(county / "jobs" / "employment.yaml"), people)


def test_rows_and_people_are_counted_and_the_work_estimated_for_them(county: Path) -> None:
    found = checked(county)
    lines = (county / "ui_wages.csv").read_text().splitlines()
    assert found.report.problems == []
    assert found.files["ui_wages"]["rows"] == len(lines) - 1
    assert found.files["ui_wages"]["people"] == len({line.split(",")[0] for line in lines[1:]}) == 80
    assert "hmis_entries" not in found.files  # the job does not ask about it
    second = {line.split(",")[0] for line in lines[1:] if ",2025Q2," in line}
    assert found.groups["wages"] == len(second)
    assert found.report.estimate is not None
    assert found.report.estimate.people == dict(found.groups)


def test_sizes_that_are_told_take_the_place_of_those_counted(county: Path) -> None:
    found = checked(county, tanf=5000)
    assert found.report.estimate is not None
    assert found.report.estimate.people == {"tanf": 5000, "wages": found.groups["wages"]}


def test_a_file_that_cannot_be_read_is_a_problem_and_the_others_are_read_all_the_same(county: Path) -> None:
    with (county / "ui_wages.csv").open("a") as file:
        file.write("123-45-6789\n")
    found = checked(county)
    assert [problem.code for problem in found.report.problems] == ["file-format"]
    assert "123-45" not in found.report.problems[0].message
    assert found.files["tanf_exits"]["people"] == 80
    assert found.groups.keys() == {"tanf"}
    assert found.report.estimate is None
    assert found.report.passes  # the question itself was checked


def test_what_only_the_rows_can_tell_is_a_problem(county: Path) -> None:
    job = county / "jobs" / "employment.yaml"
    job.write_text(job.read_text().replace("where: \"exit_quarter = '2025Q1' and age >= 18\"", "where: age > 119"))
    assert "age > 119" in job.read_text()
    assert [problem.code for problem in checked(county).report.problems] == ["too-few"]
