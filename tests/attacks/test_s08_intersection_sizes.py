"""S-08, S-09: intersection sizes of allowed jobs, asked for two weeks, against the bound that the decoys give.

The attacks are those of Guo et al. (USENIX Security 2022) and Jiang et al. (AnonPSI, NDSS 2024): a size with and without one person,
sizes of many overlapping cohorts, the same size again and again. The coordinator reads every job's text and sees every job's
counts, so the attacker here is the coordinator, alone or with what one agency knows. First, by the real lists and tags, that a
count is the truth plus the decoys whose coins fell heads at both nodes; then, by the real coins of thousands of pairs of nodes,
how often the best distinguisher is right.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Final

import numpy as np
import numpy.typing as npt
import pytest

from tallystick.core.agreement.model import Agreement
from tallystick.core.job.model import Job
from tallystick.core.job.passes import passes_of
from tallystick.crypto.composition import greatest_advantage
from tallystick.crypto.decoys import coins
from tallystick.crypto.randomness import SeededRandomness
from tests.attacks.fortnight import (
    DAYS,
    TARGET,
    asked,
    common_decoys,
    digests_of,
    keys,
    ladders_in_turn,
    people,
    run,
    same_question,
    terms,
    with_and_without,
)

QUARTER: Final = Fraction(1, 4)
M: Final = 1024
PASS: Final = "ssn+birth_date"
"""Where the target matches first, under every ladder."""
TRIALS: Final = 1500
KEYS: Final = (b"k" * 32, b"q" * 32)
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Sequence_ = Callable[[Agreement], list[Job]]

SEQUENCES: Final = [same_question, with_and_without, ladders_in_turn]


def log_chances(decoys: int, q: float) -> Floats:
    """Give ln of Binomial(decoys, q)'s chances, with the impossible count -1 at the end, where index -1 finds it."""
    k = np.arange(decoys + 1)
    steps = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, decoys + 1)))])
    logs = steps[-1] - steps - steps[::-1] + k * np.log(q) + (decoys - k) * np.log1p(-q)
    return np.append(logs, -np.inf)


def noise_of(jobs: list[Job], under: Agreement, trials: int = TRIALS) -> Ints:
    """Give the decoys that match in each job at the pass where the target would, for many pairs of nodes: (trials, jobs)."""
    digests = digests_of(jobs)
    return np.array([[common_decoys(digest, under.decoys, PASS, keys(trial)) for digest in digests] for trial in range(trials)])


def advantage(yes_where_true: npt.NDArray[np.bool_], yes_where_not: npt.NDArray[np.bool_]) -> float:
    """Give how much oftener an attacker says "yes" where it is true."""
    return float(yes_where_true.mean() - yes_where_not.mean())


def spread(bound: float, trials: int = TRIALS) -> float:
    """Give four standard deviations of a measured advantage, where both worlds are tried with the same noise."""
    return 4 * float(np.sqrt(bound * (1 - bound) / trials))


# --- what the coordinator sees is the truth and the coins --------------------------------------------------------------------------


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_s08_every_count_of_two_weeks_is_the_truth_and_the_decoys_of_both_coins(sequence: Sequence_) -> None:
    under = terms(decoys=8)
    for target_in in (True, False):
        lists = people(24, 6, target_in=target_in)
        for contract in sequence(under)[:3]:
            left = {name: values[1:] for name, values in lists[0].items()} if "not" in _where(contract) else lists[0]
            seen = run(contract, under, (left, lists[1]), coin_keys=KEYS)
            (digest,) = digests_of([contract])
            passes = passes_of(contract.question, under)
            decoys = [common_decoys(digest, under.decoys, name, KEYS) for name in passes.told]
            # these people match at the strictest pass, or nowhere
            true = 6 + (target_in and left is lists[0])
            assert list(seen.matches.links) == [true + decoys[0], *decoys[1:]]


def test_s08_another_attempt_of_a_job_shows_the_same_counts_and_nothing_else_in_common() -> None:
    under = terms(decoys=16, link=[PASS])
    (contract, *_) = same_question(under)
    first, second, third = (run(contract, under, people(30, 9, target_in=True), coin_keys=KEYS, attempt=n) for n in (1, 2, 3))
    assert first.matches.links == second.matches.links == third.matches.links
    assert not {tag.tobytes() for tag in first.tags[0][0]} & {tag.tobytes() for tag in second.tags[0][0]}


def test_s09_tags_of_two_weeks_of_one_question_have_nothing_in_common() -> None:
    """One person's tags of two jobs cannot be joined, so counts are all that a sequence adds up."""
    under = terms(decoys=4, link=[PASS])
    seen = [
        {tag.tobytes() for tag in side[0]}
        for contract in same_question(under)
        for side in run(contract, under, people(20, 5, target_in=True), coin_keys=KEYS).tags[:1]
    ]
    assert len(set.union(*seen)) == sum(len(tags) for tags in seen) > DAYS * 20


def test_s08_the_coordinators_counts_are_binomial() -> None:
    """χ² of what 6,000 jobs of pairs of nodes show above the truth, against Binomial(1024, 1/4), 20 cells."""
    under = terms(decoys=M, link=[PASS])
    jobs = same_question(under)
    noise = noise_of(jobs, under, 430).reshape(-1)
    chances = np.exp(log_chances(M, 0.25)[:-1])
    edges = np.searchsorted(np.cumsum(chances), np.linspace(0, 1, 21)[1:-1])
    cell = np.searchsorted(edges, np.arange(M + 1), "left")
    expected = np.bincount(cell, weights=chances) * len(noise)
    observed = np.bincount(cell[noise], minlength=len(expected))
    assert len(expected) == 20
    assert expected.min() > 100
    assert ((observed - expected) ** 2 / expected).sum() < 43.82  # χ² of 19 degrees at p = 0.001


