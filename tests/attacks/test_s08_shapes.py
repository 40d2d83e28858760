"""S-08: a finer look at a ladder: not how many match first at a pass, but how many of these coincide at which looser passes.

`crypto/decoys.py` says by how much each such count is blurred; here the counts are made by the real lists, and the target, whose
surname is another one in the second list, is looked for among the pairs that miss the same passes.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import numpy as np
import numpy.typing as npt

from tallystick.crypto.composition import greatest_advantage
from tallystick.crypto.decoys import coins, decoy_shapes
from tallystick.crypto.randomness import SeededRandomness
from tests.attacks.fortnight import DAYS, Seen, digests_of, keys, people, run, same_question, terms
from tests.passes import ladder_of

LADDER: Final = ("ssn+birth_date", "ssn+last_name:4", "ssn+first_name:1")
M: Final = 1024
TRIALS: Final = 800
SECRETS: Final = 40
SHAPE: Final = (True, False, True)
"""At which passes the target and its other self coincide: the surname is missing."""


def test_s08_a_shape_is_blurred_by_the_decoys_that_have_it() -> None:
    under = terms(decoys=96, link=LADDER)
    for day, target_in in enumerate((True, False)):
        contract = same_question(under)[day]
        first, second = people(24, 6, target_in=target_in)
        changed = second["last_name"].copy()
        changed[6] = "OTHERNAME"  # the target's row in the second list, or the stranger's
        seen = run(contract, under, (first, {**second, "last_name": changed}), coin_keys=(b"k" * 32, b"q" * 32))
        digest = bytes.fromhex(contract.digest())
        one, two = (coins(key * 32, digest, LADDER[0], 96) for key in (b"k", b"q"))
        shapes = decoy_shapes(seen.secret, LADDER[0], ladder_of(LADDER), 96)
        alike = (shapes[:, one & two] == np.array(SHAPE)[:, None]).all(axis=0)
        assert shapes_seen(seen).count(SHAPE) == alike.sum() + target_in
        assert shapes_seen(seen).count((True,) * 3) == shapes[:, one & two].all(axis=0).sum() + 6


def shapes_seen(seen: Seen) -> list[tuple[bool, ...]]:
    """Give, for every pair that the coordinator links, at which passes its tags coincide."""
    rows = seen.matches.pairs(0, 1)
    same = (seen.tags[0][:, rows[0]] == seen.tags[1][:, rows[1]]).all(axis=2)
    return [tuple(bool(flag) for flag in pair) for pair in same.T]


def test_s08_two_weeks_of_a_shapes_counts_stay_within_its_bound() -> None:
    """A shape at two looser passes: 1/32 of the decoys have it, so far less hides it than the count of its pass."""
    under = terms(decoys=M, link=LADDER)
    digests = digests_of(same_question(under))
    # shapes of forty job secrets of each job: making them takes longest
    secrets = [[SeededRandomness(digest + bytes([n])).take(32) for n in range(SECRETS)] for digest in digests]
    alike = [[_with_shape(secret) for secret in those] for those in secrets]
    noise = np.empty((TRIALS, DAYS), dtype=np.int64)
    for trial in range(TRIALS):
        one, two = keys(trial)
        for day, digest in enumerate(digests):
            both = coins(one, digest, LADDER[0], M) & coins(two, digest, LADDER[0], M)
            noise[trial, day] = int((both & alike[day][(trial + 7 * day) % SECRETS]).sum())
    with np.errstate(divide="ignore"):
        scores = [np.log(_ratio(noise + more, 1 / 32)).sum(axis=1) for more in (1, 0)]
    found = float((scores[0] > 0).mean() - (scores[1] > 0).mean())
    bound = greatest_advantage(M, Fraction(1, 32), DAYS)
    assert abs(found - bound) <= 4 * np.sqrt(bound * (1 - bound) / TRIALS)
    assert bound > 2 * greatest_advantage(M, Fraction(1, 4), DAYS)


def test_a_shape_over_a_whole_ladder_is_hardly_blurred() -> None:
    """The limit that SECURITY.md names: of 17 looser passes, next to no decoy has the same ones as a given pair."""
    assert greatest_advantage(M, Fraction(1, 2 ** (17 + 3)), 1) > 0.99


def _with_shape(secret: bytes) -> npt.NDArray[np.bool_]:
    """Tell which decoys of the first pass have the shape, whoever includes them."""
    return np.asarray(
        (decoy_shapes(secret, LADDER[0], ladder_of(LADDER), M) == np.array(SHAPE)[:, None]).all(axis=0), dtype=np.bool_
    )


def _ratio(seen: npt.NDArray[np.int64], q: float) -> npt.NDArray[np.float64]:
    """Give P(seen - 1) / P(seen) of Binomial(M, q): how much likelier a count is where the target is in it."""
    return np.asarray(seen * (1 - q) / ((M - seen + 1) * q), dtype=np.float64)
