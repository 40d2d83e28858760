"""Native paths against the portable one on many random inputs; what the test suite does 10^5 times, as often as asked.

usage: python -m tests.differential.kernel COUNT [SEED]

Every block has a scalar, a prefix and tokens of its own, of 0 to 63 bytes; the hashed points are masked, checked and tagged. Half of the masked
coordinates are random instead, so mostly on the twist for one in two. Prints the differences by path and exits with 1 if there is one.
"""

from __future__ import annotations

import sys

import numpy as np

from tallystick.crypto import kernel, portable
from tallystick.crypto.hash_to_curve import dst_prime
from tallystick.crypto.randomness import SeededRandomness

BLOCK = 8192
DST = b"differential"


def _differences(randomness: SeededRandomness, count: int) -> dict[str, int]:
    """Give the number of rows that differ from the portable path's, by path, in one block."""
    assert kernel.native is not None
    scalar, prefix = randomness.take(32), randomness.take(randomness.take(1)[0])
    lengths = np.frombuffer(randomness.take(count), dtype=np.uint8).astype(np.int64) & 63
    offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    data = randomness.take(int(offsets[-1]))
    hashed = portable.hash_to_curve(DST, prefix, memoryview(data), offsets)
    base = hashed.copy()
    base[::2] = np.frombuffer(randomness.take(32 * len(base[::2])), dtype=np.uint8).reshape(-1, 32)
    masked, tags = portable.mask(scalar, base), portable.hash_tags(prefix, hashed)
    bad = portable.first_bad_point(masked)
    found = {}
    for path in kernel.native.paths():
        points, products, marks = np.empty_like(hashed), np.empty_like(hashed), np.empty_like(tags)
        kernel.native.hash_to_curve(path, dst_prime(DST), prefix, data, offsets, points)
        kernel.native.mask(path, scalar, base, products)
        kernel.native.hash_tags(prefix, hashed, marks)
        first = kernel.native.first_bad_point(path, masked)
        wrong = (points != hashed).any(axis=1) | (products != masked).any(axis=1) | (marks != tags).any(axis=1)
        found[path] = (
            int(wrong.sum()) + (first != (-1 if bad is None else bad)) + (kernel.native.first_bad_point(path, hashed) != -1)
        )
    return found


def main() -> None:
    """Compare, and say what was found."""
    if kernel.native is None:
        raise SystemExit("error: the native kernel was not built here\nhint: make native")
    count = int(sys.argv[1])
    seed = sys.argv[2] if len(sys.argv) > 2 else "1"
    randomness = SeededRandomness(b"differential " + seed.encode())
    total = dict.fromkeys(kernel.native.paths(), 0)
    for done in range(0, count, BLOCK):
        for path, number in _differences(randomness, min(BLOCK, count - done)).items():
            total[path] += number
        if done // BLOCK % 64 == 0:
            print(f"{done:,} of {count:,}: {total}", file=sys.stderr)
    print(f"{count:,} inputs, seed {seed}: differences {total}")
    raise SystemExit(1 if any(total.values()) else 0)


if __name__ == "__main__":
    main()
