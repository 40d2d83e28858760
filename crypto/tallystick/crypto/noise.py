"""Discrete Laplace noise, drawn exactly: integers alone, no floating point, so a value's probability is what the formula says.

DLap(t), t a positive rational, has P(x) = (1 - q)/(1 + q)·q^|x| with q = e^(-1/t). The sampler is that of Canonne, Kamath and Steinke, "The
discrete Gaussian for differential privacy", NeurIPS 2020, algorithms 1 and 2, which reduce it to fair coins:

1. Bernoulli(e^(-g)), 0 <= g <= 1: draw Bernoulli(g/k) for k = 1, 2, …; the first 0 comes at k with probability g^(k-1)/(k-1)! - g^k/k!, so
   at an odd k with probability 1 - g + g²/2! - … = e^(-g).
2. With t = n/d in lowest terms: u uniform in [0, n), kept with probability e^(-u/n); v the number of Bernoulli(e^(-1)) that are 1 before
   the first 0. Then x = u + n·v has P(x) ∝ e^(-x/n), and ⌊x/d⌋ has P(y) ∝ e^(-y·d/n). A fair sign, with -0 drawn anew, makes it two-sided.

Adding DLap(Δ/ε) to each of several integers that one change moves by Δ in all (the sum of absolute differences) is ε-differentially
private: the probability of an outcome changes by a factor of at most q^(-Δ) = e^ε. Taking the noisy number modulo anything afterwards
changes nothing of that, so no tail is cut off.

Security: as secret as its randomness. How long a draw takes depends on what is drawn.
"""

from __future__ import annotations

from fractions import Fraction
from math import exp, expm1
from typing import Final

from tallystick.crypto.randomness import Randomness, uniform_below

TAIL: Final = 46
"""|DLap(t)| is TAIL·t or more with a probability below 2·e^-46, which is below 2^-65."""


def draw_discrete_laplace(randomness: Randomness, scale: Fraction) -> int:
    """Give one value of DLap(scale). Pre-condition: scale > 0."""
    n, d = scale.numerator, scale.denominator
    while True:
        u = uniform_below(randomness, n)
        if not _flip_exponential(randomness, u, n):
            continue
        v = 0
        while _flip_exponential(randomness, 1, 1):
            v += 1
        magnitude = (u + n * v) // d
        negative = uniform_below(randomness, 2) == 1
        if magnitude or not negative:
            return -magnitude if negative else magnitude


def compute_room(scale: Fraction, draws: int) -> int:
    """Give what the sum of so many draws of DLap(scale) exceeds with a probability below draws·2^-65."""
    return draws * -(-TAIL * scale.numerator // scale.denominator)


def compute_tail(scale: Fraction, draws: int, width: int) -> float:
    """Give the probability that the sum of one or two independent draws of DLap(scale) is farther from 0 than `width`.

    One: 2·q^(w+1)/(1+q). Two: the sum k has probability c·q^|k|·(a + |k|) with c = ((1-q)/(1+q))² and a = (1+q²)/(1-q²), so the tail is
    2c·q^(w+1)·(a/(1-q) + (w+1-w·q)/(1-q)²).

    Args:
        scale: of each draw.
        draws: 1 or 2.
        width: at least 0.
    """
    rate = -float(1 / scale)
    q, less, less_squared = exp(rate), -expm1(rate), -expm1(2 * rate)
    beyond = exp(rate * (width + 1))
    if draws == 1:
        return 2 * beyond / (1 + q)
    c, a = (less / (1 + q)) ** 2, (1 + q * q) / less_squared
    return 2 * c * beyond * (a / less + (1 + width * less) / less**2)


def find_width(scale: Fraction, draws: int, chance: float) -> int:
    """Give the least width that the sum of one or two draws of DLap(scale) exceeds with a probability of at most `chance`."""
    low, high = 0, 1
    while compute_tail(scale, draws, high) > chance:
        high *= 2
    while low < high:
        middle = (low + high) // 2
        if compute_tail(scale, draws, middle) <= chance:
            high = middle
        else:
            low = middle + 1
    return low


def _flip_exponential(randomness: Randomness, n: int, d: int) -> bool:
    """Flip a coin that is heads with probability e^(-n/d). Pre-condition: 0 <= n <= d."""
    k = 1
    while uniform_below(randomness, k * d) < n:
        k += 1
    return k % 2 == 1
