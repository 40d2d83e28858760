"""What linkage finds and must not link, on Febrl1's 500 damaged people, and on the same as housemates and twins."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.febrl import halves, housemates
from tallystick.core.linkage.passes.ladders import LADDERS, SIMILARITY
from tallystick.crypto.randomness import SeededRandomness
from tallystick.lab.linking.trial import Trial, run_trial

FIRST, SECOND, TRUTH = halves(1)


def score_of(*link: str) -> tuple[int, int]:
    """Give how many people are found, and how many links are wrong."""
    score = run_trial(FIRST, SECOND, link, SeededRandomness(b"q"), TRUTH).score
    assert score is not None
    return score.found, score.wrong


def mates(kind: str, *, twins: bool) -> Trial:
    """Link Febrl1's pairs after making two people of one household of each."""
    return run_trial(*housemates(FIRST, SECOND, TRUTH, twins=twins), ["ssn+birth_date", kind], SeededRandomness(b"q"))


def test_looser_ladders_find_more_and_nobody_wrong() -> None:
    strict, default, loose = (score_of(*LADDERS[ladder]) for ladder in ("strict", "default", "loose"))
    assert 0.85 < strict[0] / 500 < default[0] / 500 < loose[0] / 500
    assert loose[0] >= 495
    assert strict[1] == default[1] == loose[1] == 0


@pytest.mark.parametrize("kind", SIMILARITY)
def test_a_similarity_pass_finds_more_and_nobody_wrong(kind: str) -> None:
    found, wrong = score_of("default", kind)
    assert found > score_of("default")[0]
    assert wrong == 0


def test_housemates_and_twins_stay_two_people_unless_an_agreement_says_there_are_none() -> None:
    linked = {(kind, twins): len(mates(kind, twins=twins).a) for kind in SIMILARITY for twins in (False, True)}
    # first names are dealt out at random: one pair in a hundred has the same one, or nearly
    assert linked["similarity", False] <= 10
    assert linked["similarity", True] <= 10
    assert linked["similarity-no-twins", False] <= 20
    # what the other words rule out would be linked
    assert linked["similarity-no-twins", True] > 250
    assert linked["similarity-no-households", False] > linked["similarity-no-twins", False]


def test_nobody_links_with_a_stranger() -> None:
    order = np.random.default_rng(3).permutation(FIRST.count)
    one, other = (
        type(FIRST)(
            "half", FIRST.keys[part], {name: values[part] for name, values in FIRST.identifiers.items()}, {}, None, len(part)
        )
        for part in np.array_split(order, 2)
    )
    for link in (list(LADDERS["loose"]), ["default", "similarity"], ["default", "similarity-no-households"]):
        assert len(run_trial(one, other, link, SeededRandomness(b"q")).a) == 0
