"""The four-word arithmetic of the ninth point at its edges, which no scalar and point are known to reach: compiled alone, against integers."""

from __future__ import annotations

import ctypes
import itertools
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tallystick.crypto import hash_to_curve as h2c
from tallystick.crypto import kernel

FOLDER = Path(__file__).parents[3] / "crypto" / "tallystick" / "crypto"
COMPILER = next((name for name in ("cc", "gcc", "clang") if shutil.which(name)), None)
P = int(h2c.P)
END = 2**256
EDGES = [
    0,
    1,
    18,
    19,
    37,
    38,
    39,
    P - 1,
    P,
    P + 1,
    2 * P - 1,
    2 * P,
    2 * P + 1,
    2**64 - 1,
    2**64,
    2**128 - 1,
    2**192,
    2**255 - 1,
    2**255,
]
EDGES += [2**255 + 18, 2**255 + 19, END - 2**64, END - 39, END - 38, END - 37, END - 2, END - 1]

SOURCE = """
#include <stdint.h>
#include <string.h>
static uint64_t load_le64(const uint8_t *from) { uint64_t x; memcpy(&x, from, 8); return x; }
static void store_le64(uint8_t *to, uint64_t x) { memcpy(to, &x, 8); }
#include "_kernel_words.h"
void mul(words *o, const words *a, const words *b) { words_mul(o, a, b); }
void sqr(words *o, const words *a) { words_sqr(o, a); }
void add(words *o, const words *a, const words *b) { words_add(o, a, b); }
void sub(words *o, const words *a, const words *b) { words_sub(o, a, b); }
void plus_121666(words *o, const words *a, const words *b) { words_plus_121666(o, a, b); }
void pick(words *o, const words *a, const words *b, uint64_t mask) { words_select(o, mask, a, b); }
void load(words *o, const uint8_t *from) { words_load(o, from); }
void store(uint8_t *to, const words *a) { words_store(to, a); }
"""

Call = Callable[..., int]

pytestmark = [
    pytest.mark.skipif(COMPILER is None, reason="no C compiler here"),
    pytest.mark.skipif("ifma9" not in kernel.paths(), reason="this processor has no ninth point"),
]


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> Call:
    """Give call(name, *numbers, mask): the function's result as an integer of 32 bytes."""
    assert COMPILER is not None
    folder = tmp_path_factory.mktemp("words")
    (folder / "words.c").write_text(SOURCE, encoding="utf-8")
    flags = ["-std=c11", "-O2", "-fPIC", "-shared", f"-I{FOLDER}"]
    subprocess.run([COMPILER, *flags, "words.c", "-o", "words.so"], cwd=folder, check=True, timeout=120)
    library = ctypes.CDLL(str(folder / "words.so"))

    def called(name: str, *numbers: int, mask: int | None = None) -> int:
        out = ctypes.create_string_buffer(32)
        arguments = [ctypes.create_string_buffer(number.to_bytes(32, "little"), 32) for number in numbers]
        getattr(library, name)(out, *arguments, *(() if mask is None else (ctypes.c_uint64(mask),)))
        return int.from_bytes(out.raw, "little")

    return called


def test_s02_words_equal_integers_at_every_pair_of_edges(call: Call) -> None:
    drawn = random.Random(1)
    numbers = [*EDGES, *(drawn.randrange(END) for _ in range(20))]
    for a, b in itertools.product(numbers, repeat=2):
        assert call("mul", a, b) % P == a * b % P, (a, b)
        assert call("add", a, b) % P == (a + b) % P, (a, b)
        assert call("sub", a, b) % P == (a - b) % P, (a, b)
        assert call("plus_121666", a, b) % P == (a + 121666 * b) % P, (a, b)
        assert call("pick", a, b, mask=0) == a
        assert call("pick", a, b, mask=2**64 - 1) == b
    for a in numbers:
        assert call("sqr", a) % P == a * a % P, a
        assert call("load", a) == a % 2**255
        stored = call("store", a)
        assert stored % P == a % P
        assert stored < 2**255
