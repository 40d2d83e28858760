"""The coordinator's part of a job's linkage report: what only it can count, because it alone sees which tags coincide.

It goes to the desk as the message `report` (docs/protocol.md §6), under the coordinator's signature, bound to the job, the attempt
and the linkage passes. It holds the links of each pass, decoys among them, and an estimate of recall.

**Links.** Of the m decoys of a pass each makes a link there with probability 1/4 (`crypto/decoys.py`), so a pass with n links has
about n - m/4 people, with a standard deviation of √(3m/16).

**Recall** is estimated from which exact passes coincide for the links (`estimates.py`). Decoys stand among them and cannot be told
apart, but what they look like is public: of a pass's m/4 half are whole, and coincide at every looser pass; the others at each looser
one by a fair coin. So as many links of each shape are taken away as decoys are expected to have, and the interval, a jackknife
over the links, holds the chance in how many there were. Where decoys outnumber people by more than `CROWDED` to one, nothing is said.
Passes of other spellings, with guards, and those that were not made are left out: they recapture nobody independently.

Security: decoys blur links by pass for the coordinator alone. The desk opens the matches of all passes together exactly, so it knows
how many links are decoys in all: with one pass nothing is blurred for it, with several the division among passes is. A desk that brings
data knows also its own coins. Recall is one figure fitted to all patterns together, in whole thousandths.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, sqrt
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tallystick.core.canonical import canonical_bytes
from tallystick.core.errors import Broken, Invalid
from tallystick.core.linkage.matching.matching import Matches, Tags
from tallystick.core.linkage.passes.recipes import Recipe
from tallystick.core.linkage.passes.rounds import Rounds
from tallystick.core.linkage.quality.estimates import Bools, Decoys, Estimate, recall, recall_of_all, recapturing
from tallystick.crypto.passes import FIRST
from tallystick.crypto.randomness import SeededRandomness

MAX_BYTES: Final = 64 * 1024
THOUSAND: Final = 1000
CROWDED: Final = 4
"""Decoys for each linked person up to which recall is estimated."""
PAIR: Final = 2
_DRAWN: Final = 400
"""Shapes drawn for the damaged decoys of each pass; a multiple of 8."""


@dataclass(frozen=True)
class LinkageCounts:
    """What the coordinator counted.

    Attributes:
        links: made at each pass, decoys among them.
        recall: estimated; None where nothing tells what was missed.
    """

    links: tuple[int, ...]
    recall: Estimate | None

    def people(self, decoys: int, lists: int = 2) -> tuple[float, ...]:
        """Give the people whom each pass linked, as well as can be told; of more than two lists, the links of two rows.

        A pass without a link was left out, where there are decoys; as many of its decoys as have a token there are linked by the next one.
        """
        each = decoys * decoy_links(lists)[0]
        found: list[float] = []
        waiting = rest = 0.0  # whole decoys of passes left out, and damaged ones, of whom a half have a token at the next
        for made in self.links:
            if not made:
                waiting += each / 2
                rest += each / 2
                found.append(0.0)
                continue
            found.append(max(0.0, made - each - waiting - rest / 2))
            waiting, rest = 0.0, rest / 2
        return tuple(found)


def spread(decoys: int, lists: int = 2) -> float:
    """Give the standard deviation of a pass's links around its people: of two lists, of Binomial(decoys, 1/4)."""
    return sqrt(decoys * decoy_links(lists)[1])


def decoy_links(lists: int) -> tuple[float, float]:
    """Give mean and variance of the links that one decoy makes: each list has it with probability 1/2, and k of them are k - 1 links."""
    chances = [(max(0, have - 1), comb(lists, have) / 2**lists) for have in range(lists + 1)]
    mean = sum(links * chance for links, chance in chances)
    return mean, sum(links**2 * chance for links, chance in chances) - mean**2


def count_links(
    tags: Sequence[Tags], matches: Matches, exact: Sequence[Recipe], decoys: int, rounds: Rounds | None = None
) -> LinkageCounts:
    """Count what the coordinator's part says. Of more than two lists recall is not told: passes recapture people of each two differently.

    A similarity pass links no decoy that coincides in fewer bands than its last round asked for. As many as are expected are
    counted with its links, so that a quarter of the decoys is among those of any pass.

    Args:
        tags: of each list, (passes, rows, 16); exact passes first.
        matches: what they gave.
        exact: the exact passes, strict to loose.
        decoys: m.
        rounds: of the similarity pass; None without one.
    """
    if len(tags) > PAIR:
        return LinkageCounts(matches.links, None)
    a, b = matches.pairs(0, 1)
    chosen = recapturing(exact, matches.links, matches.made)
    patterns = np.empty((len(chosen), len(a)), dtype=np.bool_)
    every = np.zeros(len(a), dtype=np.bool_)
    for step in range(len(exact)):
        if step in matches.made:
            one, two = (np.ascontiguousarray(side[step]).view(np.uint64).reshape(-1, 2) for side in tags)
            alike = (one[a] == two[b]).all(axis=1)
            every |= alike
            if step in chosen:
                patterns[chosen.index(step)] = alike
    left_out = [step for step in range(len(exact)) if step not in chosen]
    others = [step for step, recipe in enumerate(exact) if recipe.spelling != FIRST]
    among = decoy_patterns(len(exact), decoys, others, left_out)
    patterns = patterns[:, patterns.any(axis=0)]  # the others are of passes that recapture nobody
    people = patterns.shape[1] - float(among.weights.sum())
    told = None
    if people * (1 + CROWDED) >= patterns.shape[1] and chosen:
        found = recall(patterns, [exact[step] for step in chosen], [0.0] * len(chosen), among)
        told = recall_of_all(found, people, float(every.sum()) - expect_linked_decoys(matches.made, decoys))
    links = matches.links
    if rounds is not None:
        links = (*links[:-1], links[-1] + round(rounds.decoys_left(matches.fewest)))
    return LinkageCounts(links, told)


