"""Every path of the kernel against `cryptography`'s X25519, side by side in one run, as ratios.

usage: kernel.py

One core: the thread's own processor time, so that other work on the machine counts less; the paths take turns, round after round, and each
figure is the median of its rounds. Threads: wall time.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from benchmarks.report import table, write_section
from tallystick.crypto import kernel, portable, tags
from tallystick.crypto.hash_to_curve import dst_prime
from tallystick.crypto.masks import new_scalar
from tallystick.crypto.points import random_points
from tallystick.crypto.randomness import SystemRandomness

FAST, SLOW = 4608, 512
ROUNDS = 9
TOKEN = 21
PREFIX = bytes(55)

Work = Callable[[], object]


def _medians(works: dict[str, tuple[Work, int]], clock: Callable[[], float]) -> dict[str, float]:
    """Give the median seconds a point of each work, all of them in turn each round."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(ROUNDS + 1):
        for name, (work, count) in works.items():
            start = clock()
            work()
            if turn > 0:
                taken[name].append((clock() - start) / count)
    return {name: statistics.median(each) for name, each in taken.items()}


def main() -> None:
    """Measure and write the section."""
    randomness = SystemRandomness()
    scalar = new_scalar(randomness)
    tokens = randomness.take(TOKEN * FAST)
    offsets = np.arange(FAST + 1, dtype=np.int64) * TOKEN
    points = random_points(randomness, FAST)
    few, few_offsets = points[:SLOW], offsets[: SLOW + 1]
    key = X25519PrivateKey.from_private_bytes(scalar)

    def peer() -> None:
        for row in few:
            key.exchange(X25519PublicKey.from_public_bytes(row.tobytes()))

    native = kernel.native
    room, marks, tag = np.empty_like(points), np.empty((FAST, kernel.TAG), np.uint8), dst_prime(tags.DST)
    works: dict[str, tuple[Work, int]] = {"cryptography": (peer, SLOW)}
    paths = native.paths() if native is not None else []
    for path in paths:
        assert native is not None
        works[f"{path} mask"] = (partial(native.mask, path, scalar, points, room), FAST)
        works[f"{path} hash"] = (partial(native.hash_to_curve, path, tag, PREFIX, tokens, offsets, room), FAST)
        works[f"{path} check"] = (partial(native.first_bad_point, path, points), FAST)
        works[f"{path} tag"] = (partial(native.hash_tags, PREFIX, points, marks), FAST)
    works["portable mask"] = (lambda: portable.mask(scalar, few), SLOW)
    works["portable hash"] = (lambda: portable.hash_to_curve(tags.DST, PREFIX, memoryview(tokens), few_offsets), SLOW)
    works["portable check"] = (lambda: portable.first_bad_point(few), SLOW)
    works["portable tag"] = (lambda: portable.hash_tags(PREFIX, few), SLOW)
    seconds = _medians(works, time.thread_time)

    peer_seconds = seconds["cryptography"]
    rows = []
    for path in [*paths, "portable"]:
        mask = seconds[f"{path} mask"]
        figures = (f"{seconds[f'{path} {what}'] * 1e6:.2f}" for what in ("mask", "hash", "check", "tag"))
        rows.append((path, *figures, f"{peer_seconds / mask:.2f}"))
    text = "Microseconds a point on one core; the last column is the speed of a mask in multiples of `cryptography`'s"
    text += f" ({peer_seconds * 1e6:.1f} µs a call, from Python).\n\n"
    text += table(("path", "mask", "hash to curve", "check", "tag", "× cryptography"), rows)

    workers = os.cpu_count() or 1
    chosen = kernel.choose_path()
    many = np.tile(points, (8, 1))
    walls = _medians(
        {f"{count}": (partial(kernel.mask, scalar, many, count), len(many)) for count in (1, workers)},
        time.perf_counter,
    )
    alone, together = walls["1"], walls[f"{workers}"]
    text += f"\n\nWall time of a mask ({chosen}): {alone * 1e6:.2f} µs with one thread, {together * 1e6:.2f} µs with {workers}"
    text += f" ({alone / together:.2f} times as fast)."
    write_section("kernel", "Kernel paths", text)
    print(text)


if __name__ == "__main__":
    main()
