"""The native paths where the public functions do not reach: every tail length, coordinates at the edges, maps that nobody can hash to."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from gmpy2 import mpz

from tallystick.crypto import hash_to_curve as h2c
from tallystick.crypto import kernel, portable
from tallystick.crypto.errors import LocalFault
from tallystick.crypto.randomness import SeededRandomness

Load = Callable[[str], dict[str, Any]]
Multiply = Callable[[int, bytes], bytes]
Points = npt.NDArray[np.uint8]
P = int(h2c.P)
NATIVE = [name for name in kernel.paths() if name != kernel.PORTABLE]
EDGES = [0, 1, 2, 9, *portable.SMALL_ORDER, P - 9, P - 1, P, P + 1, P + 9, 2**255 - 1, 2**255, 2**255 + 9, 2**256 - 1]

NINE = 72
"""Points of which ifma9 has 64 in lanes and the last eight beside them."""

pytestmark = pytest.mark.skipif(not NATIVE, reason="the native kernel was not built here")


@pytest.fixture(params=NATIVE)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _array(*rows: bytes) -> Points:
    return np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(len(rows), -1)


def _clamped(scalar: bytes) -> int:
    return int.from_bytes(scalar, "little") & (2**254 - 8) | 2**254


def _masked(name: str, scalar: bytes, points: Points) -> tuple[Points, int]:
    out = np.empty_like(points)
    return out, kernel.native.mask(name, scalar, points, out)


def _mapped(name: str, *pairs: tuple[int, int]) -> tuple[list[int], int]:
    elements = _array(*(u.to_bytes(32, "little") + v.to_bytes(32, "little") for u, v in pairs))
    out = np.empty((len(pairs), 32), dtype=np.uint8)
    zero = kernel.native.map_to_curve(name, elements, out)
    return [int.from_bytes(row.tobytes(), "little") for row in out], zero


def _expected(u: int, v: int) -> int:
    """Map and add with the reference's points, which knows every special case."""
    total = h2c.clear_cofactor(
        h2c.add(h2c.map_to_curve_elligator2_curve25519(mpz(u % P)), h2c.map_to_curve_elligator2_curve25519(mpz(v % P)))
    )
    return 0 if total is None else int(total[0])


def test_s02_every_number_of_points_is_masked_alike(name: str) -> None:
    randomness = SeededRandomness(b"tails")
    scalar = randomness.take(32)
    points = np.frombuffer(randomness.take(32 * 400), dtype=np.uint8).reshape(-1, 32)  # half of them on the twist
    expected = portable.mask(scalar, points)
    for count in (*range(1, 35), *range(71, 82), 143, 144, 145, 287, 288, 289, 296, 360, 400):
        out, zero = _masked(name, scalar, points[:count])
        assert zero == -1
        assert (out == expected[:count]).all(), count


def test_s02_edge_coordinates_are_masked_as_rfc_7748_says(name: str, multiply: Multiply) -> None:
    """Repeated until each has stood at every place of a block of ifma9."""
    points = _array(*(edge.to_bytes(32, "little") for edge in EDGES))
    for scalar in (os.urandom(32), bytes(32), b"\xff" * 32):
        out, zero = _masked(name, scalar, np.tile(points, (NINE, 1)))
        expected = [multiply(_clamped(scalar), row.tobytes()) for row in points]
        assert [row.tobytes() for row in out] == expected * NINE
        assert zero == expected.index(bytes(32)) == 0


@pytest.mark.skipif("ifma9" not in NATIVE, reason="this processor has no ninth point")
def test_s02_the_ninth_point_equals_wycheproof(load: Load) -> None:
    """What `test_kernel.py` asks of single points, which are never the ninth."""
    for test in load("wycheproof_x25519.json")["tests"]:
        points = np.tile(_array(bytes.fromhex(test["public"])), (NINE, 1))
        out, _ = _masked("ifma9", bytes.fromhex(test["private"]), points)
        assert {row.tobytes().hex() for row in out} == {test["shared"]}, test["tcId"]


def test_a_point_of_small_order_is_named_wherever_it_stands(name: str) -> None:
    points = portable.hash_to_curve(b"d", b"", memoryview(b"x" * 300), np.arange(301, dtype=np.int64))
    for index in (299, 288, 287, 72, 71, 64, 63, 16, 15, 8, 7, 0):
        for number in portable.SMALL_ORDER:
            bad = points.copy()
            bad[index] = np.frombuffer(number.to_bytes(32, "little"), dtype=np.uint8)
            assert _masked(name, b"\x11" * 32, bad)[1] == index


