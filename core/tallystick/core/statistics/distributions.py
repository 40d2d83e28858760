"""Student's t, chi-square and the normal distribution: tails and quantiles, to 13 digits, or 8 where there are millions of degrees of freedom.

By the regularised incomplete beta and gamma functions, as series and continued fractions evaluated by Lentz's method.

Reference: Abramowitz, Stegun, "Handbook of Mathematical Functions", 1964: 6.5.29, 6.5.31, 26.5.8, 26.7.1; Lentz, Applied Optics 15 (1976).
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp, inf, lgamma, log, sqrt
from statistics import NormalDist
from typing import Final

_TINY: Final = 1e-300
_STEP: Final = 1e-16
_MOST: Final = 100_000
LEVEL: Final = 0.95
"""Of every interval."""


def compute_t_tails(t: float, freedom: float) -> float:
    """Give the chance of a value of Student's t as far from 0 as `t`, or farther, on either side.

    Args:
        t: a value.
        freedom: degrees of freedom, above 0; not always whole.
    """
    whole = freedom + t * t
    return _compute_beta(freedom / 2, 0.5, freedom / whole, t * t / whole)


def find_t_quantile(freedom: float, level: float = LEVEL) -> float:
    """Give the value that Student's t is within, on both sides of 0, with a chance of `level`.

    Args:
        freedom: degrees of freedom, above 0.
        level: between 0 and 1.
    """
    low, high = 0.0, 1.0
    while compute_t_tails(high, freedom) > 1 - level:
        low, high = high, 2 * high
    while low < (middle := (low + high) / 2) < high:
        if compute_t_tails(middle, freedom) > 1 - level:
            low = middle
        else:
            high = middle
    return high


def compute_normal_tails(z: float) -> float:
    """Give the chance of a normal value as far from 0 as `z`, or farther, on either side."""
    return 2 * NormalDist().cdf(-abs(z))


def compute_chi_square_tail(value: float, freedom: int) -> float:
    """Give the chance of a chi-square value of `value` or more.

    Args:
        value: 0 or more.
        freedom: degrees of freedom, 1 or more.
    """
    if value <= 0:
        return 1.0
    a, x = freedom / 2, value / 2
    front = exp(a * log(x) - x - lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        for step in range(1, _MOST):
            term *= x / (a + step)
            total += term
            if term < total * _STEP:
                break
        return 1 - front * total
    return front * _evaluate_fraction(lambda step: (1.0 if step == 0 else -step * (step - a), x + 2 * step + 1 - a))


def _compute_beta(a: float, b: float, x: float, rest: float) -> float:
    """Give the regularised incomplete beta function I_x(a, b); `rest` is 1 - x, which may be told more exactly than it follows."""
    if x <= 0 or rest <= 0:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - _compute_beta(b, a, rest, x)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(rest)) / a

    def part(step: int) -> tuple[float, float]:
        if step == 0:
            return 1.0, 1.0
        m, odd = divmod(step, 2)
        if odd:
            return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)), 1.0
        return m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)), 1.0

    return front * _evaluate_fraction(part)


def _evaluate_fraction(part: Callable[[int], tuple[float, float]]) -> float:
    """Evaluate a0 / (b0 + a1 / (b1 + a2 / …)), of which `part` gives (a, b) of each step."""
    value, c, d = _TINY, _TINY, 0.0
    for step in range(_MOST):
        a, b = part(step)
        d = 1 / ((b + a * d) or _TINY)
        c = (b + a / c) or _TINY
        value *= c * d
        if step and abs(c * d - 1) < _STEP * 4:
            break
    return value


def compare_means(difference: float, error: float, freedom: float) -> dict[str, float | None]:
    """Give what stands beside an estimate: its standard error, t, p and interval.

    Args:
        difference: the estimate.
        error: its standard error.
        freedom: degrees of freedom; infinite where the normal distribution is used.
    """
    if error <= 0:
        return {"se": error, "df": freedom, "t": None, "p": None, "low": difference, "high": difference}
    t = difference / error
    reach = (NormalDist().inv_cdf((1 + LEVEL) / 2) if freedom == inf else find_t_quantile(freedom)) * error
    p = compute_normal_tails(t) if freedom == inf else compute_t_tails(t, freedom)
    return {"se": error, "df": freedom, "t": t, "p": p, "low": difference - reach, "high": difference + reach}


def take_root(value: float) -> float:
    """Give the root of a number that rounding may have made less than 0."""
    return sqrt(max(0.0, value))
