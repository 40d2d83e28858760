"""A first look at files: what is written is a declaration that reads the file, and says what is odd about it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.core.job.model import Question
from tallystick.core.yaml import load_yaml
from tallystick.lab.cli.data import data
from tallystick.lab.cli.lab import lab
from tallystick.lab.network.check import check_in_lab
from tallystick.lab.network.model import read_lab
from tallystick.lab.scanning.columns import round_outward
from tallystick.lab.scanning.scan import dataset_name, scan_file
from tallystick.lab.scanning.write import dataset_text
from tallystick.records.reading import load_dataset

FILE = (
    "client id;ssn;First Name;Last Name;dob;county;paid;when;Note;open;weight\n"
    + "".join(
        f"c{at};{212 + at:03d}-45-{6000 + at};Ann;Lee;{1 + at % 28}/{1 + at % 12}/1990;{('North', 'north', 'South')[at % 3]};"
        f"{1000 + at * 100}.50;2025-0{1 + at % 9}-15;words of {at};{'YN'[at % 2]};{at}\n"
        for at in range(1, 80)
    )
    + ";;;;;;;;;;\n"
)


@pytest.fixture(name="file")
def file_(tmp_path: Path) -> Path:
    path = tmp_path / "2024 Wages (final).csv"
    path.write_text(FILE, "utf-8")
    return path


def declaration(text: str) -> dict[str, Any]:
    value: Any = load_yaml(text, what="scan")
    ((_, dataset),) = value["datasets"].items()
    found: dict[str, Any] = dataset
    return found


def test_what_is_written_reads_the_file(file: Path) -> None:
    text = dataset_text(scan_file(file))
    value = declaration(text)
    config = DeclaredDataset.read(value, what="scan")
    with load_dataset("a", config, file.parent, max_memory_mib=256) as records:
        assert records.rows == 79
    assert value["person"] == "client id"
    assert value["identifiers"] == {"ssn": "ssn", "first_name": "First Name", "last_name": "Last Name", "birth_date": "dob"}
    assert {name: entry["type"] for name, entry in value["columns"].items()} == {
        "county": "category", "paid": "decimal", "when": "date", "open": "boolean", "weight": "integer",
    }  # fmt: skip
    assert value["columns"]["county"] == {"type": "category", "values": ["north", "South"], "case": "ignore"}
    assert (value["columns"]["paid"]["scale"], value["columns"]["paid"]["max"]) == (2, 9000)
    for said in ("semicolons", "dates of birth_date: day first", "left out: Note: 79 different texts", "79 of 79 rows usable"):
        assert said in text


def test_s10_of_identifiers_a_scan_writes_counts_and_forms_alone(file: Path) -> None:
    file.write_text(FILE.replace("213-45-6001", "canary-7731"), "utf-8")
    text = dataset_text(scan_file(file))
    assert "canary" not in text
    assert "1 of 79 unread, the first in line 2, of the form a{6}-9{4}" in text
    assert "words of" not in text


def test_bounds_are_nobodys_value() -> None:
    assert [int(round_outward(value, 1)) for value in map(Decimal, ("8950.5", "0", "-8950.5", "1"))] == [9000, 0, -8000, 1]
    assert [int(round_outward(value, -1)) for value in map(Decimal, ("8950.5", "-8950.5", "0.4"))] == [8000, -9000, 0]


def test_names_are_names(tmp_path: Path) -> None:
    assert dataset_name(Path("2024 Wages (final).csv.gz")) == "data_2024_wages_final"
    assert dataset_name(Path("a.csv"), ["a", "a_2"]) == "a_3"


def test_commands_write_new_files_alone(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    other = file.with_name("exits.csv")
    other.write_text("person_id,ssn,dob\n1,223456781,1990-01-02\n", "utf-8")
    run = CliRunner().invoke
    assert run(data, ["scan", file.name, "--out", "d.yaml"]).exit_code == 0
    assert "[file-exists]" in run(data, ["scan", file.name, "--out", "d.yaml"]).output
    assert "[not-allowed]" in run(data, ["scan", file.name, "--show"]).output
    assert run(lab, ["new", file.name, other.name]).exit_code == 0
    assert sorted(read_lab(Path("lab.yaml")).file.agencies) == ["data_2024_wages_final", "exits"]
    assert "[document-invalid]" in run(lab, ["new", file.name, "--out", "one.yaml"]).output
    assert "[source-columns]" in run(data, ["scan", other.name, "--key", "nobody"]).output


def test_decimal_commas_are_found_where_nothing_speaks_against_them_and_said(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id;paid;left\n1;1.234,50;7\n2;-2,00;8,25\n3;;9\n", "utf-8")
    found = scan_file(path)
    assert "commas stand before the digits of fractions" in found.notes
    value = declaration(dataset_text(found))
    assert {name: entry["type"] for name, entry in value["columns"].items()} == {"paid": "decimal", "left": "decimal"}
    with load_dataset("a", DeclaredDataset.read(value, what="scan"), tmp_path, max_memory_mib=256) as records:
        assert records.connection.execute('SELECT sum(paid), sum("left") FROM records').fetchone() == (
            Decimal("1232.50"),
            Decimal("24.25"),
        )
    path.write_text("id;paid;left\n1;1,50;7.25\n", "utf-8")
    assert not scan_file(path).decimal_comma


LEAVERS = "id,ssn,fname,lname,dob,region,exit\n" + "".join(
    f"p{at},{734_000_000 + at * 7},Ann,Lee,19{60 + at % 30}-0{1 + at % 9}-11,{('north', 'south')[at % 2]},2024{('Q1', 'Q2', 'Q3')[at % 3]}\n"
    for at in range(1, 60)
)
WORK = "ssn,lname,initial,quarter,wage\n" + "".join(
    f"{734_000_000 + at * 7},Lee,A,Q{quarter} 2024,{1000 + at}.00\n" for at in range(1, 60, 2) for quarter in (1, 2, 3, 4)
)


def ask_first(folder: Path, first: str = LEAVERS, second: str = WORK) -> Any:
    """Write two files, and give what `lab new --job` makes of them."""
    (folder / "leavers.csv").write_text(first, "utf-8")
    (folder / "work.csv").write_text(second, "utf-8")
    names = [str(folder / name) for name in ("leavers.csv", "work.csv", "lab.yaml", "job.yaml")]
    done = CliRunner().invoke(lab, ["new", names[0], names[1], "--out", names[2], "--job", names[3]])
    assert done.exit_code == 0, done.output
    assert "lab check" in done.output
    return load_yaml((folder / "job.yaml").read_text("utf-8"), what="job")


def test_quarters_are_found_and_the_first_question_is_by_the_time_since_an_exit(tmp_path: Path) -> None:
    asked = ask_first(tmp_path)
    assert asked["since"] == {"event": "leavers.exit", "of": "work.quarter", "periods": [1, 2], "unit": "quarter"}
    assert (asked["keep"], asked["by"], asked["measures"]) == ("leavers", ["leavers.region", "work.present"], ["count"])
    made = read_lab(tmp_path / "lab.yaml")
    declared = {name: one.datasets[name].columns for name, one in made.file.agencies.items()}
    exit_ = declared["leavers"]["exit"]
    assert (exit_.type, exit_.min, exit_.max) == ("quarter", "2024-Q1", "2024-Q3")
    assert (declared["work"]["quarter"].min, declared["work"]["quarter"].max) == ("2024-Q1", "2024-Q4")
    checked = check_in_lab(made, Question.read(asked, what="job"), {})
    assert checked.report.problems == []
    assert checked.groups["leavers"] == 59


def test_an_event_of_several_rows_is_the_last_one_and_a_column_that_varies_makes_no_rows(tmp_path: Path) -> None:
    again = LEAVERS + "".join(line.replace("Q1", "Q2").replace("north", "south") + "\n" for line in LEAVERS.splitlines()[1:20])
    asked = ask_first(tmp_path, first=again)
    assert asked["people"]["leavers"]["derive"] == {"last_exit": "max(exit)"}
    assert asked["since"]["event"] == "leavers.last_exit"
    assert asked["by"] == ["work.present"]


def test_files_without_times_are_asked_how_many_are_in_both(tmp_path: Path) -> None:
    first, second = (
        "\n".join(",".join(cell for at, cell in enumerate(line.split(",")) if at != left) for line in text.splitlines()) + "\n"
        for text, left in ((LEAVERS, 6), (WORK, 3))
    )
    asked = ask_first(tmp_path, first=first, second=second)
    assert "since" not in asked
    assert asked["by"] == ["leavers.region", "work.present"]


def test_a_file_without_a_key_has_no_first_question(tmp_path: Path) -> None:
    (tmp_path / "leavers.csv").write_text(LEAVERS, "utf-8")
    (tmp_path / "notes.csv").write_text("word,other\n" + "a,b\n" * 30, "utf-8")
    names = [str(tmp_path / name) for name in ("leavers.csv", "notes.csv", "lab.yaml", "job.yaml")]
    done = CliRunner().invoke(lab, ["new", names[0], names[1], "--out", names[2], "--job", names[3]])
    assert done.exit_code == 1
    assert "no column of notes seems to be a person key" in done.output
    assert not (tmp_path / "lab.yaml").exists()
