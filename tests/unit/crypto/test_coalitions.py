"""S-05: no set of agencies without the coordinator holds two lists under the same masks.

Two to five agencies run the ring with plain functions. Everything that the members of a coalition saw is brought to a common
form, by taking their own scalars away, and compared across lists. A person whom all agencies know is planted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest

from tallystick.crypto import kernel, masks, tags
from tallystick.crypto.points import find_repeated, random_points
from tallystick.crypto.randomness import SeededRandomness, SystemRandomness
from tests.passes import ladder_of

Multiply = Callable[[int, bytes], bytes]
Points = npt.NDArray[np.uint8]
JOB = b"j" * 32
ROWS = 3


@dataclass
class Ring:
    """One run. `seen[agency]` holds (owner, scalars applied so far, points) of each list that passed through it."""

    names: tuple[str, ...]
    ring_scalar: dict[str, int] = field(default_factory=dict)
    own_scalar: dict[str, int] = field(default_factory=dict)
    correction: dict[str, bytes] = field(default_factory=dict)
    planted: dict[str, int] = field(default_factory=dict)
    seen: dict[str, list[tuple[str, tuple[str, ...], Points]]] = field(default_factory=dict)
    final: dict[str, Points] = field(default_factory=dict)

    def others(self, owner: str) -> tuple[str, ...]:
        at = self.names.index(owner)
        return self.names[at + 1 :] + self.names[:at]


def _number(scalar: bytes) -> int:
    return int.from_bytes(scalar, "little")


def _run(names: tuple[str, ...], *, second_scalars: bool) -> Ring:
    ring = Ring(names)
    scalars: dict[str, bytes] = {}
    lists: dict[str, tags.OwnList] = {}
    secret = tags.job_secret({name: SystemRandomness().take(32) for name in names}, JOB, 1)
    for name in names:
        k = own = masks.new_scalar(SystemRandomness())
        if second_scalars:
            k, own, ring.correction[name] = masks.split_scalar(SystemRandomness())
        scalars[name], ring.ring_scalar[name], ring.own_scalar[name] = k, _number(k), _number(own)
        people = [b"everybody's", *(f"{name} {i}".encode() for i in range(ROWS - 1))]
        offsets = np.concatenate(([0], np.cumsum([len(person) for person in people]))).astype(np.int64)
        column = tags.TokenColumn(b"".join(people), offsets, np.ones(ROWS, dtype=np.bool_))
        lists[name] = tags.own_list(
            {"ssn": column},
            ROWS,
            ladder=ladder_of(["ssn"]),
            secret=secret,
            job_digest=JOB,
            coin_key=b"",
            decoys=0,
            scalar=own,
            randomness=SystemRandomness(),
        )
        ring.planted[name] = int(np.flatnonzero(lists[name].persons == 0)[0])
        ring.seen[name] = []
    for owner in names:
        points = cast("Points", lists[owner].points[0])
        for at, name in enumerate(ring.others(owner)):
            ring.seen[name].append((owner, ring.others(owner)[:at], points))
            points = kernel.mask(scalars[name], points)
        ring.final[owner] = points
    return ring


def _stripped(ring: Ring, coalition: tuple[str, ...], multiply: Multiply) -> dict[str, set[bytes]]:
    """Give all values that a coalition saw of each list, without the coalition's own scalars."""
    values: dict[str, set[bytes]] = {name: set() for name in ring.names}
    for member in coalition:
        for owner, applied, points in ring.seen[member]:
            known = [ring.ring_scalar[name] for name in applied if name in coalition]
            if owner in coalition:
                known.append(ring.own_scalar[owner])
            inverse = 1
            for scalar in known:
                inverse = inverse * pow(scalar, -1, masks.L) % masks.L
            values[owner] |= {multiply(inverse, row.tobytes()) for row in points}
    return values


def _equal(ring: Ring, multiply: Multiply) -> Iterator[tuple[tuple[str, ...], int]]:
    """Give, for each coalition, how many values coincide between lists that are not both its own."""
    for size in range(1, len(ring.names) + 1):
        for coalition in combinations(ring.names, size):
            values = _stripped(ring, coalition, multiply)
            pairs = [pair for pair in combinations(ring.names, 2) if not set(pair) <= set(coalition)]
            yield coalition, sum(len(values[a] & values[b]) for a, b in pairs)


AGENCIES = ("east", "north", "south", "west", "zenith")


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_s05_no_coalition_without_the_coordinator_can_compare_lists(count: int, multiply: Multiply) -> None:
    ring = _run(AGENCIES[:count], second_scalars=count > 2)
    assert [found for found in _equal(ring, multiply) if found[1]] == []


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_s05_the_coordinator_finds_the_planted_match_and_no_other(count: int) -> None:
    ring = _run(AGENCIES[:count], second_scalars=count > 2)
    made = {}
    for owner, points in ring.final.items():
        if count > 2:
            one = tags.correct_tags(points[None], ring.correction[owner], job_digest=JOB, passes=("ssn",), sender=owner)
            made[owner] = one[0]
        else:
            made[owner] = tags.compute_tags(points, JOB, "ssn")
    found = find_repeated(np.concatenate(list(made.values()))).reshape(count, ROWS)
    for row, owner in zip(found, made, strict=True):
        assert np.flatnonzero(row).tolist() == [ring.planted[owner]]
    assert len({made[owner][ring.planted[owner]].tobytes() for owner in made}) == 1


def test_s05_without_second_scalars_two_agencies_of_three_could_compare(multiply: Multiply) -> None:
    """The attack that the second scalars stop: what makes the tests above able to fail."""
    found = dict(_equal(_run(AGENCIES[:3], second_scalars=False), multiply))
    assert all(found[pair] > 0 for pair in combinations(AGENCIES[:3], 2))


def test_s05_stripping_takes_a_scalar_away(multiply: Multiply) -> None:
    scalar = masks.new_scalar(SystemRandomness())
    points = random_points(SeededRandomness(b"strip"), 2)
    inverse = pow(_number(scalar), -1, masks.L)
    assert [multiply(inverse, row.tobytes()) for row in kernel.mask(scalar, points)] == [row.tobytes() for row in points]
