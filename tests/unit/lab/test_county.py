"""The county that the demo and the tests are run on: its shape, its faults, its truth."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tallystick.core.errors import Invalid
from tallystick.core.yaml import read_yaml
from tallystick.lab.county import errors
from tallystick.lab.county.names import ORIGINS
from tallystick.lab.county.population import EXTRACT_DATE, REGIONS, age, people_of, segment_sizes
from tallystick.lab.county.write import County, generate, generate_children
from tallystick.lab.network.model import read_lab

PEOPLE = 10_000
Rows = list[dict[str, str]]


def read(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module", name="county")
def make_county(tmp_path_factory: pytest.TempPathFactory) -> County:
    return generate(tmp_path_factory.mktemp("county"), PEOPLE)


@pytest.fixture(scope="module", name="files")
def read_files(county: County) -> dict[str, Rows]:
    names = ("tanf_exits", "ui_wages", "hmis_entries", "truth")
    return {name: read(county.lab.parent / f"{name}.csv") for name in names}


def sums(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file()}


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    generate(tmp_path / "a", 500, 7)
    generate(tmp_path / "b", 500, 7)
    generate(tmp_path / "c", 500, 8)
    first, again, other = (sums(tmp_path / name) for name in "abc")
    assert first == again
    assert first["ui_wages.csv"] != other["ui_wages.csv"]
    assert first["lab.yaml"] == other["lab.yaml"]


@pytest.mark.parametrize("people", [50, 300, 10_000])
def test_the_lab_file_declares_room_for_every_key_of_a_person(tmp_path: Path, people: int) -> None:
    county = generate(tmp_path, people)
    keys = Counter(row["dataset"] for row in read(county.truth))
    datasets = [dataset for agency in read_lab(county.lab).file.agencies.values() for dataset in agency.datasets.values()]
    assert all(people <= max(keys.values()) <= dataset.people <= 2 * people for dataset in datasets)


@pytest.mark.parametrize("people", [50, 51, 997, 10_000])
def test_every_agency_has_exactly_the_people_asked_for(people: int) -> None:
    population = people_of(people, np.random.default_rng(1))
    for known in (population.tanf, population.labor, population.housing):
        assert known.sum() == people
    assert len(set(population.ssn)) == len(population.ssn)


@pytest.mark.parametrize("people", [-1, 0, 49, 5_000_001])
def test_an_impossible_size_is_refused(tmp_path: Path, people: int) -> None:
    with pytest.raises(Invalid, match="people per agency"):
        generate(tmp_path / "x", people)
    assert not (tmp_path / "x").exists()


def test_people_are_shared_in_the_stated_proportions(files: dict[str, Rows]) -> None:
    people: dict[str, set[str]] = {}
    for row in files["truth"]:
        people.setdefault(row["dataset"], set()).add(row["person"])
    tanf, wages, hmis = (people[name] for name in ("tanf_exits", "ui_wages", "hmis_entries"))
    assert len(tanf) == len(wages) == len(hmis) == PEOPLE
    sizes = segment_sizes(PEOPLE)
    assert len(tanf & wages) == sizes["tanf labor"] + sizes["tanf labor housing"]
    assert len(tanf & hmis) == sizes["tanf housing"] + sizes["tanf labor housing"]
    assert len(wages & hmis) == sizes["labor housing"] + sizes["tanf labor housing"]
    assert len(tanf & wages & hmis) == sizes["tanf labor housing"]


def test_the_truth_names_every_key_of_every_file_once(files: dict[str, Rows]) -> None:
    keys = {"tanf_exits": "person_id", "ui_wages": "ssn", "hmis_entries": "personal_id"}
    for name, key in keys.items():
        told = [row["key"] for row in files["truth"] if row["dataset"] == name]
        assert len(told) == len(set(told))
        assert set(told) == {row[key] for row in files[name]}
    twice = Counter((row["dataset"], row["person"]) for row in files["truth"])
    assert {dataset for (dataset, _), count in twice.items() if count > 1} == {"hmis_entries"}
    assert 0.005 < sum(count > 1 for count in twice.values()) / PEOPLE < 0.016


def test_rows_of_one_person_agree_on_who_and_where_the_person_is(files: dict[str, Rows]) -> None:
    same = {
        "tanf_exits": ("person_id", ["ssn", "fname", "lname", "dob", "region"]),
        "hmis_entries": ("personal_id", ["ssn", "dob", "region"]),
    }
    for name, (key, columns) in same.items():
        seen: dict[str, tuple[str, ...]] = {}
        for row in files[name]:
            assert seen.setdefault(row[key], tuple(row[c] for c in columns)) == tuple(row[c] for c in columns)
    industry: dict[tuple[str, str], str] = {}
    for row in files["ui_wages"]:
        assert industry.setdefault((row["ssn"], row["quarter"]), row["industry"]) == row["industry"]
    main = Counter((row["ssn"], row["quarter"]) for row in files["ui_wages"] if row["main_job"] == "true")
    assert set(main) == set(industry)
    assert set(main.values()) == {1}


def test_the_files_hold_what_the_lab_file_declares(county: County, files: dict[str, Rows]) -> None:
    lab: Any = read_yaml(county.lab, what="the lab file")
    for agency in lab["agencies"].values():
        for name, dataset in agency["datasets"].items():
            header = files[name][0].keys()
            assert set(dataset["columns"]) | set(dataset["identifiers"].values()) | {dataset["person"]} <= header
            rows = Counter(row[dataset["person"]] for row in files[name])
            assert max(rows.values()) <= dataset["rows_per_person"]
            for column, declared in dataset["columns"].items():
                values = {row[column] for row in files[name]}
                if "values" in declared:
                    assert values == set(declared["values"])
                elif declared["type"] in {"integer", "decimal"}:
                    assert all(declared["min"] <= float(value) <= declared["max"] for value in values)


def test_errors_come_at_their_rates_and_fall_on_some_more_than_on_others() -> None:
    rng = np.random.default_rng(3)
    people = people_of(20_000, rng)
    wrong = errors.miskey_numbers(people.ssn, 0.1, rng) != people.ssn
    assert 0.09 < wrong.mean() < 0.11
    care = np.array([origin.care for origin in ORIGINS])[people.origin]
    slips = errors.misspell(people.last, 0.05 * care, rng) != people.last
    hispanic = people.origin == [o.name for o in ORIGINS].index("hispanic")
    english = people.origin == [o.name for o in ORIGINS].index("english")
    assert slips[hispanic].mean() > 1.5 * slips[english].mean()
    two = np.array([" " in name and not name.startswith("De") for name in people.last])
    assert two[hispanic].mean() > 0.3
    assert (errors.one_surname(people.last, 1.0, rng) != people.last)[two].mean() == 1.0


def test_dates_go_wrong_as_clerks_make_them_go_wrong() -> None:
    rng = np.random.default_rng(4)
    days = np.array(["1990-03-07", "2001-12-31", "2004-02-29", "1999-01-01"], dtype="datetime64[D]")
    assert errors.as_text(errors.swap_day_and_month(days, 1.0, rng)).tolist() == [
        "1990-07-03",
        "2001-12-31",
        "2004-02-29",
        "1999-01-01",
    ]
    assert errors.as_text(errors.default_dates(days, 1.0, rng)).tolist() == [
        "1990-01-01",
        "2001-01-01",
        "2004-01-01",
        "1999-01-01",
    ]
    assert all(errors.misdate(days, 1.0, rng) != days)
    assert age(days, np.datetime64("2025-03-06")).tolist() == [34, 23, 21, 26]
    assert age(days, np.datetime64("2025-03-07")).tolist() == [35, 23, 21, 26]


def test_what_each_agency_lacks(files: dict[str, Rows]) -> None:
    quality = Counter(row["ssn_quality"] for row in files["hmis_entries"])
    total = sum(quality.values())
    assert 0.82 < quality["1"] / total < 0.90
    for row in files["hmis_entries"]:
        assert (len(row["ssn"]) == 9 and row["ssn"].isdigit()) == (row["ssn_quality"] == "1")
        assert (row["dob"] == "") == (row["dob_quality"] in {"8", "99"})
        if row["dob_quality"] == "2":
            assert row["dob"].endswith("-01-01")
    blank = sum(row["ssn"] == "" for row in files["tanf_exits"]) / len(files["tanf_exits"])
    assert 0.005 < blank < 0.03
    assert all(row["ssn"].isdigit() and len(row["ssn"]) == 9 for row in files["ui_wages"])
    assert all(row["last_name"].isascii() and row["last_name"] == row["last_name"].upper() for row in files["ui_wages"])


def test_surnames_lag_behind_for_young_women_more_than_for_men(files: dict[str, Rows]) -> None:
    person = {(row["dataset"], row["key"]): row["person"] for row in files["truth"]}
    wages = {person["ui_wages", row["ssn"]]: row["last_name"] for row in files["ui_wages"]}
    differs: dict[str, list[bool]] = {"F": [], "M": []}
    for row in files["tanf_exits"]:
        held = wages.get(person["tanf_exits", row["person_id"]])
        if held is not None and " " not in row["lname"] and "-" not in row["lname"]:
            differs[row["sex"]].append(errors.plain(row["lname"])[:4] != held[:4])
    women, men = (sum(differs[sex]) / len(differs[sex]) for sex in "FM")
    assert 0.04 < women < 0.15
    assert women > 1.5 * men


def test_twins_share_birthday_and_surname_and_have_neighbouring_numbers() -> None:
    people = people_of(5_000, np.random.default_rng(5))
    who = np.flatnonzero(people.twin >= 0)
    assert 0.008 < len(who) / len(people.twin) < 0.016
    for one in who:
        two = people.twin[one]
        assert people.twin[two] == one
        assert people.born[one] == people.born[two]
        assert people.last[one] == people.last[two]
        assert people.first[one] != people.first[two]
        assert abs(int(people.ssn[one]) - int(people.ssn[two])) == 1
        assert people.tanf[one] == people.tanf[two]


def test_regions_are_those_declared_and_some_people_moved(files: dict[str, Rows]) -> None:
    person = {(row["dataset"], row["key"]): row["person"] for row in files["truth"]}
    here = {person["tanf_exits", row["person_id"]]: row["region"] for row in files["tanf_exits"]}
    pairs = [
        (here[who], row["region"])
        for row in files["hmis_entries"]
        if (who := person["hmis_entries", row["personal_id"]]) in here
    ]
    assert {region for pair in pairs for region in pair} == set(REGIONS)
    assert 0.05 < sum(a != b for a, b in pairs) / len(pairs) < 0.14


def test_schools_and_child_welfare_are_about_the_countys_children(tmp_path: Path, county: County) -> None:
    before = sums(county.lab.parent)
    rows = generate_children(tmp_path, PEOPLE)
    files = {name: read(tmp_path / f"{name}.csv") for name in ("schools", "child_welfare", "children_truth")}
    assert {name: len(files[name]) for name in rows} == rows
    assert "ssn" not in files["schools"][0]
    blank = sum(row["ssn"] == "" for row in files["child_welfare"]) / rows["child_welfare"]
    assert 0.40 < blank < 0.50
    population = people_of(PEOPLE, np.random.default_rng(np.random.SeedSequence(2025).spawn(5)[0]))
    person = {(row["dataset"], row["key"]): int(row["person"]) for row in files["children_truth"]}
    assert (age(population.born[list(person.values())], EXTRACT_DATE) < 18).all()
    pairs = _by_person(files["schools"], person, "schools", "student_id")
    others = _by_person(files["child_welfare"], person, "child_welfare", "case_person")
    both = pairs.keys() & others.keys()
    assert 0.05 * PEOPLE < len(both) < 0.12 * PEOPLE
    moved = sum(pairs[one]["zip"] != others[one]["zip"] for one in both) / len(both)
    assert 0.15 < moved < 0.40
    assert generate_children(tmp_path / "again", PEOPLE) == rows
    assert sums(tmp_path / "again").items() <= sums(tmp_path).items()
    assert sums(county.lab.parent) == before


def test_brothers_and_sisters_live_together(tmp_path: Path) -> None:
    generate_children(tmp_path, PEOPLE)
    homes = Counter((row["street"], row["zip"]) for row in read(tmp_path / "schools.csv") if row["street"])
    sizes = Counter(homes.values())
    assert sum(size * count for size, count in sizes.items() if size > 1) > 0.2 * sum(homes.values())
    assert max(sizes) < 12
    surnames: dict[tuple[str, str], set[str]] = {}
    for row in read(tmp_path / "schools.csv"):
        surnames.setdefault((row["street"], row["zip"]), set()).add(errors.plain(row["last_name"])[:3])
    shared = [surnames[home] for home, size in homes.items() if size > 1]
    assert sum(len(names) == 1 for names in shared) > 0.85 * len(shared)


def _by_person(rows: Rows, person: dict[tuple[str, str], int], dataset: str, key: str) -> dict[int, dict[str, str]]:
    return {person[dataset, row[key]]: row for row in rows}
