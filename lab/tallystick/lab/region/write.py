"""The region as a folder: five agencies' seven files, a lab file, jobs over two to five agencies, and the truth.

Beside them stand the files of four more agencies, and `programs.yaml`, a lab file of all nine, for the templates of jobs.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Final

import numpy as np

from tallystick.core.errors import Invalid
from tallystick.lab.county.write import count_declared, write_extract, write_truth
from tallystick.lab.region.agencies import county_files, housing, pupils, wages
from tallystick.lab.region.more import add_columns
from tallystick.lab.region.population import people_of_region

SEED: Final = 2026
PEOPLE: Final = 10_000
SMALLEST: Final = 200
LARGEST: Final = 5_000_000

FILES: Final = Path(__file__).parent / "files"
"""The lab file, in which sizes are filled in, and the jobs as they are copied into every region."""


@dataclass(frozen=True)
class Region:
    """Where a region's files are.

    Attributes:
        lab: the lab file.
        programs: the lab file with the four further agencies.
        jobs: the job files, those over fewer agencies first.
        truth: columns dataset, key, person; for tests only.
        rows: rows of each file.
    """

    lab: Path
    programs: Path
    jobs: tuple[Path, ...]
    truth: Path
    rows: dict[str, int]


def generate_region(folder: Path, people: int = PEOPLE, seed: int = SEED) -> Region:
    """Write a region; the same size and seed give the same bytes.

    Args:
        folder: made where it is missing; files of a former region are replaced.
        people: how many live in the region; agencies know a tenth to a half of them.
        seed: of all that is drawn.

    Raises:
        Invalid: `document-invalid`: fewer people than a region of these shares can have, or more than there are numbers for.
    """
    if not SMALLEST <= people <= LARGEST:
        raise Invalid("document-invalid", f"a region has {SMALLEST} to {LARGEST:,} people", hint="choose another --people")
    # a source for the population and for each agency, so that what one draws does not change another
    streams = [np.random.default_rng(stream) for stream in np.random.SeedSequence(seed).spawn(7)]
    population = people_of_region(people, streams[0])
    tanf_east, care_east = county_files(population, streams[1], west=False)
    tanf_west, care_west = county_files(population, streams[2], west=True)
    extracts = {
        "tanf_east": tanf_east,
        "care_east": care_east,
        "tanf_west": tanf_west,
        "care_west": care_west,
        "ui_wages": wages(population, streams[3]),
        "hmis_stays": housing(population, streams[4]),
        "pupils": pupils(population, streams[5]),
    }
    extracts |= add_columns(extracts, population, streams[6])
    (folder / "jobs").mkdir(parents=True, exist_ok=True)
    for name, extract in extracts.items():
        write_extract(folder / f"{name}.csv", extract)
    truth = folder / "truth.csv"
    write_truth(truth, extracts)
    declared = {name: count_declared(len(set(extract.columns[extract.key]))) for name, extract in extracts.items()}
    text = Template((FILES / "lab.yaml").read_text(encoding="utf-8")).substitute(declared)
    (folder / "lab.yaml").write_text(text, encoding="utf-8", newline="\n")
    agencies, agreement, terms = text.partition("agreement:\n")
    families, more = (
        Template((FILES / f"{name}.yaml").read_text(encoding="utf-8")).substitute(declared) for name in ("families", "more")
    )
    east, west = families.split("---\n")
    agencies = agencies.replace("  county-west:\n", f"{east}  county-west:\n").replace("  labor:\n", f"{west}  labor:\n")
    (folder / "programs.yaml").write_text(agencies + more + agreement + terms, encoding="utf-8", newline="\n")
    jobs = tuple(folder / "jobs" / path.name for path in sorted((FILES / "jobs").iterdir()))
    for job in jobs:
        shutil.copyfile(FILES / "jobs" / job.name, job)
    return Region(
        folder / "lab.yaml",
        folder / "programs.yaml",
        jobs,
        truth,
        {name: len(extract.person) for name, extract in extracts.items()},
    )
