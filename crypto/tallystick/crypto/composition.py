"""What several jobs together say about one person: the counts of a sequence of jobs, each blurred by decoys of its own.

Every job throws its coins anew (`decoys.coins`), so who asks k times about one person gets k counts with independent noise. Of one
count, `decoys.privacy_delta` has the exact figure. Of k, (k·ε, k·δ) always holds, and says nothing for long: here is the figure
itself, from the distribution of the privacy loss (Sommer, Meiser and Mohammadi, PoPETs 2019), which is convolved k times, by fast
Fourier transforms: of several jobs, a δ below 1e-10 cannot be told.

The worst case is meant: the other side knows everything but whether one person is in the other list, and every job's count changes
by one if it is. Losses are rounded up to a grid, and what lies beyond its ends counts as lost or is moved up: so δ errs upward.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from tallystick.crypto.errors import LocalFault

Floats = npt.NDArray[np.float64]

GRID: Final = 2.0**-11
"""Step of the losses: k jobs' ε is at most k steps too large."""

_ROUNDING: Final = 6 * 2.0**-53
"""A convolution by transforms errs by at most this times the bits of their length times both norms, in each place (N. J. Higham,
Accuracy and Stability of Numerical Algorithms, 2nd edition, §24.1)."""

_TAIL: Final = 1e-30
_OF_LOST: Final = 1e-6
"""Probability that is cut off at either end, at each convolution: this much, or this part of what is lost already."""


@dataclass(frozen=True)
class _Losses:
    """A distribution of losses: `chance[i]` of (first + i)·GRID, `lost` of an infinite one."""

    first: int
    chance: Floats = field(repr=False)
    lost: float

    def trim(self) -> _Losses:
        """Drop the ends: what is above counts as lost, what is below as the least loss that is kept."""
        cut = max(_TAIL, _OF_LOST * self.lost)
        low = int(np.searchsorted(np.cumsum(self.chance), cut))
        high = len(self.chance) - int(np.searchsorted(np.cumsum(self.chance[::-1]), cut))
        kept = self.chance[low:high].copy()
        kept[0] += self.chance[:low].sum()
        return _Losses(self.first + low, kept, self.lost + float(self.chance[high:].sum()))

    def after(self, other: _Losses) -> _Losses:
        """Give the sum of two independent losses."""
        size = len(self.chance) + len(other.chance) - 1
        length = 1 << (size - 1).bit_length()
        chance = np.fft.irfft(np.fft.rfft(self.chance, length) * np.fft.rfft(other.chance, length), length)[:size]
        # a transform's rounding, at its bound, counts as lost: δ errs upward here too
        rounding = _ROUNDING * math.log2(length) * float(np.linalg.norm(self.chance) * np.linalg.norm(other.chance)) * size
        lost = self.lost + other.lost - self.lost * other.lost + rounding
        return _Losses(self.first + other.first, np.maximum(chance, 0.0), lost).trim()

    def delta(self, epsilon: float) -> float:
        """Give δ at ε."""
        losses = (self.first + np.arange(len(self.chance))) * GRID
        over = losses > epsilon
        return self.lost + float((self.chance[over] * -np.expm1(epsilon - losses[over])).sum())


def compute_delta(decoys: int, participation: Fraction, jobs: int, epsilon: float) -> float:
    """Give δ such that the counts of `jobs` jobs together are (ε, δ)-private.

    Args:
        decoys: m, of each job's pass.
        participation: the chance that a decoy matches: 1/4; 1/2 to who knows one agency's coins, of the decoys it included.
        jobs: in how many of the counts the person stands, or would.
        epsilon: ε of the whole sequence.

    Raises:
        LocalFault: `privacy-parameters`: no jobs, no decoys, ε negative, or participation outside (0, 1).
    """
    if epsilon < 0:
        raise LocalFault("privacy-parameters", "ε must be at least 0")
    return min(1.0, max(losses.delta(epsilon) for losses in _sequence(decoys, participation, jobs)))


def compute_epsilon(decoys: int, participation: Fraction, jobs: int, delta: float) -> float:
    """Give an ε such that the counts of `jobs` jobs together are (ε, δ)-private: the least on the grid of losses.

    Raises:
        LocalFault: `privacy-parameters`: as `compute_delta`, or no ε has so small a δ.
    """
    both = _sequence(decoys, participation, jobs)
    if max(losses.lost for losses in both) > delta:
        raise LocalFault("privacy-parameters", "so few decoys have no ε for this δ")
    low, high = -1, max(losses.first + len(losses.chance) for losses in both)
    while high - low > 1:
        middle = (low + high) // 2
        fits = max(losses.delta(middle * GRID) for losses in both) <= delta
        low, high = (low, middle) if fits else (middle, high)
    return high * GRID


def greatest_advantage(decoys: int, participation: Fraction, jobs: int) -> float:
    """Give how much better than a coin anyone can tell from the counts of `jobs` jobs whether a person is in the other list.

    It is the total variation distance of the two worlds: the greatest difference between the chances of saying "yes" where it
    is true and where it is not.

    Raises:
        LocalFault: `privacy-parameters`.
    """
    return compute_delta(decoys, participation, jobs, 0.0)


@lru_cache(maxsize=8)
def _sequence(decoys: int, participation: Fraction, jobs: int) -> tuple[_Losses, _Losses]:
    """Give the losses of the whole sequence where the person is in the other list, and where not."""
    if decoys < 1 or jobs < 1 or not 0 < participation < 1:
        raise LocalFault("privacy-parameters", "a sequence needs jobs, decoys, and a participation between 0 and 1")
    k = np.arange(decoys + 1, dtype=np.float64)
    q = float(participation)
    factorials = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, decoys + 1)))])
    logs = factorials[-1] - factorials - factorials[::-1] + k * math.log(q) + (decoys - k) * math.log1p(-q)
    chance = np.exp(logs)
    # N_k / N_(k+1) for a count of k + 1, and N_k / N_(k-1) for one of k; the last and the first have no counterpart
    here = np.log((k[:-1] + 1) * (1 - q)) - np.log((decoys - k[:-1]) * q)
    there = np.log((decoys - k[1:] + 1) * q) - np.log(k[1:] * (1 - q))
    one = _on_grid(here, chance[:-1], float(chance[-1])), _on_grid(there, chance[1:], float(chance[0]))
    return _times(one[0], jobs), _times(one[1], jobs)


def _on_grid(losses: Floats, chance: Floats, lost: float) -> _Losses:
    places = np.ceil(losses / GRID).astype(np.int64)
    first = int(places.min())
    spread = np.zeros(int(places.max()) - first + 1)
    np.add.at(spread, places - first, chance)
    return _Losses(first, spread, lost).trim()


def _times(one: _Losses, jobs: int) -> _Losses:
    """Give the sum of `jobs` independent losses, by doubling."""
    whole: _Losses | None = None
    while jobs:
        if jobs & 1:
            whole = one if whole is None else whole.after(one)
        jobs >>= 1
        if jobs:
            one = one.after(one)
    assert whole is not None
    return whole
