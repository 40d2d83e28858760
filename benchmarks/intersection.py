"""How many people two agencies share, all parties on this machine, files in, count out; beside other projects in the same run.

Half of the people of each are common. Ours is `tally lab run`: a coordinator and two nodes, each a process of its own, over mTLS on
loopback; one pass over one identifier. "job" runs from the question to the released count; "command" has also what starts and stops
the network. Of a peer, "job" is what its script says it measured, and "command" is the whole script.

usage: intersection.py [PEOPLE …] [--repeats N] [--peer NAME=COMMAND …] [--most NAME=PEOPLE …]

All projects run one after another, N times over; of each the run with the median job counts.

In COMMAND, {n} stands for the number of people; what it prints must hold the size of the intersection, and its seconds as the
largest number with a point. A peer whose command is not there is left out. With --most a peer is not run for more people.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.process import Watched, watched
from benchmarks.report import table, write_section

OURS: Final = "Tallystick"
SIZES: Final = (1 << 16, 1 << 18, 1 << 20)
MIB: Final = 1 << 20
LAB: Final = """agencies:
  first:
    datasets:
      ours: {source: {csv: ours.csv}, person: id, identifiers: {state_id: id}, columns: {}, people: OURS}
  second:
    datasets:
      theirs: {source: {csv: theirs.csv}, person: id, identifiers: {state_id: id}, columns: {}, people: THEIRS}
agreement:
  link: state_id
  disclosure: {min_cell: 0}
"""
JOB: Final = """agreement: intersection
title: Size of an intersection
purpose: benchmark
people:
  ours: {agency: first, dataset: ours}
  theirs: {agency: second, dataset: theirs}
keep: ours and theirs
measures: [count]
"""


@dataclass(frozen=True)
class Run:
    """One run of one project.

    Attributes:
        job: seconds from the question to the answer.
        whole: what was seen of the whole command.
    """

    job: float
    whole: Watched


def main() -> None:
    """Measure and write the section."""
    arguments = _arguments()
    peers = {name: command for name, command in _pairs(arguments.peer).items() if shutil.which(shlex.split(command)[0])}
    most = {name: int(people) for name, people in _pairs(arguments.most).items()}
    rows = []
    for people in arguments.people or SIZES:
        runs: dict[str, list[Run]] = {}
        for _ in range(arguments.repeats):
            runs.setdefault(OURS, []).append(run_ours(people, people, people // 2))
            for name, command in peers.items():
                if people <= most.get(name, people):
                    runs.setdefault(name, []).append(run_peer(command, people))
        median = {name: sorted(those, key=lambda run: run.job)[len(those) // 2] for name, those in runs.items()}
        for name, run in median.items():
            rows.append(_row(people, name, run, median[OURS]))
            print(*rows[-1], flush=True)
    head = ("people each", "project", "job", "to ours", "command", "processor", "memory, all", "memory, largest")
    write_section("intersection", "How many people two agencies share", f"{_words(arguments.repeats)}\n\n{table(head, rows)}")


def run_ours(ours: int, theirs: int, common: int) -> Run:
    """Run the question over made-up people once; the answer is checked."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_people(folder / "ours.csv", ours, common)
        _write_people(folder / "theirs.csv", theirs, common, other="y")
        (folder / "lab.yaml").write_text(LAB.replace("THEIRS", str(theirs)).replace("OURS", str(ours)))
        (folder / "job.yaml").write_text(JOB)
        tally = [sys.executable, "-m", "tallystick.client.cli", "lab", "run"]
        whole = watched([*tally, *(str(folder / file) for file in ("lab.yaml", "job.yaml")), "--out", str(folder / "out.json")])
        answer = json.loads((folder / "out.json").read_text())["rows"][0]["count"]
    if answer != common:
        raise SystemExit(f"error: {answer} people in common where there are {common}")
    return Run(_between(whole, "submitted", "released"), whole)


def run_peer(command: str, people: int) -> Run:
    """Run a peer's script once; the size that it prints is checked."""
    whole = watched(shlex.split(command.replace("{n}", str(people))))
    if str(people // 2) not in re.findall(r"\d+", whole.text):
        raise SystemExit(f"error: a peer did not find {people // 2} people in common:\n{whole.text}")
    seconds = [float(number) for number in re.findall(r"\d+\.\d+", whole.said[-1][1])]
    return Run(max(seconds), whole)


def _between(whole: Watched, first: str, last: str) -> float:
    """Give the seconds from the first line about the job to the one that says it is released."""
    begun = min(at for at, line in whole.said if line.startswith((first, "approving", "running")))
    return max(at for at, line in whole.said if line.startswith(last)) - begun


def _write_people(path: Path, people: int, common: int, other: str = "x") -> None:
    """Write a file of people: `common` that every file has, and others that only files with the same letter have."""
    with path.open("w") as file:
        file.write("id\n")
        file.writelines(f"{'x' if person < common else other}{person}\n" for person in range(people))


def _row(people: int, name: str, run: Run, ours: Run) -> tuple[str, ...]:
    return (
        f"{people:,}",
        name,
        f"{run.job:.1f} s",
        f"{run.job / ours.job:.2f}",
        f"{run.whole.seconds:.1f} s",
        f"{run.whole.processor:.1f} s",
        f"{run.whole.peak / MIB:.0f} MiB",
        f"{run.whole.largest / MIB:.0f} MiB",
    )


def _words(repeats: int) -> str:
    runs = "one run each, one after another" if repeats == 1 else f"the median of {repeats} runs each, all in turn"
    return (
        f"Files in, count out, all parties on this machine, half of the people common; {runs}. *job*: from the "
        "question to the answer; *to ours*: that, divided by ours; *command*: with starting and stopping everything; *processor*: of all "
        "processes together; *memory*: resident at the worst moment, in all processes together and in the largest."
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("people", type=int, nargs="*")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=COMMAND")
    parser.add_argument("--most", action="append", default=[], metavar="NAME=PEOPLE")
    return parser.parse_args()


def _pairs(written: list[str]) -> Mapping[str, str]:
    return {name: value for name, _, value in (pair.partition("=") for pair in written)}


if __name__ == "__main__":
    main()
