"""Share: of people for whom a boolean column or a condition holds, among those of whom it can be said; with Wilson's interval."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from tallystick.core.linkage.quality.intervals import wilson
from tallystick.core.measure import Detail, Exact, Measure, Undefined
from tallystick.core.moments import Moment, Sum


class ShareMeasure(Measure):
    """p = Σx / n, with x 1 where it holds, and n the people of whom it can be said.

    Beside it stand Σx and Wilson's score interval at 95 % (z the normal distribution's 97.5 % point):

        (p + z²/2n ± z·√(p·(1 - p)/n + z²/4n²)) / (1 + z²/n)

    It says the part of its people for whom the statement would hold were they a sample; it is not about errors of linkage.

    Reference: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """

    name = "share"
    kinds = frozenset({"boolean"})
    decimals = 3
    meaning = 'share of people for whom a boolean column or a condition holds: `{of: "GROUP.COLUMN >= 2500"}`'
    note = (
        "people of whom it cannot be said are left out; their number is shown. With how many, and a 95 % interval (Wilson); hidden where "
        "few are in it, or few are not"
    )

    def moments(self, columns: tuple[str, ...]) -> tuple[Moment, ...]:
        """Give Σx, and of how many it can be said."""
        return (Sum(columns), self.rests_on(columns))

    def value(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact]) -> Fraction | Undefined:
        """Give p; nothing where it can be said of nobody."""
        n = opened[self.rests_on(columns)]
        return Fraction(opened[Sum(columns)]) / n if n else Undefined()

    def detail(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact]) -> Mapping[str, Detail]:
        """Give how many, and the interval."""
        held, n = opened[Sum(columns)], opened[self.rests_on(columns)]
        low, high = wilson(int(held), int(n))
        return {"held": int(held), "low": low, "high": high}

    def format_detail(self, value: float, detail: Mapping[str, Any]) -> str:
        """Write it as a percentage with its interval and how many."""
        if not detail:
            return f"{value:.1%}"
        return f"{value:.1%} ({detail['low']:.1%} to {detail['high']:.1%}; {detail['held']:,})"
