"""Tables over two to five agencies, with and without a gate: seconds, memory and bytes, beside the figures to reach.

Whole networks on this machine, each party a process of its own, over mTLS on loopback. Records are made up: half of the people of each
agency are everywhere, and each agency has a column of levels that parts the table. Every count that opens is checked against the files.
Time runs from the question to the answer of a network that runs. What comes after matching is the phase `compute` and what follows:
products, the gate, sealing, opening, release.

usage: engine.py [CASE …] [--divide N] [--repeats N] [--busy] [--before CHECKOUT]

A CASE is a name of the list that --help prints; all of them without one. Each case is written as soon as it is measured, and the rows of
cases that are not asked for stay as they are, so that the long ones may be run alone. --divide makes every list N times smaller, for a
try, in a section of its own. --busy marks the rows: other work ran meanwhile. With --before the smallest tables of two agencies are asked
in turns of this tree and of an earlier checkout, in which `make test` made `.venv`; job files of before `keep` are written where it needs
them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from benchmarks.job import peaks_below
from benchmarks.process import family_of
from benchmarks.report import PAGE, table, write_section
from tallystick.client.checking import report_on
from tallystick.client.views import JobProgress
from tallystick.core.job.model import Question
from tallystick.lab.network.build import collect_names, rehearsal_agreement
from tallystick.lab.network.model import Lab, read_lab
from tallystick.lab.network.run import LabNetwork

NAMES: Final = ("agency-a", "agency-b", "agency-c", "agency-d", "agency-e")
K: Final = 11
DECOYS: Final = 64
HERE: Final = Path(__file__).parents[1]
HEAD: Final = (
    "case",
    "agencies",
    "people each",
    "cells",
    "jobs",
    "whole job",
    "after matching",
    "processor",
    "largest process",
    "sent by all",
    "to reach",
)


@dataclass(frozen=True)
class Case:
    """One table.

    Attributes:
        people: of each agency.
        levels: of each agency's column; 1 for an agency whose presence alone counts.
        gate: whether the agreement closes small cells for everybody.
        target: what DESIGN's figures ask for, in words; empty for a row that shows growth.
    """

    people: int
    levels: tuple[int, ...]
    gate: bool = True
    target: str = ""

    @property
    def agencies(self) -> tuple[str, ...]:
        """Who takes part."""
        return NAMES[: len(self.levels)]


CASES: Final = {
    "small-job": Case(10_000, (5, 4), target="1 s, whole job"),
    "small-job-no-gate": Case(10_000, (5, 4), gate=False),
    "people-65k": Case(1 << 16, (5, 4)),
    "people-262k": Case(1 << 18, (5, 4)),
    "cross-tab": Case(1 << 20, (5, 4), target="10 s after matching, 2 GiB a process"),
    "cells-200": Case(1 << 14, (20, 10)),
    "cells-1000": Case(1 << 14, (50, 20)),
    "agencies-3": Case(1 << 14, (5, 4, 1)),
    "agencies-4": Case(1 << 14, (5, 4, 1, 1)),
    "agencies-5": Case(1 << 14, (5, 4, 1, 1, 1)),
    "three-agencies": Case(300_000, (5, 4, 3), target="60 s after matching"),
}


@dataclass(frozen=True)
class Timing:
    """What one job took.

    Attributes:
        whole: seconds from the question to the answer.
        after: of them, after matching.
        processor: processor seconds of all processes.
        peak: MiB of the largest process.
        sent: MB that agencies send, as the job's check says it.
    """

    whole: float
    after: float
    processor: float
    peak: float
    sent: float


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", choices=[[], *CASES], help=", ".join(CASES))
    parser.add_argument("--divide", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--busy", action="store_true")
    parser.add_argument("--before", type=Path)
    options = parser.parse_args()
    if options.before:
        compare(options.before.resolve(), options.repeats, busy=options.busy)
        return
    for name in options.cases or CASES:
        case = CASES[name]
        people = max(case.people // options.divide, 1_000)
        times = measure(case, people, options.repeats)
        cells = int(np.prod(case.levels))
        row = (
            name,
            len(case.levels),
            f"{people:,}",
            cells,
            f"{len(times)}{', busy' if options.busy else ''}",
            f"{statistics.median(one.whole for one in times):.1f} s",
            f"{statistics.median(one.after for one in times):.1f} s",
            f"{statistics.median(one.processor for one in times):.1f} s",
            f"{max(one.peak for one in times):,.0f} MiB",
            f"{times[0].sent:,.0f} MB",
            case.target or "growth",
        )
        print(*row, flush=True)
        write_row([str(cell) for cell in row], options.divide)


def write_row(row: list[str], divide: int) -> None:
    """Write a case's row into its section, in the order of the cases, beside the rows that are there."""
    section = "engine" if divide == 1 else "engine-tried"
    page = PAGE.read_text(encoding="utf-8")
    start, end = page.find(f"<!-- {section} -->"), page.find(f"<!-- /{section} -->")
    rows = {}
    for line in page[start:end].splitlines() if start >= 0 else ():
        cells = line.strip("| ").split(" | ")
        if cells[0] in CASES and len(cells) == len(HEAD):
            rows[cells[0]] = cells
    rows[row[0]] = row
    text = table(HEAD, [rows[name] for name in CASES if name in rows])
    write_section(section, "Tables over two to five agencies", f"{describe(divide)}\n\n{text}")


