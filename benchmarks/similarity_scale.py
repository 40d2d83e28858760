"""What a similarity pass costs at scale: memory of each party at its worst moment, and processor time, all parties on this machine.

The lists are those of linkage_scale.py. The job links by one exact recipe and a similarity pass of 40 or 64 bands, so nearly all of its
work is bands. Memory is the most that the kernel ever counted as resident in one process, worker processes apart.

usage: similarity_scale.py [PEOPLE:WORD…]     such as 100000:similarity-no-twins
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from benchmarks.intersection import MIB
from benchmarks.linkage_scale import JOB, lab, write_lists
from benchmarks.process import Watched, watched
from benchmarks.report import table, write_section
from tallystick.core.linkage.passes.similarity import plan_of

FULL: Final = ("100000:similarity-no-twins", "1000000:similarity")
FIELDS: Final = ("ssn", "first_name", "last_name", "birth_date", "street", "zip")
RECIPE: Final = "ssn+birth_date"
HEAD: Final = (
    "people in each list", "passes", "bands", "matched", "larger node", "coordinator", "processor", "processor a pass", "time",
)  # fmt: skip


def main() -> None:
    """Measure and write the section."""
    asked = tuple(sys.argv[1:]) or FULL
    rows = []
    for one in asked:
        people, word = one.split(":")
        rows.append(measured(int(people), word))
        print(table(HEAD, rows), flush=True)
    text = (
        f"Two lists, half of each in both; one exact recipe, then the bands of a similarity pass over {', '.join(FIELDS)}. *Larger node* "
        "and *coordinator*: the most that was ever resident in that process. *Processor*: of all processes together, both agencies'; "
        "*a pass*: divided by the passes. SECURITY's limit is 2 GiB a process.\n\n" + table(HEAD, rows)
    )
    if asked == FULL:
        write_section("similarity_scale", "Memory of a similarity pass", text)


def measured(people: int, word: str) -> tuple[str, ...]:
    """Give one row of the table."""
    passes = 1 + plan_of(FIELDS, FIELDS, people, word).bands
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_lists(folder, people)
        (folder / "lab.yaml").write_text(json.dumps(lab(people, FIELDS, [RECIPE, word])), encoding="utf-8")
        (folder / "job.yaml").write_text(json.dumps(_JOB), encoding="utf-8")
        tally = [sys.executable, "-m", "tallystick.client.cli", "lab", "run", "lab.yaml", "job.yaml", "--out", "out.json"]
        whole = watched(tally, folder=folder)
        result = json.loads((folder / "out.json").read_text(encoding="utf-8"))
    return (
        f"{people:,}", str(passes), str(passes - 1), f"{result['linkage']['matched']:,}", f"{_largest(whole, 'node serve'):,.0f} MiB",
        f"{_largest(whole, 'coordinator serve'):,.0f} MiB", f"{whole.processor:,.0f} s", f"{whole.processor / passes:.2f} s",
        f"{whole.seconds:,.0f} s",
    )  # fmt: skip


def _largest(whole: Watched, command: str) -> float:
    return max(peak for line, peak in whole.peaks if f" {command} " in line) / MIB


_JOB: Final[dict[str, Any]] = {name: value for name, value in JOB.items() if name != "link"}


if __name__ == "__main__":
    main()
