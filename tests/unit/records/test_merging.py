"""Keys of a source that are one person: their rows become rows of one, and only counts are told."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.core.errors import Invalid, TallyError
from tallystick.core.job.derive import parse_derive
from tallystick.node.cli import node
from tallystick.node.config import read_config
from tallystick.node.preflight import check_datasets, key_counts
from tallystick.records.features import people_table
from tallystick.records.reading import load_dataset
from tallystick.records.registry import node_entry

HEADER = "id,master,ssn,first,last,dob,region,nights\n"
ROWS = (
    "b,,212-45-6781,Ana,Lopez,1990-05-02,north,1\n"  # b and d: one number and birth date
    "d,,212-45-6781,Anna,Lopez Diaz,1990-05-02,south,2\n"
    "d,,212-45-6781,Anna,Lopez Diaz,1990-05-02,south,4\n"
    "a, M1 ,,Bo,Ray,1980-01-02,north,8\n"  # a and e: one master id, spaces aside; e has no other identifier
    "e,M1,,,,,north,16\n"
    "f,M2,403-11-2096,Cy,Roe,2001-03-04,south,32\n"  # f and g: twins under one number and one master id
    "g,M2,403-11-2096,Lee,Roe,2001-03-04,south,64\n"
    "c,,,,,,,128\n"
)
BOTH: dict[str, Any] = {"ids": "master", "link": "strict"}


def declared(**change: Any) -> DeclaredDataset:
    value: dict[str, Any] = {
        "source": {"csv": "people.csv"},
        "person": "id",
        "identifiers": {"ssn": "ssn", "first_name": "first", "last_name": "last", "birth_date": "dob"},
        "columns": {
            "region": {"type": "category", "values": ["north", "south"]},
            "nights": {"type": "integer", "min": 0, "max": 366},
        },
        "duplicates": BOTH,
        **change,
    }
    return DeclaredDataset.read(value, what="dataset")


def nights(
    folder: Path, rows: str = ROWS, *, where: str | None = None, **change: Any
) -> tuple[list[int], list[str | None], Any]:
    """Give each person's nights and last name, in the order of keys, and what was merged."""
    (folder / "people.csv").write_text(HEADER + rows)
    with load_dataset("stays", declared(**change), folder, max_memory_mib=256) as records:
        derived = {"total": parse_derive("sum(nights)")}
        table = people_table(records, "stays", where=where, used=("total",), derived=derived)
        told = None if records.duplicates is None else records.duplicates.json_value()
    return table.columns["total"].values.tolist(), list(table.identifiers["last_name"]), told


def test_rows_of_one_persons_keys_are_pooled(tmp_path: Path) -> None:
    totals, names, told = nights(tmp_path)
    assert totals == [8 + 16, 1 + 2 + 4, 128, 32, 64]
    assert names == ["Ray", "Lopez Diaz", None, "Roe", "Roe"]
    assert told == {
        "keys": 7,
        "people": 5,
        "merged": {"id master": 1, "ssn+birth_date": 1},
        "contradicted": {"first_name": 1},
        "common": {},
    }


@pytest.mark.parametrize("nothing", ["UNKNOWN", "n/a", "0", "-1", "000000", "NULL", "\t"])
def test_s10_a_declared_id_that_is_none_makes_nobody_one_person(tmp_path: Path, nothing: str) -> None:
    rows = f"a,{nothing},,,Ray,,north,1\nb,{nothing},,,Roe,,north,2\nc,M1,,,Ray,,north,4\nd,M1,,,,,north,8\n"
    totals, _, told = nights(tmp_path, rows, duplicates={"ids": "master"})
    assert totals == [1, 2, 4 + 8]
    assert (told["merged"], told["common"]) == ({"id master": 1}, {})


def test_without_a_word_every_key_is_a_person(tmp_path: Path) -> None:
    totals, _, told = nights(tmp_path, duplicates="keep")
    assert totals == [8, 1, 128, 6, 16, 32, 64]
    assert told is None


def test_each_kind_of_evidence_by_itself(tmp_path: Path) -> None:
    assert nights(tmp_path, duplicates="merge")[0] == [8, 7, 128, 16, 32, 64]
    assert nights(tmp_path, duplicates={"ids": ["master"]})[0] == [24, 1, 128, 6, 32, 64]