def test_s02_scalars_of_every_bit_pattern(name: str, multiply: Multiply) -> None:
    base = _array((9).to_bytes(32, "little"))
    count = NINE if name == "ifma9" else 1
    for bit in range(3, 255):
        for number in (1 << bit, (1 << 255) - 1 ^ 1 << bit):
            scalar = number.to_bytes(32, "little")
            expected = multiply(_clamped(scalar), base.tobytes())
            assert _masked(name, scalar, np.tile(base, (count, 1)))[0].tobytes() == expected * count, bit


def test_s01_maps_equal_the_reference(name: str) -> None:
    randomness = SeededRandomness(b"maps")
    pairs = [
        (int.from_bytes(randomness.take(32), "little") % 2**255, int.from_bytes(randomness.take(32), "little") % 2**255)
        for _ in range(50)
    ]
    out, zero = _mapped(name, *pairs)
    assert zero == -1
    assert out == [_expected(u, v) for u, v in pairs]


def test_s01_maps_at_the_edges(name: str) -> None:
    edges = [0, 1, 2, P - 1, P, P + 1, 2**255 - 1]
    pairs = [(u, v) for u in edges for v in edges]
    expected = [_expected(u, v) for u, v in pairs]
    out, zero = _mapped(name, *pairs)
    assert out == expected
    assert zero == (expected.index(0) if 0 in expected else -1)


def test_s01_equal_points_are_doubled_and_opposite_ones_are_the_identity(name: str) -> None:
    """u and -u map to the same point; u and 1/(2u) swap the two candidates, and so the sign of y: they map to opposite points."""
    for u in (3, 5, 12345, P - 7):
        opposite = pow(2 * u, -1, P)
        same = h2c.map_to_curve_elligator2_curve25519(mpz(u)), h2c.map_to_curve_elligator2_curve25519(mpz(P - u))
        assert same[0] == same[1]
        assert (
            h2c.add(h2c.map_to_curve_elligator2_curve25519(mpz(u)), h2c.map_to_curve_elligator2_curve25519(mpz(opposite)))
            is None
        )
        out, zero = _mapped(name, (u, u), (7, 8), (u, P - u), (u, opposite), (9, 10))
        assert out == [_expected(u, u), _expected(7, 8), _expected(u, u), 0, _expected(9, 10)]
        assert zero == 3


