"""How well keys of one person are found within a list: Febrl 1 to 3, and the county's housing agency.

Writes a table of benchmarks/results/linkage.md.

Pairs of keys are counted: a person with three keys is three pairs. Nothing was chosen on Febrl4, which has nobody twice in a list.

usage: python -m benchmarks.deduplication
"""

from __future__ import annotations

import csv
import tempfile
import time
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from benchmarks.febrl import whole
from benchmarks.linkage import write_section
from benchmarks.report import machine, table
from tallystick.core.linkage.matching.duplicates import Duplicates, duplicates
from tallystick.core.linkage.passes.ladders import passes_for
from tallystick.lab.county.write import generate
from tallystick.lab.linking.headers import guess_fields
from tallystick.lab.linking.people import ListPeople, header_of, read_people

LADDERS: Final = ("strict", "default", "loose")
SEEDS: Final = (2025, 1, 2)
COUNTY: Final = 100_000
LARGE: Final = 1_000_000
HEAD: Final = ("data", "link", "keys", "true people", "people made", "found", "wrong", "missed", "precision", "recall")


def main() -> None:
    """Run and write the table."""
    rows = []
    for number in (1, 2, 3):
        for without in ((), ("ssn",)):
            name = f"Febrl{number}" + (", no soc_sec_id" if without else "")
            people = whole(number, without)
            rows += _rows(name, people, np.unique(people.keys.astype(str), return_inverse=True)[1])
    for seed in SEEDS:
        rows += _rows(f"housing, {seed}", *_housing(seed))
    write_section("deduplication", f"{table(HEAD, rows)}\n\n{_large()}")


def merged(people: ListPeople, ladder: str) -> Duplicates:
    """Merge as a node does whose dataset declares this ladder."""
    size = (people.count, people.count)
    recipes = passes_for([ladder], None, people.identifiers, people.identifiers, people=size)[0]
    return duplicates(people.identifiers, people.count, recipes)


def _rows(name: str, people: ListPeople, truth: npt.NDArray[np.int64]) -> list[list[str]]:
    rows = []
    for ladder in LADDERS:
        result = merged(people, ladder)
        found = _pairs(result.person * (int(truth.max()) + 1) + truth)
        made, true = _pairs(result.person), _pairs(truth)
        counts = (result.keys, len(np.unique(truth)), result.people, found, made - found, true - found)
        rows.append([name, ladder, *(f"{count:,}" for count in counts), f"{found / made:.4f}", f"{found / true:.4f}"])
    return rows


def _pairs(labels: npt.NDArray[np.int64]) -> int:
    """Count pairs with one label."""
    sizes = np.unique(labels, return_counts=True)[1]
    return int((sizes * (sizes - 1) // 2).sum())


def _housing(seed: int) -> tuple[ListPeople, npt.NDArray[np.int64]]:
    """Give the county's housing agency, where some people have two keys, and whose each key is."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generate(folder, COUNTY, seed)
        path = folder / "hmis_entries.csv"
        people = read_people(path, guess_fields(header_of(path)), "personal_id")
        with (folder / "truth.csv").open(encoding="utf-8", newline="") as file:
            person = {row["key"]: int(row["person"]) for row in csv.DictReader(file) if row["dataset"] == "hmis_entries"}
    return people, np.array([person[key] for key in people.keys], dtype=np.int64)


def _large() -> str:
    """Say what a million keys cost, one in twenty of them a second key of somebody."""
    rng = np.random.default_rng(1)
    words = np.array([f"{a}{b}{c}" for a in "BCDFGLMNPRST" for b in "aeiou" for c in ("nd", "rt", "lson", "ley")], dtype=object)
    days = (np.datetime64("1940-01-01") + rng.integers(0, 29_000, LARGE).astype("timedelta64[D]")).astype(str).astype(object)
    raw = {
        "ssn": (100_000_000 + rng.integers(0, 799_000_000, LARGE)).astype(str).astype(object),
        "first_name": words[rng.integers(0, len(words), LARGE)],
        "last_name": words[rng.integers(0, len(words), LARGE)] + words[rng.integers(0, len(words), LARGE)],
        "birth_date": days,
        "zip": (55_000 + rng.integers(0, 90, LARGE)).astype(str).astype(object),
    }
    source = np.arange(LARGE)
    source[rng.choice(LARGE, LARGE // 20, replace=False)] = rng.integers(0, LARGE, LARGE // 20)
    keys = np.arange(LARGE).astype(str).astype(object)
    people = ListPeople("large", keys, {name: values[source] for name, values in raw.items()}, {}, None, LARGE)
    start = time.process_time()
    result = merged(people, "strict")
    taken = time.process_time() - start
    return f"{machine()}: {result.keys:,} keys become {result.people:,} people in {taken:.1f} s of processor time (`strict`)."


if __name__ == "__main__":
    main()
