"""Ten million people with one million, beside what 2^20 with 2^20 predicts.

Each node masks its own list and the other's, so the work grows with the sum of both lists: the prediction is the time of the small
run times the ratio of the sums.

usage: scale.py [OURS THEIRS]
"""

from __future__ import annotations

import sys
from typing import Final

from benchmarks.intersection import MIB, run_ours
from benchmarks.report import table, write_section

FULL: Final = (10_000_000, 1_000_000)
SMALL: Final = 1 << 20


def main() -> None:
    """Measure and write the section."""
    sizes = tuple(int(size) for size in sys.argv[1:3]) or FULL
    ours, theirs = sizes
    small = run_ours(SMALL, SMALL, SMALL // 2)
    print(f"small: {small.job:.1f} s", flush=True)
    large = run_ours(ours, theirs, theirs // 2)
    growth = (ours + theirs) / (2 * SMALL)
    rows = [
        (f"{a:,} × {b:,}", f"{run.job:.1f} s", f"{run.whole.processor:.1f} s", *(f"{size / MIB:.0f} MiB" for size in sizes_of))
        for a, b, run, sizes_of in (
            (SMALL, SMALL, small, (small.whole.peak, small.whole.largest)),
            (ours, theirs, large, (large.whole.peak, large.whole.largest)),
        )
    ]
    text = table(("people", "job", "processor", "memory, all", "memory, largest"), rows)
    job = large.job / (small.job * growth)
    processor = large.whole.processor / (small.whole.processor * growth)
    text += (
        f"\n\nThe small run predicts {small.job * growth:.1f} s for the large one: it took {job:.2f} times that "
        f"(processor time: {processor:.2f} times)."
    )
    write_section("scale", "Ten million with one million", text)
    print(text)


if __name__ == "__main__":
    main()
