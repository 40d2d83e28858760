"""What former surnames at one agency find and cost: the county's TANF agency with two others.

Writes a table of benchmarks/results/linkage.md.

TANF is given both surnames of everybody who has changed it. Links are made in the clear, as `tally link try` makes them.

usage: python -m benchmarks.aliases
"""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.linkage import KEYS, write_section
from benchmarks.report import table
from tallystick.core.linkage.matching.matching import match_tags
from tallystick.core.linkage.passes.ladders import passes_for
from tallystick.core.linkage.passes.spellings import Spellings, build_spelled_columns, expand_ladder
from tallystick.crypto.randomness import SystemRandomness
from tallystick.lab.county.population import people_of
from tallystick.lab.county.write import generate
from tallystick.lab.linking.clear import Hasher, clear_tags
from tallystick.lab.linking.headers import guess_fields
from tallystick.lab.linking.people import ListPeople, header_of, read_people
from tallystick.lab.linking.truth import read_truth

SEEDS: Final = (2025, 1, 2)
PEOPLE: Final = 10_000
HEAD: Final = ("TANF with", "ladder", "former surnames", "passes", "found", "wrong", "missed", "precision", "recall")


def main() -> None:
    """Run and write the table; the counties of all seeds are added up."""
    counts: dict[tuple[str, str, str], list[int]] = {}
    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            generate(folder, PEOPLE, seed)
            tanf = _people(folder, "tanf_exits")
            former = _former(folder, seed, tanf)
            for other in ("ui_wages", "hmis_entries"):
                theirs = _people(folder, other)
                for ladder in ("strict", "default"):
                    for known in (None, former):
                        key = ("wages" if other == "ui_wages" else "housing", ladder, "no" if known is None else "yes")
                        found = _linked(folder, tanf, theirs, ladder, known)
                        counts[key] = [before + now for before, now in zip(counts.get(key, [0] * 4), found, strict=True)]
    rows: list[tuple[str, ...]] = []
    for key, (passes, right, wrong, missed) in counts.items():
        shares = (f"{right / (right + wrong):.4f}", f"{right / (right + missed):.4f}")
        rows.append((*key, str(passes // len(SEEDS)), *(f"{count:,}" for count in (right, wrong, missed)), *shares))
    write_section("aliases", table(HEAD, rows))


def _people(folder: Path, name: str) -> ListPeople:
    path = folder / f"{name}.csv"
    return read_people(path, guess_fields(header_of(path)), KEYS[name])


def _former(folder: Path, seed: int, tanf: ListPeople) -> Spellings:
    """Give everybody's other surname: the one they were born with or the one they took, whichever is not in the list."""
    population = people_of(PEOPLE, np.random.default_rng(np.random.SeedSequence(seed).spawn(4)[0]))
    with (folder / "truth.csv").open(encoding="utf-8", newline="") as file:
        person = {row["key"]: int(row["person"]) for row in csv.DictReader(file) if row["dataset"] == tanf.name}
    who = np.array([person[key] for key in tanf.keys], dtype=np.int64)
    changed = population.last[who] != population.birth_surname[who]
    old = tanf.identifiers["last_name"] == population.birth_surname[who]
    rows = np.flatnonzero(changed)
    raw = {name: values[rows].copy() for name, values in tanf.identifiers.items()}
    raw["last_name"] = np.where(old, population.last[who], population.birth_surname[who])[rows].astype(object)
    return Spellings(rows, np.ones(len(rows), dtype=np.int64), raw)


def _linked(
    folder: Path, tanf: ListPeople, theirs: ListPeople, ladder: str, former: Spellings | None
) -> tuple[int, int, int, int]:
    """Give passes, links found, wrong and missed."""
    sizes = (tanf.count, theirs.count)
    recipes = passes_for([ladder], None, tanf.identifiers, theirs.identifiers, people=sizes)[0]
    passes = expand_ladder(recipes, 0 if former is None else 1, 0)
    hasher = Hasher(SystemRandomness())
    sides = ((tanf, former), (theirs, None))
    tags = [
        clear_tags(
            build_spelled_columns(passes, side, people.identifiers, people.count, others, SystemRandomness()), hasher, side
        )
        for side, (people, others) in enumerate(sides)
    ]
    a, b = match_tags([one.tags for one in tags]).pairs(0, 1)
    truth = read_truth(folder / "truth.csv", tanf, theirs)
    true = truth.holds(a, b, theirs.count)
    return len(passes), int(true.sum()), int((~true).sum()), truth.people - int(true.sum())


if __name__ == "__main__":
    main()
