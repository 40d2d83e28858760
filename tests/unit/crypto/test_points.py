"""Coordinates from others: every bad one is refused before any multiplication, and its sender is named."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.crypto import kernel, masks
from tallystick.crypto.errors import PeerFault
from tallystick.crypto.points import find_repeated, random_points, read_points, refuse_repeats
from tallystick.crypto.randomness import SeededRandomness, SystemRandomness

Multiply = Callable[[int, bytes], bytes]
Points = npt.NDArray[np.uint8]
P = 2**255 - 19
ORDER_8 = tuple(
    int.from_bytes(bytes.fromhex(text), "little")
    for text in (
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    )
)
TOP = 2**255
NOT_CANONICAL = {
    "p": P,
    "p + 1": P + 1,
    "p + 9": P + 9,
    "2^255 - 1": TOP - 1,
    "0, top bit": TOP,
    "9, top bit": TOP + 9,
    "p, top bit": TOP + P,
    "all ones": 2**256 - 1,
}
INVALID = {
    "0 (order 2)": 0,
    "1 (order 4)": 1,
    "p - 1 (order 4, twist)": P - 1,
    "order 8": ORDER_8[0],
    "order 8, the other": ORDER_8[1],
    "2 (twist)": 2,
    "5 (twist)": 5,
}


def _good(count: int) -> bytearray:
    return bytearray(random_points(SeededRandomness(b"good"), count).tobytes())


def test_good_points_come_back_as_they_are(path: str) -> None:
    data = bytes(_good(3))
    assert read_points(data, 3, sender="north").tobytes() == data
    assert read_points(memoryview(data), 3, sender="north").shape == (3, 32)
    assert read_points(b"", 0, sender="north").shape == (0, 32)


@pytest.mark.parametrize("where", [0, 2, 4])
@pytest.mark.parametrize(
    ("number", "rule"),
    [pytest.param(number, "point-not-canonical", id=name) for name, number in NOT_CANONICAL.items()]
    + [pytest.param(number, "point-invalid", id=name) for name, number in INVALID.items()],
)
def test_s03_a_bad_coordinate_is_refused_before_any_multiplication(
    number: int, rule: str, where: int, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel, "mask", lambda *_: pytest.fail("multiplied"))
    data, bad = _good(5), number.to_bytes(32, "little")
    data[32 * where : 32 * where + 32] = bad
    with pytest.raises(PeerFault) as caught:
        read_points(bytes(data), 5, sender="north", start=100)
    assert (caught.value.rule, caught.value.sender) == (rule, "north")
    assert str(100 + where) in str(caught.value)
    assert bad.hex()[:16] not in str(caught.value)


def test_the_points_of_order_8_are_of_order_8(multiply: Multiply) -> None:
    for u in ORDER_8:
        assert pow(u**3 + 486662 * u * u + u, (P - 1) // 2, P) == 1
        assert multiply(8, u.to_bytes(32, "little")) == bytes(32)
        assert multiply(4, u.to_bytes(32, "little")) == bytes(32)
        assert multiply(2, u.to_bytes(32, "little")) == (1).to_bytes(32, "little")


def test_s03_all_twist_points_and_no_curve_points_are_refused(path: str) -> None:
    """Among small numbers: on the curve exactly where u³ + 486662u² + u is a square, by Euler's criterion."""
    for u in range(2, 300):
        square = pow(u**3 + 486662 * u * u + u, (P - 1) // 2, P) == 1
        bad = kernel.first_bad_point(np.frombuffer(u.to_bytes(32, "little"), dtype=np.uint8).reshape(1, 32))
        assert (bad is None) == square


@pytest.mark.parametrize("length", [0, 31, 33, 32 * 4, 32 * 6, 32 * 5 - 1, 32 * 5 + 1])
def test_s03_a_list_that_is_longer_or_shorter_than_due_is_refused(length: int, path: str) -> None:
    with pytest.raises(PeerFault) as caught:
        read_points(bytes(_good(6)[:length]), 5, sender="north")
    assert (caught.value.rule, caught.value.sender) == ("points-length", "north")


def test_q_with_twice_q_gains_nothing_and_minus_q_is_a_repeat(multiply: Multiply, path: str) -> None:
    """2Q is a point like any other: it stays apart under masks. -Q has Q's coordinate."""
    q = bytes(_good(1))
    pair = read_points(q + multiply(2, q), 2, sender="north")
    refuse_repeats(kernel.mask(masks.new_scalar(SystemRandomness()), pair), sender="north")
    with pytest.raises(PeerFault) as caught:
        refuse_repeats(read_points(q + multiply(masks.L - 1, q), 2, sender="north"), sender="north")
    assert caught.value.rule == "point-repeated"


def test_s06_a_point_plus_one_of_small_order_is_a_repeat_once_masked(multiply: Multiply, path: str) -> None:
    """Q and Q + T pass the checks and differ; a mask, a multiple of 8, makes them equal."""
    raw = next(
        u.to_bytes(32, "little")
        for u in range(9, 200)
        if kernel.first_bad_point(np.frombuffer(u.to_bytes(32, "little"), dtype=np.uint8).reshape(1, 32)) is None
        and multiply(masks.L + 1, u.to_bytes(32, "little")) != u.to_bytes(32, "little")
    )
    inverse_of_8 = pow(8, -1, masks.L)
    prime = multiply(8 * inverse_of_8, raw)  # the part of prime order: 1 mod L, 0 mod 8
    pair = read_points(raw + prime, 2, sender="north")
    refuse_repeats(pair, sender="north")
    with pytest.raises(PeerFault):
        refuse_repeats(kernel.mask(masks.new_scalar(SystemRandomness()), pair), sender="north")


def test_s06_one_duplicate_in_a_million_is_found_and_its_sender_named() -> None:
    values = np.frombuffer(SeededRandomness(b"million").take(32_000_000), dtype=np.uint8).reshape(-1, 32).copy()
    refuse_repeats(values, sender="north")
    values[999_999] = values[12_345]
    with pytest.raises(PeerFault) as caught:
        refuse_repeats(values, sender="north")
    assert (caught.value.rule, caught.value.sender) == ("point-repeated", "north")
    assert "12345" in str(caught.value)
    assert values[12_345].tobytes().hex()[:16] not in str(caught.value)


def test_s06_values_that_agree_in_most_bytes_are_no_repeats() -> None:
    """What a sender would make up to slow the check down, or to have another list refused."""
    values = np.zeros((200_000, 32), dtype=np.uint8)
    values[:, 28:] = np.arange(200_000, dtype="<u4").view(np.uint8).reshape(-1, 4)
    refuse_repeats(values, sender="north")
    values[7] = values[199_999]
    assert np.flatnonzero(find_repeated(values)).tolist() == [7, 199_999]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=12), st.sampled_from([16, 32]))
def test_repeated_rows_are_those_that_stand_more_than_once(rows: list[tuple[int, int]], width: int) -> None:
    raw = [bytes([a]) + bytes(width - 2) + bytes([b]) for a, b in rows]
    values = np.frombuffer(b"".join(raw), dtype=np.uint8).reshape(-1, width)
    assert find_repeated(values).tolist() == [raw.count(row) > 1 for row in raw]


def test_random_points_are_good_different_and_of_prime_order(multiply: Multiply, path: str) -> None:
    points = random_points(SystemRandomness(), 200)
    assert kernel.first_bad_point(points) is None
    assert not find_repeated(points).any()
    for row in points[:5]:
        assert multiply(masks.L + 1, row.tobytes()) == row.tobytes()
    assert random_points(SeededRandomness(b"a"), 2).tobytes() == random_points(SeededRandomness(b"a"), 2).tobytes()
