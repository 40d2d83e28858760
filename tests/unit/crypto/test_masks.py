"""Mask scalars and the correction that only the coordinator gets."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tallystick.crypto import kernel, masks, tags
from tallystick.crypto.errors import PeerFault
from tallystick.crypto.points import find_repeated, random_points
from tallystick.crypto.randomness import SeededRandomness, SystemRandomness

Multiply = Callable[[int, bytes], bytes]


def _number(scalar: bytes) -> int:
    return int.from_bytes(scalar, "little")


def _is_clamped(number: int) -> bool:
    return number % 8 == 0 and 2**254 <= number < 2**255


def test_a_new_scalar_is_clamped_and_fresh() -> None:
    scalars = [masks.new_scalar(SystemRandomness()) for _ in range(1_000)]
    assert all(len(scalar) == 32 and _is_clamped(_number(scalar)) for scalar in scalars)
    assert len(set(scalars)) == 1_000


def test_every_bit_that_clamping_leaves_is_drawn() -> None:
    numbers = [_number(masks.new_scalar(SystemRandomness())) for _ in range(500)]
    ones = np.array([[number >> bit & 1 for bit in range(256)] for number in numbers]).sum(axis=0)
    assert ones[:3].tolist() == [0, 0, 0]
    assert ones[254:].tolist() == [500, 0]
    assert ones[3:254].min() > 150  # the mean is 250, the deviation 11
    assert ones[3:254].max() < 350


def test_the_correction_is_the_quotient_and_survives_clamping() -> None:
    for _ in range(200):
        k, k_prime, d = (_number(scalar) for scalar in masks.split_scalar(SystemRandomness()))
        assert _is_clamped(k)
        assert _is_clamped(k_prime)
        assert _is_clamped(d)
        assert d * k_prime % masks.L == k % masks.L
        assert k != k_prime


def test_a_correction_takes_about_two_draws() -> None:
    class Counting:
        draws = 0

        def take(self, length: int) -> bytes:
            self.draws += 1
            return source.take(length)

    source, counting = SystemRandomness(), Counting()
    for _ in range(500):
        masks.split_scalar(counting)
    assert 2.5 < counting.draws / 500 < 3.5  # one for k, and two on the average for k'


def test_the_corrected_mask_is_the_mask(path: str) -> None:
    """X25519(d, X25519(k', P)) = X25519(k, P) for P of prime order."""
    points = random_points(SystemRandomness(), 50)
    for _ in range(10):
        k, k_prime, d = masks.split_scalar(SystemRandomness())
        corrected = kernel.mask(d, kernel.mask(k_prime, points))
        assert corrected.tobytes() == kernel.mask(k, points).tobytes()
        assert corrected.tobytes() != kernel.mask(k_prime, points).tobytes()


def test_l_is_the_order_of_the_subgroup(multiply: Multiply) -> None:
    base = (9).to_bytes(32, "little")
    assert multiply(masks.L + 1, base) == base
    assert multiply(masks.L, base) == bytes(32)


@pytest.mark.parametrize(
    "data",
    [b"", bytes(31), bytes(33), bytes(32), b"\xff" * 32, (2**254 + 1).to_bytes(32, "little"), (2**253).to_bytes(32, "little"),
     (2**255 + 2**254).to_bytes(32, "little")],
)  # fmt: skip
def test_a_correction_that_is_not_a_clamped_scalar_is_refused(data: bytes) -> None:
    with pytest.raises(PeerFault) as caught:
        masks.read_correction(data, sender="north")
    assert (caught.value.rule, caught.value.sender) == ("correction-invalid", "north")


def test_a_right_correction_is_taken() -> None:
    _, _, d = masks.split_scalar(SeededRandomness(b"d"))
    assert masks.read_correction(d, sender="north") == d


def _equal_tags_of_two_jobs(count: int) -> int:
    points = random_points(SeededRandomness(b"same people"), count)
    made = [tags.compute_tags(kernel.mask(masks.new_scalar(SystemRandomness()), points), b"j" * 32, "ssn") for _ in range(2)]
    return int(find_repeated(np.concatenate(made)).sum())


def test_s04_the_same_people_in_two_jobs_have_no_tag_in_common() -> None:
    assert _equal_tags_of_two_jobs(5_000) == 0


@pytest.mark.slow
def test_s04_no_tag_in_common_among_100_000() -> None:
    assert _equal_tags_of_two_jobs(100_000) == 0