# --- attacks on two weeks of counts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_s08_the_best_distinguisher_of_two_weeks_stays_within_the_bound(sequence: Sequence_) -> None:
    """It knows every other person of both lists, so the true count but for the target: no one can do better (Neyman and Pearson)."""
    under = terms(decoys=M)
    jobs = sequence(under)
    with_target = [contract for contract in jobs if "not" not in _where(contract)]
    noise = noise_of(with_target, under)
    logs = log_chances(M, 0.25)
    # a count above the rest of the lists: noise + 1 where the target is in both, noise where not
    scores = [(logs[seen - 1] - logs[seen]).sum(axis=1) for seen in (noise + 1, noise)]
    found = advantage(scores[0] > 0, scores[1] > 0)
    bound = greatest_advantage(M, QUARTER, len(with_target))
    assert found <= bound + spread(bound)
    assert found >= bound - spread(bound)  # the attack is the best there is, so it comes close


def test_s08_the_difference_of_sizes_with_and_without_the_target_stays_within_the_bound() -> None:
    """Who does not know the lists compares seven counts with seven: half a person is the threshold."""
    under = terms(decoys=M)
    jobs = with_and_without(under)
    noise = noise_of(jobs, under)
    found = advantage(*((noise[:, ::2] + true - noise[:, 1::2]).mean(axis=1) > 0.5 for true in (1, 0)))
    bound = greatest_advantage(M, QUARTER, 7)
    assert 0 < found <= bound + spread(bound)


def test_s08_the_same_attacks_succeed_where_decoys_are_few_or_none() -> None:
    """They are no straw men: without decoys they are always right, and 16 decoys are far from 1,024."""
    bound = greatest_advantage(M, QUARTER, 7)
    for decoys, least in ((0, 1.0), (16, bound + spread(bound, 400))):
        under = terms(decoys=decoys)
        noise = noise_of(with_and_without(under), under, 400)
        found = advantage(*((noise[:, ::2] + true - noise[:, 1::2]).mean(axis=1) > 0.5 for true in (1, 0)))
        assert found >= least


def test_s08_overlapping_cohorts_do_not_tell_who_is_a_member() -> None:
    """Fourteen cohorts of thirteen targets in ever other halves, solved as equations: exact without decoys, within the bound with."""
    draws = np.frombuffer(SeededRandomness(b"cohorts").take(8 * (DAYS - 1) * DAYS), dtype="<u8").reshape(DAYS, DAYS - 1)
    design = np.concatenate(
        [np.ones((DAYS, 1)), draws % 2], axis=1
    )  # the first column: everybody else, whose number is unknown
    assert np.linalg.matrix_rank(design) == DAYS
    asks = int(design[:, 1:].sum(axis=0).max())
    for decoys in (0, M):
        under = terms(decoys=decoys)
        noise = noise_of(same_question(under), under, 600)
        members = np.frombuffer(SeededRandomness(b"members").take(600 * (DAYS - 1)), dtype=np.uint8).reshape(600, -1) % 2
        sizes = 200 + members @ design[:, 1:].T + noise
        said = np.linalg.solve(design, sizes.T)[1:].T > 0.5
        found = advantage(said[members == 1], said[members == 0])
        if decoys:
            # each target is tried in one world only
            assert found <= greatest_advantage(M, QUARTER, asks) + 4 * float(np.sqrt(1 / members.size))
        else:
            assert found == 1.0


# --- with what one agency knows ----------------------------------------------------------------------------------------------------


def test_s08_who_knows_one_agencys_coins_stays_within_their_bound() -> None:
    """The noise is then of the other's coins alone, over the decoys that this agency included."""
    under = terms(decoys=M, link=[PASS])
    digests = digests_of(same_question(under))
    scores: list[list[float]] = [[], []]
    included = []
    for trial in range(TRIALS):
        one, two = keys(trial)
        mine = [coins(one, digest, PASS, M) for digest in digests]
        theirs = [coins(two, digest, PASS, M) for digest in digests]
        held = np.array([int(a.sum()) for a in mine])
        both = np.array([int((a & b).sum()) for a, b in zip(mine, theirs, strict=True)])
        included.append(int(held.min()))
        for at, seen in enumerate((both + 1, both)):
            # of fair coins, P(seen - 1) / P(seen) = seen / (held - seen + 1)
            with np.errstate(divide="ignore"):
                scores[at].append(float((np.log(seen) - np.log(held - seen + 1)).sum()))
    found = advantage(*(np.array(score) > 0 for score in scores))
    bound = greatest_advantage(min(included), Fraction(1, 2), DAYS)
    assert 0 < found <= bound + spread(bound)


def test_an_agency_that_gives_the_coordinator_the_order_of_its_list_gives_away_who_of_its_people_matched() -> None:
    """The limit that SECURITY.md and every job's leakage statement name: decoys do not hide it."""
    under = terms(decoys=64, link=[PASS])
    contract = asked(under, 0)
    for target_in in (True, False):
        seen = run(contract, under, people(30, 9, target_in=target_in), coin_keys=KEYS)
        matched_people = set(seen.persons[0][seen.matches.cluster[0] >= 0].tolist()) - {-1}
        assert matched_people == set(range(1, 10)) | ({TARGET} if target_in else set())


def _where(contract: Job) -> str:
    return contract.question.people["tanf"].where or ""
