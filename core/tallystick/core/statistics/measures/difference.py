"""Difference: of a column's means between two arms, with standard error, interval and p."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tallystick.core.measure import NUMERIC, Detail, Exact, Measure, Undefined
from tallystick.core.moments import Moment, Sum
from tallystick.core.statistics.distributions import compare_means, take_root


@dataclass(frozen=True)
class Arm:
    """People, the sum of their values and that of squares."""

    n: Exact
    total: Exact
    squares: Exact

    @property
    def mean(self) -> Fraction:
        """The mean of one arm or the other; somebody is in it."""
        return Fraction(self.total) / self.n

    @property
    def spread(self) -> Fraction:
        """s² / n of two people or more."""
        return (self.n * self.squares - Fraction(self.total) * self.total) / (self.n * self.n * (self.n - 1))


class DifferenceMeasure(Measure):
    """d = ȳ₁ - ȳ₀: the mean of the second column where the first, a boolean, is true, less that where it is false.

    Of two booleans it is the difference of shares. Beside it stand both arms' people and means and, where both have two people, by Welch,

        s(d) = √(s₁²/n₁ + s₀²/n₀)        df = s(d)⁴ / ((s₁²/n₁)²/(n₁ - 1) + (s₀²/n₀)²/(n₀ - 1))

    t = d / s(d), its two-sided p and the interval at 95 % by Student's t. The arms need not have equal variances. As an estimate of an
    effect it is the intention to treat, if the boolean says who was assigned; errors of linkage that differ by arm bias it, so look at match
    rates by arm (`by: [GROUP.ARM]`, `keep: GROUP`).

    Reference: Welch, "The generalization of Student's problem when several different population variances are involved", Biometrika 34
    (1947).
    """

    name = "difference"
    arity = 2
    meaning = "the second column's mean where the first, a boolean or a condition, is true, less that where it is false"
    note = (
        "`[ARM, OUTCOME]`, over people who have both; with both means, standard error, 95 % interval and p (Welch). Hidden where few people "
        "are in an arm; of a boolean outcome also where few of an arm have it or lack it"
    )

    def takes_kind(self, place: int, kind: str) -> bool:
        """Tell whether a column may be of a type: the first says in which arm somebody is."""
        return kind in ({"boolean"} if place == 0 else NUMERIC)

    def moments(self, columns: tuple[str, ...]) -> tuple[Moment, ...]:
        """Give n, Σa, Σy, Σay, Σy² and Σay², over people who have both."""
        a, y = columns
        ways = ((a,), (y,), (a, y), (y, y), (a, y, y))
        return (*(Sum(way, columns) for way in ways), self.rests_on(columns))

    def value(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact]) -> Fraction | Undefined:
        """Give d."""
        treated, others = self._arms(columns, opened)
        if not treated.n or not others.n:
            return Undefined("nobody is in one of the arms")
        return treated.mean - others.mean

    def detail(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact]) -> Mapping[str, Detail]:
        """Give the arms and, where both have two people, the standard error, t, p and the interval."""
        arms = self._arms(columns, opened)
        treated, others = arms
        told: dict[str, Detail] = {
            "n_true": treated.n,
            "n_false": others.n,
            "mean_true": treated.mean,
            "mean_false": others.mean,
        }
        if min(treated.n, others.n) < 2:
            return told
        spreads = [arm.spread for arm in arms]
        both = sum(spreads, Fraction(0))
        if not both:
            return told
        freedom = both * both / sum(spread * spread / (arm.n - 1) for spread, arm in zip(spreads, arms, strict=True))
        return told | compare_means(float(treated.mean - others.mean), take_root(float(both)), float(freedom))

    def format_detail(self, value: float, detail: Mapping[str, Any]) -> str:
        """Write it with its interval and p."""
        if detail.get("p") is None:
            return self.format_value(value)
        return f"{value:,.3f} ({detail['low']:,.3f} to {detail['high']:,.3f}; p = {detail['p']:.3g})"

    def _arms(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact]) -> tuple[Arm, Arm]:
        a, y = columns
        n = opened[self.rests_on(columns)]
        inside = Arm(*(opened[Sum(way, columns)] for way in ((a,), (a, y), (a, y, y))))
        return inside, Arm(
            n - inside.n, opened[Sum((y,), columns)] - inside.total, opened[Sum((y, y), columns)] - inside.squares
        )
