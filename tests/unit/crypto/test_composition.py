"""What the counts of several jobs say together: the figures against their definition, and their order."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from pathlib import Path

import pytest

from tallystick.crypto.composition import GRID, compute_delta, compute_epsilon, greatest_advantage
from tallystick.crypto.decoys import privacy_delta
from tallystick.crypto.errors import LocalFault

QUARTER = Fraction(1, 4)


def _delta(decoys: int, q: float, jobs: int, epsilon: float) -> float:
    """From the definition: over all results of all jobs, the greater of Σ max(0, P - e^ε·Q), both ways."""
    noise = [math.comb(decoys, k) * q**k * (1 - q) ** (decoys - k) for k in range(decoys + 1)]
    here, there = [0.0, *noise], [*noise, 0.0]
    up = down = 0.0
    for counts in itertools.product(range(decoys + 2), repeat=jobs):
        p, other = (math.prod(world[count] for count in counts) for world in (here, there))
        up += max(0.0, p - math.exp(epsilon) * other)
        down += max(0.0, other - math.exp(epsilon) * p)
    return max(up, down)


@pytest.mark.parametrize(("decoys", "participation", "jobs"), [(1, Fraction(1, 2), 3), (6, QUARTER, 2), (7, Fraction(1, 2), 3)])
@pytest.mark.parametrize("epsilon", [0.0, 0.3, 1.0, 3.0])
def test_s08_delta_of_a_sequence_is_its_definition_and_a_grid_step_a_job(
    decoys: int, participation: Fraction, jobs: int, epsilon: float
) -> None:
    found = compute_delta(decoys, participation, jobs, epsilon)
    assert found >= _delta(decoys, float(participation), jobs, epsilon) * (1 - 1e-9)
    assert found <= _delta(decoys, float(participation), jobs, max(0.0, epsilon - jobs * GRID)) + jobs * GRID


def test_s08_one_job_of_a_sequence_has_the_exact_figure() -> None:
    for epsilon in (0.0, 0.1, 0.5):
        exact = privacy_delta(1024, epsilon, QUARTER)
        assert exact <= compute_delta(1024, QUARTER, 1, epsilon) <= 1.05 * exact


def test_s08_more_jobs_say_more_and_less_than_adding_up() -> None:
    deltas = [compute_delta(256, QUARTER, jobs, 0.5) for jobs in (1, 2, 4, 8)]
    assert deltas == sorted(deltas)
    gains = [greatest_advantage(256, QUARTER, jobs) for jobs in (1, 4)]
    assert all(
        1.7 * one < four < 4 * one for one, four in itertools.pairwise(gains)
    )  # about twice: noise averages as a square root
    epsilon = compute_epsilon(1024, QUARTER, 14, 1e-9)
    assert compute_delta(1024, QUARTER, 14, epsilon) <= 1e-9 < compute_delta(1024, QUARTER, 14, epsilon - 2 * GRID)
    assert epsilon < 14 * compute_epsilon(1024, QUARTER, 1, 1e-9) / 3


def test_impossible_sequences_are_refused() -> None:
    for decoys, jobs, participation, epsilon in [
        (0, 1, QUARTER, 0.5),
        (4, 0, QUARTER, 0.5),
        (4, 1, Fraction(1), 0.5),
        (4, 1, QUARTER, -0.1),
    ]:
        with pytest.raises(LocalFault) as caught:
            compute_delta(decoys, participation, jobs, epsilon)
        assert caught.value.rule == "privacy-parameters"
    with pytest.raises(LocalFault):
        compute_epsilon(4, QUARTER, 1, 1e-9)  # none of four decoys matches in one job of three


def test_s08_the_table_of_the_security_page() -> None:
    page = (Path(__file__).parents[3] / "SECURITY.md").read_text(encoding="utf-8")
    lines = page.split("<!-- sequence -->")[1].split("<!-- /sequence -->")[0].strip().splitlines()[2:]
    written = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert [int(row[0]) for row in written] == [1, 2, 7, 14, 30]
    for jobs, *figures in written:
        n = int(jobs)
        gains = [greatest_advantage(m, q, n) for m, q in ((1024, QUARTER), (1024, Fraction(1, 8)), (512, Fraction(1, 2)))]
        assert figures == [f"{compute_epsilon(1024, QUARTER, n, 1e-9):.2f}", *(f"{gain:.3f}" for gain in gains)]
