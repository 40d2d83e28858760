"""Ten million people with one million, beside what smaller runs predict.

Each node masks its own list and the other's, so the work grows with the sum of both lists. The prediction is the line through a run
of 2^16 with 2^16, which shows what any job costs, and one of 2^20 with 2^20.

usage: scale.py [OURS THEIRS]
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

from benchmarks.intersection import MIB, run_ours
from benchmarks.report import table, write_section

FULL: Final = (10_000_000, 1_000_000)
TINY: Final = 1 << 16
SMALL: Final = 1 << 20


def main() -> None:
    """Measure and write the section."""
    ours, theirs = tuple(int(size) for size in sys.argv[1:3]) or FULL
    sizes = ((TINY, TINY), (SMALL, SMALL), (ours, theirs))
    runs = []
    for first, second in sizes:
        runs.append(run_ours(first, second, min(first, second) // 2))
        print(f"{first:,} × {second:,}: {runs[-1].job:.1f} s", flush=True)
    rows = [
        (
            f"{first:,} × {second:,}",
            f"{run.job:.1f} s",
            f"{run.whole.processor:.1f} s",
            f"{run.whole.peak / MIB:.0f} MiB",
            f"{run.whole.largest / MIB:.0f} MiB",
        )
        for (first, second), run in zip(sizes, runs, strict=True)
    ]
    people = [sum(size) for size in sizes]
    job = _on_line(people, [run.job for run in runs])
    processor = _on_line(people, [run.whole.processor for run in runs])
    text = table(("people", "job", "processor", "memory, all", "memory, largest"), rows)
    text += (
        f"\n\nThe two small runs predict {job:.1f} s for the large one: it took {runs[2].job / job:.2f} times that. "
        f"Of processor time: {processor:.1f} s, and {runs[2].whole.processor / processor:.2f} times that."
    )
    write_section("scale", "Ten million with one million", text)
    print(text)


def _on_line(people: Sequence[int], seconds: Sequence[float]) -> float:
    """Give the third point of the line through the first two."""
    slope = (seconds[1] - seconds[0]) / (people[1] - people[0])
    return seconds[1] + slope * (people[2] - people[1])


if __name__ == "__main__":
    main()
