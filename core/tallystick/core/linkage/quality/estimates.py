"""How good a linkage is, without knowing the truth: expected accidental links, and the matches that no pass found.

**Precision.** Two people of one list are two people. So how often two of them share a token says how often two different people
do: of C(n, 2) pairs of a list's own people with a token at a pass, D share it there and at no stricter pass, so the chance is
D / C(n, 2) over both lists. Where rows that a pass could link are still free when it has made its links, free x free x chance of
its links are expected to be accidental. The idea is that of T. Blakely and C. Salmond, "Probabilistic record linkage and a method
to calculate the positive predictive value", Int. J. Epidemiol. 31 (2002) 1246: links that must be false, since a person has one
record, tell of those that may be. Which pairs are two people: `facts.py`. What contradicts tells two people apart: two who share a number
and have unlike first names count, as numbers that are lent within a family do. Where one list alone shows many such pairs, it decides
(`_lent`). A pair that nothing tells apart and that agrees in more bits than the list has pairs is rather one person twice: the estimate
leaves it out, the lower end of its interval takes it in if the excess is below `SAME` bits. Of pairs that share a pass's fields its guards
leave a share. The interval is that of a weighted sum of Poisson counts (M. P. Fay and E. J. Feuer, Stat. Med. 16, 1997).

**Recall.** For two rows of one person, what agrees is taken as independent between identifiers (SSN, first name, last name, birth
date, address, …: I. P. Fellegi and A. B. Sunter, JASA 64, 1969), not within one: of each identifier, every set of its fields that
can agree together has a probability of its own. A pass coincides where all its fields agree. Which passes coincide is seen for a
link, and not seen for a pair where none does. The probabilities are fitted to what is seen by EM (A. P. Dempster, N. M. Laird and
D. B. Rubin, JRSS B 39, 1977); the share of pairs with something to see is the recall (the conditional estimator of a population's
size: L. Sanathanan, Ann. Math. Statist. 43, 1972). For two passes that share no identifier it is capture and recapture as Lincoln
and Petersen had it. The interval is a grouped jackknife on the logarithm of the odds of being missed. Errors that come together
(who has no number is misspelt too) make recall read too high.

All this is computed from which tags coincide, and from counts that each list's owner has: a job can have it as a rehearsal does.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import reduce
from math import comb, exp, log, sqrt
from typing import Final

import numpy as np
import numpy.typing as npt

from tallystick.core.linkage.passes.recipes import Recipe
from tallystick.core.linkage.quality.agreement import close_patterns, coinciding, identifiers_of
from tallystick.core.linkage.quality.intervals import Z, compute_poisson_interval
from tallystick.crypto.passes import FIRST

SAME: Final = 10.0
"""Bits above those of a list's pairs: fewer than one such pair in a thousand lists would be chance."""
MOST_STATES: Final = 100_000
MOST_PASSES: Final = 40
_SELDOM_APART: Final = ("~sex", "~generation")
GROUPS: Final = 20
ROUNDS: Final = 400
FEWEST: Final = 50
"""Links without which recall is not estimated."""

