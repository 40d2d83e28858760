"""A ladder holds passes that the machines can work with, and no others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tallystick.crypto.errors import LocalFault
from tallystick.crypto.passes import Ladder, Pass, exact_pass
from tests.passes import with_bands

STRICT, LOOSE, OTHER = exact_pass("strict"), exact_pass("loose"), exact_pass("loose@1.0", (1, 0))
BANDS = with_bands([], 3, 2).passes


def test_bands_are_one_pass_to_decoys_and_exact_passes_are_one_each() -> None:
    ladder = Ladder((STRICT, LOOSE, OTHER, *BANDS), 2)
    assert ladder.names == ("strict", "loose", "loose@1.0", "band 0", "band 1", "band 2")
    assert (ladder.exact, ladder.bands) == ((STRICT, LOOSE, OTHER), 3)
    assert ladder.decoys == ("strict", "loose", "loose@1.0", "similarity")


@pytest.mark.parametrize(
    ("passes", "least"),
    [
        ((STRICT, STRICT), 0),
        ((*BANDS, STRICT), 2),
        ((STRICT, replace(LOOSE, decoys="strict")), 0),
        ((STRICT, *BANDS[:2], replace(BANDS[2], decoys="other")), 2),
        ((exact_pass("similarity"), *BANDS), 2),
        ((STRICT, *BANDS), 0),
        ((STRICT, *BANDS), 4),
        ((STRICT, *BANDS), -1),
        ((STRICT,), 1),
    ],
)
def test_a_ladder_that_is_none_is_refused(passes: tuple[Pass, ...], least: int) -> None:
    with pytest.raises(LocalFault) as caught:
        Ladder(passes, least)
    assert caught.value.rule == "ladder-malformed"
