"""Bad records, found by the node that holds them, through `tally lab run`: whose, which rule, never a value (S-27); the next job is
answered as if nothing had been.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import duckdb
import pytest

TALLY: Final = [sys.executable, "-m", "tallystick.client.cli"]
CANARY: Final = "512345678"
"""A number that stands in the records; no message may repeat it."""
PUPILS: Final = "pid,ssn,dob,grade\na,512345678,1990-02-03,low\nb,512345679,1991-02-03,high\n"
HEADER: Final = "pid,ssn,dob,ward,age,cost,seen,note,free\n"
ROW: Final = "1,512345678,1990-02-03,red,12,3.50,2025-01-02,x,5\n"


def csv(text: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(text.encode())

    return write


def parquet(select: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with duckdb.connect() as connection:
            connection.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")

    return write


GOOD: Final = "1 AS pid, 512345678::BIGINT AS ssn, DATE '1990-02-03' AS dob, 'red' AS ward, "
RECORDS: Final[dict[str, tuple[Callable[[Path], None], str, str]]] = {
    # how the file is made, the error's code or "" where it must pass, words of the message
    "wrong_columns": (csv("pid,ssn,dob\n1,512345678,1990-02-03\n"), "source-columns", "lacks the column of age, cost, ward"),
    "other_case": (csv((HEADER + ROW).replace("age", "AGE", 1)), "source-columns", "lacks the column of age"),
    "wrong_types": (csv(HEADER + ROW.replace(",12,", f",{CANARY}x,")), "source-types", "age holds what are not integers"),
    "out_of_bounds": (csv(HEADER + ROW.replace(",12,", f",{CANARY},")), "source-bounds", "in column age"),
    "undeclared_value": (csv(HEADER + ROW.replace("red", CANARY)), "source-bounds", "in column ward"),
    "formula": (csv(HEADER + ROW.replace(",3.50,", f',"=1+{CANARY}",')), "source-types", "cost holds what are not decimals"),
    "nul_byte": (csv(HEADER + ROW.replace("red", "r\0d")), "source-", "ward"),
    "right_to_left": (csv(HEADER + ROW.replace("red", "\u202ered")), "source-bounds", "in column ward"),
    "empty": (csv(""), "file-format", "the source is empty"),
    "header_only": (csv(HEADER), "too-few", "fewer people than the 1"),
    "ragged": (csv(HEADER + ROW + f"2,{CANARY}\n"), "file-format", "line 3 has 2 fields, the header has 9"),
    "twice_named": (csv(HEADER.replace("note", "age") + ROW), "source-columns", "lacks the column of age"),
    "varies": (csv(HEADER + ROW + ROW.replace("red", "blue")), "source-varies", "ward differs among a person's rows"),
    "nested": (parquet(f"SELECT {GOOD} [1] AS age, 3.5 AS cost"), "source-types", "nested or binary values in age"),
    "not_parquet": (csv("PAR1 nothing"), "file-format", "not well-formed"),
    "one_person": (csv("\ufeff" + (HEADER + ROW).replace("\n", "\r\n")), "", ""),
    "other_types": (parquet(f"SELECT {GOOD} 12.0::DOUBLE AS age, 3.5::DECIMAL(9, 3) AS cost"), "", ""),
    "nulls": (parquet(f"SELECT {GOOD} 12::UTINYINT AS age, NULL::DOUBLE AS cost"), "", ""),
}
BINARY: Final = {"nested", "not_parquet", "other_types", "nulls"}


@pytest.fixture(name="run", scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], dict[str, dict[str, Any]]]:
    """One network whose clinic has a dataset for each kind of bad records, and a job about each."""
    folder = tmp_path_factory.mktemp("bad") / "Akten \u00fc\u5b57"
    folder.mkdir()
    (folder / "pupils.csv").write_text(PUPILS, encoding="utf-8")
    shared: dict[str, Any] = {
        "person": "pid",
        "identifiers": {"ssn": "ssn", "birth_date": "dob"},
        "columns": {
            "ward": {"type": "category", "values": ["red", "blue"]},
            "age": {"type": "integer", "min": 0, "max": 120},
            "cost": {"type": "decimal", "scale": 2, "min": 0, "max": 500},
        },
    }
    pupils = {**shared, "source": {"csv": "pupils.csv"}, "columns": {"grade": {"type": "category", "values": ["low", "high"]}}}
    datasets = {}
    for name, (write, _, _) in RECORDS.items():
        file = f"{name}\u00e9." + ("parquet" if name in BINARY else "csv")
        write(folder / file)
        datasets[name] = {**shared, "source": {file.rpartition(".")[2]: file}}
        job = {
            "agreement": "own",
            "purpose": "rehearsal",
            "people": {"sick": {"agency": "clinic", "dataset": name}, "pupil": {"agency": "school", "dataset": "pupils"}},
            "keep": "sick and pupil",
            "measures": ["count", {"sum": "sick.cost"}, {"mean": "sick.age"}],
            "by": ["sick.ward"],
        }
        (folder / f"{name}.yaml").write_text(json.dumps(job), encoding="utf-8")
    lab = {
        "agencies": {"clinic": {"datasets": datasets}, "school": {"datasets": {"pupils": pupils}}},
        "agreement": {"disclosure": {"min_cell": 0}, "link": ["ssn+birth_date"], "decoys": 0},
    }
    (folder / "lab.yaml").write_text(json.dumps(lab), encoding="utf-8")
    command = [*TALLY, "lab", "run", "lab.yaml", *(f"{name}.yaml" for name in RECORDS), "--out", "out.json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=280, check=False)
    assert (folder / "out.json").exists(), done.stderr
    return done, dict(zip(RECORDS, json.loads((folder / "out.json").read_text(encoding="utf-8")), strict=True))


@pytest.mark.parametrize("name", [name for name, (_, code, _) in RECORDS.items() if code])
def test_s27_bad_records_end_their_job_and_no_other(
    run: tuple[subprocess.CompletedProcess[str], dict[str, dict[str, Any]]], name: str
) -> None:
    _, code, said = RECORDS[name]
    outcome = run[1][name]
    assert outcome["status"] in {"failed", "refused"}
    assert outcome["rows"] == []
    (reason,) = outcome["reasons"]
    assert reason["party"] == "clinic"
    assert reason["code"].startswith(code)
    assert said in reason["message"]
    assert CANARY not in json.dumps(outcome)


@pytest.mark.parametrize("name", [name for name, (_, code, _) in RECORDS.items() if not code])
def test_odd_but_good_records_are_answered(
    run: tuple[subprocess.CompletedProcess[str], dict[str, dict[str, Any]]], name: str
) -> None:
    outcome = run[1][name]
    assert outcome["status"] == "released", outcome.get("reasons")
    (red,) = [row for row in outcome["rows"] if row["sick.ward"] == "red"]
    assert (red["count"], red["mean(sick.age)"]) == (1, 12.0)
    assert red["sum(sick.cost)"] == (0 if name == "nulls" else 3.5)
    assert red["count(sick.cost)"] == (0 if name == "nulls" else 1)


def test_s27_what_is_said_holds_no_value(
    run: tuple[subprocess.CompletedProcess[str], dict[str, dict[str, Any]]],
) -> None:
    done = run[0]
    assert done.returncode == 1
    assert CANARY not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    failed = sum(1 for _, code, _ in RECORDS.values() if code)
    assert sum(line.startswith("error: ") for line in done.stderr.splitlines()) == failed
