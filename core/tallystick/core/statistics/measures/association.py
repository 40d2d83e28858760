"""Association: of two booleans or conditions, by the table of the four ways to have them."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import exp, log, sqrt
from typing import Any

from tallystick.core.linkage.quality.intervals import Z
from tallystick.core.measure import Detail, Exact, Measure, Undefined
from tallystick.core.moments import Moment, Sum
from tallystick.core.statistics.distributions import compute_chi_square_tail


class AssociationMeasure(Measure):
    """V = √(χ² / n), Cramér's, with χ² = n·(ad - bc)² / ((a + b)·(c + d)·(a + c)·(b + d)), over people who have both.

    a have both, b the first alone, c the second alone and d neither. Of a table of two by two V is |φ|. With χ² (Pearson's, without
    Yates's correction), its p on one degree of freedom, the four numbers, and the odds ratio ad / bc with Woolf's interval at 95 %,
    exp(log(ad / bc) ± z·√(1/a + 1/b + 1/c + 1/d)); where one of the four is 0 there is no odds ratio. χ² is doubtful where a cell is
    expected to have fewer than five people.

    Reference: Cramér, "Mathematical Methods of Statistics", Princeton 1946, §21.9, §30.5; Woolf, Annals of Human Genetics 19 (1955).
    """

    name = "association"
    arity = 2
    kinds = frozenset({"boolean"})
    decimals = 3
    meaning = "Cramér's V of two booleans or conditions: `[GROUP.COLUMN, GROUP.COLUMN]`"
    note = (
        "over people of whom both can be said; with chi-square and p, the four numbers of people, and the odds ratio with a 95 % interval "
        "(Woolf). Hidden where one of the four is small. Of more levels than two, see a cross-tab by `by`"
    )

    def moments(self, columns: tuple[str, ...]) -> tuple[Moment, ...]:
        """Give n, how many have each and how many have both."""
        x, y = columns
        return (*(Sum(way, columns) for way in ((x,), (y,), (x, y))), self.rests_on(columns))

    def value(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact]) -> float | Undefined:
        """Give V."""
        a, b, c, d = self._cells(columns, opened)
        if not (a + b) * (c + d) * (a + c) * (b + d):
            return Undefined("one of the columns has one value alone")
        return sqrt(Fraction((a * d - b * c) ** 2, (a + b) * (c + d) * (a + c) * (b + d)))

    def detail(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact]) -> Mapping[str, Detail]:
        """Give chi-square and p, the four numbers, and the odds ratio with its interval."""
        a, b, c, d = cells = self._cells(columns, opened)
        n = sum(cells)
        square = float(Fraction(n * (a * d - b * c) ** 2, (a + b) * (c + d) * (a + c) * (b + d)))
        told: dict[str, Detail] = {"both": a, "first_alone": b, "second_alone": c, "neither": d}
        told |= {"chi_square": square, "p": compute_chi_square_tail(square, 1)}
        if not all(cells):
            return told
        ratio, reach = Fraction(a * d, b * c), Z * sqrt(sum(1 / cell for cell in cells))
        return told | {"odds_ratio": ratio, "odds_low": exp(log(ratio) - reach), "odds_high": exp(log(ratio) + reach)}

    def format_detail(self, value: float, detail: Mapping[str, Any]) -> str:
        """Write it with chi-square, p and the odds ratio."""
        if not detail:
            return self.format_value(value)
        odds = f"; odds ratio {detail['odds_ratio']:.2f}" if "odds_ratio" in detail else ""
        return f"{value:.3f} (chi-square {detail['chi_square']:.2f}, p = {detail['p']:.3g}{odds})"

    def _cells(self, columns: tuple[str, ...], opened: Mapping[Moment, Exact]) -> tuple[int, int, int, int]:
        x, y = columns
        n, first, second, both = (
            int(opened[one]) for one in (self.rests_on(columns), *(Sum(way, columns) for way in ((x,), (y,), (x, y))))
        )
        return both, first - both, second - both, n - first - second + both
