"""The region of five agencies: its shape, who is in which files, what is missing in them, and the command that writes it."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tallystick.client.cli import tally
from tallystick.client.questions import read_question
from tallystick.core.errors import Invalid
from tallystick.core.yaml import read_yaml
from tallystick.lab.network.model import read_lab
from tallystick.lab.network.run import predict_refusal
from tallystick.lab.region.write import Region, generate_region

PEOPLE = 10_000
Rows = list[dict[str, str]]
Truth = dict[str, set[str]]


@pytest.fixture(scope="module", name="region")
def make_region(tmp_path_factory: pytest.TempPathFactory) -> Region:
    return generate_region(tmp_path_factory.mktemp("region"), PEOPLE)


def read(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module", name="files")
def read_files(region: Region) -> dict[str, Rows]:
    return {name: read(region.lab.parent / f"{name}.csv") for name in (*region.rows, "truth")}


@pytest.fixture(scope="module", name="known")
def read_truth(files: dict[str, Rows]) -> Truth:
    """Give the people of each file."""
    known: Truth = {}
    for row in files["truth"]:
        known.setdefault(row["dataset"], set()).add(row["person"])
    return known


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        generate_region(tmp_path / name, 400, seed)
    sums = [
        {
            str(p.relative_to(tmp_path / name)): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in (tmp_path / name).rglob("*.*")
        }
        for name in "abc"
    ]
    assert sums[0] == sums[1]
    assert all(sums[0][name] != sums[2][name] for name in sums[0] if name.endswith(".csv"))


@pytest.mark.parametrize("people", [-1, 0, 199, 5_000_001])
def test_an_impossible_size_is_refused(tmp_path: Path, people: int) -> None:
    with pytest.raises(Invalid, match="document-invalid"):
        generate_region(tmp_path / "x", people)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("people", [200, 1000])
def test_a_small_region_has_people_in_every_file(tmp_path: Path, people: int) -> None:
    region = generate_region(tmp_path, people)
    assert min(region.rows.values()) > 0
    read_lab(region.lab)


def test_the_two_counties_share_those_who_moved(known: Truth) -> None:
    for kind in ("tanf", "care"):
        east, west = known[f"{kind}_east"], known[f"{kind}_west"]
        assert len(east) > len(west) > 100
        assert 0.03 < len(east & west) / len(east | west) < 0.10


def test_a_client_of_a_county_has_one_key_and_one_record_in_both_of_its_files(files: dict[str, Rows]) -> None:
    for county in ("east", "west"):
        tanf, care = ({row["client_id"]: row for row in files[f"{kind}_{county}"]} for kind in ("tanf", "care"))
        both = tanf.keys() & care.keys()
        assert len(both) > 50
        same = ("ssn", "fname", "lname", "dob", "area")
        assert all(tanf[key][name] == care[key][name] for key in both for name in same)
    moved = {row["client_id"][0] for row in files["tanf_east"]} | {row["client_id"][0] for row in files["tanf_west"]}
    assert moved == {"E", "W"}


def test_files_overlap_as_such_files_do(known: Truth) -> None:
    tanf, care = known["tanf_east"] | known["tanf_west"], known["care_east"] | known["care_west"]
    share = {
        "tanf and wages": len(tanf & known["ui_wages"]) / len(tanf),
        "tanf and housing": len(tanf & known["hmis_stays"]) / len(tanf),
        "care and schools": len(care & known["pupils"]) / len(care),
        "schools and housing": len(known["pupils"] & known["hmis_stays"]) / len(known["pupils"]),
        "care and tanf": len(care & tanf) / len(care),
    }
    low = {
        "tanf and wages": 0.25,
        "tanf and housing": 0.12,
        "care and schools": 0.5,
        "schools and housing": 0.04,
        "care and tanf": 0.3,
    }
    high = {
        "tanf and wages": 0.5,
        "tanf and housing": 0.22,
        "care and schools": 0.8,
        "schools and housing": 0.15,
        "care and tanf": 0.7,
    }
    assert dict.fromkeys(share, True) == {name: low[name] < value < high[name] for name, value in share.items()}
    five = tanf & care & known["ui_wages"] & known["pupils"] & known["hmis_stays"]
    assert 0 < len(five) < 11, "few people are in all five systems: a small cell"


def test_values_are_missing_and_keep_to_what_the_lab_file_declares(region: Region, files: dict[str, Rows]) -> None:
    lab: Any = read_yaml(region.lab, what="the lab file")
    missing: set[str] = set()
    for agency in lab["agencies"].values():
        for name, dataset in agency["datasets"].items():
            rows = Counter(row[dataset["person"]] for row in files[name])
            assert max(rows.values()) <= dataset["rows_per_person"]
            assert len(rows) <= dataset["people"] <= 2 * max(len(rows), 50)
            header = files[name][0].keys()
            assert set(dataset["columns"]) | set(dataset["identifiers"].values()) <= header
            for column, declared in dataset["columns"].items():
                values = {row[column] for row in files[name]}
                missing |= {f"{name}.{column}"} if "" in values else set()
                if "values" in declared:
                    assert values - {""} == set(declared["values"])
                elif declared["type"] in {"integer", "decimal"}:
                    assert all(declared["min"] <= float(value) <= declared["max"] for value in values - {""})
    assert {"tanf_east.area", "tanf_west.sanctioned", "care_west.placement", "hmis_stays.disabled", "pupils.absent"} <= missing


def test_what_is_said_of_a_person_in_every_row_does_not_vary(files: dict[str, Rows]) -> None:
    same = {
        "tanf_east": ("client_id", ["ssn", "dob", "area", "household"]),
        "tanf_west": ("client_id", ["ssn", "dob", "area", "household"]),
        "hmis_stays": ("personal_id", ["ssn", "dob", "county", "disabled"]),
    }
    for name, (key, columns) in same.items():
        seen: dict[str, list[str]] = {}
        assert all(seen.setdefault(row[key], [row[c] for c in columns]) == [row[c] for c in columns] for row in files[name])


def test_every_job_may_be_asked_and_together_they_are_over_two_to_five_agencies(region: Region) -> None:
    lab = read_lab(region.lab)
    questions = [read_question(path) for path in region.jobs]
    assert [predict_refusal(lab, question) for question in questions] == [None] * len(questions)
    assert [len({people.agency for people in question.people.values()}) for question in questions] == [2, 3, 3, 4, 5]


def test_the_command_writes_a_region_once(tmp_path: Path) -> None:
    arguments = ["lab", "region", str(tmp_path / "r"), "--people", "300"]
    done = CliRunner().invoke(tally, arguments)
    assert done.exit_code == 0, done.output
    assert "lab run" in done.output
    assert read_lab(tmp_path / "r" / "lab.yaml").desk == "county-east"
    again = CliRunner().invoke(tally, arguments)
    assert again.exit_code != 0
    assert "holds other files" in again.output
