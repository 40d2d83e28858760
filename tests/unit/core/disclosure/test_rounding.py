"""What rounds, to what, and that coarser always wins."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.core.agreement.model import Disclosure
from tallystick.core.disclosure.profiles import PROFILES, combine_profiles, profile_of
from tallystick.core.disclosure.rounding import Rounding, combine_roundings

ADRF = PROFILES["adrf"].rounding
assert ADRF is not None
ROUNDINGS = st.builds(
    lambda bases, sums, decimals: Rounding(
        tuple((least * 500, base) for least, base in enumerate(sorted(bases))), sums, decimals
    ),
    st.lists(st.integers(1, 200), min_size=1, max_size=3),
    st.sampled_from([0, 1, 100, 1000]),
    st.integers(0, 4),
)


@pytest.mark.parametrize(
    ("count", "rounded"),
    [(0, 0), (10, 10), (14, 10), (15, 20), (995, 1000), (999, 1000), (1000, 1000), (1049, 1000), (1050, 1100)],
)
def test_adrf_rounds_counts_to_ten_and_from_a_thousand_on_to_a_hundred(count: int, rounded: int) -> None:
    assert ADRF is not None
    assert ADRF.round_count(count) == rounded


@pytest.mark.parametrize(("value", "rounded"), [(1234.56, 1200), (1250, 1300), (-1250, -1200), (49.99, 0)])
def test_adrf_rounds_sums_to_a_hundred(value: float, rounded: int) -> None:
    assert ADRF is not None
    assert ADRF.round_sum(value) == rounded


def test_sums_without_a_base_stay() -> None:
    assert Rounding(((0, 5),), 0, 2).round_sum(1234.56) == 1234.56


@given(ROUNDINGS, ROUNDINGS, st.integers(0, 5000))
def test_two_roundings_together_are_as_coarse_as_each(one: Rounding, other: Rounding, count: int) -> None:
    both = combine_roundings(one, other)
    assert both is not None
    bases = [max(base for least, base in each.counts if count >= least) for each in (one, other, both)]
    assert bases[2] == max(bases[:2])
    assert (both.sums, both.decimals) == (max(one.sums, other.sums), min(one.decimals, other.decimals))


def test_a_profile_keeps_its_rounding_when_another_is_stricter() -> None:
    made = profile_of(Disclosure(profile="adrf", min_cell=20))
    assert (made.min_cell, made.rounding, made.zeros_disclosive) == (20, ADRF, True)
    both = combine_profiles(PROFILES["acro"], PROFILES["adrf"])
    assert both.dominance == PROFILES["acro"].dominance
    assert both.rounding is not None
    assert [both.rounding.round_count(count) for count in (13, 1049)] == [10, 1000]


@pytest.mark.parametrize("name", ["adrf", "opensafely", "acro"])
def test_no_count_that_may_be_shown_is_rounded_to_nothing(name: str) -> None:
    profile = PROFILES[name]
    assert profile.rounding is not None
    shown = [count for count in range(1, 3000) if not profile.is_small(count)]
    assert all(profile.rounding.round_count(count) > 0 for count in shown)