def test_s01_every_length_of_token_and_prefix(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every boundary of SHA-512's blocks, lanes of unequal lengths, and tokens too long for the lanes."""
    monkeypatch.setenv("TALLY_KERNEL", name)
    lengths = np.array([*range(300), 900, 1100, 0, 1, 5000, 2], dtype=np.int64)
    offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    data = SeededRandomness(b"lengths").take(int(offsets[-1]))
    for dst, prefix in (
        (b"d", b""),
        (b"D" * 46, b"p" * 55),
        (b"D" * 47, b"p" * 127),
        (b"D" * 175, b"p" * 128),
        (b"D" * 255, b"p" * 1000),
    ):
        expected = portable.hash_to_curve(dst, prefix, memoryview(data), offsets)
        assert (kernel.hash_to_curve(dst, prefix, data, offsets) == expected).all(), (len(dst), len(prefix))


def test_s03_bad_coordinates_are_found_at_every_place(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLY_KERNEL", name)
    points = portable.hash_to_curve(b"d", b"", memoryview(b"y" * 40), np.arange(41, dtype=np.int64))
    twist = next(u for u in range(2, 100) if not h2c.on_curve(mpz(u)))
    for bad in (0, 1, P - 1, P, P + 1, 2**255 - 1, 2**255 + 9, twist, *portable.SMALL_ORDER):
        for index in range(40):
            wrong = points.copy()
            wrong[index] = np.frombuffer(bad.to_bytes(32, "little"), dtype=np.uint8)
            assert kernel.first_bad_point(wrong) == index, (bad, index)


def _check_points(name: str, count: int) -> None:
    coordinates = np.frombuffer(SeededRandomness(b"curve or twist").take(32 * count), dtype=np.uint8).reshape(-1, 32).copy()
    coordinates[:, 31] &= 127
    on_curve = [bool(h2c.on_curve(mpz(int.from_bytes(row.tobytes(), "little")))) for row in coordinates]
    found = [kernel.native.first_bad_point(name, row) == -1 for row in coordinates]
    assert found == on_curve
    good = coordinates[on_curve]
    assert kernel.native.first_bad_point(name, good) == -1


def test_s03_curve_and_twist_are_told_apart(name: str) -> None:
    _check_points(name, 1_000)


@pytest.mark.slow
def test_s03_curve_and_twist_are_told_apart_100_000_times(name: str) -> None:
    _check_points(name, 100_000)


def test_s01_what_hashes_to_the_identity_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """No message is known that does; so the native function is made to say so."""

    class Says:
        @staticmethod
        def paths() -> list[str]:
            return ["ifma"]

        @staticmethod
        def hash_to_curve(*_: object) -> int:
            return 0

    monkeypatch.delenv("TALLY_KERNEL", raising=False)
    monkeypatch.setattr(kernel, "native", Says)
    with pytest.raises(LocalFault) as caught:
        kernel.hash_to_curve(b"d", b"", b"x", np.array([0, 1], dtype=np.int64))
    assert caught.value.rule == "hash-identity"


@pytest.mark.parametrize("workers", [1, 2, 3, 8])
@pytest.mark.parametrize("count", [0, 1, 4607, 4608, 4609, 9500])
def test_threads_change_nothing(count: int, workers: int) -> None:
    offsets = np.arange(count + 1, dtype=np.int64) * 8
    data = SeededRandomness(b"threads").take(8 * count)
    one = kernel.hash_to_curve(b"d", b"", data, offsets)
    assert (kernel.hash_to_curve(b"d", b"", data, offsets, workers) == one).all()
    assert (kernel.mask(b"\x07" * 32, one, workers) == kernel.mask(b"\x07" * 32, one)).all()


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("count", [1, 576, 5_000, 20_000, 100_000])
def test_threads_share_the_points_evenly(count: int, workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []

    class Counts:
        @staticmethod
        def paths() -> list[str]:
            return ["ifma"]

        @staticmethod
        def mask(_path: str, _scalar: bytes, points: Points, out: Points) -> int:
            taken.append(len(points))
            out[:] = points
            return -1

    monkeypatch.delenv("TALLY_KERNEL", raising=False)
    monkeypatch.setattr(kernel, "native", Counts)
    points = np.arange(32 * count, dtype=np.uint32).astype(np.uint8).reshape(count, 32)
    assert (kernel.mask(bytes(32), points, workers) == points).all()
    assert sum(taken) == count
    assert max(taken) <= 4_608
    blocks = -(-count // (workers * 4_608)) * workers  # as many for each thread
    assert max(taken) <= -(-count // blocks) + 287


def test_the_native_functions_refuse_buffers_of_other_lengths(name: str) -> None:
    native, points, room = kernel.native, bytes(64), bytearray(64)
    wrong: list[Callable[[], object]] = [
        lambda: native.mask("abacus", bytes(32), points, room),
        lambda: native.mask(name, bytes(31), points, room),
        lambda: native.mask(name, bytes(32), points[:63], room),
        lambda: native.mask(name, bytes(32), points, room[:32]),
        lambda: native.hash_to_curve(name, b"d", b"", b"x", np.array([0, 1]), bytearray(32)),
        lambda: native.hash_to_curve(name, b"d" * 257, b"", b"x", np.array([0, 1]), bytearray(32)),
        lambda: native.hash_to_curve(name, b"d\x01", b"", b"x", np.array([0, 1]), bytearray(33)),
        lambda: native.hash_to_curve(name, b"d\x01", b"", b"x", np.array([0, 1]), bytearray(64)),
        lambda: native.hash_to_curve(name, b"d\x01", b"", b"x", np.array([0, 2]), bytearray(32)),
        lambda: native.hash_to_curve(name, b"d\x01", b"", b"x", np.array([-1, 1]), bytearray(32)),
        lambda: native.hash_to_curve(name, b"d\x01", b"", b"x", np.array([1, 0]), bytearray(32)),
        lambda: native.map_to_curve(name, points, bytearray(64)),
        lambda: native.first_bad_point(name, points[:63]),
        lambda: native.hash_tags(b"", points, bytearray(33)),
    ]
    for call in wrong:
        with pytest.raises(ValueError):
            call()
    for unwritable in (
        lambda: native.mask(name, bytes(32), points, points),
        lambda: native.hash_tags(b"", points, points[:32]),
    ):
        with pytest.raises((TypeError, BufferError)):
            unwritable()
