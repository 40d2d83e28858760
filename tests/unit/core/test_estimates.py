"""Estimates without the truth, against made-up people of whom the truth is known."""

from __future__ import annotations

from math import sqrt

import numpy as np
import numpy.typing as npt
import pytest

from tallystick.core.linkage.passes.ladders import LADDERS
from tallystick.core.linkage.passes.recipes import Part, parse_recipe
from tallystick.core.linkage.quality.agreement import close_patterns, identifiers_of, implies, parts_of, pass_implies
from tallystick.core.linkage.quality.estimates import (
    FEWEST,
    Estimate,
    Lookalikes,
    precision,
    recall,
    recall_of_all,
    recapturing,
)
from tallystick.core.linkage.quality.intervals import Z, compute_poisson_interval, wilson

NAMES = "first_name+last_name+birth_date"
SSN = "ssn"


def patterns_of(recipes: list[str], agree: dict[str, npt.NDArray[np.bool_]]) -> npt.NDArray[np.bool_]:
    """Give at which passes pairs coincide, from which fields agree."""
    return np.array([np.all([agree[part] for part in text.split("+")], axis=0) for text in recipes])


# --- intervals -------------------------------------------------------------------------------------------------------------------


def poisson(count: float) -> tuple[float, float]:
    """Compute Byar's interval of a Poisson mean (N. E. Breslow and N. E. Day, Statistical Methods in Cancer Research II, 1987, p. 69).

    Within 1 % of the exact interval from a count of 10; below it somewhat wide.
    """
    above = count + 1
    low = count * (1 - 1 / (9 * count) - Z / (3 * sqrt(count))) ** 3 if count > 0 else 0.0
    return max(0.0, low), above * (1 - 1 / (9 * above) + Z / (3 * sqrt(above))) ** 3


