"""The path is chosen by the processor at hand: the module under an emulator, as other processors."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tallystick.crypto import kernel, portable
from tallystick.crypto.hash_to_curve import dst_prime

EMULATOR = shutil.which("qemu-x86_64") or shutil.which("qemu-x86_64-static")
COUNT = 19
SCALAR = b"\x5a" * 32

# Runs without numpy, which wants a newer processor than some of these.
CHILD = """
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("_kernel", sys.argv[1])
native = importlib.util.module_from_spec(spec)
spec.loader.exec_module(native)
count, dst, offsets = int(sys.argv[2]), bytes.fromhex(sys.argv[3]), bytes.fromhex(sys.argv[4])
answers = {}
for path in native.paths():
    points, masked, tags = bytearray(32 * count), bytearray(32 * count), bytearray(16 * count)
    native.hash_to_curve(path, dst, b"prefix", bytes(range(256)), offsets, points)
    native.mask(path, bytes.fromhex(sys.argv[5]), points, masked)
    native.hash_tags(b"prefix", masked, tags)
    answers[path] = [points.hex(), masked.hex(), tags.hex(), native.first_bad_point(path, points)]
    points[32 * 7 : 32 * 8] = bytes([2]) + bytes(31)
    answers[path].append(native.first_bad_point(path, points))
print(json.dumps(answers))
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(EMULATOR is None, reason="qemu-x86_64 is not here (Debian: qemu-user)"),
    pytest.mark.skipif(platform.machine() != "x86_64", reason="the emulated Python is this machine's, for x86-64"),
    pytest.mark.skipif(kernel.native is None, reason="the native kernel was not built here"),
]


@pytest.mark.parametrize(
    ("processor", "paths"),
    [
        ("core2duo", ["plain"]),  # no SSE4: SHA-256 in plain C
        ("Nehalem", ["plain"]),
        ("SandyBridge", ["plain"]),  # AVX without AVX2
        ("Haswell", ["avx2", "plain"]),
        ("EPYC", ["avx2", "plain"]),  # with the SHA instructions
        ("max", ["avx2", "plain"]),  # all that the emulator knows; not AVX-512 so far
    ],
)
def test_s02_the_processor_chooses_the_path_and_every_path_agrees(processor: str, paths: list[str]) -> None:
    assert EMULATOR is not None
    assert kernel.native is not None
    offsets = np.arange(COUNT + 1, dtype=np.int64) * 11
    tokens = memoryview(bytes(range(256)))
    points = portable.hash_to_curve(b"processors", b"prefix", tokens, offsets)
    masked = portable.mask(SCALAR, points)
    expected = [points.tobytes().hex(), masked.tobytes().hex(), portable.hash_tags(b"prefix", masked).tobytes().hex(), -1, 7]
    assert portable.first_bad_point(np.frombuffer(bytes([2]) + bytes(31), dtype=np.uint8).reshape(1, 32)) == 0

    arguments = [str(kernel.native.__file__), str(COUNT), dst_prime(b"processors").hex(), offsets.tobytes().hex(), SCALAR.hex()]
    done = subprocess.run(
        [EMULATOR, "-cpu", processor, str(Path(sys.executable).resolve()), "-I", "-S", "-c", CHILD, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={"PATH": os.environ["PATH"]},
    )
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    assert list(answers) == paths
    assert answers == dict.fromkeys(paths, expected)
