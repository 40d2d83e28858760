"""A whole job through a whole network on this machine: the county's first question at growing sizes.

Every party is a process of its own, on loopback, with mTLS; time runs from the command to the verified result, generation of
the county left out. Peak memory is the largest of each role's processes, as the kernel counts it (VmHWM), sampled while they live.

usage: job.py [PEOPLE …] [--before CHECKOUT]

With --before the same is run in turns with an earlier checkout of this project, by the Python of its own `.venv`, and the two stand side by
side: wall time, processor time of all processes, and the largest process. CHECKOUT is a folder where `make test` has made `.venv`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.report import table, write_section

SIZES = (1_000, 10_000, 100_000)
ROLES = ("coordinator", "node", "lab")
HERE = Path(__file__).parents[1]
TURNS = 3


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("people", type=int, nargs="*")
    parser.add_argument("--before", type=Path)
    options = parser.parse_args()
    # processes that may keep no compiled modules compile them all, which would be timed
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sizes = tuple(options.people) or SIZES
    if options.before:
        compare(options.before.resolve(), sizes)
        return
    rows = []
    for people in sizes:
        with tempfile.TemporaryDirectory() as folder:
            seconds, timing, peaks = run_once(Path(folder), people)
        desk = f"{timing['seconds_since_seen_by_desk']:.0f} s"
        rows.append((f"{people:,}", f"{seconds:.1f} s", desk, *(f"{peaks.get(role, 0) / 1024:.0f} MiB" for role in ROLES)))
        print(rows[-1], flush=True)
    head = ("people per agency", "whole job", "of it, from first sight at the desk to release")
    text = table((*head, *(f"peak, {role}" for role in ROLES)), rows)
    write_section("job", "A whole job: employment after TANF exit, by region and industry", text)
    print(text)


def compare(before: Path, sizes: tuple[int, ...]) -> None:
    """Run both trees in turns and write the section that sets them side by side."""
    commit = subprocess.run(
        ["git", "-C", str(before), "rev-parse", "--short=7", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()
    rows = []
    for people in sizes:
        turns: dict[Path, list[tuple[float, float, float, float]]] = {before: [], HERE: []}
        for _ in range(TURNS):
            for tree, taken in turns.items():
                with tempfile.TemporaryDirectory() as folder:
                    used = resource.getrusage(resource.RUSAGE_CHILDREN)
                    seconds, timing, peaks = run_once(Path(folder), people, tree)
                    now = resource.getrusage(resource.RUSAGE_CHILDREN)
                processor = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
                taken.append((seconds, processor, max(peaks.values()) / 1024, timing["seconds_since_seen_by_desk"]))
        old, new = ([statistics.median(column) for column in zip(*taken, strict=True)] for taken in turns.values())
        pairs = list(zip(turns[before], turns[HERE], strict=True))
        ratios = [f"{statistics.median(b[place] / a[place] for a, b in pairs):.2f}" for place in (0, 3)]
        sides = (f"{one[0]:.1f} s, {one[3]:.0f} s, {one[1]:.1f} s, {one[2]:.0f} MiB" for one in (old, new))
        rows.append((f"{people:,}", *sides, *ratios))
        print(rows[-1], flush=True)
    head = ("people per agency", f"before ({commit})", "after", "command, after ÷ before", "job, after ÷ before")
    text = table(head, rows)
    how = (
        f"Medians of {TURNS} runs each, in turns: wall time of the whole command, network started and ended; of it the job, from the desk's "
        "first sight to the release, in whole seconds; processor time of all processes, the county's generation among them; the largest "
        "process. The ratios are medians over turns."
    )
    write_section("job-before", "A whole job before and after the protocol was mended", f"{how}\n\n{text}")


def run_once(folder: Path, people: int, tree: Path = HERE) -> tuple[float, dict[str, float], dict[str, int]]:
    """Run the county's first job once, by the code of a tree: (seconds, the result's own timing, peak KiB by role)."""
    python = sys.executable if tree == HERE else str(tree / ".venv" / "bin" / "python")
    tally = [python, "-m", "tallystick.client.cli"]
    generate = tree / "examples" / "county" / "generate.py"
    subprocess.run([python, str(generate), "--people", str(people), "--out", str(folder)], check=True, capture_output=True)
    job = sorted((folder / "jobs").glob("*.yaml"))[0]
    out = folder / "result.json"
    start = time.perf_counter()
    process = subprocess.Popen(
        [*tally, "lab", "run", str(folder / "lab.yaml"), str(job), "--out", str(out)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    peaks: dict[str, int] = {}
    while process.poll() is None:
        for role, peak in peaks_below(process.pid):
            peaks[role] = max(peaks.get(role, 0), peak)
        time.sleep(0.05)
    seconds = time.perf_counter() - start
    if process.returncode != 0:
        assert process.stderr is not None
        raise SystemExit(process.stderr.read().decode())
    return seconds, json.loads(out.read_text())["timing"], peaks


def peaks_below(root: int) -> list[tuple[str, int]]:
    """Give (role, VmHWM in KiB) of a process and all its descendants."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
    found = []
    for pid in parents:
        line = [pid]
        while line[-1] in parents and line[-1] != root:
            line.append(parents[line[-1]])
        if line[-1] == root:
            try:
                words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
                status = Path(f"/proc/{pid}/status").read_text()
            except OSError:
                continue
            peak = [int(row.split()[1]) for row in status.splitlines() if row.startswith("VmHWM")]
            role = next((role for role in ROLES if role in words), "node")
            found += [(role, value) for value in peak]
    return found


if __name__ == "__main__":
    main()