def describe(divide: int) -> str:
    """Say how it was measured."""
    smaller = f" Lists are {divide} times smaller than the figures to reach are about." if divide > 1 else ""
    return (
        f"Half of the people of each agency are common to all; {DECOYS} decoys, one pass; counts by the levels of every agency, "
        f"those of 1 to {K - 1} people closed by the gate, save in `small-job-no-gate`. Medians of so many jobs as *jobs* says, in a "
        "network that runs; *busy*: other work ran on the machine meanwhile. Every count that opened was checked. *After matching*: "
        "products, gate, sealing, opening, release. *Processor*: of all processes together. *Sent by all*: bytes of all agencies, as "
        f"`tally job check` foresees them.{smaller}"
    )


def measure(case: Case, people: int, repeats: int) -> list[Timing]:
    """Ask one question several times in one network; the first does not count where there are several."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        truth = write_lists(folder, case, people)
        lab = read_lab(folder / "lab.yaml")
        questions = [ask(case, number) for number in range(repeats + (repeats > 1))]
        sent = foresee(lab, questions[0], people)
        with LabNetwork(lab, collect_names(questions)) as network:
            times = [time_one(network, question, truth, case, sent) for question in questions]
        return times[1:] or times


def time_one(network: LabNetwork, question: Question, truth: Counter[tuple[int, ...]], case: Case, sent: float) -> Timing:
    """Ask once; check what opened."""
    began: dict[str, float] = {}

    def note(view: JobProgress) -> None:
        began.setdefault(view.phase, time.perf_counter())

    used, start = processor_seconds(network), time.perf_counter()
    outcome = network.ask(question, show=note)
    end, used = time.perf_counter(), processor_seconds(network) - used
    if outcome.result is None:
        raise SystemExit(f"error: {outcome.status}: {outcome.reasons}")
    shown = 0
    for row in outcome.result.rows:
        count = truth[tuple(int(row[column][1:]) for column in question.by)]
        small = case.gate and 1 <= count < K
        if (row["count"] is not None and row["count"] != count) or (small and row["count"] is not None):
            raise SystemExit("error: a count is wrong")
        shown += row["count"] is not None
    if not shown:
        raise SystemExit("error: nothing opened")
    peak = max(size for _, size in peaks_below_all(network)) / 1024
    return Timing(end - start, end - began.get("compute", start), used, peak, sent)


def processor_seconds(network: LabNetwork) -> float:
    """Give the processor time so far of all processes of a network that live."""
    return sum(seconds for process in network.processes.values() for seconds, _ in family_of(process).values())


def peaks_below_all(network: LabNetwork) -> list[tuple[str, int]]:
    """Give (role, most KiB ever resident) of every process of a network."""
    return [one for process in network.processes.values() for one in peaks_below(process)]


def foresee(lab: Lab, question: Question, people: int) -> float:
    """Give the MB that all agencies send, as the check of a job says it."""
    report = report_on(question, rehearsal_agreement(lab, question), None, dict.fromkeys(question.people, people))
    return float(report.json_value()["estimate"]["bytes"]) / 1e6


def ask(case: Case, number: int) -> Question:
    """Give the question; its title differs each time, for a question is not asked twice at once."""
    groups = {f"g{at}": {"agency": agency, "dataset": f"d{at}"} for at, agency in enumerate(case.agencies)}
    value: dict[str, Any] = {
        "agreement": "engine",
        "title": f"table {number}",
        "purpose": "benchmark",
        "people": groups,
        "keep": " and ".join(groups),
        "measures": ["count"],
        "by": [f"g{at}.level" for at, levels in enumerate(case.levels) if levels > 1],
    }
    return Question.read(value, what="question")


def write_lists(folder: Path, case: Case, people: int) -> Counter[tuple[int, ...]]:
    """Write everybody's file and a lab file; give the table's counts."""
    rng = np.random.default_rng(1)
    common = people // 2
    levels: list[npt.NDArray[np.int64]] = []
    agencies: dict[str, Any] = {}
    for at, agency in enumerate(case.agencies):
        many = case.levels[at]
        level = rng.integers(0, many, people)
        levels.append(level[:common])
        with (folder / f"d{at}.csv").open("w") as file:
            file.write("id,level\n")
            file.writelines(f"{'x' if one < common else 'abcde'[at]}{one},v{level[one]}\n" for one in range(people))
        column = {"level": {"type": "category", "values": [f"v{one}" for one in range(many)]}}
        dataset = {
            "source": {"csv": f"d{at}.csv"},
            "person": "id",
            "identifiers": {"state_id": "id"},
            "columns": column,
            "people": people,
        }
        agencies[agency] = {"datasets": {f"d{at}": dataset}}
    hides = {"min_cell": K, "gate": True} if case.gate else {"min_cell": 0}
    value = {"agencies": agencies, "agreement": {"link": "state_id", "disclosure": hides, "decoys": DECOYS}}
    (folder / "lab.yaml").write_text(json.dumps(value), encoding="utf-8")
    split = [level for level, many in zip(levels, case.levels, strict=True) if many > 1]
    return Counter(zip(*(level.tolist() for level in split), strict=True))


def compare(before: Path, repeats: int, *, busy: bool) -> None:
    """Ask two agencies' tables in turns of an earlier checkout and of this one, without a gate, and write the section."""
    commit = subprocess.run(
        ["git", "-C", str(before), "rev-parse", "--short=7", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()
    rows = []
    for people in (1_000, 10_000, 100_000):
        turns: dict[Path, list[tuple[float, float]]] = {before: [], HERE: []}
        for _ in range(repeats):
            for tree, taken in turns.items():
                taken.append(ask_tree(tree, people))
        old, new = ([statistics.median(column) for column in zip(*taken, strict=True)] for taken in turns.values())
        ratios = [
            statistics.median(b[what] / a[what] for a, b in zip(turns[before], turns[HERE], strict=True)) for what in (0, 1)
        ]
        rows.append(
            (f"{people:,}", *(f"{one[0]:.1f} s, {one[1]:.1f} s" for one in (old, new)), *(f"{ratio:.2f}" for ratio in ratios))
        )
        print(*rows[-1], flush=True)
    head = ("people each", f"before ({commit})", "after", "job, after ÷ before", "processor, after ÷ before")
    loaded = " The machine was busy with other work meanwhile." if busy else ""
    how = (
        "A table of 5 × 4 counts of two agencies without a gate, asked as either tree's job files say it. "
        f"Medians of {repeats} runs each, in turns: wall time of the whole command, network started and ended; processor time of all "
        f"processes. Ratios are medians over turns.{loaded}"
    )
    write_section("engine-before", "A table of two agencies before and after `keep`", f"{how}\n\n{table(head, rows)}")


def ask_tree(tree: Path, people: int) -> tuple[float, float]:
    """Run `tally lab run` of a tree once: (seconds, processor seconds)."""
    import resource

    case = Case(people, (5, 4), gate=False)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        truth = write_lists(folder, case, people)
        question = ask(case, 0).json_value()
        keep = {name: value for name, value in question.items() if value is not None}
        (folder / "keep.json").write_text(json.dumps(keep))
        joined = {name: value for name, value in keep.items() if name != "keep"} | {"join": "g0 inner g1"}
        (folder / "join.json").write_text(json.dumps(joined))
        python = sys.executable if tree == HERE else str(tree / ".venv" / "bin" / "python")
        job = "keep.json" if (tree / "core/tallystick/core/job/keep.py").exists() else "join.json"
        command = [python, "-m", "tallystick.client.cli", "lab", "run", "lab.yaml", job, "--out", "out.json"]
        used, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        seconds, now = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            raise SystemExit(done.stderr)
        rows = json.loads((folder / "out.json").read_text())["rows"]
        if any(row["count"] != truth[tuple(int(row[column][1:]) for column in ("g0.level", "g1.level"))] for row in rows):
            raise SystemExit("error: a count is wrong")
    return seconds, now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime


if __name__ == "__main__":
    main()