Bools = npt.NDArray[np.bool_]
Int64s = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A figure with its interval of 95 %."""

    value: float
    low: float
    high: float

    def json_value(self) -> dict[str, float]:
        """Give it for programs."""
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class Lookalikes:
    """Pairs of one list's own people that share a token at a pass and at no stricter one.

    Attributes:
        certain: by pass, pairs that agree in fewer bits than the list has pairs: chance alone makes some.
        doubtful: by pass, pairs that agree in up to `SAME` bits more: one person twice, or two who are much alike.
    """

    certain: tuple[int, ...]
    doubtful: tuple[int, ...]


def precision(
    links: Sequence[int],
    free: Sequence[tuple[int, int]],
    alike: tuple[Lookalikes, Lookalikes],
    tokens: Sequence[tuple[int, int]],
    shares: Sequence[float] | None = None,
) -> tuple[Estimate, list[float]]:
    """Estimate which share of the links is true.

    Args:
        links: made, by pass.
        free: by pass, rows of each list that have a token there and no link after it.
        alike: of each list.
        tokens: by pass, people of each list who have what it takes, shared or not.
        shares: by pass, the share of pairs that its guards leave; None: all of them.

    Returns:
        The estimate, and the expected accidental links of each pass. The estimate takes `certain` pairs for two people; its lower
        end takes the doubtful ones for two people as well.
    """
    left = [1.0] * len(links) if shares is None else shares
    pairs = [comb(a, 2) + comb(b, 2) for a, b in tokens]
    # a pass that links nobody, as one that is left out, makes no accidental link either
    weights = [
        a * b * share / of if of and made else 0.0 for (a, b), of, made, share in zip(free, pairs, links, left, strict=True)
    ]
    certain = [one + two for one, two in zip(*(side.certain for side in alike), strict=True)]
    all_ = [n + one + two for n, one, two in zip(certain, *(side.doubtful for side in alike), strict=True)]
    lent = [_lent(step, free[step], alike, tokens[step]) * left[step] for step in range(len(links))]
    wrong = [
        min(max(weight * count, more), made) for weight, count, more, made in zip(weights, certain, lent, links, strict=True)
    ]
    total = sum(links)
    if not total:
        return Estimate(1.0, 0.0, 1.0), wrong
    value = 1 - sum(wrong) / total
    low, high = compute_poisson_interval(weights, certain)[0], compute_poisson_interval(weights, all_)[1]
    if any(more > weight * count for weight, count, more in zip(weights, certain, lent, strict=True)):
        high = max(high, *(_highest(free, side, [of[at] for of in tokens], weights, left) for at, side in enumerate(alike)))
    return Estimate(value, max(0.0, min(value, 1 - high / total)), max(value, 1 - low / total)), wrong


def _lent(step: int, free: tuple[int, int], alike: tuple[Lookalikes, Lookalikes], tokens: tuple[int, int]) -> float:
    """Give the accidental links of a pass by the list that shows most look-alikes, two standard deviations below what it shows.

    Numbers that are lent within a family stand twice in one list (of wages) and never in the other (of who was given them).
    """
    chances = [
        (side.certain[step] - 2 * sqrt(side.certain[step])) / comb(people, 2)
        for side, people in zip(alike, tokens, strict=True)
        if comb(people, 2)
    ]
    return free[0] * free[1] * max([0.0, *chances])


def recapturing(recipes: Sequence[Recipe], links: Sequence[float], made: Collection[int]) -> list[int]:
    """Give the passes from which recall is told, in order: those that recapture each other's people, as many as can be fitted.

    Passes with guards are left out, for people who have what a guard takes are not seen there (but for guards that hardly ever differ
    between two records of one person); so are those of other spellings, those that
    take different fields of the two lists, and those that were not made. Of the rest come those with most links first.

    Args:
        recipes: the exact passes.
        links: of each.
        made: which of them were made.
    """
    able = [
        step
        for step in sorted(made)
        if all(guard.text in _SELDOM_APART for guard in recipes[step].guards)
        and recipes[step].spelling == FIRST
        and not any(part.other for part in recipes[step].parts)
    ]
    chosen: list[int] = []
    for step in sorted(able, key=lambda at: -links[at]):
        shape = [float(len(one.states)) for one in identifiers_of([recipes[at] for at in (*chosen, step)])]
        if np.prod(shape) <= MOST_STATES and len(chosen) < MOST_PASSES:
            chosen.append(step)
    return sorted(chosen)


def recall_of_all(found: Estimate | None, seen: float, links: float) -> Estimate | None:
    """Give the recall of all exact passes from that of those which recapture: the others find some of whom these miss.

    Args:
        found: of the passes that recapture.
        seen: links that coincide at one of these.
        links: of all exact passes.
    """
    if found is None or seen <= 0:
        return None
    more = max(1.0, links / seen)
    return Estimate(*(min(1.0, part * more) for part in (found.value, found.low, found.high)))


def _highest(
    free: Sequence[tuple[int, int]], side: Lookalikes, people: Sequence[int], weights: Sequence[float], shares: Sequence[float]
) -> float:
    """Give the upper end of all passes' accidental links by one list's look-alikes alone."""
    alone = [
        a * b * share / comb(of, 2) if weight and comb(of, 2) else 0.0
        for (a, b), of, weight, share in zip(free, people, weights, shares, strict=True)
    ]
    counts = [one + two for one, two in zip(side.certain, side.doubtful, strict=True)]
    return compute_poisson_interval(alone, counts)[1]


@dataclass(frozen=True)
class Decoys:
    """Links of made-up people among those that recall is estimated from.

    Attributes:
        patterns: (passes, shapes): at which passes they coincide.
        weights: (shapes,): how many are expected of each.
    """

    patterns: Bools
    weights: Floats


def recall(patterns: Bools, recipes: Sequence[Recipe], wrong: Sequence[float], decoys: Decoys | None = None) -> Estimate | None:
    """Estimate which share of the true matches was linked.

    Args:
        patterns: (passes, links): at which passes each link's rows coincide; at one at least.
        recipes: the passes, strict to loose.
        wrong: expected accidental links of each pass.
        decoys: to be taken away from the links, as many of each pattern as are expected.

    Returns:
        The estimate; None where there are too few links, too many states, or nothing to tell what was missed: when no two passes
        are apart in an identifier.
    """
    observed = patterns.shape[1]
    links = observed - (0.0 if decoys is None else float(decoys.weights.sum()))
    if links < FEWEST:
        return None
    model = _Model.of(recipes)
    if model is None:
        return None
    first = np.argmax(patterns, axis=0)
    made = np.bincount(first, minlength=len(recipes))
    weight = (1 - np.asarray(wrong) / np.maximum(made, 1))[first]
    part = np.arange(observed) % GROUPS
    less = np.zeros(model.classes)
    aside_less = 0.0
    if decoys is not None and len(decoys.weights):
        codes, fits = model.classes_of(close_patterns(decoys.patterns, recipes))
        less = model.add_up(codes[fits], decoys.weights[fits])
        aside_less = float(decoys.weights[~fits].sum())
    codes, fits = model.classes_of(close_patterns(patterns, recipes))
    found = model.add_up(codes[fits], weight[fits])
    aside = max(0.0, float(weight[~fits].sum()) - aside_less)
    counts = np.maximum(found - less, 0.0)
    if not counts.any() or not model.tells():
        return None
    whole, theta = model.fit(counts, None, ROUNDS)
    tried = []
    for group in range(GROUPS):
        out = model.add_up(codes[fits & (part == group)], weight[fits & (part == group)])
        rest = np.maximum(found - out - less * (1 - 1 / GROUPS), 0.0)
        seen, _ = model.fit(rest, theta, ROUNDS // 8)
        tried.append(_odds(seen, rest.sum(), aside * (1 - 1 / GROUPS)))
    centre = _odds(whole, counts.sum(), aside)
    jackknife = (GROUPS - 1) / GROUPS * sum((one - np.mean(tried)) ** 2 for one in tried)
    spread = sqrt(jackknife + exp(-centre) / links)  # the second: as many are missed as happens, around what is expected
    return Estimate(*(1 / (1 + exp(centre + side * Z * spread)) for side in (0, 1, -1)))


def _odds(seen: float, fitted: float, aside: float) -> float:
    """Give the logarithm of missed to found."""
    missed = fitted * (1 - seen) / seen
    return log(max(missed, 0.5) / (fitted + aside))


class _Model:
    """All joint states of the identifiers, and the pattern of passes that each shows."""

    def __init__(self, shape: tuple[int, ...], index: Int64s, codes: list[int], alone: list[tuple[int, ...]]) -> None:
        self._shape, self._index, self._codes, self._uses = shape, index, codes, alone
        self.classes = len(codes)

    @classmethod
    def of(cls, recipes: Sequence[Recipe]) -> _Model | None:
        identifiers = identifiers_of(recipes)
        shape = tuple(len(one.states) for one in identifiers)
        if np.prod([float(size) for size in shape]) > MOST_STATES or len(recipes) > 62:
            return None
        code = np.zeros(shape, dtype=np.int64)
        uses = []
        for step, by_identifier in enumerate(coinciding(recipes, identifiers)):
            code |= reduce(np.logical_and.outer, by_identifier).astype(np.int64) << step
            uses.append(tuple(at for at, flags in enumerate(by_identifier) if not flags.all()))
        codes, index = np.unique(code, return_inverse=True)
        return cls(shape, index.reshape(-1), codes.tolist(), uses)

    def tells(self) -> bool:
        """Tell whether something is seen where an identifier does not agree, whichever it is."""
        return not set.intersection(*(set(use) for use in self._uses))

    def classes_of(self, patterns: Bools) -> tuple[Int64s, Bools]:
        """Give each link's class, and which links show a pattern that the model knows."""
        codes = (patterns.astype(np.int64) << np.arange(len(patterns), dtype=np.int64)[:, None]).sum(axis=0)
        at = np.minimum(np.searchsorted(self._codes, codes), self.classes - 1)
        return at, np.asarray(self._codes, dtype=np.int64)[at] == codes

    def add_up(self, classes: Int64s, weight: Floats) -> Floats:
        """Add up weights by class."""
        return np.asarray(np.bincount(classes, weights=weight, minlength=self.classes), dtype=np.float64)

    def fit(self, counts: Floats, start: list[Floats] | None, rounds: int) -> tuple[float, list[Floats]]:
        """Fit by EM; give the share of pairs that show something, and each identifier's probabilities."""
        theta = start or [_first(size) for size in self._shape]
        hidden = self._codes[0] == 0
        seen = 1.0
        for _ in range(rounds):
            joint = reduce(np.multiply.outer, theta).reshape(-1)
            share = np.bincount(self._index, weights=joint, minlength=self.classes)
            before, seen = seen, float(share[hidden:].sum())
            scale = np.divide(counts, share, out=np.zeros_like(share), where=share > 0)
            if hidden:
                scale[0] = counts.sum() / max(seen, 1e-12)
            weight = (joint * scale[self._index]).reshape(self._shape)
            axes = range(len(self._shape))
            theta = [weight.sum(axis=tuple(other for other in axes if other != axis)) for axis in axes]
            theta = [one / one.sum() for one in theta]
            if abs(before - seen) < 1e-9:
                break
        return seen, theta


def _first(size: int) -> Floats:
    """Give a start: nine in ten agree in everything, all else is alike."""
    start = np.full(size, 0.1 / max(size - 1, 1))
    start[-1] = 0.9 if size > 1 else 1.0
    return start
