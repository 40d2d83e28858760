"""The modulus of shares: bounds to the last unit (S-15), and the Chinese remainder theorem."""

from __future__ import annotations

import gmpy2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.crypto.errors import LocalFault
from tallystick.crypto.modulus import PRIMES, count_primes, crt, modulus, to_signed


def test_the_primes_are_four_and_can_batch() -> None:
    assert len(set(PRIMES)) == 4
    for prime in PRIMES:
        assert gmpy2.is_prime(prime)
        assert prime.bit_length() == 30
        assert prime % (2 * 8192) == 1


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_s15_a_bound_just_below_half_of_t_fits_and_one_more_does_not(count: int) -> None:
    """S-15: refused at +1."""
    largest = (modulus(count) - 1) // 2
    assert count_primes(largest) == count
    assert to_signed(largest, count) == largest
    assert to_signed(-largest, count) == -largest
    assert to_signed(largest + 1, count) == -largest  # what the refusal is for
    if count < 4:
        assert count_primes(largest + 1) == count + 1
    else:
        with pytest.raises(LocalFault) as refused:
            count_primes(largest + 1)
        assert refused.value.rule == "sum-too-large"


def test_small_and_impossible_bounds() -> None:
    assert count_primes(0) == 1
    with pytest.raises(LocalFault, match="zero or more"):
        count_primes(-1)


@pytest.mark.parametrize("count", [0, 5, -1])
def test_other_numbers_of_primes_are_refused(count: int) -> None:
    with pytest.raises(LocalFault) as refused:
        modulus(count)
    assert refused.value.rule == "prime-count"


@given(st.integers(1, 4), st.data())
def test_crt_finds_the_one_value(count: int, data: st.DataObject) -> None:
    value = data.draw(st.integers(0, modulus(count) - 1))
    assert crt([value % prime for prime in PRIMES[:count]]) == value


@given(st.integers(1, 4), st.data())
def test_signed_undoes_reduction(count: int, data: st.DataObject) -> None:
    half = (modulus(count) - 1) // 2
    value = data.draw(st.integers(-half, half))
    assert to_signed(value % modulus(count), count) == value


@pytest.mark.parametrize("residues", [[], [PRIMES[0]], [-1], [1, 1, 1, 1, 1]])
def test_crt_refuses_what_are_not_residues(residues: list[int]) -> None:
    with pytest.raises(LocalFault):
        crt(residues)