def expect_linked_decoys(made: Sequence[int], decoys: int) -> float:
    """Give how many decoys of exact passes are expected to be linked between two lists, where these passes were made.

    Those of a pass that was left out are linked at a looser one where they have a token: half at every looser one, the others at each by a
    fair coin.
    """
    steps = sorted(made)
    total = len(steps) * decoys / 4
    for own in range(max(steps, default=-1) + 1):
        if own not in steps:
            looser = sum(step > own for step in steps)
            total += decoys / 8 * ((looser > 0) + 1 - 0.5**looser)
    return total


def decoy_patterns(passes: int, decoys: int, others: Sequence[int] = (), left_out: Sequence[int] | None = None) -> Decoys:
    """Give the patterns of passes at which decoys coincide, and how many links of each are expected.

    Of damaged decoys some patterns stand for all: drawn with a fixed seed, for nothing here is secret.

    Args:
        passes: how many.
        decoys: m.
        others: passes of other spellings: their own decoys are never whole.
        left_out: passes that are left out of the patterns; None: those of other spellings.
    """
    away = others if left_out is None else left_out
    drawn = SeededRandomness(b"decoy patterns")
    shapes: list[Bools] = []
    weights: list[npt.NDArray[np.float64]] = []
    for own in range(passes):
        looser = passes - own - 1
        coins = np.unpackbits(np.frombuffer(drawn.take(looser * _DRAWN // 8), dtype=np.uint8))
        damaged = coins.reshape(looser, _DRAWN).astype(np.bool_) if looser else np.empty((0, 0), dtype=np.bool_)
        block = np.zeros((passes, 1 + damaged.shape[1]), dtype=np.bool_)
        block[own:, 0] = True
        block[own, :] = True
        block[own + 1 :, 1:] = damaged
        weight = np.full(block.shape[1], decoys / 4 / 2 / max(damaged.shape[1], 1))
        weight[0] = decoys / 4 / (2 if damaged.shape[1] else 1)
        if own in others:
            weight = np.full(block.shape[1], decoys / 4 / max(damaged.shape[1], 1))
            weight[0] = 0
        shapes.append(block)
        weights.append(weight)
    if not shapes or not decoys:
        return Decoys(np.zeros((passes - len(away), 0), dtype=np.bool_), np.zeros(0))
    every, expected = np.delete(np.concatenate(shapes, axis=1), away, axis=0), np.concatenate(weights)
    some = every.any(axis=0) & (expected > 0)
    return Decoys(every[:, some], expected[some])


def encode_report(part: LinkageCounts, *, job: bytes, attempt: int, passes: str) -> bytes:
    """Give the message's bytes: canonical JSON.

    Args:
        part: what was counted.
        job: the job's digest.
        attempt: of the job.
        passes: the digest of the linkage passes.
    """
    recalled = None
    if part.recall is not None:
        recalled = [round(number * THOUSAND) for number in (part.recall.value, part.recall.low, part.recall.high)]
    return canonical_bytes({
        "job": job.hex(), "attempt": attempt, "passes": passes, "links": list(part.links), "recall": recalled,
    })  # fmt: skip


def read_seen(data: bytes, *, job: bytes, attempt: int, passes: str, count: int) -> LinkageCounts:
    """Read the message, if it is of this job, attempt and passes.

    Args:
        data: the message.
        job: the job's digest.
        attempt: of the job.
        passes: the digest of the linkage passes.
        count: how many passes there are, the bands of a similarity pass counted as one.

    Raises:
        Broken: `protocol-broken`: it is not, or no report at all.
    """
    try:
        value: Any = json.loads(data) if len(data) <= MAX_BYTES else None
        same = canonical_bytes(value) == data and value.keys() == {"job", "attempt", "passes", "links", "recall"}
        same = same and (value["job"], value["attempt"], value["passes"]) == (job.hex(), attempt, passes)
        links = [_count(number) for number in value["links"]] if same else []
        told = None if not same or value["recall"] is None else _estimate(value["recall"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, Invalid):
        links = []
    if len(links) != count:
        raise Broken("protocol-broken", "the coordinator's part of the linkage report is malformed, or of another job")
    return LinkageCounts(tuple(links), told)


def _count(number: object) -> int:
    if type(number) is not int or not 0 <= number < 1 << 40:
        raise ValueError("not a count")
    return number


def _estimate(numbers: Sequence[int]) -> Estimate:
    value, low, high = numbers
    if not all(type(number) is int for number in numbers) or not 0 <= low <= value <= high <= THOUSAND:
        raise ValueError("an estimate that is none")
    return Estimate(value / THOUSAND, low / THOUSAND, high / THOUSAND)
