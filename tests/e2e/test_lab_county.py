"""S-11 on the county: every number that a whole network releases is that of the joined files."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tallystick.core.linkage.fields.normalise import normalise
from tallystick.lab.county.write import generate

TALLY = [sys.executable, "-m", "tallystick.client.cli"]
PEOPLE = 800


@pytest.fixture(name="folder", scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both jobs of the county, asked in one network where no cell is hidden."""
    folder = tmp_path_factory.mktemp("county")
    lab = generate(folder, PEOPLE).lab
    lab.write_text(lab.read_text(encoding="utf-8").replace("{profile: cms}", "{min_cell: 0}"), encoding="utf-8")
    command = [*TALLY, "lab", "run", "lab.yaml", "jobs/employment.yaml", "jobs/overlap.yaml", "--out", "results.json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def table(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)


def tokens(people: pd.DataFrame, fields: dict[str, tuple[str, int | None]]) -> list[tuple[str, ...] | None]:
    """Each person's canonical values for one pass, or None where one is missing."""
    columns = []
    for field, (column, length) in fields.items():
        texts = normalise(field, people[column].to_numpy()).texts()
        columns.append([None if text is None else text[:length] for text in texts])
    return [None if None in values else tuple(map(str, values)) for values in zip(*columns, strict=True)]


def linked(passes: list[tuple[list[tuple[str, ...] | None], list[tuple[str, ...] | None]]]) -> dict[int, int]:
    """Strict to loose, one to one; a value that two people of one side share links nobody."""
    links: dict[int, int] = {}
    for left, right in passes:
        once = [
            {value: place for place, value in enumerate(side) if value is not None and count[value] == 1}
            for side in (left, right)
            for count in [Counter(side)]
        ]
        free = set(links.values())
        for value, place in once[0].items():
            other = once[1].get(value)
            if other is not None and place not in links and other not in free:
                links[place] = other
    return links


def result(folder: Path, number: int) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((folder / "results.json").read_text(encoding="utf-8"))[number]
    return value


def test_s11_employment_by_region_and_industry(folder: Path) -> None:
    exits, wages = table(folder, "tanf_exits"), table(folder, "ui_wages")
    left = (
        exits[(exits.exit_quarter == "2025Q1") & (exits.age.astype(int) >= 18)]
        .drop_duplicates("person_id")
        .reset_index(drop=True)
    )
    rows = wages[wages.quarter == "2025Q2"]
    paid = rows.groupby("ssn").wage.agg(lambda values: sum(Fraction(value) for value in values))
    right = rows.drop_duplicates("ssn").reset_index(drop=True)
    parts = {"ssn": ("ssn", None), "last_name": ("lname", 4)}, {"ssn": ("ssn", None), "last_name": ("last_name", 4)}
    links = linked([(tokens(left, parts[0]), tokens(right, parts[1]))])
    cells: dict[tuple[str, str | None], list[Fraction | None]] = {}
    for place, region in enumerate(left.region):
        other = links.get(place)
        key = (region, None if other is None else str(right.industry[other]))
        cells.setdefault(key, []).append(None if other is None else paid[right.ssn[other]])
    shown = result(folder, 0)
    assert shown["linkage"]["matched"] == len(links) > 0
    counted = {(row["tanf.region"], row["wages.industry"]): row for row in shown["rows"] if row["count"]}
    assert {key: row["count"] for key, row in counted.items()} == {key: len(values) for key, values in cells.items()}
    for key, values in cells.items():
        earned = [value for value in values if value is not None]
        mean = float(sum(earned) / len(earned)) if earned else None
        assert counted[key]["mean(wages.earnings)"] == mean
        assert counted[key]["count(wages.earnings)"] == len(earned)


def test_s11_overlap_by_region(folder: Path) -> None:
    left = table(folder, "tanf_exits").drop_duplicates("person_id").reset_index(drop=True)
    right = table(folder, "hmis_entries").drop_duplicates("personal_id").reset_index(drop=True)
    ladder: list[dict[str, tuple[str, int | None]]] = [
        {"ssn": ("ssn", None), "birth_date": ("dob", None)},
        {"ssn": ("ssn", None), "last_name": ("lname", 4)},
    ]
    links = linked([(tokens(left, fields), tokens(right, fields)) for fields in ladder])
    shown = result(folder, 1)
    assert {row["tanf.region"]: row["count"] for row in shown["rows"]} == dict(Counter(left.region[list(links)]))
    assert shown["linkage"]["matched"] == len(links)
    assert shown["linkage"]["people"] == {"tanf": len(left), "hmis": len(right)}


def test_links_are_of_the_same_people(folder: Path) -> None:
    """The truth, which no party reads: what the network counts as matched is nearly all of those who are."""
    truth = table(folder, "truth")
    people = {name: set(group.person) for name, group in truth.groupby("dataset")}
    both = len(people["tanf_exits"] & people["hmis_entries"])
    matched = result(folder, 1)["linkage"]["matched"]
    assert 0.70 * both < matched <= both
