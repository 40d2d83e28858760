"""A whole job through a whole network on this machine: the county's first question at growing sizes.

Every party is a process of its own, on loopback, with mTLS; time runs from the command to the verified result, generation of
the county left out. Peak memory is the largest of each role's processes, as the kernel counts it (VmHWM), sampled while they live.

usage: job.py [PEOPLE …]
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.report import table, write_section

SIZES = (1_000, 10_000, 100_000)
ROLES = ("coordinator", "node", "lab")


def main() -> None:
    """Measure and write the section."""
    sizes = tuple(int(size) for size in sys.argv[1:]) or SIZES
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


def run_once(folder: Path, people: int) -> tuple[float, dict[str, float], dict[str, int]]:
    """Run the county's first job once: (seconds, the result's own timing, peak KiB by role)."""
    tally = [sys.executable, "-m", "tallystick.client.cli"]
    generate = Path(__file__).parents[1] / "examples" / "county" / "generate.py"
    subprocess.run(
        [sys.executable, str(generate), "--people", str(people), "--out", str(folder)], check=True, capture_output=True
    )
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