def test_intervals_are_those_of_tables() -> None:
    assert wilson(9, 10) == pytest.approx((0.5958, 0.9821), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(0, 100)[0] == pytest.approx(0.0, abs=1e-12)
    assert poisson(10) == pytest.approx((4.795, 18.39), rel=0.01)  # exact: 4.7954 to 18.3904
    assert poisson(0)[1] == pytest.approx(3.69, rel=0.02)
    assert compute_poisson_interval([2.0], [10]) == pytest.approx(tuple(2 * end for end in poisson(10)), rel=1e-9)
    assert compute_poisson_interval([], []) == (0.0, 0.0)


# --- what agrees together --------------------------------------------------------------------------------------------------------


def test_what_implies_what() -> None:
    whole, three, one = Part("first_name"), Part("first_name", 3), Part("first_initial")
    assert implies(whole, three)
    assert implies(three, one)
    assert not implies(one, three)
    assert not implies(three, Part("first_sound"))
    assert implies(Part("ssn"), Part("ssn4"))
    assert not implies(Part("ssn4"), Part("ssn"))
    assert not implies(Part("last_part"), Part("last_end"))
    strict, loose = parse_recipe("ssn+birth_date"), parse_recipe("ssn4+birth_date")
    assert pass_implies(strict, loose)
    assert not pass_implies(loose, strict)
    assert pass_implies(parse_recipe(NAMES), parse_recipe("names_any_order+birth_date"))
    flags = np.array([[True, False], [False, False]])
    assert close_patterns(flags, [strict, loose]).tolist() == [[True, False], [True, False]]


@pytest.mark.parametrize("ladder", LADDERS)
def test_states_are_the_sets_that_can_agree_together(ladder: str) -> None:
    recipes = [parse_recipe(text) for text in LADDERS[ladder]]
    identifiers = identifiers_of(recipes)
    assert {part for one in identifiers for part in one.parts} == {part for recipe in recipes for part in parts_of(recipe)}
    for one in identifiers:
        assert not one.states[0].any()
        assert one.states[-1].all()
        for state in one.states:
            for at, part in enumerate(one.parts):
                if state[at]:
                    assert all(state[place] for place, other in enumerate(one.parts) if implies(part, other))


# --- recall ----------------------------------------------------------------------------------------------------------------------


def test_two_passes_without_a_common_identifier_are_lincoln_and_petersen() -> None:
    both, one, other = 600, 200, 150
    flags = np.repeat(np.array([[1, 1], [1, 0], [0, 1]], dtype=np.bool_), [both, one, other], axis=0).T
    flags = flags[:, np.random.default_rng(3).permutation(flags.shape[1])]
    found = recall(flags, [parse_recipe(SSN), parse_recipe(NAMES)], [0.0, 0.0])
    assert found is not None
    population = (both + one) * (both + other) / both
    assert found.value == pytest.approx((both + one + other) / population, abs=2e-4)
    assert found.low < found.value < found.high


def test_the_interval_of_recall_holds_the_truth_of_independent_errors() -> None:
    recipes = ["ssn+birth_date", "ssn+last_name", NAMES, "ssn4+first_name+last_name", "first_name+last_name+street"]
    rates = {"ssn": 0.85, "first_name": 0.9, "last_name": 0.88, "birth_date": 0.93, "street": 0.7}
    rng = np.random.default_rng(11)
    inside, runs = 0, 30
    for _ in range(runs):
        agree = {field: rng.random(3000) < rate for field, rate in rates.items()}
        agree["ssn4"] = agree["ssn"] | (rng.random(3000) < 0.3)
        flags = patterns_of(recipes, agree)
        seen = flags.any(axis=0)
        found = recall(flags[:, seen], [parse_recipe(text) for text in recipes], [0.0] * len(recipes))
        assert found is not None
        inside += found.low <= seen.mean() <= found.high
        assert found.value == pytest.approx(seen.mean(), abs=0.02)
    assert inside >= 25  # of 30 at 95 %: fewer than 25 once in a thousand


def test_recall_is_not_told_where_nothing_tells_it() -> None:
    flags = np.ones((2, 500), dtype=np.bool_)
    assert recall(flags, [parse_recipe("ssn+birth_date"), parse_recipe("ssn+last_name:4")], [0.0, 0.0]) is None
    apart = [parse_recipe(SSN), parse_recipe(NAMES)]
    assert recall(flags[:, : FEWEST - 1], apart, [0.0, 0.0]) is None
    assert recall(flags, apart, [0.0, 0.0]) is not None


# --- precision -------------------------------------------------------------------------------------------------------------------

RECIPES = [parse_recipe("ssn+birth_date"), parse_recipe(NAMES), parse_recipe("first_name:2+last_name:2+birth_date")]


def test_expected_accidental_links_are_those_of_random_people() -> None:
    rng = np.random.default_rng(4)
    n, values = 8000, 12_000_000
    made, wrong = [], []
    for _ in range(20):
        a, b = (rng.integers(0, values, n) for _ in range(2))
        sides = []
        for side in (a, b):
            _, inverse, counts = np.unique(side, return_inverse=True, return_counts=True)
            sides.append((np.where(counts[inverse] > 1, inverse, -1), counts[inverse] == 1))
        # nobody is in both lists: every link is accidental
        links = len(np.intersect1d(a[sides[0][1]], b[sides[1][1]]))
        alike = tuple(Lookalikes((_pairs(groups),), (0,)) for groups, _ in sides)
        free = (int(sides[0][1].sum()) - links, int(sides[1][1].sum()) - links)
        _, expected = precision([10**6], [free], (alike[0], alike[1]), [(n, n)])
        made.append(links)
        wrong.append(expected[0])
    assert np.sum(wrong) == pytest.approx(np.sum(made), rel=0.25)  # both are about 107, each with a deviation of a tenth


def _pairs(groups: npt.NDArray[np.int64]) -> int:
    sizes = np.bincount(groups[groups >= 0])
    return int((sizes * (sizes - 1) // 2).sum())


def test_the_lower_end_takes_doubtful_pairs_for_two_people() -> None:
    clean, doubtful = Lookalikes((0,), (0,)), Lookalikes((0,), (8,))
    arguments = ([1000], [(5000, 5000)])
    best, _ = precision(*arguments, (clean, clean), [(6000, 6000)])
    other, wrong = precision(*arguments, (clean, doubtful), [(6000, 6000)])
    assert best.value == other.value == 1.0
    assert wrong == [0.0]
    assert other.low < best.low < 1.0
    none, _ = precision([0], [(5, 5)], (clean, clean), [(6, 6)])
    assert (none.value, none.low) == (1.0, 0.0)


def test_numbers_that_one_list_alone_shows_as_lent_count_as_that_list_shows_them() -> None:
    lent, given = Lookalikes((400,), (0,)), Lookalikes((0,), (0,))
    _, wrong = precision([5000], [(4000, 4000)], (lent, given), [(5000, 50_000)])
    _, pooled = precision([5000], [(4000, 4000)], (Lookalikes((4,), (0,)), given), [(5000, 50_000)])
    assert wrong[0] == pytest.approx(4000 * 4000 * (400 - 2 * 20) / (5000 * 4999 / 2))
    assert pooled[0] == pytest.approx(4000 * 4000 * 4 / (5000 * 4999 / 2 + 50_000 * 49_999 / 2))


def test_a_pass_that_links_nobody_makes_no_accidental_link_and_guards_leave_a_share() -> None:
    some = Lookalikes((50, 50), (0, 0))
    arguments = ([(5000, 5000)] * 2, (some, some), [(6000, 6000)] * 2)
    one, wrong = precision([1000, 0], *arguments)
    half, less = precision([1000, 0], *arguments, [0.5, 1.0])
    assert wrong[1] == less[1] == 0
    assert less[0] == pytest.approx(wrong[0] / 2)
    assert one.low < half.low


def test_recall_is_told_of_passes_whose_people_other_passes_can_miss() -> None:
    texts = [
        "ssn+birth_date",
        "first_name+last_name+birth_date~ssn4",
        "first_name+last_name+birth_date^ssn4",
        NAMES,
        "first_name+birth_date+street~sex",
    ]
    recipes = [parse_recipe(text) for text in texts]
    assert recapturing(recipes, [5, 4, 3, 2, 1], range(5)) == [0, 3, 4]
    assert recapturing(recipes, [5, 4, 3, 2, 1], [1, 3]) == [3]
    found = recall_of_all(Estimate(0.9, 0.85, 0.95), 900, 950)
    assert found is not None
    assert found.value == pytest.approx(0.95)
    assert recall_of_all(None, 900, 950) is None
