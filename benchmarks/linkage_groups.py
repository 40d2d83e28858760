"""Who is missed and who is got wrong: precision and recall by group in the county, by ladder.

Writes its table of benchmarks/results/linkage.md, and for `linkage_tables.py` the groups that are found less often than the others.

Three pairs of agencies, three seeds each, taken together: TANF with housing (names, birth date, number often missing), TANF with wages
(number, last name, first initial), schools with child welfare (no number, an address). The groups are of the truth, or of what both files
say: who has another address or region in the two files has moved; a number is missing if either file has none.

usage: linkage_groups.py [PEOPLE]
"""

from __future__ import annotations

import csv
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.linkage import write_section
from benchmarks.report import table
from tallystick.core.errors import TallyError
from tallystick.crypto.randomness import SystemRandomness
from tallystick.lab.county.names import ORIGINS
from tallystick.lab.county.population import EXTRACT_DATE, CountyPopulation, age, people_of
from tallystick.lab.county.write import generate, generate_children
from tallystick.lab.linking.headers import guess_fields
from tallystick.lab.linking.people import ListPeople, header_of, read_people
from tallystick.lab.linking.trial import run_trial
from tallystick.lab.linking.truth import Truth, read_truth

SEEDS: Final = (2025, 1, 2)
LADDERS: Final = {"default": ("default",), "loose": ("loose",)}
BELOW: Final = 0.02
FEWEST: Final = 20
"""Groups of fewer true pairs say nothing and are left out."""
Row = dict[str, str]


@dataclass(frozen=True)
class Pair:
    """Two agencies' files.

    Attributes:
        title: what the table calls them.
        files: their names.
        keys: the columns of their own keys.
        truth: the file that says who is who.
        place: the columns that tell a move; None where the files have none in common.
    """

    title: str
    files: tuple[str, str]
    keys: tuple[str, str]
    truth: str
    place: str | None


PAIRS: Final = (
    Pair("TANF with housing", ("tanf_exits", "hmis_entries"), ("person_id", "personal_id"), "truth", "region"),
    Pair("TANF with wages", ("tanf_exits", "ui_wages"), ("person_id", "ssn"), "truth", None),
    Pair("schools with child welfare", ("schools", "child_welfare"), ("student_id", "case_person"), "children_truth", "zip"),
)


@dataclass
class Counts:
    """Of one group under one ladder."""

    people: int = 0
    found: int = 0
    wrong: int = 0


def main() -> None:
    """Measure and write the section."""
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    write_section("groups", text_of(count_groups(people), people))


def count_groups(people: int) -> dict[tuple[str, str], dict[str, Counts]]:
    """Link all pairs of agencies of all seeds, and count by (agencies, group) and ladder."""
    counts: dict[tuple[str, str], dict[str, Counts]] = {}
    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            generate(folder, people, seed)
            generate_children(folder, people, seed)
            population = people_of(people, np.random.default_rng(np.random.SeedSequence(seed).spawn(5)[0]))
            for pair in PAIRS:
                count(counts, folder, pair, population)
                print(f"{pair.title}, {seed}", flush=True)
    return counts


def compare_groups(people: int = 10_000) -> str:
    """Measure, write the section of results, and give the table of groups whose recall is more than `BELOW` under that of everybody."""
    counts = count_groups(people)
    write_section("groups", text_of(counts, people))
    rows = []
    for (title, group), by_ladder in counts.items():
        for ladder, one in by_ladder.items():
            whole = counts[title, "everybody"][ladder]
            lower = whole.found / whole.people - (one.found / one.people if one.people else 1)
            if one.people >= FEWEST and lower > BELOW:
                rows.append([title, ladder, group, f"{one.people:,}", *_cells(one), _cells(whole)[1]])
    if not rows:
        return f"No group of {FEWEST} people or more is found more than {BELOW:.0%} less often than everybody."
    return table(["agencies", "ladder", "group", "people", "precision", "recall", "recall of everybody"], rows)


