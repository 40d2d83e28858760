"""Tables as an honest coordinator makes them and as others do, and what the decoy audit says of each.

Lists, coins, decoys, matching, slots and the audit's columns are the real ones. SHA-256 stands in the curve's place, and the audit's one
product is multiplied out in the clear, so that thousands of tables can be tried.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tallystick.coordinator.matching import TAG_BYTES, Matches, match_tags
from tallystick.coordinator.slots import assign_slots, shuffle_table
from tallystick.core.linkage.passes.rounds import Rounds
from tallystick.crypto import kernel, tags
from tallystick.crypto.kernel import Points
from tallystick.crypto.modulus import PRIMES
from tallystick.crypto.randomness import SeededRandomness
from tallystick.crypto.statistic.audit import audit_of, drop_left_out
from tests.passes import ladder_of

Bools = npt.NDArray[np.bool_]
Int64s = npt.NDArray[np.int64]
Tokens = Mapping[str, Sequence[str | None]]
Pairs = Sequence[tuple[int, int]]


def cheap_curve(patch: pytest.MonkeyPatch) -> None:
    """Put SHA-256 in the curve's place: what the audit says depends on rows and slots only."""

    def cheap(dst: bytes, prefix: bytes, data: bytes, offsets: Int64s, workers: int = 1) -> Points:
        view, ends = memoryview(data), offsets.tolist()
        digests = (hashlib.sha256(prefix + bytes(view[a:b])).digest() for a, b in pairwise(ends))
        return np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(-1, 32)

    patch.setattr(kernel, "hash_to_curve", cheap)
    patch.setattr(kernel, "mask", lambda scalar, points, workers=1: points)


def token_column(tokens: Sequence[str | None]) -> tags.TokenColumn:
    """Give tokens of people as a list takes them; None is missing."""
    encoded = [(token or "").encode() for token in tokens]
    offsets = np.concatenate([[0], np.cumsum([len(token) for token in encoded])]).astype(np.int64)
    return tags.TokenColumn(b"".join(encoded), offsets, np.array([token is not None for token in tokens], dtype=np.bool_))


@dataclass(frozen=True)
class Lists:
    """The lists of a job, and what an honest coordinator links.

    Attributes:
        own: each agency's.
        matches: as the coordinator finds them.
        known_decoys: decoys of all exact passes.
        left_out: (exact passes,): of which the coordinator says that it left them out.
        bands: whether the job has a similarity pass.
    """

    own: tuple[tags.OwnList, ...]
    matches: Matches
    known_decoys: int
    seed: bytes
    left_out: Bools = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    bands: bool = False

    def pairs(self, one: int = 0, other: int = 1) -> list[tuple[int, int]]:
        """Give the linked rows of two lists."""
        first, second = self.matches.pairs(one, other)
        return list(zip(first.tolist(), second.tolist(), strict=True))

    def of_decoys(self) -> list[bool]:
        """Tell of each linked pair of the first two lists whether it is of decoys of exact passes."""
        return [bool(self.own[0].decoys[a] > tags.NO_DECOY) for a, _ in self.pairs()]

    def free(self, agency: int) -> Int64s:
        """Give the rows of a list that are linked with nothing."""
        return np.flatnonzero(self.matches.cluster[agency] < 0)

    def decoys_of(self, agency: int, said: Bools | None = None) -> Any:
        """Give the decoy of each row as an agency's audit takes it, from what the coordinator says that it left out."""
        own = self.own[agency]
        return drop_left_out(own.decoys, own.held, self.left_out if said is None else said, bands=self.bands)

    def difference(
        self,
        pairs: Pairs | None = None,
        one: int = 0,
        other: int = 1,
        *,
        said: tuple[Bools | None, Bools | None] = (None, None),
    ) -> int:
        """Give what the audit of two agencies opens; of the first two, where the coordinator links these rows in place of the true ones."""
        matches = self.matches
        if pairs is not None:
            clusters = [np.full(own.rows, -1, dtype=np.int64) for own in self.own]
            for number, (a, b) in enumerate(pairs):
                clusters[0][a] = clusters[1][b] = number
            matches = Matches(tuple(clusters), len(pairs), (), ())
        randomness = SeededRandomness(b"slots" + self.seed)
        sizes = [own.rows for own in self.own]
        slots, table = assign_slots(matches, sizes, shuffle_table(sizes, randomness))
        columns = [
            audit_of(
                own.persons,
                self.decoys_of(agency, told),
                at.astype(np.int64),
                table,
                self.known_decoys,
                randomness,
                key=b"",
                encrypts=encrypts,
            ).column[0]
            for agency, own, at, encrypts, told in (
                (one, self.own[one], slots[one], True, said[0]),
                (other, self.own[other], slots[other], False, said[1]),
            )
        ]
        return int(np.sum((columns[0] % PRIMES[0]) * (columns[1] % PRIMES[0]) % PRIMES[0]) % PRIMES[0])


def made_lists(
    people: Sequence[Tokens], *, decoys: int, seed: bytes, bands: int = 0, least: int = 0, made: Sequence[int] | None = None
) -> Lists:
    """Make and match the lists of a job.

    Args:
        people: each agency's tokens by pass, the bands last; the same passes at each.
        decoys: of each pass.
        seed: of everything that is random: job secret, coins, order.
        bands: how many of the passes are bands.
        least: the fewest by which two rows are linked.
        made: the exact passes that the coordinator makes; None: all.
    """
    own = []
    for place, tokens in enumerate(people):
        passes = {name: token_column(values) for name, values in tokens.items()}
        mine = seed + b"%d" % place
        own.append(
            tags.own_list(
                passes, len(next(iter(tokens.values()))), ladder=ladder_of(list(tokens), bands=bands, least=least),
                secret=hashlib.sha256(seed).digest(),
                job_digest=hashlib.sha256(b"job" + seed).digest(), coin_key=hashlib.sha256(b"coins" + mine).digest(), decoys=decoys, scalar=b"",
                randomness=SeededRandomness(b"order" + mine),
            )
        )  # fmt: skip
    lists = [np.ascontiguousarray(one.points[:, :, :TAG_BYTES]) for one in own]
    rounds = Rounds(bands, least, least, decoys) if bands else None
    exact = len(people[0]) - bands
    left_out = np.array([made is not None and step not in made for step in range(exact)], dtype=np.bool_)
    if made is not None:  # a pass that is left out links nothing: as if no two rows had a tag in common there
        for side, tagged in enumerate(lists):
            tagged[:exact][left_out] = np.random.default_rng(side).integers(
                0, 256, tagged[:exact][left_out].shape, dtype=np.uint8
            )
    return Lists(tuple(own), match_tags(lists, rounds), exact * decoys, seed, left_out, bands > 0)
