from __future__ import annotations

import pytest

from tallystick.core.errors import Invalid
from tallystick.core.ids import resolve_digest, short

ONE, TWO, THREE = "abcd" + "0" * 60, "abcd" + "1" * 60, "ef" * 32


def test_a_short_name_is_the_first_twelve_digits_and_resolves() -> None:
    assert short(THREE) == "efefefefefef"
    assert resolve_digest(short(THREE), [ONE, TWO, THREE]) == THREE
    assert resolve_digest("abcd1", iter([ONE, TWO])) == TWO
    assert resolve_digest(ONE, [ONE, ONE]) == ONE


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("abcd", "2 jobs"),
        ("0123", "no job"),
        ("abc", "not the name"),
        ("ABCD1", "not the name"),
        ("", "not the name"),
        ("../..", "not the name"),
    ],
)
def test_anything_else_is_unknown(name: str, said: str) -> None:
    with pytest.raises(Invalid, match=said) as caught:
        resolve_digest(name, [ONE, TWO, THREE])
    assert caught.value.code == "job-unknown"
