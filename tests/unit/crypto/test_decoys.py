"""Coins, decoy tokens, and the exact privacy figures that SECURITY.md states."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest

from tallystick.crypto.decoys import (
    coins,
    decoy_shapes,
    decoy_tokens,
    privacy_delta,
    privacy_delta_with_agency,
)
from tallystick.crypto.errors import LocalFault
from tallystick.crypto.passes import Ladder, exact_pass
from tallystick.crypto.points import find_repeated
from tests.passes import SIMILARITY, with_bands

JOB = b"j" * 32
KEY = b"k" * 32

# χ² at p = 0.001
CHI_SQUARE = {1: 10.828, 3: 16.266, 7: 24.322, 9: 27.877, 35: 66.619, 255: 330.52}


def _chi_square(counts: npt.NDArray[np.int64], chances: npt.NDArray[np.float64] | None = None) -> float:
    expected = counts.sum() / len(counts) if chances is None else counts.sum() * chances
    return float(((counts - expected) ** 2 / expected).sum())


def _coins(key: bytes, count: int = 100_000) -> npt.NDArray[np.bool_]:
    """Give coins of many jobs, as a node throws them: 1,000 for each pass."""
    return np.concatenate(
        [coins(key, bytes([job]) * 32, f"pass {i}", 1_000) for job in range(count // 10_000) for i in range(10)]
    )


def test_s08_coins_are_fair_and_independent() -> None:
    drawn = _coins(KEY)
    assert len(drawn) == 100_000
    assert _chi_square(np.bincount(drawn, minlength=2)) < CHI_SQUARE[1]
    pairs = 2 * drawn[:-1:2].astype(np.int64) + drawn[1::2]
    assert _chi_square(np.bincount(pairs, minlength=4)) < CHI_SQUARE[3]
    assert _chi_square(np.bincount(np.packbits(drawn), minlength=256)) < CHI_SQUARE[255]


def test_s08_two_nodes_coins_are_independent_so_a_quarter_of_the_decoys_match() -> None:
    both = 2 * _coins(KEY).astype(np.int64) + _coins(b"other" * 8)
    assert _chi_square(np.bincount(both, minlength=4)) < CHI_SQUARE[3]


def test_s08_coins_stay_with_the_job_and_change_with_key_job_and_pass() -> None:
    first = coins(KEY, JOB, "ssn", 1024)
    assert first.dtype == np.bool_
    assert first.tolist() == coins(KEY, JOB, "ssn", 1024).tolist()
    for other in (coins(b"x" * 32, JOB, "ssn", 1024), coins(KEY, b"i" * 32, "ssn", 1024), coins(KEY, JOB, "name", 1024)):
        assert 400 < int((first != other).sum()) < 624  # the mean is 512, the deviation 16
    assert [len(coins(KEY, JOB, "ssn", m)) for m in (0, 1, 7, 8, 9)] == [0, 1, 7, 8, 9]


def test_decoy_tokens_are_the_same_for_who_has_the_secret_and_for_nobody_else() -> None:
    tokens = [
        decoy_tokens(secret, own, at, 50)
        for secret in (KEY, JOB)
        for own, at in (("a", "a"), ("a", "b"), ("b", "b"), ("b", "a"))
    ]
    assert not find_repeated(np.concatenate(tokens)).any()
    assert decoy_tokens(KEY, "a", "b", 50).tobytes() == tokens[1].tobytes()
    assert decoy_tokens(KEY, "a", "b", 0).shape == (0, 32)


LADDER = ("a", "b", "c", "d")
BANDS, NEED, MANY = 40, 5, 40_000


def test_s08_half_of_the_decoys_are_whole_and_the_others_miss_each_looser_pass_by_a_fair_coin() -> None:
    shapes = decoy_shapes(KEY, "b", with_bands(LADDER, BANDS, NEED), MANY)
    assert shapes.shape == (len(LADDER) + BANDS, MANY)
    assert shapes[0].tolist() == [False] * MANY
    assert shapes[1].all()
    pattern = 2 * shapes[2].astype(np.int64) + shapes[3]
    assert _chi_square(np.bincount(pattern, minlength=4), np.array([1, 1, 1, 5]) / 8) < CHI_SQUARE[3]
    number = shapes[len(LADDER) :].sum(axis=0)
    full = number == BANDS
    # whole, or damaged with all bands by chance
    assert _chi_square(np.bincount(full, minlength=2), np.array([20, 21]) / 41) < CHI_SQUARE[1]
    (below,) = np.nonzero(~full)
    assert _chi_square(np.bincount(number[below] // 4, minlength=10)) < CHI_SQUARE[9]
    assert _chi_square(np.bincount(pattern[below], minlength=4)) < CHI_SQUARE[3]


def test_s08_a_decoy_of_the_similarity_pass_coincides_in_any_number_of_bands_that_links_it() -> None:
    shapes = decoy_shapes(KEY, SIMILARITY, with_bands(LADDER, BANDS, NEED), MANY)
    assert not shapes[: len(LADDER)].any()
    number = shapes[len(LADDER) :].sum(axis=0)
    assert (number.min(), number.max()) == (NEED, BANDS)
    assert _chi_square(np.bincount(number - NEED, minlength=BANDS - NEED + 1)) < CHI_SQUARE[35]
    few = shapes[len(LADDER) :, number == NEED]
    assert _chi_square(few.reshape(8, 5, -1).sum(axis=(1, 2))) < CHI_SQUARE[7]


def test_shapes_are_the_same_for_who_has_the_secret_and_for_nobody_else() -> None:
    made = decoy_shapes(KEY, "a", with_bands(LADDER, BANDS, NEED), 500)
    assert made.tolist() == decoy_shapes(KEY, "a", with_bands(LADDER, BANDS, NEED), 500).tolist()
    assert (made != decoy_shapes(JOB, "a", with_bands(LADDER, BANDS, NEED), 500)).mean() > 0.2
    assert decoy_shapes(KEY, "d", with_bands(LADDER), 9).tolist() == [[False] * 9] * 3 + [[True] * 9]
    assert decoy_shapes(KEY, "a", with_bands(["a"]), 0).shape == (1, 0)
    for own, bands, need, rule in [
        ("e", 0, 0, "decoy-pass"),
        (SIMILARITY, 0, 0, "decoy-pass"),
        ("band 0", 4, 1, "decoy-pass"),
        ("a", 4, 0, "ladder-malformed"),
        ("a", 4, 5, "ladder-malformed"),
        ("a", 0, 1, "ladder-malformed"),
    ]:
        with pytest.raises(LocalFault) as caught:
            decoy_shapes(KEY, own, with_bands(LADDER, bands, need), 1)
        assert caught.value.rule == rule


def test_s08_the_figures_of_the_design() -> None:
    """m = 1024, ε = 0.5: 2.1e-12 for the coordinator alone, 2.5e-10 with an agency of even coins, 2.8e-10 over its coins."""
    assert privacy_delta(1024, 0.5, Fraction(1, 4)) == pytest.approx(2.1e-12, rel=0.01)
    assert privacy_delta(512, 0.5, Fraction(1, 2)) == pytest.approx(2.5e-10, rel=0.02)
    assert privacy_delta_with_agency(1024, 0.5) == pytest.approx(2.81e-10, rel=0.01)


@pytest.mark.parametrize(
    ("decoys", "participation"), [(1, Fraction(1, 2)), (10, Fraction(1, 4)), (40, Fraction(1, 2)), (60, Fraction(1, 3))]
)
@pytest.mark.parametrize("epsilon", [0.0, 0.1, 0.5, 2.0])
def test_s08_delta_is_the_greatest_advantage_over_all_events(decoys: int, participation: Fraction, epsilon: float) -> None:
    """From the definition, in floats: δ = max over events of P[count + noise] - e^ε·P[count ± 1 + noise]."""
    q = float(participation)
    noise = [math.comb(decoys, k) * q**k * (1 - q) ** (decoys - k) for k in range(decoys + 1)]
    here, next_to = [*noise, 0.0], [0.0, *noise]
    ways = ((here, next_to), (next_to, here))
    expected = max(sum(max(0.0, a - math.exp(epsilon) * b) for a, b in zip(p, q_, strict=True)) for p, q_ in ways)
    assert privacy_delta(decoys, epsilon, participation) == pytest.approx(expected, rel=1e-9, abs=1e-14)


def test_s08_the_average_over_an_agencys_coins_is_the_average() -> None:
    expected = sum(math.comb(20, h) * privacy_delta(h, 0.5, Fraction(1, 2)) for h in range(21)) / 2**20
    assert privacy_delta_with_agency(20, 0.5) == pytest.approx(expected, rel=1e-12)


def test_s08_no_decoys_hide_nothing() -> None:
    assert privacy_delta(0, 0.5, Fraction(1, 4)) == 1.0
    assert privacy_delta_with_agency(0, 0.5) == 1.0


def test_impossible_parameters_are_refused() -> None:
    half = Fraction(1, 2)
    for decoys, epsilon, participation in [
        (-1, 0.5, half),
        (1, -0.1, half),
        (1, 100.0, half),
        (1, 0.5, Fraction(0)),
        (1, 0.5, Fraction(1)),
    ]:
        with pytest.raises(LocalFault) as caught:
            privacy_delta(decoys, epsilon, participation)
        assert caught.value.rule == "privacy-parameters"
    with pytest.raises(LocalFault):
        privacy_delta_with_agency(-1, 0.5)


def test_decoys_of_other_spellings_look_like_people_of_other_spellings() -> None:
    pairs = ((0, 0), (0, 1), (1, 0), (1, 1))
    ladder = Ladder(tuple(exact_pass(f"{name}@{one}.{two}", (one, two)) for name in "ab" for one, two in pairs))
    count = 40_000
    first = decoy_shapes(b"s", "a@0.0", ladder, count)
    plain = decoy_shapes(b"s", "a", with_bands(["a", "b"]), count)
    assert first[0].all()
    # one in eight is called two things in both lists, and coincides wherever both lists use the second
    assert not first[[1, 2, 5, 6]].any()
    assert (first[3] == first[7]).all()
    assert _chi_square(np.bincount(first[3].astype(np.int64)), np.array([7 / 8, 1 / 8])) < CHI_SQUARE[1]
    # at first spellings nothing is new: half of them whole, of the others half
    for shapes, row in ((first, 4), (plain, 1)):
        assert _chi_square(np.bincount(shapes[row].astype(np.int64)), np.array([1 / 4, 3 / 4])) < CHI_SQUARE[1]
    other = decoy_shapes(b"s", "a@0.1", ladder, count)
    assert not other[0].any()
    assert other[1].all()
    assert not other[[2, 6]].any()
    assert _chi_square(np.bincount(other[4].astype(np.int64))) < CHI_SQUARE[1]
    assert _chi_square(np.bincount(other[5].astype(np.int64)), np.array([1 / 4, 3 / 4])) < CHI_SQUARE[1]


def test_names_of_passes_are_not_read() -> None:
    """What looks like another spelling is a name like any other; the value says what a pass is."""
    plain = decoy_shapes(b"s", "a", with_bands(["a", "b", "c"]), 500)
    assert (decoy_shapes(b"s", "a", with_bands(["a", "b@0.1", "similarity"]), 500) == plain).all()
    other = Ladder((exact_pass("a"), exact_pass("b", (0, 1)), exact_pass("c")))
    assert (decoy_shapes(b"s", "a", other, 500) != plain).any()