def test_the_order_of_rows_says_nothing(tmp_path: Path) -> None:
    lines = ROWS.splitlines(keepends=True)
    expected = nights(tmp_path)
    for seed in range(5):
        random.Random(seed).shuffle(lines)
        assert nights(tmp_path, "".join(lines)) == expected


def test_a_condition_changes_nothing_about_who_is_one_person(tmp_path: Path) -> None:
    totals, names, told = nights(tmp_path, where="region = 'south'")
    assert totals == [2 + 4, 32, 64]
    assert names == ["Lopez Diaz", "Roe", "Roe"]
    assert told["people"] == 5


def test_many_keys_with_one_row_each(tmp_path: Path) -> None:
    """Nothing is grouped before the merge, and everything after it."""
    rows = "".join(f"k{number:03},{number % 50 + 1},,,,,north,{number}\n" for number in range(150))
    totals, _, told = nights(tmp_path, rows, duplicates={"ids": "master"})
    assert totals == [number + number + 50 + number + 100 for number in range(50)]
    assert told["merged"] == {"id master": 100}


def test_limits_hold_for_people_as_they_are_after_the_merge(tmp_path: Path) -> None:
    assert len(nights(tmp_path, people=5)[0]) == 5
    with pytest.raises(Invalid) as caught:
        nights(tmp_path, people=4)
    assert (caught.value.code, caught.value.detail) == ("source-people", "5 people")
    assert len(nights(tmp_path, rows_per_person=3)[0]) == 5
    with pytest.raises(Invalid) as caught:
        nights(tmp_path, rows_per_person=2)
    assert (caught.value.code, caught.value.detail) == ("source-bounds", "1 people")


def test_a_column_that_differs_within_a_merged_person_must_be_derived(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(HEADER + ROWS)
    with load_dataset("stays", declared(), tmp_path, max_memory_mib=256) as records:
        with pytest.raises(Invalid) as caught:
            people_table(records, "stays", where=None, used=("region",), derived={})
        assert (caught.value.code, caught.value.detail) == ("source-varies", "region: 1 people")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"duplicates": {"ids": "mistress"}}, "source-columns"),
        ({"duplicates": {"link": "shoe_size"}}, "link-invalid"),
        ({"duplicates": {"link": "sex+last_name"}}, "link-weak"),
        ({"identifiers": {"last_name": "last"}, "duplicates": "merge"}, "link-impossible"),
    ],
)
def test_evidence_that_cannot_be_had(tmp_path: Path, change: dict[str, Any], code: str) -> None:
    with pytest.raises(TallyError) as caught:
        nights(tmp_path, **change)
    assert caught.value.code == code


def test_it_is_told_before_any_job_in_counts_alone(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(HEADER + ROWS)
    entry = {**node_entry(declared(), tmp_path), "people": 9, "aliases": 1}
    config = {"agency": "housing", "coordinator": {"address": "127.0.0.1:1"}, "datasets": {"stays": entry}}
    (tmp_path / "node.yaml").write_text(str(config).replace("'", '"'))
    checks = check_datasets(read_config(tmp_path / "node.yaml"))
    (check,) = checks
    report = check.json_value()
    assert (report["rows"], report["people"], report["at_most"]) == (8, 5, 9)
    assert report["duplicates"]["merged"] == {"id master": 1, "ssn+birth_date": 1}
    assert not {"Lopez", "212-45-6781", "M1"} & set(str(report).replace("'", " ").split())
    assert key_counts(checks) == [
        ("stays", "keys merged", "id master", 1),
        ("stays", "keys merged", "ssn+birth_date", 1),
        ("stays", "pairs of keys told apart", "first_name", 1),
        ("stays", "people with aliases", "", 1),
    ]
    done = CliRunner().invoke(node, ["datasets", "--config", str(tmp_path / "node.yaml")])
    assert done.exit_code == 0, done.output
    assert all(word in done.output for word in ("5 of 9", "keys merged", "ssn+birth_date", "told apart", "people with aliases"))
    assert "Lopez" not in done.output
