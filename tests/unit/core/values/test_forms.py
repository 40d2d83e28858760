"""The form of a value says how it is written, and never what."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tallystick.core.values.forms import LONGEST, common_form, form


def test_forms() -> None:
    assert form("04/03/1990") == "9{2}/9{2}/9{4}"
    assert form("María López-1") == "Aa{4}_Aa{4}-9"
    assert form("") == ""
    assert form("\x00\u202e中") == "?{2}a"


@given(st.text(max_size=300))
def test_s10_values_of_one_form_cannot_be_told_apart(one: str) -> None:
    """Nothing of a form is a letter or a digit of the value, but for its own signs."""
    assert len(form(one)) <= LONGEST
    letters, digits = range(ord("a"), ord("z") + 1), range(ord("0"), ord("9") + 1)
    assert form(one.translate({**dict.fromkeys(letters, "q"), **dict.fromkeys(digits, "7")})) == form(one)


def test_the_form_of_most_rows_is_told() -> None:
    assert common_form(["ab", "12", "34"], [3, 2, 2]) == "9{2}"
    assert common_form([], []) == ""
