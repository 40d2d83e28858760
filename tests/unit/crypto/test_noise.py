"""Discrete Laplace noise has exactly the distribution that it says."""

from __future__ import annotations

from fractions import Fraction
from math import exp

import numpy as np
import pytest
from scipy.stats import chi2

from tallystick.crypto.noise import TAIL, compute_room, compute_tail, draw_discrete_laplace, find_width
from tallystick.crypto.randomness import SeededRandomness

DRAWS = 100_000
SCALES = (Fraction(1, 3), Fraction(2), Fraction(7, 2), Fraction(25))


def draw_many(scale: Fraction, count: int, seed: bytes = b"noise") -> np.ndarray:
    stream = SeededRandomness(seed)
    return np.array([draw_discrete_laplace(stream, scale) for _ in range(count)])


def probability(scale: Fraction, value: int) -> float:
    q = exp(-1 / scale)
    return (1 - q) / (1 + q) * q ** abs(value)


@pytest.mark.parametrize("scale", SCALES)
def test_s20_the_noise_is_the_exact_discrete_laplace(scale: Fraction) -> None:
    drawn = draw_many(scale, DRAWS)
    values = [value for value in range(-400, 401) if DRAWS * probability(scale, value) >= 5]
    seen = np.array([np.count_nonzero(drawn == value) for value in values])
    due = DRAWS * np.array([probability(scale, value) for value in values])
    seen, due = np.append(seen, DRAWS - seen.sum()), np.append(due, DRAWS - due.sum())
    due[-1] = max(due[-1], 1e-9)
    if due[-1] < 5:  # the two tails with the least value beside them
        seen, due = np.append(seen[1:-1], seen[-1] + seen[0]), np.append(due[1:-1], due[-1] + due[0])
    statistic = float(((seen - due) ** 2 / due).sum())
    assert chi2.sf(statistic, len(seen) - 1) > 0.001


def test_s20_a_sum_of_agencies_noises_is_within_its_width_as_often_as_is_said() -> None:
    scale = Fraction(9, 2)
    one, two = draw_many(scale, 40_000, b"one"), draw_many(scale, 40_000, b"two")
    for drawn, draws in ((one, 1), (one + two, 2)):
        width = find_width(scale, draws, 0.05)
        beyond = compute_tail(scale, draws, width)
        assert beyond <= 0.05 < compute_tail(scale, draws, width - 1)
        assert abs(np.mean(np.abs(drawn) > width) - beyond) < 0.005


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("draws", [1, 2])
def test_tails_are_sums_of_probabilities(scale: Fraction, draws: int) -> None:
    reach = 900
    one = np.array([probability(scale, value) for value in range(-reach, reach + 1)])
    sums = one if draws == 1 else np.convolve(one, one)
    middle = len(sums) // 2
    for width in (0, 1, 5, 40):
        inside = sums[middle - width : middle + width + 1].sum()
        assert compute_tail(scale, draws, width) == pytest.approx(1 - inside, abs=1e-9)


def test_no_cell_wraps_but_for_a_chance_that_is_small() -> None:
    for scale in SCALES:
        assert 2 * exp(-TAIL) < 2**-65
        assert compute_room(scale, 2) >= 2 * TAIL * scale