def count(counts: dict[tuple[str, str], dict[str, Counts]], folder: Path, pair: Pair, population: CountyPopulation) -> None:
    """Link a pair by every ladder, and add up who was found and who got wrong, by group."""
    first, second = (read_county_list(folder, name, key) for name, key in zip(pair.files, pair.keys, strict=True))
    truth = read_truth(folder / f"{pair.truth}.csv", first, second)
    groups = groups_of(folder, pair, population, first, second, truth)
    for ladder, link in LADDERS.items():
        try:
            trial = run_trial(first, second, link, SystemRandomness(), truth)
        except TallyError:
            continue  # these fields say too little for a similarity pass
        assert trial.true is not None
        linked = dict(zip(trial.a.tolist(), trial.true.tolist(), strict=True))
        true = set(truth.a.tolist())
        for row, names in groups.items():
            for name in names:
                entry = counts.setdefault((pair.title, name), {}).setdefault(ladder, Counts())
                entry.people += row in true
                entry.found += linked.get(row) is True
                entry.wrong += linked.get(row) is False


def groups_of(
    folder: Path, pair: Pair, population: CountyPopulation, first: ListPeople, second: ListPeople, truth: Truth
) -> Mapping[int, Sequence[str]]:
    """Give the groups of every row of the first list; what both files must say is told of true pairs alone."""
    person = {row["key"]: int(row["person"]) for row in _read(folder / f"{pair.truth}.csv") if row["dataset"] == first.name}
    years = age(population.born, EXTRACT_DATE)
    known = [_by_key(folder, name, key) for name, key in zip(pair.files, pair.keys, strict=True)]
    partner = dict(zip(truth.a.tolist(), truth.b.tolist(), strict=True))
    found = {}
    for row, key in enumerate(first.keys.tolist()):
        who = person[key]
        names = [
            "everybody",
            "sex: " + ("women and girls" if population.female[who] else "men and boys"),
            "age: " + _band(int(years[who])),
            "name: " + ORIGINS[population.origin[who]].name,
        ]
        names += ["a twin"] if population.twin[who] >= 0 else []
        names += ["two surnames"] if " " in population.last[who] else []
        changed = population.birth_surname[who] != population.last[who]
        names += ["surname changed once"] if changed else []
        if row in partner:
            one, other = known[0][key], known[1][str(second.keys[partner[row]])]
            if "ssn" in one and "ssn" in other:
                whole = len(one["ssn"]) == 9 and len(other["ssn"]) == 9
                names.append("number: both have it" if whole else "number: missing at one")
            if pair.place is not None:
                names.append("place: the same" if one[pair.place] == other[pair.place] else "place: moved")
        found[row] = names
    return found


def text_of(counts: Mapping[tuple[str, str], Mapping[str, Counts]], people: int) -> str:
    """Give the table: a line a group, precision and recall under each ladder."""
    head = ["agencies", "group", "people", *(f"{what}, {ladder}" for ladder in LADDERS for what in ("precision", "recall"))]
    rows = []
    for (title, group), by_ladder in sorted(
        counts.items(), key=lambda item: ([p.title for p in PAIRS].index(item[0][0]), item[0])
    ):
        total = by_ladder["default"].people
        if total >= FEWEST:
            cells = [_cells(by_ladder.get(ladder)) for ladder in LADDERS]
            rows.append([title, group, f"{total:,}", *(cell for both in cells for cell in both)])
    return f"{people:,} people an agency, seeds {', '.join(str(seed) for seed in SEEDS)} together.\n\n{table(head, rows)}"


def _cells(found: Counts | None) -> tuple[str, str]:
    if found is None:
        return "none", "none"
    made = found.found + found.wrong
    return (f"{found.found / made:.4f}" if made else "none"), f"{found.found / found.people:.4f}"


def _band(years: int) -> str:
    return "under 5" if years < 5 else "5 to 17" if years < 18 else "18 to 34" if years < 35 else "35 and over"


def read_county_list(folder: Path, name: str, key: str) -> ListPeople:
    """Read one of the county's lists, its fields guessed from its header."""
    path = folder / f"{name}.csv"
    fields = guess_fields(header_of(path))
    if name == "schools":
        fields.pop("school_id", None)  # the schools' own, which no other agency has
    return read_people(path, fields, key)


def _by_key(folder: Path, name: str, key: str) -> dict[str, Row]:
    return {row[key]: row for row in _read(folder / f"{name}.csv")}


def _read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    main()
