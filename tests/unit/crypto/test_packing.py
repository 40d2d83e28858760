"""Bit fields in plaintexts: sums of eight agencies never touch a neighbour, and one too many is refused (S-17)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.crypto.errors import LocalFault, PeerFault
from tallystick.crypto.packing import GUARD_BITS, PLAINTEXT_BITS, SUMMANDS, Packing

widths = st.lists(st.integers(1, 120), max_size=80).map(tuple)


@given(widths, st.integers(1, SUMMANDS), st.data())
def test_sums_of_up_to_eight_agencies_come_back_exactly(fields: tuple[int, ...], agencies: int, data: st.DataObject) -> None:
    packing = Packing(fields)
    values = [[data.draw(st.integers(0, 2**width - 1)) for width in fields] for _ in range(agencies)]
    packed = [packing.pack(one) for one in values]
    sums = [sum(place) for place in zip(*packed, strict=True)]
    assert packing.unpack(sums) == [sum(place) for place in zip(*values, strict=True)]
    assert all(one < 2**PLAINTEXT_BITS for one in sums)
    assert len(sums) == packing.plaintexts


def test_the_largest_values_of_eight_agencies_fit_and_a_unit_more_is_refused() -> None:
    """S-17: a packed slot over by one."""
    packing = Packing((30, 60, 120))
    full = packing.pack([2**30 - 1, 2**60 - 1, 2**120 - 1])
    most = [SUMMANDS * one for one in full]
    assert packing.unpack(most) == [8 * (2**30 - 1), 8 * (2**60 - 1), 8 * (2**120 - 1)]
    for shift in (0, 30 + GUARD_BITS, 90 + 2 * GUARD_BITS):
        with pytest.raises(PeerFault) as refused:
            packing.unpack([most[0] + (1 << shift)], sender="labor")
        assert refused.value.rule == "packing-range"
        assert refused.value.sender == "labor"


def test_a_value_over_by_one_is_refused_before_it_is_packed() -> None:
    for bad in ([2**30, 0], [0, -1]):
        with pytest.raises(LocalFault) as refused:
            Packing((30, 30)).pack(bad)
        assert refused.value.rule == "packing-range"


def test_bits_outside_the_fields_are_refused() -> None:
    packing = Packing((30,))
    for bad in (1 << 34, 1 << 3071, -1):
        with pytest.raises(PeerFault):
            packing.unpack([bad])


def test_counts_must_agree() -> None:
    packing = Packing((30, 30))
    with pytest.raises(LocalFault):
        packing.pack([1])
    for bad in ([], [0, 0]):
        with pytest.raises(PeerFault):
            packing.unpack(bad)


def test_fields_fill_a_plaintext_to_its_last_bit_and_are_not_cut() -> None:
    assert Packing((21,) * 4, plaintext_bits=100).plaintexts == 1
    assert Packing((21,) * 5, plaintext_bits=100).groups() == [[21, 21, 21, 21], [21]]
    assert Packing((90, 90, 2), plaintext_bits=100).groups() == [[90], [90, 2]]
    assert Packing(()).plaintexts == 0


@pytest.mark.parametrize("bad", [(0,), (-1,), (PLAINTEXT_BITS,)])
def test_impossible_widths_are_refused(bad: Any) -> None:
    with pytest.raises(LocalFault):
        Packing(bad)


def test_a_plaintext_may_not_reach_the_paillier_modulus() -> None:
    with pytest.raises(LocalFault):
        Packing((30,), plaintext_bits=3071)
