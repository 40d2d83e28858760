"""Does the time of a mask depend on the scalar? Welch's t-test between fixed and random scalars, in the manner of dudect.

usage: timing_leak.py [MEASUREMENTS]

Measurements of two classes alternate in random order on the same points; the slowest are cut off at several percentiles of all, since
interrupts only ever add time. |t| above 4.5 is what dudect calls a leak, and above 10 a plain one. This is a check, not a proof: it
finds branches and tables that follow the scalar, on this machine and build; that there are none is read from the source.

Reference: Reparaz, Balasch, Verbauwhede: Dude, is my code constant time? (DATE 2017).
"""

from __future__ import annotations

import random
import sys
import time

import numpy as np
import numpy.typing as npt

from benchmarks.report import table, write_section
from tallystick.crypto import kernel
from tallystick.crypto.masks import new_scalar
from tallystick.crypto.points import random_points
from tallystick.crypto.randomness import SeededRandomness

FIXED = {
    "all bits clear": bytes(32),
    "all bits set": b"\xff" * 32,
    "bits by turns": b"\x55" * 32,
}
POINTS = 72  # the least with which ifma9 has points beside its lanes
KEPT = (50, 75, 90, 99)
BOUND = 4.5


def _times(path: str, fixed: bytes, count: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Give nanoseconds of each call, and which calls had a random scalar."""
    assert kernel.native is not None
    randomness = SeededRandomness(b"timing")
    points = random_points(randomness, POINTS)
    out = np.empty_like(points)
    coin = random.Random(1)
    # bytes objects of their own for both classes, or the fixed one would be warmer in the cache
    scalars = [
        (new_scalar(randomness), True) if coin.random() < 0.5 else (bytes(bytearray(fixed)), False) for _ in range(count)
    ]
    taken = np.empty(count)
    mask, clock = kernel.native.mask, time.perf_counter_ns
    for _ in range(count // 20):
        mask(path, fixed, points, out)
    for i, (scalar, _) in enumerate(scalars):
        start = clock()
        mask(path, scalar, points, out)
        taken[i] = clock() - start
    return taken, np.array([drawn for _, drawn in scalars])


def _welch(left: npt.NDArray[np.float64], right: npt.NDArray[np.float64]) -> float:
    spread = left.var(ddof=1) / len(left) + right.var(ddof=1) / len(right)
    return float((left.mean() - right.mean()) / np.sqrt(spread))


def main() -> None:
    """Measure every native path and write the section."""
    if kernel.native is None:
        raise SystemExit("error: the native kernel was not built here\nhint: make native")
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    rows = []
    worst = 0.0
    for path in kernel.native.paths():
        for what, fixed in FIXED.items():
            taken, drawn = _times(path, fixed, count)
            values = []
            for percent in KEPT:
                kept = taken <= np.percentile(taken, percent)
                values.append(_welch(taken[kept & ~drawn], taken[kept & drawn]))
            worst = max(worst, *(abs(value) for value in values))
            rows.append((path, what, f"{np.median(taken) / 1000:.1f}", *(f"{value:+.2f}" for value in values)))
    text = table(("path", "fixed scalar", "median µs", *(f"t, fastest {percent} %" for percent in KEPT)), rows)
    verdict = "below" if worst < BOUND else "ABOVE"
    text += (
        f"\n\n{count:,} calls of {POINTS} points each row, half with random scalars. The largest |t| is {worst:.2f}, {verdict} the {BOUND} that"
        " dudect calls a leak. A check on this build and machine, not a proof."
    )
    write_section("timing", "Does a mask's time depend on its scalar?", text)
    print(text)


if __name__ == "__main__":
    main()
