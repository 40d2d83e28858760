"""Padmé sizes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.crypto.errors import LocalFault
from tallystick.crypto.padding import padme

SIZES = st.integers(1, 2**50)


@pytest.mark.parametrize(
    ("size", "padded"),
    [(0, 0), (1, 1), (2, 2), (3, 3), (7, 7), (8, 8), (9, 10), (15, 16), (16, 16), (17, 18), (99, 104), (1_000, 1_024),
     (1_024, 1_024), (1_025, 1_088), (100_000, 100_352), (1_000_000, 1_015_808), (1_015_808, 1_015_808),
     (1_015_809, 1_032_192), (2**20, 2**20)],
)  # fmt: skip
def test_known_sizes(size: int, padded: int) -> None:
    assert padme(size) == padded


@given(st.integers(2, 2**45))
def test_it_is_the_papers_function(size: int) -> None:
    """E = ⌊log2 L⌋, S = ⌊log2 E⌋ + 1; the last E - S bits become zero, rounding up."""
    exponent = math.floor(math.log2(size))
    step = 2 ** (exponent - math.floor(math.log2(exponent)) - 1)
    assert padme(size) == -(-size // step) * step


@given(SIZES)
def test_it_grows_by_less_than_12_percent_never_falls_and_is_its_own_size(size: int) -> None:
    assert size <= padme(size) < size * 1.12
    assert padme(size) <= padme(size + 1)
    assert padme(padme(size)) == padme(size)


def test_few_sizes_are_left() -> None:
    """Up to 2^20 people, 300 sizes can be seen: between 2^e and 2^(e+1) as many as e has numbers of its bits."""
    seen, size = 0, 0
    while size < 2**20:
        size = padme(size + 1)
        seen += 1
    assert seen == sum(2 ** e.bit_length() for e in range(20)) + 1 == 300


def test_a_negative_size_is_a_fault_of_ours() -> None:
    with pytest.raises(LocalFault) as caught:
        padme(-1)
    assert caught.value.rule == "size-negative"
