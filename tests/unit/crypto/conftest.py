"""What the curve tests share: vectors, an independent ladder, and every kernel path in turn."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tallystick.crypto import kernel

VECTORS = Path(__file__).parents[2] / "vectors"
PRIME = 2**255 - 19

Load = Callable[[str], dict[str, Any]]
Multiply = Callable[[int, bytes], bytes]


@pytest.fixture(scope="session")
def load() -> Load:
    """Give a reader of vector files."""
    return lambda name: json.loads((VECTORS / name).read_text(encoding="utf-8"))


@pytest.fixture(params=kernel.paths())
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Force each path that this machine can run."""
    monkeypatch.setenv("TALLY_KERNEL", request.param)
    return str(request.param)


@pytest.fixture(scope="session")
def multiply() -> Multiply:
    """Give the Montgomery ladder for any integer, without clamping, on integers alone: independent of all code under test."""

    def ladder(scalar: int, coordinate: bytes) -> bytes:
        u = int.from_bytes(coordinate, "little") % 2**255 % PRIME
        left, right = (1, 0), (u, 1)  # multiples n and n + 1 of the point, as fractions; their difference is the point
        for bit in bin(scalar)[2:]:
            (a, b), (c, d) = left, right
            crossed, straight = (a - b) * (c + d), (a + b) * (c - d)
            total = ((crossed + straight) ** 2 % PRIME, u * (crossed - straight) ** 2 % PRIME)
            x, z = left if bit == "0" else right
            plus, minus = (x + z) ** 2 % PRIME, (x - z) ** 2 % PRIME
            double = (plus * minus % PRIME, (plus - minus) * (minus + 121666 * (plus - minus)) % PRIME)
            left, right = (double, total) if bit == "0" else (total, double)
        return (left[0] * pow(left[1], PRIME - 2, PRIME) % PRIME).to_bytes(32, "little")

    return ladder
