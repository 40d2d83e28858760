"""S-08 for the similarity pass: what the coordinator sees of many jobs over the same people is the truth and decoys, as many as stated.

The real coins, shapes, lists and matching; SHA-256 in the curve's place, for what is counted here are rows.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest

from tallystick.core.linkage.matching.matching import Matches, match_tags
from tallystick.core.linkage.passes.rounds import Rounds
from tallystick.crypto import kernel, tags
from tallystick.crypto.randomness import SeededRandomness
from tests.passes import ladder_of

Tags = npt.NDArray[np.uint8]
JOBS, DECOYS, BANDS, NEED = 300, 16, 6, 2
EXACT = ("strict", "loose")
TRUE_STRICT, TRUE_SIMILAR = 2, 3

# χ² at p = 0.001
CHI_SQUARE = {2: 13.816, 3: 16.266, 4: 18.467, 5: 20.515, 6: 22.458, 7: 24.322}


@dataclass(frozen=True)
class Seen:
    """One job's tags and matches; and, for the test, which rows of each list are people."""

    lists: tuple[Tags, Tags]
    matches: Matches
    people: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]

    def linked_bands(self, *, decoys: bool) -> list[tuple[int, int]]:
        """Give (exact passes, bands) in which each linked pair coincides; of people, or of decoys."""
        a, b = self.matches.pairs(0, 1)
        kept = self.people[0][a] != decoys
        same = (self.lists[0][:, a[kept]] == self.lists[1][:, b[kept]]).all(axis=2)
        return list(zip(same[: len(EXACT)].sum(axis=0).tolist(), same[len(EXACT) :].sum(axis=0).tolist(), strict=True))


@pytest.fixture(name="view", scope="module")
def coordinators_view() -> list[Seen]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel, "hash_to_curve", cheap_hash)
        patch.setattr(kernel, "mask", lambda scalar, points, workers: points)
        return [job(number) for number in range(JOBS)]


def cheap_hash(dst: bytes, prefix: bytes, data: bytes, offsets: npt.NDArray[np.int64], workers: int = 1) -> Tags:
    """Put SHA-256 in the curve's place."""
    view, ends = memoryview(data), offsets.tolist()
    digests = (hashlib.sha256(prefix + bytes(view[a:b])).digest() for a, b in pairwise(ends))
    return np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(-1, 32)


def people(side: str) -> Mapping[str, tags.TokenColumn]:
    """Give five people: two who match strictly and everywhere, three who coincide in `NEED` bands alone, each in others."""
    who = TRUE_STRICT + TRUE_SIMILAR
    columns = {name: [f"{name} {one if one < TRUE_STRICT else side + str(one)}" for one in range(who)] for name in EXACT}
    for band in range(BANDS):
        shared = [one < TRUE_STRICT or (band - one) % BANDS < NEED for one in range(who)]
        columns[f"band {band}"] = [f"{band} {one if both else side + str(one)}" for one, both in enumerate(shared)]
    return {name: column(tokens) for name, tokens in columns.items()}


def column(tokens: list[str]) -> tags.TokenColumn:
    data = [token.encode() for token in tokens]
    offsets = np.concatenate([[0], np.cumsum([len(token) for token in data])]).astype(np.int64)
    return tags.TokenColumn(b"".join(data), offsets, np.ones(len(data), dtype=np.bool_))


def job(number: int) -> Seen:
    """Run one job's tagging and matching."""
    digest = hashlib.sha256(b"job %d" % number).digest()
    own = [
        tags.own_list(
            tokens, TRUE_STRICT + TRUE_SIMILAR, ladder=ladder_of(list(tokens), bands=BANDS, least=NEED),
            secret=hashlib.sha256(digest).digest(), job_digest=digest,
            coin_key=side.encode() * 32, decoys=DECOYS, scalar=b"", randomness=SeededRandomness(digest + side.encode()),
        )
        for side, tokens in ((side, people(side)) for side in "ab")
    ]  # fmt: skip
    lists = (own[0].points[:, :, :16].copy(), own[1].points[:, :, :16].copy())
    made = own[0].persons != tags.NOBODY, own[1].persons != tags.NOBODY
    return Seen(lists, match_tags(lists, Rounds(BANDS, NEED, NEED, DECOYS)), made)


def chi_square(counts: Counter[int], chances: Mapping[int, float]) -> tuple[float, int]:
    """Give χ² and its degrees of freedom, numbers that are expected fewer than five times put together at each end."""
    total = sum(counts.values())
    cells: list[list[float]] = []
    for value in sorted(chances):
        cell = [float(counts[value]), total * chances[value]]
        if cells and (cells[-1][1] < 5 or total * sum(p for v, p in chances.items() if v >= value) < 5):
            cells[-1] = [cells[-1][0] + cell[0], cells[-1][1] + cell[1]]
        else:
            cells.append(cell)
    assert sum(found for found, _ in cells) == total
    return sum((found - expected) ** 2 / expected for found, expected in cells), len(cells) - 1


def binomial(trials: int, chance: float) -> dict[int, float]:
    return {k: math.comb(trials, k) * chance**k * (1 - chance) ** (trials - k) for k in range(trials + 1)}


def test_s08_links_seen_by_the_similarity_pass_less_the_true_ones_are_a_quarter_of_the_decoys(view: list[Seen]) -> None:
    for step, true in ((0, TRUE_STRICT), (1, 0), (2, TRUE_SIMILAR)):
        noise = Counter(seen.matches.links[step] - true for seen in view)
        found, freedom = chi_square(noise, binomial(DECOYS, 1 / 4))
        assert found < CHI_SQUARE[freedom], (step, noise)
        assert all(seen.matches.ties[step] == 0 for seen in view)


def test_s08_true_pairs_are_linked_in_every_job_whatever_the_decoys(view: list[Seen]) -> None:
    expected = Counter({(len(EXACT), BANDS): TRUE_STRICT, (0, NEED): TRUE_SIMILAR})
    assert all(Counter(seen.linked_bands(decoys=False)) == expected for seen in view)


def test_s08_in_each_number_of_bands_stand_as_many_decoys_as_stated(view: list[Seen]) -> None:
    """Of those that the similarity pass links: Binomial(m, 1/(4·(bands - need + 1))) for each number that links."""
    chance = 1 / (4 * (BANDS - NEED + 1))
    for number in range(NEED, BANDS + 1):
        noise = Counter(seen.linked_bands(decoys=True).count((0, number)) for seen in view)
        found, freedom = chi_square(noise, binomial(DECOYS, chance))
        assert found < CHI_SQUARE[freedom], (number, noise)


def test_s08_of_strict_matches_as_many_decoys_as_stated_miss_the_looser_pass(view: list[Seen]) -> None:
    """A sixteenth of a pass's decoys match there and miss one given looser pass; so a true pair that does is not alone."""
    noise: Counter[int] = Counter()
    for seen in view:
        a, b = seen.matches.pairs(0, 1)
        same = (seen.lists[0][: len(EXACT), a] == seen.lists[1][: len(EXACT), b]).all(axis=2)
        noise[int((same[0] & ~same[1]).sum())] += 1
    found, freedom = chi_square(noise, binomial(DECOYS, 1 / 16))
    assert found < CHI_SQUARE[freedom], noise
