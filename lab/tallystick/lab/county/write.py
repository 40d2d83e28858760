"""The county as a folder: three agencies' files, a lab file, three jobs, and the truth; and two more agencies' files about children."""

from __future__ import annotations

import csv
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from tallystick.core.errors import Invalid
from tallystick.lab.county.agencies import Extract, housing, human_services, labor
from tallystick.lab.county.children import children
from tallystick.lab.county.population import people_of

SEED: Final = 2025
PEOPLE: Final = 10_000
SMALLEST: Final = 50
LARGEST: Final = 5_000_000

FILES: Final = Path(__file__).parent / "files"
"""The lab file and the jobs as they are copied into every county."""


@dataclass(frozen=True)
class County:
    """Where a county's files are.

    Attributes:
        lab: the lab file.
        jobs: the job files, in the order in which a newcomer should run them.
        truth: columns agency, key, person; for tests only.
        people: how many each agency has.
        rows: rows of each file.
    """

    lab: Path
    jobs: tuple[Path, ...]
    truth: Path
    people: int
    rows: dict[str, int]


def generate(folder: Path, people: int = PEOPLE, seed: int = SEED) -> County:
    """Write a county; the same size and seed give the same bytes.

    Args:
        folder: made where it is missing; files of a former county are replaced.
        people: how many people each agency has.
        seed: of all that is drawn.

    Raises:
        Invalid: `document-invalid`: fewer people than a county of these shares can have, or more than there are numbers for.
    """
    if not SMALLEST <= people <= LARGEST:
        raise Invalid(
            "document-invalid", f"a county has {SMALLEST} to {LARGEST:,} people per agency", hint="choose another --people"
        )
    streams = _streams(seed)
    population = people_of(people, streams[0])
    extracts = {
        "tanf_exits": human_services(population, streams[1]),
        "ui_wages": labor(population, streams[2]),
        "hmis_entries": housing(population, streams[3]),
    }
    (folder / "jobs").mkdir(parents=True, exist_ok=True)
    for name, extract in extracts.items():
        write_extract(folder / f"{name}.csv", extract)
    truth = folder / "truth.csv"
    write_truth(truth, extracts)
    _write_lab(folder / "lab.yaml", people)
    jobs = tuple(folder / "jobs" / name for name in ("employment.yaml", "overlap.yaml", "work.yaml"))
    for job in jobs:
        shutil.copyfile(FILES / job.name, job)
    return County(folder / "lab.yaml", jobs, truth, people, {name: len(extract.person) for name, extract in extracts.items()})


def _write_lab(path: Path, people: int) -> None:
    """Write the lab file for a county of this size."""
    written = f"people: {count_declared(PEOPLE)}\n"
    text = (FILES / "lab.yaml").read_text(encoding="utf-8")
    path.write_text(text.replace(written, f"people: {count_declared(people)}\n"), encoding="utf-8", newline="\n")


def count_declared(people: int) -> int:
    """Give how many people an agency declares that has about so many: a tenth more, for those who are there under two keys."""
    return max(100, people + people // 10)


def generate_children(folder: Path, people: int = PEOPLE, seed: int = SEED) -> dict[str, int]:
    """Write the files of two more agencies of that county, `schools.csv` and `child_welfare.csv`, and `children_truth.csv`.

    Args:
        folder: made where it is missing.
        people: how many people each of the three other agencies has; about a tenth as many children are in both files.
        seed: of all that is drawn; the county's.

    Returns:
        Rows of each file.
    """
    streams = _streams(seed)
    extracts = children(people_of(people, streams[0]), streams[4])
    folder.mkdir(parents=True, exist_ok=True)
    for name, extract in extracts.items():
        write_extract(folder / f"{name}.csv", extract)
    write_truth(folder / "children_truth.csv", extracts)
    return {name: len(extract.person) for name, extract in extracts.items()}


def _streams(seed: int) -> list[np.random.Generator]:
    """Give a source for the population and for each file, so that what one draws does not change another."""
    return [np.random.default_rng(stream) for stream in np.random.SeedSequence(seed).spawn(5)]


def write_extract(path: Path, extract: Extract) -> None:
    """Write one file of records."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(extract.columns)
        writer.writerows(zip(*(values.tolist() for values in extract.columns.values()), strict=True))


def write_truth(path: Path, extracts: dict[str, Extract]) -> None:
    """Write which key of which dataset is which person."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["dataset", "key", "person"])
        for name, extract in extracts.items():
            first = np.unique(extract.columns[extract.key].astype(str), return_index=True)[1]
            keys = extract.columns[extract.key][first].tolist()
            writer.writerows(zip([name] * len(first), keys, extract.person[first].tolist(), strict=True))
