"""Intervals for shares and counts."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Final

Z: Final = 1.959963984540054
"""Of a two-sided interval of 95 %."""


def wilson(hits: float, trials: float) -> tuple[float, float]:
    """Give Wilson's score interval of a share (E. B. Wilson, JASA 22, 1927); (0, 1) without trials."""
    if trials <= 0:
        return 0.0, 1.0
    share = hits / trials
    scale = 1 + Z * Z / trials
    centre = share + Z * Z / (2 * trials)
    reach = Z * sqrt(share * (1 - share) / trials + Z * Z / (4 * trials * trials))
    return max(0.0, (centre - reach) / scale), min(1.0, (centre + reach) / scale)


def compute_poisson_interval(weights: Sequence[float], counts: Sequence[int]) -> tuple[float, float]:
    """Give an interval of a sum of Poisson means times weights (M. P. Fay and E. J. Feuer, Stat. Med. 16, 1997), gamma by Wilson-Hilferty."""
    total = sum(w * n for w, n in zip(weights, counts, strict=True))
    variance = sum(w * w * n for w, n in zip(weights, counts, strict=True))
    most = max(weights, default=0.0)
    if most == 0:
        return 0.0, 0.0
    low = _gamma(total * total / variance, -Z) * variance / total if total > 0 else 0.0
    above, spread = total + most, variance + most * most
    return low, _gamma(above * above / spread, Z) * spread / above


def _gamma(shape: float, z: float) -> float:
    """Give a quantile of the gamma distribution of scale 1 (E. B. Wilson and M. M. Hilferty, PNAS 17, 1931)."""
    return float(max(0.0, shape * (1 - 1 / (9 * shape) + z / (3 * sqrt(shape))) ** 3))
